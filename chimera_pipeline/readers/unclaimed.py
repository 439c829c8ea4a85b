"""Data that no reader knows: what was seen in it, and a draft of the YAML that would map it.

Nothing here becomes a row. `seen` says in one line what the inventory shows; `draft` writes a declarative
source to be checked by a person. What column names tell by fixed rules is filled in, what they leave open
is a comment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.column_names import FAILED_BY, field_named, role, unit_in
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import BLANK, number
from chimera_pipeline.readers.source_file import canonical_unit, mappable

_MOST = 8
_SAMPLED = 200
_MATCHED = 12


@dataclass(slots=True)
class Column:
    """One column of a csv, or one path of the records of a json: as the YAML names it, its last key, its values."""

    name: str
    last: str
    values: list[Any] = field(default_factory=list)

    @property
    def numeric(self) -> bool:
        """Whether it has values and all of them are numbers."""
        filled = [value for value in self.values if not _blank(value)]
        return bool(filled) and all(_is_number(value) for value in filled)


@dataclass(slots=True)
class Shape:
    """What kind of table a document holds."""

    format: str
    count: int
    columns: list[Column]
    records: str = ""


def shape(document: Document) -> Shape | None:
    """The table in `document`: csv, JSON lines, or the longest list of objects in a json; None for none."""
    value = document.try_json()
    if isinstance(value, dict | list):
        return _json_shape(value)
    lines = document.try_json_lines()
    if lines:
        return Shape("jsonl", len(lines), _columns(item for _, item in lines[:_SAMPLED]))
    table = document.try_csv()
    if table is None:
        return None
    rows = table.rows[:_SAMPLED]
    return Shape(
        "csv",
        len(table.rows),
        [Column(name, name, [row[i] for row in rows]) for i, name in enumerate(table.header) if name],
    )


def seen(document: Document) -> str:
    """What `document` holds: records, numeric columns with the unit their name tells, other columns."""
    found = shape(document)
    if found is None:
        return f"{len(document.data)} bytes of text"
    numeric = [_with_unit(column) for column in found.columns if column.numeric]
    other = [_shown(column.name) for column in found.columns if not column.numeric]
    word = {"csv": "row", "jsonl": "line of JSON", "json": "record"}[found.format]
    words = word if found.count == 1 else word.replace("line", "lines") if " " in word else f"{word}s"
    at = f" at {_shown(found.records)}" if found.records else ""
    parts = [f"{found.count} {words}{at}"]
    parts += [f"numeric: {_some(numeric)}"] if numeric else []
    parts += [f"other: {_some(other)}"] if other else []
    return "; ".join(parts)


def draft(document: Document) -> str:
    """A declarative source for `document` as YAML, for a person to check; comments where nothing was read."""
    found = shape(document)
    if found is None:
        return "# The file holds no table: no csv with a header, no JSON object, no list of objects.\n"
    table, mapped = _mapped(found)
    key = "column" if found.format == "csv" else "path"
    used = {column.name for column, *_ in mapped}
    roles = {column.name: role(column.last) for column in found.columns if column.name not in used}
    lines = [
        f"# Draft for a file with {seen(document)}".replace("\n", " "),
        "# Check every line, delete what is wrong and save it as YAML in the folder that the setting",
        "# `sources` names. Until then nothing is read from the file.",
        "source: my-results  # a name for this kind of file",
        f"format: {found.format}",
        "match:",
        f"  {key}s: {_flow(_to_match(found, used))}",
        "grain:",
        f"  # what one record is: {_TABLES}",
        f"  table: {table or 'llm_requests'}",
        *([f"  records: {_quoted(found.records)}"] if found.records else []),
        "fields:" if mapped else f"fields:  # field: {{{key}: name, unit: unit}}",
    ]
    for column, target, unit in mapped:
        stated = f", unit: {unit}" if unit else ""
        lines.append(f"  {target}: {{{key}: {_quoted(column.name)}{stated}}}")
    for column in found.columns:
        if column.name not in used and column.numeric and roles[column.name] is None:
            lines.append(f"  # {_with_unit(column)}: which field, in which unit?{_doubt(column)}")
    lines += _rest(found, roles, key)
    return "\n".join(lines) + "\n"


_TABLES = "llm_requests, serving_runs, timings, throughputs, evaluations or system_samples"


def _rest(found: Shape, roles: dict[str, str | None], key: str) -> list[str]:
    config = [column for column in found.columns if roles.get(column.name) == "option"]
    time = next((column for column in found.columns if roles.get(column.name) == "time"), None)
    signs = [column for column in found.columns if roles.get(column.name) == "failed"]
    lines = []
    if config:
        pairs = ", ".join(f"{column.last}: {_quoted(column.name)}" for column in config)
        lines.append(f"config: {{{pairs}}}")
    if time is not None:
        lines.append(f"time: {{{key}: {_quoted(time.name)}}}")
    if not signs:
        return [*lines, "failed: never  # does no column say that a record failed?"]
    lines += ["failed:", "  when:"]
    for column in signs:
        lines.append(f"    - {{{key}: {_quoted(column.name)}, {FAILED_BY[column.last.lower()]}}}")
    text = next((column for column in signs if FAILED_BY[column.last.lower()] == "filled: true"), None)
    return [*lines, f"  error: {{{key}: {_quoted(text.name)}}}"] if text is not None else lines


_Mapped = list[tuple[Column, str, str | None]]


def _mapped(found: Shape) -> tuple[str | None, _Mapped]:
    """The table whose fields most columns name, and (column, field, unit) of those; a field is taken once."""
    best: tuple[str | None, _Mapped] = (None, [])
    for table in ("llm_requests", "serving_runs", "timings"):
        known, mapped = mappable(table), _Mapped()
        for column in found.columns:
            target = field_named(column.last, table)
            if target is None or target in {name for _, name, _ in mapped}:
                continue
            counted = known[target] in ("float64", "Int64")
            unit = unit_in(column.last) if canonical_unit(table, target) else None
            if counted == column.numeric and (unit or not canonical_unit(table, target)):
                mapped.append((column, target, unit))
        if any(column.numeric for column, *_ in mapped) and len(mapped) > len(best[1]):
            best = (table, mapped)
    return best


def _to_match(found: Shape, used: set[str]) -> list[str]:
    names = [column.name for column in found.columns if column.name in used]
    names = names if len(names) >= 2 else [column.name for column in found.columns]
    return [found.records + name for name in names[:_MATCHED]]


def _json_shape(value: Any) -> Shape | None:
    places = [("", value)] + ([(f"/{_escaped(k)}", v) for k, v in value.items()] if isinstance(value, dict) else [])
    best: Shape | None = None
    for path, node in places:
        members = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
        records = [item for item in members if isinstance(item, dict)]
        if len(records) >= 2 and len(records) == len(members) and (best is None or len(records) > best.count):
            best = Shape("json", len(records), _columns(records[:_SAMPLED]), f"{path}/*")
    if best is None and isinstance(value, dict):
        return Shape("json", 1, _columns([value]))
    if best is None and isinstance(value, list) and value and isinstance(value[0], dict):
        return Shape("json", len(value), _columns(item for item in value if isinstance(item, dict)), "/*")
    return best


def _columns(records: Iterable[dict[str, Any]]) -> list[Column]:
    """The scalar leaves of the records, down to three levels, in the order they are met."""
    found: dict[str, Column] = {}
    for record in records:
        pending: list[tuple[str, Any, int]] = [("", record, 0)]
        while pending:
            path, node, depth = pending.pop(0)
            for key, value in node.items():
                name = f"{path}/{_escaped(key)}"
                if isinstance(value, dict) and depth < 2:
                    pending.append((name, value, depth + 1))
                elif not isinstance(value, dict | list) and len(found) < 500:
                    found.setdefault(name, Column(name, str(key))).values.append(value)
    return list(found.values())


def _escaped(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in BLANK)


def _is_number(value: Any) -> bool:
    try:
        return number(value) is not None
    except ArtifactError:
        return False


def _with_unit(column: Column) -> str:
    unit = unit_in(column.last)
    return _shown(column.name) + (f" ({unit})" if unit else "")


def _doubt(column: Column) -> str:
    rate = unit_in(column.last) == "tokens/s"
    return " decode_tokens_per_s or end_to_end_tokens_per_s?" if rate else ""


def _shown(name: str) -> str:
    return redact.value(name)[:40]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _quoted(text: str) -> str:
    return json.dumps(text)


def _flow(names: list[str]) -> str:
    return "[" + ", ".join(_quoted(name) for name in names) + "]"
