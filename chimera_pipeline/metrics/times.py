"""When a row was measured: from its content, else the path's stamp, else the file's time; the source is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from chimera_pipeline import periods
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Gap, GapKind, Rejection

FIELD = "measured_at"
_EARLIEST = periods.EARLIEST.isoformat()
TOLERANCE = dt.timedelta(days=1)
"""How far a stated time may lie after the run: naive local times may be ahead of UTC by most of a day."""


def date_rows(entries: list[Entry]) -> None:
    """Give every row `measured_at`, `time_source` and `time_naive`."""
    for entry in entries:
        stamp: periods.Instant | None = None
        looked = False
        for _, row in entry.all_rows():
            if row.get("measured_at") is not None:
                row["time_source"] = "content"
                row.setdefault("time_naive", False)
                continue
            if not looked:
                stamp, looked = periods.instant_from_path(entry.path), True
            if stamp is not None:
                row["measured_at"], row["time_source"] = stamp.iso(), "filename"
                row["time_naive"] = stamp.naive
            elif entry.artifact.mtime_ns > 0:
                at = dt.datetime.fromtimestamp(entry.artifact.mtime_ns // 1000 / 1e6, dt.UTC)
                row["measured_at"] = at.isoformat(timespec="microseconds")
                row["time_source"], row["time_naive"] = "mtime", False
            else:
                row["measured_at"], row["time_source"], row["time_naive"] = None, "none", False


def limit(now: dt.datetime | None) -> str | None:
    """The last time that is believed, as `measured_at` is written; None believes every time."""
    return (now + TOLERANCE).astimezone(dt.UTC).isoformat(timespec="microseconds") if now else None


def refuse_future(
    entries: list[Entry], now: dt.datetime | None
) -> tuple[list[tuple[Entry, Rejection, str]], list[Gap]]:
    """Take the time from rows that claim to be measured after `now`: they count, but enter no period and no change.

    One rejection and one gap a file, with the time that was stated.
    """
    rejections, gaps = [], []
    until = limit(now)
    for entry in entries:
        found = [row for _, row in entry.all_rows() if until and row["measured_at"] and row["measured_at"] > until]
        if not found:
            continue
        stated = max(row["measured_at"] for row in found)
        source = {"content": "its content", "filename": "its name", "mtime": "the file time"}[found[0]["time_source"]]
        detail = f"{len(found)} rows are dated {stated[:19]} UTC by {source}, after this run"
        rejections.append((entry, Rejection(Reason.OUT_OF_RANGE, detail, found[0]["locator"], stated), FIELD))
        if entry.counts:
            gaps.append(
                Gap(
                    kind=GapKind.FUTURE_TIMESTAMP,
                    table="artifacts",
                    field=FIELD,
                    subject=entry.path,
                    artifacts=(entry.path,),
                    count=len(found),
                    severity="warning",
                    consequence=f"{detail}: they enter no period, no change and no trend",
                    remedy="check the clock and time zone of the machine that measured",
                )
            )
        for row in found:
            row["measured_at"], row["time_source"], row["time_naive"] = None, "none", False
    return rejections, gaps


def time_gaps(entry: Entry) -> Iterator[Gap]:
    """What is wrong with the times that a file states: they carry no zone, or lie before the field existed."""
    rows = [row for _, row in entry.all_rows() if row["time_source"] in ("content", "filename")]
    naive = sum(bool(row["time_naive"]) for row in rows if row["time_source"] == "content")
    if naive:
        yield Gap(
            kind="naive_timestamp",
            table="artifacts",
            field="measured_at",
            subject=entry.path,
            artifacts=(entry.path,),
            count=naive,
            severity="info",
            consequence="the time zone is assumed to be UTC; the instant may be hours off",
            remedy="write times with their offset from UTC",
        )
    early = sum(row["measured_at"] < _EARLIEST for row in rows)
    if early:
        yield Gap(
            kind="out_of_range",
            table="artifacts",
            field="measured_at",
            subject=entry.path,
            artifacts=(entry.path,),
            count=early,
            consequence=f"times before {periods.EARLIEST.year} are believed to be clock errors",
            remedy="check the clock of the machine that measured",
        )
