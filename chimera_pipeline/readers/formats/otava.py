"""Csv histories as Otava (Hunter) takes them: a time column, attributes such as commit and branch, metric
columns.

The columns' units are in Otava's own configuration, not in the file: values are tracked values in the unit
"as stated", one row a column, and enter no timing. Claimed only where time and commit stand beside numeric
columns.
"""

from __future__ import annotations

import re

from chimera_pipeline.readers.cases import case_name, dated, label, refusing
from chimera_pipeline.readers.document import CsvTable, Document
from chimera_pipeline.readers.fields import extra, number
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_ATTRIBUTES = frozenset(
    {"time", "commit", "branch", "version", "test", "test_name", "run", "run_id", "tag", "author", "message"}
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_DOTTED = re.compile(r"(\d{4})[./](\d\d)[./](\d\d)[ T](\d{1,2}):(\d\d)(?::(\d\d))?\s*([+-]\d\d:?\d\d)?\Z")


def _metrics(table: CsvTable) -> list[str]:
    """The columns that hold numbers, and nothing but numbers or blanks."""
    head = table.rows[:20]
    found = []
    for index, name in enumerate(table.header):
        cells = [row[index].strip() for row in head]
        numeric = any(cells) and all(not cell or _NUMBER.match(cell) for cell in cells)
        if numeric and name.lower() not in _ATTRIBUTES:
            found.append(name)
    return found


def matches(document: Document) -> bool:
    """Columns time and commit, and at least one numeric column besides."""
    if b"commit" not in document.data[:2000]:
        return False
    if document.try_json() is not None:
        return False
    table = document.try_csv()
    if table is None or not {"time", "commit"} <= set(table.header) or not table.rows:
        return False
    return bool(_metrics(table))


def read(document: Document) -> Reading:
    """Each csv row is one record; its values go to `measurements` as tracked values."""
    reading = Reading(kind="otava", tool="otava")
    table = document.csv
    names = _metrics(table)
    for locator, cells in table.records():
        with refusing(reading, locator):
            shared: Row = {
                "locator": locator,
                "suite": label(cells.get("branch")) or label(cells.get("test")) or "otava",
                "run_id": label(cells["commit"]),
                "config": {},
                "status": "ok",
            }
            dated(reading, shared, _iso(cells["time"].strip()), locator=locator)
            for name in names:
                row = {**shared, "case": case_name(name) or "unnamed"}
                value = number(cells[name], locator=locator, field=name)
                extra(reading, row, "tracked_value", "sample", value, n=1, unit="as stated")
            reading.records_ok += 1
    return reading


def _iso(text: str) -> str:
    """2024.01.02 3:00:00 +0100 as ISO 8601; anything else unchanged."""
    found = _DOTTED.match(text)
    if found is None:
        return text
    year, month, day, hour, minute, second, zone = found.groups()
    return f"{year}-{month}-{day}T{int(hour):02d}:{minute}:{second or '00'}{zone or ''}"


READER = Reader("otava", 1, matches, read, signs=Signs(columns=("commit",)))
