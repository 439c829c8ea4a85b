"""The null distribution of the largest rank split, by seeded simulation, with and without autocorrelation.

A split of n ordered points is scored by its two-sided Wilcoxon p on the z scale (exact near the ends, so that
a step of three points can count); the score of a series is the largest over all splits. Looking for the best
split is accounted for because the same search runs on every simulated series. Autocorrelated series are held
against Gaussian AR(1) series, which stand in for permuted blocks: see docs/statistics.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from chimera_pipeline.facts.statistics import Array

EDGE = 2
EXACT = 8
DRAWS = 20_000
PHI = tuple(round(0.1 * step, 1) for step in range(10))
SEED = 20_250_101
_GRID = (24, 28, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800, 1000)
_KEPT = 0.9
_CUT = 4.5


def grid_length(n: int) -> int:
    """The length whose null stands for n: n itself up to 20, else the next of a grid (conservative)."""
    return n if n <= 20 else next((size for size in _GRID if size >= n), n)


@dataclass(frozen=True, slots=True, eq=False)
class Null:
    """Sorted scores and the lag statistic's mean and sd of simulated series of one length and one phi."""

    scores: Array
    lag_mean: float
    lag_sd: float
    tail_at: float
    tail_level: float
    tail_slope: float
    bound: tuple[int, bool]

    def p(self, scores: Array) -> Array:
        """P(score >= s): counted where 50 draws lie beyond, else log-linear in s² and below Bonferroni."""
        from scipy.special import ndtr

        size = self.scores.size
        beyond = size - np.searchsorted(self.scores, scores - 1e-9, side="left")
        counted = (beyond + 1) / (size + 1)
        tail = self.tail_level * np.exp(self.tail_slope * (scores**2 - self.tail_at**2))
        p: Array = np.where(scores <= self.tail_at, counted, np.minimum(tail, counted))
        n, independent = self.bound
        if independent:
            p = np.minimum(np.maximum(p, 2 * ndtr(-scores)), _bonferroni(n, scores))
        return np.clip(p, 1e-300, 1.0)


