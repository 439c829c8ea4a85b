"""What every reader must do, checked on every sample in `samples/`; docs/formats.md says how to add one."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from chimera_pipeline import redact
from chimera_pipeline.contracts import schemas, tables, vocabulary
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers import locators, registry, source_file
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.source_file import measurement_columns
from chimera_pipeline.records import ArtifactStatus, Format, Reading, Row
from chimera_pipeline.settings import Limits
from tests.unit.readers import mutations
from tests.unit.readers.samples import WITHOUT_SAMPLE, Sample, collected

LIMITS = Limits()
each_sample = pytest.mark.parametrize("sample", collected(), ids=str)

STATISTICS = frozenset(source_file.STATISTICS)
OF_READERS = frozenset({"locator", "config", "status", "error_kind", "measured_at", "time_naive", "at"})
FILLED_LATER = frozenset({"artifact_path", "series_id", "tool", "phase", "time_source", "field_sources", "period"})
COUNTS = frozenset({"requests_ok", "requests_failed", "n", "n_shot"})
TEXT_AS_STATED = frozenset({"locator", "measured_at", "at", "unit", "status", "error_kind", "rate_unit"})
SCALES = (1.0, 1e3, 1e6, 1e9, 60.0, 3600.0, 100.0, 2.0**10, 2.0**20, 2.0**30)
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})+(?:\.\d+)?")


def read(data: bytes, format: Format) -> Reading:
    """What the registry makes of the bytes; it must not raise."""
    return registry.read(data, format, LIMITS)


def rows_of(reading: Reading) -> Iterator[tuple[str, Row]]:
    """(table, row) of every row."""
    for table, rows in reading.rows.items():
        for row in rows:
            yield table, row


def numbers_of(table: str, row: Row) -> dict[str, float]:
    """The measurements of a row by column, blank ones left out."""
    names = {"value"} if table == "measurements" else measurement_columns(table)
    return {name: row[name] for name in names if row.get(name) is not None}


def key_of(table: str, row: Row, column: str) -> str:
    """How a sample's `values` name a number."""
    name = f"{row['metric']}:{row['statistic']}" if table == "measurements" else column
    return f"{table}/{row.get('locator')}/{name}"


def claimed_by(data: bytes, format: Format) -> list[str]:
    """The names of all readers that claim the bytes; none where they are no text."""
    document = Document(data, format)
    try:
        return [reader.name for reader in registry.readers() if reader.matches(document)]
    except ArtifactError:
        return []


def test_every_reader_has_a_sample() -> None:
    with_sample = {sample.reader for sample in collected()}
    missing = sorted({reader.name for reader in registry.readers()} - with_sample - WITHOUT_SAMPLE)
    assert not missing, f"no sample in tests/unit/readers/samples for: {', '.join(missing)}"


def test_names_of_samples_and_readers_are_unique() -> None:
    names = Counter([str(sample) for sample in collected()] + [reader.name for reader in registry.readers()])
    assert [name for name, times in names.items() if times > 1] == []


@each_sample
def test_exactly_one_reader_claims_a_file(sample: Sample) -> None:
    assert claimed_by(sample.data, sample.format) == [sample.reader]


def claims_without_sign(data: bytes, format: Format) -> list[str]:
    """Readers that claim the bytes although none of their signs shows; they would never be asked."""
    document = Document(data, format)
    try:
        asked = registry.desk().candidates(document)
        return [reader.name for reader in registry.readers() if reader not in asked and reader.matches(document)]
    except ArtifactError:
        return []


@each_sample
def test_what_a_reader_claims_shows_one_of_its_signs(sample: Sample) -> None:
    changed = [sample.data, *(data for _, data in mutations.truncated(sample))]
    changed += [data for _, data in mutations.blanked(sample)][::8]
    if mutations.structure(sample) is not None:
        changed += [mutations.with_junk(sample), mutations.reordered(sample)]
    for data in changed:
        for format in {sample.format, Format.OTHER, Format.CSV}:
            assert claims_without_sign(data, format) == []


def test_few_readers_are_asked_of_a_file() -> None:
    """Signs that every file shows would say nothing."""
    counts = [len(registry.desk().candidates(Document(sample.data, sample.format))) for sample in collected()]
    assert sum(counts) / len(counts) <= 10


@each_sample
def test_the_name_of_a_file_does_not_matter(sample: Sample) -> None:
    kinds = {"json": (Format.JSON, Format.OTHER), "jsonl": (Format.JSONL, Format.OTHER)}
    for format in kinds.get(mutations.structure(sample) or "", ()):
        assert claimed_by(sample.data, format) == [sample.reader]


