"""Level facts on rows whose answers are known by hand."""

from __future__ import annotations

import dataclasses
import json
import statistics as plain
from pathlib import Path

import pandas as pd
import pytest

from chimera_pipeline.contracts import validation
from chimera_pipeline.errors import ChimeraError
from chimera_pipeline.facts import build, ids
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.records import Fact
from tests import corpus
from tests.unit.metrics.test_settle import settled


def facts_of(files: dict[str, str | bytes], period: str = "all") -> list[Fact]:
    out = settled(files)
    out["measurements"] = melt(out)
    return build.facts_of(out, period=period)


def only(facts: list[Fact], **wanted: object) -> Fact:
    found = [fact for fact in facts if all(getattr(fact, key) == value for key, value in wanted.items())]
    assert len(found) == 1, [fact.text for fact in found]
    return found[0]


SUITE = {"s.csv": corpus.csv_text(corpus.suite(), corpus.REQUEST_COLUMNS)}
CONDITION = "prompt suite, temperature=0.3"


def test_a_mean_has_n_sd_interval_and_the_rows_it_rests_on() -> None:
    fact = only(facts_of(SUITE), metric="decode_tokens_per_s", statistic="mean", condition=CONDITION)
    rates = [48.0, 49.0, 50.0, 51.0, 52.0]
    assert (fact.value, fact.n, fact.ddof) == (50.0, 5, 1)
    assert fact.sd == pytest.approx(plain.stdev(rates))
    # Student's t with 4 degrees of freedom: 2.776 (any table), sd 1.5811
    assert fact.ci_low == pytest.approx(50 - 2.7764 * 1.58114 / 5**0.5, abs=1e-3)
    assert fact.ci_scope == "within_run"
    assert fact.sources[0].startswith("s.csv#row 1-5@")
    assert fact.entity == "tiny:1b"


def test_throughput_has_mean_and_total_over_total() -> None:
    fact = only(facts_of(SUITE), metric="decode_tokens_per_s", statistic="total_over_total", condition=CONDITION)
    total = sum(100 / rate for rate in (48, 49, 50, 51, 52))
    assert fact.value == pytest.approx(500 / total)


def test_cold_and_warm_times_are_never_pooled_and_one_cold_call_is_no_mean() -> None:
    facts = [fact for fact in facts_of(SUITE) if fact.metric == "ttft_s"]
    cold = only(facts, condition=f"cold, {CONDITION}", statistic="sample")
    assert (cold.statistic, cold.value, cold.n, cold.grade) == ("sample", 2.05, 1, "insufficient")
    warm = only(facts, condition=f"warm, {CONDITION}", statistic="mean")
    assert (warm.value, warm.n, warm.ci_low) == (pytest.approx(0.15), 4, None)
    assert {fact.condition for fact in facts} == {f"cold, {CONDITION}", f"warm, {CONDITION}"}


def test_no_mean_rests_on_one_sample_and_no_tail_on_five(tmp_path: Path) -> None:
    root = corpus.tree(tmp_path)
    facts = facts_of({str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()})
    assert all(fact.n is None or fact.n > 1 for fact in facts if fact.statistic == "mean")
    assert not [fact for fact in facts if fact.statistic in ("p90", "p95", "p99")]


