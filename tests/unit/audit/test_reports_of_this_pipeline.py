"""Sentences and tables as this pipeline's own reports word them, against facts as its table has them."""

from __future__ import annotations

import pytest

from chimera_pipeline.audit import FactView, Verdict, audit, gate
from chimera_pipeline.audit.facts_read import facts_from_rows

SUITE = "prompt suite, num_ctx=1024, temperature=0, threads=2"
ROWS = [
    {
        "id": "f1",
        "kind": "level",
        "metric": "decode_tokens_per_s",
        "statistic": "mean",
        "entity": "nova3:latest",
        "condition": SUITE,
        "value": 98.437,
        "unit": "tokens/s",
        "n": 6,
        "sd": 1.213,
        "ci_low": 97.164,
        "ci_high": 99.71,
    },
    {
        "id": "f2",
        "kind": "level",
        "metric": "decode_tokens_per_s",
        "statistic": "total_over_total",
        "entity": "nova3:latest",
        "condition": SUITE,
        "value": 97.9,
        "unit": "tokens/s",
        "n": 6,
    },
    {
        "id": "f3",
        "kind": "level",
        "metric": "decode_tokens_per_s",
        "statistic": "mean",
        "entity": "nova3:latest",
        "condition": f"warm, {SUITE}",
        "value": 99.2,
        "unit": "tokens/s",
        "n": 5,
    },
    {
        "id": "f4",
        "kind": "level",
        "metric": "ttft_s",
        "statistic": "sample",
        "entity": "nova3:latest",
        "condition": f"cold, {SUITE}",
        "value": 1.846,
        "unit": "s",
        "n": 1,
    },
    {
        "id": "f5",
        "kind": "level",
        "metric": "ttft_s",
        "statistic": "mean",
        "entity": "nova3:latest",
        "condition": f"warm, {SUITE}",
        "value": 0.1385,
        "unit": "s",
        "n": 5,
        "sd": 0.004,
    },
    {
        "id": "f6",
        "kind": "comparison",
        "metric": "ttft_s",
        "statistic": "ratio",
        "entity": "nova3:latest",
        "condition": "warm, temperature=0.8, over 3 configurations",
        "baseline": "nova3:latest (warm, temperature=0, over 3 configurations)",
        "value": 0.7007,
        "effect": 0.7007,
        "unit": "ratio",
        "n": 57,
        "ci_low": 0.597,
        "ci_high": 0.857,
        "p_value": 0.0001,
        "q_value": 0.00039,
        "verdict": "improvement",
    },
    {
        "id": "f7",
        "kind": "inventory",
        "metric": "files",
        "statistic": "count",
        "entity": "artifacts",
        "condition": "",
        "value": 64,
        "unit": "files",
        "n": 64,
    },
    {
        "id": "f8",
        "kind": "inventory",
        "metric": "files",
        "statistic": "count",
        "entity": "artifacts",
        "condition": "benchmark files (csv, json and markdown)",
        "value": 61,
        "unit": "files",
        "n": 61,
    },
    {
        "id": "f9",
        "kind": "inventory",
        "metric": "files",
        "statistic": "count",
        "entity": "artifacts",
        "condition": "status duplicate",
        "value": 12,
        "unit": "files",
        "n": 12,
    },
    {
        "id": "f10",
        "kind": "inventory",
        "metric": "records used",
        "statistic": "count",
        "entity": "reports/a_2025.csv",
        "condition": "",
        "value": 15,
        "unit": "records",
        "n": 15,
    },
]
COMPARED = (
    "- **better**: TTFT of nova3:latest (temperature=0.8) against nova3:latest (temperature=0) "
    "(warm, over 3 configurations): ratio 0.7007 "
    "(95 % interval 0.5970 to 0.8570, q = 0.00039), faster in this run. [F6]\n"
)
TABLE = f"""### decode throughput in tokens/s (higher is better)

| Series | Condition | Statistic | decode throughput (tokens/s) | n | sd | 95 % interval | Source |
| --- | --- | --- | ---: | ---: | ---: | --- | --- |
| nova3:latest | {SUITE} | mean | 98.44 | 6 | 1.213 | 97.16 to 99.71 | [F1] |
| nova3:latest | {SUITE} | total over total | 97.90 | 6 |  |  | [F2] |
| nova3:latest | warm, {SUITE} | mean | 99.20 | 5 |  |  | [F3] |
"""


