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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.contracts.vocabulary import Metric
from chimera_pipeline.facts.comparisons_arms import IDENTITY, differing, records
from chimera_pipeline.facts.statistics import Array

_ENVIRONMENT = re.compile(r"build|driver|version|digest|commit|cuda|rocm|num_ctx|context|power|clock", re.IGNORECASE)
_SOFTWARE = re.compile(r"build|commit|version|engine", re.IGNORECASE)
_LOOSE = ("model", "quantization", "engine", "hardware", "definition")


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Ordered points of one metric: value, instant, run and series row of each; `rows` gives measurements."""

    metric: Metric
    unit: str
    phase: str
    primary: bool
    values: Array
    at: pd.DatetimeIndex
    runs: npt.NDArray[np.object_]
    series: tuple[Mapping[str, Any], ...]
    rows: Callable[[], pd.DataFrame]

    def rows_between(self, start: int, end: int) -> pd.DataFrame:
        """The measurements behind the points [start, end)."""
        rows = self.rows()
        return rows[rows["run_id"].isin(self.runs[start:end].tolist())]

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
    runs: npt.NDArray[np.object_]
    rows: Callable[[], pd.DataFrame]


_GROUP = ["series_id", "metric", "unit", "kept_phase"]


def lines_of(measurements: pd.DataFrame, series: pd.DataFrame) -> list[Line]:
    """Every line of a metric with a direction, in a fixed order."""
    known = {str(row["series_id"]): row for row in records(series)}
    dated = _dated(measurements, known)
    if dated.empty:
        return []
    groups: dict[tuple[str, ...], list[_Piece]] = defaultdict(list)
    for (series_id, metric, unit, phase), piece in _pieces(dated, known):
        groups[(*_loose(known[series_id]), metric, unit, phase)].append(piece)
    primaries = _primaries(groups)
    return [_join(key, chain, primaries) for key, pieces in sorted(groups.items()) for chain in _chains(pieces)]


def _dated(measurements: pd.DataFrame, known: Mapping[str, Any]) -> pd.DataFrame:
    """The rows that can be points, with `kept_phase`: samples where there are any, cold apart from warm."""
    directed = {name: metric.phase for name, metric in vocabulary.metrics().items() if metric.better != "none"}
    rows = measurements[
        (measurements["status"] == "ok")
        & measurements["period"].notna()
        & measurements["measured_at"].notna()
        & measurements["statistic"].isin(["sample", "mean"])
        & measurements["metric"].isin(list(directed))
        & measurements["series_id"].isin(list(known))
    ]
    keep = rows["metric"].map(directed)
    rows = rows.assign(kept_phase=rows["phase"].where(keep == "split", ""), cold=rows["phase"] == "cold")
    if rows.empty:
        return rows
    rows = _preferred(rows, rows["statistic"] == "sample")
    shown = rows["metric"].map(directed) == "shown"
    return _preferred(rows, ~(rows["cold"] & shown))


def _preferred(rows: pd.DataFrame, wanted: pd.Series[bool]) -> pd.DataFrame:
    """The wanted rows of each group; all rows of a group that has none of them."""
    if wanted.all():
        return rows
    any_wanted = wanted.groupby([rows[name] for name in _GROUP], sort=False).transform("any")
    return rows[wanted | ~any_wanted]


def _pieces(
    dated: pd.DataFrame, known: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[tuple[str, str, str, str], _Piece]]:
    """One piece a series, metric, unit and phase: a point a run, its mean value at its earliest instant."""
    number = dated.groupby(_GROUP, sort=True).ngroup()
    points = (
        pd.DataFrame(
            {
                "group": number.to_numpy(),
                "run": dated["run_id"].to_numpy(),
                "value": dated["value"].to_numpy(),
                "at": dated["measured_at"].array,
            }
        )
        .groupby(["group", "run"], sort=False)
        .agg(value=("value", "mean"), at=("at", "min"))
        .reset_index()
        .sort_values(["group", "at", "run"], kind="stable")
    )
    firsts = dated[_GROUP].groupby(number.to_numpy(), sort=True).first()
    edges = np.searchsorted(points["group"].to_numpy(), np.arange(len(firsts) + 1))
    places = np.argsort(number.to_numpy(), kind="stable")
    place_edges = np.searchsorted(number.to_numpy()[places], np.arange(len(firsts) + 1))
    values, runs = points["value"].to_numpy(dtype=np.float64), points["run"].to_numpy()
    at = pd.DatetimeIndex(points["at"])
    for i, key in enumerate(firsts.itertuples(index=False, name=None)):
        cut = slice(edges[i], edges[i + 1])
        mine = places[place_edges[i] : place_edges[i + 1]]
        yield key, _Piece(known[str(key[0])], values[cut], at[cut], runs[cut], partial(_take, dated, mine))


def _take(rows: pd.DataFrame, places: npt.NDArray[np.intp]) -> pd.DataFrame:
    return rows.iloc[places]


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
        rows=chain[0].rows if len(chain) == 1 else partial(_together, [piece.rows for piece in chain]),
    )


def _together(parts: list[Callable[[], pd.DataFrame]]) -> pd.DataFrame:
    return pd.concat([part() for part in parts])
