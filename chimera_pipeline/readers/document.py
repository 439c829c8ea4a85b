"""The bytes of one artifact, decoded and parsed at most once, strictly and within limits.

Readers ask for `json`, `json_lines`, `csv`, `yaml` or `markdown_tables`; what the bytes are not raises
ArtifactError with line or byte, and the value found. How each is parsed stands in `strict_json`,
`strict_csv`, `yamltext` and `markdown`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers import markdown, strict_csv, strict_json, yamltext
from chimera_pipeline.readers.strict_csv import CsvTable
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits

__all__ = ["CsvTable", "Document"]

_YAML_START = re.compile(r"(?:\s*(?:#[^\n]*|---[^\n]*|%[^\n]*)\n)*\s*(?:- |[\"']?[\w.$/-]+[\"']?:(?:\s|$)|-\n)")
_PARSERS = frozenset({"_json", "_json_lines", "_csv", "_markdown"})


@dataclass
class Document:
    """One artifact's content. `format` is what its suffix promises; readers must not rely on it."""

    data: bytes
    format: Format = Format.OTHER
    limits: Limits = field(default_factory=lambda: Limits())
    nonfinite: bool = field(default=False, init=False)

    @property
    def text(self) -> str:
        """The text with `\\n` as line end. Raises ArtifactError: empty, bad_encoding, not_text."""
        decoded: str = self._text.value()
        return decoded

    @property
    def whole_lines(self) -> list[str]:
        """The lines of the text without the last one where it has no line end: it may be cut off."""
        return self.text.split("\n")[:-1]

    @property
    def json(self) -> Any:
        """The parsed JSON value; bare NaN and Infinity are None and set `nonfinite`.

        Raises ArtifactError: bad_json, truncated, duplicate_key, too_deep, too_many_nodes.
        """
        return self._json.value()

    @property
    def json_lines(self) -> list[tuple[str, Any]]:
        """("line N", value) of each line that holds a JSON object; other lines are left out.

        Objects written over several lines count as well. Raises ArtifactError: bad_json.
        """
        lines: strict_json.JsonLines = self._json_lines.value()
        return list(lines.found)

    @property
    def csv(self) -> CsvTable:
        """The csv table. Raises ArtifactError as `strict_csv.parse`."""
        table: CsvTable = self._csv.value()
        return table

    @property
    def yaml(self) -> Any:
        """The parsed YAML value. Raises ArtifactError: bad_yaml, duplicate_key, too_deep, too_many_nodes."""
        return self._yaml.value()

    @property
    def markdown_tables(self) -> list[markdown.Table]:
        """Every pipe table, also those whose header is glued to the end of the line before.

        Raises ArtifactError: too_large.
        """
        tables: list[markdown.Table] = self._markdown.value()
        return tables

    def try_json(self) -> Any:
        """`json`, or None where the bytes are not JSON."""
        return self._json.result

    def try_json_lines(self) -> list[tuple[str, Any]]:
        """`json_lines`, or [] where there are none."""
        return [] if self._json_lines.refusal else self.json_lines

    def try_csv(self) -> CsvTable | None:
        """`csv`, or None where the text is no table, or one JSON value."""
        table: CsvTable | None = None if self._json.result is not None else self._csv.result
        return table

    def keys(self) -> Set[str]:
        """The outer keys of the JSON value: of an object, or of all objects of a list; none where it is no JSON."""
        value = self._json.result
        if isinstance(value, dict):
            return value.keys()
        return set().union(*(item for item in value or () if type(item) is dict))

    def columns(self) -> list[str]:
        """The header of `csv`, found without looking further down: the text may be no table there."""
        return strict_csv.header(self.text, self.limits) or []

    def try_yaml(self) -> Any:
        """`yaml`, or None where the bytes are no YAML; matchers ask the text for a word first."""
        return self._yaml.result

    def refused_lines(self) -> list[tuple[Reason, int, str]]:
        """(reason, line, sentence) of what the parsers that were asked left out of this kind of file."""
        parsed = {name: outcome.result for name, outcome in self.__dict__.items() if name in _PARSERS}
        if parsed.get("_json") is not None:
            return []
        if self.format is Format.CSV and (table := self.try_csv()) is not None:  # asked or not: rows may be cut off
            if parsed.get("_json_lines") is not None:
                return []
            ragged = [(Reason.RAGGED_ROW, line, said) for line, said in table.bad]
            return ragged + ([(Reason.TRUNCATED, *table.cut)] if table.cut else [])
        if self.format is Format.MARKDOWN:
            cuts = [table.cut for table in parsed.get("_markdown") or () if table.cut is not None]
            return [(Reason.TRUNCATED, n, f"line {n}: the file ends inside a table row") for n in cuts]
        if self.format is not Format.CSV and (lines := parsed.get("_json_lines")) is not None:
            return [(Reason.TRUNCATED, line, said) for line, said in lines.bad]
        return []

    @cached_property
    def _text(self) -> _Outcome:
        return _Outcome.of(lambda: _decoded(self.data))

    @cached_property
    def _json(self) -> _Outcome:
        return _Outcome.of(self._parse_json)

    @cached_property
    def _json_lines(self) -> _Outcome:
        return _Outcome.of(self._parse_json_lines)

    @cached_property
    def _csv(self) -> _Outcome:
        return _Outcome.of(lambda: strict_csv.parse(self.text, self.limits))

    @cached_property
    def _yaml(self) -> _Outcome:
        return _Outcome.of(self._parse_yaml)

    @cached_property
    def _markdown(self) -> _Outcome:
        return _Outcome.of(self._parse_markdown)

    def _parse_json(self) -> Any:
        value, nonfinite = strict_json.loads(self.text, self.limits)
        self.nonfinite = self.nonfinite or nonfinite
        return value

    def _parse_json_lines(self) -> strict_json.JsonLines:
        lines = strict_json.lines(self.text, self.limits)
        self.nonfinite = self.nonfinite or lines.nonfinite
        return lines

    def _parse_yaml(self) -> Any:
        text = self.text
        if not _YAML_START.match(text):
            raise ArtifactError(Reason.BAD_YAML, "does not start with a YAML key or list item")
        value, nonfinite = yamltext.parse(text, self.limits)
        self.nonfinite = self.nonfinite or nonfinite
        return value

    def _parse_markdown(self) -> list[markdown.Table]:
        if len(self.data) > self.limits.max_markdown_bytes:
            raise ArtifactError(
                Reason.TOO_LARGE,
                f"{len(self.data)} bytes, limits.max_markdown_bytes is {self.limits.max_markdown_bytes}",
            )
        return markdown.tables(self.text, self.limits.max_nodes)


