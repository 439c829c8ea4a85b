"""The report that this product replaces, held against facts taken from the files it was written about.

The facts are made here with csv and json alone, so that this test depends on no other stage. Needs ../shared/data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chimera_pipeline.audit import AuditResult, CheckedClaim, Verdict, audit
from chimera_pipeline.audit.facts_read import facts_from_rows

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (DATA / "seed").is_dir(), reason="../shared/data is not here"),
]
FAILED_FILE = "csv_data/baseline_test_results_1759098967.json"
OTHER_BENCHMARK = "csv_data/baselines/comprehensive_baseline_1759186313.json"


def _files() -> list[dict[str, Any]]:
    """Counts of the benchmark files, by kind."""
    root = DATA / "chimera"
    kinds = {"csv": "csv", "json": "json", "md": "markdown"}
    found = [
        path.suffix[1:] for folder in ("reports", "csv_data") for path in (root / folder).rglob("*") if path.is_file()
    ]
    counts = {name: found.count(suffix) for suffix, name in kinds.items()}
    rows = [_count(f"{name} files", value) for name, value in counts.items()]
    return [_count("", sum(counts.values())), *rows]


def _count(condition: str, value: int) -> dict[str, Any]:
    return {
        "metric": "files",
        "statistic": "count",
        "entity": "artifacts",
        "condition": condition,
        "value": value,
        "unit": "files",
        "n": value,
    }


def _failed_file() -> list[dict[str, Any]]:
    """The file in which one request of five survived."""
    document = json.loads((DATA / "chimera" / FAILED_FILE).read_text(encoding="utf-8"))
    ok = [row for row in document["results"] if row["success"]]
    about = {"entity": "baseline_test_results_1759098967"}
    return [
        {
            **about,
            "metric": "end_to_end_tokens_per_s",
            "statistic": "sample",
            "value": row["tokens_per_second"],
            "unit": "tokens/s",
            "n": 1,
        }
        for row in ok
    ] + [
        {
            **about,
            "metric": "requests",
            "statistic": "count",
            "condition": name,
            "value": value,
            "unit": "requests",
            "n": value,
        }
        for name, value in (("all requests", len(document["results"])), ("failed", len(document["results"]) - len(ok)))
    ]


def _other_benchmark() -> list[dict[str, Any]]:
    """The middle of three run means, which that file calls p50."""
    text = (DATA / "chimera" / OTHER_BENCHMARK).read_text(encoding="utf-8")
    value = next(number for number in _numbers(json.loads(text)) if abs(number - 15.502165) < 1e-6)
    return [
        {
            "metric": "time_s",
            "statistic": "median",
            "entity": "comprehensive_baseline",
            "condition": "run means",
            "value": value,
            "unit": "ms",
            "n": 3,
        }
    ]


def _numbers(node: Any) -> list[float]:
    if isinstance(node, dict):
        return [number for value in node.values() for number in _numbers(value)]
    if isinstance(node, list):
        return [number for value in node for number in _numbers(value)]
    return [node] if isinstance(node, float) else []


@pytest.fixture(scope="module")
def result() -> AuditResult:
    (seed,) = (DATA / "seed").glob("*.txt")
    text = seed.read_text(encoding="utf-8", errors="replace")
    return audit(text, facts_from_rows([*_files(), *_failed_file(), *_other_benchmark()]))


def _claims(result: AuditResult, printed: str) -> list[CheckedClaim]:
    found = [claim for claim in result.claims if claim.printed.split(" ")[0] == printed]
    assert found, f"{printed} was not found as a claim"
    return found


def test_the_average_is_named_as_one_sample_of_a_file_where_4_of_5_requests_failed(result: AuditResult) -> None:
    (claim,) = _claims(result, "14.1063399")
    assert claim.verdict is not Verdict.SUPPORTED
    assert "one sample" in claim.reason
    assert "4 of its 5 requests failed" in claim.reason
    assert [rival.entity for rival in claim.rivals] == ["baseline_test_results_1759098967"]


def test_the_percentile_is_named_as_another_benchmark_s(result: AuditResult) -> None:
    (claim,) = _claims(result, "15.502165")
    assert claim.verdict is not Verdict.SUPPORTED
    assert "comprehensive_baseline" in claim.reason


@pytest.mark.parametrize("printed", ["20.123456", "25.678901", "0.0001234", "0.0002345", "1.234567"])
def test_invented_numbers_are_unsupported_and_occur_nowhere(result: AuditResult, printed: str) -> None:
    for claim in _claims(result, printed):
        assert claim.verdict is Verdict.UNSUPPORTED
        assert claim.rivals == ()


def test_the_number_of_files_is_supported(result: AuditResult) -> None:
    assert {claim.verdict for claim in _claims(result, "101")} == {Verdict.SUPPORTED}
    assert len(_claims(result, "101")) == 2


def test_counts_by_type_are_supported_where_they_are_stated() -> None:
    known = facts_from_rows(_files())
    text = "101 files were analysed.\n\n- CSV Files (28)\n- JSON Files (44)\n- MARKDOWN Files (29)\n"
    checked = audit(text, known)
    assert (checked.verdict, checked.numbers) == (Verdict.SUPPORTED, 4)
    assert audit(text.replace("44", "45"), known).verdict is Verdict.CONTRADICTED


def test_chance_alone_would_pass_almost_nothing(result: AuditResult) -> None:
    assert result.chance_rate is not None
    assert result.chance_rate < 0.01
