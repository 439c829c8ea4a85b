"""Csv, strictly: one header, no column twice, no row of another width, nothing that may have been cut off.

Every cell stays the text that the file prints. Linear in the text.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.settings import Limits

_DIGIT_AT_END = re.compile(r"[0-9.eE+-]\s*\Z")
_FIXED = re.compile(r"[+-]?\d+\.(\d+)\Z", re.ASCII)
_BLOCK = 4096


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
    lines = text.split("\n")
    if max(map(len, lines)) > limits.max_line_bytes:
        raise ArtifactError(Reason.LINE_TOO_LONG, f"a line is over limits.max_line_bytes ({limits.max_line_bytes})")
    delimiter = _delimiter(text)
    if delimiter is None:
        raise ArtifactError(Reason.UNEXPECTED_SHAPE, "the first line has no comma, semicolon or tab")
    source = io.StringIO(text, newline="\n") if '"' in text else lines
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    try:
        with _wide_fields(limits):
            table = _rows(reader, limits)
    except csv.Error as error:
        raise ArtifactError(
            Reason.UNEXPECTED_SHAPE,
            f"line {reader.line_num}: {error}",
            locator=f"line {reader.line_num}",
        ) from None
    last_is_row = bool(table.lines) and (not table.bad or table.bad[-1][0] < table.lines[-1])
    if text.endswith(("\n", "\r", '"')) or not last_is_row:
        return table
    return _without_cut_end(table)


def header(text: str, limits: Limits) -> list[str] | None:
    """The header that `parse` would find, without looking further; None where there is none or it is broken."""
    delimiter = _delimiter(text)
    if delimiter is None:
        return None
    first = _first_line(text)
    if '"' not in first and any(names := [name.strip() for name in first.split(delimiter)]):
        return names
    try:
        with _wide_fields(limits):
            for fields in csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True):
                if any(cell.strip() for cell in fields):
                    return [name.strip() for name in fields]
    except csv.Error:
        pass
    return None


def _first_line(text: str) -> str:
    text = text.lstrip("\r\n")
    end = text.find("\n")
    return text if end < 0 else text[:end]


def _delimiter(text: str) -> str | None:
    """The commonest of `,`, `;` and tab in the first line; None where it has none of them."""
    first = _first_line(text)
    delimiter = max(",;\t", key=first.count)
    return delimiter if delimiter in first else None


@contextlib.contextmanager
def _wide_fields(limits: Limits) -> Iterator[None]:
    known_limit = csv.field_size_limit(max(limits.max_line_bytes, 131_072))
    try:
        yield
    finally:
        csv.field_size_limit(known_limit)


def _rows(reader: Any, limits: Limits) -> CsvTable:
    """Header and rows, whole blocks of rows at once."""
    table = CsvTable([], [], [], [])
    line = 1
    while not table.header and (fields := next(reader, None)) is not None:
        if any(cell.strip() for cell in fields):
            table.header.extend(name.strip() for name in fields)
            _check_header(table.header, limits, line)
        line = reader.line_num + 1
    width = len(table.header)
    while rows := list(islice(reader, _BLOCK)):
        if line + len(rows) == reader.line_num + 1:
            places = list(range(line, line + len(rows)))
        else:  # cells with line breaks
            lengths = (1 + sum(cell.count("\n") for cell in fields) for fields in rows)
            places = list(accumulate(lengths, initial=line))[:-1]
        if set(map(len, rows)) == {width}:
            table.rows.extend(rows)
            table.lines.extend(places)
        else:
            for at, fields in zip(places, rows, strict=True):
                if len(fields) == width:
                    table.rows.append(fields)
                    table.lines.append(at)
                elif any(cell.strip() for cell in fields):
                    table.bad.append((at, f"line {at}: {len(fields)} of {width} fields"))
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
