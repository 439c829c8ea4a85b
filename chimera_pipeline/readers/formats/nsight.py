"""Nsight Compute csv: the raw page (a column a metric, a second row of UNITS, a row a launch) and the
details page (a row a metric); and Nsight Systems' kernel summary (Time (%), Total Time (ns), Instances, Avg
(ns), ...).

Lines of the profiler before the table are skipped. Numbers are grouped by the writer's locale: 22,80,000
and 1,024 are whole numbers; a comma before six digits marks a decimal comma for the whole file. A launch is
one sample (n = 1): profiling replays and locks clocks, so its time is the kernel's alone.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers import strict_csv
from chimera_pipeline.readers.cases import case_name, dated, label, refusing, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, number
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Format, Reading, Row

_DURATION = ("gpu__time_duration.sum", "gpu__time_duration.avg", "gpu__time_duration.max", "Duration")
_PERCENTS = {
    "sm__throughput.avg.pct_of_peak_sustained_elapsed": "gpu_compute_throughput",
    "Compute (SM) Throughput": "gpu_compute_throughput",
    "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed": "gpu_memory_throughput",
    "Memory Throughput": "gpu_memory_throughput",
    "gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed": "gpu_dram_throughput",
    "DRAM Throughput": "gpu_dram_throughput",
    "sm__warps_active.avg.pct_of_peak_sustained_active": "gpu_achieved_occupancy",
    "Achieved Occupancy": "gpu_achieved_occupancy",
    "sm__maximum_warps_per_active_cycle_pct": "gpu_theoretical_occupancy",
    "Theoretical Occupancy": "gpu_theoretical_occupancy",
}
_UNITS = {
    "usecond": "us", "nsecond": "ns", "msecond": "ms", "second": "s", "us": "us", "ns": "ns", "ms": "ms",
    "s": "s",
}  # fmt: skip
_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?\Z")
_SPACED = re.compile(r"[+-]?\d{1,3}(?:[\u00a0\u202f' ]\d{3})+(?:[.,]\d+)?\Z")
_DECIMAL_COMMA = re.compile(r"[+-]?[\d.]*\d,\d{6}\Z")
_DOTS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})*(?:,\d+)?\Z")
_NSYS = {"Total Time (ns)", "Instances", "Avg (ns)"}
_SHAPE = re.compile(r"[^0-9x]+")


def _start(document: Document) -> int:
    """The offset of the table's header, the first line that names a kernel column; -1 for none."""
    head = document.text[:80000]
    offset = head.find("Kernel Name")
    return head.rfind("\n", 0, offset) + 1 if offset >= 0 else -1


def matches_ncu(document: Document) -> bool:
    """A header with Kernel Name, and metrics as columns (with __) or as rows (Metric Name, Metric Value)."""
    if document.format is Format.MARKDOWN or b"Kernel Name" not in document.data[:80000]:
        return False
    start = _start(document)
    if start < 0:
        return False
    header = document.text[start:].split("\n", 1)[0].replace('"', "").split(",")
    if "Kernel Name" not in header:
        return False
    return {"Metric Name", "Metric Value"} <= set(header) or any("__" in name for name in header)


def _table(document: Document) -> list[tuple[str, dict[str, str]]]:
    """("row N", cells) of every line below the header; "line N" where lines stand before it."""
    start = _start(document)
    if start == 0:
        return list(document.csv.records())
    table = strict_csv.parse(document.text[start:], document.limits)
    before = document.text[:start].count("\n")
    return [
        (f"line {before + line}", dict(zip(table.header, row, strict=True)))
        for line, row in zip(table.lines, table.rows, strict=True)
    ]


def read_ncu(document: Document) -> Reading:
    """One row of `timings` a launch; what share of the peak it reached goes to `system_samples`."""
    reading = Reading(kind="ncu", tool="nsight-compute")
    rows = _table(document)
    commas = any(_DECIMAL_COMMA.match(cell) for _, cells in rows[:50] for cell in cells.values())
    if rows and "Metric Name" in rows[0][1]:
        launches = _by_metric(rows)
    else:
        units = rows[0][1] if rows and not rows[0][1].get("ID", "").strip() else {}
        launches = [
            (locator, cells, {name: (cell, units.get(name, "")) for name, cell in cells.items()})
            for locator, cells in rows[1 if units else 0 :]
        ]
    for locator, cells, metrics in launches:
        with refusing(reading, locator):
            _launch(reading, locator, cells, metrics, commas=commas)
    return reading


_Launch = tuple[str, dict[str, str], dict[str, tuple[str, str]]]


