"""AIPerf per-request records (profile_export.jsonl): one object a line {metadata{request_start_ns, ...},
metrics{name: {value, unit}}, error}. Warm-up requests are measurements of the warm-up: they are left
out of the rows.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.formats.aiperf import unit_of
from chimera_pipeline.readers.loadtest import checked, dated, mapping, whole
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_METRICS = {
    "time_to_first_token": "ttft_s",
    "request_latency": "total_s",
    "inter_token_latency": "itl_s",
    "decode_duration": "eval_s",
    "output_token_throughput_per_user": "decode_tokens_per_s",
    "e2e_output_token_throughput": "end_to_end_tokens_per_s",
}
_COUNTS = {"input_sequence_length": "prompt_tokens", "output_sequence_length": "output_tokens"}


def matches(document: Document) -> bool:
    """Lines with metadata of a request and metrics with units."""
    if '"request_start_ns"' not in document.text[:65_536]:
        return False
    return any(_is_record(value) for _, value in document.try_json_lines()[:20])


def _is_record(value: dict[str, Any]) -> bool:
    return "request_start_ns" in mapping(value.get("metadata")) and isinstance(value.get("metrics"), dict)


def read(document: Document) -> Reading:
    """One row of `llm_requests` a measured request."""
    reading = Reading(kind="aiperf_records", tool="aiperf")
    for locator, value in document.json_lines:
        if not _is_record(value):
            continue
        try:
            row = _row(reading, locator, value)
        except ArtifactError as refused:
            reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
            continue
        if row is not None:
            reading.add("llm_requests", row)
    return reading


def _row(reading: Reading, locator: str, value: dict[str, Any]) -> Row | None:
    metadata, metrics = value["metadata"], value["metrics"]
    if str(metadata.get("benchmark_phase") or "profiling").lower() == "warmup":
        return None
    row: Row = {"locator": locator, "suite": "aiperf", "config": {}, "status": "ok"}
    dated(reading, row, metadata.get("request_start_ns"), locator=locator)
    error = value.get("error")
    if error or metadata.get("was_cancelled"):
        details = mapping(error)
        text = " ".join(str(details.get(key) or "") for key in ("type", "message", "code", "cause"))
        row["status"] = "failed"
        row["error_kind"] = redact.error_kind(text) or ("cancelled" if metadata.get("was_cancelled") else "other")
        return row
    for source, target in _METRICS.items():
        if source in metrics:
            found = mapping(metrics[source])
            row[target] = checked(
                reading, found.get("value"), unit_of(found.get("unit")), locator=locator, field=source
            )
    for source, target in _COUNTS.items():
        if source in metrics:
            stated = mapping(metrics[source]).get("value")
            row[target] = whole(reading, stated, locator=locator, field=source)
    return row


READER = Reader("aiperf-records", 1, matches, read, signs=Signs(keys=("metadata",), words=('"request_start_ns"',)))
