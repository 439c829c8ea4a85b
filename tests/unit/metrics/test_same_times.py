"""Equal numbers are one measurement only where the times that files state allow it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import corpus
from tests.unit.metrics.test_settle import settled, status

COLUMNS = [name for name in corpus.REQUEST_COLUMNS if name != "model"]
UNDATED = [name for name in COLUMNS if name != "timestamp"]


def log(timestamp: str, columns: list[str] = corpus.REQUEST_COLUMNS, **changed: Any) -> str:
    return corpus.csv_text(corpus.suite(timestamp=timestamp, **changed), columns)


def document(*timestamps: str) -> str:
    """The same suite as json, every row with its time where one is given."""
    kept = ("ttft_s", "tokens_s", "load_s", "prompt_eval_s", "eval_s", "eval_count")
    rows = [{key: row[key] for key in kept} for row in corpus.suite()]
    for row, stated in zip(rows, timestamps * 5, strict=False):
        row["timestamp"] = stated
    return json.dumps({"model": "tiny:1b", "results": rows})


def test_the_same_numbers_of_two_months_are_two_runs() -> None:
    out = settled({"october.csv": log("2025-10-02T12:00:00+00:00"), "november.csv": log("2025-11-02T12:00:00+00:00")})
    assert set(status(out).values()) == {"ok"}
    months = out["llm_requests"]["measured_at"].dt.strftime("%Y-%m")
    assert dict(months.value_counts()) == {"2025-10": 5, "2025-11": 5}


@pytest.mark.parametrize(
    ("csv_time", "json_time", "one"),
    [
        ("2025-10-02T12:00:31+00:00", "2025-10-02T12:00:31.734+00:00", True),
        ("2025-10-02T12:00+00:00", "2025-10-02T12:00:31.734+00:00", True),
        ("2025-10-02", "2025-10-02T12:00:31.734", True),
        ("2025-10-02T08:00:31", "2025-10-02T12:00:31.734+00:00", True),
        ("2025-10-02T08:00:31", "2025-10-02T12:07:31.734+00:00", False),
        ("2025-10-02T08:00:31", "2025-10-02T12:00:31.734", False),
        ("2025-10-02T08:00:31+00:00", "2025-10-02T12:00:31.734+00:00", False),
        ("2025-10-01T12:00:31", "2025-10-02T12:00:31.734+00:00", False),
        ("2025-11-02", "2025-10-02T12:00:31.734", False),
    ],
)
def test_a_twin_has_the_same_time_at_the_coarser_resolution(csv_time: str, json_time: str, one: bool) -> None:
    out = settled({"x.csv": log(csv_time, COLUMNS), "x.json": document(json_time)})
    assert sorted(status(out).values()) == (["duplicate", "ok"] if one else ["ok", "ok"])
    assert len(out["llm_requests"]) == (5 if one else 10)


def test_a_local_stamp_has_one_offset_for_all_rows() -> None:
    times = [f"2025-10-02T12:{minute:02}:05+00:00" for minute in range(5)]
    local = [text.replace("T12", "T08").removesuffix("+00:00") for text in times]
    shifted = [text.replace("T08", f"T{8 + place:02}") for place, text in enumerate(local)]
    for stamps, expected in ((local, 5), (shifted, 10)):
        rows = [row | {"timestamp": stamp} for row, stamp in zip(corpus.suite(), stamps, strict=True)]
        out = settled({"x.csv": corpus.csv_text(rows, COLUMNS), "x.json": document(*times)})
        assert len(out["llm_requests"]) == expected


@pytest.mark.parametrize(("stamp", "one"), [("", True), ("_20251002", True), ("_20251102-120000", False)])
def test_a_file_without_times_is_a_twin_unless_its_name_speaks_of_another_day(stamp: str, one: bool) -> None:
    out = settled({f"x{stamp}.csv": log("", UNDATED), "y.json": document("2025-10-02T12:00:31+00:00")})
    assert sorted(status(out).values()) == (["duplicate", "ok"] if one else ["ok", "ok"])


def test_two_files_without_times_are_two_runs_where_their_names_are_stamped_apart() -> None:
    for names, one in ((("x_20251002.csv", "x_20251002.json"), True), (("x_20251002.csv", "x_20251102.json"), False)):
        out = settled({names[0]: log("", UNDATED), names[1]: document()})
        assert sorted(status(out).values()) == (["duplicate", "ok"] if one else ["ok", "ok"])


def test_rows_of_another_time_are_no_subset() -> None:
    part = corpus.csv_text(corpus.suite(timestamp="2025-11-02T12:00:00+00:00")[:3], corpus.REQUEST_COLUMNS)
    out = settled({"all.csv": log("2025-10-02T12:00:00+00:00"), "part.csv": part})
    assert status(out) == {"all.csv": "ok", "part.csv": "ok"}


@pytest.mark.parametrize(("stamp", "found"), [("20251002-120000", "derived"), ("20250902-120000", "ok")])
def test_a_summary_is_not_of_rows_that_were_measured_after_it(stamp: str, found: str) -> None:
    files = {
        "runs.csv": log("2025-10-02T12:00:00+00:00"),
        f"{stamp}/suite_summary.json": corpus.suite_summary(corpus.suite()),
    }
    assert status(settled(files))[f"{stamp}/suite_summary.json"] == found
