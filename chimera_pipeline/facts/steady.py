"""Steady state: where the measurements of one run settle, and their level from there on.

In: tables `measurements` and `series`. Out: facts. Cold requests stay apart, as they are; a run of 30
measurements or more is searched for steps as a line of history is, and its last level is its steady state where
it holds for half the run or more (Barrett et al. 2017, "Virtual machine warmup blows hot and cold", OOPSLA).
Nothing is discarded: the level over all measurements stands beside the steady one.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.contracts.vocabulary import Metric
from chimera_pipeline.facts import ids, levels
from chimera_pipeline.facts.comparisons_confounds import LENGTH_RATIO, lengths_behind
from chimera_pipeline.facts.comparisons_verdict import ALPHA
from chimera_pipeline.facts.history_changes import batched, family, search, steps
from chimera_pipeline.facts.history_null import SEED
from chimera_pipeline.facts.rows import Array, Rows
from chimera_pipeline.records import Fact

LEAST = 30
POINTS = 200
_NUMBER = re.compile(r"\d+")
_REQUEST = ("artifact_path", "locator")
FLAT, SETTLES, UNSETTLED, LENGTHS = "flat", "settles", "unsettled", "lengths"


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The measurements of one run in their order, cold ones apart."""

    series_id: str
    metric: Metric
    unit: str
    phase: str
    rows: Rows

    @property
    def values(self) -> Array:
        """One value a measurement."""
        return self.rows["value"]


@dataclass(frozen=True, slots=True)
class Settling:
    """Whether and where a sequence settles: `start` measurements come before its last level.

    `shape` is flat (no step that matters), settles, unsettled (the last level holds for less than half) or lengths
    (the step lies where the requests become longer or shorter).
    """

    shape: str
    start: int
    steps: int
    before: float
    after: float


def sequences(measurements: pd.DataFrame | Rows) -> list[Run]:
    """Every run of `LEAST` samples or more of a metric with a direction, in the order in which they were taken."""
    directed = {name: metric for name, metric in vocabulary.metrics().items() if metric.better != "none"}
    every = Rows.of(measurements)
    rows = every.take(
        every.are("status", "ok")
        & every.are("statistic", "sample")
        & ~every.are("phase", "cold")
        & every.are("metric", *directed)
    )
    out = []
    for (series_id, name, unit, _), part in rows.groups("series_id", "metric", "unit", "run_id"):
        if len(part) < LEAST:
            continue
        metric = directed[name]
        for (phase,), found in part.groups("phase") if metric.phase == "split" else [(("",), part)]:
            if len(found) >= LEAST:
                words = "phase unknown" if phase == "unknown" else phase
                out.append(Run(series_id, metric, unit, words, in_order(found)))
    return out


def in_order(rows: Rows) -> Rows:
    """The rows by instant (undated ones first), then by their place in the file."""
    ranks = rows.table.kept.get("steady")
    if ranks is None:
        locators = rows.table.texts["locator"].tolist()
        keys = [(tuple(map(int, _NUMBER.findall(locator))), locator) for locator in locators]
        ranks = rows.table.kept["steady"] = np.empty(len(keys), dtype=np.int64)
        ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    order = (ranks[rows.codes("locator")], rows.codes("artifact_path"), rows.codes("measured_at"))
    return rows.take(np.lexsort(order))


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """Tokens of requests by where these stand."""

    keys: npt.NDArray[np.int64]
    tokens: Array

    def of(self, rows: Rows) -> Array:
        """The tokens of the request behind each row, NaN where unknown."""
        keys = rows.keys(*_REQUEST)
        places = np.minimum(np.searchsorted(self.keys, keys), self.keys.size - 1)
        return np.where(self.keys[places] == keys, self.tokens[places], np.nan)


def settlings(
    found: Sequence[Run], lengths: Mapping[str, Lengths], *, seed: int = SEED
) -> list[tuple[Settling, float | None]]:
    """How each sequence settles, with its q; all of them are one family.

    Long sequences are searched in means of equal batches, 200 at the most, which also lowers autocorrelation.
    `lengths` has prompt_tokens and output_tokens of the same requests.
    """
    batches = [batched(one.values, POINTS) for one in found]
    searched = search([values for values, _ in batches], seed=seed)
    q, level = family(searched, ALPHA)
    out: list[tuple[Settling, float | None]] = []
    for one, (values, size), result, at in zip(found, batches, searched, q, strict=True):
        splits = steps(values, result, level, seed=seed) if at is not None and at <= ALPHA else []
        settling = _settling(one.values, [size * split for split in splits], one.metric.practical_threshold)
        if settling.shape != FLAT and _other_lengths(one, settling.start, lengths):
            settling = Settling(LENGTHS, settling.start, settling.steps, settling.before, settling.after)
        out.append((settling, at))
    return out


def _settling(values: Array, splits: list[int], threshold: float) -> Settling:
    """The last level, reaching back over stretches that differ from it by less than the practical threshold."""
    edges = [0, *splits, values.size]
    stretches = list(itertools.pairwise(edges))
    last = float(np.median(values[edges[-2] :]))
    start = values.size
    for low, high in reversed(stretches):
        if abs(float(np.median(values[low:high])) - last) >= threshold * abs(last):
            break
        start = low
    if start == 0 or start == values.size:
        return Settling(FLAT, 0, len(splits), last, last)
    before, after = float(np.median(values[:start])), float(np.median(values[start:]))
    shape = SETTLES if values.size - start >= values.size / 2 else UNSETTLED
    return Settling(shape, start, len(splits), before, after)


