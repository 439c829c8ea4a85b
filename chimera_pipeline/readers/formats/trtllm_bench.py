"""TensorRT-LLM bench: the report of --report_json, and the csv that scripts make of its console output
(ISL, OSL, Token_Throughput). Console output itself is read by `pasted_output`.

Times are milliseconds, total_latency the wall time of the whole run. Percentiles are of requests.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, half_unit, number
from chimera_pipeline.readers.names import hardware_name, model_name, plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.tool_records import Record, refuse
from chimera_pipeline.readers.trtllm_points import point, workload
from chimera_pipeline.records import Reading, Row, SummaryRow

_SECTIONS = {"request_info", "performance"}
_CSV = {"ISL", "OSL", "Token_Throughput", "Request_Throughput"}
_STREAMING = {"ttft": ("avg_ttft_ms", "ttft_percentiles"), "tpot": ("avg_tpot_ms", "tpot_percentiles")}


def _section(value: Record, key: str) -> Record:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def matches(document: Document) -> bool:
    """A report with request_info and performance, or the csv of token throughputs by length."""
    value = document.try_json()
    if isinstance(value, dict):
        return value.keys() >= _SECTIONS and any(
            key in _section(value, "performance")
            for key in ("total_latency_ms", "request_throughput_req_s", "system_output_throughput_tok_s")
        )
    if "Token_Throughput" not in document.text[:2000]:
        return False
    table = document.try_csv()
    return table is not None and set(table.header) >= _CSV


def read(document: Document) -> Reading:
    """One row of `serving_runs` a report; of the csv a summary a line."""
    value = document.try_json()
    if not isinstance(value, dict):
        return _read_csv(document)
    reading = Reading(kind="trtllm_report", tool="trtllm-bench")
    reading.add("serving_runs", _row(reading, value))
    return reading


def _row(reading: Reading, value: Record) -> Row:
    locator = "/performance"
    engine, world = _section(value, "engine"), _section(value, "world_info")
    requests, performance = _section(value, "request_info"), _section(value, "performance")
    version = plain(engine.get("version"))
    options = {**world, "dtype": engine.get("dtype"), "kv_cache_dtype": engine.get("kv_cache_dtype")}
    row: Row = {
        "locator": locator,
        "suite": "trtllm-bench",
        "status": "ok",
        "engine": f"tensorrt-llm-{version}" if version else "tensorrt-llm",
        "config": config({**options, "backend": engine.get("backend")}),
        "workload": workload(requests.get("avg_input_length"), requests.get("avg_output_length")),
    }
    if name := model_name(engine.get("model") or engine.get("model_path")):
        row["model"] = name
    if quant := redact.name(engine.get("quantization")):
        row["quantization"] = quant
    if device := _section(value, "machine").get("name"):
        row["hardware"] = hardware_name(device)
    row["requests_ok"] = count(requests.get("num_requests"), locator="/request_info", field="num_requests")
    stated: dict[Any, Any] = {
        "duration_ms": performance.get("total_latency_ms"),
        "requests_per_s": performance.get("request_throughput_req_s"),
        "output_tokens_per_s": performance.get("system_output_throughput_tok_s"),
        "total_tokens_per_s": performance.get("system_total_throughput_tok_s"),
        "user_output_tokens_per_s": performance.get("output_throughput_per_user_tok_s"),
        "running_requests": requests.get("avg_num_concurrent_requests"),
        ("e2e", "mean"): performance.get("avg_request_latency_ms"),
    }
    spread = {"e2e": _section(performance, "request_latency_percentiles_ms")}
    streaming = _section(value, "streaming_metrics")
    places: dict[Any, str] = {"running_requests": "/request_info"}
    for metric, (mean, percentiles) in _STREAMING.items():
        stated[metric, "mean"] = streaming.get(mean)
        spread[metric] = _section(streaming, percentiles)
    for metric, found in spread.items():
        stated |= {(metric, str(name)): item for name, item in found.items()}
        section = "/performance" if metric == "e2e" else "/streaming_metrics"
        places |= {(metric, str(name)): section for name in found}
    return point(reading, row, {key: item for key, item in stated.items() if item is not None}, places)


def _read_csv(document: Document) -> Reading:
    reading = Reading(kind="trtllm_summary", tool="trtllm-bench")
    table = document.csv
    columns = {"Token_Throughput": "output_tokens_per_s", "Request_Throughput": "requests_per_s"}
    halves = {name: half_unit(row[table.header.index(name)] for row in table.rows) or 0.0 for name in columns}
    for locator, cells in table.records():
        try:
            where: dict[str, Any] = {"workload": workload(cells["ISL"], cells["OSL"])}
            if cells.get("Requests"):
                where["requests_ok"] = count(cells["Requests"], locator=locator, field="Requests")
            stats = {}
            for name, target in columns.items():
                value = number(cells[name], locator=locator, field=name)
                if value is not None:
                    stats[f"{target}:mean"] = (value, halves[name])
        except ArtifactError as refused:
            refuse(reading, refused, locator)
            continue
        reading.summaries.append(SummaryRow("serving_runs", where, stats, locator))
        reading.records_ok += 1
    return reading


READER = Reader("trtllm-bench", 1, matches, read, signs=Signs(keys=("request_info",), columns=("Token_Throughput",)))
