"""Criterion: estimates.json, sample.json, benchmark.json, raw.csv, cargo-criterion's json messages and the
console.

Nanoseconds unless the file says otherwise. estimates.json and sample.json do not name their benchmark (the
folder does): such a case is called after its content, so that two benchmarks are never pooled.
change/estimates.json holds relative changes, which are no times. In the console, time: [low estimate high]
is an interval around the estimate.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from chimera_pipeline.readers.cases import case_name, printed, refusing, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import ArtifactStatus, Format, Reading, Row

_ESTIMATES = {"mean": "mean_s", "median": "median_s", "std_dev": "std_s"}
_RAW = {"group", "function", "value", "iteration_count"}
_TIME = re.compile(
    r"(?P<name>\S.*?)?[ \t]+time:[ \t]+\[[\d.]+ [^\s\]]+ (?P<value>[\d.]+) (?P<unit>[^\s\]]+) "
    r"[\d.]+ [^\s\]]+\]"
)
_OUTLIERS = re.compile(r"Found \d+ outliers? among (\d+) measurements")


def matches(document: Document) -> bool:
    """Point estimates, samples, the messages of cargo-criterion, raw.csv or console lines."""
    value = document.try_json()
    if isinstance(value, dict):
        return _shape(value) is not None
    if value is not None or document.format is Format.MARKDOWN:
        return False
    if b"time:   [" in document.data:
        return any(_TIME.match(line) for line in document.text.split("\n"))
    if b"benchmark-complete" in document.data:
        return any(_is_message(entry) for _, entry in document.try_json_lines())
    table = document.try_csv() if b"iteration_count" in document.data[:400] else None
    return table is not None and set(table.header) >= _RAW


def _is_message(entry: dict[str, Any]) -> bool:
    return entry.get("reason") == "benchmark-complete" and "typical" in entry


def _shape(value: dict[str, Any]) -> str | None:
    mean = value.get("mean")
    if isinstance(mean, dict) and {"confidence_interval", "point_estimate"} <= set(mean) and "median" in value:
        return "estimates" if "std_dev" in value else "change"
    if {"iters", "times"} <= set(value) and isinstance(value["iters"], list):
        return "sample"
    if {"group_id", "full_id", "directory_name"} <= set(value):
        return "names"
    return "message" if _is_message(value) else None


def read(document: Document) -> Reading:
    """One row of `timings` a benchmark; a file of raw samples has measurements only."""
    reading = Reading(kind="criterion", tool="criterion")
    value = document.try_json()
    if isinstance(value, dict):
        _read_object(document, value, reading)
    elif b"time:   [" in document.data:
        _read_console(document, reading)
    elif b"benchmark-complete" in document.data:
        for locator, entry in document.json_lines:
            if _is_message(entry):
                with refusing(reading, locator):
                    _message(reading, locator, entry)
    else:
        _read_raw(document, reading)
    return reading


def _row(locator: str, name: Any) -> Row:
    return {
        "locator": locator,
        "suite": "criterion",
        "case": case_name(name) or "unnamed",
        "config": {},
        "status": "ok",
    }


def _read_object(document: Document, value: dict[str, Any], reading: Reading) -> None:
    shape = _shape(value)
    unnamed = f"unnamed@{hashlib.sha256(document.text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    if shape == "message":
        with refusing(reading, "/typical"):
            _message(reading, "", value)
    elif shape == "estimates":
        row = _row(pointer("mean"), unnamed)
        found = {name: value[name].get("point_estimate") for name in _ESTIMATES if isinstance(value[name], dict)}
        statistics(row, found, _ESTIMATES, "ns", locator=row["locator"])
        row["ddof"] = 1
        reading.add("timings", row)
    elif shape == "sample":
        with refusing(reading, pointer("times")):
            row = _row(pointer("times"), unnamed)
            _samples(reading, row, value["iters"], value["times"], pointer("times"), "ns")
            reading.records_ok += 1
    else:
        reading.status = ArtifactStatus.DOCUMENT
        reading.detail = (
            "relative changes between two runs; the times are in new/ and base/"
            if shape == "change"
            else "names a benchmark; its times are in estimates.json beside it"
        )


def _samples(reading: Reading, row: Row, iters: Any, times: Any, place: str, unit: str) -> None:
    """Time over iterations of each sample, at `place/i`; all of them, or a refusal of the whole list."""
    found = []
    for total, loops in zip(times, iters, strict=True):
        stated = number(total, unit, locator=place, field="times")
        count = number(loops, locator=place, field="iters")
        found.append(stated / count if stated is not None and count else None)
    for index, value in enumerate(found):
        extra(reading, row, "time_s", "sample", value, n=1, locator=f"{place}/{index}")


def _message(reading: Reading, locator: str, entry: dict[str, Any]) -> None:
    """A message of cargo-criterion, named, with its unit."""
    unit = str(entry.get("unit") or "ns")
    row = _row(locator or "/typical", entry.get("id"))
    for name, target in (("mean", "mean_s"), ("median", "median_s")):
        part = entry.get(name)
        if isinstance(part, dict):
            stated = str(part.get("unit") or unit)
            statistics(row, {name: part.get("estimate")}, {name: target}, stated, locator=row["locator"])
    values, loops = entry.get("measured_values"), entry.get("iteration_count")
    if isinstance(values, list) and isinstance(loops, list) and values:
        row["n"] = len(values)
        _samples(reading, row, loops, values, locator + pointer("measured_values"), unit)
    reading.add("timings", row)


def _read_raw(document: Document, reading: Reading) -> None:
    """raw.csv: a line a sample, and a record."""
    for locator, cells in document.csv.records():
        with refusing(reading, locator):
            name = "/".join(cells[column] for column in ("group", "function", "value") if cells[column])
            column = "sample_measured_value" if "sample_measured_value" in cells else "sample_time_nanos"
            total = number(cells[column], cells.get("unit") or "ns", locator=locator, field=column)
            loops = number(cells["iteration_count"], locator=locator, field="iteration_count")
            if total is not None and loops:
                extra(reading, _row(locator, name), "time_s", "sample", total / loops, n=1)
                reading.records_ok += 1


def _read_console(document: Document, reading: Reading) -> None:
    before, last = "", None
    for index, line in enumerate(document.text.split("\n"), start=1):
        found = _TIME.match(line)
        outliers = _OUTLIERS.match(line)
        if found is not None:
            locator = f"line {index}"
            with refusing(reading, locator):
                row = _row(locator, found["name"] or before)
                unit = found["unit"]
                statistics(row, {"time": found["value"]}, {"time": "mean_s"}, unit, locator=locator)
                printed(reading, "timings", "mean_s", [found["value"]], unit)
                reading.add("timings", row)
                last = row
        elif outliers is not None and last is not None:
            last["n"] = int(outliers[1])
        elif line.strip() and not line.startswith((" ", "\t", "Benchmarking")):
            before = line.strip()


READER = Reader(
    "criterion",
    1,
    matches,
    read,
    signs=Signs(
        keys=("mean", "iters", "group_id", "reason"),
        columns=("iteration_count",),
        words=("time:   [", "benchmark-complete"),
    ),
)
