"""Csv, strictly: one header, no column twice, no row of another width, nothing that may have been cut off.

Every cell stays the text that the file prints. Linear in the text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.settings import Limits

_DIGIT_AT_END = re.compile(r"[0-9.eE+-]\s*\Z")
_FIXED = re.compile(r"[+-]?\d+\.(\d+)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A header and its rows; `lines[i]` is the line on which `rows[i]` starts (the header is line 1).

    `bad` holds (line, sentence) of rows with another number of fields than the header, `cut` that of a last
    row or cell that the end of the file may have cut off.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    bad: list[tuple[int, str]]
    cut: tuple[int, str] | None = None

    def records(self) -> Iterator[tuple[str, dict[str, str]]]:
        """("row N", column -> cell) for each row, N counted from 1 after the header."""
        for number, row in enumerate(self.rows, start=1):
            yield f"row {number}", dict(zip(self.header, row, strict=True))


def parse(text: str, limits: Limits) -> CsvTable:
    """The table that `text` holds; its delimiter is the commonest of `,`, `;` and tab in the first line.

    Raises ArtifactError: duplicate_column, too_many_columns, too_many_rows, line_too_long, unexpected_shape.
    """
    if max(map(len, text.split("\n"))) > limits.max_line_bytes:
        raise ArtifactError(Reason.LINE_TOO_LONG, f"a line is over limits.max_line_bytes ({limits.max_line_bytes})")
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    if first.count(delimiter) == 0:
        raise ArtifactError(Reason.UNEXPECTED_SHAPE, "the first line has no comma, semicolon or tab")
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)
    known_limit = csv.field_size_limit(max(limits.max_line_bytes, 131_072))
    try:
        table = _rows(reader, limits)
    except csv.Error as error:
        raise ArtifactError(
            Reason.UNEXPECTED_SHAPE,
            f"line {reader.line_num}: {error}",
            locator=f"line {reader.line_num}",
        ) from None
    finally:
        csv.field_size_limit(known_limit)
    last_is_row = bool(table.lines) and (not table.bad or table.bad[-1][0] < table.lines[-1])
    if text.endswith(("\n", "\r", '"')) or not last_is_row:
        return table
    return _without_cut_end(table)


def _rows(reader: Any, limits: Limits) -> CsvTable:
    table = CsvTable([], [], [], [])
    line = 1
    for fields in reader:
        if not table.header:
            if any(cell.strip() for cell in fields):
                table.header.extend(name.strip() for name in fields)
                _check_header(table.header, limits, line)
        elif len(fields) == len(table.header):
            table.rows.append(fields)
            table.lines.append(line)
        elif any(cell.strip() for cell in fields):
            table.bad.append((line, f"line {line}: {len(fields)} of {len(table.header)} fields"))
        line = reader.line_num + 1
        if len(table.rows) + len(table.bad) > limits.max_rows:
            raise ArtifactError(Reason.TOO_MANY_ROWS, f"more than {limits.max_rows} rows")
    return table


def _check_header(header: list[str], limits: Limits, line: int) -> None:
    if len(header) > limits.max_columns:
        raise ArtifactError(
            Reason.TOO_MANY_COLUMNS,
            f"{len(header)} columns, limit {limits.max_columns}",
            locator=f"line {line}",
        )
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        if name and name in seen:
            raise ArtifactError(
                Reason.DUPLICATE_COLUMN,
                f"column {redact.value(name)[:60]!r} appears twice (columns {seen[name]} and {position})",
                locator=f"line {line}",
            )
        seen[name] = position


def _without_cut_end(table: CsvTable) -> CsvTable:
    """The table of a file that does not end its last line, without what may be half a value.

    Kept whole where the last cell has the decimals of all others, or is a text that stands in a row before. A
    number is blanked: its last digits may be missing. Any other end takes the row with it.
    """
    line, cell = table.lines[-1], table.rows[-1][-1].strip()
    others = [row[-1].strip() for row in table.rows[:-1]]
    if _DIGIT_AT_END.search(cell):
        decimals = {len(match.group(1)) if (match := _FIXED.match(text)) else 0 for text in (*others, cell)}
        if others and len(decimals) == 1 and decimals != {0}:
            return table
        rows = [*table.rows[:-1], [*table.rows[-1][:-1], ""]]
        said = f"line {line}: the file ends without a line end, so its last value may be cut off: not used"
        return CsvTable(table.header, rows, table.lines, table.bad, (line, said))
    if cell in others:
        return table
    said = f"line {line}: the file ends without a line end, so its last row may be cut off: not used"
    return CsvTable(table.header, table.rows[:-1], table.lines[:-1], table.bad, (line, said))
