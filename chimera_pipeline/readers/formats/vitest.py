"""vitest bench --outputJson: {files: [{filepath, groups: [{fullName, benchmarks: [{name, mean, sd, hz,
...}]}]}]}.

Milliseconds per operation; `sd` has ddof 1. A benchmark that threw has no mean and failed. No time of
measurement.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline.readers.cases import case_name, fail, label, refusing, samples, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import count, extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_FIELDS = {
    "mean": "mean_s",
    "sd": "std_s",
    "min": "min_s",
    "max": "max_s",
    "median": "median_s",
    "p99": "p99_s",
}
_EXTRAS = {"p75": "p75", "p999": "p99.9"}


def matches(document: Document) -> bool:
    """Files with groups of benchmarks."""
    value = document.try_json()
    if not isinstance(value, dict) or not isinstance(value.get("files"), list):
        return False
    return bool(value["files"]) and all(
        isinstance(file, dict) and "filepath" in file and isinstance(file.get("groups"), list)
        for file in value["files"]
    )


def read(document: Document) -> Reading:
    """One row of `timings` a benchmark."""
    reading = Reading(kind="vitest", tool="vitest")
    for i, file in enumerate(document.json["files"]):
        for j, group in enumerate(file["groups"]):
            for k, entry in enumerate(group.get("benchmarks") or ()):
                locator = pointer("files", i, "groups", j, "benchmarks", k)
                with refusing(reading, locator):
                    _add(reading, locator, str(group.get("fullName") or ""), entry)
    return reading


def _add(reading: Reading, locator: str, group: str, entry: dict[str, Any]) -> None:
    parts = [part.strip() for part in group.split(" > ") if part.strip()]
    row: Row = {
        "locator": locator,
        "suite": label(parts[0]) if parts else "vitest",
        "case": case_name("/".join([*parts[1:], str(entry["name"])])) or "unnamed",
        "config": {},
        "status": "ok",
    }
    if entry.get("mean") is None:
        reading.add("timings", fail(row, entry.get("error")))
        return
    raw = entry.get("samples")
    row["n"] = count(entry.get("sampleCount", len(raw) if raw else None), locator=locator)
    statistics(row, entry, _FIELDS, "ms", locator=locator)
    if row.get("std_s") is not None:
        row["ddof"] = 1
    reading.add("timings", row)
    for source, statistic in _EXTRAS.items():
        value = number(entry.get(source), "ms", locator=locator, field=source)
        extra(reading, row, "time_s", statistic, value, n=row["n"])
    samples(reading, row, raw, "ms", locator=locator + pointer("samples"), total=row["n"])


READER = Reader("vitest", 1, matches, read, signs=Signs(keys=("files",)))
