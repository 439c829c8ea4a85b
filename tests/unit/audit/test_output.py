"""What an audit looks like from outside: JSON, text, annotations, exit code; and the gate."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from chimera_pipeline.audit import FactView, audit, exit_code, facts_from_frame, gate, to_github, to_json, to_text
from chimera_pipeline.audit.facts_read import facts_from_rows
from chimera_pipeline.contracts import tables

TEXT = (
    "The mean decode throughput of nova3:latest was 99.4 tok/s. Its cold TTFT is 1.85 s. "
    "mistral:7b reached 98.4 tok/s.\n"
)


@pytest.fixture
def facts() -> list[FactView]:
    return facts_from_rows(
        [
            {
                "id": "f1",
                "metric": "mean decode throughput",
                "entity": "nova3:latest",
                "value": 98.437,
                "unit": "tok/s",
                "n": 6,
                "sources": '["a.csv#row 3@0f"]',
            },
            {"id": "f2", "metric": "cold TTFT", "entity": "nova3:latest", "value": 1.846, "unit": "s", "n": 1},
        ]
    )


def test_json_has_the_keys_of_the_contract(facts: list[FactView]) -> None:
    document = json.loads(json.dumps(to_json(audit(TEXT, facts))))
    assert document["verdict"] == "contradicted"
    assert [sentence["verdict"] for sentence in document["sentences"]] == ["contradicted", "supported", "unsupported"]
    first = document["claims"][0]
    assert {"text", "line", "value", "unit", "metric", "entity", "verdict", "reason", "fact_id", "rivals"} <= set(first)
    assert (first["value"], first["unit"], first["metric"], first["entity"]) == (
        99.4,
        "tok/s",
        "decode_tokens_per_s",
        "nova3:latest",
    )
    assert (first["fact_id"], first["source"]) == ("f1", '["a.csv#row 3@0f"]')
    last = document["claims"][2]
    assert [(rival["fact_id"], rival["entity"]) for rival in last["rivals"]] == [("f1", "nova3:latest")]
    assert 0 <= document["chance_rate"] <= document["chance_rate_by_value"] <= 1


def test_text_shows_each_claim_in_its_line_with_what_the_data_say(facts: list[FactView]) -> None:
    text = to_text(audit(TEXT, facts))
    assert "1: The mean decode throughput of nova3:latest was 99.4 tok/s." in text
    assert "CONTRADICTED 99.4 tok/s  mean decode throughput of nova3:latest is 98.437 tok/s, n=6" in text
    assert "no fact knows this entity: mistral:7b" in text
    assert "\x1b[" not in text


def test_text_is_coloured_when_asked(facts: list[FactView]) -> None:
    assert "\x1b[" in to_text(audit(TEXT, facts), color=True)


def test_annotations_name_file_and_line_and_escape(facts: list[FactView]) -> None:
    lines = to_github(audit(TEXT + "\n90 % of requests failed.\n", facts), "out,1/report.md").splitlines()
    assert lines[0].startswith("::error file=out%2C1/report.md,line=1,")
    assert lines[1].startswith("::warning ")
    assert "90 %25" in lines[-1]


def test_the_exit_code_is_3_for_a_contradiction_only(facts: list[FactView]) -> None:
    assert exit_code(audit(TEXT, facts)) == 3
    assert exit_code(audit("mistral:7b reached 98.4 tok/s.", facts)) == 0
    assert exit_code(audit("No numbers.", facts)) == 0


def test_the_gate_wants_every_claim_supported_and_every_number_seen(facts: list[FactView]) -> None:
    good = "The mean decode throughput of nova3:latest was 98.44 tok/s (n=6) [F1].\n"
    assert gate(good, facts, {1: 2}).passed
    assert gate(good, facts, None).passed
    missed = gate(good, facts, {1: 3})
    assert not missed.passed
    assert str(missed.reason).startswith("line 1: 3 numbers were rendered, 2 were found as claims; in: The mean decode")
    refused = gate(good.replace("98.44", "98.45"), facts, {1: 2})
    assert refused.reason is not None
    assert refused.reason.startswith("line 1: 98.45 tok/s is contradicted")


def test_the_gate_refuses_what_no_fact_supports(facts: list[FactView]) -> None:
    assert not gate("GPU memory of nova3:latest was 5.3 GB.", facts, {1: 1}).passed


def test_facts_come_from_the_table_as_well() -> None:
    row = {
        "id": "f9",
        "kind": "level",
        "metric": "decode_tokens_per_s",
        "statistic": "mean",
        "entity": "nova3:latest",
        "condition": "",
        "series_ids": "[]",
        "value": 98.437,
        "unit": "tokens/s",
        "n": 6,
        "sd": 1.2,
        "period": "all",
        "grade": "from_samples",
        "sources": "[]",
        "text": "",
    }
    frame = tables.frame("facts", [row])
    assert isinstance(frame, pd.DataFrame)
    (fact,) = facts_from_frame(frame)
    assert (fact.key, fact.statistic, fact.n, float(fact.sd or 0), fact.ci_low) == (
        "decode_tokens_per_s",
        "mean",
        6,
        1.2,
        None,
    )
    assert str(audit("nova3:latest averaged 98.4 tok/s (sd 1.2).", [fact]).verdict) == "supported"


def test_equal_input_gives_equal_output(facts: list[FactView]) -> None:
    assert to_json(audit(TEXT, facts)) == to_json(audit(TEXT, facts))