def _decoded(data: bytes) -> str:
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise ArtifactError(Reason.EMPTY, "holds no text")
    codec = "utf-8"
    for mark, marked in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            codec = marked
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        byte = data[error.start : error.start + 1].hex()
        name = "UTF-16" if codec == "utf-16" else "UTF-8"
        raise ArtifactError(
            Reason.BAD_ENCODING, f"not {name}: byte 0x{byte} at offset {error.start}; save it as UTF-8"
        ) from None
    if text.startswith(("\xff\xfe", "\xfe\xff")):
        raise ArtifactError(Reason.BAD_ENCODING, "UTF-16 text that was encoded twice; save it as UTF-8")
    nul = text.find("\0")
    if nul >= 0:
        raise ArtifactError(Reason.NOT_TEXT, f"NUL character at offset {nul}: binary, not text")
    if not text.strip():
        raise ArtifactError(Reason.EMPTY, "holds no text")
    return _with_plain_line_ends(text) if "\r" in text else text


def _with_plain_line_ends(text: str) -> str:
    """CR LF, CR CR LF (written twice in text mode) and, where there is no LF, CR as LF."""
    text = text.replace("\r\r\n", "\n").replace("\r\n", "\n")
    return text if "\n" in text else text.replace("\r", "\n")


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
