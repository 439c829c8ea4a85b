"""pytest-benchmark: {machine_info{}, benchmarks: [{name, fullname, options{}, stats{}}], datetime,
version}.

Every time is in seconds per iteration; `rounds` samples stand behind the statistics, `stddev` has ddof 1
and is 0 by convention for one round. `datetime` is UTC also where it carries no zone (the tool writes
utcnow).
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline.readers.cases import case_name, dated, fail, label, refusing, samples, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_FIELDS = {"mean": "mean_s", "stddev": "std_s", "min": "min_s", "max": "max_s", "median": "median_s"}
_EXTRAS = {"q1": "p25", "q3": "p75"}


def matches(document: Document) -> bool:
    """An object with machine_info and benchmarks."""
    value = document.try_json()
    return (
        isinstance(value, dict)
        and isinstance(value.get("machine_info"), dict)
        and isinstance(value.get("benchmarks"), list)
        and not isinstance(value.get("context"), dict)
    )


def read(document: Document) -> Reading:
    """One row of `timings` a benchmark, raw samples and quartiles beside it."""
    value = document.json
    reading = Reading(kind="pytest_benchmark", tool="pytest-benchmark")
    shared: Row = {"engine": _engine(value["machine_info"]), "hardware": _cpu(value["machine_info"])}
    shared = {key: item for key, item in shared.items() if item is not None}
    if value.get("datetime"):
        stamp = value["datetime"]
        if isinstance(stamp, str) and len(stamp) >= 19 and "+" not in stamp[19:] and "Z" not in stamp:
            stamp += "+00:00"
        dated(reading, shared, stamp, locator=pointer("datetime"))
    for index, entry in enumerate(value["benchmarks"]):
        locator = pointer("benchmarks", index)
        with refusing(reading, locator):
            _add(reading, locator, entry, shared)
    return reading


def _add(reading: Reading, locator: str, entry: dict[str, Any], shared: Row) -> None:
    full = str(entry.get("fullname") or entry["name"])
    module, _, name = full.partition("::")
    row: Row = {
        **shared,
        "locator": locator,
        "suite": label(module) if name else "pytest",
        "case": case_name(name or full) or "unnamed",
        "config": config(entry.get("options") or {}),
        "status": "ok",
    }
    stats = entry.get("stats")
    if not stats or stats.get("mean") is None:
        reading.add("timings", fail(row, entry.get("error")))
        return
    row["n"] = count(stats.get("rounds"), locator=locator, field="rounds")
    statistics(row, stats, _FIELDS, None, locator=locator)
    if row.get("std_s") is not None:
        row["ddof"] = 1
    reading.add("timings", row)
    for source, statistic in _EXTRAS.items():
        if row["n"] is None or row["n"] > 1:
            extra(reading, row, "time_s", statistic, number(stats.get(source), locator=locator), n=row["n"])
    samples(
        reading,
        row,
        stats.get("data"),
        None,
        locator=locator + pointer("stats", "data"),
        total=row["n"],
    )


def _engine(machine: dict[str, Any]) -> str | None:
    version = machine.get("python_version")
    return label(f"{machine.get('python_implementation') or 'Python'}-{version}") if version else None


def _cpu(machine: dict[str, Any]) -> str | None:
    cpu = machine.get("cpu")
    if isinstance(cpu, dict):
        return label(cpu.get("brand_raw") or cpu.get("brand"))
    return label(cpu) if isinstance(cpu, str) else None


READER = Reader("pytest-benchmark", 1, matches, read, signs=Signs(keys=("machine_info",)))