@each_sample
def test_records_are_counted_as_the_tool_wrote_them(sample: Sample) -> None:
    reading = read(sample.data, sample.format)
    assert (reading.records_ok, reading.records_failed) == (sample.ok, sample.failed), reading
    assert reading.status in (ArtifactStatus.OK, ArtifactStatus.DOCUMENT), reading.detail
    assert reading.kind in schemas.load(schemas.folder() / "telemetry.yaml")["kinds"]


@each_sample
def test_values_are_those_computed_by_hand(sample: Sample) -> None:
    reading = read(sample.data, sample.format)
    found = {key_of(t, row, name): x for t, row in rows_of(reading) for name, x in numbers_of(t, row).items()}
    for key, value in sample.values.items():
        assert found.get(key) == pytest.approx(value, rel=1e-12), f"{key}; there are {sorted(found)[:20]}"


@each_sample
def test_rows_have_columns_of_their_table_and_plain_names(sample: Sample) -> None:
    for table, row in rows_of(read(sample.data, sample.format)):
        known = set(tables.columns(table)) | OF_READERS
        if table == "measurements":
            known |= {name for other in tables.METRIC_TABLES for name in tables.columns(other)} | {"unit"}
        assert set(row) <= known - FILLED_LATER, sorted(set(row) - known | set(row) & FILLED_LATER)
        assert {"locator", "config", "status"} <= set(row)
        for name, value in row.items():
            if isinstance(value, str) and name not in TEXT_AS_STATED:
                parts = value.split("/") if name in ("case", "params", "workload") else [value]
                assert redact.NAME.match(value) or all(re.match(r"name#|[\w#]", p) for p in parts), (
                    name,
                    value,
                )
        assert redact.options(row["config"], row["config"].keys()) == row["config"]
        if row.get("measured_at") is not None:
            assert dt.datetime.fromisoformat(row["measured_at"]).utcoffset() == dt.timedelta(0)
            assert isinstance(row["time_naive"], bool)


@each_sample
def test_units_are_canonical_and_values_plausible(sample: Sample) -> None:
    for table, row in rows_of(read(sample.data, sample.format)):
        for name, value in numbers_of(table, row).items():
            assert isinstance(value, int | float), (name, value)
            assert not isinstance(value, bool), (name, value)
            assert math.isfinite(value), (name, value)
            metric = metric_of(table, row, name)
            low, high = vocabulary.metric(metric).plausible if metric else (0.0, math.inf)
            assert low <= value <= high, (name, value)
        if table == "measurements":
            assert row["statistic"] in STATISTICS, row["statistic"]
            vocabulary.metric(row["metric"])


def metric_of(table: str, row: Row, column: str) -> str | None:
    """The metric of schemas/metrics.yaml that a column holds; None for counts and dispersions."""
    if table == "measurements":
        return None if row["statistic"] in ("std", "count") else str(row["metric"])
    if column in COUNTS or column.endswith(("std_s", "_std", "stderr")):
        return None
    if table == "timings":
        return "compile_s" if column == "compile_s" else "time_s"
    latency = re.fullmatch(r"(ttft|tpot|itl|e2e)_s_\w+", column)
    if latency:
        return f"serving_{latency.group(1)}_s"
    other = {"throughputs": "rate", "evaluations": "quality", "system_samples": "system"}
    return other.get(table, column)


@each_sample
def test_a_failed_record_carries_no_measurement(sample: Sample) -> None:
    reading = read(sample.data, sample.format)
    for table, row in rows_of(reading):
        if row["status"] == "failed":
            assert not numbers_of(table, row), row
            assert row.get("error_kind"), row
    failed = {row["locator"] for _, row in rows_of(reading) if row["status"] == "failed"}
    beside = [row for row in reading.rows.get("measurements", ()) if row["locator"] in failed]
    assert beside == []


@each_sample
def test_every_row_leads_back_to_its_place(sample: Sample) -> None:
    document = Document(sample.data, sample.format)
    reading = read(sample.data, sample.format)
    for summary in reading.summaries:
        assert locators.resolve(document, summary.locator).text
    for table, row in rows_of(reading):
        place = locators.resolve(document, row["locator"])
        assert place.text, row["locator"]
        assert 1 <= place.line <= document.text.count("\n") + 1
        values = [value for value in numbers_of(table, row).values() if isinstance(value, int | float)]
        if values and not sample.computed:
            printed = [float(text) for text in NUMBER.findall(place.text)]
            printed += [float(text.replace(",", "")) for text in GROUPED.findall(place.text)]
            assert any(is_printed(value, printed) for value in values), (row, place.text[:300])


def is_printed(value: float, printed: list[float]) -> bool:
    """Whether the value stands among the printed numbers, in whatever unit."""
    return any(
        math.isclose(value * scale, number, rel_tol=1e-9) or math.isclose(value / scale, number, rel_tol=1e-9)
        for number in printed
        for scale in SCALES
    )


