"""The bytes of one artifact, decoded and parsed at most once, strictly and within limits.

Readers ask for `json`, `json_lines`, `csv`, `yaml` or `markdown_tables`; what the bytes are not raises
ArtifactError with line or byte, and the value found.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import orjson

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers import markdown, yamltext
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits

T = TypeVar("T")
_YAML_START = re.compile(r"(?:\s*(?:#[^\n]*|---[^\n]*|%[^\n]*)\n)*\s*(?:- |[\"']?[\w.$/-]+[\"']?:(?:\s|$)|-\n)")


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A header and its rows; `lines[i]` is the line on which `rows[i]` starts (the header is line 1).

    `bad` holds (line, sentence) of rows with another number of fields than the header.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    bad: list[tuple[int, str]]

    def records(self) -> Iterator[tuple[str, dict[str, str]]]:
        """("row N", column -> cell) for each row, N counted from 1 after the header."""
        for number, row in enumerate(self.rows, start=1):
            yield f"row {number}", dict(zip(self.header, row, strict=True))


@dataclass
class Document:
    """One artifact's content. `format` is what its suffix promises; readers must not rely on it."""

    data: bytes
    format: Format = Format.OTHER
    limits: Limits = field(default_factory=lambda: Limits())
    nonfinite: bool = field(default=False, init=False)

    @cached_property
    def text(self) -> str:
        """The text. Raises ArtifactError: empty, bad_encoding, not_text."""
        if not self.data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
            raise ArtifactError(Reason.EMPTY, "holds no text")
        for mark, codec in (
            (b"\xef\xbb\xbf", "utf-8-sig"),
            (b"\xff\xfe", "utf-16"),
            (b"\xfe\xff", "utf-16"),
        ):
            if self.data.startswith(mark):
                break
        else:
            codec = "utf-8"
        try:
            text = self.data.decode(codec)
        except UnicodeDecodeError as error:
            byte = self.data[error.start : error.start + 1].hex()
            raise ArtifactError(
                Reason.BAD_ENCODING,
                f"not UTF-8: byte 0x{byte} at offset {error.start}; save it as UTF-8",
            ) from None
        if text.startswith("\xff\xfe") or text.startswith("\xfe\xff"):
            raise ArtifactError(Reason.BAD_ENCODING, "UTF-16 text that was encoded twice; save it as UTF-8")
        nul = text.find("\0")
        if nul >= 0:
            raise ArtifactError(Reason.NOT_TEXT, f"NUL character at offset {nul}: binary, not text")
        return text

    @cached_property
    def _json(self) -> _Outcome:
        return _Outcome.of(self._parse_json)

    @property
    def json(self) -> Any:
        """The parsed JSON value; bare NaN and Infinity are None and set `nonfinite`.

        Raises ArtifactError: bad_json, truncated, duplicate_key, too_deep, too_many_nodes.
        """
        return self._json.value()

    @cached_property
    def _json_lines(self) -> _Outcome:
        return _Outcome.of(self._parse_json_lines)

    @property
    def json_lines(self) -> list[tuple[str, Any]]:
        """("line N", value) of each line that holds a JSON object; other lines are left out.

        Objects written back to back over several lines count as well. Raises ArtifactError: bad_json.
        """
        found: list[tuple[str, Any]] = self._json_lines.value()
        return found

    @cached_property
    def _csv(self) -> _Outcome:
        return _Outcome.of(self._parse_csv)

    @property
    def csv(self) -> CsvTable:
        """The csv table. Raises ArtifactError: duplicate_column, too_many_columns, line_too_long, unexpected_shape."""
        table: CsvTable = self._csv.value()
        return table

    @cached_property
    def _yaml(self) -> _Outcome:
        return _Outcome.of(self._parse_yaml)

    @property
    def yaml(self) -> Any:
        """The parsed YAML value. Raises ArtifactError: bad_yaml, duplicate_key, too_deep, too_many_nodes."""
        return self._yaml.value()

    @cached_property
    def markdown_tables(self) -> list[markdown.Table]:
        """Every pipe table, also those whose header is glued to the end of the line before."""
        if len(self.data) > self.limits.max_markdown_bytes:
            raise ArtifactError(
                Reason.TOO_LARGE,
                f"{len(self.data)} bytes is over limits.max_markdown_bytes ({self.limits.max_markdown_bytes})",
            )
        return markdown.tables(self.text)

    def try_json(self) -> Any:
        """`json`, or None where the bytes are not JSON."""
        return _or_none(lambda: self.json)

    def try_json_lines(self) -> list[tuple[str, Any]]:
        """`json_lines`, or [] where there are none."""
        return _or_none(lambda: self.json_lines) or []

    def try_csv(self) -> CsvTable | None:
        """`csv`, or None where the text is no table."""
        return _or_none(lambda: self.csv)

    def try_yaml(self) -> Any:
        """`yaml`, or None where the bytes are no YAML mapping or list; matchers ask the text for a word first."""
        return _or_none(lambda: self.yaml)

    def _parse_yaml(self) -> Any:
        text = self.text
        if not _YAML_START.match(text):
            raise ArtifactError(Reason.BAD_YAML, "does not start with a YAML key or list item")
        value, nonfinite = yamltext.parse(text, self.limits)
        self.nonfinite = self.nonfinite or nonfinite
        return value

    def _parse_json(self) -> Any:
        text = self.text.strip()
        if text[:1] not in "{[":
            raise ArtifactError(Reason.BAD_JSON, "does not start with { or [")
        try:
            value = orjson.loads(text)
            keys = _measure(value, self.limits)
            if text.count('":') + len(re.findall(r'"\s+:', text)) != keys:
                value = self._hooked(text)
        except orjson.JSONDecodeError as error:
            if "recursion" in str(error).lower():
                raise ArtifactError(
                    Reason.TOO_DEEP,
                    f"nested deeper than limits.max_depth ({self.limits.max_depth})",
                ) from None
            value = self._hooked(text)
            _measure(value, self.limits)
        return value

    def _hooked(self, text: str) -> Any:
        """Parse with the standard library: finds repeated keys, takes bare NaN and Infinity as missing."""
        try:
            return json.loads(
                text,
                object_pairs_hook=_no_repeats,
                parse_constant=self._missing,
                parse_float=self._float,
            )
        except json.JSONDecodeError as error:
            if error.pos >= len(text) - 1 or error.msg.startswith("Unterminated"):
                raise ArtifactError(
                    Reason.TRUNCATED,
                    f"ends in the middle (line {error.lineno}, byte {error.pos}); the writer crashed or still writes",
                    locator=f"line {error.lineno}",
                ) from None
            raise ArtifactError(
                Reason.BAD_JSON,
                f"line {error.lineno}: {error.msg.lower()}",
                locator=f"line {error.lineno}",
            ) from None
        except RecursionError:
            raise ArtifactError(
                Reason.TOO_DEEP, f"nested deeper than limits.max_depth ({self.limits.max_depth})"
            ) from None
        except ValueError as error:
            raise ArtifactError(Reason.BAD_NUMBER, str(error)) from None

    def _missing(self, _: str) -> None:
        self.nonfinite = True

    def _float(self, text: str) -> float | None:
        value = float(text)
        if math.isinf(value):
            self.nonfinite = True
            return None
        return value

    def _parse_json_lines(self) -> list[tuple[str, Any]]:
        out: list[tuple[str, Any]] = []
        decoder = json.JSONDecoder(
            object_pairs_hook=_no_repeats, parse_constant=self._missing, parse_float=self._float
        )
        lines = self.text.splitlines(keepends=True)
        if len(lines) > self.limits.max_rows:
            raise ArtifactError(Reason.TOO_MANY_ROWS, f"{len(lines)} lines, limit {self.limits.max_rows}")
        number = 0
        while number < len(lines):
            start = number
            line = lines[number].strip()
            number += 1
            if line[:1] not in ("{", "["):
                continue
            value, number = self._value_at(decoder, lines, start)
            if isinstance(value, dict):
                _measure(value, self.limits)
                out.append((f"line {start + 1}", value))
        if not out:
            raise ArtifactError(Reason.BAD_JSON, "no line holds a JSON object")
        return out

    def _value_at(self, decoder: json.JSONDecoder, lines: list[str], start: int) -> tuple[Any, int]:
        """The value that starts on line `start` and the line after it; None where the line is no JSON."""
        line = lines[start].strip()
        if len(line) > self.limits.max_line_bytes * 8:
            raise ArtifactError(Reason.LINE_TOO_LONG, f"line {start + 1} has {len(line)} characters")
        try:
            return orjson.loads(line), start + 1
        except orjson.JSONDecodeError:
            pass
        try:
            value, end = decoder.raw_decode(line)
            if not line[end:].strip():
                return value, start + 1
        except (ValueError, RecursionError):
            pass
        if line not in ("{", "["):
            return None, start + 1
        block = "".join(lines[start:])
        try:
            value, end = decoder.raw_decode(block.lstrip())
        except (ValueError, RecursionError):
            return None, start + 1
        return value, start + block[: end + 1].rstrip().count("\n") + 1

    def _parse_csv(self) -> CsvTable:
        text = self.text
        if max((len(line) for line in text.splitlines()), default=0) > self.limits.max_line_bytes:
            raise ArtifactError(
                Reason.LINE_TOO_LONG,
                f"a line is over limits.max_line_bytes ({self.limits.max_line_bytes})",
            )
        first = text.lstrip("\r\n").split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        if first.count(delimiter) == 0:
            raise ArtifactError(Reason.UNEXPECTED_SHAPE, "the first line has no comma, semicolon or tab")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            return self._csv_rows(reader)
        except csv.Error as error:
            raise ArtifactError(
                Reason.UNEXPECTED_SHAPE,
                f"line {reader.line_num}: {error}",
                locator=f"line {reader.line_num}",
            ) from None

    def _csv_rows(self, reader: Any) -> CsvTable:
        header: list[str] = []
        rows: list[list[str]] = []
        lines: list[int] = []
        bad: list[tuple[int, str]] = []
        line = 1
        for fields in reader:
            if not header:
                header = [name.strip() for name in fields]
                self._check_header(header)
            elif len(fields) == len(header):
                rows.append(fields)
                lines.append(line)
            elif any(cell.strip() for cell in fields):
                bad.append((line, f"line {line}: {len(fields)} of {len(header)} fields"))
            line = reader.line_num + 1
            if len(rows) > self.limits.max_rows:
                raise ArtifactError(Reason.TOO_MANY_ROWS, f"more than {self.limits.max_rows} rows")
        return CsvTable(header, rows, lines, bad)

    def _check_header(self, header: list[str]) -> None:
        if len(header) > self.limits.max_columns:
            raise ArtifactError(
                Reason.TOO_MANY_COLUMNS, f"{len(header)} columns, limit {self.limits.max_columns}"
            )
        seen: dict[str, int] = {}
        for position, name in enumerate(header, start=1):
            if name and name in seen:
                raise ArtifactError(
                    Reason.DUPLICATE_COLUMN,
                    f"column {name[:60]!r} appears twice (columns {seen[name]} and {position})",
                    locator="line 1",
                )
            seen[name] = position


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A result or the refusal that came instead, so that asking twice parses once."""

    result: Any = None
    refusal: ArtifactError | None = None

    @classmethod
    def of(cls, parse: Callable[[], Any]) -> _Outcome:
        try:
            return cls(result=parse())
        except ArtifactError as refused:
            return cls(refusal=refused)

    def value(self) -> Any:
        if self.refusal is not None:
            raise self.refusal
        return self.result


def _or_none(parse: Callable[[], T]) -> T | None:
    try:
        return parse()
    except ArtifactError:
        return None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ArtifactError(Reason.DUPLICATE_KEY, f"key {key[:60]!r} appears twice in one object")
            seen.add(key)
    return out


def _measure(value: Any, limits: Limits) -> int:
    """Count keys while holding depth and nodes to the limits."""
    keys = nodes = 0
    pending: list[tuple[Any, int]] = [(value, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > limits.max_depth:
            raise ArtifactError(Reason.TOO_DEEP, f"nested deeper than limits.max_depth ({limits.max_depth})")
        if isinstance(node, dict):
            keys += len(node)
            children: Any = node.values()
        else:
            children = node
        nodes += len(node)
        if nodes > limits.max_nodes:
            raise ArtifactError(
                Reason.TOO_MANY_NODES, f"more than limits.max_nodes ({limits.max_nodes}) values"
            )
        pending.extend((child, depth + 1) for child in children if isinstance(child, dict | list))
    return keys
