"""Compilation benchmarks: {model{}, settings{runs, warmup_runs}, backends{name: {benchmark, compilation}}}
and its markdown twin (Backend | Success | Compile Time (s) | Mean (ms) | ...).

A backend whose compilation failed keeps zeros in the file; it is a failed row without measurements.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, half_unit, measured, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Format, Reading, Row

_FIELDS = {"mean_time_ms": "mean_s", "std_time_ms": "std_s", "min_time_ms": "min_s", "max_time_ms": "max_s",
           "median_time_ms": "median_s"}  # fmt: skip
_COLUMNS = {"Mean (ms)": "mean_s", "Std (ms)": "std_s", "Min (ms)": "min_s", "Max (ms)": "max_s"}
_HEADER = re.compile(r"- (Generated|Model|Device|DType): ([^|\s]+)")


def matches(document: Document) -> bool:
    """Backends with a benchmark each, or a markdown table with the same columns."""
    value = document.try_json()
    if isinstance(value, dict):
        backends = value.get("backends")
        return isinstance(backends, dict) and any(
            isinstance(entry, dict) and isinstance(entry.get("benchmark"), dict) for entry in backends.values()
        )
    if document.format is Format.MARKDOWN and "Mean (ms)" in document.text:
        return any({"Backend", "Success", "Mean (ms)"} <= set(table.header) for table in document.markdown_tables)
    return False


def read(document: Document) -> Reading:
    """One row of `timings` a backend."""
    reading = Reading(kind="compile_benchmark", tool="compile-benchmark")
    value = document.try_json()
    if isinstance(value, dict):
        _read_json(value, reading)
    else:
        _read_markdown(document, reading)
    return reading


def _read_json(value: dict[str, Any], reading: Reading) -> None:
    model, settings = _object(value.get("model")), _object(value.get("settings"))
    for name, entry in value["backends"].items():
        if not isinstance(entry, dict):
            continue
        locator = pointer("backends", name)
        row = _identity(locator, model.get("name"), name, model.get("device"), model.get("dtype"))
        row["config"] = config({**model, "runs": settings.get("runs"), "warmup_runs": settings.get("warmup_runs")})
        measured(row, value.get("generated_at"), locator=locator)
        compilation, benchmark = _object(entry.get("compilation")), _object(entry.get("benchmark"))
        error = compilation.get("error") or entry.get("error")
        if compilation.get("success") is False or not benchmark or benchmark.get("mean_time_ms") == 0:
            row["status"], row["error_kind"] = "failed", redact.error_kind(error) or "other"
            reading.add("timings", row)
            continue
        row["n"] = count(benchmark.get("runs", settings.get("runs")), locator=locator, field="runs")
        for source, target in _FIELDS.items():
            if source in benchmark:
                row[target] = number(benchmark[source], "ms", locator=locator, field=source)
        if compilation:
            row["compile_s"] = number(compilation.get("compile_time_s"), locator=locator, field="compile_time_s")
        reading.add("timings", row)


def _read_markdown(document: Document, reading: Reading) -> None:
    for table in document.markdown_tables:
        if not {"Backend", "Success", "Mean (ms)"} <= set(table.header):
            continue
        stated = dict(_HEADER.findall("\n".join(table.before)))
        halves = {}
        for position, column in enumerate(table.header):
            cells = [row[position] for row in table.rows]
            if column in _COLUMNS:
                halves[_COLUMNS[column]] = half_unit(cells, "ms")
            elif column == "Compile Time (s)":
                halves["compile_s"] = half_unit(cells)
        reading.precision["timings"] = {field: half for field, half in halves.items() if half is not None}
        for line, cells in zip(table.lines, table.rows, strict=True):
            record = dict(zip(table.header, cells, strict=True))
            locator = f"line {line}"
            row = _identity(
                locator,
                stated.get("Model"),
                record["Backend"],
                stated.get("Device"),
                stated.get("DType"),
            )
            measured(row, stated.get("Generated"), locator=locator)
            if record["Success"].strip().lower() not in ("yes", "true"):
                row["status"], row["error_kind"] = (
                    "failed",
                    redact.error_kind(record.get("Notes")) or "other",
                )
            else:
                for column, target in _COLUMNS.items():
                    row[target] = number(record.get(column), "ms", locator=locator, field=column)
            reading.add("timings", row)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _identity(locator: str, model: Any, backend: Any, device: Any, dtype: Any) -> Row:
    name = redact.name(model) or "model"
    return {
        "locator": locator,
        "suite": "compile_benchmark",
        "case": f"{name}/{redact.name(backend)}",
        "backend": redact.name(backend),
        "device": redact.name(device),
        "dtype": redact.name(dtype),
        "config": {},
        "status": "ok",
    }


READER = Reader("compile-benchmark", 2, matches, read, signs=Signs(keys=("backends",), words=("Mean (ms)",)))
