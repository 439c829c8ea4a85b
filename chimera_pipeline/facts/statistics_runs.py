"""Statistics of repeated runs: the run is the unit of replication, requests inside a run are correlated.

Intervals over runs and the split of spread into between and within runs (Kalibera & Jones 2013, "Rigorous
benchmarking in reasonable time", ISMM). With fewer than 5 runs there is no between-run interval.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
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
)


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
    groups = by_run(values, runs)
    if len(groups) < MEAN_FROM:
        return None
    if len(groups) >= BOOTSTRAP_FROM:
        return hierarchical_bootstrap(groups, seed=seed, confidence=confidence)
    means = np.array([group.mean() for group in groups])
    found = plain_t(means, confidence)
    return Interval(found.low, found.high, f"Student's t of {len(groups)} run means", confidence)


def hierarchical_bootstrap(
    groups: Sequence[Array], *, seed: int, confidence: float = CONFIDENCE, resamples: int = RESAMPLES
) -> Interval | None:
    """Percentile interval of the mean of run means: runs are drawn first, then requests within each run.

    None below 5 runs: with fewer, drawing runs again says next to nothing about runs.
    """
    if len(groups) < MEAN_FROM:
        return None
    rng = np.random.default_rng(seed)
    count = len(groups)
    inner = np.stack(
        [group[rng.integers(0, group.size, size=(resamples, group.size))].mean(axis=1) for group in groups]
    )
    chosen = rng.integers(0, count, size=(resamples, count))
    draws = inner[chosen, np.arange(resamples)[:, None]].mean(axis=1)
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    name = f"hierarchical bootstrap (runs, then requests), {resamples} resamples, seed {seed}"
    return Interval(float(low), float(high), name, confidence)


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
