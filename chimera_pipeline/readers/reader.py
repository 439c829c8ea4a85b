"""What a reader is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chimera_pipeline.readers.document import Document
from chimera_pipeline.records import Reading


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers: the metric that they are, the unit they are stated in (None: canonical), whether whole."""

    name: str
    metric: str
    unit: str | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of a failed row: its cell is one of `values`, or with `others` is none of them.

    Values as conditions compare them: numbers as floats, texts stripped and in lower case, None for blank.
    """

    column: str
    values: frozenset[float | str | None]
    others: bool = False


@dataclass(frozen=True, slots=True)
class Flat:
    """How a csv is summed up that is too large for rows (`large_csv`): where a row is one sample of each number.

    Rows are told apart by the columns `by`. `time` is when a row was measured. `only` is (column, cell): other rows
    are none of ours. A cell that is no number refuses its row, with `failed_unread` not that of a failed row. All
    columns are in the header.
    """

    table: str
    kind: str
    numbers: tuple[Column, ...]
    by: frozenset[str]
    time: str | None = None
    failed: tuple[Sign, ...] = ()
    failed_unread: bool = False
    only: tuple[str, str] | None = None


ANY = "*"
"""The sign of a reader that has to be asked of every file of the kind."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What a file must show before its reader is asked: one name of the view that fits. Cheaper to see than to match.

    `keys`: outer keys of a JSON value (of an object, or of the objects in a list). Of any other text `columns`, names
    in the header of a csv, or `words`, anywhere in it. A view without names: such a file is never claimed.
    """

    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """One format. Raise `version` whenever the same bytes would give another reading.

    `signs` spare most files the question whether the reader `matches`: where none shows, it must not. Without them
    the reader is asked of every file.

    `takes_nonfinite`: bare NaN and Infinity belong to the format. `takes_ragged`: its csv holds several tables
    or header rows, so rows of another width are no fault. `flat` says how a csv with this header is summed up.
    """

    name: str
    version: int | str
    matches: Callable[[Document], bool]
    read: Callable[[Document], Reading]
    takes_nonfinite: bool = False
    takes_ragged: bool = False
    flat: Callable[[Sequence[str]], Flat | None] | None = None
    signs: Signs | None = None
