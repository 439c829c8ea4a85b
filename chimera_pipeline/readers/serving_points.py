"""One point of a load test as vLLM's and SGLang's serving benchmarks write it (the second came from the first).

In: a result object. Out: a row of `serving_runs` with its statistics; raw lists of a detailed result become samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.fields import config, count, extra, number
from chimera_pipeline.readers.load_tests import (
    Record,
    fail,
    hardware_name,
    model_name,
    plain,
    put_statistics,
    quantization,
    statistics_of,
)
from chimera_pipeline.records import Reading, Row

_MOST_SAMPLES = 20_000
_RATES = {
    "request_throughput": "requests_per_s",
    "output_throughput": "output_tokens_per_s",
    "total_token_throughput": "total_tokens_per_s",
    "total_throughput": "total_tokens_per_s",
}
_BESIDE = {
    "input_throughput": ("input_tokens_per_s", "mean"),
    "request_goodput": ("goodput_requests_per_s", "mean"),
    "max_output_tokens_per_s": ("output_tokens_per_s", "max"),
    "user_throughput": ("user_output_tokens_per_s", "mean"),
    "spec_decode_acceptance_length": ("acceptance_length", "mean"),
    "accept_length": ("acceptance_length", "mean"),
    "concurrency": ("mean_concurrency", "mean"),
    "max_concurrent_requests": ("mean_concurrency", "max"),
    "total_input_tokens": ("serving_prompt_tokens", "sum"),
    "total_output_tokens": ("serving_output_tokens", "sum"),
}
_SERVER = [
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
]


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


def serving_row(reading: Reading, locator: str, record: Record) -> Row:
    """The row of one point; failed where no request completed."""
    row = _identity(locator, record)
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
    stated = {}
    for metric, statistic, value in statistics_of(record):
        seconds = number(value, "ms", locator=locator, field=f"{statistic}_{metric}_ms")
        if seconds is not None:
            stated[metric, statistic] = seconds
    put_statistics(reading, row, stated, n=completed)
    for source, (target, statistic) in _BESIDE.items():
        value = number(record.get(source), locator=locator, field=source)
        if value:
            extra(reading, row, target, statistic, value, n=completed)
    for metric, value in _samples(record):
        extra(reading, row, metric, "sample", value, n=1)
    return row


def _identity(locator: str, record: Record) -> Row:
    raw_server = record.get("server_info")
    server: Record = raw_server if isinstance(raw_server, dict) else {}
    stated = {key: server[key] for key in _SERVER if key in server} | record
    row: Row = {"locator": locator, "suite": "serving", "status": "ok"}
    backend = redact.name(record.get("backend"))
    if backend and not backend.startswith("openai"):
        engine = backend.removesuffix("-chat").removesuffix("-oai").removesuffix("-native")
        version = plain(server.get("version")) if engine == "sglang" else None
        row["engine"] = f"{engine}-{version}" if version else engine
    model = (
        record.get("model_id")
        or record.get("model")
        or server.get("served_model_name")
        or server.get("model_path")
    )
    if name := model_name(model):
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
    _load(row, record, stated, locator)
    return row


def _load(row: Row, record: Record, stated: Record, locator: str) -> None:
    """Offered rate and concurrency; an unlimited rate ("inf", bare Infinity) is null and named in the config."""
    options = dict(stated)
    for key in ("concurrency", "tag", "backend"):
        options.pop(key, None)
    if backend := redact.name(record.get("backend")):
        options["backend"] = backend
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
    dataset = plain(record.get("dataset_name") or record.get("dataset"))
    lengths = [
        f"{label}{value:g}"
        for keys, label in (
            (("random_input_len", "input_len", "isl"), "in"),
            (("random_output_len", "output_len", "osl"), "out"),
        )
        for value in [next((record[key] for key in keys if record.get(key) is not None), None)]
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if dataset and not dataset.startswith("random"):
        lengths = []
    return "_".join(([dataset] if dataset else []) + lengths) or None


def _errors(record: Record) -> list[Any]:
    errors = record.get("errors")
    return [error for error in errors if error] if isinstance(errors, list) else []


def _error_kind(record: Record) -> str | None:
    errors = _errors(record)
    return redact.error_kind(errors[0]) if errors else None


def _failed(record: Record, completed: int | None, locator: str) -> int | None:
    """Failed requests: as stated, else the errors of a detailed result, else prompts that did not complete."""
    if "failed" in record:
        return count(record["failed"], locator=locator, field="failed")
    if isinstance(record.get("errors"), list):
        return len(_errors(record))
    prompts = count(record.get("num_prompts"), locator=locator, field="num_prompts")
    if prompts is None or completed is None or prompts < completed:
        return None
    return prompts - completed


def _samples(record: Record) -> Iterator[tuple[str, float]]:
    """Raw values (seconds) of the requests that succeeded, from a detailed result; zeros were not measured."""
    lengths = record.get("output_lens")
    errors = record.get("errors")
    total = len(lengths) if isinstance(lengths, list) else 0
    good = [
        bool(lengths[i]) and not (isinstance(errors, list) and i < len(errors) and errors[i]) for i in range(total)
    ] if isinstance(lengths, list) else []  # fmt: skip
    for key, metric in (
        ("ttfts", "serving_ttft_s"),
        ("latencies", "serving_e2e_s"),
        ("e2els", "serving_e2e_s"),
    ):
        values = record.get(key)
        if isinstance(values, list) and len(values) == total:
            for ok, value in zip(good, values, strict=True):
                if ok and _positive(value):
                    yield metric, float(value)
    itls = record.get("itls")
    if isinstance(itls, list) and len(itls) == total and all(isinstance(gaps, list) for gaps in itls):
        if sum(len(gaps) for gaps in itls) <= _MOST_SAMPLES:
            for ok, gaps in zip(good, itls, strict=True):
                yield from (("serving_itl_s", float(gap)) for gap in gaps if ok and _positive(gap))


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
