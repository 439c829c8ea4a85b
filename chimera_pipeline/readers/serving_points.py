"""One point of a load test as vLLM's and SGLang's benchmarks write it; latency statistics of any load test.

In: a result object. Out: a row of `serving_runs`; statistics without a column, and the raw lists of a
detailed result, become measurements beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import Reason
from chimera_pipeline.readers.fields import config, count, extra, number
from chimera_pipeline.readers.names import hardware_name, model_name, plain, quantization
from chimera_pipeline.readers.tool_records import Record, at, fail
from chimera_pipeline.records import Reading, Row

Statistics = dict[tuple[str, str], float]
"""(ttft|tpot|itl|e2e, statistic) -> seconds."""

_COLUMNS = {
    "mean": "mean",
    "std": "std",
    "median": "p50",
    "p50": "p50",
    "p90": "p90",
    "p95": "p95",
    "p99": "p99",
}
_STATISTIC = re.compile(r"(mean|median|std|min|max|p\d{1,2}(?:\.\d{1,3})?)_(ttft|tpot|itl|e2el|e2e_latency)_ms\Z")
_NAMED = re.compile(r"(mean|median|std|min|max|p\d{1,2}(\.\d{1,3})?)\Z")
_E2E = {"e2el": "e2e", "e2e_latency": "e2e"}
_MOST_SAMPLES = 20_000
_RATES = {
    "request_throughput": "requests_per_s",
    "output_throughput": "output_tokens_per_s",
    "total_token_throughput": "total_tokens_per_s",
    "total_throughput": "total_tokens_per_s",
}
_BESIDE = {
    "input_throughput": ("input_tokens_per_s", "mean"),
    "request_goodput": ("goodput_per_s", "mean"),
    "max_output_tokens_per_s": ("output_tokens_per_s", "max"),
    "user_throughput": ("user_output_tokens_per_s", "mean"),
    "spec_decode_acceptance_length": ("acceptance_length", "mean"),
    "accept_length": ("acceptance_length", "mean"),
    "concurrency": ("running_requests", "mean"),
    "max_concurrent_requests": ("running_requests", "max"),
    "total_input_tokens": ("serving_prompt_tokens", "sum"),
    "total_output_tokens": ("serving_output_tokens", "sum"),
}
_SERVER = (
    "tp_size",
    "dp_size",
    "ep_size",
    "pp_size",
    "dtype",
    "kv_cache_dtype",
    "attention_backend",
    "mem_fraction_static",
    "chunked_prefill_size",
    "max_running_requests",
    "schedule_policy",
    "speculative_algorithm",
    "context_length",
    "disable_radix_cache",
)


def is_sglang_point(record: Record) -> bool:
    """A result of SGLang's bench_serving (retokenized totals, e2e_latency statistics)."""
    return (
        "completed" in record
        and "duration" in record
        and ("total_output_tokens_retokenized" in record or "mean_e2e_latency_ms" in record)
    )


def is_vllm_point(record: Record) -> bool:
    """A result of vLLM's bench serve, or of a script made from it."""
    return (
        "completed" in record
        and "duration" in record
        and ("request_throughput" in record or "mean_ttft_ms" in record)
        and not is_sglang_point(record)
    )


def serving_row(reading: Reading, locator: str, record: Record, lines: dict[str, int] | None = None) -> Row:
    """The row of one point; failed where no request completed. `lines` says where a text has which key."""

    def where(*keys: str | int) -> str:
        line = (lines or {}).get(str(keys[0]))
        return f"line {line}" if line else at(locator, *keys)

    row = _identity(where("duration"), record)
    completed = count(record["completed"], locator=locator, field="completed")
    row["requests_ok"] = completed
    failed = _failed(record, completed, locator)
    if failed is not None:
        row["requests_failed"] = failed
    if not completed:
        return fail(row, _error_kind(record) or "no_output")
    row["duration_s"] = number(record["duration"], "s", locator=locator, field="duration")
    for source, target in _RATES.items():
        if source in record and row.get(target) is None:
            row[target] = number(record[source], locator=locator, field=source)
    stated: Statistics = {}
    places: dict[tuple[str, str], str] = {}
    for metric, statistic, key in _statistics(record):
        seconds = number(record[key], "ms", locator=where(key), field=key)
        if seconds is not None:
            stated[metric, statistic] = seconds
            places[metric, statistic] = where(key)
    put_statistics(reading, row, stated, n=completed, places=places)
    for source, (target, statistic) in _BESIDE.items():
        beside = number(record.get(source), locator=locator, field=source)
        if beside:
            extra(reading, row, target, statistic, beside, n=completed, locator=where(source))
    for metric, sample, keys in _samples(record):
        extra(reading, row, metric, "sample", sample, n=1, locator=where(*keys))
    return row


def put_statistics(
    reading: Reading,
    row: Row,
    stated: Statistics,
    *,
    n: int | None = None,
    places: dict[tuple[str, str], str] | None = None,
) -> None:
    """Latency statistics into the columns of `row`, the others into measurements at their `places`.

    A metric of which every statistic is 0 was not measured (no streaming, no tokens) and is left out. Values
    below 0 are refused one by one.
    """
    for metric in ("ttft", "tpot", "itl", "e2e"):
        group = {stat: value for (name, stat), value in stated.items() if name == metric and _NAMED.match(stat)}
        if not any(group.values()):
            continue
        if n == 1:
            group.pop("std", None)  # of one request: not a spread
        for statistic, value in group.items():
            if value < 0:
                sentence = f"{statistic} {metric} is {value!r} s, expected 0 or more"
                reading.reject(Reason.OUT_OF_RANGE, sentence, locator=row["locator"], value=repr(value))
            elif statistic in _COLUMNS:
                row[f"{metric}_s_{_COLUMNS[statistic]}"] = value + 0.0
            else:
                samples = n if metric in ("ttft", "e2e") else None
                where = (places or {}).get((metric, statistic), row["locator"])
                extra(reading, row, f"serving_{metric}_s", statistic, value + 0.0, n=samples, locator=where)


