"""The whole store, settled: identity, time, phases, series and gaps, as the tables of the contract.

In: artifacts with their readings. Out: one DataFrame for each settled table, the same for any order of input.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from chimera_pipeline import redact
from chimera_pipeline.contracts import tables, validation, vocabulary
from chimera_pipeline.contracts.checks import ordered
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics import aliases, coverage, derived, gaps, gaps_store, identity, phases, series, times
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.metrics.workloads import set_workloads
from chimera_pipeline.records import Artifact, ArtifactStatus, Gap, Reading, Rejection, Row


def settle(
    readings: Iterable[tuple[Artifact, Reading | None]],
    *,
    expected_dirs: Iterable[str] = (),
    period: str = "month",
    now: dt.datetime | None = None,
) -> dict[str, pd.DataFrame]:
    """Every settled table by name. The rows of `readings` are changed: each artifact brings a reading of its own.

    `period` is the kind of report period in which measurements are expected. A time more than a day after `now` is
    refused; None believes every time.
    """
    entries = sorted((Entry.of(*pair) for pair in readings), key=lambda entry: entry.path)
    identity.set_copies_aside(entries)
    identity.lend_models(entries)
    identity.merge_twins(entries)
    identity.set_subsets_aside(entries)
    found = derived.settle_summaries(entries)
    times.date_rows(entries)
    rejections, future = times.refuse_future(entries, now)
    phases.set_phases(entries)
    rejections += _drop_impossible(entries)
    set_workloads(entries)
    series_rows = series.assign(entries)
    live = [entry for entry in entries if entry.counts]
    found += gaps.telemetry_gaps(live) + gaps.failed_request_gaps(live) + times.time_gaps(live)
    found += gaps.missing_directories([entry.path for entry in entries], list(expected_dirs))
    found += [*future, *_range_gaps(rejections), *gaps_store.store_gaps(live, period=period)]
    cells, names = coverage.cells_of(live), aliases.aliases_of(live)
    found += [*coverage.coverage_gaps(cells), *aliases.moved_gaps(names)]
    out = {"artifacts": tables.frame("artifacts", [_artifact_row(entry) for entry in entries])}
    out["series"] = tables.frame("series", series_rows)
    out["coverage"] = tables.frame("coverage", coverage.rows_of(cells))
    out["model_aliases"] = tables.frame("model_aliases", aliases.rows_of(names))
    out["telemetry_gaps"] = tables.frame("telemetry_gaps", [_gap_row(gap) for gap in gaps.order(found)])
    out["quarantine"] = tables.frame("quarantine", list(_quarantine(entries, rejections)))
    # last, because each table lets go of its rows
    out |= {table: _typed_rows(table, table, live) for table in METRIC_TABLES}
    out[EXTRAS] = _typed_rows(EXTRAS, "measurements", live)
    return out


def _drop_impossible(entries: list[Entry]) -> list[tuple[Entry, Rejection, str]]:
    """Null every measured value that pandera finds outside its range, remembering which."""
    rejected = []
    for table in METRIC_TABLES:
        rows = [(entry, row) for entry in entries if entry.counts for row in entry.rows.get(table, ())]
        names = [name for name, dtype in tables.columns(table).items() if dtype in ("float64", "Int64")]
        if not rows:
            continue
        frame = pd.DataFrame({name: pd.Series([row.get(name) for _, row in rows], dtype="float64") for name in names})
        for name, index in _impossible(table, frame):
            entry, row = rows[index]
            value = row.pop(name)
            row[name] = None
            detail = f"{row['locator']}: {name} is {value:g}, which is impossible"
            rejected.append((entry, Rejection(Reason.OUT_OF_RANGE, detail, row["locator"], redact.value(value)), name))
    counts = Counter(id(entry) for entry, _, _ in rejected)
    for entry in {id(entry): entry for entry, _, _ in rejected}.values():
        if entry.status is ArtifactStatus.OK:
            count = counts[id(entry)]
            entry.status, entry.reason = ArtifactStatus.PARTIAL, Reason.OUT_OF_RANGE
            entry.detail = f"{count} impossible values refused"
    return rejected


def _impossible(table: str, frame: pd.DataFrame) -> list[tuple[str, int]]:
    """(column, row) of values that break a range check of the contract or are implausible for the metric.

    So are a smallest value above the mean and a largest one below it; the mean stays.
    """
    bad: set[tuple[str, int]] = set()
    cases = validation.column_failures(validation.ranges(table), frame)
    bad.update((str(name), int(index)) for name, index in zip(cases["column"], cases["index"], strict=True))
    for name in frame.columns:
        metric = vocabulary.metrics().get(name)
        if metric is not None:
            low, high = metric.plausible
            outside = frame.index[(frame[name] < low) | (frame[name] > high)]
            bad.update((name, int(index)) for index in outside)
    for name, index in bad:
        frame.loc[index, name] = None
    for lower, upper in validation.orders(table):
        crossed = frame.index[~ordered(frame, low=lower, high=upper)]
        bounds = [name for name in (lower, upper) if not name.startswith("mean")]
        bad.update((name, int(index)) for index in crossed for name in bounds)
    return sorted(bad)


def _range_gaps(rejections: list[tuple[Entry, Rejection, str]]) -> list[Gap]:
    return [
        Gap(
            kind="out_of_range",
            table="quarantine",
            field=field,
            subject=f"{entry.path} {rejection.locator}",
            artifacts=(entry.path,),
            consequence="the value is refused; the rest of its record is kept",
            remedy="check the tool and its clock",
        )
        for entry, rejection, field in rejections
        if field != times.FIELD
    ]


def _typed_rows(table: str, source: str, entries: list[Entry]) -> pd.DataFrame:
    """The rows under `source` of `entries` as `table`, built a column at a time; the entries keep them no longer."""
    counts = [len(entry.rows.get(source, ())) for entry in entries]
    rows = [row for entry in entries for row in entry.rows.pop(source, ())]
    made: dict[str, list[object]] = {
        "artifact_path": _repeated((entry.path for entry in entries), counts),
        "artifact_sha256": _repeated((entry.artifact.sha256 for entry in entries), counts),
        "tool": _repeated((entry.reading.tool for entry in entries), counts),
        "status": [row.get("status", "ok") for row in rows],
        "config": [series.canonical_config(row.get("config")) for row in rows],
        "field_sources": [_as_json(row.get("field_sources") or None) for row in rows],
        "params": [_as_json(row.get("params")) for row in rows],
    }
    names = tables.columns(table)
    data = {name: made[name] if name in made else [row.get(name) for row in rows] for name in names}
    return tables.frame_of_columns(table, data, len(rows))


def _repeated(values: Iterable[object], counts: list[int]) -> list[object]:
    return [value for value, count in zip(values, counts, strict=True) for _ in range(count)]


def _as_json(value: object) -> object:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value


def _artifact_row(entry: Entry) -> Row:
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


def _gap_row(gap: Gap) -> Row:
    return {**dataclasses.asdict(gap), "artifacts": json.dumps(gap.artifacts)}


def _quarantine(entries: list[Entry], rejections: list[tuple[Entry, Rejection, str]]) -> Iterable[Row]:
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
