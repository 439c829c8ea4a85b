"""Settling grows with the number of files, not with its square, for the corpora that invite comparing all pairs.

Growth is told by counting calls, which a busy machine does not change.
"""

from __future__ import annotations

import cProfile
import datetime as dt
import pstats
import random
from collections.abc import Callable, Iterator

import pytest

from chimera_pipeline.inventory.scan import format_of
from chimera_pipeline.metrics.settle import settle
from chimera_pipeline.records import Artifact, Reading, Row, SummaryRow

Pair = tuple[Artifact, Reading]
START = dt.datetime(2025, 1, 1, 3, 33, 33, 500_000, tzinfo=dt.UTC)
PRINTED = dict.fromkeys(("output_tokens", "prompt_tokens"), 0.5) | dict.fromkeys(("ttft_s", "total_s"), 5e-4)
SIZE = 80


def file(path: str, rows: list[Row], table: str = "llm_requests", summaries: tuple[SummaryRow, ...] = ()) -> Pair:
    found = Reading(kind="probe", tool="probe", summaries=list(summaries), precision={table: PRINTED})
    for place, row in enumerate(rows):
        found.add(table, {"locator": f"row {place}", "suite": "probe", "config": {}, "model": "m:1b"} | row)
    return Artifact(path, 9, 1_760_000_000_000_000_000, f"h{path}", format_of(path)), found


def at(seconds: float) -> str:
    return (START + dt.timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def equal_tokens(count: int, chance: random.Random) -> Iterator[Pair]:
    for n in range(count):
        times: Row = {"ttft_s": round(chance.uniform(0.1, 9), 3), "total_s": round(chance.uniform(10, 20), 3)}
        yield file(f"{n:05}.csv", [{"output_tokens": 128, "prompt_tokens": 40, **times}])


def equal_numbers_at_other_times(count: int, chance: random.Random) -> Iterator[Pair]:
    for n in range(count):
        numbers: Row = {"output_tokens": 128, "prompt_tokens": 40, "ttft_s": 0.1, "total_s": 1.0}
        yield file(f"{n:05}.csv", [{"measured_at": at(n), **numbers}])


def equal_numbers_with_stamps(count: int, chance: random.Random) -> Iterator[Pair]:
    for n in range(count):
        stamp = f"{START + dt.timedelta(minutes=n):%Y%m%d-%H%M%S}"
        yield file(f"probe-{stamp}.csv", [{"output_tokens": 128, "prompt_tokens": 40, "ttft_s": 0.1}])


def two_shapes_of_equal_tokens(count: int, chance: random.Random) -> Iterator[Pair]:
    for n in range(count):
        names = ("ttft_s", "total_s") if n % 2 else ("load_s", "eval_s")
        times: Row = {name: chance.uniform(1, 9) for name in names}
        yield file(f"{n:05}.csv", [{"output_tokens": 128, "prompt_tokens": 40, **times}])


def the_same_first_rows(count: int, chance: random.Random) -> Iterator[Pair]:
    rows: list[Row] = [{"measured_at": at(k), "ttft_s": k + 1, "total_s": k + 2, "output_tokens": k} for k in range(5)]
    for n in range(count):
        own = {"measured_at": at(n + 99), "ttft_s": chance.random(), "total_s": 2 + chance.random(), "output_tokens": n}
        yield file(f"{n:05}.csv", [*map(dict, rows), own])


def windows_of_one_log(count: int, chance: random.Random) -> Iterator[Pair]:
    log: list[Row] = [
        {"measured_at": at(n), "ttft_s": chance.random(), "total_s": 2 + chance.random(), "output_tokens": n}
        for n in range(count + 9)
    ]
    for n in range(count):
        yield file(f"{n:05}.csv", [dict(row) for row in log[n : n + 6 + n % 3]])


def summaries_beside_their_rows(count: int, chance: random.Random) -> Iterator[Pair]:
    for n in range(count):
        values = [chance.random() for _ in range(3)]
        mean = sum(values) / 3 + (0 if n % 2 else 5)
        stated = SummaryRow("llm_requests", {"model": "m:1b"}, {"ttft_s:mean": (mean, 1e-6)}, "/mean")
        yield file(f"x/{n:05}.csv", [{"ttft_s": value} for value in values])
        yield file(f"x/{n:05}-summary.json", [], summaries=(stated,))


def summaries_that_nothing_explains(count: int, chance: random.Random) -> Iterator[Pair]:
    for n in range(count):
        stated = SummaryRow("llm_requests", {"model": "m:1b"}, {"ttft_s:mean": (99.0 + n, 1e-6)}, "/mean")
        yield file(f"{n:05}.csv", [{"ttft_s": chance.random()}])
        yield file(f"{n:05}.json", [{"case": "a", "mean_s": chance.random()}], "timings", (stated,))


def impossible_values(count: int, chance: random.Random) -> Iterator[Pair]:
    for n in range(count):
        yield file(f"{n:05}.csv", [{"measured_at": at(n), "ttft_s": -1.0, "total_s": chance.random()}])


def a_context_a_file(count: int, chance: random.Random) -> Iterator[Pair]:
    for n in range(count):
        yield file(f"{n:05}.csv", [{"measured_at": at(n), "config": {"num_ctx": n}, "ttft_s": chance.random()}])


def parts_of_one_log(count: int, chance: random.Random) -> Iterator[Pair]:
    for n in range(count):
        yield file(
            f"log-{n:05}.csv",
            [
                {"measured_at": at(n * 4 + k), "prompt_id": f"{n}-{k}", "ttft_s": chance.random()}
                | {"prompt_tokens": chance.randrange(10, 90), "output_tokens": chance.randrange(60, 240)}
                for k in range(4)
            ],
        )


@pytest.mark.parametrize(
    "corpus",
    [
        equal_tokens, equal_numbers_at_other_times, equal_numbers_with_stamps, two_shapes_of_equal_tokens,
        the_same_first_rows, windows_of_one_log, summaries_beside_their_rows, summaries_that_nothing_explains,
        impossible_values, a_context_a_file, parts_of_one_log,
    ],
)  # fmt: skip
def test_four_times_the_files_take_about_four_times_the_work(
    corpus: Callable[[int, random.Random], Iterator[Pair]],
) -> None:
    few, many = calls(list(corpus(SIZE, random.Random(1)))), calls(list(corpus(4 * SIZE, random.Random(1))))
    assert many < 6 * few, f"{many / few:.1f} times the calls: pair by pair would be 16 times"


def calls(files: list[Pair]) -> int:
    settle(list(equal_tokens(1, random.Random(2))))  # what is loaded once
    counted = cProfile.Profile()
    counted.runcall(settle, files)
    return int(pstats.Stats(counted).total_calls)  # type: ignore[attr-defined]
