"""End-to-end generation tests: {results: [{test_name, generation_time_ms, tokens, success}]}, or its csv export.

Times are milliseconds end to end; tokens per second is tokens / that time, which is not a decode rate.
A test fails by `success: false`, by an error, or by a text that is itself an error message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, half_unit, measured, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row, SummaryRow

_CSV = {
    "Test Name": "test_name",
    "Context": "context",
    "Tone": "tone",
    "Generation Time (ms)": "generation_time_ms",
    "Tokens": "tokens",
    "Tokens per Second": "tokens_per_second",
    "Success": "success",
}
SUITE = "generation_test"
_STORED = {
    "avg_generation_time_ms": ("total_s:mean", "ms"),
    "min_generation_time_ms": ("total_s:min", "ms"),
    "max_generation_time_ms": ("total_s:max", "ms"),
    "avg_tokens_per_second": ("end_to_end_tokens_per_s:mean", None),
}
_MEASURES = ("total_s", "output_tokens", "end_to_end_tokens_per_s")
_UNITS = {
    "generation_time_ms": ("total_s", "ms"),
    "tokens_per_second": ("end_to_end_tokens_per_s", None),
}


def matches(document: Document) -> bool:
    """Results with test_name and success, or the csv with the same columns in words."""
    value = document.try_json()
    if isinstance(value, dict):
        results = value.get("results")
        return isinstance(results, list) and any(
            isinstance(item, dict) and {"test_name", "success"} <= set(item) for item in results
        )
    table = document.try_csv()
    return table is not None and {"Test Name", "Generation Time (ms)", "Success"} <= set(table.header)


def read(document: Document) -> Reading:
    """One row of `llm_requests` a test."""
    reading = Reading(kind="generation_tests", tool="generation-tests")
    value = document.try_json()
    shared = value if isinstance(value, dict) else {}
    precision: dict[str, list[str]] = {}
    for locator, record in _records(document, shared):
        try:
            reading.add("llm_requests", _row(locator, record, shared))
        except ArtifactError as refused:
            reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
        for source in _UNITS:
            if isinstance(record.get(source), str):
                precision.setdefault(source, []).append(record[source])
    halves = {_UNITS[source][0]: half_unit(texts, _UNITS[source][1]) for source, texts in precision.items()}
    reading.precision["llm_requests"] = {target: half for target, half in halves.items() if half is not None}
    _summarise(reading, shared)
    return reading


def _summarise(reading: Reading, shared: dict[str, Any]) -> None:
    """The summary that the script stores beside its tests, to be recomputed from them."""
    stated = shared.get("summary")
    if not isinstance(stated, dict):
        return
    stats: dict[str, tuple[float, float]] = {}
    for source, (target, unit) in _STORED.items():
        value = stated.get(source)
        if isinstance(value, int | float) and not isinstance(value, bool):
            converted = number(value, unit, locator=pointer("summary", source), field=source)
            if converted is not None:
                stats[target] = (converted, 0.0)
    if stats:
        reading.summaries.append(SummaryRow("llm_requests", {"suite": SUITE}, stats, pointer("summary")))


def _records(document: Document, shared: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if shared:
        for index, item in enumerate(shared["results"]):
            yield pointer("results", index), item
        return
    for locator, cells in document.csv.records():
        record: dict[str, Any] = {_CSV.get(name, name): cell for name, cell in cells.items()}
        record["success"] = str(record["success"]).strip().lower() in ("true", "1", "yes")
        yield locator, record


def _row(locator: str, record: dict[str, Any], shared: dict[str, Any]) -> Row:
    row: Row = {
        "locator": locator,
        "suite": SUITE,
        "config": config({key: record.get(key) for key in ("temperature", "max_tokens")}),
        "prompt_id": redact.name(record.get("test_name")),
        "status": "ok",
    }
    if model := record.get("model") or shared.get("model"):
        row["model"] = redact.name(model)
    measured(row, record.get("timestamp") or shared.get("test_timestamp") or shared.get("test_datetime"))
    text = str(record.get("banter_text") or record.get("text") or "")
    is_error = text.lower().startswith(("error ", "error:", "failed to"))
    if record.get("success") is not True or is_error or record.get("error"):
        row["status"] = "failed"
        row["error_kind"] = redact.error_kind(record.get("error") or text) or "other"
        return row
    row["total_s"] = number(record.get("generation_time_ms"), "ms", locator=locator, field="generation_time_ms")
    row["output_tokens"] = count(record.get("tokens"), locator=locator, field="tokens")
    row["end_to_end_tokens_per_s"] = number(record.get("tokens_per_second"), locator=locator, field="tokens_per_second")
    if row["total_s"] == 0 or row["output_tokens"] == 0:
        row["status"], row["error_kind"] = "failed", "no_output"
        for field in _MEASURES:
            row.pop(field)
    return row


READER = Reader("generation-tests", 2, matches, read, signs=Signs(keys=("results",), columns=("Generation Time (ms)",)))
