"""Entries that are settled as rows of the tables of the contract."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable

import pandas as pd

from chimera_pipeline import redact
from chimera_pipeline.contracts import tables
from chimera_pipeline.metrics import series
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.metrics.refusals import Refused
from chimera_pipeline.records import ArtifactStatus, Gap, Rejection, Row


def typed(table: str, source: str, entries: list[Entry]) -> pd.DataFrame:
    """The rows under `source` of `entries` as `table`, built a column at a time; the entries keep them no longer."""
    counts = [len(entry.rows.get(source, ())) for entry in entries]
    rows = [row for entry in entries for row in entry.rows.pop(source, ())]
    made: dict[str, list[object]] = {
        "artifact_path": _repeated((entry.path for entry in entries), counts),
        "tool": _repeated((entry.reading.tool for entry in entries), counts),
        "status": [row.get("status", "ok") for row in rows],
        "config": [series.canonical_config(row.get("config")) for row in rows],
        "field_sources": [_as_json(row.get("field_sources") or None) for row in rows],
        "params": [_as_json(row.get("params")) for row in rows],
    }
    stated = set().union(*rows)
    data = made | {
        name: [row.get(name) for row in rows] for name in tables.columns(table) if name in stated and name not in made
    }
    return tables.frame_of_columns(table, data, len(rows))


def _repeated(values: Iterable[object], counts: list[int]) -> list[object]:
    return [value for value, count in zip(values, counts, strict=True) for _ in range(count)]


def _as_json(value: object) -> object:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value


def artifact(entry: Entry) -> Row:
    """The row of a file in table `artifacts`."""
    dated = [row["measured_at"] for _, row in entry.all_rows() if row.get("measured_at") is not None]
    sources = {row["time_source"] for _, row in entry.all_rows() if row.get("measured_at") is not None}
    return {
        "path": entry.path,
        "size_bytes": entry.artifact.size_bytes,
        "modified_at": pd.Timestamp(entry.artifact.mtime_ns // 1000, unit="us", tz="UTC"),
        "sha256": entry.artifact.sha256,
        "format": entry.artifact.format.value,
        "tool": entry.reading.tool,
        "status": entry.status.value,
        "reason": entry.reason,
        "detail": redact.printable(entry.detail) if entry.detail else None,
        "rows_ok": entry.reading.records_ok,
        "rows_failed": entry.reading.records_failed,
        "same_as": entry.same_as,
        "first_measured_at": min(dated, default=None),
        "last_measured_at": max(dated, default=None),
        "time_source": next((s for s in ("content", "filename", "mtime") if s in sources), "none"),
    }


def gap(gap: Gap) -> Row:
    """A row of table `telemetry_gaps`."""
    return {**dataclasses.asdict(gap), "artifacts": json.dumps(gap.artifacts)}


def quarantine(entries: list[Entry], rejections: list[Refused]) -> Iterable[Row]:
    """The rows of table `quarantine` for some files and what was refused of their rows."""
    impossible: dict[str, list[Rejection]] = {}
    for entry, rejection, _ in rejections:
        impossible.setdefault(entry.path, []).append(rejection)
    for entry in entries:
        refused = list(entry.reading.rejections) if entry.status is not ArtifactStatus.DUPLICATE else []
        if entry.artifact.skip_reason is not None:
            refused.append(Rejection(entry.artifact.skip_reason, entry.detail or entry.artifact.skip_reason))
        for rejection in (*refused, *impossible.get(entry.path, ())):
            yield {
                "artifact_path": entry.path,
                "locator": rejection.locator,
                "reason": str(rejection.reason),
                "detail": redact.printable(rejection.detail),
                "value": rejection.value,
            }
