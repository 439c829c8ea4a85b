"""BenchmarkDotNet: json {Title, HostEnvironmentInfo{}, Benchmarks: [{FullName, Statistics{}}]} (full and
brief), the csv report and the GitHub markdown table.

Json is in nanoseconds without saying so; csv and markdown cells carry their unit ("1,234.5 μs").
StandardDeviation has ddof 1; "Error" is half of a 99.9 % interval and is not read. A benchmark without
statistics, or with NA, failed. `Title` ends in the local time of the run.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline.readers.cases import (
    case_name,
    dated,
    fail,
    grouped,
    label,
    printed,
    refusing,
    samples,
    statistics,
)
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Format, Reading, Row

_FIELDS = {
    "Mean": "mean_s",
    "StandardDeviation": "std_s",
    "Min": "min_s",
    "Max": "max_s",
    "Median": "median_s",
}
_PERCENTILES = {"P90": "p90_s", "P95": "p95_s", "P99": "p99_s"}
_EXTRAS = {"P25": "p25", "P75": "p75"}
_COLUMNS = {"Mean": "mean_s", "StdDev": "std_s", "Median": "median_s", "Min": "min_s", "Max": "max_s",
            "P90": "p90_s", "P95": "p95_s"}  # fmt: skip
_CELL = re.compile(r"([\d.,]+)\s*(ns|us|μs|µs|ms|s|m|h)\Z")
_MEMORY = re.compile(r"([\d.,]+)\s*(B|KB|MB|GB)\Z")
_STAMP = re.compile(r"-(\d{8}-\d{6})\Z")
_BEFORE_PARAMETERS = frozenset(
    [
        "Method", "Type", "Namespace", "Job", "AnalyzeLaunchVariance", "EvaluateOverhead", "MaxAbsoluteError",
        "MaxRelativeError", "MinInvokeCount", "MinIterationTime", "OutlierMode", "Affinity",
        "EnvironmentVariables", "Jit", "LargeAddressAware", "Platform", "PowerPlanMode", "Runtime",
        "AllowVeryLargeObjects", "Concurrent", "CpuGroups", "Force", "HeapAffinitizeMask", "HeapCount",
        "NoAffinitize", "RetainVm", "Server", "Arguments", "BuildConfiguration", "Clock", "EngineFactory",
        "NuGetReferences", "Toolchain", "IsMutator", "InvocationCount", "IterationCount", "IterationTime",
        "LaunchCount", "MaxIterationCount", "MaxWarmupIterationCount", "MemoryRandomization",
        "MinIterationCount", "MinWarmupIterationCount", "RunStrategy", "UnrollFactor", "WarmupCount",
        "Categories", "Rank", "IsBaseline", "TargetMethod",
    ]
)  # fmt: skip


def matches(document: Document) -> bool:
    """HostEnvironmentInfo and Benchmarks; or Method and Mean columns whose cells carry a unit."""
    value = document.try_json()
    if isinstance(value, dict):
        return "HostEnvironmentInfo" in value and isinstance(value.get("Benchmarks"), list)
    if document.format is Format.MARKDOWN:
        return "BenchmarkDotNet" in document.text and any(
            _is_table(table.header, table.rows) for table in document.markdown_tables
        )
    if value is not None:
        return False
    table = document.try_csv()
    return table is not None and "Job" in table.header and _is_table(table.header, table.rows)


def _is_table(header: list[str], rows: list[list[str]]) -> bool:
    names = [name.strip("* ") for name in header]
    if not {"Method", "Mean"} <= set(names) or not {"Error", "StdDev"} & set(names):
        return False
    mean = names.index("Mean")
    cells = [row[mean].strip("* ") for row in rows]
    return any(_CELL.match(cell) for cell in cells) or (bool(cells) and set(cells) <= {"NA", "?"})


def read(document: Document) -> Reading:
    """One row of `timings` a benchmark."""
    reading = Reading(kind="benchmarkdotnet", tool="benchmarkdotnet")
    value = document.try_json()
    if isinstance(value, dict):
        _read_json(value, reading)
    elif document.format is Format.MARKDOWN:
        for table in document.markdown_tables:
            if _is_table(table.header, table.rows):
                header = [name.strip("* ") for name in table.header]
                for line, cells in zip(table.lines, table.rows, strict=True):
                    plain = [cell.strip("* ").replace("\\", "") for cell in cells]
                    _add_cells(reading, f"line {line}", dict(zip(header, plain, strict=True)))
    else:
        for locator, record in document.csv.records():
            _add_cells(reading, locator, record)
    return reading


def _read_json(value: dict[str, Any], reading: Reading) -> None:
    host = value["HostEnvironmentInfo"] or {}
    shared: Row = {"suite": "benchmarkdotnet"}
    if host.get("ProcessorName"):
        shared["hardware"] = label(host["ProcessorName"])
    if host.get("RuntimeVersion"):
        shared["engine"] = label(str(host["RuntimeVersion"]).split(" (")[0])
    stamp = _STAMP.search(str(value.get("Title")))
    if stamp is not None:
        dated(reading, shared, stamp[1], locator=pointer("Title"))
    build = str(host.get("Configuration") or "").lower() or None
    for index, entry in enumerate(value["Benchmarks"]):
        locator = pointer("Benchmarks", index)
        with refusing(reading, locator):
            _add(reading, locator, entry, shared, build)


def _add(reading: Reading, locator: str, entry: dict[str, Any], shared: Row, build: str | None) -> None:
    display = str(entry.get("DisplayInfo") or "")
    job = display.partition(": ")[2].partition("(")[0].partition("[")[0].strip()
    row: Row = {
        **shared,
        "locator": locator,
        "case": case_name(entry.get("FullName") or entry.get("MethodTitle") or entry["Method"]) or "unnamed",
        "config": config({"job": label(job), "build_type": build}),
        "status": "ok",
    }
    stats = entry.get("Statistics")
    if not stats or stats.get("Mean") is None:
        reading.add("timings", fail(row))
        return
    row["n"] = count(stats.get("N"), locator=locator, field="N")
    statistics(row, stats, _FIELDS, "ns", locator=locator)
    if row.get("std_s") is not None:
        row["ddof"] = 1
    percentiles = stats.get("Percentiles") or {}
    if row["n"] is None or row["n"] > 1:
        statistics(row, percentiles, _PERCENTILES, "ns", locator=locator)
    reading.add("timings", row)
    for source, statistic in _EXTRAS.items():
        if row["n"] is None or row["n"] > 1:
            quartile = number(percentiles.get(source), "ns", locator=locator, field=source)
            extra(reading, row, "time_s", statistic, quartile, n=row["n"])
    memory = entry.get("Memory") or {}
    allocated = number(memory.get("BytesAllocatedPerOperation"), locator=locator, field="Memory")
    extra(reading, row, "alloc_bytes", "mean", allocated)
    place = locator + pointer("Statistics", "OriginalValues")
    samples(reading, row, stats.get("OriginalValues"), "ns", locator=place, total=row["n"])


def _add_cells(reading: Reading, locator: str, record: dict[str, str]) -> None:
    """A row of the csv or markdown report; columns before Mean that describe no job are parameters."""
    with refusing(reading, locator):
        names = list(record)
        parameters = [
            f"{name}:{record[name]}"
            for name in names[: names.index("Mean")]
            if name not in _BEFORE_PARAMETERS and record[name] not in ("", "?")
        ]
        if not record["Method"].strip():
            return
        method = ".".join(record[name] for name in ("Namespace", "Type", "Method") if record.get(name))
        row: Row = {
            "locator": locator,
            "suite": "benchmarkdotnet",
            "case": case_name(":".join([method.strip("'"), *parameters])) or "unnamed",
            "config": config({"job": label(record.get("Job"))}),
            "status": "ok",
        }
        if record.get("Runtime"):
            row["engine"] = label(record["Runtime"])
        if record["Mean"].strip() in ("NA", "?", ""):
            reading.add("timings", fail(row))
            return
        for column, target in _COLUMNS.items():
            cell = _CELL.match(record.get(column, "").strip())
            if cell is not None:
                unit = {"m": "min", "h": "hour", "μs": "us"}.get(cell[2], cell[2])
                text = grouped(cell[1])
                statistics(row, {column: text}, {column: target}, unit, locator=locator)
                printed(reading, "timings", target, [text], unit)
        if row.get("std_s") is not None:
            row["ddof"] = 1
        reading.add("timings", row)
        memory = _MEMORY.match(record.get("Allocated", "").strip())
        if memory is not None:
            unit = {"KB": "kib", "MB": "mib", "GB": "gib"}.get(memory[2], "b")
            allocated = number(grouped(memory[1]), unit, locator=locator, field="Allocated")
            extra(reading, row, "alloc_bytes", "mean", allocated)


READER = Reader(
    "benchmarkdotnet",
    1,
    matches,
    read,
    signs=Signs(keys=("HostEnvironmentInfo",), columns=("Job",), words=("BenchmarkDotNet",)),
)
