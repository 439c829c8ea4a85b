"""Files that hold the same measurements in another format or precision: the fuller one stays.

In: the files of the store. Which can be twins at all is told by sums over their rows (`twin_sums`); only of those the
rows are looked at, a few files at a time.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chimera_pipeline.contracts.tables import METRIC_TABLES
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics import instants
from chimera_pipeline.metrics.entries import Entry, label, measures
from chimera_pipeline.metrics.twin_sums import AT, BESIDE, MIN_NUMBERS, Near, Sums
from chimera_pipeline.records import ArtifactStatus, Row

if TYPE_CHECKING:
    from chimera_pipeline.metrics.files import Card, Files

_NAMES = ("model", "quantization", "device", "backend", "prompt_id")
"""What two records of one measurement cannot state differently."""
_MOST_NEAR = 32
"""A file with more possible twins than this is compared with all of its kind at once."""


def merge_twins(files: Files) -> None:
    """Set twins aside, and note on the cards of those that stay what they take from them."""
    for table in METRIC_TABLES:
        alike: dict[tuple[int, int], list[Card]] = defaultdict(list)
        for card in files.counting:
            packed = card.sums.get(table)
            if packed is not None:
                alike[packed.rows, packed.begin].append(card)
        for cards in alike.values():
            if len(cards) > 1:
                _merge_alike({id(sums): (sums, card) for card in cards for sums in [_sums(card, table)]}, files, table)


def _sums(card: Card, table: str) -> Sums:
    return card.sums[table].unpacked(card)


def _merge_alike(found: dict[int, tuple[Sums, Card]], files: Files, table: str) -> None:
    """Merge the twins among files with as many rows about the same things."""
    near = _with_partners([sums for sums, _ in found.values()])
    if not near:
        return
    _tell_more(near, files.entries(found[id(sums)][1] for sums in near), table)
    for some in _together(_with_partners(near)):
        cards = [found[id(sums)][1] for sums in some]
        entries = list(files.entries(cards))
        held = {id(sums): entry for sums, entry in zip(some, entries, strict=True)}
        index = Near(some)
        for anchor in dict.fromkeys(name for sums in some for name in sums.totals):
            for run in _runs([sums for sums in some if anchor in sums.totals], anchor):
                _merge_group(run, held, index, table)
        for card, entry in zip(cards, entries, strict=True):
            card.stand_as(entry)
            if len(entry.took) > len(card.took):
                card.took = entry.took
                card.look_at(entry)


def _with_partners(found: list[Sums]) -> list[Sums]:
    if len(found) < 2:
        return []
    index = Near(found)
    return [sums for sums in found if next(index.of(sums, least=1), None) is not None]


def _tell_more(found: list[Sums], entries: Iterable[Entry], table: str) -> None:
    """Add to `found` what tells apart files of equal numbers: the names that they state, and their times."""
    dated = False
    for sums, entry in zip(found, entries, strict=True):
        rows = entry.rows[table]
        for name in _NAMES:
            stated = tuple(row.get(name) for row in rows)
            if None not in stated:
                sums.features[name] = (float(hash(stated) % 2**40), 0.25)
        begin = instants.begin(entry, table)
        if begin is not None:
            sums.features[AT] = begin[:2]
        sums.clock = (begin is not None and begin[2], entry.artifact.format.value)
        dated |= any(row.get("measured_at") is not None for row in rows)
    for sums in () if dated else found:
        stamp = instants.stamp_of(sums.entry.path)
        if stamp is not None:
            sums.features[AT] = stamp


def _together(near: list[Sums]) -> Iterator[list[Sums]]:
    """`near` divided so that no file can be a twin of one in another part; whole where too many are like one."""
    index = Near(near)
    lead = {id(sums): id(sums) for sums in near}

    def leader(one: int) -> int:
        while lead[one] != one:
            lead[one] = one = lead[lead[one]]
        return one

    for sums in near:
        others = list(itertools.islice(index.of(sums, least=1), _MOST_NEAR + 1))
        if len(others) > _MOST_NEAR:
            yield near
            return
        for other in others:
            lead[leader(id(other))] = leader(id(sums))
    parts: dict[int, list[Sums]] = defaultdict(list)
    for sums in near:
        parts[leader(id(sums))].append(sums)
    yield from parts.values()


def _runs(found: list[Sums], anchor: str) -> Iterable[list[Sums]]:
    """`found` by the sum of `anchor`, cut where neighbours lie more than a percent apart."""
    found.sort(key=lambda sums: (sums.totals[anchor], sums.entry.path))
    run = found[:1]
    for sums in found[1:]:
        if sums.totals[anchor] - run[-1].totals[anchor] > 1e-2 * abs(sums.totals[anchor]):
            yield run
            run = []
        run.append(sums)
    yield run


def _merge_group(group: list[Sums], held: dict[int, Entry], near: Near, table: str) -> None:
    """Merge the twins of `group`; `held`: the entry of each by the id of its sums."""
    counting = [(sums, held[id(sums)]) for sums in group if held[id(sums)].counts]
    ranked = sorted(counting, key=lambda one: (-_fullness(one[1], table), one[1].path))
    places = {id(sums): place for place, (sums, _) in enumerate(ranked)}
    for place, (sums, kept) in enumerate(ranked):
        if not kept.counts:
            continue
        waiting = {found for other in near.of(sums) if (found := places.get(id(other), 0)) > place}
        for found in _rising(waiting):
            other, twin = ranked[found]
            if twin.counts and twin is not kept and _same_measurements(kept, twin, table):
                kept.take(twin, table)
                detail = f"same measurements as {kept.path}; fields it adds are merged"
                twin.set_aside(ArtifactStatus.DUPLICATE, Reason.TWIN, detail, kept.path)
                if sums.take(other):  # the numbers that it brought may show more twins
                    waiting |= {more for one in near.of(sums) if (more := places.get(id(one), 0)) > found}


def _rising(waiting: set[int]) -> Iterable[int]:
    """The smallest of `waiting` again and again, until it is empty; it may grow meanwhile."""
    heap: list[int] = []
    while waiting or heap:
        for place in waiting:
            heapq.heappush(heap, place)
        waiting.clear()
        yield heapq.heappop(heap)


def _fullness(entry: Entry, table: str) -> float:
    """Exact files before rounded ones, then more cells."""
    cells = sum(value is not None for row in entry.rows[table] for value in row.values())
    exact = 0 if entry.reading.precision.get(table) else 1_000_000
    return exact + cells


def _same_measurements(a: Entry, b: Entry, table: str) -> bool:
    """Whether `b` holds nothing that `a` has not, of the same time; `a` may have counters of the machine beside it."""
    mine, yours = ({name for name, rows in entry.rows.items() if rows} for entry in (a, b))
    if yours - mine - {"measurements"} or mine - yours - BESIDE:
        return False
    halves = [entry.reading.precision.get(table, {}) for entry in (a, b)]
    compared = 0
    for left, right in zip(a.rows[table], b.rows[table], strict=True):
        if label(left) != label(right) or _conflict(left, right):
            return False
        one, other = measures(table, left), measures(table, right)
        for name in one.keys() & other.keys():
            tolerance = sum(half.get(name, 0.0) for half in halves) * (1 + 1e-6)
            if abs(one[name] - other[name]) > tolerance + 1e-12 * abs(one[name]):
                return False
            compared += one[name] != 0
    return compared >= MIN_NUMBERS and instants.may_be_one_run(a, b, table)


def _conflict(left: Row, right: Row) -> bool:
    """Both state an identity and it differs."""
    for name in _NAMES:
        a, b = left.get(name), right.get(name)
        if a is not None and b is not None and a != b:
            return True
    return False
