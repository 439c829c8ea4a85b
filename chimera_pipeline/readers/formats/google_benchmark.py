"""Google Benchmark: {context{}, benchmarks: [{name, run_type, real_time, time_unit, ...}]}, and its csv
reporter.

A row is one repetition: its time is an average over `iterations` executions of one timed batch, so it is
one sample (n = 1). Aggregates (_mean, _median, _stddev, _cv, BigO, RMS) stand beside the repetitions they
summarise and are left out; where the file has nothing else (--benchmark_report_aggregates_only), each case
is one row made of its own aggregates. Every entry counts as one record. A library built for debugging is
another series.
"""

from __future__ import annotations

import csv
import re
from typing import Any

from chimera_pipeline.readers.cases import case_name, dated, fail, printed, refusing, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_COLUMNS = {"name", "iterations", "real_time", "cpu_time", "time_unit"}
_SUFFIX = re.compile(r"(.+)_(mean|median|stddev|cv|BigO|RMS|min|max)\Z")
_RATES = {"items_per_second": "items/s", "bytes_per_second": "bytes/s"}
_STATISTICS = {"mean": "mean_s", "median": "median_s", "stddev": "std_s", "min": "min_s", "max": "max_s"}
_Entry = tuple[str, dict[str, Any]]


def matches(document: Document) -> bool:
    """Benchmarks with run_type, real_time or a context of the tool; or the csv reporter's columns."""
    value = document.try_json()
    if isinstance(value, dict):
        entries, context = value.get("benchmarks"), value.get("context")
        if not isinstance(entries, list) or isinstance(value.get("machine_info"), dict):
            return False
        if isinstance(context, dict) and {"num_cpus", "mhz_per_cpu", "library_build_type"} & set(context):
            return True
        return any(
            isinstance(entry, dict) and "name" in entry and {"run_type", "real_time"} & set(entry)
            for entry in entries[:8]
        )
    if value is not None:
        return False
    table = document.try_csv()
    return table is not None and set(table.header) >= _COLUMNS


def read(document: Document) -> Reading:
    """One row of `timings` a repetition, and of `throughputs` where items or bytes per second are stated."""
    reading = Reading(kind="google_benchmark", tool="google-benchmark")
    value = document.try_json()
    shared: Row = {"suite": "google_benchmark"}
    options: dict[str, Any] = {}
    if isinstance(value, dict):
        context = value.get("context") or {}
        if context.get("date"):
            dated(reading, shared, context["date"], locator=pointer("context", "date"))
        options["build_type"] = context.get("library_build_type")
        entries = [(pointer("benchmarks", i), entry) for i, entry in enumerate(value["benchmarks"])]
    else:
        entries = [(locator, _blank(cells)) for locator, cells in document.csv.records()]
        entries += _short_errors(document)
    names = {str(entry.get("name")) for _, entry in entries if isinstance(entry, dict)}
    aggregates: dict[str, list[_Entry]] = {}
    measured: set[str] = set()
    for locator, entry in entries:
        with refusing(reading, locator):
            run, aggregate = _kind(entry, names)
            if aggregate is None:
                measured.add(run)
                _repetition(reading, locator, entry, run, shared, options)
            else:
                reading.records_ok += 1
                aggregates.setdefault(run, []).append((locator, {**entry, "aggregate_name": aggregate}))
    for run, group in aggregates.items():
        if run not in measured:
            with refusing(reading, group[0][0]):
                _summarised(reading, run, group, shared, options)
    return reading


def _short_errors(document: Document) -> list[_Entry]:
    """Lines of benchmarks that failed: the csv reporter leaves out their last cells."""
    table = document.csv
    lines = document.text.split("\n")
    found: list[_Entry] = []
    for line, _ in list(table.bad):
        fields = next(csv.reader([lines[line - 1]]), [])
        cells = dict(zip(table.header, fields, strict=False))
        if len(fields) < len(table.header) and cells.get("error_occurred") == "true":
            found.append((f"line {line}", _blank(cells)))
            table.bad[:] = [pair for pair in table.bad if pair[0] != line]
    return found


