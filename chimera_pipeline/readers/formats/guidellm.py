"""GuideLLM reports (json, yaml): {metadata?, args|config?, benchmarks: [{type_, metrics: {X:
{successful: {...}}}}]}.

One load-test point a benchmark. request_latency is in seconds beside *_ms metrics; p001 is the 0.1th
percentile and p999 the 99.9th. Only what successful requests gave is a measurement: the zeros of an
empty status are none.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, extra, pointer
from chimera_pipeline.readers.loadtest import (
    checked,
    dated,
    distribution,
    fail,
    first,
    is_failed,
    mapping,
    whole,
)
from chimera_pipeline.readers.names import model_name
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

DISTRIBUTIONS = {
    "time_to_first_token_ms": ("ttft", "ms"),
    "time_per_output_token_ms": ("tpot", "ms"),
    "inter_token_latency_ms": ("itl", "ms"),
    "request_latency": ("e2e", "s"),
    "prompt_token_count": ("serving_prompt_tokens", None),
    "output_token_count": ("serving_output_tokens", None),
}
RATES = {
    "requests_per_second": "requests_per_s",
    "output_tokens_per_second": "output_tokens_per_s",
    "tokens_per_second": "total_tokens_per_s",
}
STATISTICS = {"mean": "mean", "median": "median", "std_dev": "std", "min": "min", "max": "max"}
PERCENTILES = {
    "p001": "p0.1",
    "p01": "p1",
    "p05": "p5",
    "p10": "p10",
    "p25": "p25",
    "p75": "p75",
    "p90": "p90",
    "p95": "p95",
    "p99": "p99",
    "p999": "p99.9",
}
_SAMPLES = {"time_to_first_token_ms": ("serving_ttft_s", "ms"), "request_latency": ("serving_e2e_s", "s")}
_LENGTHS = re.compile(r"[\"']?(prompt_tokens|output_tokens)[\"']?\s*[=:]\s*(\d{1,9})")


def _report(document: Document) -> dict[str, Any] | None:
    value = document.try_json()
    if value is None and "benchmarks:" in document.text and "request_latency:" in document.text:
        value = document.try_yaml()
    if not isinstance(value, dict):
        return None
    benchmarks = value.get("benchmarks")
    if not isinstance(benchmarks, list) or not all(isinstance(item, dict) for item in benchmarks):
        return None
    return value if any(_is_benchmark(item) for item in benchmarks) else None


def _is_benchmark(item: dict[str, Any]) -> bool:
    latency = mapping(item.get("metrics")).get("request_latency")
    return isinstance(latency, dict) and isinstance(latency.get("successful"), dict)


def matches(document: Document) -> bool:
    """Benchmarks whose metrics are split into successful, errored and incomplete."""
    return _report(document) is not None


def read(document: Document) -> Reading:
    """One row of `serving_runs` a benchmark."""
    reading = Reading(kind="guidellm", tool="guidellm")
    report = _report(document) or {}
    for index, benchmark in enumerate(report["benchmarks"]):
        if _is_benchmark(benchmark):
            _read_benchmark(reading, report, benchmark, pointer("benchmarks", index))
    return reading


def _read_benchmark(reading: Reading, report: dict[str, Any], benchmark: dict[str, Any], locator: str) -> None:
    metrics = benchmark["metrics"]
    row = _identity(reading, report, benchmark, locator)
    totals = mapping(first(metrics.get("request_totals"), benchmark.get("request_totals")))
    for source, target in (("successful", "requests_ok"), ("errored", "requests_failed")):
        if source in totals:
            row[target] = whole(reading, totals[source], locator=locator, field=source)
    state = mapping(benchmark.get("scheduler_metrics"))
    started = first(benchmark.get("start_time"), state.get("measure_start_time"), state.get("start_time"))
    dated(reading, row, started, locator=locator)
    if is_failed(row):
        reading.add("serving_runs", fail(row, _error(benchmark)))
        return
    ended = first(benchmark.get("end_time"), state.get("measure_end_time"), state.get("end_time"))
    duration = benchmark.get("duration")
    if duration is None and isinstance(started, int | float) and isinstance(ended, int | float):
        duration = ended - started
    row["duration_s"] = checked(reading, duration, "s", locator=locator, field="duration")
    for source, target in RATES.items():
        if source in metrics:
            mean = _successful(metrics, source).get("mean")
            row[target] = checked(reading, mean, None, locator=locator, field=source)
    for source, (name, unit) in DISTRIBUTIONS.items():
        found = _successful(metrics, source)
        if not found or found.get("count") == 0 or (found.get("mean") == 0 and found.get("max") == 0):
            continue
        where = f"{locator}{pointer('metrics', source, 'successful')}"
        stats = {target: found[key] for key, target in STATISTICS.items() if key in found}
        percentiles = mapping(found.get("percentiles"))
        stats |= {target: percentiles[key] for key, target in PERCENTILES.items() if key in percentiles}
        n = whole(reading, found.get("count"), locator=where, field="count")
        distribution(reading, row, name, stats, unit, n=n, ddof=0, locator=where)
    reading.add("serving_runs", row)
    _read_samples(reading, row, benchmark, locator)


def _error(benchmark: dict[str, Any]) -> str | None:
    """The text of the first error, to be classed and then forgotten."""
    for request in mapping(benchmark.get("requests")).get("errored") or ():
        return (
            str(first(mapping(request).get("error"), mapping(mapping(request).get("info")).get("error")) or "") or None
        )
    return None


def _successful(metrics: dict[str, Any], name: str) -> dict[str, Any]:
    return mapping(mapping(metrics.get(name)).get("successful"))


def _read_samples(reading: Reading, row: Row, benchmark: dict[str, Any], locator: str) -> None:
    """Requests are samples where the report keeps all of them: a subset would stand for another mean."""
    requests = mapping(benchmark.get("requests")).get("successful")
    if not isinstance(requests, list) or len(requests) != row.get("requests_ok"):
        return
    for source, (metric, unit) in _SAMPLES.items():
        for index, request in enumerate(requests):
            where = f"{locator}{pointer('requests', 'successful', index, source)}"
            value = checked(reading, mapping(request).get(source), unit, locator=where, field=source)
            extra(reading, row, metric, "sample", value or None, n=1, locator=where)


def _identity(reading: Reading, report: dict[str, Any], benchmark: dict[str, Any], locator: str) -> Row:
    own = mapping(first(benchmark.get("config"), benchmark.get("args")))
    spec = mapping(first(mapping(report.get("config")).get("spec"), report.get("config"), report.get("args")))
    backend, worker = mapping(own.get("backend")), mapping(benchmark.get("worker"))
    model = first(
        backend.get("model"),
        mapping(spec.get("backend")).get("model"),
        spec.get("model"),
        worker.get("backend_model"),
    )
    data = first(spec.get("data"), mapping(benchmark.get("request_loader")).get("data"))
    strategy = mapping(own.get("strategy"))
    row: Row = {
        "locator": locator,
        "suite": "guidellm",
        "model": model_name(model),
        "run_id": redact.name(first(own.get("id_"), benchmark.get("id_"), own.get("run_id"))),
        "config": config({"strategy": strategy.get("type_")}),
        "status": "ok",
    }
    if (asked := workload(data)) is not None:
        row["workload"] = asked
    set_load(reading, row, strategy)
    return row


def set_load(reading: Reading, row: Row, strategy: dict[str, Any]) -> None:
    """Concurrency or request rate, by the kind of strategy; a worker limit is no load."""
    kind = strategy.get("type_")
    if kind == "synchronous":
        row["concurrency"] = 1
    elif kind == "concurrent":
        row["concurrency"] = whole(reading, strategy.get("streams"), locator=row["locator"], field="streams")
    elif kind == "throughput":
        row["config"] |= config({"max_concurrency": strategy.get("max_concurrency")})
    elif strategy.get("rate") is not None:
        stated = strategy["rate"]
        row["request_rate"] = checked(reading, stated, None, locator=row["locator"], field="rate")


def workload(data: Any) -> str | None:
    """`in<prompt>-out<output>` for synthetic data, else the name of the data set."""
    text = str(data)[:4000] if data is not None else ""
    lengths = dict(reversed(_LENGTHS.findall(text)))
    if "prompt_tokens" in lengths or "output_tokens" in lengths:
        return f"in{lengths.get('prompt_tokens', '')}-out{lengths.get('output_tokens', '')}"
    named = data[0] if isinstance(data, list) and data else data
    named = (
        first(*(mapping(named).get(key) for key in ("path", "source", "name"))) if isinstance(named, dict) else named
    )
    return redact.name(str(named).rstrip("/").rsplit("/", 1)[-1]) if isinstance(named, str) else None


READER = Reader(
    "guidellm", 1, matches, read, takes_nonfinite=True, signs=Signs(keys=("benchmarks",), words=("request_latency:",))
)
