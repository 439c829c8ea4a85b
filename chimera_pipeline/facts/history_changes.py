"""Change points in ordered series, many at once: one p value a series, then where its steps lie.

Pure functions over numbers. In: one array a series. Out: `Search`es. The null is in `history_null`, false
discoveries over a family are controlled by the caller, tables and words are in `history`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chimera_pipeline.facts.comparisons_verdict import benjamini_hochberg
from chimera_pipeline.facts.history_drift import bayes_factor, limits
from chimera_pipeline.facts.history_null import (
    PHI,
    SEED,
    grid_length,
    lag_of,
    lag_statistic,
    null,
    size_statistic,
)
from chimera_pipeline.facts.history_splits import EDGE, ranks_of, score
from chimera_pipeline.facts.statistics import Array

FEWEST = 8
"""No outcome of a shorter series has p <= 0.05 after the split search (7 points: 2 / C(7, 3) = 0.057)."""

SHORT = 32
"""A lone series of no more points says too little about its own autocorrelation: see `history_drift`."""
FEW, MANY = 150, 400
ALARM = 0.05


@dataclass(frozen=True, slots=True)
class Search:
    """What the search found in one series: p over all splits, best split, autocorrelation allowed for.

    `p` is None below `FEWEST` points. `split` is the number of points before the step. `phi` is None where the series
    was held against any phi.
    """

    n: int
    p: float | None
    split: int | None
    phi: float | None


def search(series: Sequence[Array], *, seed: int = SEED) -> list[Search]:
    """Each series searched for its best split, autocorrelation shared over the family (see `_phis`)."""
    if len(series) == 1 and FEWEST <= series[0].size <= SHORT:
        return [_lone(series[0], seed)]
    out: list[Search | None] = [None] * len(series)
    by_length: dict[int, list[int]] = defaultdict(list)
    for i, values in enumerate(series):
        if values.size < FEWEST:
            out[i] = Search(values.size, None, None, 0.0)
        else:
            by_length[values.size].append(i)
    scored = {n: _scored(np.stack([series[i] for i in members])) for n, members in by_length.items()}
    phis = _phis(scored, seed)
    for n, members in by_length.items():
        p = _p(scored[n], phis[n], n, seed)
        splits = scored[n].splits.tolist()
        for i, value, split, phi in zip(members, p.tolist(), splits, phis[n].tolist(), strict=True):
            out[i] = Search(n, value, split, phi)
    return [found for found in out if found is not None]


def _lone(values: Array, seed: int) -> Search:
    found = _scored(values[None, :])
    p = _p_of_any(values[None, :], found, values.size, seed)
    return Search(values.size, float(p[0]), int(found.splits[0]), None)


def _p_of_any(values: Array, found: _Scored, n: int, seed: int) -> Array:
    """p of series whose phi is unknown: that of their ranks as if independent, and of a step against any drift."""
    by_rank = null(grid_length(n), 0.0, seed).p_of_score(found.scores)
    if (by_rank > ALARM).all():
        return by_rank
    return limits(values.shape[1], seed).p(by_rank, bayes_factor(values))


def family(found: Sequence[Search], alpha: float) -> tuple[list[float | None], float]:
    """(q of each series, None where it was too short; the level at which accepted ones are split further).

    Benjamini & Hochberg 1995; the level is that of the last p that the family accepts.
    """
    tested = [i for i, one in enumerate(found) if one.p is not None]
    values = benjamini_hochberg([one.p for one in found if one.p is not None]).tolist()
    q: list[float | None] = [None] * len(found)
    for i, value in zip(tested, values, strict=True):
        q[i] = value
    accepted = sum(value <= alpha for value in values)
    return q, alpha * accepted / len(tested) if tested else alpha


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    scores: Array
    splits: npt.NDArray[np.intp]
    lags: Array
    sizes: Array


def _scored(values: Array) -> _Scored:
    ranks = ranks_of(values)
    scores, splits = score(ranks)
    return _Scored(scores, splits, lag_statistic(ranks, splits), size_statistic(values, splits))


def _p(found: _Scored, phis: Array, n: int, seed: int) -> Array:
    """p of each series: that of independent points, and at least that of one of score and size under its phi.

    Ranks forget how large a step is; under autocorrelation the size against the spread within is asked as well,
    so that a step many sd high is not put down to drift.
    """
    length = grid_length(n)
    p = null(length, 0.0, seed).p_of_score(found.scores)
    for phi in np.unique(phis[phis > 0]):
        mine = phis == phi
        drift = null(length, float(phi), seed)
        p[mine] = np.maximum(p[mine], drift.p_of_either(found.scores[mine], found.sizes[mine]))
    return p


def _phis(scored: dict[int, _Scored], seed: int) -> dict[int, Array]:
    """The phi that each series is held against: the family's, or its own where it is of another kind.

    A family's phi is the smallest on the grid under which its mean lag statistic is no surprise. What is no
    surprise depends on how many points speak: see `_believed`.
    """
    lags = {n: found.lags for n, found in scored.items()}
    count = sum(found.size for found in lags.values())
    if count == 0:
        return {}
    believed = _believed(count, sum(n * found.size for n, found in lags.items()))
    shared = next((phi for phi in PHI if _surprise(lags, phi, seed) <= believed[phi > 0]), PHI[-1])
    above = {n: _standardised(found, n, shared, seed) for n, found in lags.items()}
    own = _own(above)
    out = {}
    for n, found in scored.items():
        length = grid_length(n)
        out[n] = np.full(found.lags.size, shared)
        mean, sd = lag_of(length, shared, seed)
        alarms = null(length, 0.0, seed).p_of_score(found.scores) <= ALARM
        for i in np.flatnonzero(alarms & (own[n] > 0)):
            wanted = mean + sd * own[n][i]
            higher = (phi for phi in PHI if phi > shared and lag_of(length, phi, seed)[0] >= wanted)
            out[n][i] = next(higher, PHI[-1])
    return out


def _standardised(lags: Array, n: int, phi: float, seed: int) -> Array:
    mean, sd = lag_of(grid_length(n), phi, seed)
    found: Array = (lags - mean) / sd
    return found


def _own(above: dict[int, Array]) -> dict[int, Array]:
    """How far above the family, in sd, each series is taken to lie: 0 where it may well be one of its kind.

    Where lag statistics of a family differ by more than chance, each is drawn to the mean by the share of chance
    in their variance (James & Stein 1961), half a sd of that to the cautious side. A lone one of another kind in a
    family that is alike otherwise counts from where chance puts none.
    """
    from scipy.special import ndtri

    every = np.concatenate(list(above.values()))
    excess = float(every.var()) - 1
    if every.size < 2 or excess <= 2 * (2 / every.size) ** 0.5:
        excess = 0.0
    share = excess / (1 + excess)
    unusual = max(2.5, float(ndtri(1 - 0.5 / every.size)))
    mean = float(every.mean())
    out = {}
    for n, found in above.items():
        drawn = mean + share * (found - mean) + 0.5 * share**0.5
        out[n] = np.where(found > unusual, np.maximum(found, drawn), np.where(share > 0, drawn, 0.0))
    return out


def _believed(series: int, points: int) -> tuple[float, float]:
    """The largest surprise, in standard errors, with which phi = 0 and with which a phi above 0 is believed.

    Many points may well be independent, so that they are given the benefit of one standard error. Few say little
    and lean to caution; the more so in a family, where one phi too low tells on every series (docs/statistics.md).
    """
    if points >= MANY:
        return 1.0, 0.0
    caution = -0.8 if series > 1 and points < FEW else -0.4
    return caution, caution


def _surprise(lags: dict[int, Array], phi: float, seed: int) -> float:
    """How many standard errors the family's lag statistics lie above what `phi` gives."""
    total, count = 0.0, 0
    for n, found in lags.items():
        total += float(_standardised(found, n, phi, seed).sum())
        count += found.size
    return float(total / count**0.5)


