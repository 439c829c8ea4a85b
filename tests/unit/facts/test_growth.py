"""Facts cost a little for each series and next to nothing for each row: no row is a Python object on the way.

Growth is told by counting calls, which a busy machine does not change.
"""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import build
from chimera_pipeline.facts.rows import Rows
from tests.unit.facts.test_comparisons import a_series, frames, values_of

SIZE = 60
Corpus = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def noise(n: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(1, 0.05, n)


def rows_of_one_file(count: int) -> Corpus:
    metrics = ("ttft_s", "total_s", "output_tokens", "eval_s", "decode_tokens_per_s")
    return [row for name in metrics for row in values_of("x", noise(40 * count), name)], [a_series("x")]


def rows_of_two_arms(count: int) -> Corpus:
    rows = [
        row for name in "xy" for row in values_of(name, noise(20 * count), items=[f"p{i}" for i in range(20 * count)])
    ]
    return rows, [a_series("x", model="x"), a_series("y", model="y")]


def a_run_a_file(count: int) -> Corpus:
    rows = [row for run in range(count) for row in values_of("x", noise(5, run), path=f"{run:04}.csv", days=[run] * 5)]
    return rows, [a_series("x")]


def a_series_a_model(count: int) -> Corpus:
    names = [f"m{i:03}" for i in range(count)]
    return [row for name in names for row in values_of(name, noise(6))], [a_series(name, model=name) for name in names]


def stated_means_of_many_cases(count: int) -> Corpus:
    names = [f"case-{i}" for i in range(count)]
    rows = [
        row
        for name in names
        for statistic in ("mean", "std", "min", "max")
        for row in values_of(name, [1.0], "time_s", statistic=statistic, n=9)
    ]
    return rows, [a_series(name, family="timings", case=name) for name in names]


@pytest.mark.parametrize(
    ("corpus", "most"), [(a_run_a_file, 4.5), (a_series_a_model, 5.0), (stated_means_of_many_cases, 5.0)]
)
def test_four_times_the_series_or_files_take_about_four_times_the_work(
    corpus: Callable[[int], Corpus], most: float
) -> None:
    few, many = calls(corpus(SIZE)), calls(corpus(4 * SIZE))
    assert many < most * few, f"{many / few:.1f} times the calls: pair by pair would be 16 times"


@pytest.mark.parametrize(("corpus", "most"), [(rows_of_one_file, 4), (rows_of_two_arms, 20)])
def test_a_row_more_of_a_series_takes_next_to_no_work(corpus: Callable[[int], Corpus], most: float) -> None:
    few, many = corpus(SIZE), corpus(4 * SIZE)
    each = (calls(many) - calls(few)) / (len(many[0]) - len(few[0]))
    assert each < most, f"{each:.1f} calls a row: its place is parsed, an item is averaged, and that is all"


def calls(corpus: Corpus) -> int:
    measurements, series = frames(*corpus)
    store = {"measurements": Rows.of(measurements), "series": series}
    store |= {name: tables.frame(name) for name in ("artifacts", "telemetry_gaps")}  # type: ignore[dict-item]
    build.facts_of(store, period="all")  # what is worked out once: nulls, tables of scores
    store["measurements"] = Rows.of(measurements)
    counted = cProfile.Profile()
    assert counted.runcall(build.facts_of, store, period="all")
    return int(pstats.Stats(counted).total_calls)  # type: ignore[attr-defined]
