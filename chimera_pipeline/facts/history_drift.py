"""A step or drift: what a series too short to show its own autocorrelation is held against.

Pure functions over numbers. The Bayes factor of a step in independent points against AR(1) series without one, of
the values and of their normal scores, is compared with what simulated AR(1) series give, whichever phi gives most.
Which series this concerns is decided in `history_changes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from chimera_pipeline.facts.history_null import SEED, ar1, null
from chimera_pipeline.facts.history_splits import EDGE, ranks_of, score
from chimera_pipeline.facts.statistics import Array

DRAWS = 20_000
PHI = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Up to 0.6, as far as the calibration in docs/statistics.md goes."""
_WEIGHTS = {0.0: 0.4, 0.2: 0.2, 0.4: 0.1, 0.6: 0.3}
_SIZES = (2.0, 4.0, 8.0)
_LEVELS = np.geomspace(0.5, 0.002, 40)


def bayes_factor(values: Array) -> Array:
    """log of the mean of two Bayes factors of each row, of its values and of their normal scores.

    Mean and scale are integrated out (Zellner 1971, Bayesian Inference in Econometrics, ch. 3 and 4): a step at split
    k of prior weight k (n - k) and normal size of 2, 4 or 8 sd, against AR(1) with phi 0, 0.2, 0.4 or 0.6.
    """
    from scipy.special import ndtri

    n = values.shape[1]
    scores = ndtri((ranks_of(values) - 0.375) / (n + 0.25))
    factor: Array = np.logaddexp(_factor(values), _factor(scores)) - np.log(2)
    return factor


def _factor(values: Array) -> Array:
    y = values - values.mean(axis=1, keepdims=True)
    total = np.einsum("ij,ij->i", y, y)
    scale = np.sqrt(np.where(total > 0, total, 1.0))
    y = y / scale[:, None]
    return np.where(total > 0, _log_sum(*_steps(y)) - _log_sum(*_drifts(y)), 0.0)


def _steps(y: Array) -> tuple[Array, Array]:
    """log densities (rows: split and size) of centred series of length 1 under a step, and their log weights."""
    n = y.shape[1]
    k = np.arange(EDGE, n - EDGE + 1)
    after = -np.cumsum(y, axis=1)[:, k - 1]
    extent = k * (n - k) / n
    parts, weights = [], []
    for size in _SIZES:
        grown = 1 + size**2 * extent
        rest = np.maximum(1 - size**2 * after**2 / grown, 1e-12)
        parts.append((-0.5 * np.log(grown) - 0.5 * np.log(n) - (n - 1) / 2 * np.log(rest)).T)
        weights.append(np.log(extent / extent.sum() / len(_SIZES)))
    return np.concatenate(parts), np.concatenate(weights)


def _drifts(y: Array) -> tuple[Array, Array]:
    """The same under AR(1) with each phi."""
    n = y.shape[1]
    parts = []
    for phi in _WEIGHTS:
        moved = y[:, 1:] - phi * y[:, :-1]
        square = y[:, 0] ** 2 + np.einsum("ij,ij->i", moved, moved) / (1 - phi**2)
        inner = (y[:, 0] + y[:, -1] + (1 - phi) * y[:, 1:-1].sum(axis=1)) / (1 + phi)
        ones = (2 + (1 - phi) * (n - 2)) / (1 + phi)
        rest = np.maximum(square - inner**2 / ones, 1e-12)
        parts.append(-(n - 1) / 2 * np.log(1 - phi**2) - 0.5 * np.log(ones) - (n - 1) / 2 * np.log(rest))
    return np.array(parts), np.log(list(_WEIGHTS.values()))


def _log_sum(parts: Array, weights: Array) -> Array:
    found: Array = np.logaddexp.reduce(parts + weights[:, None], axis=0)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """For falling levels the Bayes factor from which a series whose rank p is at the level too is no drift."""

    levels: Array
    factors: Array

    def p(self, by_rank: npt.ArrayLike, factors: Array) -> Array:
        """The smallest level at which both speak of a step; never below the p of the ranks."""
        rising = np.interp(factors, self.factors, np.log(self.levels), left=0.0)
        slope = (np.log(self.levels[-1]) - np.log(self.levels[-10])) / (self.factors[-1] - self.factors[-10])
        beyond = np.log(self.levels[-1]) + slope * (factors - self.factors[-1])
        level = np.exp(np.where(factors > self.factors[-1], beyond, rising))
        found: Array = np.maximum(np.asarray(by_rank, dtype=np.float64), level)
        return found


@lru_cache(maxsize=64)
def limits(n: int, seed: int = SEED, draws: int = DRAWS) -> Limits:
    """The limits for series of n points: at each level the worst of the phis raises as many alarms as it allows."""
    needed = np.full(_LEVELS.size, -np.inf)
    for phi in PHI:
        rng = np.random.default_rng([seed, n, round(10 * phi), 1])
        values = ar1(rng, draws, n, phi)
        by_rank = null(n, 0.0, seed).p_of_score(score(ranks_of(values))[0])
        order = np.argsort(-(factors := bayes_factor(values)), kind="stable")
        factors, by_rank = factors[order], by_rank[order]
        for i, level in enumerate(_LEVELS):
            passing = factors[by_rank <= level]
            allowed = int(level * draws)
            if passing.size > allowed:
                needed[i] = max(needed[i], passing[allowed])
    floor = needed[np.isfinite(needed)].min(initial=0.0) - 1
    return Limits(
        _LEVELS, np.maximum.accumulate(np.where(np.isfinite(needed), needed, floor)) + 1e-9 * np.arange(_LEVELS.size)
    )
