"""What a reader is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chimera_pipeline.readers.document import Document
from chimera_pipeline.records import Reading


@dataclass(frozen=True, slots=True)
class Flat:
    """How a csv of one kind is summed up that is too large for rows (`large_csv`).

    `numbers` maps a column to a metric, both in canonical units. Rows are told apart by the columns `by`; those with
    text in `error`, or 0 in one of `zero_fails`, failed. `time` is when a row was measured.
    """

    table: str
    kind: str
    numbers: Mapping[str, str]
    by: frozenset[str]
    time: str
    error: str
    zero_fails: tuple[str, ...] = ()


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
    or header rows, so rows of another width are no fault. `flat` says how a csv too large for rows is summed up.
    """

    name: str
    version: int | str
    matches: Callable[[Document], bool]
    read: Callable[[Document], Reading]
    takes_nonfinite: bool = False
    takes_ragged: bool = False
    flat: Flat | None = None
    signs: Signs | None = None
