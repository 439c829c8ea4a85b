"""The whole store, settled: identity, time, phases, series and gaps, as the tables of the contract.

In: the files of the store. Out: the settled tables, the same for any order of input. What concerns several files is
decided first, from cards (`files`); then rows pass by once more, some files at a time, and leave as frames.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Iterator

import pandas as pd

from chimera_pipeline import redact
from chimera_pipeline.contracts import tables
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES
from chimera_pipeline.metrics import (
    aliases,
    coverage,
    derived,
    gaps,
    gaps_store,
    identity,
    phases,
    refusals,
    series,
    times,
    workloads,
)
from chimera_pipeline.metrics.entries import Entry, Source
from chimera_pipeline.metrics.files import Card, Files
from chimera_pipeline.records import Artifact, ArtifactStatus, Gap, Reading, Rejection, Row

CHUNK_ROWS = 50_000
BY_FILE = ("artifacts", *METRIC_TABLES, EXTRAS, "quarantine")
"""Tables whose rows are of one file each, in order of its path; the others are of the store."""


def settle(
    readings: Iterable[tuple[Artifact, Reading | None]],
    *,
    expected_dirs: Iterable[str] = (),
    period: str = "month",
    now: dt.datetime | None = None,
    rows: int = CHUNK_ROWS,
) -> dict[str, pd.DataFrame]:
    """Every settled table by name, whole. For the arguments see `Settling`."""
    settling = Settling(_Given(readings), expected_dirs=expected_dirs, period=period, now=now, rows=rows)
    return whole(settling)


def whole(settling: Settling) -> dict[str, pd.DataFrame]:
    """Every settled table by name."""
    parts = list(settling)
    return {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in BY_FILE} | settling.rest()


class Settling:
    """The settled tables of a store: those of its files chunk by chunk, each gone through once; then the `rest`.

    `period` is the kind of report period in which measurements are expected. A time more than a day after `now` is
    refused; None believes every time. `rows`: about so many of a file's rows are in one chunk.
    """

    def __init__(
        self,
        source: Source,
        *,
        expected_dirs: Iterable[str] = (),
        period: str = "month",
        now: dt.datetime | None = None,
        rows: int = CHUNK_ROWS,
    ) -> None:
        self._expected, self._period, self._now, self._rows = list(expected_dirs), period, now, rows
        self._files = Files(source)
        identity.settle_identity(self._files)
        self._gaps = derived.settle_elsewhere(self._files)
        self._workloads = workloads.join_logs(self._files, self._dated)
        self._series = series.Catalogue()
        self._telemetry, self._wide = gaps.Telemetry(), gaps_store.StoreWide()
        self._grid, self._names = coverage.Grid(), aliases.Names()

    def __iter__(self) -> Iterator[dict[str, pd.DataFrame]]:
        """The tables `BY_FILE` of the next files; always at least once."""
        for cards in _chunks(self._files.cards, self._rows):
            yield self._settled(cards)

    def rest(self) -> dict[str, pd.DataFrame]:
        """The tables that are of the store, once all chunks have passed."""
        cells, names = self._grid.cells(), self._names.all()
        paths = [card.path for card in self._files.cards]
        found = [*self._gaps, *self._telemetry.gaps(), *self._wide.gaps(period=self._period)]
        found += gaps.missing_directories(paths, self._expected)
        found += [*coverage.coverage_gaps(cells), *aliases.moved_gaps(names)]
        return {
            "series": tables.frame("series", self._series.rows()),
            "coverage": tables.frame("coverage", coverage.rows_of(cells)),
            "model_aliases": tables.frame("model_aliases", aliases.rows_of(names)),
            "telemetry_gaps": tables.frame("telemetry_gaps", [_gap_row(gap) for gap in gaps.order(found)]),
        }

    def _dated(self, cards: Iterable[Card]) -> Iterator[Entry]:
        """Entries with what they state of their times, and without values that cannot be."""
        for some in _chunks(list(cards), self._rows):
            yield from self._refused(some)[0]

    def _refused(self, cards: Iterable[Card]) -> tuple[list[Entry], list[refusals.Refused], list[Gap]]:
        entries, found = [], []
        for card, entry in zip(cards, self._files.entries(cards), strict=True):
            if entry.counts:
                found += derived.settle_inside(entry, card.unexplained)
            entries.append(entry)
        times.date_rows(entries)
        rejections, future = times.refuse_future(entries, self._now)
        phases.set_phases(entries)
        rejections += refusals.drop_impossible(entries)
        return entries, rejections, [*found, *future, *refusals.range_gaps(rejections)]

    def _settled(self, cards: list[Card]) -> dict[str, pd.DataFrame]:
        entries, rejections, found = self._refused(cards)
        self._gaps += found
        live = [entry for entry in entries if entry.counts]
        for entry in live:
            workloads.set_workloads(entry, self._workloads)
            self._series.assign(entry)
            self._gaps += gaps.failed_request_gaps(entry)
            self._gaps += [*times.time_gaps(entry), *self._wide.look_at(entry)]
            self._grid.look_at(entry)
            self._names.look_at(entry)
        self._telemetry.look_at(live)
        out = {"artifacts": tables.frame("artifacts", [_artifact_row(entry) for entry in entries])}
        out["quarantine"] = tables.frame("quarantine", list(_quarantine(entries, rejections)))
        # last, because each table lets go of its rows
        out |= {table: _typed_rows(table, table, live) for table in METRIC_TABLES}
        out[EXTRAS] = _typed_rows(EXTRAS, "measurements", live)
        return out


class _Given:
    """Readings that are at hand; each entry gets a copy."""

    def __init__(self, readings: Iterable[tuple[Artifact, Reading | None]]) -> None:
        self._readings = {artifact.path: (artifact, reading) for artifact, reading in readings}

    def artifacts(self) -> list[Artifact]:
        return [artifact for artifact, _ in self._readings.values()]

    def entries(self, artifacts: Iterable[Artifact]) -> Iterator[Entry]:
        for artifact in artifacts:
            reading = self._readings[artifact.path][1]
            yield Entry.of(artifact, None if reading is None else _copied(reading))


def _copied(reading: Reading) -> Reading:
    """A reading with rows of its own."""
    rows = {table: [copy.copy(row) for row in found] for table, found in reading.rows.items()}
    for row in (row for found in rows.values() for row in found if row.get("field_sources")):
        row["field_sources"] = dict(row["field_sources"])
    return dataclasses.replace(reading, rows=rows)


def _chunks(cards: list[Card], rows: int) -> Iterator[list[Card]]:
    """`cards` in turn, about so many rows in each; always at least one chunk."""
    some: list[Card] = []
    held = 0
    for card in cards:
        some.append(card)
        held += card.size
        if held >= rows:
            yield some
            some, held = [], 0
    if some or not cards:
        yield some


def _typed_rows(table: str, source: str, entries: list[Entry]) -> pd.DataFrame:
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
