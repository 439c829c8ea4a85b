"""inference-perf reports: {load_summary, successes{latency{...}, throughput{...}}, failures{count}} of a
stage or of the whole run, the Prometheus view of the same layout, and per-request records
[{start_time, end_time, info, error}].

Seconds throughout. Request times are a monotonic clock: they order requests and date nothing. The
summary of a run carries no requested rate; it is a series of its own beside its stages.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, pointer
from chimera_pipeline.readers.loadtest import checked, distribution, fail, first, is_failed, mapping, whole
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_LATENCY = {
    "time_to_first_token": "ttft",
    "time_per_output_token": "tpot",
    "inter_token_latency": "itl",
    "request_latency": "e2e",
    "normalized_time_per_output_token": "serving_ntpot_s",
}
_LENGTH = {
    "prompt_len": "serving_prompt_tokens",
    "prompt_tokens": "serving_prompt_tokens",
    "output_len": "serving_output_tokens",
    "output_tokens": "serving_output_tokens",
}
_RATE = {
    "requests_per_sec": "requests_per_s",
    "output_tokens_per_sec": "output_tokens_per_s",
    "total_tokens_per_sec": "total_tokens_per_s",
}
_STATISTICS = {"mean": "mean", "median": "p50", "min": "min", "max": "max"} | {
    f"p{p}": f"p{p}" for p in ("0.1", "1", "5", "10", "25", "50", "75", "90", "95", "99", "99.9")
}
_REQUEST = {
    "time_to_first_token": "ttft_s",
    "request_latency": "total_s",
    "time_per_output_token": "tpot_s",
    "inter_token_latency": "itl_s",
}


def _summary_matches(document: Document) -> bool:
    value = document.try_json()
    if not isinstance(value, dict) or not isinstance(value.get("load_summary"), dict):
        return False
    successes = value.get("successes")
    return isinstance(successes, dict) and any(
        key in successes for key in ("latency", "throughput", "request_latency", "count")
    )


def _read_summary(document: Document) -> Reading:
    """One row of `serving_runs`."""
    reading = Reading(kind="inference_perf", tool="inference-perf")
    value = document.json
    load, good, bad = (
        mapping(value["load_summary"]),
        mapping(value["successes"]),
        mapping(value.get("failures")),
    )
    observed = "latency" not in good and "throughput" not in good
    row: Row = {
        "locator": "/successes",
        "suite": "inference-perf-server" if observed else "inference-perf",
        "config": config({"source": "prometheus"} if observed else {}),
        "status": "ok",
    }
    if load.get("requested_rate") is not None:
        row["request_rate"] = checked(
            reading, load["requested_rate"], None, locator="/load_summary", field="requested_rate"
        )
    if load.get("concurrency") is not None:
        at = "/load_summary/concurrency"
        row["concurrency"] = whole(reading, load["concurrency"], locator=at, field="concurrency")
    _counts(reading, row, load, good, bad)
    if is_failed(row):
        reading.add("serving_runs", fail(row, " ".join(mapping(bad.get("by_label")))))
        return reading
    for source, target in _RATE.items():
        stated = mapping(good.get("throughput"))
        if source in stated:
            row[target] = checked(reading, stated[source], None, locator="/successes/throughput", field=source)
    if observed and good.get("rate") is not None:
        row["requests_per_s"] = checked(reading, good["rate"], None, locator="/successes/rate", field="rate")
        if mapping(good.get("output_len")).get("rate") is not None:
            rate = good["output_len"]["rate"]
            row["output_tokens_per_s"] = checked(
                reading, rate, None, locator="/successes/output_len/rate", field="rate"
            )
    duration = value.get("benchmark_time_seconds")
    if duration:
        row["duration_s"] = checked(reading, duration, None, locator="/benchmark_time_seconds", field="duration")
    latencies = good if observed else mapping(good.get("latency"))
    base = "/successes" if observed else "/successes/latency"
    for source, name in _LATENCY.items():
        _put(reading, row, name, latencies.get(source), base + pointer(source))
    taken: set[str] = set()
    for source, name in _LENGTH.items():
        if name not in taken and "mean" in mapping(good.get(source)):
            taken.add(name)
            _put(reading, row, name, good[source], "/successes" + pointer(source))
    reading.add("serving_runs", row)
    return reading


def _put(reading: Reading, row: Row, name: str, stated: Any, where: str) -> None:
    stats = {_STATISTICS[key]: item for key, item in mapping(stated).items() if key in _STATISTICS}
    if any(value not in (0, None) for value in stats.values()):
        distribution(reading, row, name, stats, None, n=row.get("requests_ok"), locator=where)


def _counts(reading: Reading, row: Row, load: dict[str, Any], good: dict[str, Any], bad: dict[str, Any]) -> None:
    if "count" in good:
        row["requests_ok"] = whole(reading, good["count"], locator="/successes/count", field="count")
    if "count" in bad:
        row["requests_failed"] = whole(reading, bad["count"], locator="/failures/count", field="count")
    if "requests_ok" not in row and load.get("count") is not None:
        total = whole(reading, load["count"], locator="/load_summary/count", field="count") or 0
        row["requests_ok"] = max(total - (row.get("requests_failed") or 0), 0)


def _is_request(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and {"start_time", "end_time", "error"} <= set(item)
        and ("info" in item or "computed_metrics" in item or "request" in item)
    )


def _requests_match(document: Document) -> bool:
    value = document.try_json()
    return isinstance(value, list) and bool(value) and all(_is_request(item) for item in value[:20])


def _read_requests(document: Document) -> Reading:
    """One row of `llm_requests` a request."""
    reading = Reading(kind="inference_perf_requests", tool="inference-perf")
    for index, item in enumerate(document.json):
        locator = pointer(index)
        try:
            reading.add("llm_requests", _request(reading, locator, item))
        except ArtifactError as refused:
            reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
    return reading


def _request(reading: Reading, locator: str, item: dict[str, Any]) -> Row:
    row: Row = {"locator": locator, "suite": "inference-perf", "config": {}, "status": "ok"}
    if item.get("error"):
        error = mapping(item["error"])
        text = f"{error.get('error_type', '')} {error.get('error_msg', '')}" if error else str(item["error"])
        row["status"], row["error_kind"] = "failed", redact.error_kind(text) or "other"
        return row
    info, stated = mapping(item.get("info")), mapping(item.get("computed_metrics"))
    response = mapping(info.get("response_metrics"))
    asked = mapping(mapping(info.get("request_metrics")).get("text"))
    start, times = (
        item["start_time"],
        first(info.get("output_token_times"), response.get("output_token_times")),
    )
    for source, target in _REQUEST.items():
        if source in stated:
            row[target] = checked(reading, stated[source], None, locator=locator, field=source)
    began, ended = _clock(start), _clock(item["end_time"])
    if "total_s" not in row and began is not None and ended is not None:
        row["total_s"] = checked(reading, ended - began, None, locator=locator, field="duration")
    ticks = [_clock(tick) for tick in times] if isinstance(times, list) else []
    if "ttft_s" not in row and len(ticks) > 1 and None not in ticks and began is not None:
        known = [tick for tick in ticks if tick is not None]
        row["ttft_s"] = checked(reading, known[0] - began, None, locator=locator, field="first token")
        gap = (known[-1] - known[0]) / (len(known) - 1)
        row["itl_s"] = checked(reading, gap, None, locator=locator, field="inter_token_latency")
    tokens = first(info.get("input_tokens"), asked.get("input_tokens"), stated.get("input_tokens"))
    row["prompt_tokens"] = whole(reading, tokens, locator=locator, field="input_tokens")
    tokens = first(info.get("output_tokens"), response.get("output_tokens"), stated.get("output_tokens"))
    row["output_tokens"] = whole(reading, tokens, locator=locator, field="output_tokens")
    if row["output_tokens"] and row.get("total_s"):
        row["end_to_end_tokens_per_s"] = row["output_tokens"] / row["total_s"]
    return row


def _clock(value: Any) -> float | None:
    """A reading of the monotonic clock."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


READERS = [
    Reader("inference-perf", 1, _summary_matches, _read_summary, signs=Signs(keys=("load_summary",))),
    Reader("inference-perf-requests", 1, _requests_match, _read_requests, signs=Signs(keys=("end_time",))),
]
