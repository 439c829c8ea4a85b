"""Which of many like files can hold the same measurements at all, told by sums over their rows.

Among thousands of results of one benchmark every file is within a percent of some other; comparing all pairs row by
row would take the square of their number. `Near` finds for a file those whose sums, times and names allow that they
are its twin, by descending a tree of intervals; what it finds is then compared row by row.
"""

from __future__ import annotations

import math
import operator
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from chimera_pipeline.metrics import instants
from chimera_pipeline.metrics.entries import Entry, Standing, label, measures_of

MIN_NUMBERS = 3
"""Fewer shared numbers than this prove nothing."""
BESIDE = frozenset({"measurements", "system_samples"})
"""Tables that may be missing in a twin."""
AT = "at"
"""Feature: when the first row was measured, in epoch seconds."""
_ROUNDING = 1e-9
_FEW = 8
"""So few files are looked at one by one."""

Interval = tuple[float, float]
"""A value and how far from it the same measurement may be stated."""
_Kind = tuple[int, frozenset[str], frozenset[str], tuple[bool, str], tuple[int, float]]


@dataclass(slots=True, eq=False)
class Sums:
    """What can be told of the rows of one table of an entry without comparing them.

    `shape`: two twins have as many rows, about the same things, and rows in the same tables. `totals`: the sum of
    each measured number. `told`: how many values of it are not 0. `features`: for each number that every row states,
    its sum weighted by the place of the row, so that the same numbers in another order differ. `clock`: whether its
    times name no zone, and its format.
    """

    entry: Standing
    rows: int
    begin: int
    shape: int
    totals: dict[str, float] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    features: dict[str, Interval] = field(default_factory=dict)
    clock: tuple[bool, str] = (False, "")

    @classmethod
    def of(cls, entry: Entry, table: str) -> Sums:
        """The sums of the rows of `table`."""
        rows = entry.rows[table]
        labels = [label(row) for row in rows]
        others = frozenset(name for name, found in entry.rows.items() if found) - BESIDE
        out = cls(entry, len(rows), hash(tuple(one[:3] for one in labels[:50])), hash((others, *labels)))
        half = entry.reading.precision.get(table, {})
        for name, values in measures_of(table, rows):
            out.totals[name] = sum(values)
            out.told[name] = len(values) - values.count(0.0)
            if len(values) == len(rows):
                places = range(1, len(rows) + 1)
                weighted = sum(map(operator.mul, values, places))
                size = sum(map(operator.mul, map(abs, values), places))
                slack = half.get(name, 0.0) * len(rows) * (len(rows) + 1) / 2
                if math.isfinite(size + slack):
                    out.features[name] = (weighted, (slack + _ROUNDING * size) * (1 + 1e-5))
        return out

    def packed(self) -> Packed:
        """The same in a fraction of the memory, without times and names."""
        nothing = (math.nan, math.nan)
        numbers = array("d")
        for name, total in self.totals.items():
            numbers.extend((total, self.told[name], *self.features.get(name, nothing)))
        return Packed(self.rows, self.begin, self.shape, _one(tuple(self.totals)), numbers)

    def take(self, other: Sums) -> bool:
        """Count the values that the rows of a twin may fill in; whether there can be any."""
        told = {
            name: min(self.rows, self.told.get(name, 0) + count)
            for name, count in other.told.items()
            if name not in self.features
        }
        more = any(self.told.get(name, 0) < count for name, count in told.items())
        self.told |= told
        return more

    def allows(self, other: Sums, least: int) -> bool:
        """Whether `other` can be a twin: at least so many numbers can be compared, and none of them differs."""
        shared = sum(min(count, other.told[name]) for name, count in self.told.items() if name in other.told)
        return shared >= least and all(
            abs(value - other.features[name][0]) <= radius + other.features[name][1] + self._apart(name, other)
            for name, (value, radius) in self.features.items()
            if name in other.features
        )

    def _apart(self, name: str, other: Sums) -> float:
        return instants.clocks_apart_s(self.clock, other.clock) if name == AT else 0.0


