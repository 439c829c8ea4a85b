"""Statements say only what facts hold; the narrative is complete without a model."""

from __future__ import annotations

import re
from pathlib import Path

from chimera_pipeline.analysis import narrative, statements
from chimera_pipeline.records import Slot, Statement
from tests import corpus
from tests.unit.facts.test_levels import facts_of

_NUMBER = re.compile(r"(?<![\w.:=-])\d[\d,]*(?:\.\d+)?")


def tree_statements(tmp_path: Path) -> list[Statement]:
    root = corpus.tree(tmp_path)
    return statements.build(
        facts_of({str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()})
    )


def test_every_number_of_a_statement_stands_in_a_slot_with_a_fact(tmp_path: Path) -> None:
    for statement in tree_statements(tmp_path):
        entities = " ".join(part for part in statement.parts if isinstance(part, str))
        conditions = re.sub(r"(?:across|over) \d+ configurations", "", entities)
        outside = [n for n in _NUMBER.findall(conditions) if f"={n}" not in conditions]
        assert not outside, statement.text
        assert statement.fact_ids == tuple(
            dict.fromkeys(part.fact_id for part in statement.parts if isinstance(part, Slot))
        )


def test_statements_are_in_a_fixed_order_with_stable_ids(tmp_path: Path) -> None:
    first = tree_statements(tmp_path / "a")
    again = tree_statements(tmp_path / "b")
    assert [s.id for s in first] == [s.id for s in again]
    assert [s.weight for s in first] == sorted((s.weight for s in first), reverse=True)


def test_a_mean_is_told_with_n_and_spread() -> None:
    told = statements.build(facts_of({"s.csv": corpus.csv_text(corpus.suite(), corpus.REQUEST_COLUMNS)}))
    texts = [statement.text for statement in told]
    assert (
        "Mean decode throughput of tiny:1b (prompt suite, temperature=0.3) is 50 tokens/s "
        "(n=5, sd 1.581, 95 % interval 48.04 to 51.96)." in texts
    )


def test_cold_and_warm_stand_side_by_side() -> None:
    told = statements.build(facts_of({"s.csv": corpus.csv_text(corpus.suite(), corpus.REQUEST_COLUMNS)}))
    text = next(statement.text for statement in told if statement.kind == "cold_vs_warm")
    assert "a single call cold 2.050 s (n=1), mean warm 0.1500 s (n=4" in text


def test_models_are_listed_only_where_measured_alike() -> None:
    alike = [*corpus.suite(), *corpus.suite("other:2b", 80.0)]
    told = statements.build(facts_of({"s.csv": corpus.csv_text(alike, corpus.REQUEST_COLUMNS)}))
    text = next(statement.text for statement in told if statement.kind == "rank")
    assert text.index("other:2b 80 tokens/s (n=5)") < text.index("tiny:1b 50 tokens/s (n=5)")
    unlike = [*corpus.suite(), *corpus.suite("other:2b", 80.0, options='{"temperature": 0.9}')]
    told = statements.build(facts_of({"s.csv": corpus.csv_text(unlike, corpus.REQUEST_COLUMNS)}))
    assert not [statement for statement in told if statement.kind == "rank"]


def test_failures_are_always_said(tmp_path: Path) -> None:
    chosen = narrative.choose(tree_statements(tmp_path))
    told = {s.id: s for s in tree_statements(tmp_path / "again")}
    caveats = [told[choice.statement_id].text for choice in chosen if choice.role == "caveat"]
    assert "3 of 12 requests failed; they enter no mean." in caveats
    assert chosen[0].role == "headline"


def test_no_facts_give_a_narrative_without_findings() -> None:
    assert narrative.choose([]) == []
