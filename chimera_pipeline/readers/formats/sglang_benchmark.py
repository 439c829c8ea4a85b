"""SGLang benchmark results: bench_serving (json lines, an object a run, unlimited rate as a bare Infinity),
bench_offline_throughput, bench_one_batch and bench_one_batch_server.

Statistics of a serving run are milliseconds, durations seconds; files carry no time. A batch result has rates of its
phases: prefill, decode (the median step) and overall (prompt and output tokens); -1 stands for missing.
"""

from __future__ import annotations

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, number
from chimera_pipeline.readers.load_tests import Record, fail, objects, plain, refuse, refuse_broken
from chimera_pipeline.readers.reader import Reader
from chimera_pipeline.readers.serving_points import is_sglang_point, serving_row
from chimera_pipeline.records import Reading, Row

_OFFLINE = {"successful_requests", "total_latency", "request_throughput"}
_BATCH = {"batch_size", "input_len", "output_len", "overall_throughput"}


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
    refuse_broken(document, reading)
    return reading


def _offline(reading: Reading, locator: str, record: Record) -> Row:
    row: Row = {
        "locator": locator,
        "suite": "offline_throughput",
        "engine": "sglang",
        "config": config({"backend": record.get("backend")}),
        "status": "ok",
        "requests_ok": count(record["successful_requests"], locator=locator, field="successful_requests"),
    }
    if not row["requests_ok"]:
        return fail(row, "no_output")
    row["duration_s"] = number(record["total_latency"], "s", locator=locator, field="total_latency")
    for source, target in (
        ("request_throughput", "requests_per_s"),
        ("output_throughput", "output_tokens_per_s"),
        ("total_throughput", "total_tokens_per_s"),
    ):
        if source in record:
            row[target] = number(record[source], locator=locator, field=source)
    for source, target in (
        ("total_input_tokens", "serving_prompt_tokens"),
        ("total_output_tokens", "serving_output_tokens"),
    ):
        value = number(record.get(source), locator=locator, field=source)
        extra(reading, row, target, "sum", value, n=row["requests_ok"])
    return row


def _batch(reading: Reading, locator: str, record: Record) -> None:
    """The rates of one batch: one record, a row of `throughputs` for each phase that was measured."""
    base: Row = {
        "locator": locator,
        "suite": "one_batch",
        "engine": "sglang",
        "run_id": plain(record.get("run_name")),
        "workload": f"batch{_whole(record, 'batch_size', locator)}_in{_whole(record, 'input_len', locator)}"
        f"_out{_whole(record, 'output_len', locator)}",
        "config": config(
            {key: record.get(key) for key in ("batch_size", "input_len", "output_len", "dtype", "device")}
        ),
        "status": "ok",
        "rate_unit": "tokens/s",
    }
    rates = {
        "overall": _stated(record, "overall_throughput", locator),
        "prefill": _stated(record, "prefill_throughput", locator)
        or _stated(record, "input_throughput", locator),
    }
    if "prefill_latency" not in record:
        rates["decode"] = _stated(record, "output_throughput", locator)
    if rates["overall"] is None:
        row = base | {"case": "overall", "status": "failed", "error_kind": "no_output"}
        reading.add("throughputs", row)
        return
    for case, rate in rates.items():
        if rate is not None:
            reading.add(
                "throughputs", base | {"case": case, "n": 1, "rate_mean": rate}, counts=case == "overall"
            )
    median = _stated(record, "median_decode_throughput", locator)
    extra(reading, base | {"case": "decode"}, "rate", "median", median, unit="tokens/s")
    times = {
        "overall": ("total_latency", "latency"),
        "prefill": ("prefill_latency", "last_ttft", "ttft"),
    }
    for case, keys in times.items():
        stated = next((value for key in keys if (value := _stated(record, key, locator)) is not None), None)
        extra(reading, base | {"case": case}, "case_time_s", "sample", stated, n=1)
    step = _stated(record, "median_decode_latency", locator)
    extra(reading, base | {"case": "decode"}, "case_time_s", "median", step)


def _whole(record: Record, key: str, locator: str) -> str:
    return f"{number(record[key], locator=locator, field=key) or 0:g}"


def _stated(record: Record, key: str, locator: str) -> float | None:
    """A rate or time; the tool writes -1 (and 0) for what it did not measure."""
    value = number(record.get(key), locator=locator, field=key)
    return value if value is not None and value > 0 else None


READER = Reader("sglang-benchmark", 1, matches, read, takes_nonfinite=True)