@dataclass(frozen=True, slots=True)
class Packed:
    """The `Sums` of a file whose rows are not held: for each name its total, how many are told, and its feature."""

    rows: int
    begin: int
    shape: int
    names: tuple[str, ...]
    numbers: array[float]

    def unpacked(self, entry: Standing) -> Sums:
        """The sums again, as those of `entry`."""
        out = Sums(entry, self.rows, self.begin, self.shape)
        for place, name in enumerate(self.names):
            out.totals[name], told, value, radius = self.numbers[4 * place : 4 * place + 4]
            out.told[name] = int(told)
            if not math.isnan(value):
                out.features[name] = (value, radius)
        return out


@lru_cache(maxsize=4096)
def _one(names: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for all files that state the same numbers."""
    return names


@dataclass(frozen=True, slots=True)
class _Tree:
    """Files by the interval of one feature that they lie in, each interval divided by the next feature."""

    name: str
    width: float
    keys: list[float]
    children: dict[float, _Tree | list[Sums]]


class Near:
    """Finds the possible twins among `found`, which have the same number of rows."""

    def __init__(self, found: Iterable[Sums]) -> None:
        self._kinds: dict[_Kind, list[Sums]] = defaultdict(list)
        self._trees: dict[tuple[object, ...], _Tree | list[Sums]] = {}
        for sums in found:
            kind = (sums.shape, frozenset(sums.features), frozenset(sums.told), sums.clock, _grain(sums))
            self._kinds[kind].append(sums)

    def of(self, sums: Sums, least: int = MIN_NUMBERS) -> Iterator[Sums]:
        """Every other one that `sums` allows as a twin."""
        for kind, members in self._kinds.items():
            shape, features, told, clock, _ = kind
            if shape != sums.shape or len(sums.told.keys() & told) * sums.rows < least:
                continue
            shared = frozenset(sums.features.keys() & features)
            tree = self._trees.get((kind, shared))
            if tree is None:
                tree = self._trees[kind, shared] = _planted(members, sorted(shared))
            for other in _within(tree, sums, instants.clocks_apart_s(clock, sums.clock)):
                if other is not sums and sums.allows(other, least):
                    yield other


def _planted(members: list[Sums], names: Sequence[str]) -> _Tree | list[Sums]:
    """The tree of `members`, divided by the most telling feature first."""
    if len(members) <= _FEW or not names:
        return members
    widths = {name: _width(members, name) for name in names}
    parts = {name: len({_key(one, name, widths[name]) for one in members}) for name in names}
    return _divided(members, sorted((name for name in names if parts[name] > 1), key=lambda name: (-parts[name], name)))


def _divided(members: list[Sums], names: Sequence[str]) -> _Tree | list[Sums]:
    if len(members) <= _FEW or not names:
        return members
    name, *rest = names
    width = _width(members, name)
    parts: dict[float, list[Sums]] = defaultdict(list)
    for one in members:
        parts[_key(one, name, width)].append(one)
    children = {key: _divided(part, rest) for key, part in parts.items()}
    return _Tree(name, width, sorted(children), children)


def _width(members: list[Sums], name: str) -> float:
    return 2 * max(one.features[name][1] for one in members) or 1.0


def _grain(sums: Sums) -> tuple[int, float]:
    """How coarsely a file is rounded (powers of ten) and dated (seconds): what is coarser widens no other tree."""
    shares = (radius / abs(value) for value, radius in sums.features.values() if value and radius)
    return math.ceil(math.log10(max(shares, default=1.0))), sums.features.get(AT, (0.0, 0.0))[1]


def _key(sums: Sums, name: str, width: float) -> float:
    return sums.features[name][0] // width


def _within(tree: _Tree | list[Sums], sums: Sums, apart: float) -> Iterator[Sums]:
    if isinstance(tree, list):
        yield from tree
        return
    value, radius = sums.features[tree.name]
    reach = radius + tree.width / 2 + (apart if tree.name == AT else 0.0)
    first = bisect_left(tree.keys, (value - reach) // tree.width)
    last = bisect_right(tree.keys, (value + reach) // tree.width)
    for key in tree.keys[first:last]:
        yield from _within(tree.children[key], sums, apart)
