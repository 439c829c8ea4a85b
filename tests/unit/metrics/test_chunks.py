"""Settling holds the rows of a few files at a time, and what it says does not depend on which."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd
import pytest

from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.metrics.settle import Settling, settle, whole
from chimera_pipeline.records import Artifact, Reading
from tests import corpus
from tests.unit.metrics import test_growth as growth
from tests.unit.metrics.test_settle import pair

Pair = tuple[Artifact, Reading | None]
CORPORA = [
    growth.equal_tokens, growth.equal_numbers_at_other_times, growth.the_same_first_rows, growth.windows_of_one_log,
    growth.summaries_beside_their_rows, growth.summaries_that_nothing_explains, growth.impossible_values,
    growth.a_context_a_file, growth.parts_of_one_log,
]  # fmt: skip


def tangled() -> list[Pair]:
    """Files that lie far apart by name and concern each other: a copy, twins, a subset, a summary, a lent model."""
    suite = corpus.suite("m1:1b", 90.0)
    log = corpus.csv_text(suite, corpus.REQUEST_COLUMNS)
    nameless = [{key: value for key, value in row.items() if key != "model"} for row in suite[:6]]
    texts = {
        "a/log.csv": log,
        "m/twin.json": json.dumps({"results": suite}),
        "n/part.csv": corpus.csv_text(suite[:4], corpus.REQUEST_COLUMNS),
        "z/copy.csv": log,
        "b/summary.json": corpus.suite_summary(suite),
        "y/unexplained.json": corpus.suite_summary(corpus.suite("other:2b", 60.0)),
        "k/run_270m_base.csv": corpus.csv_text(corpus.suite("m2:2b", 50.0), corpus.REQUEST_COLUMNS),
        "k/run_270m_sweep.csv": corpus.csv_text(nameless, [name for name in corpus.REQUEST_COLUMNS if name != "model"]),
        "c/compile.json": corpus.compile_json(),
    }
    return [pair(path, text) for path, text in texts.items()]


def same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    assert one.keys() == other.keys()
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name])


@pytest.mark.parametrize("made", CORPORA)
def test_where_chunks_are_cut_changes_nothing(made: Callable[[int, random.Random], Iterator[Pair]]) -> None:
    files = list(made(24, random.Random(5)))
    at_once = settle(files)
    for rows in (1, 7):
        same(settle(files, rows=rows), at_once)


def test_files_that_concern_each_other_may_lie_in_other_chunks() -> None:
    at_once = settle(tangled())
    found = at_once["artifacts"].set_index("path")
    assert found.loc["z/copy.csv", "reason"] == "exact_copy"
    assert found.loc["b/summary.json", "status"] == "derived"
    assert found.loc["y/unexplained.json", "status"] == "ok"
    assert {"twin", "subset_of_rows"} & set(found["reason"].dropna())
    sources = at_once["llm_requests"]["field_sources"].dropna()
    assert sources.str.contains("k/run_270m_base.csv").any()
    same(settle(tangled(), rows=1), at_once)


class _Counted(dict[str, Any]):
    """Rows of a file that say how many files have theirs held."""

    held = 0
    most = 0

    def __init__(self, rows: dict[str, Any]) -> None:
        super().__init__(rows)
        _Counted.held += 1
        _Counted.most = max(_Counted.most, _Counted.held)

    def __del__(self) -> None:
        _Counted.held -= 1


class _Watched:
    """Files whose rows are counted while they are held."""

    def __init__(self, files: Iterable[Pair]) -> None:
        self._files = {artifact.path: (artifact, reading) for artifact, reading in files}

    def artifacts(self) -> list[Artifact]:
        return [artifact for artifact, _ in self._files.values()]

    def entries(self, artifacts: Iterable[Artifact]) -> Iterator[Entry]:
        for artifact in artifacts:
            reading = self._files[artifact.path][1]
            assert reading is not None
            entry = Entry.of(artifact, reading)
            entry.rows = _Counted({table: [dict(row) for row in rows] for table, rows in reading.rows.items()})
            yield entry


def most_held(made: Callable[[int, random.Random], Iterator[Pair]], count: int) -> int:
    _Counted.most = _Counted.held = 0
    settled = whole(Settling(_Watched(made(count, random.Random(5))), rows=20, usual=1))
    assert len(settled["artifacts"]) >= count
    return _Counted.most


@pytest.mark.parametrize("made", CORPORA)
def test_no_more_rows_are_held_where_there_are_more_files(
    made: Callable[[int, random.Random], Iterator[Pair]],
) -> None:
    few, many = most_held(made, 60), most_held(made, 240)
    assert 1 < many <= few + 2, f"the rows of {few} files were held at once, then of {many}"