@lru_cache(maxsize=64)
def null(n: int, phi: float = 0.0, seed: int = SEED, draws: int = DRAWS) -> Null:
    """The null of series with n points and lag-1 autocorrelation `phi`."""
    rng = np.random.default_rng([seed, n, round(10 * phi)])
    draws = min(draws, max(2_000, draws * 200 // n))
    if phi == 0:
        ranks = rng.permuted(np.tile(np.arange(1.0, n + 1, dtype=np.float32), (draws, 1)), axis=1)
    else:
        ranks = ranks_of(_ar1(rng, draws, n, phi)).astype(np.float32)
    found, at = score(ranks)
    lag = lag_statistic(ranks, at)
    scores = np.sort(found)
    top = scores[max(0, draws - 50)]
    base = scores[int(0.95 * draws)]
    rise = float(top**2 - base**2)
    slope = float(np.log(50 / draws / 0.05)) / rise if rise > 0 else -0.5
    return Null(scores, float(lag.mean()), float(lag.std()), float(top), 50 / draws, slope, (n, phi == 0))


def _ar1(rng: np.random.Generator, draws: int, n: int, phi: float) -> Array:
    noise = rng.standard_normal((n, draws))
    noise[1:] *= np.sqrt(1 - phi**2)
    for step in range(1, n):
        noise[step] += phi * noise[step - 1]
    return np.ascontiguousarray(noise.T)


def ranks_of(values: Array) -> Array:
    """Midranks along rows."""
    order = np.argsort(values, axis=1, kind="stable")
    rows, n = values.shape
    ranks = np.empty_like(values, dtype=np.float64)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(1.0, n + 1), (rows, n)), axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    tied = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    for row in tied:
        _, inverse, counts = np.unique(values[row], return_inverse=True, return_counts=True)
        ranks[row] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def score(ranks: npt.NDArray[np.floating]) -> tuple[Array, npt.NDArray[np.intp]]:
    """The largest split score of each row of ranks, and the split (number of points before it)."""
    z = split_scores(ranks)
    at = z.argmax(axis=1)
    return z[np.arange(z.shape[0]), at].astype(np.float64), at + EDGE


def split_scores(ranks: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """|z| of the rank sum at each split; exact p as z where a side has EXACT points or fewer."""
    n = ranks.shape[1]
    k = np.arange(EDGE, n - EDGE + 1)
    sums = np.cumsum(ranks, axis=1)[:, EDGE - 1 : n - EDGE]
    sd = np.sqrt(k * (n - k) * (n + 1) / 12.0).astype(ranks.dtype)
    z = np.abs(sums - (k * (n + 1) / 2).astype(ranks.dtype)) / sd
    for size in range(EDGE, min(EXACT, n // 2) + 1):
        table = exact_z(n, size)
        for split in {size, n - size}:
            column = sums[:, split - EDGE]
            own = column if split == size else n * (n + 1) / 2 - column
            away = np.abs(own - size * (n + 1) / 2)
            z[:, split - EDGE] = table[np.floor(away + 1e-3).astype(np.intp)]
    scores: npt.NDArray[np.floating] = z
    return scores


@lru_cache(maxsize=512)
def exact_z(n: int, size: int) -> npt.NDArray[np.float32]:
    """z with the two-sided p of the rank sum of `size` of n ranks, by its whole distance from the centre."""
    from scipy.special import ndtri

    ways = np.zeros((size + 1, size * n + 1))
    ways[0, 0] = 1.0
    for rank in range(1, n + 1):
        ways[1:, rank:] += ways[:-1, :-rank]
    share = ways[size] / ways[size].sum()
    away = np.abs(np.arange(share.size) - size * (n + 1) / 2)
    longest = int(size * (n - size) / 2) + 2
    p = np.array([share[away >= distance - 1e-9].sum() for distance in range(longest)])
    with np.errstate(divide="ignore"):
        z = -ndtri(np.clip(p, 1e-300, 1.0) / 2)
    exact: npt.NDArray[np.float32] = np.maximum(z, 0.0).astype(np.float32)
    return exact


def _bonferroni(n: int, scores: Array) -> Array:
    """Sum over splits of the chance that their score is `scores` or more."""
    from scipy.special import ndtr

    total = np.zeros_like(scores)
    for split in range(EDGE, n - EDGE + 1):
        size = min(split, n - split)
        nominal = 2 * ndtr(-scores)
        if size <= EXACT:
            nominal = np.where(scores > exact_z(n, size)[-2:].max() + 1e-5, 0.0, nominal)
        total += nominal
    return np.minimum(total, 1.0)


def lag_statistic(ranks: npt.NDArray[np.floating], split: npt.NDArray[np.intp]) -> Array:
    """Lag-1 autocorrelation of the ranks about their means before and after the best split.

    Further steps would pass for autocorrelation, so it is cut at an estimate from differences, which steps
    hardly touch, plus two of its sd: (mean |x_t+2 - x_t| / mean |x_t+1 - x_t|)² - 1 of the smaller 90 %.
    """
    n = ranks.shape[1]
    before = np.arange(n)[None, :] < split[:, None]
    total = ranks.sum(axis=1)
    left = np.where(before, ranks, 0).sum(axis=1)
    means = np.where(before, (left / split)[:, None], ((total - left) / (n - split))[:, None])
    rest = ranks - means
    squares = np.einsum("ij,ij->i", rest, rest)
    products = np.einsum("ij,ij->i", rest[:, 1:], rest[:, :-1])
    one, two = (_trimmed_mean(np.abs(ranks[:, lag:] - ranks[:, :-lag])) for lag in (1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = np.where(squares > 0, products / squares, 0.0)
        robust = np.where(one > 0, (two / one) ** 2 - 1, 0.0)
    found: Array = np.minimum(plain, robust + _CUT / np.sqrt(n)).astype(np.float64)
    return found


def _trimmed_mean(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    keep = max(1, int(_KEPT * values.shape[1]))
    means: npt.NDArray[np.floating] = np.partition(values, keep - 1, axis=1)[:, :keep].mean(axis=1)
    return means
