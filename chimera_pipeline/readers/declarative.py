"""Readers from declarative sources: flat csv, json and JSON lines that a YAML file describes, without code.

In: folders with `*.yaml` (`schemas/sources/` and the setting `sources`). Out: one `Reader` a file, named
`source:<name>`, whose version is a hash of the file, so that a change of the file reads its artifacts
anew. What the YAML may say, and the errors it gives, are in `source_file`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, ChimeraError, ContractError, InputError, Reason, UsageError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, half_unit, measured, number, pointer
from chimera_pipeline.readers.reader import ANY, Column, Flat, Reader, Sign, Signs
from chimera_pipeline.readers.source_file import (
    Condition,
    Field,
    Ref,
    Source,
    comparable,
    load,
    measurement_columns,
)
from chimera_pipeline.records import Reading, Row

_ABSENT: Any = object()
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w .:-]*", re.ASCII)
_NO = frozenset({"false", "no", "0"})
_YES = frozenset({"true", "yes", "1"})


class Record:
    """One record: what a `Ref` finds in it. `names` are the members that `*` met on the way to it."""

    __slots__ = ("locator", "names", "root", "value")

    def __init__(self, locator: str, value: dict[str, Any], root: Any, names: tuple[str, ...]) -> None:
        self.locator, self.value, self.root, self.names = locator, value, root, names

    def find(self, ref: Ref) -> Any:
        """The value at the first place of `ref` that is there; `_ABSENT` where none is."""
        for place in ref.places:
            if ref.kind == "column":
                found = self.value.get(place, _ABSENT)
            elif ref.kind == "key":
                found = self.names[place] if place < len(self.names) else _ABSENT
            else:
                found = _at(self.root if ref.kind == "root" else self.value, place)
            if found is not _ABSENT:
                return found
        return _ABSENT


def readers(*folders: Path) -> tuple[Reader, ...]:
    """A reader for each `*.yaml` in `folders`; a name in a later folder replaces the same name before it.

    The more a source asks of a file, the earlier it comes. Raises ContractError (file, line and key), or
    UsageError for a folder that is missing.
    """
    return _readers(tuple((folder, _stamps(folder)) for folder in folders))


def _unreadable(path: Path, error: OSError) -> ChimeraError:
    """A setting that names no such file or folder is wrong; a disk that does not answer is not the setting's fault."""
    wrong = isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)
    told = f"setting sources: {path}: cannot be read: {error.strerror}"
    return UsageError(told) if wrong else InputError(told)


_Stamps = tuple[tuple[str, int, int, int], ...]


