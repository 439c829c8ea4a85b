"""Chunks of files: where a store is cut into them, and the key of all that a chunk is settled from.

Where a cut lies follows from the file before it, so that a file that comes, goes or changes moves no cut but those
beside it. Two chunks of one key are settled alike: what was written of one holds for the other.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from chimera_pipeline.metrics.files import Card

if TYPE_CHECKING:
    from chimera_pipeline.metrics.workloads import Place

T = TypeVar("T")
USUAL_ROWS = 5_000
"""About so many rows are in a chunk: fewer are more work to write, more are more to settle anew."""
_LEAST, _MOST = 4, 4
"""A chunk has at least the usual number of rows divided by so many, and ends at so many times it."""


def cut(cards: Iterable[Card], usual: int = USUAL_ROWS) -> Iterator[list[Card]]:
    """`cards` in turn, about so many rows in each; always at least one chunk."""
    some: list[Card] = []
    held = made = 0
    for card in cards:
        some.append(card)
        weight = card.size + 1  # a file without rows is a row of table `artifacts`
        held += weight
        if held * _LEAST >= usual and (held >= usual * _MOST or _ends(card.path, weight / usual)):
            yield some
            made += 1
            some, held = [], 0
    if some or not made:
        yield some


def together(items: Iterable[T], size: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """`items` in turn, as many at a time as have `most` rows together; one alone may have more."""
    some: list[T] = []
    held = 0
    for item in items:
        rows = size(item)
        if held and held + rows > most:
            yield some
            some, held = [], 0
        some.append(item)
        held += rows
    if some:
        yield some


def _ends(path: str, share: float) -> bool:
    """Whether a chunk ends with this file: it does for this share of all names."""
    digest = hashlib.blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


class Keys:
    """The keys of chunks; `version` is that of all code and settings that their rows follow from."""

    def __init__(self, version: str, by_path: Mapping[str, Card], workloads: Mapping[Place, str]) -> None:
        self._version, self._by_path = version, by_path
        self._workloads: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for (path, of), name in workloads.items():
            self._workloads[path].append((repr(of), name))

    def of(self, cards: Iterable[Card]) -> str:
        """A hash of every file of a chunk, its reading, and all that was decided of it from other files."""
        digest = hashlib.sha256(self._version.encode())
        for card in cards:
            standing = (str(card.status), card.reason and str(card.reason), card.detail, card.same_as)
            decided = (standing, card.unexplained, sorted(self._workloads.get(card.path, ())))
            told = repr((dataclasses.astuple(card.artifact), self._rows(card), decided))
            digest.update(told.encode("utf-8", "surrogatepass") + b"\n")
        return digest.hexdigest()[:32]

    def _rows(self, card: Card) -> tuple[Any, ...]:
        """What the rows of a file follow from: its reading, and what it took from others, as those stand."""
        taken = [(path, table, self._rows(self._by_path[path])) for path, table in card.took]
        return (card.content, card.lent, taken)