def _blank(cells: dict[str, str]) -> dict[str, Any]:
    return {name: cell for name, cell in cells.items() if cell.strip()}


def _kind(entry: dict[str, Any], names: set[str]) -> tuple[str, str | None]:
    """The case, and the name of the aggregate where the entry is one ("" where it has none)."""
    name = str(entry["name"])
    if "run_type" in entry:
        if entry["run_type"] != "aggregate":
            return str(entry.get("run_name") or name), None
        return str(entry.get("run_name") or name), str(entry.get("aggregate_name") or "")
    suffix = _SUFFIX.match(name)
    if suffix is not None and "time_unit" not in entry:
        return suffix[1], suffix[2]
    if suffix is not None and (suffix[1] in names or f"{suffix[1]}_stddev" in names):
        return suffix[1], suffix[2]
    if suffix is not None and suffix[2] in ("BigO", "RMS"):
        return suffix[1], suffix[2]
    return name, None


def _identity(locator: str, entry: dict[str, Any], run: str, shared: Row, options: dict[str, Any]) -> Row:
    return {
        **shared,
        "locator": locator,
        "case": case_name(run) or "unnamed",
        "config": config({**options, "threads": entry.get("threads")}),
        "status": "ok",
    }


def _repetition(
    reading: Reading, locator: str, entry: dict[str, Any], run: str, shared: Row, options: dict[str, Any]
) -> None:
    row = _identity(locator, entry, run, shared, options)
    if str(entry.get("error_occurred", "")).lower() in ("true", "1"):
        reading.add("timings", fail(row, entry.get("error_message")))
        return
    if entry.get("skipped"):
        reading.records_ok += 1
        return
    unit = str(entry.get("time_unit") or "ns")
    if "real_time" in entry:
        row["n"] = 1
        statistics(row, entry, {"real_time": "mean_s"}, unit, locator=locator)
        row["mean_s"] = row["mean_s"] or None
        if isinstance(entry["real_time"], str):
            printed(reading, "timings", "mean_s", [entry["real_time"]], unit)
    reading.add("timings", row)
    extra(
        reading,
        row,
        "cpu_time_s",
        "mean",
        number(entry.get("cpu_time"), unit, locator=locator, field="cpu_time") or None,
        n=1,
    )
    _rates(reading, entry, row, 1, None)


def _rates(reading: Reading, mean: dict[str, Any], row: Row, n: int | None, spread: dict[str, Any] | None) -> None:
    for source, unit in _RATES.items():
        rate = number(mean.get(source), locator=row["locator"], field=source)
        if rate is None:
            continue
        kept = {key: item for key, item in row.items() if not key.endswith("_s") and key != "ddof"}
        kept |= {"n": n, "rate_mean": rate, "rate_unit": unit, "case": f"{row['case']}:{unit[:-2]}"}
        deviation = number((spread or {}).get(source), locator=row["locator"], field=source)
        if deviation is not None:
            kept["rate_std"] = deviation
        reading.add("throughputs", kept, counts=False)


def _summarised(reading: Reading, run: str, group: list[_Entry], shared: Row, options: dict[str, Any]) -> None:
    """The row of a case of which the file has aggregates only."""
    by_name = {entry["aggregate_name"]: entry for _, entry in group}
    if "mean" not in by_name and "median" not in by_name:
        return
    locator, first = next(pair for pair in group if pair[1]["aggregate_name"] in ("mean", "median"))
    row = _identity(locator, first, run, shared, options)
    row["n"] = count(first.get("repetitions") or first.get("iterations"), locator=locator, field="repetitions")
    for name, target in _STATISTICS.items():
        if name in by_name:
            unit = str(by_name[name].get("time_unit") or "ns")
            statistics(row, by_name[name], {"real_time": target}, unit, locator=locator)
    if row.get("std_s") is not None:
        row["ddof"] = 1
    reading.add("timings", row, counts=False)
    if "mean" in by_name:
        _rates(reading, by_name["mean"], row, row["n"], by_name.get("stddev"))


READER = Reader("google-benchmark", 1, matches, read, signs=Signs(keys=("benchmarks",), columns=("real_time",)))
