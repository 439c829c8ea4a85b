"""Where claims stand in a report: lines, headings, lists, tables, fences, HTML."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera_pipeline.audit import FactView, Verdict, audit, audit_html
from chimera_pipeline.audit.facts_read import facts_from_json, facts_from_rows
from chimera_pipeline.audit.markdown_blocks import blocks
from chimera_pipeline.errors import UsageError

ROWS = [
    {
        "id": "f1",
        "metric": "mean decode throughput",
        "entity": "nova3:latest",
        "value": 98.437,
        "unit": "tok/s",
        "n": 6,
    },
    {"id": "f2", "metric": "cold TTFT", "entity": "nova3:latest", "value": 1.846, "unit": "s", "n": 1},
    {"id": "f3", "metric": "mean decode throughput", "entity": "orca2:7b", "value": 71.306, "unit": "tok/s", "n": 6},
]


@pytest.fixture
def facts() -> list[FactView]:
    return facts_from_rows(ROWS)


def test_a_claim_carries_the_line_it_stands_in(facts: list[FactView]) -> None:
    text = "# Title\n\nnova3:latest reached\na mean decode throughput of\n98.4 tok/s. It has a\ncold TTFT of 1.9 s.\n"
    result = audit(text, facts)
    assert [(claim.line, claim.printed) for claim in result.claims] == [(3, "98.4 tok/s"), (5, "1.9 s")]


def test_lines_count_on_inside_a_markdown_fence_and_a_table(facts: list[FactView]) -> None:
    text = (
        "Report\n\n```markdown\n# Inner\n\nnova3:latest: cold TTFT 1.85 s\n```\n\n"
        "| Model | Cold TTFT (s) |\n|---|---|\n| nova3:latest | 1.85 |\n"
    )
    assert [claim.line for claim in audit(text, facts).claims] == [6, 11]


def test_other_code_comments_and_front_matter_are_no_claims(facts: list[FactView]) -> None:
    text = "---\nrate: 999.9\n---\n\n```\n999 tok/s\n```\n\n    888 tok/s\n\n<!-- 777 tok/s -->\n\nDone.\n"
    assert audit(text, facts).claims == ()


def test_a_table_glued_to_the_line_before_is_found(facts: list[FactView]) -> None:
    text = "Results below | Model | Cold TTFT (s) |\n| --- | --- |\n| nova3:latest | 1.85 |\n"
    assert [(claim.printed, str(claim.verdict)) for claim in audit(text, facts).claims] == [("1.85", "supported")]


def test_rows_keep_their_lines_with_odd_line_ends(facts: list[FactView]) -> None:
    text = "## nova3:latest\r\r\n\r\r\nCold TTFT: 1.85 s\r\r\n"
    (claim,) = audit(text, facts).claims
    assert (claim.line, claim.verdict) == (3, Verdict.SUPPORTED)


def test_a_heading_is_scope_until_the_next_of_its_level(facts: list[FactView]) -> None:
    text = (
        "## nova3:latest\n\n### Speed\n\nMean decode throughput: 98.4 tok/s\n\n"
        "## orca2:7b\n\nMean decode throughput: 71.3 tok/s\n"
    )
    assert audit(text, facts).verdict is Verdict.SUPPORTED


def test_html_says_the_same_as_markdown(facts: list[FactView]) -> None:
    html = (
        "<!doctype html><html><head><style>p {width: 98.4px}</style></head><body>\n<h2>nova3:latest</h2>\n"
        "<p>Mean decode throughput was <b>98.4</b>&nbsp;tok/s.</p>\n"
        "<table><thead><tr><th>Model</th><th>Cold TTFT (s)</th></tr></thead>\n"
        "<tbody><tr><td>nova3:latest</td><td>1.95</td></tr></tbody></table>\n"
        "<pre>999 tok/s</pre><script>var x = 12.5;</script></body></html>"
    )
    for result in (audit(html, facts), audit_html(html, facts)):
        found = [(claim.line, claim.printed, str(claim.verdict)) for claim in result.claims]
        assert found == [(3, "98.4 tok/s", "supported"), (5, "1.95", "contradicted")]


def test_html_inside_markdown_is_read(facts: list[FactView]) -> None:
    text = "## nova3:latest\n\n<details><summary>More</summary>\n<p>Cold TTFT: 1.95 s</p>\n</details>\n"
    assert [str(claim.verdict) for claim in audit(text, facts).claims] == ["contradicted"]


def test_only_facts_of_the_period_count() -> None:
    rows = [{**ROWS[0], "period": "2025-10"}, {**ROWS[0], "id": "g1", "value": 50.0, "period": "2025-11"}]
    text = "The mean decode throughput of nova3:latest was 50.0 tok/s."
    known = facts_from_rows(rows)
    assert audit(text, known, period="2025-11").verdict is Verdict.SUPPORTED
    assert audit(text, known, period="2025-10").verdict is Verdict.CONTRADICTED


def test_aliases_name_entities(facts: list[FactView]) -> None:
    text = "Supernova reached a mean decode throughput of 98.4 tok/s."
    assert audit(text, facts).verdict is Verdict.UNSUPPORTED
    assert audit(text, facts, {"nova3:latest": ["Supernova"]}).verdict is Verdict.SUPPORTED


def test_long_and_short_facts_are_the_same() -> None:
    short = {"metric": "median warm TTFT", "entity": "nova3:latest", "value": 0.1385, "unit": "s", "n": 5}
    long = {
        "metric": "ttft_s",
        "statistic": "p50",
        "entity": "nova3:latest",
        "condition": "warm",
        "value": 0.1385,
        "unit": "s",
        "n": 5,
    }
    first, second = facts_from_json({"facts": [short, long]})
    assert (first.key, first.statistic, first.conditions) == (second.key, second.statistic, second.conditions)


def test_facts_of_another_shape_are_refused() -> None:
    with pytest.raises(UsageError, match="expected an object"):
        facts_from_json({"rows": []})


def test_a_fact_without_a_finite_value_is_left_out() -> None:
    assert facts_from_rows([{**ROWS[0], "value": float("nan")}, {**ROWS[0], "value": None}]) == []


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("nova3:latest 98.4tok/s%|-*_`#>\n()[],;<&=~xX±–µé\u202f\u200b"), max_size=120))
def test_any_markdown_can_be_audited(text: str) -> None:
    known = facts_from_rows(ROWS)
    result = audit(text, known)
    assert result == audit(text, known)
    lines = text.count("\n") + 1
    assert all(1 <= sentence.line <= lines for sentence in result.sentences)


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.sampled_from('<tdrph1>/ "=&;!-nova3:latest 98.4tok/s\n'), max_size=120))
def test_any_html_can_be_audited(text: str) -> None:
    audit(text, facts_from_rows(ROWS), html=True)


def test_deeply_nested_fences_end() -> None:
    text = "x"
    for depth in range(12):
        fence = "`" * (depth + 3)
        text = f"{fence}md\n{text}\n{fence}"
    assert blocks(text) == blocks(text)


def test_rows_of_a_table_without_closing_tags_are_read_each_under_the_head_of_its_group() -> None:
    facts = facts_from_rows(
        {
            "metric": "time_s",
            "statistic": "mean",
            "entity": name,
            "condition": f"device={device}",
            "value": value,
            "unit": "s",
            "n": 9,
        }
        for name, device, value in (("conv", "cuda", 0.5), ("gemm", "cuda", 0.7), ("conv", "cpu", 4.0))
    )
    page = (
        "<html><body><table><thead><tr><th>Case<th>Mean time (s)</thead><tbody>"
        "<tr><th colspan=2 scope=rowgroup>CUDA<tr><th scope=row>conv<td>{}<tr><th scope=row>gemm<td>0.7</tbody>"
        "<tbody><tr><th colspan=2 scope=rowgroup>CPU<tr><th scope=row>conv<td>4.0</tbody></table><p>Done.</body></html>"
    )
    true, false = audit(page.format("0.5"), facts), audit(page.format("4.0"), facts)
    assert (true.verdict, true.numbers) == (Verdict.SUPPORTED, 3)
    assert false.verdict is Verdict.CONTRADICTED


def test_an_entity_that_lists_very_many_names_costs_no_more_than_its_length() -> None:
    names = [f"model-{i:03}:1b" for i in range(1000)]
    rows = [{"metric": "decode throughput", "entity": name, "value": 50, "unit": "tokens/s", "n": 5} for name in names]
    front = {"metric": "front size", "entity": ", ".join(names), "value": 1000, "unit": "series"}
    started = time.process_time()
    told = "The decode throughput of model-007:1b is 50 tokens/s."
    result = audit(told, facts_from_rows([*rows[:50], front]))
    assert result.verdict is Verdict.SUPPORTED
    assert time.process_time() - started < 5, "spellings of each part of the list grow with its square: minutes"
