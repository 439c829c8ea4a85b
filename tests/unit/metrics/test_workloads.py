"""Parts of one log are one workload; logs of other prompts are not pooled with it."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest

from chimera_pipeline.metrics.settle import settle
from tests import corpus
from tests.unit.metrics.test_settle import pair, settled


def requests(prompts: str, *, start: int = 0, day: int = 2, **changed: Any) -> list[dict[str, Any]]:
    """A request for each letter, a minute apart from minute `start` on."""
    return [
        corpus.request(
            prompt_text=f"prompt {letter}", tokens_s=40.0 + ord(letter), eval_s=100 / (40.0 + ord(letter)),
            timestamp=f"2025-10-{day:02}T12:{start + place:02}:00+00:00", **changed,
        )
        for place, letter in enumerate(prompts)
    ]  # fmt: skip


def text(rows: list[dict[str, Any]], *without: str) -> str:
    return corpus.csv_text(rows, [name for name in corpus.REQUEST_COLUMNS if name not in without])


def series(files: dict[str, str]) -> int:
    return int(settled(dict(files))["llm_requests"]["series_id"].nunique())


@pytest.mark.parametrize("names", [("log.1.csv", "log.2.csv"), ("part-a.csv", "part-b.csv"), ("one.csv", "two.csv")])
def test_the_parts_of_a_log_are_the_series_that_the_whole_log_is(names: tuple[str, str]) -> None:
    rows = requests("abcdef")
    whole = settled({"log.csv": text(rows)})["series"]["series_id"]
    for halves in ((rows[:2], rows[2:]), (rows[::2], rows[1::2])):
        parts = dict(zip(names, map(text, halves), strict=True))
        assert list(settled(dict(parts))["series"]["series_id"]) == list(whole)


def test_logs_of_longer_prompts_or_answers_are_not_pooled() -> None:
    short = text(requests("abc"))
    assert series({"x1.csv": short, "x2.csv": text(requests("def", start=3))}) == 1
    assert series({"x1.csv": short, "x2.csv": text(requests("def", start=3, prompt_eval_count=900))}) == 2
    assert series({"x1.csv": short, "x2.csv": text(requests("def", start=3, eval_count=900))}) == 2


@pytest.mark.parametrize("name", ["logs/x2.csv", "code2.csv"])
def test_logs_of_another_name_or_folder_are_not_pooled(name: str) -> None:
    assert series({"x1.csv": text(requests("abc")), name: text(requests("def", start=3))}) == 2


def test_logs_of_another_day_are_not_pooled_unless_the_log_has_such_pauses() -> None:
    assert series({"x1.csv": text(requests("abc")), "x2.csv": text(requests("def", day=4))}) == 2
    daily = [requests(letter, day=day)[0] for day, letter in enumerate("abcd", start=2)]
    assert series({"x1.csv": text(daily[:2]), "x2.csv": text(daily[2:])}) == 1


@pytest.mark.parametrize("column", ["timestamp", "prompt_eval_count", "eval_count"])
def test_logs_without_times_or_lengths_are_not_pooled(column: str) -> None:
    halves = text(requests("abc"), column), text(requests("def", start=3), column)
    assert series(dict(zip(("x1.csv", "x2.csv"), halves, strict=True))) == 2


def test_other_options_are_another_series_in_any_part() -> None:
    rows = [*requests("abc"), *requests("abcd", start=3, options='{"temperature": 0.9}')]
    assert series({"x1.csv": text(rows[:2]), "x2.csv": text(rows[2:5]), "x3.csv": text(rows[5:])}) == 2


def test_the_workloads_are_the_same_for_any_order_of_files() -> None:
    prompts = ["abc", "def", "gh", "xyz"]
    files = {f"x{place}.csv": text(requests(found, start=3 * place)) for place, found in enumerate(prompts)}
    first = settled(dict(files))
    assert len(first["series"]) == 1
    for seed in range(3):
        order = random.Random(seed).sample(sorted(files), len(files))
        again = settle([pair(path, files[path]) for path in order])
        for name in ("series", "llm_requests"):
            pd.testing.assert_frame_equal(first[name], again[name])
