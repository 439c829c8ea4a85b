"""iai, iai-callgrind and gungraun: instruction and cycle counts of valgrind, as json summaries or console
text.

Counts are no times: they go to `measurements` as `instructions` and `estimated_cycles` and enter no timing.
Of "new|old" pairs only the new value is this run's.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline.readers.cases import case_name, grouped, refusing
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import ArtifactStatus, Format, Reading, Row

_WORDS = {"Instructions": "instructions", "Estimated Cycles": "estimated_cycles"}
_EVENTS = {"Ir": "instructions", "EstimatedCycles": "estimated_cycles"}
_COUNT = re.compile(r"[ \t]+(Instructions|Estimated Cycles):[ \t]+([\d,]+)(?=[| \t\n])")
_TOOLS = ("callgrind_summary", "profiles", "tool_summaries")


def matches(document: Document) -> bool:
    """A summary object, or lines of them; or console lines with both counts."""
    value = document.try_json()
    if isinstance(value, dict):
        return _is_summary(value)
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) and _is_summary(item) for item in value)
    if document.format in (Format.MARKDOWN, Format.CSV):
        return False
    if b"Estimated Cycles:" in document.data and b"Instructions:" in document.data:
        return any(_COUNT.match(f"{line}\n") for line in document.text.split("\n"))
    return b"benchmark_exe" in document.data and any(_is_summary(entry) for _, entry in document.try_json_lines())


def _is_summary(value: dict[str, Any]) -> bool:
    return {"module_path", "kind", "benchmark_exe"} <= set(value) and any(key in value for key in _TOOLS)


def read(document: Document) -> Reading:
    """One record a benchmark; its counts are measurements of their own metrics."""
    reading = Reading(kind="gungraun", tool="gungraun")
    value = document.try_json()
    if isinstance(value, dict):
        _summary(reading, "", value)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            _summary(reading, pointer(index), entry)
    elif b"Estimated Cycles:" in document.data:
        _read_console(document, reading)
    else:
        for locator, entry in document.json_lines:
            if _is_summary(entry):
                _summary(reading, locator, entry)
    if not reading.rows and reading.status is ArtifactStatus.OK and reading.records_ok:
        reading.status = ArtifactStatus.DOCUMENT
        reading.detail = "a summary without instruction counts"
    return reading


def _row(locator: str, name: str) -> Row:
    return {
        "locator": locator,
        "suite": "gungraun",
        "case": case_name(name) or "unnamed",
        "config": {},
        "status": "ok",
    }


def _summary(reading: Reading, locator: str, value: dict[str, Any]) -> None:
    with refusing(reading, locator or "/"):
        name = "::".join([str(value["module_path"]), *([str(value["id"])] if value.get("id") else [])])
        row = _row(locator or "/module_path", name)
        for event, metric in _EVENTS.items():
            found = _find(value, event, 0)
            extra(reading, row, metric, "count", number(found, locator=row["locator"], field=event))
        reading.records_ok += 1


def _find(node: Any, event: str, depth: int) -> Any:
    """The new value of `event`, wherever this version of the summary keeps its totals."""
    if depth > 12 or not isinstance(node, dict | list):
        return None
    if isinstance(node, dict):
        if event in node:
            return _new(node[event])
        keys = sorted(node, key=lambda key: key not in ("total", "data", *_TOOLS))
        children = [node[key] for key in keys]
    else:
        children = node
    for child in children:
        found = _find(child, event, depth + 1)
        if found is not None:
            return found
    return None


def _new(node: Any) -> Any:
    """The new one of {"values": {"new"}}, {"metrics": {"Both": [new, old]}}, {"Left": new}, or a number."""
    if isinstance(node, int | float):
        return node
    if isinstance(node, list):
        return _new(node[0]) if node else None
    if isinstance(node, dict):
        for key in ("new", "Left", "Both", "values", "metrics", "Int", "Float"):
            if key in node:
                return _new(node[key])
    return None


def _lines(document: Document) -> list[str]:
    """The lines with their ends: a count at the very end of a file may be cut off."""
    *whole, last = document.text.split("\n")
    return [*(f"{line}\n" for line in whole), last]


def _read_console(document: Document, reading: Reading) -> None:
    row: Row | None = None
    for index, line in enumerate(_lines(document), start=1):
        found = _COUNT.match(line)
        if found is None:
            if line.strip() and not line.startswith((" ", "\t", "|")):
                row = _row(f"line {index}", line.strip())
            continue
        if row is None:
            continue
        locator = f"line {index}"
        with refusing(reading, locator):
            value = number(grouped(found[2]), locator=locator, field=found[1])
            extra(reading, row, _WORDS[found[1]], "count", value, locator=locator)
            if found[1] == "Instructions":
                reading.records_ok += 1


READER = Reader(
    "gungraun", 1, matches, read, signs=Signs(keys=("benchmark_exe",), words=("Estimated Cycles:", "benchmark_exe"))
)
