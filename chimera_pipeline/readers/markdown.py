"""Pipe tables in markdown text, in linear time.

Tables are found by their delimiter row. A header that some writers glue to the end of the line before it
("- DType: torch.float32 | Backend | Success |") is cut off there: the header has as many cells as the
delimiter row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_PIPE = re.compile(r"(?<!\\)\|")


@dataclass(slots=True)
class Table:
    """A pipe table: header cells, rows, the 1-based line of each row, the text lines before it."""

    header: list[str]
    line: int
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    before: list[str] = field(default_factory=list)


def tables(text: str) -> list[Table]:
    """Every pipe table of `text`, in order; rows are padded or cut to the header's width."""
    lines = text.replace("\r\r\n", "\n").replace("\r\n", "\n").split("\n")
    found: list[Table] = []
    number = after = 0
    while number + 1 < len(lines):
        width = _delimiter_width(lines[number + 1]) if "|" in lines[number] else 0
        header = _cells(lines[number])
        if width == 0 or len(header) < width:
            number += 1
            continue
        table = Table(header[-width:], number + 1, before=lines[after : number + 1])
        number += 2
        while number < len(lines) and "|" in lines[number]:
            table.rows.append((_cells(lines[number]) + [""] * width)[:width])
            table.lines.append(number + 1)
            number += 1
        after = number
        found.append(table)
    return found


def _delimiter_width(line: str) -> int:
    """How many cells a delimiter row (`| --- | :-: |`) has; 0 where the line is none."""
    cells = _cells(line) if "|" in line else []
    for cell in cells:
        mark = cell.strip(":")
        if not mark or set(mark) != {"-"}:
            return 0
    return len(cells)


def _cells(line: str) -> list[str]:
    body = line.strip().removeprefix("|")
    if body.endswith("|") and not body.endswith("\\|"):
        body = body[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _PIPE.split(body)]
