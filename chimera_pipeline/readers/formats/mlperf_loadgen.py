"""MLPerf loadgen: mlperf_log_summary.txt ("key : value" lines) and mlperf_log_detail.txt (":::MLLOG {...}").

Latencies are nanoseconds. An INVALID result is a measurement that missed a rule of the suite; it is kept
apart by `result` in the config. First-token and output-token latencies that are all 0 were not measured.
`test_datetime` of the detail log is local time although it ends in Z; power_begin is UTC and is preferred.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, half_unit, number
from chimera_pipeline.readers.names import plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.serving_points import Statistics, put_statistics
from chimera_pipeline.readers.tool_records import Record, fail, refuse, stamp, whole_lines
from chimera_pipeline.records import Reading, Row

_TITLE = "MLPerf Results Summary"
_PREFIX = ":::MLLOG "
_LINE = re.compile(r"^\s*([^:]+?)\s*:\s*(\S.*?)?\s*$")
_RATES = {
    "samples per second": "requests_per_s",
    "completed samples per second": "requests_per_s",
    "scheduled samples per second": "requests_per_s",
    "qps w/ loadgen overhead": "requests_per_s",
    "tokens per second": "output_tokens_per_s",
    "completed tokens per second": "output_tokens_per_s",
    "tps w/ loadgen overhead": "output_tokens_per_s",
    "result_samples_per_second": "requests_per_s",
    "result_completed_samples_per_sec": "requests_per_s",
    "result_scheduled_samples_per_sec": "requests_per_s",
    "result_qps_with_loadgen_overhead": "requests_per_s",
    "result_tokens_per_second": "output_tokens_per_s",
    "result_completed_tokens_per_second": "output_tokens_per_s",
    "result_token_throughput_with_loadgen_overhead": "output_tokens_per_s",
}
_SINGLE_TOKENS = "result_token_throughput_with_loadgen_overhead"
_LATENCY = re.compile(
    r"(?:(min|max|mean)|(\d{1,3}(?:\.\d{1,3})?)(?:th)? percentile) (first token |time (?:to|per) output token)?"
    r"\s*(?:latency)? ?\(ns\)\Z"
)
_DETAIL = re.compile(
    r"result_(first_token_|time_per_output_token_|time_to_output_token_)?"
    r"(?:(min|max|mean)|(\d{1,3}(?:\.\d{1,3})?)_percentile)(?:_latency|_query_latency|_per_query_latency)?(?:_ns)?\Z"
)
_OPTIONS = (
    "target_qps",
    "samples_per_query",
    "min_query_count",
    "max_query_count",
    "performance_sample_count",
    "max_async_queries",
    "min_duration_ms",
    "max_duration_ms",
)


def _is_detail(text: str) -> bool:
    head = text[:20_000]
    return _PREFIX in head[:200] and '"loadgen_version"' in head


def matches(document: Document) -> bool:
    """The title of a summary near the start, or a loadgen detail log."""
    text = document.text
    return _TITLE in text[:400] or _is_detail(text)


def read(document: Document) -> Reading:
    """One row of `serving_runs` a run; a run in accuracy mode has no performance and gives none."""
    is_detail = _is_detail(document.text)
    reading = Reading(kind="mlperf_detail" if is_detail else "mlperf_summary", tool="mlperf-loadgen")
    stated, lines = (_detail if is_detail else _summary)(reading, document.text)
    try:
        row = _row(reading, stated, lines, is_detail)
    except ArtifactError as refused:
        refuse(reading, refused, refused.locator or "line 1")
        return reading
    if row is not None:
        reading.add("serving_runs", row)
    for key, target in _RATES.items():
        half = half_unit([stated[key]]) if isinstance(stated.get(key), str) else None
        if half is not None:
            reading.precision.setdefault("serving_runs", {}).setdefault(target, half)
    return reading


def _summary(reading: Reading, text: str) -> tuple[Record, dict[str, str]]:
    """Lower-cased key -> value as written, the first of each key; and key -> line."""
    stated: Record = {}
    lines: dict[str, str] = {}
    for position, line in enumerate(whole_lines(reading, text), start=1):
        match = _LINE.match(line) if len(line) <= 400 else None
        if match and match.group(2):
            key = re.sub(r"\s+", " ", match.group(1)).lower()
            if key not in stated:
                stated[key], lines[key] = match.group(2), f"line {position}"
    return stated, lines


def _detail(reading: Reading, text: str) -> tuple[Record, dict[str, str]]:
    """Key -> value, the last of each key; and key -> line."""
    stated: Record = {}
    lines: dict[str, str] = {}
    for position, line in enumerate(text.split("\n"), start=1):
        if not line.startswith(_PREFIX):
            continue
        try:
            entry: Any = json.loads(line[len(_PREFIX) :])
        except ValueError:
            said = f"line {position}: begins an entry that is broken or cut off"
            reading.reject(Reason.TRUNCATED, said, locator=f"line {position}")
            continue
        if isinstance(entry, dict) and isinstance(entry.get("key"), str):
            stated[entry["key"]], lines[entry["key"]] = entry.get("value"), f"line {position}"
    return stated, lines


def _row(reading: Reading, stated: Record, lines: dict[str, str], is_detail: bool) -> Row | None:
    prefix = "effective_" if is_detail else ""
    named = [*(key for key in _RATES if key in stated), *(key for key in stated if _names(key))]
    locator = lines[named[0]] if named else "line 1"
    scenario = plain(stated.get("effective_scenario") or stated.get("scenario"))
    mode = plain(stated.get("effective_test_mode") or stated.get("mode"))
    result = plain(stated.get("result_validity") or stated.get("result is"))
    latencies, places = _latencies(stated, lines)
    rates = _rates(stated, locator)
    if not result and not rates and not latencies:
        return None
    options = {key: stated.get(prefix + key, stated.get(key.replace("_ms", " (ms)"))) for key in _OPTIONS}
    row: Row = {
        "locator": locator,
        "suite": f"mlperf-{(scenario or 'unknown').lower()}",
        "status": "ok",
        "workload": scenario,
        "config": config({**options, "scenario": scenario, "test_mode": mode, "result": result}),
    }
    sut = plain(stated.get("sut_name") or stated.get("sut name"))
    if sut and sut.lower() not in ("pysut", "sut"):
        row["engine"] = sut
    target = number(stated.get(prefix + "target_qps"), locator=locator, field="target_qps")
    if scenario == "Server" and target:
        row["request_rate"] = target
    _time(reading, row, stated)
    if mode == "AccuracyOnly":
        return None
    if not rates and not latencies:
        return None
    if not any(rates.values()) and not any(latencies.values()):
        return fail(row, "no_output")
    row |= rates
    queries = count(stated.get("result_query_count"), locator=locator, field="result_query_count")
    per_query = count(options["samples_per_query"], locator=locator, field="samples_per_query")
    if queries and per_query:
        row["requests_ok"] = queries * per_query
    put_statistics(reading, row, latencies, n=row.get("requests_ok"), places=places)
    return row


def _rates(stated: Record, locator: str) -> dict[str, float]:
    """Completed before scheduled; of a single stream the rates that the summary prints too."""
    found: dict[str, float] = {}
    single = "SingleStream" in (stated.get("effective_scenario"), stated.get("scenario"))
    first = [_SINGLE_TOKENS] if single else []
    for key in [*first, *_RATES]:
        target = _RATES[key]
        value = number(stated.get(key), locator=locator, field=key)
        if value is not None:
            found.setdefault(target, value)
    return found


def _names(key: str) -> tuple[str, str] | None:
    """(ttft|tpot|e2e, statistic) that a key of either log names."""
    summary, detail = _LATENCY.match(key), _DETAIL.match(key)
    if summary:
        word, percentile, group = summary.groups()
    elif detail:
        group, word, percentile = detail.groups()
    else:
        return None
    metric = "e2e" if not group else "ttft" if group.startswith("first") else "tpot"
    return metric, word or f"p{float(percentile):g}"


def _latencies(stated: Record, lines: dict[str, str]) -> tuple[Statistics, dict[tuple[str, str], str]]:
    found: Statistics = {}
    places: dict[tuple[str, str], str] = {}
    for key, value in stated.items():
        name = _names(key)
        if name is None or name in found:
            continue
        seconds = number(value, "ns", locator=lines[key], field=key)
        if seconds is not None:
            found[name], places[name] = seconds, lines[key]
    return found, places


def _time(reading: Reading, row: Row, stated: Record) -> None:
    """power_begin (UTC) where it is there, else the local test_datetime without its false Z."""
    power = stated.get("power_begin")
    if isinstance(power, str):
        try:
            at = dt.datetime.strptime(power, "%m-%d-%Y %H:%M:%S.%f").replace(tzinfo=dt.UTC)
            stamp(reading, row, at.isoformat())
            return
        except ValueError:
            pass
    tested = stated.get("test_datetime")
    if isinstance(tested, str):
        stamp(reading, row, tested.removesuffix("Z"))


READER = Reader("mlperf-loadgen", 1, matches, read, signs=Signs(words=(_TITLE, _PREFIX)))
