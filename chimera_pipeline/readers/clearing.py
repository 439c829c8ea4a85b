"""The last step of reading: what of a reading later stages may see, whatever its reader let through.

Texts of rows are held to `redact.held`; numbers that nothing can be computed with are refused with their place.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import Reason
from chimera_pipeline.records import Reading, Row

# What squares, cubes and sums of it a double can hold; nothing that is measured comes near.
_SMALLEST, _LARGEST = 1e-60, 1e60
_PLAIN = re.compile(r"(?:row|line) \d{1,9}|[\d:T.+-]{10,40}|/[a-z_]{0,30}/\d{1,9}")
_MOST_KNOWN = 50_000


def clear(reading: Reading) -> None:
    """Clear every row of `reading` in place; a number that is refused is None and a rejection."""
    texts = _Texts()
    for table, rows in reading.rows.items():
        taken = {id(row) for row in rows if _clear_row(row, texts, reading)}
        if table == "measurements" and taken:  # the value is all that such a row has
            reading.rows[table] = [row for row in rows if id(row) not in taken]
    for summary in reading.summaries:
        for key, value in summary.where.items():
            summary.where[key] = texts.held(value)


class _Texts:
    """`redact.held`, asked once a text."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def held(self, value: Any) -> Any:
        """The value with every text in it held, keys of mappings as well."""
        if type(value) is str:
            return value if _PLAIN.fullmatch(value) else self._text(value)
        if type(value) is dict:
            return {self.held(key): self.held(item) for key, item in value.items()}
        return value if type(value) is not int or _fits(value) else None

    def _text(self, value: str) -> str:
        found = self._known.get(value)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[value] = redact.held(value)
        return found


def _clear_row(row: Row, texts: _Texts, reading: Reading) -> bool:
    """Clear one row; True where a number was refused."""
    taken = False
    for key, value in row.items():
        kind = type(value)
        if kind is str or kind is dict:
            row[key] = texts.held(value)
        elif (kind is float and value and not _SMALLEST <= abs(value) <= _LARGEST) or (
            kind is int and not _fits(value)
        ):
            row[key], taken = None, True
            place = row.get("locator")
            reading.reject(Reason.OUT_OF_RANGE, f"{place}: {key} is beyond every measurement", locator=place)
    return taken


def _fits(value: int) -> bool:
    return bool(-(2**63) <= value < 2**63)
