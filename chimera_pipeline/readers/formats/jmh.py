"""JMH: json [{benchmark, mode, params{}, primaryMetric{score, scoreUnit, rawData[][], scorePercentiles{}}}]
and csv.

Modes avgt, sample and ss state a time per operation, thrpt a rate. `scoreError` is half of a 99.9 %
interval, not a standard deviation, and "NaN" for too few samples. Percentiles are over iterations, in mode
sample over operations.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline.readers.cases import case_name, fail, label, refusing, statistics, unit_word
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row
from chimera_pipeline.units import canonical

_TIMES = {"ns", "us", "ms", "s", "min", "hr", "day"}
_UNITS = {"hr": "hour"}
_PERCENTILES = {
    "0.0": "min_s",
    "50.0": "median_s",
    "90.0": "p90_s",
    "95.0": "p95_s",
    "99.0": "p99_s",
    "100.0": "max_s",
}
_CSV = {"Benchmark", "Mode", "Score", "Unit"}


def matches(document: Document) -> bool:
    """A list of objects with benchmark, mode and primaryMetric; or the csv's columns."""
    value = document.try_json()
    if isinstance(value, list):
        return bool(value) and all(
            isinstance(entry, dict) and {"benchmark", "mode", "primaryMetric"} <= set(entry) for entry in value
        )
    if value is not None:
        return False
    table = document.try_csv()
    return table is not None and set(table.header) >= _CSV


def read(document: Document) -> Reading:
    """A row of `timings` for a time per operation, of `throughputs` for a rate."""
    reading = Reading(kind="jmh", tool="jmh")
    value = document.try_json()
    if isinstance(value, list):
        for index, entry in enumerate(value):
            locator = pointer(index)
            with refusing(reading, locator):
                _entry(reading, locator, entry)
        return reading
    for locator, cells in document.csv.records():
        if ":" in cells["Benchmark"]:
            continue
        with refusing(reading, locator):
            params = {
                key.removeprefix("Param: "): cell for key, cell in cells.items() if key.startswith("Param: ") and cell
            }
            row = _identity(locator, cells["Benchmark"], params)
            row["config"] = config({"mode": cells["Mode"], "threads": cells.get("Threads")})
            row["n"] = count(cells.get("Samples"), locator=locator, field="Samples")
            score = number(cells["Score"], locator=locator, field="Score")
            _score(reading, row, score, cells["Unit"], {})
    return reading


def _identity(locator: str, benchmark: str, params: dict[str, Any]) -> Row:
    name = ":".join([benchmark, *(f"{key}:{item}" for key, item in sorted(params.items()))])
    return {
        "locator": locator,
        "suite": "jmh",
        "case": case_name(name) or "unnamed",
        "config": {},
        "status": "ok",
    }


def _entry(reading: Reading, locator: str, entry: dict[str, Any]) -> None:
    primary = entry["primaryMetric"]
    row = _identity(locator, str(entry["benchmark"]), entry.get("params") or {})
    row["config"] = config({"mode": entry["mode"], "threads": entry.get("threads")})
    if entry.get("jdkVersion"):
        row["engine"] = label(f"jdk-{entry['jdkVersion']}")
    raw = primary.get("rawData") or []
    values = [(f"/{fork}/{i}", item) for fork, runs in enumerate(raw) for i, item in enumerate(runs)]
    histogram = primary.get("rawDataHistogram") or []
    if values:
        row["n"] = len(values)
    elif histogram:
        row["n"] = sum(int(times) for fork in histogram for iteration in fork for _, times in iteration)
    score = number(primary.get("score"), locator=locator, field="score")
    unit = str(primary.get("scoreUnit"))
    _score(reading, row, score, unit, primary.get("scorePercentiles") or {})
    if score is not None and len(values) > 1:
        metric, divisor = ("time_s", unit.partition("/")[0]) if "/op" in unit else ("rate", None)
        for place, item in values if len(values) <= 1000 else []:
            stated = number(item, locator=locator, field="rawData")
            if stated is not None:
                stated = canonical(stated, _UNITS.get(divisor, divisor)) if divisor else _per_second(stated, unit)
            extra(
                reading,
                row,
                metric,
                "sample",
                stated,
                n=1,
                locator=f"{locator}/primaryMetric/rawData{place}",
                unit=None if divisor else "ops/s",
            )
    for name, secondary in (entry.get("secondaryMetrics") or {}).items():
        if name.lstrip("·") == "gc.alloc.rate.norm" and secondary.get("scoreUnit") == "B/op":
            allocated = number(secondary.get("score"), locator=locator, field=name)
            extra(reading, row, "alloc_bytes", "mean", allocated, n=row.get("n"))


def _per_second(value: float, unit: str) -> float:
    per = unit.partition("/")[2]
    return value / canonical(1.0, _UNITS.get(per, per))


def _score(reading: Reading, row: Row, score: float | None, unit: str, percentiles: dict[str, Any]) -> None:
    top, _, per = unit.partition("/")
    if score is None:
        reading.add("timings", fail(row))
    elif per == "op" and top in _TIMES:
        stated = _UNITS.get(top, top)
        found = {"score": score}
        fields = {"score": "mean_s"}
        if row.get("n") is None or row["n"] > 1:
            found |= percentiles
            fields |= _PERCENTILES
        statistics(row, found, fields, stated, locator=row["locator"])
        reading.add("timings", row)
    elif top == "ops" and per in _TIMES:
        rate = _per_second(score, unit)
        reading.add("throughputs", {**row, "rate_mean": rate, "rate_unit": "ops/s"})
    else:
        reading.records_ok += 1
        extra(reading, row, "tracked_value", "mean", score, n=row.get("n"), unit=unit_word(unit))


READER = Reader("jmh", 1, matches, read, signs=Signs(keys=("primaryMetric",), columns=("Score",)))
