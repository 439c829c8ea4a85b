"""The long form chunk by chunk is the long form: same rows, same answers, one file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from chimera_pipeline.contracts import tables
from chimera_pipeline.errors import InputError
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.orchestration import checks, ingests, steps
from chimera_pipeline.orchestration.measured import Measured
from chimera_pipeline.settings import Settings
from tests import corpus
from tests.ingested import Ingested, chosen


def folder(root: Path) -> Path:
    """Requests of five months in five files, timings and a summary that nothing explains."""
    logs = {
        f"{month:02}/suite_runs.csv": corpus.csv_text(
            corpus.suite(f"m{month}:1b", 90.0 + month, timestamp=f"2025-{month:02}-02T12:00:00+00:00"),
            corpus.REQUEST_COLUMNS,
        )
        for month in range(1, 6)
    }
    others = {"a.json": corpus.compile_json(), "z_summary.json": corpus.suite_summary(corpus.suite("other:2b", 60.0))}
    corpus.write(root, logs | others)
    return root


def whole_of(ingested: Ingested, settings: Settings) -> pd.DataFrame:
    return melt(ingested.frames(), reader_version=steps.reader_version(settings))


@pytest.mark.parametrize(("rows", "usual"), [(1, 1), (7, 1), (12, 5), (10_000, 1), (10_000, 10_000)])
def test_chunks_in_a_row_are_the_whole(tmp_path: Path, rows: int, usual: int) -> None:
    settings = chosen(folder(tmp_path / "data"), tmp_path / "out")
    ingested = Ingested(settings, rows=rows, usual=usual)
    whole = whole_of(ingested, settings)
    assert len(whole) > 100
    pd.testing.assert_frame_equal(ingested.frames_of("measurements"), whole)
    found = ingested.measured
    assert found.rows == len(whole)
    assert found.fingerprints() == ingests.fingerprints(whole)
    assert len(found.fingerprints()) >= 5
    assert found.contract() == checks.contract_result("measurements", whole)
    assert found.metadata()["series"] == whole["series_id"].nunique()
    assert found.metadata()["undated"] == whole["period"].isna().sum()


def test_a_row_group_holds_a_chunk(tmp_path: Path) -> None:
    ingested = Ingested(chosen(folder(tmp_path / "data"), tmp_path / "out"), usual=1)
    path = ingested.lake.table_path("measurements")
    assert pq.ParquetFile(path).num_row_groups == ingested.frames_of("measurements")["artifact_path"].nunique() >= 6


def test_a_store_without_files_has_the_table_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    ingested = Ingested(chosen(tmp_path / "data", tmp_path / "out"))
    pd.testing.assert_frame_equal(ingested.frames_of("measurements"), tables.frame("measurements"))
    assert ingested.measured.contract().passed


def test_a_row_that_breaks_the_contract_is_found_in_any_chunk(tmp_path: Path) -> None:
    settings = chosen(folder(tmp_path / "data"), tmp_path / "out")
    ingested = Ingested(settings, usual=1)
    frame = ingested.frames_of("llm_requests")
    place = frame.index[frame["artifact_path"] == "04/suite_runs.csv"][2]
    frame.loc[place, "phase"] = "tepid"
    ingested.lake.write_frame("llm_requests", frame)
    ingested.stage.keep()
    ingested.lake.table_path("measurements").unlink()
    result = Measured(settings, ingested.lake, ingested.frames_of("artifacts"), rows=1).contract()
    assert not result.passed
    assert result.metadata["failures"].value >= 1
    assert result.metadata["first"].value[0]["artifact_path"] == "04/suite_runs.csv"  # type: ignore[call-overload,index]


def test_tables_that_this_version_did_not_settle_are_not_measured(tmp_path: Path) -> None:
    settings = chosen(folder(tmp_path / "data"), tmp_path / "out")
    ingested = Ingested(settings)
    frame = ingested.frames_of("timings")
    ingested.lake.write_frame("timings", frame.iloc[:-1])
    with pytest.raises(InputError, match=r"run all of the ingest again"):
        Measured(settings, ingested.lake, ingested.frames_of("artifacts"))


def test_a_fingerprint_changes_with_every_row_and_with_no_cut_or_order() -> None:
    rows = [{"period": "2025-01", "value": float(n % 3), "locator": f"line {n // 2}"} for n in range(8)]
    frame = tables.frame("measurements").reindex(range(8)).assign(**pd.DataFrame(rows))
    told = ingests.fingerprints(frame)
    assert ingests.fingerprints(frame.iloc[::-1]) == told
    parts = ingests.Fingerprints()
    for some in (frame.iloc[:3], frame.iloc[3:]):
        parts.take(some["period"], ingests.hashes(some))
    assert parts.all() == told
    changed = [frame.iloc[1:], pd.concat([frame, frame.iloc[:1]]), pd.concat([frame, frame.iloc[:2].iloc[[0, 0]]])]
    for place in range(8):
        other = frame.copy()
        other.loc[place, "value"] = 9.0
        changed.append(other)
    swapped = frame.copy()
    swapped["value"] = swapped["value"].to_numpy()[::-1]
    found = {tuple(ingests.fingerprints(one).items()) for one in [*changed, swapped]}
    assert len(found) == len(changed) + 1
    assert tuple(told.items()) not in found
