"""What a reader is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chimera_pipeline.readers.document import Document
from chimera_pipeline.records import Reading


@dataclass(frozen=True, slots=True)
class Reader:
    """One format. Raise `version` whenever the same bytes would give another reading.

    `takes_nonfinite`: bare NaN and Infinity belong to the format. `takes_ragged`: its csv holds several tables
    or header rows, so rows of another width are no fault.
    """

    name: str
    version: int | str
    matches: Callable[[Document], bool]
    read: Callable[[Document], Reading]
    takes_nonfinite: bool = False
    takes_ragged: bool = False
