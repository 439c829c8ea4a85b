"""Bencher metric format: {benchmark: {measure: {value, lower_value?, upper_value?}}}.

The built-in measures have fixed units: latency and build-time are nanoseconds and seconds, throughput is
operations per second, file-size bytes, instructions and cycles counts. Any other measure keeps its value
and has no unit here. lower_value and upper_value are bounds of an interval whose meaning the file does not
state; they are not read.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.cases import case_name, refusing, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import extra, number, pointer
from chimera_pipeline.readers.reader import ANY, Reader, Signs
from chimera_pipeline.records import Reading, Row

_KEYS = {"value", "lower_value", "upper_value"}
_TIMES = {"latency": "ns", "build-time": "s", "build_time": "s"}
_COUNTS = {
    "instructions": "instructions",
    "estimated-cycles": "estimated_cycles",
    "estimated_cycles": "estimated_cycles",
    "file-size": "object_bytes",
    "file_size": "object_bytes",
}


def matches(document: Document) -> bool:
    """Every benchmark maps measures to objects that hold a value and at most its two bounds."""
    value = document.try_json()
    return isinstance(value, dict) and bool(value) and all(_is_benchmark(item) for item in value.values())


def _is_benchmark(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and bool(item)
        and all(isinstance(one, dict) and "value" in one and set(one) <= _KEYS for one in item.values())
    )


def read(document: Document) -> Reading:
    """Times are rows of `timings`, throughput of `throughputs`; every measure is one record."""
    reading = Reading(kind="bencher", tool="bencher")
    for benchmark, measures in document.json.items():
        for measure, entry in measures.items():
            locator = pointer(benchmark, measure)
            with refusing(reading, locator):
                _add(reading, locator, benchmark, measure, entry)
    return reading


def _add(reading: Reading, locator: str, benchmark: str, measure: str, entry: dict[str, Any]) -> None:
    name = measure.lower()
    row: Row = {
        "locator": locator,
        "suite": "bencher",
        "case": case_name(benchmark) or "unnamed",
        "config": {},
        "status": "ok",
    }
    value = number(entry["value"], locator=locator, field=measure)
    if name in _TIMES:
        if name != "latency":
            row["case"] += "/build"
        statistics(row, entry, {"value": "mean_s"}, _TIMES[name], locator=locator)
        reading.add("timings", row)
    elif name == "throughput":
        reading.add("throughputs", {**row, "rate_mean": value, "rate_unit": "ops/s"})
    else:
        reading.records_ok += 1
        metric = _COUNTS.get(name, "tracked_value")
        unit = None if name in _COUNTS else "as stated"
        if metric == "tracked_value":
            row["case"] = f"{row['case']}/{redact.name(measure)}"
        extra(reading, row, metric, "mean", value, unit=unit)


READER = Reader("bencher", 1, matches, read, signs=Signs(keys=(ANY,)))
