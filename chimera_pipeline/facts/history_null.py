"""The null distribution of the best split of a series, by seeded simulation, with and without autocorrelation.

The same search runs on every simulated series, which is how looking for the best split is accounted for.
Autocorrelated series are held against Gaussian AR(1) series, which stand in for permuted blocks (see
docs/statistics.md). Splits are scored in `history_splits`; which phi a series is held against is decided in
`history_changes`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chimera_pipeline.facts.history_splits import EDGE, EXACT, Ranks, exact_z, ranks_of, saddlepoint_z, score
from chimera_pipeline.facts.statistics import Array

DRAWS = 20_000
PHI = tuple(round(0.1 * step, 1) for step in range(10))
SEED = 20_250_101
_GRID = (24, 28, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800, 1000)
LENGTHS = (*range(8, 21), *_GRID)
"""Every length that stands for others (a series of fewer than 8 points is not searched)."""
LAGS = Path(__file__).with_name("history_lags.json")
_KEPT = 0.9
_CUT = 1.0
_TAIL = 50
_FEW = 4_000
_CELLS = 65_536


def grid_length(n: int) -> int:
    """The length whose null stands for n: n itself up to 20, else the next of a grid (conservative)."""
    return n if n <= 20 else next((size for size in _GRID if size >= n), n)


@dataclass(frozen=True, slots=True, eq=False)
class Upper:
    """Sorted draws of a statistic; where fewer than 50 lie beyond, its tail is log-linear in a power of it.

    The power is 2 for independent points (a normal tail) and 1, which is heavier, for autocorrelated ones.
    """

    draws: Array
    power: int
    at: float
    level: float
    slope: float

    def p(self, found: Array) -> Array:
        """P(statistic >= found)."""
        size = self.draws.size
        beyond = size - np.searchsorted(self.draws, found - 1e-6, side="left")
        counted = (beyond + 1) / (size + 1)
        tail = self.level * np.exp(np.minimum(0.0, self.slope * (found**self.power - self.at**self.power)))
        return np.where(found <= self.at, counted, np.minimum(tail, counted))


def _upper(draws: Array, power: int) -> Upper:
    draws = np.sort(draws)
    at, base = draws[max(0, draws.size - _TAIL)], draws[int(0.95 * draws.size)]
    level = _TAIL / draws.size
    rise = float(at**power - base**power)
    slope = float(np.log(level / 0.05)) / rise if rise > 0 else -0.5
    return Upper(draws, power, float(at), level, slope)


@dataclass(frozen=True, slots=True, eq=False)
class Null:
    """Scores, sizes and the lag statistic's mean and sd of simulated series of one length and one phi."""

    n: int
    phi: float
    scores: Upper
    sizes: Upper
    lag_mean: float
    lag_sd: float
    both: float

    def p_of_score(self, scores: Array) -> Array:
        """P(best score >= s). Independent points: never below one split's own p, never above Bonferroni's."""
        from scipy.special import ndtr

        p = self.scores.p(scores)
        if self.phi == 0:
            p = np.minimum(np.maximum(p, 2 * ndtr(-scores)), _bonferroni(self.n, scores))
        return np.clip(p, 1e-300, 1.0)

    def p_of_either(self, scores: Array, sizes: Array) -> Array:
        """P(score or size of the best split is as surprising as the more surprising of these two)."""
        either = np.minimum(self.scores.p(scores), self.sizes.p(sizes))
        return np.clip(self.both * either, 1e-300, 1.0)


