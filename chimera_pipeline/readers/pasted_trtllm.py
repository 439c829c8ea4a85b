"""Console output of TensorRT-LLM's bench: sections between lines of equal signs ("= PERFORMANCE OVERVIEW").

In: lines of text. Out: a row of `serving_runs` an overview. Labels moved between the sections over the
versions, so that every labelled line since the overview before is read; log lines carry local time.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.fields import config, count, half_unit
from chimera_pipeline.readers.names import hardware_name, model_name, plain
from chimera_pipeline.readers.tool_records import refuse, stamp
from chimera_pipeline.readers.trtllm_points import point, workload
from chimera_pipeline.records import Reading, Row

_OVERVIEW = "= PERFORMANCE OVERVIEW"
_MEASURED = re.compile(r"^[ \t>]{0,40}(?:\w+ ){0,6}Throughput \((?:req|tokens)/sec\):\s*\d", re.MULTILINE)
_LINE = re.compile(r"^[ \t>]{0,40}([A-Z][^:=]*?):[ \t]+(\S.*?)[ \t]*$")
_SPREAD = re.compile(r"^[ \t>]{0,40}\[(TTFT|TPOT|Latency)\] (\w+)\s*: ([\d.]+)\s*$", re.IGNORECASE)
_SECTION = re.compile(r"^[ \t>]{0,40}= ([A-Z+ ]+?)[ \t]*$")
_LOG_TIME = re.compile(r"^\[(\d\d)/(\d\d)/(\d{4})-(\d\d:\d\d:\d\d)\]")
_RATES = {
    "request throughput (req/sec)": "requests_per_s",
    "total output throughput (tokens/sec)": "output_tokens_per_s",
    "token throughput (tokens/sec)": "output_tokens_per_s",
    "total token throughput (tokens/sec)": "total_tokens_per_s",
    "total latency (ms)": "duration_ms",
    "per user output throughput [w/ ctx] (tps/user)": "user_output_tokens_per_s",
    "per user output throughput (tokens/sec/user)": "user_output_tokens_per_s",
    "number of concurrent requests": "running_requests",
    "average request latency (ms)": ("e2e", "mean"),
    "average time-to-first-token [ttft] (ms)": ("ttft", "mean"),
    "average time-per-output-token [tpot] (ms)": ("tpot", "mean"),
}
_OPTIONS = {
    "tp size": "tp_size",
    "pp size": "pp_size",
    "ep size": "ep_size",
    "max runtime batch size": "max_batch_size",
    "max runtime tokens": "max_num_tokens",
    "scheduling policy": "scheduling_policy",
    "dtype": "dtype",
    "kv cache dtype": "kv_cache_dtype",
}
LONGEST_LINE = 400
_METRICS = {"ttft": "ttft", "tpot": "tpot", "latency": "e2e"}


def holds(text: str) -> bool:
    """An overview with at least one throughput."""
    return _OVERVIEW in text and bool(_MEASURED.search(text))


def read(lines: list[str], reading: Reading, counts: bool) -> str | None:
    """A row an overview."""
    overviews = [i for i, line in enumerate(lines) if line.strip(" >").startswith(_OVERVIEW)]
    texts: dict[str, list[str]] = {}
    start = 0
    for position, at in enumerate(overviews):
        last = overviews[position + 1] if position + 1 < len(overviews) else len(lines)
        end = _end(lines, at, last)
        try:
            row = _row(reading, lines, start, at, end, texts)
        except ArtifactError as refused:
            refuse(reading, refused, f"line {at + 1}")
        else:
            if row is not None:
                reading.add("serving_runs", row, counts=counts)
        start = end
    halves = {
        "duration_s": half_unit(texts.get("duration_ms", []), "ms"),
        **{name: half_unit(texts.get(name, [])) for name in ("requests_per_s", "output_tokens_per_s")},
        "total_tokens_per_s": half_unit(texts.get("total_tokens_per_s", [])),
    }
    stored = reading.precision.setdefault("serving_runs", {})
    stored.update({column: half for column, half in halves.items() if half is not None})
    return None


def _end(lines: list[str], overview: int, last: int) -> int:
    """The line after the section: the next section's title, a log line, or the end of the text."""
    for i in range(overview + 2, last):
        if _SECTION.match(lines[i][:LONGEST_LINE]) or _LOG_TIME.match(lines[i]) or lines[i].lstrip().startswith("```"):
            return i
    return last


def _row(reading: Reading, lines: list[str], start: int, at: int, end: int, texts: dict[str, list[str]]) -> Row | None:
    labels: dict[str, str] = {}
    lines_of: dict[str, int] = {}
    stated: dict[Any, Any] = {}
    places: dict[Any, str] = {}
    device = logged = None
    for i in range(start, end):
        line = lines[i][:LONGEST_LINE]
        if time := _LOG_TIME.match(line):
            month, day, year, clock = time.groups()
            logged = f"{year}-{month}-{day}T{clock}"
            continue
        if "= MACHINE DETAILS" in line and i + 2 < end:
            device = lines[i + 2].partition(", memory")[0].strip() if ", memory" in lines[i + 2] else None
        elif spread := _SPREAD.match(line):
            key = (_METRICS[spread.group(1).lower()], spread.group(2))
            stated[key], places[key] = spread.group(3), f"line {i + 1}"
        elif match := _LINE.match(line):
            labels[match.group(1).strip().lower()] = match.group(2)
            lines_of[match.group(1).strip().lower()] = i + 1
    for label, name in _RATES.items():
        value = labels.get(label)
        if value is not None and re.match(r"\d", value):
            stated.setdefault(name, value)
            places.setdefault(name, f"line {lines_of[label]}")
            if isinstance(name, str):
                texts.setdefault(name, []).append(value)
    rated = [places[name] for name in ("requests_per_s", "output_tokens_per_s") if name in stated]
    if not rated:
        return None
    version = plain(labels.get("tensorrt llm version") or labels.get("tensorrt-llm version"))
    row: Row = {
        "locator": min(rated, key=lambda place: int(place.removeprefix("line "))),
        "suite": "trtllm-bench",
        "status": "ok",
        "engine": f"tensorrt-llm-{version}" if version else "tensorrt-llm",
        "config": config({key: _bare(labels.get(label)) for label, key in _OPTIONS.items()}),
        "workload": workload(labels.get("average input length (tokens)"), labels.get("average output length (tokens)")),
    }
    if model := model_name(labels.get("model")):
        row["model"] = model
    if quant := _bare(labels.get("quantization")):
        row["quantization"] = plain(quant)
    if device:
        row["hardware"] = hardware_name(device)
    stamp(reading, row, logged)
    if "number of requests" in labels:
        row["requests_ok"] = count(labels["number of requests"], locator=row["locator"], field="number of requests")
    return point(reading, row, stated, places)


def _bare(text: str | None) -> str | None:
    return None if text in (None, "None", "N/A") else text
