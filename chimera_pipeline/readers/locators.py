"""From a locator back to the place in the file: the line and the text that stand there.

A locator is "row N" (N-th data row of a csv), "line N" (optionally followed by a JSON pointer into the
JSON that starts there) or a JSON pointer (into JSON, YAML or JSON lines). Serves `chimera explain` and the
conformance test.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document

_NUMBERED = re.compile(r"(row|line) ([1-9]\d{0,9})(/.*)?\Z", re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
_BEFORE = re.compile(r"[ \t\r\n]*(?:window\.\w{1,64}[ \t]*=[ \t\r\n]*)?")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a locator leads: the 1-based line, and the text from there (a row, a line, or one JSON value)."""

    line: int
    text: str


def resolve(document: Document, locator: str) -> Place:
    """The place of `locator` in `document`. Raises ArtifactError(unexpected_shape) where it leads nowhere."""
    numbered = _NUMBERED.match(locator)
    if numbered is None:
        if not (locator == "" or locator.startswith("/")):
            raise _nowhere(locator, "is no row, line or JSON pointer")
        return _at_pointer(document, document.text, 0, locator, locator)
    kind, number, pointer = numbered.group(1), int(numbered.group(2)), numbered.group(3)
    if kind == "row":
        return _row(document, number, locator)
    start, end = _line_bounds(document.text, number, locator)
    if pointer is not None:
        return _at_pointer(document, document.text, start, pointer, locator)
    return Place(number, document.text[start:end].rstrip("\r"))


def _row(document: Document, number: int, locator: str) -> Place:
    table = document.csv
    if number > len(table.rows):
        raise _nowhere(locator, f"the file has {len(table.rows)} rows")
    line = table.lines[number - 1]
    start, _ = _line_bounds(document.text, line, locator)
    _, end = _line_bounds(document.text, line + _breaks(table.rows[number - 1]), locator)
    return Place(line, document.text[start:end].rstrip("\r\n"))


def _breaks(cells: list[str]) -> int:
    return sum(cell.count("\n") for cell in cells)


def _line_bounds(text: str, number: int, locator: str) -> tuple[int, int]:
    start = 0
    for _ in range(number - 1):
        start = text.find("\n", start) + 1
        if start == 0:
            raise _nowhere(locator, f"the file has {text.count(chr(10)) + 1} lines")
    end = text.find("\n", start)
    return start, len(text) if end < 0 else end


def _at_pointer(document: Document, text: str, start: int, pointer: str, locator: str) -> Place:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    begin = _BEFORE.match(text, start)
    at = begin.end() if begin else start
    if text[at : at + 1] not in ("{", "["):
        return _in_yaml(text, parts, locator)
    try:
        for part in parts:
            at = _member(text, at, part)
        end = _end(text, at)
    except (LookupError, ValueError, RecursionError):
        raise _nowhere(locator, "leads to nothing in the file") from None
    return Place(text.count("\n", 0, at) + 1, text[at:end])


def _member(text: str, at: int, part: str) -> int:
    """Where the member `part` of the object or list at `at` begins. Raises LookupError, ValueError."""
    is_object = text[at] == "{"
    if not is_object and (text[at] != "[" or not part.isdigit()):
        raise LookupError(part)
    at, index = _after(text, at + 1), 0
    while text[at] not in "}]":
        key: Any = index
        if is_object:
            key, at = scanstring(text, at + 1, False)
            at = _after(text, _after(text, at) + 1)
        if (key == part) if is_object else (key == int(part)):
            return at
        at, index = _after(text, _end(text, at)), index + 1
        if text[at] == ",":
            at = _after(text, at + 1)
    raise LookupError(part)


def _after(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _end(text: str, at: int) -> int:
    return _DECODER.raw_decode(text, at)[1]


def _in_yaml(text: str, parts: list[str], locator: str) -> Place:
    import yaml

    try:
        node: Any = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError):
        raise _nowhere(locator, "the file is neither JSON nor YAML") from None
    for part in parts:
        members = (
            {str(key.value): value for key, value in node.value}
            if isinstance(node, yaml.MappingNode)
            else {str(i): value for i, value in enumerate(node.value)}
            if isinstance(node, yaml.SequenceNode)
            else {}
        )
        if part not in members:
            raise _nowhere(locator, "leads to nothing in the file")
        node = members[part]
    if node is None:
        raise _nowhere(locator, "leads to nothing in the file")
    return Place(node.start_mark.line + 1, text[node.start_mark.index : node.end_mark.index].rstrip())


def _nowhere(locator: str, why: str) -> ArtifactError:
    return ArtifactError(Reason.UNEXPECTED_SHAPE, f"locator {locator!r}: {why}", locator=locator)
