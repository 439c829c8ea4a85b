"""How surprising each split of ordered points is: the two-sided Wilcoxon p of its rank sum, on the z scale.

Exact where a side has `EXACT` points or fewer, so that a step of three points can count and is weighed against
larger ones fairly; a saddlepoint approximation beyond. Pure functions over ranks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from chimera_pipeline.facts.statistics import Array

EDGE = 2
EXACT = 8
_GRID = 256
_SHARES = np.linspace(0, 1, _GRID)
_FEW = 8
"""Rows of ranks up to which the splits are looked at roughly first."""
_DOUBT = 1e-3
"""How far below the best rough score a split may still have the best one; rough scores are right to 1e-6."""
_CELLS = 65_536
Ranks = npt.NDArray[np.floating]


def ranks_of(values: Ranks) -> Array:
    """Midranks along rows; the order of equal values is no matter, as they share a rank."""
    order = np.argsort(values, axis=1)
    rows, n = values.shape
    ranks = np.empty_like(values, dtype=np.float64)
    ranks[np.arange(rows)[:, None], order] = np.arange(1.0, n + 1)
    ordered = np.sort(values, axis=1)
    tied = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    for row in tied:
        _, inverse, counts = np.unique(values[row], return_inverse=True, return_counts=True)
        ranks[row] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def score(ranks: Ranks) -> tuple[Array, npt.NDArray[np.intp]]:
    """The largest split score of each row of ranks, and the split (number of points before it)."""
    rows, n = ranks.shape
    found, splits = np.empty(rows), np.empty(rows, dtype=np.intp)
    step = max(1, _CELLS // n)
    for low in range(0, rows, step):  # a block of rows at a time stays in the processor's cache
        part = slice(low, low + step)
        z = split_scores(ranks[part])
        at = z.argmax(axis=1)
        found[part], splits[part] = z[np.arange(z.shape[0]), at], at + EDGE
    return found, splits


def split_scores(ranks: Ranks) -> Ranks:
    """The score of each split, from EDGE points before it to EDGE points after it.

    Of `_FEW` rows or fewer, those that cannot be the best of a row are right to 1e-6 only.
    """
    n = ranks.shape[1]
    sums = np.cumsum(ranks, axis=1)[:, EDGE - 1 : n - EDGE]
    k = np.arange(EDGE, n - EDGE + 1)
    away = np.abs(sums - (k * (n + 1) / 2).astype(ranks.dtype))
    z = np.empty_like(away)
    for size in range(EDGE, min(EXACT, n // 2) + 1):
        table = exact_z(n, size)
        for split in {size, n - size}:
            z[:, split - EDGE] = table[(2 * away[:, split - EDGE] + 1e-2).astype(np.intp)]
    inner = slice(EXACT + 1 - EDGE, n - EXACT - EDGE)
    if n > 2 * EXACT + 1:
        z[:, inner] = _inner(away[:, inner], k[inner], n)
    scores: Ranks = z
    return scores


def _inner(away: Ranks, k: npt.NDArray[np.intp], n: int) -> Ranks:
    """Scores of the splits with more than EXACT points on both sides; of few rows those that may be the best of one.

    Each length has a table of its own, which is most of the work where lengths differ and a row or two have each.
    """
    size = np.minimum(k, n - k)
    if away.shape[0] > _FEW:
        return _looked_up(away, size, n, saddlepoint_z(n))
    factors = _factors(n)
    table = _rough_z(n, *factors[:-1])
    rough = _looked_up(away, size, n, table)
    likely = (rough >= rough.max(axis=1, keepdims=True) - _DOUBT).any(axis=0)
    for one in np.unique(size[likely]).tolist():
        table[one - EXACT - 1] = _row(n, one, *factors)
    return _looked_up(away, size, n, table)


def _looked_up(away: Ranks, size: npt.NDArray[np.intp], n: int, table: npt.NDArray[np.float32]) -> Ranks:
    """Scores read off the row of their size."""
    share = away * ((_GRID - 1) * 2 / (size * (n - size))).astype(away.dtype)
    low = share.astype(np.int32)
    np.minimum(low, _GRID - 2, out=low)
    flat = table.ravel()
    place = low + ((size - EXACT - 1) * _GRID).astype(np.int32)
    below = flat.take(place)
    scores: Ranks = below + (share - low) * (flat.take(place + 1) - below)
    return scores


@lru_cache(maxsize=1536)
def exact_z(n: int, size: int) -> npt.NDArray[np.float32]:
    """z with the exact two-sided p of the rank sum of `size` of n ranks, by twice its way from the centre."""
    from scipy.special import ndtri

    ways = _ways(n, max(EXACT, size))[size]
    share = ways / ways.sum()
    away = np.abs(2 * np.arange(share.size) - size * (n + 1))
    counts = np.bincount(away, weights=share, minlength=size * (n - size) + 3)
    p = np.cumsum(counts[::-1])[::-1]
    z: npt.NDArray[np.float32] = np.maximum(-ndtri(np.clip(p, 1e-300, 1.0) / 2), 0.0).astype(np.float32)
    return z


@lru_cache(maxsize=1)
def _ways(n: int, most: int) -> list[Array]:
    """For each size up to `most`: the number of ways in which so many of n ranks sum to 0, 1, 2 and so on."""
    ways = [np.zeros(size * n + 1) for size in range(most + 1)]
    ways[0][0] = 1.0
    for rank in range(1, n + 1):
        for size in range(min(most, rank), 0, -1):  # sums so far reach size * rank at the most
            ways[size][rank : size * rank + 1] += ways[size - 1][: (size - 1) * rank + 1]
    return ways


@lru_cache(maxsize=64)
def saddlepoint_z(n: int) -> npt.NDArray[np.float32]:
    """z of rank sums for sizes EXACT + 1 to n // 2 (rows), from the centre to the farthest sum (columns).

    Lugannani & Rice 1980 in the form r + log(u / r) / r, from the generating function of the Mann-Whitney count,
    prod (1 - q^(m+i)) / (1 - q^i), with the lattice correction (Robinson 1980; Daniels 1987). Its factors depend on
    m + i and i only, so that those of all sizes are cut from one row of n.
    """
    factors = _factors(n)
    return np.array([_row(n, k, *factors) for k in range(EXACT + 1, n // 2 + 1)])


Factors = tuple[Array, Array, Array, Array, Array]


def _factors(n: int) -> Factors:
    """(points t, the factors of the three sums in columns, room for terms)."""
    t = np.geomspace(1e-3 / n, 6.0, 240 if n <= 256 else 80)[:, None]
    every = np.arange(1.0, n + 1)[None, :]
    return t, np.log1p(-np.exp(-t * every)), _pull(t, every), _push(t, every), np.empty(t.size * (n // 2))


def _row(n: int, k: int, t: Array, factor: Array, pull: Array, push: Array, room: Array) -> npt.NDArray[np.float32]:
    """The row of `saddlepoint_z` for size k."""
    m = n - k
    terms = room[: t.size * k].reshape(t.size, k)
    np.add(t * m, factor[:, m:], out=terms)
    cumulant = np.subtract(terms, factor[:, :k], out=terms).sum(axis=1) - _log_ways(n, k)
    np.add(m, pull[:, m:], out=terms)
    first = np.subtract(terms, pull[:, :k], out=terms).sum(axis=1)
    second = np.subtract(push[:, :k], push[:, m:], out=terms).sum(axis=1)
    return _read_off(*_points(m * k / 2, t[:, 0], cumulant, first, second))


def _rough_z(n: int, t: Array, factor: Array, pull: Array, push: Array) -> npt.NDArray[np.float32]:
    """The same table from running sums: a thousandth of the work at n = 1,000, and not to the last digit."""
    k = np.arange(EXACT + 1, n // 2 + 1)
    m, line = n - k, t[:, 0]
    sums = [np.cumsum(each, axis=1) for each in (factor, pull, push)]
    low, high = ([each[:, k - 1].T for each in sums], [(each[:, -1:] - each[:, m - 1]).T for each in sums])
    area = (m * k)[:, None]
    cumulant = area * line + high[0] - low[0] - _log_ways(n, k)[:, None]
    points = _points(area / 2, line, cumulant, area + high[1] - low[1], low[2] - high[2])
    return np.array([_read_off(*row) for row in zip(*points, strict=True)])


def _log_ways(n: int, k: Any) -> Any:
    from scipy.special import gammaln

    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def _points(half: Any, line: Array, cumulant: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """(ways from the centre, of which the farthest sum has `half`; z there, NaN where the formula does not hold)."""
    r = np.sqrt(2 * np.maximum(line * first - cumulant, 1e-12))
    u = 2 * np.sinh(line / 2) * np.sqrt(np.maximum(second, 1e-12))
    z = r + np.log(u / r) / r
    return (first + 0.5 - half) / half, np.where(r > 0.02, z, np.nan)


def _read_off(away: Array, z: Array) -> npt.NDArray[np.float32]:
    """z on the grid of ways from the centre."""
    good = np.isfinite(z)
    at, known = np.concatenate(([0.0], away[good])), np.concatenate(([0.0], z[good]))
    return np.maximum.accumulate(np.interp(_SHARES, at, known)).astype(np.float32)


def _pull(t: Array, a: Array) -> Array:
    found: Array = a / np.expm1(np.minimum(t * a, 500.0))
    return found


def _push(t: Array, a: Array) -> Array:
    x = np.minimum(t * a, 500.0)
    found: Array = a**2 * np.exp(-x) / np.expm1(-x) ** 2
    return found
