"""Console tables of three small tools: Catch2's benchmark table, benchmark.js ("f x 1,431 ops/sec ±0.7% (93
runs sampled)") and Julia's BenchmarkTools.save (json, nanoseconds).

Catch2 prints mean and standard deviation with a bootstrap interval each, with the unit in every cell; a
value that rounds to 0 ns is below what it can show and is no measurement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chimera_pipeline.readers.cases import case_name, grouped, label, printed, refusing, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import count, extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Format, Reading, Row

_DURATION = r"([\d.]+) (ns|us|ms|s|m|h)"
_CATCH_FIRST = re.compile(rf"(\S.*?)?[ \t]+(\d+)[ \t]+(\d+)[ \t]+{_DURATION}\s*\Z")
_CATCH_STATS = re.compile(rf"[ \t]+{_DURATION}[ \t]+{_DURATION}[ \t]+{_DURATION}\s*\Z")
_OPS = re.compile(r"[ \t]*(\S.*?) x ([\d.,]+) ops/sec ±[\d.]+% \((\d+) runs? sampled\)")
_UNITS = {"m": "min", "h": "hour"}


def _row(locator: str, suite: str, name: Any) -> Row:
    return {
        "locator": locator,
        "suite": suite,
        "case": case_name(name) or "unnamed",
        "config": {},
        "status": "ok",
    }


def matches_catch2(document: Document) -> bool:
    """The header of the benchmark table: benchmark name, samples, iterations; mean, low mean, high mean."""
    return (
        document.format not in (Format.MARKDOWN, Format.CSV, Format.JSON)
        and b"low mean" in document.data
        and b"benchmark name" in document.data
    )


def read_catch2(document: Document) -> Reading:
    """One row of `timings` a benchmark: name and counts on one line, mean and deviation on the next two."""
    reading = Reading(kind="catch2", tool="catch2")
    lines = document.text.split("\n")
    before = ""
    for index, line in enumerate(lines):
        first = _CATCH_FIRST.match(line)
        stats = [_CATCH_STATS.match(text) for text in lines[index + 1 : index + 3]]
        if first is None or len(stats) < 2 or stats[0] is None or stats[1] is None:
            before = line.strip() or before
            continue
        locator = f"line {index + 1}"
        with refusing(reading, locator):
            row = _row(locator, "catch2", first[1] or before)
            row["n"] = count(first[2], locator=locator, field="samples")
            for column, found in (("mean_s", stats[0]), ("std_s", stats[1])):
                unit = _UNITS.get(found[2], found[2])
                if float(found[1]) > 0:
                    statistics(row, {column: found[1]}, {column: column}, unit, locator=locator)
                    printed(reading, "timings", column, [found[1]], unit)
                else:
                    row[column] = None
            reading.add("timings", row)
    return reading


def matches_benchmark_js(document: Document) -> bool:
    """A line with ops/sec and the number of runs."""
    return (
        document.format not in (Format.MARKDOWN, Format.CSV, Format.JSON)
        and b" ops/sec " in document.data
        and any(_OPS.match(line) for line in document.text.split("\n"))
    )


def read_benchmark_js(document: Document) -> Reading:
    """One row of `throughputs` a line."""
    reading = Reading(kind="benchmark_js", tool="benchmark-js")
    for index, line in enumerate(document.text.split("\n"), start=1):
        found = _OPS.match(line)
        if found is None:
            continue
        locator = f"line {index}"
        with refusing(reading, locator):
            row = _row(locator, "benchmark_js", found[1])
            row["n"] = count(found[3], locator=locator, field="runs")
            row["rate_mean"] = number(grouped(found[2]), locator=locator, field="ops/sec")
            row["rate_unit"] = "ops/s"
            printed(reading, "throughputs", "rate_mean", [grouped(found[2])], None)
            reading.add("throughputs", row)
    return reading


def _julia(node: Any, path: tuple[str, ...], place: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """(locator, name, kind, body) of every trial below a group."""
    if not isinstance(node, list) or len(node) != 2 or not isinstance(node[1], dict):
        return
    kind, body = node
    if kind == "BenchmarkGroup":
        for key, child in (body.get("data") or {}).items():
            yield from _julia(child, (*path, key), f"{place}/1/data" + pointer(key))
    elif kind in ("Trial", "TrialEstimate"):
        yield f"{place}/1", "/".join(path), str(kind), body


def matches_julia(document: Document) -> bool:
    """A pair of versions and groups."""
    value = document.try_json()
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], dict)
        and {"Julia", "BenchmarkTools"} <= set(value[0])
        and isinstance(value[1], list)
    )


def read_julia(document: Document) -> Reading:
    """The samples of a trial; one row of `timings` an estimate (one time, the minimum by default)."""
    reading = Reading(kind="julia_benchmarktools", tool="julia-benchmarktools")
    versions, groups = document.json
    for index, group in enumerate(groups):
        for locator, name, kind, body in _julia(group, (), pointer(1, index)):
            with refusing(reading, locator):
                row = _row(locator, "julia", name or "benchmark")
                row["engine"] = label(f"Julia-{versions['Julia']}")
                if kind == "Trial":
                    for place, value in enumerate(body["times"]):
                        where = locator + pointer("times", place)
                        stated = number(value, "ns", locator=where, field="times")
                        extra(reading, row, "time_s", "sample", stated, n=1, locator=where)
                    reading.records_ok += 1
                else:
                    statistics(row, body, {"time": "min_s"}, "ns", locator=locator)
                    reading.add("timings", row)
                allocated = number(body.get("memory"), locator=locator, field="memory")
                extra(reading, row, "alloc_bytes", "mean", allocated)
    return reading


READERS = [
    Reader("catch2", 1, matches_catch2, read_catch2, signs=Signs(words=("low mean",))),
    Reader("benchmark-js", 1, matches_benchmark_js, read_benchmark_js, signs=Signs(words=(" ops/sec ",))),
    Reader("julia-benchmarktools", 1, matches_julia, read_julia, signs=Signs(keys=("Julia",))),
]
