"""Time: which instant a measurement has, where that instant comes from, and which report period it falls in.

Instants are UTC datetimes. A source is content > filename > mtime > none. Nothing here reads a clock.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Any

from chimera_pipeline import wording
from chimera_pipeline.errors import ArtifactError, Reason, UsageError

UTC = dt.UTC
KINDS = ("month", "week", "day", "quarter")
ALL = "all"
EARLIEST = dt.datetime(2015, 1, 1, tzinfo=UTC)
# What a table can hold: nanoseconds in 64 bits.
_FIRST_YEAR, _LAST_YEAR = 1678, 2261
_EPOCH_TEXT = re.compile(r"\d{9,20}(\.\d+)?")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)[-_T](\d\d)(\d\d)(\d\d)")


@dataclass(frozen=True, slots=True)
class Instant:
    """A UTC instant and whether its time zone had to be assumed."""

    at: dt.datetime
    naive: bool = False

    def iso(self) -> str:
        """ISO 8601 in UTC with microseconds."""
        at = self.at if self.at.tzinfo is UTC else self.at.astimezone(UTC)
        return at.isoformat(timespec="microseconds")


def parse_instant(value: Any, *, locator: str | None = None) -> Instant | None:
    """The instant that a file states: ISO text, `YYYYmmdd-HHMMSS`, or an epoch in s, ms, us or ns.

    None for blank. A text without zone is taken as UTC and marked naive. Raises ArtifactError(bad_time).
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ArtifactError(Reason.BAD_TIME, f"time is {value!r}, expected ISO 8601 or an epoch", locator=locator)
    if isinstance(value, int | float):
        return _from_epoch(value, locator)
    text = str(value).strip()
    is_dashed = text[4:5] == "-"  # ISO 8601 as nearly every tool writes it
    if not is_dashed and _EPOCH_TEXT.fullmatch(text):
        return _from_epoch(float(text), locator)
    compact = None if is_dashed else _COMPACT.fullmatch(text)
    try:
        if compact:
            at = dt.datetime.strptime("".join(compact.groups()), "%Y%m%d%H%M%S")  # noqa: DTZ007 - no zone is stated
        else:
            at = dt.datetime.fromisoformat(text.replace("Z", "+00:00").replace(" UTC", "+00:00"))
        naive = at.tzinfo is None
        at = at.replace(tzinfo=UTC) if naive else at if at.tzinfo is UTC else at.astimezone(UTC)
        if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
            raise ValueError("year")
        return Instant(at, naive=naive)
    except (ValueError, OverflowError) as error:
        said = f"time is not ISO 8601 or an epoch between {_FIRST_YEAR} and {_LAST_YEAR}"
        raise ArtifactError(Reason.BAD_TIME, said, locator=locator, value=text) from error


def _from_epoch(value: float, locator: str | None) -> Instant:
    for scale in (1.0, 1e3, 1e6, 1e9):
        seconds = value / scale if abs(value) < 1e19 else math.inf
        if 1e8 <= seconds < 9.2e9:
            return Instant(dt.datetime.fromtimestamp(seconds, UTC))
    raise ArtifactError(
        Reason.BAD_TIME,
        "number is no epoch in s, ms, us or ns between 1973 and 2261",
        locator=locator,
        value=repr(value),
    )


