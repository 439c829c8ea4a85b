"""Lines: a series' runs in order of time, one point a run.

In: tables `measurements` (the whole store) and `series`. Out: `Line`s. Undated and failed rows take no part,
nothing is filled. Series that differ in driver, build, digest, context, quantization or hardware only, and
follow each other without overlap, make one line, so that a step can be told with what changed at it.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.contracts.vocabulary import Metric
from chimera_pipeline.facts.comparisons_arms import IDENTITY, differing, records
from chimera_pipeline.facts.rows import Array, Codes, Rows

_ENVIRONMENT = re.compile(r"build|driver|version|digest|commit|cuda|rocm|num_ctx|context|power|clock", re.IGNORECASE)
_SOFTWARE = re.compile(r"build|commit|version|engine", re.IGNORECASE)
_LOOSE = ("model", "quantization", "engine", "hardware", "definition")


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Ordered points of one metric: value, instant, run (its code) and series row of each; the rows behind them."""

    metric: Metric
    unit: str
    phase: str
    primary: bool
    values: Array
    at: pd.DatetimeIndex
    runs: Codes
    series: tuple[Mapping[str, Any], ...]
    rows: Rows

    def rows_between(self, start: int, end: int) -> Rows:
        """The measurements behind the points [start, end)."""
        return self.rows.take(np.isin(self.rows.codes("run_id"), self.runs[start:end]))

    @property
    def entity(self) -> str:
        """The name of the latest series."""
        return str(self.series[-1]["entity"])

    @property
    def condition(self) -> str:
        """The condition of the latest series, the phase in front where it matters."""
        return ", ".join(filter(None, [self.phase, str(self.series[-1]["condition"] or "")]))

    def changed_at(self, split: int) -> tuple[str, ...]:
        """`key: before -> after` of identity that differs between the points around a split."""
        before, after = self.series[split - 1], self.series[split]
        return tuple(f"{key}: {_value(before, key)} -> {_value(after, key)}" for key in differing(before, after))


def breaks_comparison(change: str) -> bool:
    """Whether a change makes the points around it incomparable; a new build, commit or version does not."""
    return not _SOFTWARE.search(change.partition(":")[0])


def _value(row: Mapping[str, Any], key: str) -> Any:
    if key.startswith("config."):
        return json.loads(row["config"]).get(key.removeprefix("config."))
    return row[key]


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    series: Mapping[str, Any]
    values: Array
    at: pd.DatetimeIndex
    runs: Codes
    rows: Rows


def lines_of(measurements: pd.DataFrame | Rows, series: pd.DataFrame) -> list[Line]:
    """Every line of a metric with a direction, in a fixed order."""
    known = {str(row["series_id"]): row for row in records(series)}
    dated, groups_of = _dated(Rows.of(measurements), known)
    if not len(dated):
        return []
    groups: dict[tuple[str, ...], list[_Piece]] = defaultdict(list)
    for (series_id, metric, unit, phase), piece in _pieces(dated, groups_of, known):
        groups[(*_loose(known[series_id]), metric, unit, phase)].append(piece)
    primaries = _primaries(groups)
    return [_join(key, chain, primaries) for key, pieces in sorted(groups.items()) for chain in _chains(pieces)]


def beside(names: Collection[str], series: pd.DataFrame) -> set[str]:
    """The series of these names, and those of the same identity: lines are joined among them alone."""
    if not names:
        return set()
    identity = {str(row["series_id"]): _loose(row) for row in records(series)}
    wanted = {identity[name] for name in names}
    return {name for name, found in identity.items() if found in wanted}


Groups = npt.NDArray[np.int64]
_PHASES = ("", "cold", "unknown", "warm")


def _dated(measurements: Rows, known: Mapping[str, Any]) -> tuple[Rows, Groups]:
    """The rows that can be points, and the number of the group of each: samples where there are any, cold apart."""
    directed = {name: metric.phase for name, metric in vocabulary.metrics().items() if metric.better != "none"}
    rows = measurements.take(
        measurements.are("status", "ok")
        & measurements.known("period")
        & measurements.known("measured_at")
        & measurements.are("statistic", "sample", "mean")
        & measurements.are("metric", *directed)
        & measurements.are("series_id", *known)
    )
    # a group is of one phase where its metric keeps phases apart
    split = rows.are("metric", *(name for name, phase in directed.items() if phase == "split"))
    group = rows.keys("series_id", "metric", "unit") * len(_PHASES)
    for place, phase in enumerate(_PHASES):
        group += place * (split & rows.are("phase", phase))
    rows, group = _preferred(rows, group, rows.are("statistic", "sample"))
    shown = rows.are("metric", *(name for name, phase in directed.items() if phase == "shown"))
    return _preferred(rows, group, ~(rows.are("phase", "cold") & shown))


