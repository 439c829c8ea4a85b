"""Statistics of repeated runs: the run is the unit of replication, requests inside a run are correlated.

Intervals over runs and the split of spread into between and within runs (Kalibera & Jones 2013, "Rigorous
benchmarking in reasonable time", ISMM). With fewer than 5 runs there is no between-run interval.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chimera_pipeline.facts.statistics import (
    BOOTSTRAP_FROM,
    CONFIDENCE,
    MEAN_FROM,
    RESAMPLES,
    Array,
    Interval,
    as_array,
    plain_t,
    quantiles_of,
)

_CELLS = 6_000_000
"""Means of runs that are held at once, at most (8 bytes each), where one sample has no more."""
_BLOCK = 100_000


@dataclass(frozen=True, slots=True)
class Spread:
    """Spread between runs and within; `between_sd` is 0 where runs differ no more than noise."""

    runs: int
    values: int
    within_sd: float
    between_sd: float


def by_run(values: npt.ArrayLike, runs: npt.ArrayLike) -> list[Array]:
    """The values of each run, runs (names, or numbers for them) in sorted order."""
    array, names = as_array(values), np.asarray(runs)
    order = np.argsort(names, kind="stable")
    names, array = names[order], array[order]
    edges = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
    return [array[low:high] for low, high in itertools.pairwise(edges)]


def run_interval(
    values: npt.ArrayLike, runs: npt.ArrayLike, *, seed: int = 0, confidence: float = CONFIDENCE
) -> Interval | None:
    """Interval of the mean over runs, the run being the unit of replication; None below 5 runs.

    Student's t of the run means below 20 runs, then the hierarchical bootstrap (Kalibera & Jones 2013).
    """
    return run_intervals([by_run(values, runs)], seed=seed, confidence=confidence)[0]


def run_intervals(
    samples: Sequence[Sequence[Array]], *, seed: int = 0, confidence: float = CONFIDENCE
) -> list[Interval | None]:
    """The same of several samples, given by run. Those with runs of the same lengths are resampled together."""
    found: list[Interval | None] = [None] * len(samples)
    alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, groups in enumerate(samples):
        if len(groups) >= BOOTSTRAP_FROM:
            alike[tuple(group.size for group in groups)].append(i)
        elif len(groups) >= MEAN_FROM:
            interval = plain_t(np.array([group.mean() for group in groups]), confidence)
            found[i] = Interval(interval.low, interval.high, f"Student's t of {len(groups)} run means", confidence)
    for sizes, members in alike.items():
        step = max(1, _CELLS // (len(sizes) * RESAMPLES))
        for low in range(0, len(members), step):
            part = members[low : low + step]
            drawn = _hierarchical([samples[i] for i in part], seed, confidence, RESAMPLES)
            for i, interval in zip(part, drawn, strict=True):
                found[i] = interval
    return found


def hierarchical_bootstrap(
    groups: Sequence[Array], *, seed: int, confidence: float = CONFIDENCE, resamples: int = RESAMPLES
) -> Interval | None:
    """Percentile interval of the mean of run means: runs are drawn first, then requests within each run.

    None below 5 runs: with fewer, drawing runs again says next to nothing about runs.
    """
    return next(_hierarchical([groups], seed, confidence, resamples)) if len(groups) >= MEAN_FROM else None


def _hierarchical(
    samples: Sequence[Sequence[Array]], seed: int, confidence: float, resamples: int
) -> Iterator[Interval]:
    """The interval of each sample; all have runs of the same lengths, so that one set of draws serves them."""
    rng = np.random.default_rng(seed)
    count = len(samples[0])
    inner = np.empty((len(samples), count, resamples))
    for i, group in enumerate(samples[0]):
        drawn = rng.integers(0, group.size, size=(resamples, group.size))
        for held, sample in zip(inner, samples, strict=True):
            sample[i].take(drawn).mean(axis=1, out=held[i])
    chosen = rng.integers(0, count, size=(resamples, count), dtype=np.int32)
    name = f"hierarchical bootstrap (runs, then requests), {resamples} resamples, seed {seed}"
    step = max(1, _BLOCK // count)
    for held in inner:
        draws = np.empty(resamples)
        for low in range(0, resamples, step):
            part = slice(low, low + step)
            draws[part] = held[chosen[part], np.arange(resamples)[part, None]].mean(axis=1)
        bottom, top = quantiles_of(np.sort(draws), np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
        yield Interval(float(bottom), float(top), name, confidence)


def spread(values: npt.ArrayLike, runs: npt.ArrayLike) -> Spread | None:
    """Between-run and within-run sd by one-way analysis of variance (Searle, Casella & McCulloch 1992, 3.6).

    None with one run, or where no run has two values.
    """
    groups = by_run(values, runs)
    total = sum(group.size for group in groups)
    inside = total - len(groups)
    if len(groups) < 2 or inside < 1:
        return None
    grand = math.fsum(value for group in groups for value in group.tolist()) / total
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / inside
    among = sum(group.size * float(group.mean() - grand) ** 2 for group in groups) / (len(groups) - 1)
    size = (total - sum(group.size**2 for group in groups) / total) / (len(groups) - 1)
    return Spread(len(groups), total, math.sqrt(within), math.sqrt(max(0.0, (among - within) / size)))
