"""Whether two files can speak of one time: a copy in another format has its times, a second run has its own.

In: entries before their rows are dated. What counts is what a file states: instants in its content, else the stamp in
its path; never the file's own time, which copying changes. Nothing is changed here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from chimera_pipeline import periods
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Row

WRITING = dt.timedelta(minutes=1)
"""How far apart one run's two files may be stamped where each has one instant for all its rows."""
RUN = dt.timedelta(days=1)
"""How far a stamp in a path may lie from the run: it is local, and of its start or end."""
_FARTHEST_ZONE = dt.timedelta(hours=14)
_ZONE_STEP = dt.timedelta(minutes=15)
_FINEST = dt.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Stated:
    """The instants that a file states for its rows, None for a row without; `naive` where no zone is stated."""

    at: tuple[dt.datetime | None, ...]
    naive: bool

    @property
    def known(self) -> list[dt.datetime]:
        return [at for at in self.at if at is not None]

    @property
    def single(self) -> bool:
        """One instant for all rows: when the file was begun or written."""
        return len(set(self.known)) == 1

    @property
    def resolution(self) -> dt.timedelta:
        """One unit of the last digit that is printed, as far as the instants show it."""
        known = self.known
        if any(at.microsecond for at in known):
            return _FINEST
        if any(at.second for at in known):
            return dt.timedelta(seconds=1)
        return dt.timedelta(minutes=1) if any(at.hour or at.minute for at in known) else dt.timedelta(days=1)


def may_be_one_run(a: Entry, b: Entry, table: str) -> bool:
    """Whether the times that two files state for the rows of a table, row by row, allow that they are one run.

    Both state times: they agree at the coarser of the two resolutions, but for one offset where only one of them
    states a zone. One has its time in the path only: it lies within `RUN` of the other. One states none: nothing
    speaks against it.
    """
    left, right = _content(a.rows[table]), _content(b.rows[table])
    if left.known and right.known:
        return _agree(left, right, other_format=a.artifact.format is not b.artifact.format)
    stamps = [_stamp(entry.path) for entry in (a, b)]
    if left.known or right.known:
        stated, stamp = (left, stamps[1]) if left.known else (right, stamps[0])
        return stamp is None or _near(stamp, stated.known)
    if stamps[0] is None or stamps[1] is None:
        return True
    return _agree(stamps[0], stamps[1], other_format=a.artifact.format is not b.artifact.format)


def begin(entry: Entry, table: str) -> tuple[float, float, bool] | None:
    """(epoch seconds of the first row, how far a twin's may lie from it, whether it names no zone).

    None where some row of the table states no time.
    """
    stated = _content(entry.rows[table])
    first = stated.at[0]
    if first is None or None in stated.at:
        return None
    return first.timestamp(), stated.resolution.total_seconds(), stated.naive


def stamp_of(path: str) -> tuple[float, float] | None:
    """(epoch seconds of the stamp in a path, how far a twin's may lie from it); None without a stamp."""
    found = _stamp(path)
    return None if found is None else (found.known[0].timestamp(), found.resolution.total_seconds())


def clocks_apart_s(a: tuple[bool, str], b: tuple[bool, str]) -> float:
    """How far apart twins may state one instant beyond their resolution; a clock: (names no zone, format)."""
    zone = _FARTHEST_ZONE if a[0] != b[0] else dt.timedelta()
    return (zone + (WRITING if a[1] != b[1] else dt.timedelta())).total_seconds()


def latest_s(path: str) -> float | None:
    """The latest instant, in epoch seconds, at which rows began that a summary at `path` sums up; None: any."""
    stamp = _stamp(path)
    return None if stamp is None else (stamp.known[0] + stamp.resolution + RUN).timestamp()


def start_s(rows: Sequence[Row]) -> float | None:
    """When the first of `rows` was measured, in epoch seconds, as far as the file says."""
    known = _content(rows).known
    return min(known).timestamp() if known else None


def _content(rows: Sequence[Row]) -> _Stated:
    texts = [row.get("measured_at") for row in rows]
    naive = any(row.get("time_naive") for row in rows)
    return _Stated(tuple(text and dt.datetime.fromisoformat(text) for text in texts), naive)


def _stamp(path: str) -> _Stated | None:
    found = periods.instant_from_path(path)
    return None if found is None else _Stated((found.at,), found.naive)


def _near(stamp: _Stated, known: list[dt.datetime]) -> bool:
    at, margin = stamp.known[0], RUN + stamp.resolution
    return min(known) - margin <= at <= max(known) + margin


def _agree(left: _Stated, right: _Stated, *, other_format: bool) -> bool:
    apart = [a - b for a, b in zip(left.at, right.at, strict=True) if a is not None and b is not None]
    if not apart:
        return True
    unit = max(left.resolution, right.resolution)
    if other_format and left.single and right.single:
        unit = max(unit, WRITING)
    if left.naive == right.naive:
        return all(abs(found) < unit for found in apart)
    zone = round(apart[0] / _ZONE_STEP) * _ZONE_STEP
    return abs(apart[0]) < _FARTHEST_ZONE + unit and all(abs(found - zone) < unit for found in apart)