@pytest.fixture
def facts() -> list[FactView]:
    return facts_from_rows(ROWS)


def test_a_whole_condition_picks_its_fact_and_holds_no_claims(facts: list[FactView]) -> None:
    text = f"Mean decode throughput of nova3:latest ({SUITE}) is 98.44 tokens/s (n=6, sd 1.213) [F1]."
    assert gate(text, facts, None).reason is None
    assert audit(text, facts).numbers == 3
    assert audit(text.replace("98.44", "99.20"), facts).verdict is Verdict.CONTRADICTED


def test_a_table_row_names_series_condition_and_statistic_word_for_word(facts: list[FactView]) -> None:
    assert gate(TABLE, facts, None).reason is None
    assert audit(TABLE, facts).numbers == 9
    assert audit(TABLE.replace("97.90", "98.44"), facts).verdict is Verdict.CONTRADICTED


def test_cold_and_warm_beside_each_other(facts: list[FactView]) -> None:
    text = (
        f"TTFT of nova3:latest ({SUITE}): a single call cold 1.846 s (n=1) [F4], "
        "mean warm 0.1385 s (n=5, sd 0.004) [F5]; the two are not pooled."
    )
    result = audit(text, facts)
    assert [claim.reason for claim in result.claims if claim.verdict is not Verdict.SUPPORTED] == []
    swapped = text.replace("1.846", "0.1385", 1)
    assert audit(swapped, facts).verdict is Verdict.CONTRADICTED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.7007", "0.8007"),
        ("0.5970", "0.6970"),
        ("0.00039", "0.039"),
        ("faster", "slower"),
        ("**better**", "**worse**"),
    ],
)
def test_a_stated_comparison_is_checked_with_interval_q_value_and_direction(
    facts: list[FactView], old: str, new: str
) -> None:
    assert audit(COMPARED, facts).verdict is Verdict.SUPPORTED
    assert audit(COMPARED.replace(old, new), facts).verdict is Verdict.CONTRADICTED


def test_counts_of_files_by_status_and_kind(facts: list[FactView]) -> None:
    text = (
        "12 files [F9] repeat measurements of another file and are counted once.\n\n"
        "| Files | Count | Source |\n| --- | ---: | --- |\n| all files | 64 | [F7] |\n"
        "| benchmark files (csv, json and markdown) | 61 | [F8] |\n| status duplicate | 12 | [F9] |\n"
    )
    assert gate(text, facts, None).reason is None
    assert audit(text, facts).numbers == 4
    assert audit(text.replace("| 61 |", "| 12 |"), facts).verdict is Verdict.CONTRADICTED


def test_a_path_is_an_entity_where_a_fact_has_it(facts: list[FactView]) -> None:
    text = "| File | Status | Records used |\n|---|---|---|\n| reports/a_2025.csv | ok | 15 |\n"
    assert gate(text, facts, None).reason is None
    assert audit(text, facts).numbers == 1
    assert audit(text.replace("15", "16"), facts).verdict is Verdict.CONTRADICTED


PAGE = """
<table><thead><tr><th>Series<th>Condition<th>Statistic<th>tokens/s<th>n<th>sd<th>95 % interval<th>Grade</tr></thead>
<tbody><tr><th colspan=8>prompt suite, threads=2</th></tr>
<tr><th>nova3:latest<td>{condition}<td>mean<td><a href=#F1>{value}</a><td>6<td>1.213<td>97.16 to 99.71<td>from samples
</tbody></table>
<table><thead><tr><th>Label<th>Fact</tr></thead><tr id=F1><th>F1<td id=f1>f1 mean throughput</table>
"""


