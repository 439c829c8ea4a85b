"""Columns of text as codes: a long table repeats few words, which are compared, joined and hashed once each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Text:
    """A column of text: for each row the place of its word in `words`, -1 for null."""

    codes: np.ndarray[Any, np.dtype[np.int64]]
    words: Sequence[str]

    @classmethod
    def of(cls, column: pd.Series[Any]) -> Text:
        """The text of a column of objects or of categories."""
        if isinstance(column.dtype, pd.CategoricalDtype):
            # the same object for all columns that share their categories: `joined` looks at each once
            return cls(column.cat.codes.to_numpy(dtype=np.int64), column.cat.categories)  # type: ignore[arg-type]
        codes, words = pd.factorize(column.to_numpy(dtype=object))
        return cls(codes.astype(np.int64), words.tolist())

    @classmethod
    def same(cls, word: str | None, length: int) -> Text:
        """One word, or null, in every row."""
        return cls(np.full(length, -1 if word is None else 0, dtype=np.int64), [] if word is None else [word])

    def take(self, rows: Any) -> Text:
        """The text of some rows: a mask, or places."""
        return Text(self.codes[rows], self.words)

    def filled(self, word: str) -> Text:
        """`word` where there was none."""
        return joined([Text(np.where(self.codes < 0, len(self.words), self.codes), [*self.words, word])])

    def isin(self, words: Iterable[str]) -> Any:
        """For each row, whether its word is one of `words`."""
        wanted = set(words)
        return np.array([*(word in wanted for word in self.words), False])[self.codes]

    def ranks(self) -> Any:
        """For each row, the place of its word in sorted order; null last. No word is twice in `words`."""
        ordered = sorted(range(len(self.words)), key=self.words.__getitem__)
        out = np.full(len(self.words) + 1, len(self.words), dtype=np.int64)
        out[ordered] = np.arange(len(self.words))
        return out[self.codes]

    def series(self) -> pd.Series[Any]:
        """As a pandas column of categories. No word is twice in `words`."""
        words: Any = pd.Index(list(self.words), dtype="object")
        codes: Any = self.codes
        column: Any = pd.Categorical.from_codes(codes, categories=words)
        return pd.Series(column)


def joined(texts: Sequence[Text]) -> Text:
    """Columns after each other as one; each word is in it once."""
    places: dict[str, int] = {}
    known: dict[int, Any] = {}
    codes = []
    for text in texts:
        new = known.get(id(text.words))
        if new is None:
            found = [places.setdefault(word, len(places)) for word in text.words]
            new = known[id(text.words)] = np.array([*found, -1], dtype=np.int64)
        codes.append(new[text.codes])
    return Text(np.concatenate(codes), list(places))


def crossed(left: Text, right: Text) -> tuple[Any, list[tuple[str | None, str | None]]]:
    """For each row the place of its pair of words in the second value, which lists the pairs that occur."""
    width = len(right.words) + 1
    pairs, codes = np.unique((left.codes + 1) * width + right.codes + 1, return_inverse=True)
    lefts, rights = [None, *left.words], [None, *right.words]
    return codes.reshape(-1), [(lefts[pair // width], rights[pair % width]) for pair in pairs.tolist()]


def by_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with its columns of objects as categories."""
    texts = [name for name, dtype in frame.dtypes.items() if dtype == "object"]
    return frame.astype(dict.fromkeys(texts, "category"))
