"""vLLM benchmark results: `bench serve` (one object, several objects, a sweep's list), `bench latency`,
`bench throughput`, and the side file *.pytorch.json that repeats any of them.

Durations and raw lists are seconds, statistics milliseconds; `date` is local time without zone; std is the
population sd. `backend` is the client's protocol, so openai-style backends name no engine. A point of which
no request completed is failed: its zeros are no measurements. `tokens_per_second` of a throughput run counts
prompt and output tokens.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import count, extra, number
from chimera_pipeline.readers.names import model_name, quantization
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.serving_points import is_vllm_point, serving_row
from chimera_pipeline.readers.tool_records import WRAPPERS, Record, at, each, fail, objects, stamp
from chimera_pipeline.records import Reading, Row

_LATENCY = {"avg_latency", "latencies", "percentiles"}
_THROUGHPUT = {"elapsed_time", "num_requests", "total_num_tokens", "requests_per_second"}
_PERCENTILES = {"50": "median_s", "90": "p90_s", "95": "p95_s", "99": "p99_s"}


def _accepts(record: Record) -> bool:
    return (
        is_vllm_point(record)
        or (record.keys() >= _LATENCY and isinstance(record["latencies"], list))
        or record.keys() >= _THROUGHPUT
    )


def _side_file(document: Document) -> Record | None:
    """The result object that a *.pytorch.json file was made from."""
    value = document.try_json()
    if not (isinstance(value, list) and value and isinstance(value[0], dict) and "metric" in value[0]):
        return None
    merged: Record = {}
    for item in value:
        metric = item.get("metric") if isinstance(item, dict) else None
        if not (isinstance(metric, dict) and isinstance(metric.get("benchmark_values"), list)):
            return None
        merged |= metric["extra_info"] if isinstance(metric.get("extra_info"), dict) else {}
        values = metric["benchmark_values"]
        if metric.get("name") == "latency" and all(isinstance(sample, float) for sample in values):
            merged |= {"latencies": values, "avg_latency": sum(values) / len(values) if values else None}
        elif values:
            merged[str(metric.get("name"))] = values[0]
    model = value[0].get("model")
    merged.setdefault("model_id", model.get("name") if isinstance(model, dict) else None)
    return merged if _accepts(merged) else None


def _records(document: Document) -> list[tuple[str, Record]]:
    found = objects(document, _accepts, '"completed"')
    if not found and (merged := _side_file(document)):
        return [("/0", merged)]
    return found


def matches(document: Document) -> bool:
    """Objects with the keys of a serve, latency or throughput result, and not of SGLang's."""
    return bool(_records(document))


def read(document: Document) -> Reading:
    """A row of `serving_runs` a point, a row of `timings` a latency run."""
    reading = Reading(kind="serving_benchmark", tool="vllm")
    records = _records(document)
    points = [entry for entry in records if is_vllm_point(entry[1])]
    latency = [entry for entry in records if not is_vllm_point(entry[1]) and "latencies" in entry[1]]
    offline = [entry for entry in records if not is_vllm_point(entry[1]) and "latencies" not in entry[1]]
    each(reading, points, "serving_runs", lambda place, record: _serve(reading, place, record))
    each(reading, latency, "timings", lambda place, record: _latency(reading, place, record))
    each(reading, offline, "serving_runs", lambda place, record: _throughput(place, record))
    if not points:
        reading.kind = "batch_latency" if latency else "offline_throughput"
    return reading


def _serve(reading: Reading, locator: str, record: Record) -> Row:
    row = serving_row(reading, locator, record)
    stamp(reading, row, record.get("date"))
    return row


def _identity(locator: str, record: Record, suite: str) -> Row:
    row: Row = {"locator": locator, "suite": suite, "config": {}, "status": "ok", "engine": "vllm"}
    if name := model_name(record.get("model_id") or record.get("model")):
        row["model"] = name
        row["quantization"] = quantization(name)
    return row


def _latency(reading: Reading, locator: str, record: Record) -> Row:
    row = _identity(at(locator, "avg_latency"), record, "latency")
    row["case"] = "batch_latency"
    samples = [number(value, locator=locator, field="latencies") for value in record["latencies"]]
    row["n"] = len(samples)
    row["mean_s"] = number(record["avg_latency"], "s", locator=locator, field="avg_latency")
    if not samples or not row["mean_s"]:
        return fail(row, "no_output")
    if "std_latency" in record:
        row["std_s"] = number(record["std_latency"], "s", locator=locator, field="std_latency")
        row["ddof"] = 0
    percentiles: Any = record.get("percentiles")
    for key, value in (percentiles if isinstance(percentiles, dict) else {}).items():
        if not str(key).replace(".", "", 1).isdigit():
            continue
        stated = number(value, "s", locator=locator, field=f"percentile {key}")
        if str(key) in _PERCENTILES:
            row[_PERCENTILES[str(key)]] = stated
        else:
            where = at(locator, "percentiles", key)
            extra(reading, row, "time_s", f"p{key}", stated, n=row["n"], locator=where)
    for i, sample in enumerate(samples):
        extra(reading, row, "time_s", "sample", sample, n=1, locator=at(locator, "latencies", i))
    return row


def _throughput(locator: str, record: Record) -> Row:
    row = _identity(at(locator, "elapsed_time"), record, "offline_throughput")
    row["duration_s"] = number(record["elapsed_time"], "s", locator=locator, field="elapsed_time")
    row["requests_ok"] = count(record["num_requests"], locator=locator, field="num_requests")
    for source, target in (
        ("requests_per_second", "requests_per_s"),
        ("tokens_per_second", "total_tokens_per_s"),
    ):
        if source in record:
            row[target] = number(record[source], locator=locator, field=source)
    if not row["requests_per_s"]:
        row.pop("requests_ok")
        return fail(row, "no_output")
    return row


READER = Reader(
    "vllm-benchmark",
    1,
    matches,
    read,
    takes_nonfinite=True,
    signs=Signs(keys=("completed", "latencies", "elapsed_time", "metric", *WRAPPERS), words=('"completed"',)),
)
