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


@dataclass(frozen=True, slots=True)
class Reader:
    """One format. Raise `version` whenever the same bytes would give another reading.

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
