"""SGLang benchmark results: bench_serving (json lines, an object a run, unlimited rate as a bare Infinity),
bench_offline_throughput, bench_one_batch and bench_one_batch_server.

Statistics of a serving run are milliseconds, durations seconds; files carry no time. A batch result has the
rates of its phases: prefill, decode (of bench_one_batch the median step) and overall (prompt and output
tokens); -1 stands for missing.
"""

from __future__ import annotations

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, number
from chimera_pipeline.readers.names import plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.serving_points import is_sglang_point, serving_row
from chimera_pipeline.readers.tool_records import WRAPPERS, Record, at, fail, objects, refuse
from chimera_pipeline.records import Reading, Row

_OFFLINE = {"successful_requests", "total_latency", "request_throughput"}
_BATCH = {"batch_size", "input_len", "output_len", "overall_throughput"}
_OFFLINE_FIELDS = {
    "request_throughput": "requests_per_s",
    "output_throughput": "output_tokens_per_s",
    "total_throughput": "total_tokens_per_s",
}
_OFFLINE_TOKENS = {
    "total_input_tokens": "serving_prompt_tokens",
    "total_output_tokens": "serving_output_tokens",
}
_TIMES: dict[str, tuple[str, ...]] = {
    "overall": ("total_latency", "latency"),
    "prefill": ("prefill_latency", "last_ttft", "ttft"),
}


def _accepts(record: Record) -> bool:
    return is_sglang_point(record) or record.keys() >= _OFFLINE or record.keys() >= _BATCH


def _records(document: Document) -> list[tuple[str, Record]]:
    return objects(document, _accepts, '_throughput"')


def matches(document: Document) -> bool:
    """Objects with the keys of a serving, offline or batch result."""
    return bool(_records(document))


def read(document: Document) -> Reading:
    """A row of `serving_runs` a load point, rows of `throughputs` a batch."""
    reading = Reading(kind="serving_benchmark", tool="sglang")
    for locator, record in _records(document):
        try:
            if is_sglang_point(record):
                reading.add("serving_runs", serving_row(reading, locator, record))
            elif record.keys() >= _OFFLINE:
                reading.kind = "offline_throughput"
                reading.add("serving_runs", _offline(reading, locator, record))
            else:
                reading.kind = "batch_throughput"
                _batch(reading, locator, record)
        except ArtifactError as refused:
            refuse(reading, refused, locator)
    return reading


def _offline(reading: Reading, locator: str, record: Record) -> Row:
    row: Row = {
        "locator": at(locator, "total_latency"),
        "suite": "offline_throughput",
        "engine": "sglang",
        "config": config({"backend": record.get("backend")}),
        "status": "ok",
        "requests_ok": count(record["successful_requests"], locator=locator, field="successful_requests"),
    }
    if not row["requests_ok"]:
        return fail(row, "no_output")
    row["duration_s"] = number(record["total_latency"], "s", locator=locator, field="total_latency")
    for source, target in _OFFLINE_FIELDS.items():
        if source in record:
            row[target] = number(record[source], locator=locator, field=source)
    for source, target in _OFFLINE_TOKENS.items():
        tokens = number(record.get(source), locator=locator, field=source)
        where = at(locator, source)
        extra(reading, row, target, "sum", tokens, n=row["requests_ok"], locator=where)
    return row


def _batch(reading: Reading, locator: str, record: Record) -> None:
    """The rates of one batch: one record, a row of `throughputs` for each phase that was measured."""
    sizes = {key: number(record[key], locator=locator, field=key) for key in ("batch_size", "input_len")}
    sizes["output_len"] = number(record["output_len"], locator=locator, field="output_len")
    options = {key: record.get(key) for key in ("batch_size", "input_len", "output_len", "dtype", "device")}
    base: Row = {
        "locator": at(locator, "overall_throughput"),
        "suite": "one_batch",
        "engine": "sglang",
        "run_id": plain(record.get("run_name")),
        "workload": "batch{batch_size:g}_in{input_len:g}_out{output_len:g}".format(
            **{key: value or 0 for key, value in sizes.items()}
        ),
        "config": config(options),
        "status": "ok",
        "rate_unit": "tokens/s",
    }
    overall, _ = _stated(record, locator, "overall_throughput")
    if overall is None:
        reading.add("throughputs", base | {"case": "overall", "status": "failed", "error_kind": "no_output"})
        return
    reading.add("throughputs", base | {"case": "overall", "n": 1, "rate_mean": overall})
    rates: dict[str, tuple[str, ...]] = {"prefill": ("prefill_throughput", "input_throughput")}
    if "prefill_latency" not in record:
        rates["decode"] = ("output_throughput",)
    for case, keys in rates.items():
        rate, key = _stated(record, locator, *keys)
        if rate is not None:
            row = base | {"case": case, "n": 1, "rate_mean": rate, "locator": at(locator, key)}
            reading.add("throughputs", row, counts=False)
    decode = base | {"case": "decode"}
    median, key = _stated(record, locator, "median_decode_throughput")
    extra(reading, decode, "rate", "median", median, unit="tokens/s", locator=at(locator, key))
    step, key = _stated(record, locator, "median_decode_latency")
    extra(reading, decode, "case_time_s", "median", step, locator=at(locator, key))
    for case, keys in _TIMES.items():
        stated, key = _stated(record, locator, *keys)
        extra(reading, base | {"case": case}, "case_time_s", "sample", stated, n=1, locator=at(locator, key))


def _stated(record: Record, locator: str, *keys: str) -> tuple[float | None, str]:
    """The first of `keys` that was measured, and which: the tool writes -1 or 0 for what was not."""
    for key in keys:
        value = number(record.get(key), locator=locator, field=key)
        if value is not None and value > 0:
            return value, key
    return None, keys[0]


READER = Reader(
    "sglang-benchmark",
    1,
    matches,
    read,
    takes_nonfinite=True,
    signs=Signs(keys=("completed", "total_latency", "overall_throughput", *WRAPPERS), words=('_throughput"',)),
)
