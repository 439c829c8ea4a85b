"""Which rows in the store a summary can be about, found without recomputing it from the rows of every file.

In: summaries, and the entries whose rows they may sum up. Out: for one summary the groups of rows that bear it out, or
the nearest that should, by distance between folders. Nothing is judged here: `derived` compares and decides.
"""

from __future__ import annotations

import heapq
import math
import re
import statistics
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chimera_pipeline.metrics import instants
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Row, SummaryRow

SIMPLE: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "sum": math.fsum,
}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_Place = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Rows of one file that a summary selects: how many, how many succeeded, and their values by field, sorted.

    `start` is when the first row of the file's table was measured, as far as the file says.
    """

    path: str
    start: float | None
    rows: int
    ok: int
    values: dict[str, list[float]]
    precision: dict[str, float]

    def statistic(self, field: str, name: str) -> float | None:
        """The statistic of a field; None without values, or for one that is not known here."""
        values = self.values.get(field)
        return statistic(name, values) if values else None


def statistic(name: str, values: list[float]) -> float | None:
    """The statistic of sorted values; percentiles by linear interpolation; None for one that is not known here."""
    if name in SIMPLE:
        return SIMPLE[name](values)
    if name == "std":
        return statistics.stdev(values) if len(values) > 1 else None
    percentile = _PERCENTILE.fullmatch(name)
    if percentile is None:
        return None
    position = float(percentile.group(1)) / 100 * (len(values) - 1)
    low, high = values[math.floor(position)], values[math.ceil(position)]
    return low + (high - low) * (position - math.floor(position))


def margin(stated: float, half: float, precision: float) -> float:
    """How far the recomputed value may lie from the one stated: both are rounded."""
    return half + precision + 1e-9 * abs(stated)


class Homes:
    """The groups of rows that `asked` are about, in `sources`."""

    def __init__(self, asked: Iterable[SummaryRow], sources: Iterable[Entry]) -> None:
        self._wanted: dict[_Place, set[tuple[Any, ...]]] = defaultdict(set)
        self._fields: dict[_Place, set[str]] = defaultdict(set)
        for summary in asked:
            place, wanted = _place(summary)
            self._wanted[place].add(wanted)
            self._fields[place].update(name.partition(":")[0] for name in summary.stats)
        self._alike: dict[tuple[_Place, tuple[Any, ...]], _Alike] = defaultdict(_Alike)
        for source in sources:
            for place in self._wanted:
                for wanted, group in self._groups(place, source):
                    self._alike[place, wanted].add(group)

    def _groups(self, place: _Place, source: Entry) -> Iterator[tuple[tuple[Any, ...], Group]]:
        table, keys = place
        rows = source.rows.get(table)
        if not rows:
            return
        found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in rows:
            chosen = _selected(row, keys)
            if chosen in self._wanted[place]:
                found[chosen].append(row)
        start = instants.start_s(rows) if found else None
        precision = source.reading.precision.get(table, {})
        for wanted, selected in found.items():
            ok = [row for row in selected if row.get("status", "ok") == "ok"]
            values = {
                field: sorted(float(row[field]) for row in ok if row.get(field) is not None)
                for field in self._fields[place]
            }
            yield wanted, Group(source.path, start, len(selected), len(ok), values, precision)

    def of(self, path: str, summary: SummaryRow) -> Group | None:
        """The rows of the file at `path` itself."""
        return self._of(summary).by_path.get(path)

    def agreeing(self, path: str, summary: SummaryRow) -> list[Group]:
        """Every group that may bear out a summary at `path`, by path: at least one number of it agrees."""
        latest = instants.latest_s(path)
        return [group for group in self._of(summary).candidates(summary) if _in_time(group, path, latest)]

    def nearest(self, path: str, summary: SummaryRow) -> Group | None:
        """The group at the least distance to `path`, then by path."""
        latest = instants.latest_s(path)
        ranked = self._of(summary).ranked(path)
        return next((group for group in ranked if _in_time(group, path, latest)), None)

    def _of(self, summary: SummaryRow) -> _Alike:
        return self._alike[_place(summary)]


class _Alike:
    """Groups of many files that the same summaries are about, in order of their paths."""

    def __init__(self) -> None:
        self.by_path: dict[str, Group] = {}
        self._by_folder: dict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
        self._values: dict[str, tuple[list[tuple[float, str]], list[str], float]] = {}

    def add(self, group: Group) -> None:
        """Add the group of a file."""
        self.by_path[group.path] = group
        folders = _folders(group.path)
        for depth in range(len(folders) + 1):
            insort(self._by_folder[folders[:depth]], (len(folders), group.path))

    def ranked(self, path: str) -> Iterator[Group]:
        """By distance to `path`, then by path; a file may come again."""
        folders = _folders(path)

        def within(depth: int) -> Iterator[tuple[int, str]]:
            for other, found in self._by_folder.get(folders[:depth], ()):
                yield len(folders) + other - 2 * depth, found

        merged = heapq.merge(*(within(depth) for depth in range(len(folders) + 1)))
        return (self.by_path[found] for _, found in merged)

    def candidates(self, summary: SummaryRow) -> list[Group]:
        """The groups at which the most telling number of `summary` agrees, by path."""
        best: list[str] | None = None
        for name, (stated, half) in summary.stats.items():
            found = self._agreeing(name, stated, half)
            if found is not None and (best is None or len(found) < len(best)):
                best = found
        return [self.by_path[path] for path in sorted(best or ())]

    def _agreeing(self, name: str, stated: float, half: float) -> list[str] | None:
        """The paths of groups whose statistic agrees or cannot be told; None where no group can tell it."""
        known, untold, coarsest = self._told(name)
        if not known:
            return None
        reach = margin(stated, half, coarsest)
        first = bisect_left(known, (stated - reach, ""))
        last = bisect_right(known, (stated + reach, "\U0010ffff"))
        return untold + [path for _, path in known[first:last]]

    def _told(self, name: str) -> tuple[list[tuple[float, str]], list[str], float]:
        if name not in self._values:
            field, _, word = name.partition(":")
            known: list[tuple[float, str]] = []
            untold: list[str] = []
            coarsest = 0.0
            for path, group in self.by_path.items():
                if word == "count":
                    known.append((float(group.rows if field == "rows" else group.ok), path))
                    continue
                value = group.statistic(field, word)
                if value is not None:
                    known.append((value, path))
                    coarsest = max(coarsest, group.precision.get(field, 0.0))
                elif group.values.get(field):
                    untold.append(path)
            self._values[name] = (sorted(known), untold, coarsest)
        return self._values[name]


def distance(a: str, b: str) -> int:
    """0 in the same folder, else how many folders apart."""
    left, right = _folders(a), _folders(b)
    shared = next((depth for depth, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), None)
    shared = min(len(left), len(right)) if shared is None else shared
    return len(left) + len(right) - 2 * shared


def _place(summary: SummaryRow) -> tuple[_Place, tuple[Any, ...]]:
    keys = tuple(sorted(summary.where))
    return (summary.table, keys), tuple(_plain(summary.where[key]) for key in keys)


def _selected(row: Row, keys: tuple[str, ...]) -> tuple[Any, ...] | None:
    config = row.get("config") or {}
    values = [config.get(key.removeprefix("config.")) if key.startswith("config.") else row.get(key) for key in keys]
    return None if None in values else tuple(_plain(value) for value in values)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _in_time(group: Group, path: str, latest: float | None) -> bool:
    """Whether a summary at `path` can be of a file's rows: they did not begin after its stamp, if it has one."""
    return latest is None or group.start is None or group.path == path or group.start <= latest


@lru_cache(maxsize=4096)
def _folders(path: str) -> tuple[str, ...]:
    return tuple(path.split("/")[:-1])
