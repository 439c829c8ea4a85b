"""LLMPerf token benchmark: *_individual_responses.json (a list of requests, seconds) and *_summary.json.

A request with an error_code is failed, whatever it measured before. The summary's latency statistics come
from the individual responses and are read as a summary; its own are the wall-clock throughput, the model,
the concurrency and the time, which the individual file does not have.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, number, pointer
from chimera_pipeline.readers.names import model_name, plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.tool_records import Record, each, fail, stamp
from chimera_pipeline.records import Reading, Row, SummaryRow

SUITE = "token_benchmark"
_REQUEST = {"error_code", "ttft_s", "end_to_end_latency_s"}
_SUMMARY = {"results_ttft_s_mean", "results_num_requests_started"}
_FIELDS = {
    "ttft_s": "ttft_s",
    "end_to_end_latency_s": "total_s",
    "inter_token_latency_s": "itl_s",
    "request_output_throughput_token_per_s": "end_to_end_tokens_per_s",
}
_COUNTS = {"number_input_tokens": "prompt_tokens", "number_output_tokens": "output_tokens"}
_SUMMARISED = {**_FIELDS, **_COUNTS}
_STATISTICS = {
    "mean": "mean",
    "min": "min",
    "max": "max",
    "stddev": "std",
    **{f"quantiles_{p}": p for p in ("p25", "p50", "p75", "p90", "p95", "p99")},
}


def _is_individual(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) and item.keys() >= _REQUEST for item in value[:20])


def matches(document: Document) -> bool:
    """A list of requests with error_code and ttft_s, or the flat summary object."""
    value = document.try_json()
    return _is_individual(value) or (isinstance(value, dict) and value.keys() >= _SUMMARY)


def read(document: Document) -> Reading:
    """One row of `llm_requests` a request; of a summary file a summary and what only it knows."""
    value = document.json
    if isinstance(value, dict):
        return _summary(value)
    reading = Reading(kind="llmperf_requests", tool="llmperf")
    records = [(pointer(i), item if isinstance(item, dict) else {}) for i, item in enumerate(value)]
    each(reading, records, "llm_requests", _row)
    return reading


def _row(locator: str, record: Record) -> Row:
    row: Row = {"locator": locator, "suite": SUITE, "config": {}, "status": "ok"}
    row["ttft_definition"] = "first token at the client"
    if record.get("error_code") is not None or not record:
        return fail(row, redact.error_kind(record.get("error_msg")) or "other")
    for source, target in _FIELDS.items():
        if source in record:
            row[target] = number(record[source], locator=locator, field=source)
    for source, target in _COUNTS.items():
        if source in record:
            row[target] = count(record[source], locator=locator, field=source)
    if not row.get("output_tokens", 1):
        return fail(row, "no_output")
    return row


def _summary(value: Record) -> Reading:
    reading = Reading(kind="llmperf_summary", tool="llmperf")
    stats: dict[str, tuple[float, float]] = {}
    for source, target in _SUMMARISED.items():
        for suffix, statistic in _STATISTICS.items():
            key = f"results_{source}_{suffix}"
            stated = number(value.get(key), locator=pointer(key), field=key)
            if stated is not None:
                stats[f"{target}:{statistic}"] = (stated, 0.0)
    for key, name in (("results_num_completed_requests", "ok"), ("results_num_requests_started", "rows")):
        counted = count(value.get(key), locator=pointer(key), field=key)
        if counted is not None:
            stats[f"{name}:count"] = (float(counted), 0.0)
    reading.summaries.append(SummaryRow("llm_requests", {"suite": SUITE}, stats, "/results_ttft_s_mean"))
    reading.add("serving_runs", _point(reading, value))
    return reading


def _point(reading: Reading, value: Record) -> Row:
    """The load-test point: what the wall clock of the run says."""
    key = "results_mean_output_throughput_token_per_s"
    locator = pointer(key if key in value else "results_num_requests_started")
    row: Row = {
        "locator": locator,
        "suite": SUITE,
        "status": "ok",
        "engine": plain(value.get("framework")),
        "workload": _workload(value),
        "config": config({"concurrency": value.get("num_concurrent_requests")}),
    }
    if name := model_name(value.get("model")):
        row["model"] = name
    stamp(reading, row, value.get("timestamp"))
    for counted, target in (
        ("num_concurrent_requests", "concurrency"),
        ("results_num_completed_requests", "requests_ok"),
        ("results_number_errors", "requests_failed"),
    ):
        if counted in value:
            row[target] = count(value[counted], locator=pointer(counted), field=counted)
    if row.get("requests_ok") == 0:
        return fail(row, "no_output")
    rate = number(value.get("results_num_completed_requests_per_min"), locator=locator)
    if rate is not None:
        row["requests_per_s"] = rate / 60
    if key in value:
        row["output_tokens_per_s"] = number(value[key], locator=pointer(key), field=key)
    return row


def _workload(value: Record) -> str | None:
    parts = []
    for key, label in (("mean_input_tokens", "in"), ("mean_output_tokens", "out")):
        stated = value.get(key)
        if isinstance(stated, int | float) and not isinstance(stated, bool):
            parts.append(f"{label}{stated:g}")
    return "_".join(parts) or None


READER = Reader("llmperf", 1, matches, read, signs=Signs(keys=("error_code", "results_ttft_s_mean")))
