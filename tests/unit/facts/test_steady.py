"""Where the measurements of one run settle, and what is said of the part before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from chimera_pipeline.contracts import validation
from chimera_pipeline.facts import build, ids, levels, steady
from chimera_pipeline.facts.rows import COLUMNS, Rows
from chimera_pipeline.facts.statistics import Array
from chimera_pipeline.records import Fact
from tests.unit.facts.test_comparisons import a_series, frames, values_of


def run_of(values: Any, metric: str = "ttft_s", **more: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    return frames(values_of("x", values, metric, **more), [a_series("x")])


def facts_of(stores: tuple[pd.DataFrame, pd.DataFrame]) -> dict[tuple[str, str], Fact]:
    facts = ids.assign(steady.steady_facts(*stores, period="all"))
    assert validation.failures("facts", build.to_frame(facts)).empty
    return {(fact.statistic, fact.condition): fact for fact in facts}


def warming(slow: int, n: int, seed: int = 3) -> Array:
    """`n` times of 0.1 s with 3 % noise, the first `slow` of them half as long again."""
    values: Array = 0.1 * np.random.default_rng(seed).normal(1, 0.03, n)
    values[:slow] *= 1.5
    return values


def test_a_warm_up_is_found_and_the_level_after_it_stands_apart() -> None:
    values = warming(12, 60)
    found = facts_of(run_of(values))
    begin = found["steady_from", "warm"]
    assert (begin.value, begin.n, begin.unit) == (13, 60, "measurements")
    assert "after a warm-up" in begin.text
    mean = found["mean", "warm, steady"]
    assert (mean.value, mean.n) == (pytest.approx(values[12:].mean()), 48)
    assert mean.sources == ("a.csv#row 13-60@aaaaaaaaaaaa",)
    assert ("p90", "warm, steady") in found


def test_the_level_over_all_measurements_stays_beside_the_steady_one() -> None:
    stores = run_of(warming(12, 60))
    facts = ids.assign([*levels.level_facts(*stores, period="all"), *steady.steady_facts(*stores, period="all")])
    means = {fact.condition: fact.n for fact in facts if fact.statistic == "mean"}
    assert means == {"warm": 60, "warm, steady": 48}


def test_cold_warm_and_steady_are_three_levels() -> None:
    values = np.r_[2.0, warming(10, 50)]
    stores = run_of(values, phases=["cold"] + ["warm"] * 50)
    facts = ids.assign([*levels.level_facts(*stores, period="all"), *steady.steady_facts(*stores, period="all")])
    found = {fact.condition: fact.value for fact in facts if fact.statistic in ("mean", "sample")}
    assert set(found) == {"cold", "warm", "warm, steady"}
    assert found["cold"] > found["warm"] > found["warm, steady"]


def test_a_run_that_becomes_slower_is_told_as_a_slowdown() -> None:
    values = np.r_[warming(0, 12), 1.5 * warming(0, 48, seed=4)]
    assert "after a slowdown" in facts_of(run_of(values))["steady_from", "warm"].text


def test_a_last_level_of_less_than_half_the_run_is_no_steady_state() -> None:
    found = facts_of(run_of(warming(45, 60)))
    assert found["steps_in_run", "warm"].value == 1
    assert "no steady state in 60 measurements" in found["steps_in_run", "warm"].text
    assert not [key for key in found if "steady" in key[1]]


def test_twenty_nine_measurements_are_too_few_to_look() -> None:
    assert facts_of(run_of(warming(10, 29))) == {}


def test_runs_without_a_warm_up_are_one_fact_that_counts_them() -> None:
    rows = []
    for seed in range(6):
        rows += values_of("x", warming(0, 40, seed), "ttft_s", runs=[f"run {seed}"] * 40, path=f"{seed}.csv")
    found = facts_of(frames(rows, [a_series("x")]))
    (quiet,) = found.values()
    assert (quiet.statistic, quiet.value, len(quiet.sources)) == ("runs_without_warm_up", 6, 6)


def test_few_runs_of_plain_noise_settle_anywhere_but_at_their_start() -> None:
    rows = []
    for seed in range(100):
        rows += values_of("x", 0.1 * np.random.default_rng(seed).normal(1, 0.1, 40), "ttft_s", runs=[str(seed)] * 40)
    runs = steady.sequences(frames(rows, [a_series("x")])[0])
    assert len(runs) == 100
    assert sum(found.shape != steady.FLAT for found, _ in steady.settlings(runs, {})) <= 1


def test_a_step_below_the_practical_threshold_leaves_the_run_as_it_is() -> None:
    values = 0.1 * np.random.default_rng(5).normal(1, 0.002, 60)
    values[:15] *= 1.02
    assert [key[0] for key in facts_of(run_of(values))] == ["runs_without_warm_up"]


def test_a_step_where_the_prompts_become_shorter_is_no_warm_up() -> None:
    lengths = values_of("x", np.r_[np.full(12, 900), np.full(48, 100)], "prompt_tokens")
    rows = values_of("x", warming(12, 60), "ttft_s") + lengths
    assert ("runs_without_warm_up" in {key[0] for key in facts_of(frames(rows, [a_series("x")]))}) is True


def test_long_runs_are_searched_in_batches() -> None:
    found = facts_of(run_of(warming(300, 3000)))["steady_from", "warm"]
    assert abs(found.value - 301) <= 15


def test_the_order_is_that_of_the_instants_then_of_the_places() -> None:
    rows = values_of("x", range(4), "ttft_s", days=[1, 1, 0, 0])
    for row, place in zip(rows, ("/10/t", "/9/t", "/2/t", "/1/t"), strict=True):
        row["locator"] = place
    measurements, _ = frames(rows, [a_series("x")])
    assert steady.in_order(Rows.of(measurements, (*COLUMNS, "measured_at")))["value"].tolist() == [3, 2, 1, 0]
