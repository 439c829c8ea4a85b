"""What figures are made of, sensitivities of sweeps, rankings and fronts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from chimera_pipeline.contracts import validation
from chimera_pipeline.facts import build, decompositions, decompositions_sweeps, ids, rankings, rankings_fronts
from tests.unit.facts.test_comparisons import a_series, frames, stated, sweep, values_of

IMPURITY = {100: [5, 4, 6, 3, 5], 125: [3, 1, 4, 2, 3], 150: [1, 1, 3, 1, 2]}


def test_the_impurity_example_of_montgomery() -> None:
    # Design and Analysis of Experiments, example 5.2: SS 23.33 (temperature), 11.60 (pressure) of 36.93
    cells = [
        ({"temperature": temperature, "pressure": pressure}, value)
        for temperature, row in IMPURITY.items()
        for pressure, value in zip((25, 30, 35, 40, 45), row, strict=True)
    ]
    options = [one for one, _ in cells]
    grid = decompositions_sweeps.balanced(options)
    found = {
        effect.option: effect
        for effect in decompositions_sweeps.effects(options, np.array([float(v) for _, v in cells]), grid)
    }
    assert found["temperature"].share == pytest.approx(23.33 / 36.93, abs=5e-4)
    assert found["pressure"].share == pytest.approx(11.60 / 36.93, abs=5e-4)
    assert found["temperature"].by_chance == pytest.approx(2 / 14)
    assert found["temperature"].p < 0.001 < found["pressure"].p < 0.01


def test_a_grid_with_holes_loses_the_level_that_has_them() -> None:
    options: list[dict[str, Any]] = [
        {"a": a, "b": b} for a, b in itertools.product((1, 2, 3), (10, 20, 30)) if (a, b) != (2, 30)
    ]
    grid = decompositions_sweeps.balanced(options)
    assert np.prod([len(levels) for levels in grid.values()]) == 6
    assert decompositions_sweeps.balanced([{"a": 1, "b": 1}, {"a": 1, "b": 2}]) == {}


def test_sensitivities_of_a_sweep_are_facts_that_hold() -> None:
    facts = ids.assign(decompositions_sweeps.sensitivity_facts(*sweep(-5.0)))
    assert validation.failures("facts", build.to_frame(facts)).empty
    shares = {fact.statistic: fact.value for fact in facts}
    assert shares["variance_share of num_ctx"] > 0.95
    assert sum(shares.values()) <= 1.0
    assert {fact.n for fact in facts} == {16}


def test_cold_ttft_is_split_into_load_and_prompt_evaluation() -> None:
    rows = []
    for metric, value in (("ttft_s", 2.326), ("load_s", 2.024), ("prompt_eval_s", 0.302)):
        rows += values_of("x", [value], metric, phases=["cold"])
    found = {fact.statistic: fact for fact in decompositions.ttft_shares(*frames(rows, [a_series("x")]))}
    assert found["load_share"].value == pytest.approx(2.024 / 2.326)
    assert found["prompt_eval_share"].value == pytest.approx(0.302 / 2.326)
    assert "87.0 % of the cold TTFT" in found["load_share"].text


def test_what_the_parts_leave_unexplained_is_named() -> None:
    rows = []
    for metric, value in (("ttft_s", 4.0), ("load_s", 2.0), ("prompt_eval_s", 1.0)):
        rows += values_of("x", [value], metric, phases=["cold"])
    texts = [fact.text for fact in decompositions.ttft_shares(*frames(rows, [a_series("x")]))]
    assert all("25 % of it is in neither" in text for text in texts)


def test_a_mean_with_its_first_call_inside_is_a_quality_fact() -> None:
    rows = stated("x", 24.6156899, 73.1575095, None, 0.1675, 244.0879) + stated("y", 1.0, 0.1, 10, 0.9, 1.2)
    series = [a_series(name, family="timings", case=name) for name in ("x", "y")]
    (fact,) = decompositions.first_call_facts(*frames(rows, series))
    assert (fact.kind, fact.statistic, fact.entity, fact.n) == ("quality", "mean_without_slowest", "x", 9)
    assert fact.value == pytest.approx(0.2299, abs=1e-4)


def models(**values: Any) -> tuple[Any, Any]:
    rows, series = [], []
    for place, (name, given) in enumerate(values.items()):
        series.append(a_series(name, model=name))
        rows += values_of(name, given, first=100 * place)
        rows += values_of(name, np.array(given) / 1000, "ttft_s", first=100 * place)
    return frames(rows, series)


def test_a_ranking_says_which_neighbours_are_told_apart() -> None:
    stores = models(a=range(100, 110), b=np.arange(100, 110) - 0.5, c=range(50, 60))
    facts = {
        fact.entity: fact
        for fact in ids.assign(rankings.ranking_facts(*stores))
        if fact.metric == "decode_tokens_per_s"
    }
    assert {name: fact.value for name, fact in facts.items()} == {"a": 1, "b": 2, "c": 3}
    assert "not told apart from b" in facts["a"].text
    assert "clearly ahead of c" in facts["b"].text


def test_equal_values_share_a_place() -> None:
    facts = [f for f in rankings.ranking_facts(*models(a=[5.0] * 6, b=[5.0] * 6, c=[4.0] * 6)) if f.unit == "rank"]
    assert {f.text.split(" by ")[1].split(" (")[0] for f in facts} == {"median decode throughput", "median TTFT"}
    assert [f.value for f in facts if f.metric == "decode_tokens_per_s"] == [1, 1, 3]


def test_options_of_a_sweep_are_no_contestants() -> None:
    assert rankings.rankings(*sweep(0.0)) == []


def test_a_pareto_front_by_hand() -> None:
    candidates = [
        rankings_fronts.Candidate(name, {"rate": rate, "time": time})
        for name, rate, time in (("a", 100, 2.0), ("b", 80, 1.0), ("c", 70, 1.5), ("d", 100, 2.0))
    ]
    front, beaten = rankings_fronts.pareto_front(candidates, {"rate": "higher", "time": "lower"})
    assert [candidate.name for candidate in front] == ["a", "b", "d"]
    assert beaten == {"c": "b"}


def test_a_front_of_models_names_who_is_beaten() -> None:
    facts = list(rankings_fronts.front_facts(*models(a=range(100, 110), b=range(50, 60))))
    assert [(fact.value, fact.n) for fact in facts] == [(2.0, 2)]