@each_sample
def test_a_blank_is_never_zero(sample: Sample) -> None:
    zeros = zeros_of(read(sample.data, sample.format))
    for what, data in mutations.blanked(sample):
        more = zeros_of(read(data, sample.format)) - zeros
        assert not more, (what, more)


def zeros_of(reading: Reading) -> set[str]:
    """Every measurement that is zero, by key."""
    return {
        key_of(table, row, name)
        for table, row in rows_of(reading)
        for name, value in numbers_of(table, row).items()
        if value == 0 and name not in COUNTS
    }


@each_sample
def test_only_an_artifact_error_leaves_a_reader(sample: Sample) -> None:
    (reader,) = [reader for reader in registry.readers() if reader.name == sample.reader]
    changed = [*mutations.truncated(sample), *mutations.blanked(sample), *mutations.wrongly_typed(sample)]
    for what, data in changed:
        document = Document(data, sample.format)
        try:
            if reader.matches(document):
                reader.read(document)
        except ArtifactError:
            pass
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error


@each_sample
def test_a_new_column_changes_nothing(sample: Sample) -> None:
    if not sample.regular or mutations.structure(sample) is None:
        return
    data = mutations.with_junk(sample)
    assert claimed_by(data, sample.format) == [sample.reader]
    assert same(read(data, sample.format)) == same(read(sample.data, sample.format))


@each_sample
def test_the_order_of_columns_changes_nothing(sample: Sample) -> None:
    if not sample.regular or mutations.structure(sample) is None:
        return
    data = mutations.reordered(sample)
    assert claimed_by(data, sample.format) == [sample.reader]
    assert same(read(data, sample.format)) == same(read(sample.data, sample.format))


def same(reading: Reading) -> tuple[Any, ...]:
    """What must not change: rows and summaries by locator, counts."""
    rows = sorted(json.dumps(pair, sort_keys=True) for pair in rows_of(reading))
    summaries = sorted(
        json.dumps([entry.locator, entry.table, entry.where, entry.stats], sort_keys=True)
        for entry in reading.summaries
    )
    return rows, summaries, reading.records_ok, reading.records_failed


@each_sample
def test_a_file_that_was_cut_off_invents_nothing(sample: Sample) -> None:
    full = read(sample.data, sample.format)
    for what, data in mutations.truncated(sample):
        reading = read(data, sample.format)
        for table, row in rows_of(reading):
            assert any(is_part(row, whole) for whole in full.rows.get(table, ())), (what, row)
        stated = {(s.locator, key, value) for s in full.summaries for key, (value, _) in s.stats.items()}
        for summary in reading.summaries:
            for key, (value, _) in summary.stats.items():
                assert (summary.locator, key, value) in stated, (what, summary)


def is_part(row: Row, whole: Row) -> bool:
    """Whether `row` says nothing that `whole` does not say: it may lack options, or the engine's version."""
    for name, value in row.items():
        if name == "config":
            if not value.items() <= whole["config"].items():
                return False
        elif name == "engine" and value is not None:
            if not str(whole.get(name)).startswith(value):
                return False
        elif value is not None and whole.get(name) != value:
            return False
    return True


@each_sample
def test_reading_twice_gives_the_same_and_the_store_keeps_it(sample: Sample) -> None:
    reading = read(sample.data, sample.format)
    assert reading == read(sample.data, sample.format)
    assert registry.decode(registry.encode(reading)) == reading


@each_sample
def test_a_marked_or_carriage_returned_file_reads_the_same(sample: Sample) -> None:
    plain = same(read(sample.data, sample.format))
    assert same(read(b"\xef\xbb\xbf" + sample.data, sample.format)) == plain
    if b"\r" not in sample.data:
        assert same(read(sample.data.replace(b"\n", b"\r\n"), sample.format)) == plain


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize("data", [b"", b" \n", b"\0", b"{}", b"[]", b"null", b"a,b\n", b"{", b"\xff\xfe"])
def test_nothing_is_read_from_next_to_nothing(data: bytes, format: Format) -> None:
    reading = read(data, format)
    assert not reading.rows
    assert not reading.summaries
    assert reading.status is not ArtifactStatus.OK


@pytest.mark.parametrize(
    "value",
    ["[[]]", "[1, 2]", '{"a": 1}', '[{"a": 1}]', '{"results": []}', '{"results": {}}', '{"results": [1]}',
     '{"results": null}', '{"benchmarks": [null]}', '{"models": [[]]}', '{"metrics": 3}', '{"a": {"b": {}}}'],
)  # fmt: skip
def test_no_matcher_fails_on_a_shape_it_does_not_know(value: str) -> None:
    document = Document(value.encode(), Format.JSON)
    for reader in registry.readers():
        try:
            claimed = reader.matches(document)
        except Exception as error:
            raise AssertionError(f"{reader.name}: {type(error).__name__}: {error}") from error
        assert isinstance(claimed, bool), reader.name