@lru_cache(maxsize=64)
def null(n: int, phi: float = 0.0, seed: int = SEED, draws: int = DRAWS) -> Null:
    """The null of series with n points and lag-1 autocorrelation `phi`."""
    rng = np.random.default_rng([seed, n, round(10 * phi)])
    draws = min(draws, max(2_000, draws * (100 if phi == 0 else 200) // n))
    few = _FEW if phi == 0 else draws
    found, lag, sizes = np.empty(draws), np.empty(min(few, draws)), np.empty(min(few, draws))
    drawn: Ranks
    if phi == 0:
        drawn = rng.permuted(np.tile(np.arange(1.0, n + 1), (draws, 1)), axis=1)  # swaps are fastest in 8 bytes
    else:
        drawn = _ar1(rng, draws, n, phi).T
    step = max(1, _CELLS // n)
    for low in range(0, draws, step):  # a block of draws at a time stays in the processor's cache
        part = slice(low, low + step)
        values = np.ascontiguousarray(drawn[part])
        ranks = (values if phi == 0 else ranks_of(values)).astype(np.float32)
        found[part], at = score(ranks)
        if low < few:
            kept = slice(0, min(few, draws) - low)
            lag[part] = lag_statistic(ranks[kept], at[kept])
            sizes[part] = size_statistic((ranks if phi == 0 else values)[kept], at[kept])
    power = 2 if phi == 0 else 1
    by_score, by_size = _upper(found, power), _upper(sizes, power)
    either = np.minimum(by_score.p(found[:few]), by_size.p(sizes))
    both = max(1.0, float(np.mean(either <= 0.01)) / 0.01)
    return Null(n, phi, by_score, by_size, float(lag.mean()), float(lag.std()), both)


def lag_of(n: int, phi: float, seed: int = SEED) -> tuple[float, float]:
    """Mean and sd of the lag statistic in series of n points without a step: what `null(n, phi, seed)` has of it.

    Those of the usual seed are kept beside the code (benchmarks/history_lags.py), as most phis are asked no more.
    """
    known = _lags().get(str(n)) if seed == SEED else None
    if known is None or phi not in PHI:
        one = null(n, phi, seed)
        return one.lag_mean, one.lag_sd
    mean, sd = known[PHI.index(phi)]
    return mean, sd


@lru_cache(maxsize=1)
def _lags() -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = json.loads(LAGS.read_text(encoding="utf-8"))
    return found


def ar1(rng: np.random.Generator, draws: int, n: int, phi: float) -> Array:
    """Gaussian AR(1) series in rows, with mean 0 and variance 1."""
    return np.ascontiguousarray(_ar1(rng, draws, n, phi).T)


def _ar1(rng: np.random.Generator, draws: int, n: int, phi: float) -> Array:
    """The same in columns."""
    noise = rng.standard_normal((n, draws))
    scale = np.sqrt(1 - phi**2)
    for step in range(1, n):
        noise[step] *= scale
        noise[step] += phi * noise[step - 1]
    return noise


def _bonferroni(n: int, scores: Array) -> Array:
    """The sum over splits of the chance that their score is `scores` or more."""
    from scipy.special import ndtr

    farthest, every = _farthest(n), np.arange(scores.size)
    count = farthest.size - np.searchsorted(farthest, scores, side="left")
    sums = np.cumsum(np.broadcast_to(2 * ndtr(-scores)[:, None], (scores.size, farthest.size)), axis=1)
    return np.minimum(np.where(count > 0, sums[every, count - 1], 0.0), 1.0)


@lru_cache(maxsize=64)
def _farthest(n: int) -> npt.NDArray[np.float32]:
    """The largest score that each split of n points can have, in order, and a little for rounding."""
    sizes = [min(split, n - split) for split in range(EDGE, n - EDGE + 1)]
    found = [exact_z(n, size).max() if size <= EXACT else saddlepoint_z(n)[size - EXACT - 1, -1] for size in sizes]
    return np.sort(np.array(found, dtype=np.float32) + np.float32(1e-5))


def size_statistic(values: Ranks, split: npt.NDArray[np.intp]) -> Array:
    """|mean after - mean before| over its standard error, from the sd within both sides (Student 1908)."""
    n = values.shape[1]
    gap, rest = _about_means(values, split)
    sd = np.sqrt(np.einsum("ij,ij->i", rest, rest) / (n - 2))
    error = sd * np.sqrt(1 / split + 1 / (n - split))
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes: Array = np.where(error > 0, np.abs(gap) / error, np.where(gap == 0, 0.0, 1e6)).astype(np.float64)
    return sizes


def _about_means(values: Ranks, split: npt.NDArray[np.intp]) -> tuple[Ranks, Ranks]:
    """(difference of the means after and before, values about the mean of their side)."""
    n = values.shape[1]
    before = np.arange(n)[None, :] < split[:, None]
    left = np.where(before, values, 0).sum(axis=1)
    first, second = left / split, (values.sum(axis=1) - left) / (n - split)
    return second - first, values - np.where(before, first[:, None], second[:, None])


def lag_statistic(ranks: Ranks, split: npt.NDArray[np.intp]) -> Array:
    """Lag-1 autocorrelation of the ranks about their means before and after the best split.

    Further steps would pass for autocorrelation, so it is cut at an estimate from differences, which steps
    hardly touch, plus half its sd: (mean |x_t+2 - x_t| / mean |x_t+1 - x_t|)² - 1 of the smaller 90 %.
    """
    _, rest = _about_means(ranks, split)
    squares = np.einsum("ij,ij->i", rest, rest)
    products = np.einsum("ij,ij->i", rest[:, 1:], rest[:, :-1])
    one, two = (_trimmed_mean(np.abs(ranks[:, lag:] - ranks[:, :-lag])) for lag in (1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = np.where(squares > 0, products / squares, 0.0)
        robust = np.where(one > 0, (two / one) ** 2 - 1, 0.0)
    found: Array = np.minimum(plain, robust + _CUT / np.sqrt(ranks.shape[1])).astype(np.float64)
    return found


def _trimmed_mean(values: Ranks) -> Ranks:
    keep = max(1, int(_KEPT * values.shape[1]))
    means: Ranks = np.partition(values, keep - 1, axis=1)[:, :keep].mean(axis=1)
    return means
