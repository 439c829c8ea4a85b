"""How the readers of serving tools find their records: in a json object, a list, an object around one list,
or json lines.

In: a document. Out: (locator, record) pairs, and rows or rejections in a reading. No format is known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import measured, pointer
from chimera_pipeline.records import Reading, Row

Record = dict[str, Any]
Accept = Callable[[Record], bool]

_DATA = re.compile(r":\s*\d|\|\s*$|,\d")
WRAPPERS = ("results", "responses", "requests", "runs")
_IDENTITY = frozenset(
    [
        "locator",
        "run_id",
        "suite",
        "model",
        "quantization",
        "engine",
        "hardware",
        "workload",
        "prompt_id",
        "config",
        "status",
        "error_kind",
        "measured_at",
        "time_naive",
        "concurrency",
        "request_rate",
        "requests_ok",
        "requests_failed",
        "case",
        "rate_unit",
        "backend",
        "device",
        "dtype",
        "ttft_definition",
    ]
)


def objects(document: Document, accept: Accept, guard: str) -> list[tuple[str, Record]]:
    """(locator, record) of every record that `accept` takes; [] where there are none.

    The locator of an object that is the whole file, written over several lines, is "": rows of it point at a
    key (see `at`).

    Texts without the substring `guard` are not parsed as json lines.
    """
    value = document.try_json()
    if isinstance(value, dict):
        if accept(value):
            return [("" if "\n" in document.text.strip() else "line 1", value)]
        return [
            (pointer(key, index), item)
            for key in WRAPPERS
            if isinstance(value.get(key), list)
            for index, item in enumerate(value[key])
            if isinstance(item, dict) and accept(item)
        ]
    if isinstance(value, list):
        return [(pointer(index), item) for index, item in enumerate(value) if isinstance(item, dict) and accept(item)]
    if guard not in document.text:
        return []
    return [(line, item) for line, item in document.try_json_lines() if accept(item)]


def at(base: str, *keys: str | int) -> str:
    """The locator of something in a record: of the record itself where it has one, else of the key."""
    return base or pointer(*keys)


def whole_lines(reading: Reading, text: str) -> list[str]:
    """The lines of a text; the last one, where nothing ends it, may be cut: it is blanked, and refused if it
    stood among data.

    It stays where it ends as such lines end: a table's bar, a unit, a rule of equal signs.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    last = lines[-1].rstrip()
    if last and not last.endswith(("|", "tokens/s", "token(s)", "==", "```")):
        lines[-1] = ""
        if len(lines) > 1 and _DATA.search(lines[-2]) and len(lines[-2]) <= 400:
            said = f"line {len(lines)}: the file ends without a line end, so it may be cut off: not used"
            reading.reject(Reason.TRUNCATED, said, locator=f"line {len(lines)}")
    return lines


def each(
    reading: Reading, records: Iterable[tuple[str, Record]], table: str, row: Callable[[str, Record], Row]
) -> None:
    """Add one row of `table` a record; what `row` refuses becomes a rejection."""
    for locator, record in records:
        try:
            reading.add(table, row(locator, record))
        except ArtifactError as refused:
            refuse(reading, refused, locator)


def refuse(reading: Reading, refused: ArtifactError, locator: str) -> None:
    """A rejection of one place."""
    said = f"{locator}: {refused.detail}" if locator else refused.detail
    reading.reject(refused.reason, said, locator=locator or refused.locator, value=refused.value)


def stamp(reading: Reading, row: Row, value: Any) -> None:
    """Put the stated instant into `row`; one that cannot be read is refused and the row stays undated."""
    try:
        measured(row, value, locator=row["locator"])
    except ArtifactError as refused:
        refuse(reading, refused, row["locator"])


def fail(row: Row, kind: str) -> Row:
    """`row` as a failed record: identity and request counts stay, every measurement goes."""
    for field in [field for field in row if field not in _IDENTITY]:
        del row[field]
    row["status"], row["error_kind"] = "failed", kind
    return row