def _preferred(rows: Rows, group: Groups, wanted: npt.NDArray[np.bool_]) -> tuple[Rows, Groups]:
    """The wanted rows of each group; all rows of a group that has none of them."""
    if wanted.all():
        return rows, group
    kept = wanted | ~np.isin(group, np.unique(group[wanted]))
    return rows.take(kept), group[kept]


def _pieces(
    dated: Rows, group: Groups, known: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[tuple[str, str, str, str], _Piece]]:
    """One piece a series, metric, unit and phase: a point a run, its mean value at its earliest instant."""
    points = (
        pd.DataFrame(
            {
                "group": group,
                "run": dated.codes("run_id"),
                "value": dated["value"],
                "at": dated["measured_at"],
            }
        )
        .groupby(["group", "run"], sort=False)
        .agg(value=("value", "mean"), at=("at", "min"))
        .reset_index()
        .sort_values(["group", "at", "run"], kind="stable")
    )
    breaks = np.flatnonzero(np.diff(points["group"].to_numpy())) + 1
    cuts = itertools.pairwise([0, *breaks.tolist(), len(points)])
    values, runs = points["value"].to_numpy(dtype=np.float64), points["run"].to_numpy()
    at = pd.DatetimeIndex(points["at"].to_numpy().view("datetime64[us]")).tz_localize("UTC")
    for part, (low, high) in zip(dated.parts(group), cuts, strict=True):
        first, cut = part.take(slice(1)), slice(low, high)
        series_id, metric, unit, phase = (str(first[name][0]) for name in ("series_id", "metric", "unit", "phase"))
        kept = phase if vocabulary.metric(metric).phase == "split" else ""
        yield (series_id, metric, unit, kept), _Piece(known[series_id], values[cut], at[cut], runs[cut], part)


def _loose(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Identity without what may change along a line."""
    quantization, model = str(row["quantization"] or ""), str(row["model"] or "")
    stem = re.sub(re.escape(quantization), "", model, flags=re.IGNORECASE) if quantization else model
    options = {k: v for k, v in json.loads(row["config"]).items() if not _ENVIRONMENT.search(k)}
    fixed = tuple(str(row[key]) for key in IDENTITY if key not in _LOOSE)
    return (*fixed, stem, json.dumps(options, sort_keys=True))


def _chains(pieces: list[_Piece]) -> list[list[_Piece]]:
    """All pieces as one chain where each has two points or more and none overlaps the next, else apart."""
    ordered = sorted(pieces, key=lambda piece: (piece.at[0], str(piece.series["series_id"])))
    follow = all(before.at[-1] < after.at[0] for before, after in itertools.pairwise(ordered))
    if len(ordered) > 1 and follow and all(len(piece.at) > 1 for piece in ordered):
        return [ordered]
    return [[piece] for piece in ordered]


def _primaries(groups: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """One (identity, metric, unit, phase) for each identity: its headline metric, else the first metric."""
    order = {name: position for position, name in enumerate(vocabulary.metrics())}
    best: dict[tuple[str, ...], tuple[tuple[bool, int, str], tuple[str, ...]]] = {}
    for key in groups:
        name = key[-3]
        rank = (not vocabulary.metric(name).headline, order[name], key[-1])
        if key[:-3] not in best or rank < best[key[:-3]][0]:
            best[key[:-3]] = rank, key
    return {key for _, key in best.values()}


def _join(key: tuple[str, ...], chain: list[_Piece], primaries: set[tuple[str, ...]]) -> Line:
    return Line(
        metric=vocabulary.metric(key[-3]),
        unit=key[-2],
        phase=key[-1],
        primary=key in primaries,
        values=np.concatenate([piece.values for piece in chain]),
        at=pd.DatetimeIndex(chain[0].at.append([piece.at for piece in chain[1:]])),
        runs=np.concatenate([piece.runs for piece in chain]),
        series=tuple(piece.series for piece in chain for _ in range(piece.values.size)),
        rows=Rows.joined(piece.rows for piece in chain),
    )