def test_a_tail_appears_where_n_supports_it() -> None:
    rows = [
        corpus.request(prompt_index=i, prompt_text=f"p{i}", tokens_s=50 + i, eval_s=100 / (50 + i)) for i in range(40)
    ]
    facts = facts_of({"s.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})
    shown = {fact.statistic for fact in facts if fact.metric == "decode_tokens_per_s"}
    assert "p90" in shown
    assert "p99" not in shown


def test_failed_requests_enter_no_mean_and_are_facts_of_their_own() -> None:
    rows = [*corpus.suite(), corpus.failed(prompt_index=9)]
    facts = facts_of({"s.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})
    assert only(facts, metric="decode_tokens_per_s", statistic="mean", condition=CONDITION).value == 50.0
    assert only(facts, metric="requests", condition="failed").value == 1
    assert only(facts, metric="requests", condition="all requests").value == 6


def test_what_a_tool_reports_is_graded_reported_with_its_n_and_sd() -> None:
    facts = facts_of({"c.json": corpus.compile_json()})
    fact = only(facts, metric="time_s", statistic="mean", entity="mlp/jit")
    assert (fact.value, fact.n, fact.sd, fact.grade) == (0.001, 10, 0.000125, "reported")
    assert not [fact for fact in facts if fact.entity == "mlp/triton"]


def test_run_means_are_summarised_as_runs_and_their_percentiles_are_not_averaged() -> None:
    runs = [
        {"samples": 20, "mean_ms": m, "stdev_ms": 0.1, "p50_ms": m, "p95_ms": m + 1, "p99_ms": m + 1}
        for m in (10.0, 11.0, 12.0)
    ]
    document = {
        "test_name": "loop",
        "runs": 3,
        "timing_stats": {"run_results": runs},
        "timestamp": 1759186313.0,
    }
    facts = facts_of({"b.json": json.dumps(document)})
    mean = only(facts, metric="time_s", statistic="mean")
    assert (mean.value, mean.n, mean.sd) == (pytest.approx(0.011), 3, pytest.approx(0.001))
    tails = [fact for fact in facts if fact.statistic == "p95"]
    assert sorted(fact.value for fact in tails) == pytest.approx([0.011, 0.012, 0.013])
    assert {fact.grade for fact in tails} == {"reported"}


def test_a_sweep_is_summarised_across_configurations_and_says_so(tmp_path: Path) -> None:
    root = corpus.tree(tmp_path)
    facts = facts_of({"sweep.csv": (root / "november" / "sweep.csv").read_bytes()})
    fact = only(facts, metric="decode_tokens_per_s", statistic="mean")
    assert fact.condition == "parameter sweep, across 4 configurations (num_gpu, temperature)"
    assert (fact.value, fact.n, fact.ci_low) == (41.5, 4, None)


def test_a_period_holds_its_own_rows_alone(tmp_path: Path) -> None:
    root = corpus.tree(tmp_path)
    files = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    october, november = facts_of(files, "2025-10"), facts_of(files, "2025-11")
    assert {fact.period for fact in october} == {"2025-10"}
    assert not [fact for fact in october if "sweep" in fact.condition]
    assert not [fact for fact in november if "prompt suite" in fact.condition]
    assert only(november, metric="files", condition="").value == 1


def test_the_table_keeps_its_contract_and_comes_back_the_same(tmp_path: Path) -> None:
    root = corpus.tree(tmp_path)
    facts = facts_of({str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()})
    frame = build.to_frame(facts)
    assert validation.failures("facts", frame).empty
    assert build.from_frame(frame) == facts
    assert json.loads(b"".join(build.to_json(facts)))["facts"][0]["id"].startswith("f_")


def test_two_values_for_one_key_are_told_apart_by_their_places() -> None:
    fact = only(facts_of(SUITE), metric="decode_tokens_per_s", statistic="mean", condition=CONDITION)
    other = dataclasses.replace(fact, value=fact.value + 1, sources=("t.csv#row 1@0",))
    found = ids.assign([fact, other])
    assert sorted(one.condition for one in found) == [f"{CONDITION}, in s.csv#row 1-5", f"{CONDITION}, in t.csv#row 1"]
    assert len({one.id for one in found}) == 2
    with pytest.raises(ChimeraError, match="two values for one fact"):
        ids.assign([fact, dataclasses.replace(fact, value=fact.value + 1)])


def test_sources_are_ranges_of_places() -> None:
    rows = pd.DataFrame(
        {
            "artifact_path": ["a.csv"] * 4 + ["b.json"] * 3,
            "artifact_sha256": ["0123456789abcdef"] * 7,
            "locator": ["row 1", "row 2", "row 3", "row 9", "/x/0/y", "/x/1/y", "/z"],
        }
    )
    assert ids.sources(rows) == ("a.csv#row 1-3;row 9@0123456789ab", "b.json#/z;/x/0-1/y@0123456789ab")


def test_repeated_runs_are_the_unit_of_replication(tmp_path: Path) -> None:
    """Six runs of five requests each, of which the runs differ more than the requests of one."""
    rates = {f"runs/r{run}.csv": 50.0 + 2.0 * run for run in range(6)}
    files = {
        path: corpus.csv_text(
            corpus.suite("tiny:1b", base, timestamp=f"2025-06-0{1 + place}T12:00:00+00:00"), corpus.REQUEST_COLUMNS
        )
        for place, (path, base) in enumerate(rates.items())
    }
    few = dict(list(files.items())[:2])
    wanted = {"metric": "decode_tokens_per_s", "entity": "tiny:1b", "condition": "warm, prompt suite, temperature=0.3"}
    six, two = facts_of(files), facts_of(few)
    mean = only(six, statistic="mean", **wanted)
    assert (mean.n, mean.ci_scope) == (24, "between_runs")
    assert "6 run means" in str(mean.ci_method)
    between, within = only(six, statistic="between_run_sd", **wanted), only(six, statistic="within_run_sd", **wanted)
    assert between.value > 2 * within.value > 0
    assert only(two, statistic="mean", **wanted).ci_scope == "within_run", "two runs say next to nothing of a third"
    assert only(two, statistic="between_run_sd", **wanted).n == 8
    one = facts_of(dict(list(files.items())[:1]))
    assert not [fact for fact in one if fact.statistic == "between_run_sd"]