def steps(values: Array, found: Search, level: float, *, seed: int = SEED) -> list[int]:
    """Where the steps of a series lie whose search was accepted at `level`, by splitting again and again.

    Parts are held against the null of the whole series, which is the stricter one. In order.
    """
    if found.split is None:
        return []
    accepted: list[int] = []
    waiting = [(0, found.split, values.size)]
    while waiting:
        start, split, end = waiting.pop()
        accepted.append(split)
        for low, high in ((start, split), (split, end)):
            if high - low < FEWEST:
                continue
            part = _scored(values[None, low:high])
            if found.phi is None:
                p = _p_of_any(values[None, low:high], part, found.n, seed)
            else:
                p = _p(part, np.array([found.phi]), found.n, seed)
            if float(p[0]) <= level:
                waiting.append((low, low + int(part.splits[0]), high))
    return sorted(accepted)


def batched(values: Array, most: int) -> tuple[Array, int]:
    """(means of equal batches, `most` at the most; values a batch); what is left over at the end enters no batch."""
    size = math.ceil(values.size / most)
    count = values.size // size
    means: Array = values[: count * size].reshape(count, size).mean(axis=1)
    return means, size


def confirmed(n: int, split: int) -> bool:
    """Whether a step is held by at least two points after it."""
    return n - split >= EDGE
