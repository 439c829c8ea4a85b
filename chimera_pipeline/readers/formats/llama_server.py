"""Responses of llama.cpp's server with a `timings` object: /completion, /v1/chat/completions, a list of them,
json lines, or the recorded lines of a stream ("data: {...}"), whose last chunk has the final numbers.

Times are milliseconds. prompt_n counts evaluated tokens, cache_n those taken from the cache; TTFT is the
prompt evaluation, without queueing and transport.
"""

from __future__ import annotations

from typing import Any

import orjson

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, number
from chimera_pipeline.readers.names import model_name, plain, quantization
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.tool_records import WRAPPERS, Record, at, each, fail, objects, stamp
from chimera_pipeline.records import Reading, Row

_GUARD = '"predicted_ms"'


def _has_timings(record: Record) -> bool:
    timings = record.get("timings")
    return isinstance(timings, dict) and "predicted_ms" in timings and record.get("stop") is not False


def _accepts(record: Record) -> bool:
    return _has_timings(record) or (isinstance(record.get("error"), dict) and "message" in record["error"])


def _records(document: Document) -> list[tuple[str, Record]]:
    """Final responses; of chunks with one id only the last one with timings."""
    if not objects(document, _has_timings, _GUARD) and not _stream(document):
        return []
    found = objects(document, _accepts, _GUARD) or _stream(document)
    last: dict[str | int, int] = {}
    for position, (_, record) in enumerate(found):
        is_chunk = str(record.get("object", "")).endswith(".chunk")
        last[str(record["id"]) if is_chunk and record.get("id") else position] = position
    return [found[position] for position in sorted(last.values())]


def _stream(document: Document) -> list[tuple[str, Record]]:
    if document.try_json() is not None or _GUARD not in document.text:
        return []
    found = []
    for number_of, line in enumerate(document.text.splitlines(), start=1):
        if line.startswith("data: {") and _GUARD in line:
            try:
                record: Any = orjson.loads(line[6:])
            except orjson.JSONDecodeError:
                continue
            if isinstance(record, dict) and _has_timings(record):
                found.append((f"line {number_of}", record))
    return found


def matches(document: Document) -> bool:
    """At least one response with timings."""
    return bool(_records(document))


def read(document: Document) -> Reading:
    """One row of `llm_requests` a response."""
    reading = Reading(kind="llama_server_requests", tool="llama.cpp-server")
    each(
        reading,
        _records(document),
        "llm_requests",
        lambda place, record: _row(reading, place, record),
    )
    return reading


def _row(reading: Reading, locator: str, record: Record) -> Row:
    settings = record.get("generation_settings")
    build = plain(str(record.get("system_fingerprint") or "").partition("-")[0])
    row: Row = {
        "locator": at(locator, "timings"),
        "suite": "server",
        "engine": "llama.cpp" if build in (None, "b0") else f"llama.cpp-{build}",
        "ttft_definition": "prompt evaluation",
        "config": config(settings if isinstance(settings, dict) else {}),
        "status": "ok",
    }
    if name := model_name(record.get("model")):
        row["model"] = name
        row["quantization"] = quantization(name.removesuffix(".gguf"))
    stamp(reading, row, record.get("created"))
    timings = record.get("timings")
    if not isinstance(timings, dict):
        error = record.get("error")
        return fail(row, redact.error_kind(error.get("message") if isinstance(error, dict) else error) or "other")
    row["prompt_eval_s"] = number(timings.get("prompt_ms"), "ms", locator=locator, field="prompt_ms")
    row["eval_s"] = number(timings["predicted_ms"], "ms", locator=locator, field="predicted_ms")
    row["ttft_s"] = row["prompt_eval_s"]
    row["output_tokens"] = count(timings.get("predicted_n"), locator=locator, field="predicted_n")
    if not row["output_tokens"]:
        return fail(row, "no_output")
    row["decode_tokens_per_s"] = number(
        timings.get("predicted_per_second"), locator=locator, field="predicted_per_second"
    )
    if (tokens := _prompt_tokens(record, timings, locator)) is not None:
        row["prompt_tokens"] = tokens
    if not row["prompt_eval_s"]:
        row["prompt_eval_s"] = row["ttft_s"] = None
    return row


def _prompt_tokens(record: Record, timings: Record, locator: str) -> int | None:
    """Tokens of the whole prompt: as stated, else those evaluated and those from the cache."""
    usage = record.get("usage")
    stated = (usage if isinstance(usage, dict) else {}).get("prompt_tokens", record.get("tokens_evaluated"))
    if stated is not None:
        return count(stated, locator=locator, field="prompt_tokens")
    evaluated = count(timings.get("prompt_n"), locator=locator, field="prompt_n")
    cached = count(timings.get("cache_n"), locator=locator, field="cache_n")
    return None if evaluated is None else evaluated + (cached or 0)


READER = Reader("llama-server", 1, matches, read, signs=Signs(keys=("timings", *WRAPPERS), words=(_GUARD,)))
