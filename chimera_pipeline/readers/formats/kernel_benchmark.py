"""Kernel micro-benchmarks: {group: {case: {mean_time_ms, std_time_ms, min_time_ms, max_time_ms}}}."""

from __future__ import annotations

from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import count, number, pointer
from chimera_pipeline.readers.reader import ANY, Reader, Signs
from chimera_pipeline.records import Reading, Row

_FIELDS = {
    "mean_time_ms": "mean_s",
    "std_time_ms": "std_s",
    "min_time_ms": "min_s",
    "max_time_ms": "max_s",
    "median_time_ms": "median_s",
}


def _cases(value: Any) -> list[tuple[str, str, dict[str, Any]]]:
    if not isinstance(value, dict):
        return []
    return [
        (group, case, entry)
        for group, cases in value.items()
        if isinstance(cases, dict)
        for case, entry in cases.items()
        if isinstance(entry, dict) and "mean_time_ms" in entry
    ]


def matches(document: Document) -> bool:
    """At least one group holds a case with mean_time_ms."""
    return bool(_cases(document.try_json()))


def read(document: Document) -> Reading:
    """One row of `timings` a case; a case that is all zero, or has an error, failed."""
    reading = Reading(kind="kernel_benchmark", tool="kernel-benchmark")
    for group, case, entry in _cases(document.json):
        locator = pointer(group, case)
        row: Row = {
            "locator": locator,
            "suite": "kernel_benchmark",
            "case": f"{redact.name(group)}/{redact.name(case)}",
            "config": {},
            "status": "ok",
        }
        times = {
            target: number(entry[source], "ms", locator=locator, field=source)
            for source, target in _FIELDS.items()
            if source in entry
        }
        if entry.get("error") or entry.get("success") is False or times.get("mean_s") == 0:
            row["status"], row["error_kind"] = (
                "failed",
                redact.error_kind(entry.get("error")) or "no_output",
            )
        else:
            row.update(times)
            for source in ("runs", "iterations", "samples", "n"):
                if source in entry:
                    row["n"] = count(entry[source], locator=locator, field=source)
                    break
            if entry.get("device"):
                row["device"] = redact.name(entry["device"])
        reading.add("timings", row)
    return reading


READER = Reader("kernel-benchmark", 1, matches, read, signs=Signs(keys=(ANY,)))
