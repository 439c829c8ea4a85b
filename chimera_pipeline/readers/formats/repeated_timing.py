"""Repeated timing baselines: {test_name, timing_stats{run_results[]}, environment}, and single distributions
{benchmark_name, timing{samples, mean_ms, ...}, environment}.

Each run is a row with the percentiles of its own samples. What the file then computes over run means
(its `latency_percentiles` are percentiles of a few means) is recomputable and is not read.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, measured, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_FIELDS = {
    "mean_ms": "mean_s",
    "stdev_ms": "std_s",
    "min_ms": "min_s",
    "max_ms": "max_s",
    "p50_ms": "median_s",
    "p90_ms": "p90_s",
    "p95_ms": "p95_s",
    "p99_ms": "p99_s",
}


def matches(document: Document) -> bool:
    """timing_stats with run_results, or a timing object with mean_ms."""
    value = document.try_json()
    if not isinstance(value, dict):
        return False
    stats, timing = value.get("timing_stats"), value.get("timing")
    return (isinstance(stats, dict) and isinstance(stats.get("run_results"), list)) or (
        isinstance(timing, dict) and "mean_ms" in timing and "benchmark_name" in value
    )


def read(document: Document) -> Reading:
    """One row of `timings` a run."""
    value = document.json
    if "timing_stats" in value:
        reading = Reading(kind="repeated_timing", tool="repeated-timing")
        runs = [
            (pointer("timing_stats", "run_results", index), run)
            for index, run in enumerate(value["timing_stats"]["run_results"])
        ]
    else:
        reading = Reading(kind="timing_distribution", tool="timing-distribution")
        runs = [(pointer("timing"), value["timing"])]
    for index, (locator, run) in enumerate(runs):
        reading.add("timings", _row(value, locator, index, run))
    return reading


def _row(value: dict[str, Any], locator: str, index: int, run: dict[str, Any]) -> Row:
    environment = value.get("environment") or {}
    gpu = redact.name(environment.get("gpu_name"))
    row: Row = {
        "locator": locator,
        "run_id": f"run{index + 1}",
        "suite": "repeated_timing",
        "case": redact.name(value.get("test_name") or value.get("benchmark_name")) or "unnamed",
        "config": config({"samples_per_run": run.get("samples", value.get("samples_per_run"))}),
        "status": "ok",
        "engine": _engine(environment),
    }
    if gpu is not None:
        row["hardware"] = gpu
        row["device"] = "cuda" if environment.get("cuda_available") else None
    measured(row, value.get("timestamp"), locator=locator)
    row["n"] = count(run.get("samples"), locator=locator, field="samples")
    for source, target in _FIELDS.items():
        if source in run:
            row[target] = number(run[source], "ms", locator=locator, field=source)
    return row


def _engine(environment: dict[str, Any]) -> str | None:
    torch = redact.name(environment.get("torch_version"))
    return f"torch-{torch}" if torch else None


READER = Reader("repeated-timing", 1, matches, read, signs=Signs(keys=("timing_stats", "timing")))
