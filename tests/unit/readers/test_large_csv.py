"""A csv too large to hold gives the statistics that its rows would give, and names what it refuses."""

from __future__ import annotations

import os
import random
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers import registry
from chimera_pipeline.readers.fields import number
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits

HEADER = "timestamp,model,prompt_index,ttft_s,tokens_s,load_s,num_ctx,eval_count,error"
SMALL = Limits(max_file_bytes=100)


def rows(count: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    return [
        f"2025-10-02T12:{i % 60:02d}:00+00:00,{chance.choice(('m:1b', 'n:8b'))},{i},{chance.uniform(0.1, 0.9):.6f},"
        f"{chance.gauss(90, 5):.4f},{chance.uniform(0, 0.1):.6f},{chance.choice((2048, 4096))},"
        f"{chance.randrange(50, 99)},"
        for i in range(count)
    ]


def both(folder: Path, lines: list[str]) -> tuple[Reading, Reading]:
    """(summed up, row by row) of one csv."""
    path = folder / "odd *[name].csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return registry.read_large(descriptor, SMALL), registry.read(path.read_bytes(), Format.CSV, Limits())
    finally:
        os.close(descriptor)


def test_the_statistics_are_those_of_the_rows(tmp_path: Path) -> None:
    large, small = both(tmp_path, rows(5000))
    assert (large.status, large.tool, large.kind) == (ArtifactStatus.OK, small.tool, small.kind)
    assert (large.records_ok, large.records_failed) == (5000, 0)
    groups: dict[Any, list[float]] = {}
    for row in small.rows["llm_requests"]:
        groups.setdefault((row["model"], row["config"]["num_ctx"]), []).append(row["decode_tokens_per_s"])
    found = [row for row in large.rows["measurements"] if row["metric"] == "decode_tokens_per_s"]
    assert {(row["model"], row["config"]["num_ctx"]) for row in found} == set(groups)
    for row in found:
        values = groups[row["model"], row["config"]["num_ctx"]]
        expected = {
            "mean": statistics.fmean(values), "std": statistics.stdev(values), "min": min(values), "max": max(values),
            "median": statistics.median(values), "p90": np.quantile(values, 0.9), "p95": np.quantile(values, 0.95),
            "p99": np.quantile(values, 0.99),
        }  # fmt: skip
        assert row["value"] == pytest.approx(expected[row["statistic"]], rel=1e-12)
        assert row["n"] == len(values)
        assert row["ddof"] == (1 if row["statistic"] == "std" else None)
        assert row["measured_at"].startswith("2025-10-02T12:00")


def test_failed_broken_and_unreadable_rows_enter_no_mean_and_are_counted(tmp_path: Path) -> None:
    good = rows(50)
    bad = [
        "2025-10-02T12:00:00+00:00,m:1b,1,,,,2048,,connection refused",
        "2025-10-02T12:00:00+00:00,m:1b,1,0.5,0,0.1,2048,0,",
        "2025-10-02T12:00:00+00:00,m:1b,1,0.5,inf,0.1,2048,50,",
        "2025-10-02T12:00:00+00:00,m:1b,1,0.5,0x10,0.1,2048,50,",
        "2025-10-02T12:00:00+00:00,m:1b,1,0.5",
    ]
    large, small = both(tmp_path, [*good, *bad])
    assert large.status is small.status is ArtifactStatus.PARTIAL
    assert large.records_ok == small.records_ok == 50
    assert large.records_failed == small.records_failed == 2
    reasons = sorted(rejection.reason for rejection in large.rejections)
    assert reasons == [Reason.BAD_NUMBER, Reason.BAD_NUMBER, Reason.RAGGED_ROW]
    assert {r.locator for r in large.rejections if r.reason == Reason.BAD_NUMBER} == {"column tokens_s"}
    ragged = next(rejection for rejection in large.rejections if rejection.reason == Reason.RAGGED_ROW)
    assert ragged.locator == "line 56"
    counted = {row["n"] for row in large.rows["measurements"] if row["metric"] == "decode_tokens_per_s"}
    assert sum(counted) <= 50


def test_a_kind_that_is_read_row_by_row_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("timestamp, index, utilization.gpu [%]\n2024/01/16 14:44:16.981, 0, 5 %\n")
    descriptor = os.open(path, os.O_RDONLY)
    found = registry.read_large(descriptor, SMALL)
    os.close(descriptor)
    assert (found.status, found.reason) == (ArtifactStatus.QUARANTINED, Reason.TOO_LARGE)
    assert "row by row" in str(found.detail)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("\n".join([HEADER, *rows(9000)]).encode() + b"\n2025,\xff\xfe,1,1,1,1,1,1,\n")
    descriptor = os.open(path, os.O_RDONLY)
    found = registry.read_large(descriptor, SMALL)
    os.close(descriptor)
    assert found.reason in (Reason.BAD_ENCODING, Reason.RAGGED_ROW)
    assert found.status in (ArtifactStatus.QUARANTINED, ArtifactStatus.PARTIAL)


@pytest.mark.parametrize(
    "cell",
    ["1", "+1.5", "-2", ".5", "1.", "1e3", "1E-3", "1e400", "inf", "-inf", "nan", "1_000", "0x10", "1,5", "1 000",
     "--1", "1e", "e1", "true", "n/a", "NA", "-", "None", "null", "5 ms", "\u0661", "0" * 50, "infinity", "1d", "1f"],
)  # fmt: skip
def test_what_counts_as_a_number_is_what_counts_elsewhere(tmp_path: Path, cell: str) -> None:
    line = f'2025-10-02T12:00:00+00:00,m:1b,0,0.5,100.0,"{cell}",2048,50,'
    large, small = both(tmp_path, [line] * 3)
    try:
        expected = number(cell)
    except ArtifactError:
        assert (large.records_ok, small.records_ok) == (0, 0)
        assert {r.reason for r in large.rejections} & {Reason.BAD_NUMBER}
        return
    stated = [
        row["value"] for row in large.rows["measurements"] if (row["metric"], row["statistic"]) == ("load_s", "mean")
    ]
    assert stated == ([] if expected is None else [expected])


def test_a_time_that_is_no_instant_is_refused_and_the_rows_stay(tmp_path: Path) -> None:
    large, _ = both(tmp_path, [row.replace("2025-10-02T12:", "0 o'clock ") for row in rows(20)])
    assert large.records_ok == 20
    assert {rejection.reason for rejection in large.rejections} == {Reason.BAD_TIME}
    assert large.rows["measurements"]
    assert not any(row.get("measured_at") for row in large.rows["measurements"])
