"""Files whose every row stands, number for number, in one larger file: they repeat it.

In: the files of the store, with a fingerprint of each row on their cards. Of files whose fingerprints are all found
elsewhere the rows are compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from chimera_pipeline.contracts.tables import METRIC_TABLES
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics.entries import Entry, label, measures
from chimera_pipeline.metrics.twin_sums import MIN_NUMBERS
from chimera_pipeline.records import ArtifactStatus

if TYPE_CHECKING:
    from chimera_pipeline.metrics.files import Card, Files

Prints = npt.NDArray[np.int64]
NONE: Prints = np.empty(0, dtype=np.int64)
_HELD = 32


def prints(entry: Entry) -> Prints:
    """A number for each row of a file; none where rows state too little to be known again."""
    found = [hash(one) for one in _fingerprints(entry)]
    return np.array(found, dtype=np.int64) if found else NONE


def set_subsets_aside(files: Files) -> None:
    """A file whose every row stands, number for number, in one larger file repeats it."""
    cards = [card for card in files.counting if len(card.prints)]
    homes = _shared(cards)

    @lru_cache(maxsize=_HELD)
    def rows_of(place: int) -> frozenset[tuple[object, ...]]:
        return frozenset(_fingerprints(files.entry(cards[place])))

    @lru_cache(maxsize=_HELD)
    def prints_of(place: int) -> frozenset[int]:
        return frozenset(cards[place].prints.tolist())

    aside: list[tuple[Card, Card]] = []
    for place, card in enumerate(cards):
        wanted = card.prints.tolist()
        if any(one not in homes for one in wanted):
            continue
        rarest = min((homes[one] for one in dict.fromkeys(wanted)), key=len)
        larger = (
            other for other in rarest if len(cards[other].prints) > len(wanted) and prints_of(other).issuperset(wanted)
        )
        kept = next((cards[other] for other in larger if rows_of(place) <= rows_of(other)), None)
        if kept is not None:  # the first by path, as cards are
            aside.append((card, kept))
    for card, kept in aside:
        detail = f"each of its {len(card.prints)} rows is a row of {kept.path}"
        card.set_aside(ArtifactStatus.DUPLICATE, Reason.SUBSET_OF_ROWS, detail, kept.path)


def _shared(cards: list[Card]) -> dict[int, list[int]]:
    """Fingerprint -> the places of the cards that have it, where several have."""
    if not cards:
        return {}
    found = np.concatenate([card.prints for card in cards])
    owner = np.repeat(np.arange(len(cards)), [len(card.prints) for card in cards])
    order = np.lexsort((owner, found))
    found, owner = found[order], owner[order]
    again = found[1:] == found[:-1]
    first = np.concatenate(([True], ~(again & (owner[1:] == owner[:-1]))))
    found, owner = found[first], owner[first]
    same = found[1:] == found[:-1]
    kept = np.concatenate((same, [False])) | np.concatenate(([False], same))
    homes: dict[int, list[int]] = {}
    for one, place in zip(found[kept].tolist(), owner[kept].tolist(), strict=True):
        homes.setdefault(one, []).append(place)
    return homes


def _fingerprints(entry: Entry) -> Iterable[tuple[object, ...]]:
    out: list[tuple[object, ...]] = []
    for table in METRIC_TABLES:
        for row in entry.rows.get(table, ()):
            numbers = measures(table, row)
            if len(numbers) < MIN_NUMBERS and table != "throughputs":
                return []
            out.append((table, row.get("measured_at"), *label(row), *sorted(numbers.items())))
    if len(out) < 2 or sum(print_[1] is not None for print_ in out) == 0:
        return []
    return out