@pytest.mark.parametrize(
    ("condition", "value", "verdict"),
    [
        ("num_ctx=1024, temperature=0", "98.44", Verdict.SUPPORTED),
        ("num_ctx=1024, temperature=0", "99.44", Verdict.CONTRADICTED),
        ("num_ctx=4096, temperature=0", "98.44", Verdict.UNSUPPORTED),
        ("temperature=0", "98.44", Verdict.UNSUPPORTED),
    ],
)
def test_a_row_of_a_page_cites_by_its_link_and_stands_under_the_head_of_its_group(
    facts: list[FactView], condition: str, value: str, verdict: Verdict
) -> None:
    result = audit(PAGE.format(condition=condition, value=value), facts, html=True)
    (claim,) = [one for one in result.claims if one.printed.startswith(value)]
    assert claim.verdict is verdict, claim


@pytest.mark.parametrize(
    ("place", "about", "supported"), [("1", "warm, suite", True), ("2", "warm, suite", False), ("1", "suite", False)]
)
def test_a_cited_fact_told_with_its_condition_once_beside_it(place: str, about: str, supported: bool) -> None:
    text = "nova3 (warm, suite) is 1 of 3 by median TTFT (0.0877 s), not told apart from luna (warm, suite)"
    row = {
        "id": "f_rank", "kind": "level", "metric": "ttft_s", "statistic": "rank", "entity": "nova3", "unit": "rank",
        "condition": "warm, suite", "value": 1.0, "n": 3, "text": text,
    }  # fmt: skip
    told = f"nova3 is {place} of 3 by median TTFT (0.0877 s), not told apart from luna [F7] ({about})."
    labels = "\n\n| Label | Fact |\n|---|---|\n| F7 | `f_rank` |\n"
    result = audit(told + labels, facts_from_rows([row]))
    found = [one.verdict is Verdict.SUPPORTED for one in result.claims if one.printed in ("1", "2", "3", "0.0877 s")]
    assert found
    assert all(found) is supported, result.claims


@pytest.mark.parametrize(("word", "verdict"), [("mean", Verdict.SUPPORTED), ("median", Verdict.CONTRADICTED)])
def test_a_number_that_cites_a_fact_must_be_of_its_statistic(word: str, verdict: Verdict) -> None:
    row = {"metric": "ttft_s", "entity": "nova3:1b", "condition": "warm", "value": 0.15, "unit": "s", "n": 4}
    facts = facts_from_rows([{**row, "id": f"f_{name}", "statistic": name} for name in ("mean", "median")])
    text = f"TTFT of nova3:1b: {word} warm 0.1500 s [F1].\n\n| Label | Fact |\n| --- | --- |\n| F1 | `f_mean` |\n"
    [claim] = [claim for claim in audit(text, facts).claims if claim.is_number]
    assert claim.verdict is verdict


def test_how_many_values_there_are_borrows_no_unit_of_their_spread() -> None:
    row = {
        "id": "f_small", "kind": "level", "metric": "time_s", "statistic": "mean", "entity": "parse", "condition": "",
        "value": 3.35e-6, "unit": "s", "n": 90, "sd": 5.27e-6, "ci_low": 2.72e-6, "ci_high": 5.41e-6,
    }  # fmt: skip
    told = "Mean time of parse is 3.350 µs (n=90, sd 5.270 µs, 95 % interval 2.720 to 5.410 µs)."
    result = audit(told, facts_from_rows([row]))
    assert {claim.printed: claim.verdict for claim in result.claims}["90"] is Verdict.SUPPORTED
    assert result.verdict is Verdict.SUPPORTED, result.claims


def test_a_word_inside_the_name_of_an_option_names_no_condition() -> None:
    def row(name: str, condition: str, value: float) -> dict[str, object]:
        return {
            "id": name, "kind": "level", "metric": "decode_tokens_per_s", "statistic": "mean", "entity": "nova3",
            "condition": condition, "value": value, "unit": "tokens/s", "n": 5,
        }  # fmt: skip

    rows = [row("a", "backend=ROCm, cpu_mask=0x0, threads=2", 28.1), row("b", "backend=cpu, threads=2", 3.2)]
    facts = facts_from_rows(rows)
    told = "Mean decode throughput of nova3 (backend=ROCm, cpu_mask=0x0, threads=2) is {} tokens/s (n=5)."
    assert audit(told.format("28.1"), facts).verdict is Verdict.SUPPORTED
    assert audit(told.format("3.2"), facts).verdict is not Verdict.SUPPORTED
