"""Responses of Ollama's /api/generate and /api/chat: one object, a streamed response (json lines of which the
last one has the numbers), a list of responses, or an object around such a list.

Durations are whole nanoseconds. TTFT is not measured by the server: it is load + prompt evaluation of the
uncached tokens. A missing count (fully cached prompt) is not 0. Chunks before the last, and responses that
only loaded or unloaded a model, are no records; an object with `error` is a failed one.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, digest, embedded_options, number, prompt_id
from chimera_pipeline.readers.names import hardware_name, model_name, quantization
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.tool_records import WRAPPERS, Record, at, each, fail, objects, stamp
from chimera_pipeline.records import Reading, Row

_DURATIONS = {
    "load_duration": "load_s",
    "prompt_eval_duration": "prompt_eval_s",
    "eval_duration": "eval_s",
    "total_duration": "total_s",
}
_COUNTS = {"prompt_eval_count": "prompt_tokens", "eval_count": "output_tokens"}
_OTHERS = ({"ttft_s", "tokens_s"}, {"test_name", "success"})


def _is_final(record: Record) -> bool:
    """A last chunk: it has eval or total durations, and belongs to no script with fields of its own."""
    if record.get("done") is False or any(record.keys() >= keys for keys in _OTHERS):
        return False
    return "total_duration" in record and ("eval_duration" in record or record.get("done") is True)


def _is_error(record: Record) -> bool:
    return isinstance(record.get("error"), str) and len(record) <= 4 and "timings" not in record


def _records(document: Document) -> list[tuple[str, Record]]:
    if not objects(document, _is_final, '"total_duration"'):
        return []
    return objects(document, lambda record: _is_final(record) or _is_error(record), '"total_duration"')


def matches(document: Document) -> bool:
    """At least one final response."""
    return bool(_records(document))


def read(document: Document) -> Reading:
    """One row of `llm_requests` a final response."""
    reading = Reading(kind="ollama_requests", tool="ollama")
    records = [
        (place, record) for place, record in _records(document) if record.get("done_reason") not in ("load", "unload")
    ]
    each(reading, records, "llm_requests", lambda place, record: _row(reading, place, record))
    return reading


def _row(reading: Reading, locator: str, record: Record) -> Row:
    options = {**embedded_options(record.get("options")), **record}
    key = "eval_duration" if "eval_duration" in record else "total_duration"
    row: Row = {
        "locator": at(locator, key),
        "suite": "api",
        "engine": "ollama",
        "ttft_definition": "load + prompt evaluation",
        "config": config(options),
        "status": "ok",
    }
    if name := model_name(record.get("model")):
        row["model"] = name
        row["quantization"] = quantization(name.replace(":", "-"))
    if stated := digest(record):
        row["model_digest"] = stated
    if hardware := record.get("gpu_name") or record.get("hardware"):
        row["hardware"] = hardware_name(hardware)
    if "prompt" in record:
        row["prompt_id"] = prompt_id(record.get("prompt_index"), record["prompt"])
    stamp(reading, row, record.get("created_at") or record.get("timestamp"))
    if record.get("error"):
        return fail(row, redact.error_kind(record["error"]) or "other")
    for source, target in _DURATIONS.items():
        if source in record:
            row[target] = _nanoseconds(record[source], locator, source)
    for source, target in _COUNTS.items():
        if source in record:
            row[target] = count(record[source], locator=locator, field=source) or None
    if not row.get("output_tokens"):
        return fail(row, "no_output")
    if row.get("eval_s"):
        row["decode_tokens_per_s"] = row["output_tokens"] / row["eval_s"]
    if row.get("load_s") is not None and row.get("prompt_eval_s") is not None:
        row["ttft_s"] = row["load_s"] + row["prompt_eval_s"]
    return row


def _nanoseconds(value: Any, locator: str, field: str) -> float | None:
    """Seconds; a duration of 0 was not measured, and a fraction is not in the unit of the API."""
    stated = number(value, locator=locator, field=field)
    if stated is not None and stated != int(stated):
        raise ArtifactError(
            Reason.UNKNOWN_UNIT,
            f"{field} is {redact.value(value)}, expected whole nanoseconds",
            locator=locator,
            value=redact.value(value),
        )
    return number(value, "ns", locator=locator, field=field) or None


READER = Reader(
    "ollama-api", 2, matches, read, signs=Signs(keys=("total_duration", *WRAPPERS), words=('"total_duration"',))
)
