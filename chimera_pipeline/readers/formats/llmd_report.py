"""llm-d benchmark reports, yaml or json, one report or a list of them.

0.1: {version, scenario{model, host, platform, load}, metrics{time, requests, latency, throughput}}.
0.2.x: {version, run{uid, time}, scenario{stack[], load}, results{request_performance{aggregate{...}}}}.
Each statistic object states its `units`; p0p1 is the 0.1th percentile and p99p9 the 99.9th.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, pointer
from chimera_pipeline.readers.loadtest import (
    checked,
    dated,
    distribution,
    fail,
    first,
    is_failed,
    items,
    mapping,
    whole,
)
from chimera_pipeline.readers.names import model_name, plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_LATENCY = {
    "time_to_first_token": "ttft",
    "time_per_output_token": "tpot",
    "inter_token_latency": "itl",
    "request_latency": "e2e",
    "normalized_time_per_output_token": "serving_ntpot_s",
}
_LENGTH = {"input_length": "serving_prompt_tokens", "output_length": "serving_output_tokens"}
_RATE = {
    "request_rate": "requests_per_s",
    "output_token_rate": "output_tokens_per_s",
    "total_token_rate": "total_tokens_per_s",
    "requests_per_sec": "requests_per_s",
    "output_tokens_per_sec": "output_tokens_per_s",
    "total_tokens_per_sec": "total_tokens_per_s",
}
_STATISTICS = {
    "mean": "mean",
    "stddev": "std",
    "min": "min",
    "max": "max",
    "p0p1": "p0.1",
    "p99p9": "p99.9",
    "P25": "p25",
} | {f"p{p}": f"p{p}" for p in (1, 5, 10, 25, 50, 75, 90, 95, 99)}
_UNITS = {"s/token": "s", "ms/token": "ms", "us/token": "us", "s": "s", "ms": "ms", "us": "us", "ns": "ns"}
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?\Z")


def _reports(document: Document) -> list[tuple[str, dict[str, Any]]]:
    value = document.try_json()
    if value is None and "scenario:" in document.text and "version:" in document.text:
        value = document.try_yaml()
    found = [("", value)] if isinstance(value, dict) else []
    for index, item in enumerate(items(value)):
        found += [(pointer(index), item)] if isinstance(item, dict) else []
    return [(base, item) for base, item in found if _performance(item)]


def _performance(item: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Where the aggregates of a report are; None where it is no report."""
    if not isinstance(item.get("scenario"), dict) and not isinstance(item.get("run"), dict):
        return None
    results = mapping(mapping(item.get("results")).get("request_performance")).get("aggregate")
    if isinstance(results, dict) and isinstance(results.get("requests"), dict):
        return "/results/request_performance/aggregate", results
    metrics = item.get("metrics")
    if isinstance(metrics, dict) and isinstance(metrics.get("requests"), dict) and "latency" in metrics:
        return "/metrics", metrics
    return None


def matches(document: Document) -> bool:
    """A scenario or run beside aggregates of requests, latency and throughput."""
    return bool(_reports(document))


def read(document: Document) -> Reading:
    """One row of `serving_runs` a report."""
    reading = Reading(kind="llmd_report", tool="llm-d-benchmark")
    for base, item in _reports(document):
        found = _performance(item)
        if found is not None:
            _read_report(reading, base, item, base + found[0], found[1])
    return reading


def _read_report(reading: Reading, base: str, item: dict[str, Any], where: str, found: dict[str, Any]) -> None:
    old = "metrics" in item and "results" not in item
    row = _identity(item, where, old)
    time = mapping(found.get("time")) if old else mapping(mapping(item.get("run")).get("time"))
    dated(reading, row, time.get("start"), locator=where)
    _counts(reading, row, mapping(found.get("requests")), where)
    if is_failed(row):
        reading.add("serving_runs", fail(row))
        return
    row["duration_s"] = checked(reading, _seconds(time.get("duration")), None, locator=where, field="duration")
    for source, stated in mapping(found.get("throughput")).items():
        if source in _RATE:
            mean = stated.get("mean") if isinstance(stated, dict) else stated
            row[_RATE[source]] = checked(reading, mean, None, locator=where, field=source)
    for group, names in (("latency", _LATENCY), ("requests", _LENGTH)):
        for source, stated in mapping(found.get(group)).items():
            if source in names and isinstance(stated, dict):
                _put(reading, row, names[source], stated, where + pointer(group, source))
    reading.add("serving_runs", row)


def _put(reading: Reading, row: Row, name: str, stated: dict[str, Any], where: str) -> None:
    stats = {target: stated[key] for key, target in _STATISTICS.items() if stated.get(key) is not None}
    if not any(value != 0 for value in stats.values()):
        return
    word = str(first(stated.get("units"), "count"))
    unit = None if word == "count" else _UNITS.get(word, word)
    distribution(reading, row, name, stats, unit, n=row.get("requests_ok"), locator=where)