def _statistics(record: Record) -> Iterator[tuple[str, str, str]]:
    """(metric, statistic, key) of keys like mean_ttft_ms and p99.9_e2el_ms."""
    for key in record:
        match = _STATISTIC.match(key)
        if match:
            yield _E2E.get(match.group(2), match.group(2)), match.group(1), key


def _identity(locator: str, record: Record) -> Row:
    stated_server = record.get("server_info")
    server: Record = stated_server if isinstance(stated_server, dict) else {}
    row: Row = {"locator": locator, "suite": "serving", "status": "ok"}
    backend = redact.name(record.get("backend"))
    if backend and not backend.startswith("openai"):
        engine = backend.removesuffix("-chat").removesuffix("-oai").removesuffix("-native")
        version = plain(server.get("version")) if engine == "sglang" else None
        row["engine"] = f"{engine}-{version}" if version else engine
    served = server.get("served_model_name") or server.get("model_path")
    if name := model_name(record.get("model_id") or record.get("model") or served):
        row["model"] = name
    quant = server.get("quantization") or record.get("quantization") or quantization(row.get("model"))
    if isinstance(quant, str) and quant:
        row["quantization"] = redact.name(quant)
    if hardware := record.get("gpu_name") or record.get("gpu_type") or record.get("hardware"):
        row["hardware"] = hardware_name(hardware)
    if workload := _workload(record):
        row["workload"] = workload
    if isinstance(record.get("run_number"), int):
        row["run_id"] = f"run{record['run_number']}"
    elif run := plain(record.get("label") or record.get("tag")):
        row["run_id"] = run
    _load(row, {key: server[key] for key in _SERVER if key in server} | record, locator)
    return row


def _load(row: Row, record: Record, locator: str) -> None:
    """Offered rate and concurrency; an unlimited rate (inf, Infinity) is null, and "inf" in the config."""
    options = {key: value for key, value in record.items() if key not in ("concurrency", "tag")}
    if "request_rate" in record:
        rate = record["request_rate"]
        if rate is None or (isinstance(rate, str) and rate.strip().lower() in ("inf", "infinity")):
            options["request_rate"] = "inf"
        elif not isinstance(rate, str) or rate.replace(".", "", 1).isdigit():
            row["request_rate"] = number(rate, locator=locator, field="request_rate")
    if record.get("max_concurrency") is not None:
        row["concurrency"] = number(record["max_concurrency"], locator=locator, field="max_concurrency")
    row["config"] = config(options)


def _workload(record: Record) -> str | None:
    """Data set, and the asked lengths where the data set is a random one."""
    dataset = plain(record.get("dataset_name") or record.get("dataset"))
    if dataset and not dataset.startswith("random"):
        return dataset
    parts = [dataset] if dataset else []
    for keys, label in (
        (("random_input_len", "input_len", "isl"), "in"),
        (("random_output_len", "output_len", "osl"), "out"),
    ):
        stated = next((record[key] for key in keys if record.get(key) is not None), None)
        if isinstance(stated, int | float) and not isinstance(stated, bool):
            parts.append(f"{label}{stated:g}")
    return "_".join(parts) or None


def _errors(record: Record) -> list[Any]:
    errors = record.get("errors")
    return [error for error in errors if error] if isinstance(errors, list) else []


def _error_kind(record: Record) -> str | None:
    errors = _errors(record)
    return redact.error_kind(errors[0]) if errors else None


def _failed(record: Record, completed: int | None, locator: str) -> int | None:
    """Failed requests: as stated, else the errors of a detailed result, else prompts not completed."""
    if "failed" in record:
        return count(record["failed"], locator=locator, field="failed")
    if isinstance(record.get("errors"), list):
        return len(_errors(record))
    prompts = count(record.get("num_prompts"), locator=locator, field="num_prompts")
    if prompts is None or completed is None or prompts < completed:
        return None
    return prompts - completed


def _samples(record: Record) -> Iterator[tuple[str, float, tuple[str | int, ...]]]:
    """Raw values (seconds) of the requests that succeeded in a detailed result; zeros were not measured."""
    lengths, errors, itls = record.get("output_lens"), record.get("errors"), record.get("itls")
    if not isinstance(lengths, list):
        return
    failed = errors if isinstance(errors, list) and len(errors) == len(lengths) else [None] * len(lengths)
    good = [bool(length) and not error for length, error in zip(lengths, failed, strict=True)]
    for key, metric in (
        ("ttfts", "serving_ttft_s"),
        ("latencies", "serving_e2e_s"),
        ("e2els", "serving_e2e_s"),
    ):
        values = record.get(key)
        if isinstance(values, list) and len(values) == len(good):
            for i, (ok, value) in enumerate(zip(good, values, strict=True)):
                if ok and _positive(value):
                    yield metric, float(value), (key, i)
    if not isinstance(itls, list) or len(itls) != len(good):
        return
    gaps = [
        (gap, i, j)
        for i, (ok, one) in enumerate(zip(good, itls, strict=True))
        if ok and isinstance(one, list)
        for j, gap in enumerate(one)
        if _positive(gap)
    ]
    if len(gaps) <= _MOST_SAMPLES:
        yield from (("serving_itl_s", float(gap), ("itls", i, j)) for gap, i, j in gaps)


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