def _by_metric(rows: list[tuple[str, dict[str, str]]]) -> list[_Launch]:
    """The launches of the details page: rows of one process and ID belong together."""
    found: dict[tuple[str, ...], _Launch] = {}
    for locator, cells in rows:
        key = (cells.get("Process ID", ""), cells.get("ID", ""), cells["Kernel Name"])
        launch = found.setdefault(key, (locator, cells, {}))
        if cells["Metric Name"]:
            launch[2].setdefault(cells["Metric Name"], (cells["Metric Value"], cells.get("Metric Unit", "")))
    return list(found.values())


def _launch(
    reading: Reading,
    locator: str,
    cells: dict[str, str],
    metrics: dict[str, tuple[str, str]],
    *,
    commas: bool,
) -> None:
    shapes = [
        f"{word}_{_SHAPE.sub('x', cells[column].strip('() '))}"
        for word, column in (("grid", "Grid Size"), ("block", "Block Size"))
        if cells.get(column, "").strip()
    ]
    row: Row = {
        "locator": locator,
        "suite": "ncu",
        "case": case_name(_kernel(cells["Kernel Name"])) or "kernel",
        "workload": label("_".join(shapes)),
        "device": label(f"cuda:{cells['Device']}") if cells.get("Device", "").strip() else "cuda",
        "config": config({}),
        "status": "ok",
    }
    name = metrics.get("device__attribute_display_name", ("", ""))[0]
    if name.strip():
        row["hardware"] = label(name)
    if cells.get("Kernel Time", "").strip():
        with refusing(reading, locator):
            dated(reading, row, cells["Kernel Time"].replace("/", "-"), locator=locator)
    timed = next((metric for metric in _DURATION if metrics.get(metric, ("", ""))[0].strip()), None)
    if timed is not None:
        text, unit = metrics[timed]
        plain = _plain(text, f"{locator}, {timed}", commas=commas)
        scale = _UNITS.get(unit.strip().lower(), unit.strip()) or "ns"
        statistics(row, {timed: plain}, {timed: "mean_s"}, scale, locator=locator)
        row["n"] = 1
    reading.add("timings", row)
    for metric, counter in _PERCENTS.items():
        text, unit = metrics.get(metric, ("", ""))
        if text.strip() and unit.strip() == "%":
            value = number(_plain(text, f"{locator}, {metric}", commas=commas), locator=locator)
            if value is not None:
                sample = {key: item for key, item in row.items() if key not in ("case", "mean_s", "n")}
                sample |= {"metric": counter, "value": value, "unit": "percent"}
                reading.add("system_samples", sample, counts=False)


def _kernel(signature: str) -> str:
    """The name of a kernel without its return type and arguments."""
    text = signature.strip().removeprefix("void ")
    depth = 0
    for index, char in enumerate(text):
        depth += (char == "<") - (char == ">")
        if char == "(" and depth <= 0 and index and not text.startswith("(anonymous", index):
            return text[:index]
    return text


def _plain(text: str, place: str, *, commas: bool) -> str:
    """A number without its grouping. Raises ArtifactError where a comma could be a decimal comma."""
    text = text.strip()
    if commas and _DOTS.match(text):
        return text.replace(".", "").replace(",", ".")
    if _SPACED.match(text):
        return re.sub(r"[\u00a0\u202f' ]", "", text).replace(",", ".")
    if _GROUPS.match(text):
        return text.replace(",", "")
    if "," in text:
        raise ArtifactError(Reason.BAD_NUMBER, f"{place}: grouping unclear", locator=place, value=text[:40])
    return text


def matches_nsys(document: Document) -> bool:
    """The columns of a kernel, api or memory summary."""
    if b"Total Time (ns)" not in document.data[:20000] or document.format is Format.MARKDOWN:
        return False
    table = document.try_csv()
    return table is not None and set(table.header) >= _NSYS


def read_nsys(document: Document) -> Reading:
    """One row of `timings` a kernel (or call)."""
    reading = Reading(kind="nsys", tool="nsight-systems")
    fields = {
        "Avg (ns)": "mean_s",
        "Med (ns)": "median_s",
        "Min (ns)": "min_s",
        "Max (ns)": "max_s",
        "StdDev (ns)": "std_s",
    }
    for locator, cells in document.csv.records():
        with refusing(reading, locator):
            name: Any = cells.get("Name") or cells.get("Operation") or cells.get("Range") or ""
            row: Row = {
                "locator": locator,
                "suite": "nsys",
                "case": case_name(_kernel(name)) or "unnamed",
                "config": {},
                "status": "ok",
                "n": count(cells["Instances"], locator=locator, field="Instances"),
            }
            statistics(row, cells, fields, "ns", locator=locator)
            reading.add("timings", row)
    return reading


READERS = [
    Reader("nsight-compute", 1, matches_ncu, read_ncu, takes_ragged=True, signs=Signs(words=("Kernel Name",))),
    Reader("nsight-systems", 1, matches_nsys, read_nsys, signs=Signs(columns=("Total Time (ns)",))),
]
