"""History: steps in a line of runs with their verdicts, and a period against the one before.

In: tables `measurements` (the whole store) and `series`. Out: `History`s and `Comparison`s. A step needs
points after it that hold it. The search is in `history_changes`, lines in `history_lines`, words and facts in
`history_facts`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chimera_pipeline import periods
from chimera_pipeline.facts.comparisons import compare_stores
from chimera_pipeline.facts.comparisons_shift import Shift, unpaired
from chimera_pipeline.facts.comparisons_verdict import (
    ALPHA,
    IMPROVEMENT,
    INSUFFICIENT,
    NO_DIFFERENCE,
    NOT_COMPARABLE,
    REGRESSION,
    Comparison,
)
from chimera_pipeline.facts.history_changes import Search, batched, confirmed, family, search, steps
from chimera_pipeline.facts.history_lines import Line, breaks_comparison, lines_of
from chimera_pipeline.facts.history_null import SEED
from chimera_pipeline.facts.rows import Rows, instant

LEAST_POINTS = 3
POINTS = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """A step between two stretches of a line: points [start, split) against [split, end)."""

    start: int
    split: int
    end: int
    shift: Shift
    change: float | None
    verdict: str
    reason: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A line with what the search found. `q` is None where the line is too short to be searched."""

    line: Line
    found: Search
    q: float | None
    steps: tuple[Step, ...]


def histories(
    measurements: pd.DataFrame | Rows,
    series: pd.DataFrame,
    *,
    period: str = periods.ALL,
    alpha: float = ALPHA,
    seed: int = SEED,
) -> list[History]:
    """Every line of three points or more with a point in `period`, as families under control.

    Primary metrics are one family, all others a second one, as in a comparison of two stores.
    """
    lines = [
        line
        for line in lines_of(measurements, series)
        if line.values.size >= LEAST_POINTS and _touches(line.at, period)
    ]
    out: list[History] = []
    for primary in (True, False):
        out += analyse([line for line in lines if line.primary is primary], alpha=alpha, seed=seed)
    return out


def analyse(lines: Sequence[Line], *, alpha: float = ALPHA, seed: int = SEED) -> list[History]:
    """One family of lines searched together; lines of more than `POINTS` runs in means of equal batches.

    The work of a search grows with the square of its points. `History.found` counts these, a `Step` counts runs.
    """
    batches = [batched(line.values, POINTS) for line in lines]
    found = search([values for values, _ in batches], seed=seed)
    q, level = family(found, alpha)
    out = []
    for line, (values, size), one, at in zip(lines, batches, found, q, strict=True):
        splits = steps(values, one, level, seed=seed) if at is not None and at <= alpha else []
        out.append(History(line, one, at, tuple(_steps(line, [size * split for split in splits]))))
    return out


def falls_in(at: pd.Timestamp, period: str) -> bool:
    """Whether an instant lies in a period; always for "all"."""
    if period == periods.ALL:
        return True
    start, end = periods.bounds(period)
    return bool(start <= at.to_pydatetime() < end)


def _touches(at: pd.DatetimeIndex, period: str) -> bool:
    """Whether any of the instants, which are in order, lies in a period."""
    if period == periods.ALL:
        return True
    start, end = (at.searchsorted(pd.Timestamp(edge)) for edge in periods.bounds(period))
    return bool(start < end)


def _steps(line: Line, splits: Sequence[int]) -> Iterator[Step]:
    edges = [0, *splits, line.values.size]
    for (start, split), end in zip(itertools.pairwise(edges), edges[2:], strict=False):
        before, after = line.values[start:split], line.values[split:end]
        shift = unpaired(before, after)
        base = float(pd.Series(before).median())
        change = shift.ratio - 1 if shift.ratio is not None else (shift.difference / abs(base) if base else None)
        changed = line.changed_at(split)
        verdict, reason = _verdict(line, split, change, changed)
        yield Step(start, split, end, shift, change, verdict, reason, changed)


def _verdict(line: Line, split: int, change: float | None, changed: tuple[str, ...]) -> tuple[str, str]:
    apart = [entry for entry in changed if breaks_comparison(entry)]
    if apart:
        return NOT_COMPARABLE, f"the points before and after differ in {', '.join(apart)}"
    if not confirmed(line.values.size, split):
        return INSUFFICIENT, "no second point holds the step yet"
    if change is None or abs(change) < line.metric.practical_threshold:
        return NO_DIFFERENCE, f"a step below the practical threshold of {line.metric.practical_threshold:.0%}"
    worse = (change > 0) == (line.metric.better == "lower")
    return (REGRESSION if worse else IMPROVEMENT), "a step that the points after it hold"


def period_changes(
    measurements: pd.DataFrame | Rows, series: pd.DataFrame, *, period: str, alpha: float = ALPHA
) -> list[Comparison]:
    """Each series of `period` against itself in the period before; nothing for "all" or a first period."""
    if period == periods.ALL:
        return []
    before = periods.previous(period)
    now, then = dated(measurements, period), dated(measurements, before)
    shared = series_in(now) & series_in(then)
    now, then = (rows.take(rows.are("series_id", *shared)) for rows in (now, then))
    found = compare_stores(then, series, now, series, alpha=alpha, kind="period", period=period)
    return [dataclasses.replace(one, baseline=before) for one in found if one.base_series and one.head_series]


def dated(measurements: pd.DataFrame | Rows, period: str) -> Rows:
    """The dated rows of a period."""
    rows = Rows.of(measurements)
    at, (start, end) = rows["measured_at"], map(instant, periods.bounds(period))
    return rows.take(rows.known("period") & (at >= start) & (at < end))


def series_in(rows: Rows) -> set[str]:
    """The series that rows are of."""
    return set(rows.table.texts["series_id"][np.unique(rows.codes("series_id"))].tolist())
