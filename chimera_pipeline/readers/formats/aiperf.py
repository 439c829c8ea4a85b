"""AIPerf and GenAI-Perf summaries (profile_export_*.json): top-level metric objects {unit, avg, p1..p99,
min, max, std} beside input_config.

One load-test point a file. Metrics of a run in which everything failed are absent, not zero. GenAI-Perf
writes the request latency into time_to_first_token when it did not stream: that is no TTFT and is left
out.
"""

from __future__ import annotations

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
    items,
    mapping,
    one,
    whole,
)
from chimera_pipeline.readers.names import model_name, plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

DISTRIBUTIONS = {
    "time_to_first_token": "ttft",
    "inter_token_latency": "itl",
    "request_latency": "e2e",
    "time_to_second_token": "serving_tt2t_s",
    "inter_chunk_latency": "serving_icl_s",
    "input_sequence_length": "serving_prompt_tokens",
    "num_input_token": "serving_prompt_tokens",
    "output_sequence_length": "serving_output_tokens",
    "num_output_token": "serving_output_tokens",
    "output_token_throughput_per_user": "decode_tokens_per_s",
    "output_token_throughput_per_request": "user_output_tokens_per_s",
    "e2e_output_token_throughput": "user_output_tokens_per_s",
}
SINGLE = {
    "request_throughput": "requests_per_s",
    "output_token_throughput": "output_tokens_per_s",
    "total_token_throughput": "total_tokens_per_s",
    "benchmark_duration": "duration_s",
}
EXTRA = {"goodput": "goodput_per_s", "request_goodput": "goodput_per_s"}
STATISTICS = {"avg": "mean", "std": "std", "min": "min", "max": "max", "sum": "sum"} | {
    name: name for name in ("p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "p99.9")
}
_STREAMED = ("ttft", "itl", "serving_tt2t_s", "serving_icl_s", "decode_tokens_per_s")
_UNITS = {
    "tokens/sec/user": None,
    "tokens/sec": None,
    "requests/sec": None,
    "per sec": None,
    "tokens": None,
    "requests": None,
    "count": None,
    "": None,
}


def unit_of(text: Any) -> str | None:
    """The unit to convert from; None where the stated one is canonical."""
    word = str(text or "").strip().lower()
    return _UNITS.get(word, word)


def _is_metric(value: Any) -> bool:
    return isinstance(value, dict) and "unit" in value and "avg" in value


def matches(document: Document) -> bool:
    """An input_config beside metric objects of the family, or beside an error count alone."""
    value = document.try_json()
    if not isinstance(value, dict) or not isinstance(value.get("input_config"), dict):
        return False
    known = (*DISTRIBUTIONS, *SINGLE, "request_count", "error_request_count")
    return any(_is_metric(value.get(name)) for name in known) or ("was_cancelled" in value or "error_summary" in value)


def read(document: Document) -> Reading:
    """One row of `serving_runs`."""
    value = document.json
    tool = "aiperf" if _is_aiperf(value) else "genai-perf"
    reading = Reading(kind="aiperf", tool=tool)
    row = _identity(value, tool, _locator(value))
    started = first(value.get("start_time"), _epoch(value.get("min_request_timestamp")))
    dated(reading, row, started, locator=row["locator"])
    _counts(reading, row, value)
    if not any(_is_metric(value.get(name)) for name in ("request_latency", "request_throughput")):
        if row.get("requests_failed") and not row.get("requests_ok"):
            row["requests_ok"] = 0
        elif not is_failed(row):
            return reading
    if is_failed(row):
        reading.add("serving_runs", fail(row, _errors(value)))
        return reading
    for name, target in SINGLE.items():
        if _is_metric(value.get(name)):
            found = value[name]
            row[target] = checked(reading, found["avg"], unit_of(found["unit"]), locator=f"/{name}/avg", field=name)
    streamed = _streaming(mapping(value["input_config"])) is not False
    for name, target in DISTRIBUTIONS.items():
        if not _is_metric(value.get(name)) or (not streamed and target in _STREAMED):
            continue
        found = value[name]
        stats = {STATISTICS[key]: item for key, item in found.items() if key in STATISTICS}
        stated = first(found.get("count"), row.get("requests_ok"))
        n = whole(reading, stated, locator=f"/{name}", field="count")
        distribution(reading, row, target, stats, unit_of(found["unit"]), n=n, ddof=0, locator=f"/{name}")
    for name, metric in EXTRA.items():
        if _is_metric(value.get(name)):
            good = checked(reading, value[name]["avg"], None, locator=f"/{name}/avg", field=name)
            extra(reading, row, metric, "mean", good, n=row.get("requests_ok"), locator=f"/{name}/avg")
    reading.add("serving_runs", row)
    _telemetry(reading, row, mapping(value.get("telemetry_data")))
    return reading


def _is_aiperf(value: dict[str, Any]) -> bool:
    keys = ("was_cancelled", "aiperf_version", "error_summary", "schema_version", "run_info", "start_time")
    return any(key in value for key in keys)


def _epoch(found: Any) -> Any:
    """An epoch from a timestamp metric object; monotonic clocks are none."""
    stamp = mapping(found).get("avg")
    if not isinstance(stamp, int | float) or not any(1e9 <= stamp / s < 1e10 for s in (1, 1e3, 1e6, 1e9)):
        return None
    return stamp


def _counts(reading: Reading, row: Row, value: dict[str, Any]) -> None:
    for source, target in (("request_count", "requests_ok"), ("error_request_count", "requests_failed")):
        if _is_metric(value.get(source)):
            row[target] = whole(reading, value[source]["avg"], locator=f"/{source}/avg", field=source)
    errors = value.get("error_summary")
    if "requests_failed" not in row and isinstance(errors, list):
        at = "/error_summary"
        counts = [whole(reading, mapping(item).get("count"), locator=at, field="count") for item in errors]
        row["requests_failed"] = None if None in counts else sum(found for found in counts if found)


def _errors(value: dict[str, Any]) -> str | None:
    """The text of the first error, to be classed and then forgotten."""
    for item in items(value.get("error_summary")):
        details = mapping(mapping(item).get("error_details"))
        return " ".join(str(first(details.get(key), "")) for key in ("type", "message", "code")) or None
    return None


def _locator(value: dict[str, Any]) -> str:
    """The metric that stands for the point, which is the whole file."""
    known = ("request_latency", "request_throughput", "error_request_count", "request_count")
    return "/" + next((name for name in known if name in value), "input_config")


def _identity(value: dict[str, Any], tool: str, locator: str) -> Row:
    asked = mapping(value["input_config"])
    endpoint, load = mapping(asked.get("endpoint")), _load(asked)
    row: Row = {
        "locator": locator,
        "suite": tool,
        "model": model_name(_model(asked)),
        "config": config(
            {
                "streaming": _streaming(asked),
                "endpoint_type": first(endpoint.get("type"), asked.get("endpoint_type")),
            }
        ),
        "status": "ok",
    }
    if (run_id := redact.name(value.get("benchmark_id"))) is not None:
        row["run_id"] = run_id
    row |= load
    if (workload := _workload(asked)) is not None:
        row["workload"] = workload
    gpus = {mapping(gpu).get("gpu_name") for gpu in _gpus(mapping(value.get("telemetry_data")))} - {None}
    if len(gpus) == 1:
        row["hardware"] = plain(gpus.pop())
    return row


def _model(asked: dict[str, Any]) -> Any:
    endpoint, models = mapping(asked.get("endpoint")), asked.get("models")
    listed = models.get("items") if isinstance(models, dict) else models
    item = one(listed)
    named = mapping(item).get("name") if isinstance(item, dict) else item
    found = first(
        one(endpoint.get("model_names")),
        endpoint.get("model"),
        one(asked.get("model_names")),
        named,
        one(asked.get("model")),
        asked.get("formatted_model_name"),
    )
    return "+".join(str(part) for part in found) if isinstance(found, list) else found


def _streaming(asked: dict[str, Any]) -> bool | None:
    stated = first(mapping(asked.get("endpoint")).get("streaming"), asked.get("streaming"))
    return stated if isinstance(stated, bool) else None


def _load(asked: dict[str, Any]) -> Row:
    """Concurrency and request rate of the measured phase, wherever this version puts them."""
    phases = [mapping(item) for item in items(asked.get("phases")) if mapping(item).get("name") != "warmup"]
    places = [
        mapping(asked.get("loadgen")),
        *phases[:1],
        mapping(mapping(asked.get("perf_analyzer")).get("stimulus")),
        asked,
    ]
    found: Row = {}
    for target in ("concurrency", "request_rate"):
        stated = one(first(*(place.get(target) for place in places)))
        if isinstance(stated, int | float) and not isinstance(stated, bool):
            found[target] = int(stated) if target == "concurrency" else float(stated)
    return found


def _workload(asked: dict[str, Any]) -> str | None:
    """`in<prompt>-out<output>` for synthetic prompts, else the data set's file or name."""
    given = mapping(asked.get("input"))
    synthetic = mapping(first(given.get("prompt"), given.get("synthetic_tokens"), given.get("conversation")))
    prompt = first(
        mapping(synthetic.get("input_tokens")).get("mean"),
        given.get("synthetic_input_tokens_mean"),
        asked.get("synthetic_input_tokens_mean"),
    )
    output = first(
        mapping(synthetic.get("output_tokens")).get("mean"),
        mapping(asked.get("output_tokens")).get("mean"),
        mapping(given.get("output_tokens")).get("mean"),
        asked.get("output_tokens_mean"),
    )
    datasets = [mapping(item) for item in items(asked.get("datasets"))]
    path = first(
        given.get("file"),
        asked.get("input_file"),
        *(item.get("path") for item in datasets),
        given.get("public_dataset"),
        asked.get("input_dataset"),
    )
    if path is not None and not isinstance(path, dict | list):
        return redact.name(str(path).rstrip("/").rsplit("/", 1)[-1])
    for item in datasets:
        prompts = mapping(item.get("prompts"))
        prompt = first(prompt, mapping(prompts.get("isl")).get("mean"), prompts.get("isl"))
        output = first(output, mapping(prompts.get("osl")).get("mean"), prompts.get("osl"))
    if isinstance(prompt, int | float) and isinstance(output, int | float):
        return f"in{prompt:g}-out{output:g}"
    return None


def _gpus(telemetry: dict[str, Any]) -> list[Any]:
    found = []
    for endpoint in mapping(telemetry.get("endpoints")).values():
        found += list(mapping(mapping(endpoint).get("gpus")).values())
    return found


def _telemetry(reading: Reading, row: Row, telemetry: dict[str, Any]) -> None:
    """GPU counters of the run: averages and extremes over its time, not samples."""
    for endpoint, found in mapping(telemetry.get("endpoints")).items():
        for slot, gpu in mapping(mapping(found).get("gpus")).items():
            for name, stats in mapping(mapping(gpu).get("metrics")).items():
                if _is_metric(stats):
                    where = pointer("telemetry_data", "endpoints", endpoint, "gpus", slot, "metrics", name)
                    counter(reading, row, gpu, name, str(stats["unit"]), stats, where)


def counter(
    reading: Reading, row: Row, gpu: dict[str, Any], name: str, unit: str, stats: dict[str, Any], where: str
) -> None:
    """Mean, minimum and maximum of one GPU counter."""
    hardware = plain(gpu.get("gpu_name"))
    shared = ("suite", "model", "config", "measured_at", "time_naive", "concurrency", "run_id")
    identity: Row = {key: row[key] for key in shared if key in row}
    identity |= {
        "hardware": hardware,
        "device": f"gpu{gpu.get('gpu_index', '')}",
        "task": redact.name(name),
        "status": "ok",
    }
    for source in ("avg", "min", "max"):
        value = checked(reading, stats.get(source), None, locator=where, field=name, negative=True)
        extra(
            reading,
            identity,
            "system",
            STATISTICS[source],
            value,
            locator=where,
            unit=redact.printable(unit)[:40],
        )


READER = Reader("aiperf", 1, matches, read, signs=Signs(keys=("input_config",)))
