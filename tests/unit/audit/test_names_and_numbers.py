"""What names of artifacts must not do to the reading of numbers."""

from __future__ import annotations

from chimera_pipeline.audit import audit, facts_from_json, facts_of_store
from chimera_pipeline.audit.numerals import style_of


def test_a_piece_of_a_name_is_no_word_of_another_language() -> None:
    assert style_of("| evil-bkkyyi5w:1b | cold | 2.050 |") == "point"


def test_a_series_called_10_does_not_turn_each_10_into_a_name() -> None:
    facts = facts_from_json(
        [
            {"id": "f_1", "kind": "level", "metric": "ttft_s", "statistic": "mean", "entity": "10", "value": 2.0,
             "unit": "s", "n": 3},
            {"id": "f_2", "kind": "level", "metric": "decode_tokens_per_s", "statistic": "mean", "entity": "a:1b",
             "value": 10.0, "unit": "tokens/s", "n": 3},
        ]
    )  # fmt: skip
    (claim,) = audit("The mean decode throughput of a:1b is 10 tokens/s.", facts).claims
    assert str(claim.verdict) == "supported"


def test_a_model_call_is_held_against_the_figures_of_the_run() -> None:
    call = {"locator": "all/collector/1", "ttft_s": 0.25, "output_tokens": 9}
    store = facts_of_store(run={"llm": {"calls": [call], "succeeded": 1}})
    head = "| Call | Result | Call TTFT | Call output |\n| --- | --- | ---: | ---: |\n"
    told = audit(head + "| `collector 1` | `ok` | 0.2500 s | 8 tokens |\n", [], store=store).claims
    assert [str(claim.verdict) for claim in told] == ["supported", "contradicted"]
