"""Pipe tables in markdown text, in linear time.

Tables are found by their delimiter row. A header that some writers glue to the end of the line before it
("- DType: torch.float32 | Backend | Success |") is cut off there: the header has as many cells as the
delimiter row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from chimera_pipeline.errors import ArtifactError, Reason

_PIPE = re.compile(r"(?<!\\)\|")


@dataclass(slots=True)
class Table:
    """A pipe table: header cells, rows, the 1-based line of each row, the text lines before it.

    `cut` is the line of a last row that was left out because the file ends inside it.
    """

    header: list[str]
    line: int
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    cut: int | None = None


def tables(text: str, max_cells: int = 1_000_000) -> list[Table]:
    """Every pipe table of `text`, in order; rows are padded or cut to the header's width.

    A file that ends without a line end may end inside a row: the row counts only where a pipe closes it at
    full width. Raises ArtifactError(too_many_nodes) where the tables have more than `max_cells` cells.
    """
    lines = text.replace("\r\r\n", "\n").replace("\r\n", "\n").split("\n")
    found: list[Table] = []
    number = after = cells = 0
    while number + 1 < len(lines):
        width = _delimiter_width(lines[number + 1]) if "|" in lines[number] else 0
        header = _cells(lines[number]) if width else []
        if width == 0 or len(header) < width:
            number += 1
            continue
        table = Table(header[-width:], number + 1, before=lines[after : number + 1])
        number += 2
        while number < len(lines) and "|" in lines[number]:
            cells += width
            if cells > max_cells:
                raise ArtifactError(
                    Reason.TOO_MANY_NODES,
                    f"tables with more than {max_cells} cells",
                    locator=f"line {number + 1}",
                )
            row = _cells(lines[number])
            if number == len(lines) - 1 and not (_closed(lines[number]) and len(row) >= width):
                table.cut = number + 1
            else:
                table.rows.append((row + [""] * (width - len(row)))[:width])
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


def _closed(line: str) -> bool:
    body = line.strip()
    return len(body) > 1 and body.endswith("|") and not body.endswith("\\|")


def _cells(line: str) -> list[str]:
    body = line.strip().removeprefix("|")
    if body.endswith("|") and not body.endswith("\\|"):
        body = body[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _PIPE.split(body)]