def _stamps(folder: Path) -> _Stamps:
    """Name, size, inode and time of each source: what tells that a file was edited, without opening it."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
        stats = [(path.name, path.stat()) for path in paths]
    except OSError as error:
        raise _unreadable(folder, error) from error
    return tuple((name, found.st_size, found.st_ino, found.st_mtime_ns) for name, found in stats)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise ContractError(f"{path.name}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


@lru_cache(maxsize=8)
def _readers(folders: tuple[tuple[Path, _Stamps], ...]) -> tuple[Reader, ...]:
    sources: dict[str, Source] = {}
    for folder, stamps in folders:
        here: dict[str, str] = {}
        for file, *_ in stamps:
            source = load(file, _text(folder / file))
            if source.name in here:
                raise ContractError(f"{file}: source: {source.name!r} stands in {here[source.name]} as well")
            here[source.name] = file
            sources[source.name] = source
    ordered = sorted(sources.values(), key=lambda source: (-_asked(source), source.name))
    return tuple(_reader(source) for source in ordered)


def _asked(source: Source) -> int:
    return len(source.match.places) + len(source.match.equals) + len(source.match.without)


def _reader(source: Source) -> Reader:
    return Reader(
        name=f"source:{source.name}",
        version=source.version,
        matches=lambda document: matches(source, document),
        read=lambda document: read(source, document),
        signs=_signs(source),
        flat=(lambda header: _flat(source, header)) if _is_flat(source) else None,
    )


def _is_flat(source: Source) -> bool:
    """Whether each row of the csv is one request, and its numbers are all that it states."""
    return source.format == "csv" and source.table == "llm_requests" and not source.statistics


def _flat(source: Source, header: Sequence[str]) -> Flat:
    """How `read` sees a row of a csv with this header: of alternatives, the first that is there."""

    def there(ref: Ref | None) -> str | None:
        return next((place for place in ref.places if place in header), None) if ref is not None else None

    measures = measurement_columns(source.table)
    fields = [(field, column) for field in source.fields if (column := there(field.ref)) is not None]
    names = {column for field, column in fields if field.target not in measures and field.target != "prompt_id"}
    options = {column for _, ref in source.config if (column := there(ref)) is not None}
    return Flat(
        table=source.table,
        kind=source.kind,
        numbers=tuple(
            Column(column, field.target, field.unit, field.dtype == "Int64")
            for field, column in fields
            if field.target in measures
        ),
        by=frozenset(names | options),
        time=there(source.time),
        failed=tuple(
            Sign(column, condition.values or frozenset([None, "false"]), condition.test != "is")
            for condition in source.failed
            if (column := there(condition.ref)) is not None
        ),
    )


def _signs(source: Source) -> Signs:
    """What a file must show for the first place that `source` asks for."""
    places = source.match.places[0] if source.match.places else ()
    if source.format == "csv":
        return Signs(columns=places) if places else Signs(words=(ANY,))
    outer = [place[0] if place else "*" for place in places] or ["*"]
    plain = all(_PLAIN_KEY.fullmatch(key) for key in outer)
    keys = tuple(outer) if plain else (ANY,)
    words = tuple(f'"{key}"' for key in outer) if plain else (ANY,)
    return Signs(keys=keys, words=words if source.format == "jsonl" else ())


def matches(source: Source, document: Document) -> bool:
    """Whether `document` has what `source` asks for."""
    if source.format == "csv":
        if document.try_json() is not None:
            return False
        table = document.try_csv()
        if table is None:
            return False
        header = set(table.header)
        return all(not header.isdisjoint(places) for places in source.match.places) and header.isdisjoint(
            source.match.without
        )
    value = document.try_json()
    if source.format == "jsonl":
        if isinstance(value, list):
            return False
        return any(_has(source, record) for _, record in document.try_json_lines()[:1])
    return value is not None and _has(source, value)


def _has(source: Source, value: Any) -> bool:
    match = source.match
    return (
        all(any(_exists(value, place) for place in places) for places in match.places)
        and not any(_exists(value, place) for place in match.without)
        and all(comparable(_at(value, place, None)) == wanted for place, wanted in match.equals)
    )


def read(source: Source, document: Document) -> Reading:
    """The rows that `source` makes of `document`; a record that cannot be read is refused with its place."""
    reading = Reading(kind=source.kind, tool=source.tool)
    texts: dict[Field, list[str]] = {}
    for record in _records(source, document, reading):
        try:
            rows = list(_rows(source, record, reading))
            found = _statistics(source, record) if rows and rows[0]["status"] == "ok" else []
        except ArtifactError as refused:
            reading.reject(
                refused.reason,
                f"{record.locator}: {refused.detail}",
                locator=record.locator,
                value=refused.value,
            )
            continue
        for position, row in enumerate(rows):
            reading.add(source.table, row, counts=position == 0)
        for metric, statistic, value, n in found:
            extra(reading, rows[0], metric, statistic, value, n=n, locator=record.locator)
        for field in source.fields:
            cell = record.find(field.ref)
            if isinstance(cell, str) and field.dtype == "float64":
                texts.setdefault(field, []).append(cell)
    halves = {field.target: half_unit(cells, field.unit) for field, cells in texts.items()}
    if halves := {target: half for target, half in halves.items() if half is not None}:
        reading.precision[source.table] = halves
    return reading


def _records(source: Source, document: Document, reading: Reading) -> Iterator[Record]:
    if source.format == "csv":
        for locator, cells in document.csv.records():
            if any(cell.strip() for cell in cells.values()):
                yield Record(locator, cells, cells, ())
        return
    if source.format == "jsonl":
        for locator, value in document.json_lines:
            yield Record(locator, value, value, ())
        return
    root = document.json
    for names, stars, value in _walk(root, source.records, (), ()):
        locator = pointer(*names)
        if isinstance(value, dict):
            yield Record(locator, value, root, stars)
        else:
            reading.reject(Reason.UNEXPECTED_SHAPE, f"{locator}: is no object", locator=locator)


def _walk(
    value: Any, parts: tuple[str, ...], names: tuple[str, ...], stars: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], Any]]:
    """(pointer parts, members met by `*`, value) of everything that `parts` leads to."""
    if not parts:
        yield names, stars, value
    elif parts[0] != "*":
        found = _at(value, parts[:1])
        if found is not _ABSENT:
            yield from _walk(found, parts[1:], (*names, parts[0]), stars)
    elif isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for name, member in members:
            yield from _walk(member, parts[1:], (*names, str(name)), (*stars, str(name)))


def _at(value: Any, parts: tuple[str, ...], absent: Any = _ABSENT) -> Any:
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return absent
    return value


def _exists(value: Any, parts: tuple[str, ...]) -> bool:
    return next(_walk(value, parts, (), ()), None) is not None


def _rows(source: Source, record: Record, reading: Reading) -> Iterator[Row]:
    """The row of `record`, or one for each of its values; a failed record is one row without measurements.

    A time that cannot be read is refused and leaves the row undated.
    """
    row: Row = {"locator": record.locator, "config": {}, "status": "ok", **source.constants}
    wanted = {name: record.find(ref) for name, ref in source.config}
    row["config"] = config(
        {name: value for name, value in wanted.items() if value not in (_ABSENT, "")}, allowed=wanted.keys()
    )
    for field in source.fields:
        value = record.find(field.ref)
        if value is not _ABSENT:
            row[field.target] = _typed(value, field, record.locator)
    if source.time is not None and (stated := record.find(source.time)) is not _ABSENT:
        try:
            measured(row, stated, locator=record.locator)
        except ArtifactError as bad:
            reading.reject(bad.reason, f"{record.locator}: {bad.detail}", locator=record.locator, value=bad.value)
    if any(_holds(condition, record) for condition in source.failed):
        error = record.find(source.error) if source.error is not None else None
        row["status"], row["error_kind"] = "failed", redact.error_kind(_none(error)) or "other"
        for name in measurement_columns(source.table) & row.keys():
            del row[name]
        yield row
        return
    if source.table == "system_samples":
        row["at"] = row.get("measured_at")
        unit = next((field.unit for field in source.fields if field.target == "value"), None)
        if unit is not None:
            row["unit"] = _shown(unit)
    if not source.values:
        yield row
    for field in source.values:
        value = record.find(field.ref)
        if value is not _ABSENT and (parsed := _typed(value, field, record.locator)) is not None:
            yield {
                **row,
                "metric": field.target,
                "value": parsed,
                **({"unit": _shown(field.unit)} if field.unit else {}),
            }


def _typed(value: Any, field: Field, locator: str) -> Any:
    if field.dtype == "float64":
        return number(value, field.unit, locator=locator, field=field.target)
    if field.dtype == "Int64":
        return count(value, locator=locator, field=field.target)
    if field.dtype == "boolean":
        text = comparable(value)
        text = "1" if text == 1.0 else "0" if text == 0.0 else text
        if text is None or text in _YES | _NO:
            return None if text is None else text in _YES
        raise ArtifactError(
            Reason.UNEXPECTED_SHAPE, f"{field.target} is no truth value", locator=locator, value=str(value)
        )
    if isinstance(value, dict | list):
        raise ArtifactError(Reason.UNEXPECTED_SHAPE, f"{field.target} is no plain value", locator=locator)
    return redact.name(value)


def _statistics(source: Source, record: Record) -> list[tuple[str, str, float | None, int | None]]:
    out = []
    for item in source.statistics:
        value = record.find(item.field.ref)
        n = _none(record.find(item.n)) if item.n is not None else None
        stated = None if value is _ABSENT else _typed(value, item.field, record.locator)
        out.append((item.metric, item.statistic, stated, count(n, locator=record.locator, field="n")))
    return out


def _holds(condition: Condition, record: Record) -> bool:
    """Whether the sign of a failure is there.

    What the record does not have is no sign; what it leaves blank fails `is_not` and no other test.
    """
    found = record.find(condition.ref)
    if found is _ABSENT:
        return False
    value = _truth(found)
    if condition.test == "filled":
        return value not in (None, "false")
    return (value in condition.values) is (condition.test == "is")


def _truth(value: Any) -> Any:
    if isinstance(value, dict | list):
        return "filled" if value else None
    return comparable(value)


def _none(value: Any) -> Any:
    return None if value is _ABSENT else value


def _shown(unit: str) -> str:
    """The unit of a converted value as the tables write it."""
    from chimera_pipeline import units

    kept = {"[time]": "s", "[information]": "bytes", "[token] / [time]": "tokens/s"}
    return kept.get(units.dimension(unit), "percent" if unit == "%" else unit)
