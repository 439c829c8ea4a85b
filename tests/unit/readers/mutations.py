"""Samples changed in ways that must not change what is read, or only take from it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from chimera_pipeline.readers.document import Document
from tests.unit.readers.samples import Sample

JUNK = "zz_junk"
MOST = 80


def structure(sample: Sample) -> str | None:
    """json, jsonl or csv: what of the file can be changed piece by piece; None for free text."""
    document = Document(sample.data, sample.format)
    if document.try_json() is not None:
        return "json"
    if document.try_json_lines():
        return "jsonl"
    table = document.try_csv()
    return "csv" if table is not None and not table.bad and table.rows else None


def changed(sample: Sample, change: Callable[[Any], Any]) -> bytes:
    """The file with `change` applied to its JSON value, to each JSON line, or to the rows of its csv."""
    kind = structure(sample)
    text = Document(sample.data, sample.format).text
    if kind == "json":
        return json.dumps(change(json.loads(text)), indent=1).encode()
    if kind == "jsonl":
        lines = text.split("\n")
        return "\n".join(json.dumps(change(json.loads(x))) if x[:1] == "{" else x for x in lines).encode()
    rows = list(csv.reader(io.StringIO(text)))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(change(rows))
    return out.getvalue().encode()


def with_junk(sample: Sample) -> bytes:
    """A column or key that no format has, everywhere one can be."""

    def in_json(value: Any) -> Any:
        if isinstance(value, dict):
            return {JUNK: "junk", **{key: in_json(item) for key, item in value.items()}}
        return [in_json(item) for item in value] if isinstance(value, list) else value

    def in_csv(rows: list[list[str]]) -> list[list[str]]:
        return [[*row, JUNK if i == 0 else "junk"] for i, row in enumerate(rows)]

    return changed(sample, in_csv if structure(sample) == "csv" else in_json)


def reordered(sample: Sample) -> bytes:
    """Columns or keys back to front."""

    def in_json(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: in_json(value[key]) for key in reversed(value)}
        return [in_json(item) for item in value] if isinstance(value, list) else value

    return changed(sample, (lambda rows: [row[::-1] for row in rows]) if structure(sample) == "csv" else in_json)


def blanked(sample: Sample) -> Iterator[tuple[str, bytes]]:
    """(what, file) with one cell blank or one leaf null, for up to `MOST` of them."""
    blank = "" if structure(sample) == "csv" else None
    yield from _replaced(sample, [blank])


def wrongly_typed(sample: Sample) -> Iterator[tuple[str, bytes]]:
    """(what, file) with one cell or leaf of another type."""
    if structure(sample) == "csv":
        yield from _replaced(sample, ["abc", "1,5", "1e999", "-1"])
    else:
        yield from _replaced(sample, ["abc", [], {}, True, -1, 1e300])


def truncated(sample: Sample) -> Iterator[tuple[str, bytes]]:
    """The file cut at each tenth."""
    for tenth in range(1, 10):
        yield f"{tenth}/10", sample.data[: len(sample.data) * tenth // 10]


def _replaced(sample: Sample, values: list[Any]) -> Iterator[tuple[str, bytes]]:
    kind = structure(sample)
    if kind is None:
        return
    text = Document(sample.data, sample.format).text
    if kind == "csv":
        rows = list(csv.reader(io.StringIO(text)))
        places: list[tuple[Any, ...]] = [(r, c) for r in range(1, len(rows)) for c in range(len(rows[r]))]
        for number, place in enumerate(_spread(places)):
            new = values[number % len(values)]
            yield f"{place}={new!r}", changed(sample, lambda rows, p=place, v=new: _put(rows, p, v))
        return
    lines = (
        [json.loads(line) for line in text.split("\n") if line[:1] == "{"] if kind == "jsonl" else [json.loads(text)]
    )
    places = [(i, *path) for i, value in enumerate(lines) for path in _leaves(value, ())]
    for number, place in enumerate(_spread(places)):
        new = values[number % len(values)]
        copies = json.loads(json.dumps(lines))
        out = _put(copies, place, new)
        yield f"{place}={new!r}", ("\n".join(json.dumps(x) for x in out) + "\n").encode()


def _spread(places: list[Any]) -> list[Any]:
    return places[:: max(1, -(-len(places) // MOST))]


def _leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if members is None:
        yield path
        return
    for key, item in members:
        yield from _leaves(item, (*path, key))


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    here = value
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = new
    return value
