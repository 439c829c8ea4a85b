"""The whole store, settled: identity, time, phases, series and gaps, as the tables of the contract.

In: the files of the store. Out: the settled tables, the same for any order of input. What concerns several files is
decided first, from cards (`files`); then rows pass by once more, some files at a time, and leave as frames.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import orjson
import pandas as pd

from chimera_pipeline.contracts import tables
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES
from chimera_pipeline.metrics import (
    aliases,
    chunks,
    coverage,
    derived,
    gaps,
    identity,
    phases,
    refusals,
    series,
    settled_rows,
    times,
    workloads,
)
from chimera_pipeline.metrics.entries import Entry, Source
from chimera_pipeline.metrics.files import Card, Files
from chimera_pipeline.metrics.tally import Tally
from chimera_pipeline.records import Artifact, Gap, Reading

CHUNK_ROWS = 50_000
_SOURCES = {**{table: table for table in METRIC_TABLES}, EXTRAS: "measurements"}
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
    """Every settled table by name, of a settling for which nothing is kept."""
    parts = [part.frames for part in settling]
    return {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in BY_FILE} | settling.rest()


@dataclass(slots=True, eq=False)
class Chunk:
    """Files that are settled together, all that they are settled from as `key`, and what was told of them.

    `rows`: how many they have in each table of `BY_FILE`. `anew`: they were settled now, and are not kept. `lasting`:
    what is told of them is the same whenever it is asked; where a time was refused as future it is not.
    """

    cards: list[Card]
    key: str
    told: bytes | None = None
    rows: dict[str, int] = field(default_factory=dict)
    anew: bool = False
    lasting: bool = True

    @property
    def size(self) -> int:
        """How many rows its files have."""
        return sum(card.size for card in self.cards)


@dataclass(frozen=True, slots=True)
class Part:
    """The next chunks in order, and the rows of those that were settled anew, in order, in the tables `BY_FILE`."""

    frames: dict[str, pd.DataFrame]
    chunks: list[Chunk]


class Settling:
    """The settled tables of a store: those of its files chunk by chunk, each gone through once; then the `rest`.

    `period` is the kind of report period in which measurements are expected. A time more than a day after `now` is
    refused; None believes every time. `rows`: about so many rows are held at once, of chunks of about `usual` rows.
    `kept` gives what was told of a chunk that an earlier settling of this `version` has written, by key: it is not
    settled again.
    """

    def __init__(
        self,
        source: Source,
        *,
        expected_dirs: Iterable[str] = (),
        period: str = "month",
        now: dt.datetime | None = None,
        rows: int = CHUNK_ROWS,
        usual: int = chunks.USUAL_ROWS,
        version: str = "",
        kept: Callable[[str], bytes | None] = lambda key: None,
    ) -> None:
        self._expected, self._period, self._now, self._rows = list(expected_dirs), period, now, rows
        self._usual, self._kept = min(rows, usual), kept
        self._files = Files(source)
        identity.settle_identity(self._files)
        self._gaps = derived.settle_elsewhere(self._files)
        self._workloads = workloads.join_logs(self._files, self._dated)
        self._keys = chunks.Keys(version, self._files.by_path, self._workloads)
        self._series, self._telemetry = series.Catalogue(), gaps.Telemetry()
        self._tally = Tally()

    def __iter__(self) -> Iterator[Part]:
        """The next chunks, of which some have to be settled; always at least once."""
        for some in chunks.together(self._chunks(), lambda chunk: 0 if chunk.told else chunk.size, self._rows):
            yield self._settled(some)

    def _chunks(self) -> Iterator[Chunk]:
        """Every chunk, with what was told of it where that holds."""
        for cards in chunks.cut(self._files.cards, self._usual):
            chunk = Chunk(cards, self._keys.of(cards))
            told = self._kept(chunk.key)
            if told is not None:
                self._add(told, chunk)
            yield chunk

    def rest(self) -> dict[str, pd.DataFrame]:
        """The tables that are of the store, once all chunks have passed."""
        cells, names = self._tally.grid.cells(), self._tally.names.all()
        paths = [card.path for card in self._files.cards]
        found = [*self._gaps, *self._tally.gaps, *self._telemetry.gaps(), *self._tally.wide.gaps(period=self._period)]
        found += gaps.missing_directories(paths, self._expected)
        found += [*coverage.coverage_gaps(cells), *aliases.moved_gaps(names)]
        return {
            "series": tables.frame("series", self._series.rows()),
            "coverage": tables.frame("coverage", coverage.rows_of(cells)),
            "model_aliases": tables.frame("model_aliases", aliases.rows_of(names)),
            "telemetry_gaps": tables.frame("telemetry_gaps", [settled_rows.gap(gap) for gap in gaps.order(found)]),
        }

    def _add(self, told: bytes, chunk: Chunk) -> None:
        """Count what was told of a chunk; not where a time in it would be refused by now."""
        found = orjson.loads(told)
        limit = times.limit(self._now)
        if limit and (found["latest"] or "") > limit:
            return
        self._series.add(found["series"])
        self._telemetry.add(found["telemetry"])
        self._tally.add(found)
        chunk.told, chunk.rows = told, found["rows"]

    def _dated(self, cards: Iterable[Card]) -> Iterator[Entry]:
        """Entries with what they state of their times, and without values that cannot be."""
        for some in chunks.together(cards, lambda card: card.size, self._rows):
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

    def _settled(self, some: list[Chunk]) -> Part:
        """The chunks with those settled of which nothing was told; what is asked of rows is asked of all at once."""
        anew = [chunk for chunk in some if chunk.told is None]
        entries, rejections, found = self._refused([card for chunk in anew for card in chunk.cards])
        owners = {card.path: place for place, chunk in enumerate(anew) for card in chunk.cards}
        tallies = [Tally() for _ in anew]
        for gap in found:
            tallies[owners[gap.artifacts[0]]].gaps.append(gap)
        live = [entry for entry in entries if entry.counts]
        ids: list[set[str]] = [set() for _ in anew]
        for entry in live:
            place = owners[entry.path]
            workloads.set_workloads(entry, self._workloads)
            ids[place] |= self._series.assign(entry)
            tallies[place].look_at(entry)
        telemetry = gaps.Telemetry()
        telemetry.look_at(live)
        lacking = telemetry.told()
        rows = [Counter(dict.fromkeys(BY_FILE, 0)) for _ in anew]
        artifacts = [settled_rows.artifact(entry) for entry in entries]
        quarantine = list(settled_rows.quarantine(entries, rejections))
        for row in artifacts:
            rows[owners[row["path"]]]["artifacts"] += 1
        for row in quarantine:
            rows[owners[row["artifact_path"]]]["quarantine"] += 1
        for entry in live:
            for table, source in _SOURCES.items():
                rows[owners[entry.path]][table] += len(entry.rows.get(source, ()))
        dated = {row["path"]: row["last_measured_at"] for row in artifacts if row["last_measured_at"]}
        ahead = {owners[entry.path] for entry, _, field in rejections if field == times.FIELD}
        for place, chunk in enumerate(anew):
            paths = [card.path for card in chunk.cards]
            told = tallies[place].told() | {
                "series": self._series.told(ids[place]),
                "telemetry": {path: lacking[path] for path in paths if path in lacking},
                "latest": max((dated[path] for path in paths if path in dated), default=None),
                "rows": rows[place],
            }
            self._add(orjson.dumps(told), chunk)
            chunk.anew, chunk.lasting = True, place not in ahead
        out = {"artifacts": tables.frame("artifacts", artifacts), "quarantine": tables.frame("quarantine", quarantine)}
        # last, because each table lets go of its rows
        out |= {table: settled_rows.typed(table, source, live) for table, source in _SOURCES.items()}
        return Part(out, some)


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