def _counts(reading: Reading, row: Row, requests: dict[str, Any], where: str) -> None:
    """`total` counts what was sent; failed and incomplete requests are no successes."""
    numbers: dict[str, int | None] = {}
    for name in ("total", "failures", "incomplete"):
        if name in requests:
            numbers[name] = whole(reading, requests[name], locator=f"{where}/requests/{name}", field=name)
    if "failures" in numbers:
        row["requests_failed"] = numbers["failures"]
    total = numbers.get("total")
    if total is not None:
        lost = (numbers.get("failures") or 0) + (numbers.get("incomplete") or 0)
        row["requests_ok"] = max(total - lost, 0)


def _seconds(stated: Any) -> Any:
    """Seconds of a number or of an ISO 8601 duration ("PT49.97S")."""
    if not isinstance(stated, str):
        return stated
    found = _DURATION.match(stated.strip())
    if not found or len(stated) < 3:
        return stated
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def _identity(item: dict[str, Any], where: str, old: bool) -> Row:
    row: Row = {"locator": where, "suite": "llm-d-benchmark", "status": "ok", "config": {}}
    scenario, run = mapping(item.get("scenario")), mapping(item.get("run"))
    (_identity_old if old else _identity_new)(row, scenario)
    run_id = redact.name(first(run.get("uid"), mapping(item.get("metadata")).get("eid")))
    if run_id is not None:
        row["run_id"] = run_id
    return row


def _identity_old(row: Row, scenario: dict[str, Any]) -> None:
    load, model = mapping(scenario.get("load")), mapping(scenario.get("model"))
    row["model"] = model_name(model.get("name"))
    if model.get("quantization"):
        row["quantization"] = redact.name(model["quantization"])
    engines = items(mapping(scenario.get("platform")).get("engine"))
    accelerators = items(mapping(scenario.get("host")).get("accelerator"))
    _stack(row, [mapping(engine) for engine in engines], [mapping(gpu) for gpu in accelerators])
    args = mapping(load.get("args"))
    if load.get("name"):
        row["suite"] = redact.name(load["name"])
    row["config"] |= config({key: args.get(key) for key in ("num_prompts", "burstiness")})
    _load(row, first(args.get("max_concurrency"), args.get("concurrency")), args.get("request_rate"))


def _identity_new(row: Row, scenario: dict[str, Any]) -> None:
    load = mapping(mapping(scenario.get("load")).get("standardized"))
    native = mapping(mapping(mapping(scenario.get("load")).get("native")).get("config"))
    engines = [mapping(mapping(part).get("standardized")) for part in items(scenario.get("stack"))]
    engines = [part for part in engines if part.get("kind") == "inference_engine" or "accelerator" in part]
    named = [mapping(part.get("model")).get("name") for part in engines]
    row["model"] = model_name(first(*named, *_native_models(native)))
    _stack(
        row,
        [{"name": part.get("tool"), "version": part.get("tool_version")} for part in engines],
        [mapping(part.get("accelerator")) for part in engines],
    )
    if load.get("tool"):
        row["suite"] = redact.name(load["tool"])
    lengths = [mapping(load.get(key)).get("value") for key in ("input_seq_len", "output_seq_len")]
    if all(isinstance(value, int | float) and value for value in lengths):
        row["workload"] = f"in{lengths[0]:g}-out{lengths[1]:g}"
    row["config"] |= config({"stage": load.get("stage"), "source": load.get("source")})
    _load(row, load.get("concurrency"), load.get("rate_qps"))


def _native_models(native: dict[str, Any]) -> list[Any]:
    """Where the harnesses' own configurations name the model."""
    endpoint, server = mapping(native.get("endpoint")), mapping(native.get("server"))
    spec = mapping(mapping(native.get("config")).get("spec"))
    names = endpoint.get("model_names")
    return [
        native.get("model_id"),
        native.get("model"),
        server.get("model_name"),
        mapping(spec.get("backend")).get("model"),
        names[0] if isinstance(names, list) and names else None,
    ]


def _stack(row: Row, engines: list[dict[str, Any]], accelerators: list[dict[str, Any]]) -> None:
    """Engine, hardware and parallelism where all parts of the stack agree or can be named together."""
    names = sorted({str(part["name"]) + _version(part.get("version")) for part in engines if part.get("name")})
    if names:
        row["engine"] = plain("+".join(name.rsplit("/", 1)[-1] for name in names))
    models = sorted({str(part["model"]) for part in accelerators if part.get("model")})
    if models:
        row["hardware"] = plain("+".join(models))
    if len(accelerators) == 1:
        parallel = mapping(accelerators[0].get("parallelism"))
        row["config"] |= config({key: parallel.get(key) for key in ("tp", "dp", "pp", "ep")})


def _version(stated: Any) -> str:
    return "-" + str(stated).rsplit(":", 1)[-1] if stated else ""


def _load(row: Row, concurrency: Any, rate: Any) -> None:
    for target, stated in (("concurrency", concurrency), ("request_rate", rate)):
        if isinstance(stated, str):
            try:
                stated = float(stated)
            except ValueError:
                continue
        if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 < stated < 1e12:
            row[target] = int(stated) if target == "concurrency" else float(stated)


READER = Reader(
    "llm-d-benchmark",
    1,
    matches,
    read,
    takes_nonfinite=True,
    signs=Signs(keys=("scenario", "run"), words=("scenario:",)),
)