def _other_lengths(one: Run, start: int, lengths: Mapping[str, Lengths]) -> bool:
    """Whether the requests before and after `start` differ in the lengths that the metric depends on."""
    for name in lengths_behind(one.metric.name):
        if name not in lengths:
            continue
        tokens = lengths[name].of(one.rows)
        sides = [part[~np.isnan(part)] for part in (tokens[:start], tokens[start:])]
        if all(side.size for side in sides):
            low, high = sorted(float(np.median(side)) for side in sides)
            if low <= 0 or high / low > LENGTH_RATIO:
                return True
    return False


def steady_facts(
    measurements: pd.DataFrame | Rows, series: pd.DataFrame, *, period: str, seed: int = SEED
) -> Iterator[Fact]:
    """Where runs settle, their steady levels, and how many runs of a metric were searched without a finding."""
    measurements = Rows.of(measurements)
    found = sequences(measurements)
    if not found:
        return
    known = {row["series_id"]: row for row in series.to_dict("records")}
    lengths = _lengths(measurements)
    groups: dict[tuple[str, str, str, str], list[tuple[Run, Settling, float | None]]] = defaultdict(list)
    for one, (settling, q) in zip(found, settlings(found, lengths, seed=seed), strict=True):
        groups[one.series_id, one.metric.name, one.unit, one.phase].append((one, settling, q))
    quiet: dict[str, list[Run]] = defaultdict(list)
    for (series_id, name, unit, phase), members in groups.items():
        about = levels.About(known[series_id], series_id, vocabulary.metric(name), unit, period)
        for one, settling, q in members:
            if settling.shape in (SETTLES, UNSETTLED):
                yield _settling_fact(about, one, settling, q)
            else:
                quiet[name].append(one)
        yield from _steady_levels(about, phase, members)
    for name, runs in sorted(quiet.items()):
        yield _quiet_fact(vocabulary.metric(name), runs, period)


def _lengths(measurements: Rows) -> dict[str, Lengths]:
    """Of several rows of one request the last one counts."""
    out = {}
    for name in ("prompt_tokens", "output_tokens"):
        rows = measurements.take(measurements.are("metric", name) & measurements.are("statistic", "sample"))
        if len(rows):
            keys, firsts = np.unique(rows.keys(*_REQUEST)[::-1], return_index=True)
            out[name] = Lengths(keys, rows["value"][::-1][firsts])
    return out


def _steady_levels(
    about: levels.About, phase: str, members: Iterable[tuple[Run, Settling, float | None]]
) -> Iterator[Fact]:
    """The level of a series over the steady parts of its runs, where any run has a part before."""
    settled = [(one, settling) for one, settling, _ in members if settling.shape in (SETTLES, FLAT)]
    if any(settling.shape == SETTLES for _, settling in settled):
        rows = Rows.joined(one.rows.take(slice(settling.start, None)) for one, settling in settled)
        words, (interval,) = ", ".join(filter(None, [phase, "steady"])), levels.over_runs([rows])
        yield from levels.sample_facts(about, words, rows, over_runs=interval)


def _settling_fact(about: levels.About, one: Run, settling: Settling, q: float | None) -> Fact:
    n = len(one.rows)
    condition = ", ".join(filter(None, [one.phase, str(about.series["condition"] or "")]))
    where = f" ({condition})" if condition else ""
    subject = f"{one.metric.label} of {about.entity}{where}"
    sizes = (
        f"median {wording.quantity(settling.before, one.unit)} before and "
        f"{wording.quantity(settling.after, one.unit)} from there on, q = {wording.number(q or 0.0, 2)}"
    )
    if settling.shape == SETTLES:
        better = (settling.after < settling.before) == (one.metric.better == "lower")
        kind = "a warm-up" if better else "a slowdown"
        statistic, value, unit = "steady_from", settling.start + 1, "measurements"
        text = f"{subject} is steady from measurement {value} of {n} on, after {kind}: {sizes}"
    else:
        statistic, value, unit = "steps_in_run", settling.steps, "steps"
        last = f"the last level begins at {settling.start + 1}"
        text = f"{subject} has no steady state in {n} measurements: {last}; {sizes}"
    return Fact(
        id="",
        kind="level",
        metric=one.metric.name,
        statistic=statistic,
        entity=about.entity,
        condition=condition,
        value=float(value),
        unit=unit,
        n=n,
        period=about.period,
        grade="computed",
        text=text,
        series_ids=(one.series_id,),
        sources=ids.sources(one.rows),
        q_value=q,
    )


def _quiet_fact(metric: Metric, runs: Sequence[Run], period: str) -> Fact:
    sizes = [len(one.rows) for one in runs]
    extent = f"{min(sizes)}" if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    return Fact(
        id="",
        kind="inventory",
        metric=metric.name,
        statistic="runs_without_warm_up",
        entity="artifacts",
        condition=f"runs of {LEAST} measurements or more, cold ones apart",
        value=float(len(runs)),
        unit="runs",
        n=len(runs),
        period=period,
        grade="computed",
        text=f"{metric.label}: no warm-up found in {wording.count(len(runs), 'run')} of {extent} measurements",
        series_ids=tuple(sorted({one.series_id for one in runs})),
        sources=ids.sources(Rows.joined(one.rows for one in runs)),
    )
