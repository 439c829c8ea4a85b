"""The registry: who is asked, what a reader's fault does, and what is kept of refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers import registry
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.reader import Reader
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits


def made(read: Callable[[Document], Reading], data: bytes = b"a,b\n1,2\n", **options: Any) -> Reading:
    """What becomes of `data` when a reader does `read`."""
    reader = Reader("test", 1, lambda document: True, read, **options)
    try:
        return registry._read_with(reader, Document(data, Format.CSV))
    except ArtifactError as refused:
        return registry._refused(refused)


def one_row(document: Document) -> Reading:
    document.csv  # noqa: B018
    reading = Reading(kind="source_timings")
    reading.add("timings", {"locator": "row 1", "status": "ok", "config": {}})
    return reading


@pytest.mark.parametrize(
    "error", [KeyError("x"), TypeError("x"), OverflowError("x"), RuntimeError("x"), AssertionError()]
)
def test_a_reader_that_meets_an_unexpected_shape_refuses_the_file(error: Exception) -> None:
    def read(document: Document) -> Reading:
        raise error

    reading = made(read)
    assert (reading.status, reading.reason) == (ArtifactStatus.QUARANTINED, Reason.UNEXPECTED_SHAPE)
    assert "looks like test" in (reading.detail or "")


def test_a_matcher_that_fails_claims_nothing() -> None:
    def fails(document: Document) -> bool:
        raise KeyError("results")

    assert registry._claims(Reader("test", 1, fails, one_row), Document(b"x")) is False


def test_ragged_rows_make_a_file_partial_unless_they_belong_to_the_format() -> None:
    data = b"a,b\n1,2\n3\n"
    reading = made(one_row, data)
    assert (reading.status, reading.reason) == (ArtifactStatus.PARTIAL, Reason.RAGGED_ROW)
    assert reading.rejections[0].locator == "line 3"
    assert made(one_row, data, takes_ragged=True).status is ArtifactStatus.OK


def test_a_place_that_the_reader_refused_is_not_refused_again() -> None:
    def read(document: Document) -> Reading:
        reading = one_row(document)
        reading.reject(Reason.BAD_NUMBER, "its own words", locator="line 3")
        return reading

    assert [entry.detail for entry in made(read, b"a,b\n1,2\n3\n").rejections] == ["its own words"]


def test_a_bare_nan_refuses_the_file_unless_it_belongs_to_the_format() -> None:
    def read(document: Document) -> Reading:
        document.json  # noqa: B018
        return Reading(rows={"timings": [{"locator": "", "status": "ok"}]})

    data = b'{"a": NaN}'
    assert made(read, data).reason is Reason.NONFINITE_NUMBER
    assert made(read, data, takes_nonfinite=True).status is ArtifactStatus.OK


def test_refusals_are_bounded_and_safe_to_show() -> None:
    rows = "".join("1,2,3\n" for _ in range(2_000))
    data = ("ttft_ms,e2e_ms,output_tokens,error\n1,2,3,\nx\u202e\x1b[31m,2,3,\n" + rows).encode()
    reading = registry.read(data, Format.CSV, Limits())
    assert (reading.records_ok, reading.status) == (1, ArtifactStatus.PARTIAL)
    assert len(reading.rejections) == 501
    assert reading.rejections[-1].detail == "and 1501 more places were refused"
    shown = "".join(f"{entry.detail}{entry.value}" for entry in reading.rejections)
    assert not {"\x1b", "\u202e"} & set(shown)


def test_the_version_is_the_same_in_every_process_and_names_all_readers() -> None:
    assert registry.version() == registry.version()
    assert registry.version().startswith("r")


def test_readers_are_asked_in_a_fixed_order_with_declared_sources_last() -> None:
    names = [reader.name for reader in registry.readers()]
    declared = [name for name in names if name.startswith("source:")]
    assert names[-len(declared) :] == declared


@pytest.mark.parametrize(
    ("data", "format", "status", "reason"),
    [
        (b"# Notes\n\nNothing here.\n", Format.MARKDOWN, ArtifactStatus.DOCUMENT, None),
        (b"x,y\n1,2\n", Format.CSV, ArtifactStatus.UNRECOGNISED, Reason.UNKNOWN_FORMAT),
        (b"Error: cannot open device\n", Format.CSV, ArtifactStatus.QUARANTINED, Reason.ERROR_OUTPUT),
        (b'{"x": 1', Format.JSON, ArtifactStatus.QUARANTINED, Reason.TRUNCATED),
        (b"not json\n", Format.JSONL, ArtifactStatus.QUARANTINED, Reason.BAD_JSON),
        (b"", Format.CSV, ArtifactStatus.QUARANTINED, Reason.EMPTY),
    ],
)
def test_what_no_reader_claims(data: bytes, format: Format, status: ArtifactStatus, reason: Reason | None) -> None:
    reading = registry.read(data, format, Limits())
    assert (reading.status, reading.reason) == (status, reason)
