"""No bytes and no text make a document raise anything but ArtifactError, nor the registry raise at all."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers import markdown, registry
from chimera_pipeline.readers.document import Document
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits

MARKS = st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
JSONISH = st.text(alphabet='{}[]":,\\ \n\tu0123456789dDefeE+-.NaInity', max_size=200)
CSVISH = st.text(alphabet='a1,;\t"\r\n .|-', max_size=200)
TABLEISH = st.text(alphabet="|-: \\a1\r\n", max_size=200)
YAMLISH = st.text(alphabet="a:- \n#&*!|>'\"[]{}1,", max_size=120)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=25,
)


def ask_everything(document: Document) -> None:
    questions: list[Callable[[], Any]] = [
        lambda: document.text,
        lambda: document.whole_lines,
        lambda: document.json,
        lambda: document.json_lines,
        lambda: document.csv,
        lambda: document.yaml,
        lambda: document.markdown_tables,
        document.try_json,
        document.try_json_lines,
        document.try_csv,
        document.try_yaml,
        document.refused_lines,
    ]
    for question in questions:
        with contextlib.suppress(ArtifactError):
            question()


@settings(deadline=None)
@given(mark=MARKS, data=st.binary(max_size=300), format=st.sampled_from(Format))
def test_any_bytes(mark: bytes, data: bytes, format: Format) -> None:
    ask_everything(Document(mark + data, format))


@settings(deadline=None)
@given(text=st.one_of(st.text(max_size=200), JSONISH, CSVISH, TABLEISH, YAMLISH), format=st.sampled_from(Format))
def test_any_text(text: str, format: Format) -> None:
    ask_everything(Document(text.encode("utf-8", "replace"), format))


@settings(max_examples=60, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=100),
        JSONISH.map(str.encode),
        CSVISH.map(str.encode),
        VALUES.map(lambda value: json.dumps(value).encode()),
    ),
    format=st.sampled_from(Format),
)
def test_the_registry_makes_a_reading_of_anything(data: bytes, format: Format) -> None:
    reading = registry.read(data, format, Limits())
    assert isinstance(reading, Reading)
    assert reading.status in ArtifactStatus
    assert registry.decode(registry.encode(reading)) == reading


@settings(deadline=None)
@given(value=st.dictionaries(st.text(max_size=6), VALUES, max_size=5))
def test_what_json_writes_is_read_back(value: dict[str, Any]) -> None:
    document = Document(json.dumps(value).encode())
    assert same(document.json, value)
    lines = Document((json.dumps(value) + "\n").encode() * 2)
    assert [line for line, _ in lines.json_lines] == ["line 1", "line 2"]
    assert all(same(found, value) for _, found in lines.json_lines)


def same(found: Any, value: Any) -> bool:
    """Equal, but for whole numbers beyond 64 bits (doubles) and half surrogate pairs."""
    if isinstance(value, dict):
        return isinstance(found, dict) and all(
            same(found.get(whole(key)), item) for key, item in value.items() if whole(key) == key
        )
    if isinstance(value, list):
        return len(found) == len(value) and all(map(same, found, value))
    if isinstance(value, str):
        return bool(found == whole(value))
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return found is None or math.isclose(found, value)
    return bool(found == value)


def whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


CELL = st.text(alphabet='ab1.5 ,;"\n|', max_size=6)


@settings(deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6))
def test_what_csv_writes_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("x", "y", "z"), *rows])
    table = Document(out.getvalue().encode(), Format.CSV).csv
    assert table.rows == [list(row) for row in rows]
    assert (table.bad, table.cut) == ([], None)
    assert table.lines == sorted(set(table.lines))


@settings(deadline=None)
@given(text=TABLEISH)
def test_tables_have_a_line_for_each_row_and_as_many_cells_as_the_header(text: str) -> None:
    lines = text.replace("\r\r\n", "\n").replace("\r\n", "\n").split("\n")
    for table in markdown.tables(text):
        assert len(table.lines) == len(table.rows)
        for number, row in zip(table.lines, table.rows, strict=True):
            assert len(row) == len(table.header)
            assert "|" in lines[number - 1]


@settings(deadline=None)
@given(text=CSVISH, cut=st.integers(0, 200))
def test_a_csv_that_was_cut_off_invents_no_row(text: str, cut: int) -> None:
    full = Document((text + "\n").encode(), Format.CSV).try_csv()
    part = Document(text[:cut].encode(), Format.CSV).try_csv()
    if full is None or part is None or full.header != part.header:
        return
    for row, line in zip(part.rows, part.lines, strict=True):
        if line in full.lines:
            whole_row = full.rows[full.lines.index(line)]
            assert all(cell in ("", other) for cell, other in zip(row, whole_row, strict=True))
