"""The long form chunk by chunk is the long form: same rows, same answers, one file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from chimera_pipeline.contracts import tables
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES
from chimera_pipeline.metrics.measurements import melt, melt_chunks
from chimera_pipeline.metrics.settle import settle
from chimera_pipeline.orchestration import checks, ingests
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.orchestration.measured import Measured
from tests import corpus
from tests.unit.metrics.test_settle import pair


def store() -> dict[str, pd.DataFrame]:
    """Requests of five months in five files, timings and a summary that nothing explains."""
    logs = {
        f"{month:02}/suite_runs.csv": corpus.csv_text(
            corpus.suite(f"m{month}:1b", 90.0 + month, timestamp=f"2025-{month:02}-02T12:00:00+00:00"),
            corpus.REQUEST_COLUMNS,
        )
        for month in range(1, 6)
    }
    others = {"a.json": corpus.compile_json(), "z_summary.json": corpus.suite_summary(corpus.suite("other:2b", 60.0))}
    return settle([pair(path, text) for path, text in (logs | others).items()])


def chunks_of(settled: dict[str, pd.DataFrame], folder: Path, **options: Any) -> Iterator[pd.DataFrame]:
    """The long form of settled tables that have been published, chunk by chunk."""
    lake = Lake(folder)
    names = (*METRIC_TABLES, EXTRAS)
    for name in names:
        lake.write_frame(name, settled[name])
    return melt_chunks({name: lake.passing(name) for name in names}, settled["artifacts"], **options)


def test_chunks_in_a_row_are_the_whole(tmp_path: Path) -> None:
    settled = store()
    whole = melt(settled, reader_version="r")
    for rows in (1, 7, 12, 10_000):
        chunks = list(chunks_of(settled, tmp_path, reader_version="r", rows=rows))
        plain = [tables.without_categories(chunk) for chunk in chunks]
        pd.testing.assert_frame_equal(pd.concat(plain, ignore_index=True), whole)
        for one, other in itertools.pairwise(chunks):
            assert set(one["artifact_path"]).isdisjoint(other["artifact_path"])
    assert len(list(chunks_of(settled, tmp_path, rows=1))) == whole["artifact_path"].nunique()
    assert [len(chunk) for chunk in chunks_of(settle([]), tmp_path)] == [0]


def test_what_is_asked_of_chunks_is_what_is_asked_of_the_whole(tmp_path: Path) -> None:
    settled = store()
    whole = melt(settled, reader_version="r")
    found = Measured(chunks_of(settled, tmp_path, reader_version="r", rows=1))
    assert sum(map(len, found)) == found.rows == len(whole)
    assert found.fingerprints() == ingests.fingerprints(whole)
    assert len(found.fingerprints()) >= 5
    assert found.contract() == checks.contract_result("measurements", whole)
    assert found.metadata()["series"] == whole["series_id"].nunique()
    assert found.metadata()["undated"] == whole["period"].isna().sum()


def test_a_row_that_breaks_the_contract_is_found_in_any_chunk(tmp_path: Path) -> None:
    chunks = list(chunks_of(store(), tmp_path, reader_version="r", rows=1))
    chunks[3]["phase"] = chunks[3]["phase"].cat.add_categories("tepid")
    chunks[3].loc[2, "phase"] = "tepid"
    found = Measured(chunks)
    list(found)
    result = found.contract()
    assert not result.passed
    assert result.metadata["failures"].value == 1
    assert result.metadata["first"].value[0]["artifact_path"] == chunks[3]["artifact_path"].iloc[2]  # type: ignore[call-overload,index]


def test_chunks_become_one_file_with_a_row_group_each(tmp_path: Path) -> None:
    settled, lake = store(), Lake(tmp_path)
    chunks = list(chunks_of(settled, tmp_path, rows=1))
    path = lake.write_frames("measurements", iter(chunks)).path
    assert pq.ParquetFile(path).num_row_groups == len(chunks)
    pd.testing.assert_frame_equal(lake.read_frame("measurements"), melt(settled))
    one = lake.write_frames("measurements", chunks_of(settled, tmp_path)).path.read_bytes()
    assert one == lake.write_frame("measurements", melt(settled)).read_bytes()
