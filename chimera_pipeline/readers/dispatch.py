"""Which readers are worth asking about a file: those of whose signs it shows one, found without asking any.

In: all readers, in their order. Out: the few that may claim a document, in the same order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.reader import ANY, Reader, Signs

_COMMON = frozenset("abcdefghijklmnopqrstuvwxyz .,")
_Places = Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Desk:
    """The readers, and under each sign the places of those that declare it.

    `odd_characters` stand in words and in few texts: looking for them first spares the search for most words.
    """

    readers: tuple[Reader, ...]
    any_json: Sequence[int]
    any_text: Sequence[int]
    keys: _Places
    columns: _Places
    words: _Places
    odd_characters: frozenset[str]

    @classmethod
    def of(cls, readers: tuple[Reader, ...]) -> Desk:
        """The desk of these readers."""
        views: tuple[dict[str, list[int]], ...] = (defaultdict(list), defaultdict(list), defaultdict(list))
        for place, reader in enumerate(readers):
            signs = reader.signs or Signs(keys=(ANY,), words=(ANY,))
            for view, names in zip(views, (signs.keys, signs.columns, signs.words), strict=True):
                for name in names:
                    view[name].append(place)
        keys, columns, words = views
        odd = frozenset("".join(words)) - _COMMON
        return cls(readers, keys.pop(ANY, ()), words.pop(ANY, ()), keys, columns, words, odd)

    def candidates(self, document: Document) -> list[Reader]:
        """The readers that may claim `document`, in order."""
        if document.try_json() is not None:
            found = set(self.any_json)
            _add(found, self.keys, self.keys.keys() & document.keys())
        else:
            found, text = set(self.any_text), document.text
            _add(found, self.columns, self.columns.keys() & set(document.columns()))
            missing = {sign for sign in self.odd_characters if sign not in text}
            _add(found, self.words, [word for word in self.words if missing.isdisjoint(word) and word in text])
        return [self.readers[place] for place in sorted(found)]


def _add(found: set[int], view: _Places, shown: Iterable[str]) -> None:
    for name in shown:
        found.update(view[name])
