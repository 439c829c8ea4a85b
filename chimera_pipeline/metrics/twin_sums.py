"""Which of many like files can hold the same measurements at all, told by the sums of their numbers.

Among thousands of results of one benchmark every file is within a percent of some other; comparing all pairs row by
row would take the square of their number. Two files whose sums differ by more than rounding explains are no twins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations_with_replacement

from chimera_pipeline.metrics.entries import Entry, measures


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """The sum of each measured number over the rows of an entry; `whole` are those that every row states.

    `sizes` are the sums of absolute values. `slack` is what rounding to the printed digits can move a sum by.
    """

    entry: Entry
    totals: dict[str, float]
    sizes: dict[str, float]
    whole: frozenset[str]
    slack: float

    @classmethod
    def of(cls, entry: Entry, table: str) -> Sums:
        """The sums of the rows of `table`."""
        rows = entry.rows[table]
        numbers: dict[str, list[float]] = defaultdict(list)
        for row in rows:
            for name, value in measures(table, row).items():
                numbers[name].append(value)
        half = max(entry.reading.precision.get(table, {}).values(), default=0.0)
        return cls(
            entry,
            {name: sum(found) for name, found in numbers.items()},
            {name: sum(map(abs, found)) for name, found in numbers.items()},
            frozenset(name for name, found in numbers.items() if len(found) == len(rows)),
            half * len(rows),
        )


def alike(run: list[Sums]) -> Iterable[list[Entry]]:
    """`run` in groups that keep together all whose sums allow that they are twins; none of a single entry."""
    if len(run) < 2:
        return
    shapes: dict[frozenset[str], list[int]] = defaultdict(list)
    for index, sums in enumerate(run):
        shapes[sums.whole].append(index)
    leader = list(range(len(run)))
    for one, other in combinations_with_replacement(shapes, 2):
        parts = [shapes[one] if one == other else shapes[one] + shapes[other]]
        for name in sorted(one & other):
            parts = [piece for part in parts for piece in _cut(part, run, name)]
        for part in parts:
            for index in part:
                _join(leader, part[0], index)
    groups: dict[int, list[Entry]] = defaultdict(list)
    for index, sums in enumerate(run):
        groups[_lead(leader, index)].append(sums.entry)
    yield from (group for group in groups.values() if len(group) > 1)


def _cut(part: list[int], run: list[Sums], name: str) -> list[list[int]]:
    """`part` by the sums of `name`, cut where neighbours lie too far apart; pieces of one are left out."""
    ordered = sorted(part, key=lambda index: run[index].totals[name])
    slack = 2 * max(run[index].slack for index in part)
    pieces = [[ordered[0]]]
    for index in ordered[1:]:
        before, after = run[pieces[-1][-1]], run[index]
        near = (slack + 1e-9 * (before.sizes[name] + after.sizes[name])) * (1 + 1e-5)
        if after.totals[name] - before.totals[name] > near:
            pieces.append([])
        pieces[-1].append(index)
    return [piece for piece in pieces if len(piece) > 1]


def _lead(leader: list[int], index: int) -> int:
    while leader[index] != index:
        leader[index] = leader[leader[index]]
        index = leader[index]
    return index


def _join(leader: list[int], one: int, other: int) -> None:
    leader[_lead(leader, other)] = _lead(leader, one)
