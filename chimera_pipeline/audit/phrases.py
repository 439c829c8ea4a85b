"""Phrases in a text: words, numbers and marks as parts, and a table that finds the longest known phrase at a part.

Separators between parts do not matter ("gemma3:270m", "Gemma 3 270M"), plural endings do not either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from chimera_pipeline.audit.measures import singular

T = TypeVar("T")
_PART = re.compile(r"[^\W\d_]+|\d+|[^\s\w]|_")
_SEPARATORS = frozenset("-_:/.@+ ‑–")


@dataclass(frozen=True, slots=True)
class Part:
    """A run of letters, a run of digits, or one mark; `text` is lower case."""

    text: str
    start: int
    end: int


@lru_cache(maxsize=8192)
def _fold(word: str) -> str:
    return singular(word) if len(word) > 3 else word


def parts(text: str) -> list[Part]:
    """The parts of `text` without separators."""
    found = []
    for match in _PART.finditer(text):
        word = match.group()
        if word not in _SEPARATORS:
            found.append(Part(word.lower(), match.start(), match.end()))
    return found


@dataclass(slots=True)
class _Node:
    """A word of a phrase. Most are followed by one word alone, of the conditions of facts by the hundred thousand."""

    word: str | None = None
    after: _Node | None = None
    """What follows, if it is `word`."""
    others: dict[str, _Node] | None = None
    """What else follows."""
    here: list[object] | None = None
    """What the phrase that ends here means."""

    def next(self, word: str) -> _Node | None:
        """What follows, if it is this word."""
        return self.after if word == self.word else self.others.get(word) if self.others else None

    def reached(self, word: str) -> _Node:
        """What follows, if it is this word; made where it is new."""
        found = self.next(word)
        if found is None:
            found = _Node()
            if self.word is None:
                self.word, self.after = word, found
            else:
                self.others = self.others or {}
                self.others[word] = found
        return found


class PhraseTable(Generic[T]):
    """Phrases with payloads; the longest one that begins at a part is found in its length."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, phrase: str, payload: T) -> None:
        """Let `phrase` mean `payload`, beside what it means already."""
        node = self._root
        for part in parts(phrase):
            node = node.reached(_fold(part.text))
        if node is self._root:
            return
        if node.here is None:
            node.here = [payload]
        elif payload not in node.here:
            node.here.append(payload)

    def longest(self, tokens: list[Part], at: int) -> tuple[int, list[T]] | None:
        """(index after the longest phrase at `at`, its payloads), or None."""
        found = None
        for hit in self.all(tokens, at):
            found = hit
        return found

    def all(self, tokens: list[Part], at: int) -> list[tuple[int, list[T]]]:
        """Every phrase that begins at `at`, shortest first."""
        node, found = self._root, []
        for index in range(at, len(tokens)):
            step = node.next(_fold(tokens[index].text))
            if step is None:
                break
            node = step
            if node.here:
                found.append((index + 1, node.here))
        return found  # type: ignore[return-value]