_STAMPS = (
    re.compile(
        r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?([0-2]\d|3[01])[-_T ]?([01]\d|2[0-3])[-:]?([0-5]\d)[-:]?([0-5]\d)(?!\d)"
    ),
    re.compile(r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?([0-2]\d|3[01])(?!\d)"),
)
_EPOCH = re.compile(r"(?<!\d)(1[4-9]\d{8})(?!\d)")


def instant_from_path(path: str) -> Instant | None:
    """The stamp in a file or folder name, nearest the file first; such stamps are naive (local) times."""
    for part in reversed(path.split("/")):
        for pattern in _STAMPS:
            match = pattern.search(part)
            if match:
                numbers = [int(group) for group in match.groups()]
                try:
                    return Instant(dt.datetime(*numbers, tzinfo=UTC), naive=True)  # type: ignore[misc,arg-type]
                except ValueError:
                    continue
        epoch = _EPOCH.search(part)
        if epoch:
            return Instant(dt.datetime.fromtimestamp(int(epoch.group(1)), UTC))
    return None


def period_of(at: dt.datetime, kind: str) -> str:
    """The name of the report period that holds `at`: 2025-10, 2025-W41, 2025-10-08, 2025-Q4."""
    at = at.astimezone(UTC)
    if kind == "month":
        return f"{at.year:04d}-{at.month:02d}"
    if kind == "week":
        year, week, _ = at.isocalendar()
        return f"{year:04d}-W{week:02d}"
    if kind == "day":
        return at.date().isoformat()
    if kind == "quarter":
        return f"{at.year:04d}-Q{(at.month - 1) // 3 + 1}"
    raise UsageError(f"period kind {kind!r} is not one of {', '.join(KINDS)}")


_NAMES = {
    "year": re.compile(r"(\d{4})"),
    "month": re.compile(r"(\d{4})-(0[1-9]|1[0-2])"),
    "quarter": re.compile(r"(\d{4})-Q([1-4])"),
    "week": re.compile(r"(\d{4})-W(0[1-9]|[1-4]\d|5[0-3])"),
    "day": re.compile(r"(\d{4})-(\d\d)-(\d\d)"),
}


def kind_of(name: str) -> str:
    """year, month, quarter, week or day from the shape of a period's name. Raises UsageError."""
    for kind, pattern in _NAMES.items():
        if pattern.fullmatch(name):
            return kind
    raise UsageError(
        f"period {name!r} is not all, month, week, day, quarter, YYYY, YYYY-MM, YYYY-Www, YYYY-Qn or YYYY-MM-DD"
        f"{_did_you_mean(name)}"
    )


def _did_you_mean(name: str) -> str:
    """What a period that is written otherwise may have meant: 2025-1, 2025/10, 2025-q3, monthly."""
    parts = re.fullmatch(r"(\d{4})[-/._ ]?([WQ]?)(\d{1,2})(?:[-/._ ](\d{1,2}))?", name.upper())
    if parts:
        year, letter, number, day = parts.groups()
        number = number if letter == "Q" else f"{int(number):02}"
        meant = f"{year}-{letter}{number}" + (f"-{int(day):02}" if day else "")
        return f"; did you mean {meant!r}?" if any(shape.fullmatch(meant) for shape in _NAMES.values()) else ""
    return wording.did_you_mean(name.lower(), (ALL, *KINDS))


def bounds(name: str) -> tuple[dt.datetime, dt.datetime]:
    """Start (inclusive) and end (exclusive) of the named period in UTC."""
    kind = kind_of(name)
    try:
        if kind == "year":
            return dt.datetime(int(name), 1, 1, tzinfo=UTC), dt.datetime(int(name) + 1, 1, 1, tzinfo=UTC)
        if kind == "month":
            return _months(int(name[:4]), int(name[5:]) - 1, 1)
        if kind == "quarter":
            return _months(int(name[:4]), (int(name[6]) - 1) * 3, 3)
        if kind == "week":
            start = dt.datetime.combine(dt.date.fromisocalendar(int(name[:4]), int(name[6:]), 1), dt.time(), UTC)
            return start, start + dt.timedelta(days=7)
        start = dt.datetime.combine(dt.date.fromisoformat(name), dt.time(), UTC)
        return start, start + dt.timedelta(days=1)
    except ValueError as error:
        raise UsageError(f"period {name!r} does not exist in the calendar") from error


def _months(year: int, month0: int, count: int) -> tuple[dt.datetime, dt.datetime]:
    end = month0 + count
    return (
        dt.datetime(year, month0 + 1, 1, tzinfo=UTC),
        dt.datetime(year + end // 12, end % 12 + 1, 1, tzinfo=UTC),
    )


def between(first: str, last: str) -> list[str]:
    """The names of all periods from `first` to `last`, which must be of one kind. Raises UsageError."""
    kind = kind_of(first)
    if kind_of(last) != kind:
        raise UsageError(f"{first} is a {kind} and {last} a {kind_of(last)}; give two periods of one kind")
    start, end = bounds(first)[0], bounds(last)[0]
    if end < start:
        raise UsageError(f"{last} lies before {first}")
    out = [last]
    while out[-1] != first:
        out.append(previous(out[-1]))
    return out[::-1]


def previous(name: str) -> str:
    """The name of the period just before `name`."""
    kind = kind_of(name)
    start, _ = bounds(name)
    before = start - dt.timedelta(microseconds=1)
    return f"{before.year:04d}" if kind == "year" else period_of(before, kind)
