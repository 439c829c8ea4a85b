"""Two samples: an exact rank permutation test, the Hodges-Lehmann shift that inverts it, and superiority.

Pure functions over numbers. Values above 0 are compared on the log scale, so that a shift is a ratio; the
test itself does not depend on the scale. Exact up to `EXACT_UP_TO` values an arm, ties included; the normal
approximation with tie correction beyond. Which arms may be compared at all is decided in `comparisons_arms`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from chimera_pipeline.facts.statistics import Array, Interval, as_array

EXACT_UP_TO = 50
_PAIRS = 4_000_000


@dataclass(frozen=True, slots=True)
class Shift:
    """Head to base. `ratio` is head / base (None unless all values are above 0), `difference`: head - base.

    `interval` is of the ratio where there is one, else of the difference; `narrow` is the same at 90 %, which
    two one-sided tests at 5 % use (Schuirmann 1987). `superiority` is P(head > base) + P(equal) / 2.
    """

    n_base: int
    n_head: int
    p: float
    p_min: float
    ratio: float | None
    difference: float
    interval: Interval | None
    narrow: Interval | None
    superiority: float
    method: str


def unpaired(base: npt.ArrayLike, head: npt.ArrayLike) -> Shift:
    """Independent samples: Wilcoxon-Mann-Whitney as a permutation test, Hodges & Lehmann 1963 shift."""
    a, b = as_array(base), as_array(head)
    logs = bool(min(a.min(), b.min()) > 0)
    x, y = (np.log(a), np.log(b)) if logs else (a, b)
    p, method = _rank_sum_p(a, b)
    differences = _differences(x, y)
    shift = float(np.median(differences))
    plain = float(np.median(_differences(a, b))) if logs else shift
    wide, narrow = (_interval(differences, _rank(a.size, b.size, level), level, logs) for level in (0.95, 0.9))
    wins = float((differences > 0).mean() + 0.5 * (differences == 0).mean())
    ratio = math.exp(shift) if logs else None
    return Shift(a.size, b.size, p, smallest_p(a.size, b.size), ratio, plain, wide, narrow, wins, method)


def paired(base: npt.ArrayLike, head: npt.ArrayLike) -> Shift:
    """Pairs of the same item: Wilcoxon's signed ranks as a sign-flip test, median of Walsh averages.

    Raises ValueError when the arms differ in length.
    """
    a, b = as_array(base), as_array(head)
    if a.size != b.size:
        raise ValueError(f"{a.size} values against {b.size} are no pairs")
    logs = bool(min(a.min(), b.min()) > 0)
    gaps = np.log(b) - np.log(a) if logs else b - a
    p, method = _signed_rank_p(gaps)
    walsh = _walsh(gaps)
    wide, narrow = (_interval(walsh, _signed_rank(a.size, level), level, logs) for level in (0.95, 0.9))
    wins = float((gaps > 0).mean() + 0.5 * (gaps == 0).mean())
    shift = float(np.median(walsh))
    plain = float(np.median(_walsh(b - a))) if logs else shift
    ratio = math.exp(shift) if logs else None
    return Shift(a.size, b.size, p, smallest_p_paired(a.size), ratio, plain, wide, narrow, wins, method)


def from_reported(base: tuple[float, float, int], head: tuple[float, float, int]) -> Shift | None:
    """Welch's t from stated (mean, sd with ddof 1, n); None below n = 5, or where both sd are 0.

    The interval of the ratio of means uses the log-scale standard error s / (mean sqrt(n)).
    """
    (m1, s1, n1), (m2, s2, n2) = base, head
    if min(n1, n2) < 5 or s1 + s2 == 0:
        return None
    v1, v2 = s1**2 / n1, s2**2 / n2
    p = _two_sided_t(abs(m2 - m1) / math.sqrt(v1 + v2), _welch_df(v1, n1, v2, n2))
    intervals: list[Interval | None] = []
    for level in (0.95, 0.9):
        intervals.append(_welch_interval(base, head, level))
    ratio = m2 / m1 if min(m1, m2) > 0 else None
    scale = math.sqrt(s1**2 + s2**2)
    from scipy.special import ndtr

    wins = float(ndtr((m2 - m1) / scale))
    return Shift(n1, n2, p, 0.0, ratio, m2 - m1, intervals[0], intervals[1], wins, "Welch's t of stated means")


def _welch_df(v1: float, n1: int, v2: float, n2: int) -> float:
    return (v1 + v2) ** 2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))


def _two_sided_t(t: float, df: float) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(df, -t))


def _welch_interval(base: tuple[float, float, int], head: tuple[float, float, int], level: float) -> Interval:
    from scipy.special import stdtrit

    (m1, s1, n1), (m2, s2, n2) = base, head
    logs = min(m1, m2) > 0
    v1, v2 = s1**2 / n1, s2**2 / n2
    if logs:
        v1, v2 = v1 / m1**2, v2 / m2**2
    half = float(stdtrit(_welch_df(v1, n1, v2, n2), (1 + level) / 2)) * math.sqrt(v1 + v2)
    if not logs:
        return Interval(m2 - m1 - half, m2 - m1 + half, "Welch's t", level)
    ratio = m2 / m1
    return Interval(ratio * math.exp(-half), ratio * math.exp(half), "Welch's t on the log scale", level)


def smallest_p(n_base: int, n_head: int) -> float:
    """The smallest two-sided p that the rank permutation test can give: 2 / C(n + m, n)."""
    return min(1.0, 2 / math.comb(n_base + n_head, n_base))


def smallest_p_paired(pairs: int) -> float:
    """The smallest two-sided p that a sign-flip test can give: 2 / 2^n."""
    return min(1.0, 2.0 ** (1 - pairs))


def _midranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Array = (ends - (counts - 1) / 2)[inverse]
    return ranks


def _rank_sum_p(a: Array, b: Array) -> tuple[float, str]:
    ranks = _midranks(np.concatenate([a, b]))
    n, total = b.size, a.size + b.size
    found = float(ranks[a.size :].sum())
    if max(a.size, b.size) <= EXACT_UP_TO:
        doubled = tuple(np.rint(2 * np.sort(ranks)).astype(int).tolist())
        sums, share = _rank_sum_null(doubled, n)
        centre = n * (total + 1)
        p = float(share[np.abs(sums - centre) >= abs(2 * found - centre) - 1e-9].sum())
        return min(1.0, p), "exact permutation of ranks (Wilcoxon-Mann-Whitney)"
    _, counts = np.unique(ranks, return_counts=True)
    ties = float((counts.astype(float) ** 3 - counts).sum())
    variance = n * a.size / 12 * (total + 1 - ties / (total * (total - 1)))
    return _normal_p(found - n * (total + 1) / 2, variance), "Wilcoxon-Mann-Whitney, normal approximation"


def _normal_p(deviation: float, variance: float) -> float:
    from scipy.special import ndtr

    if variance <= 0:
        return 1.0
    return float(min(1.0, 2 * ndtr(-max(0.0, abs(deviation) - 0.5) / math.sqrt(variance))))


@lru_cache(maxsize=256)
def _rank_sum_null(doubled: tuple[int, ...], chosen: int) -> tuple[Array, Array]:
    """Distribution of the sum of `chosen` of these ranks: the shift algorithm (Streitberg & Röhmel 1986)."""
    width = sum(doubled[-chosen:]) + 1
    table = np.zeros((chosen + 1, width))
    table[0, 0] = 1.0
    for value in doubled:
        table[1:, value:] += table[:-1, : width - value]
    sums = np.flatnonzero(table[chosen])
    share = table[chosen, sums]
    return sums.astype(np.float64), share / share.sum()


def _signed_rank_p(gaps: Array) -> tuple[float, str]:
    moved = gaps[gaps != 0]
    if moved.size == 0:
        return 1.0, "no pair differs"
    ranks = _midranks(np.abs(moved))
    found = float(ranks[moved > 0].sum())
    if moved.size <= 2 * EXACT_UP_TO:
        sums, share = _signed_null(tuple(np.rint(2 * np.sort(ranks)).astype(int).tolist()))
        centre = float(ranks.sum())
        p = float(share[np.abs(sums - centre) >= abs(2 * found - centre) - 1e-9].sum())
        return min(1.0, p), "exact sign-flip of ranks in pairs (Wilcoxon)"
    p = _normal_p(found - ranks.sum() / 2, float((ranks**2).sum()) / 4)
    return p, "Wilcoxon's signed ranks, normal approximation"


@lru_cache(maxsize=256)
def _signed_null(doubled: tuple[int, ...]) -> tuple[Array, Array]:
    table = np.zeros(sum(doubled) + 1)
    table[0] = 1.0
    for value in doubled:
        table[value:] = table[value:] + table[: table.size - value]
    sums = np.flatnonzero(table)
    return sums.astype(np.float64), table[sums] / table.sum()


def _differences(x: Array, y: Array) -> Array:
    """Sorted y - x over all pairs; arms above 2,000 values stand as 2,000 evenly spaced order statistics."""
    if x.size * y.size > _PAIRS:
        x, y = _thinned(x), _thinned(y)
    return np.sort((y[:, None] - x[None, :]).ravel())


def _thinned(values: Array) -> Array:
    if values.size <= 2000:
        return values
    picked: Array = np.quantile(values, (np.arange(2000) + 0.5) / 2000, method="hazen")
    return picked


def _walsh(gaps: Array) -> Array:
    if gaps.size > 2000:
        gaps = _thinned(gaps)
    i, j = np.triu_indices(gaps.size)
    return np.sort((gaps[i] + gaps[j]) / 2)


def _interval(values: Array, share: float | None, level: float, logs: bool) -> Interval | None:
    """From the order statistics that leave `share` of the sorted values out on either side."""
    if share is None:
        return None
    low_at = min(round(share * values.size), (values.size - 1) // 2)
    low, high = float(values[low_at]), float(values[values.size - 1 - low_at])
    if logs:
        return Interval(math.exp(low), math.exp(high), "Hodges-Lehmann (log scale)", level)
    return Interval(low, high, "Hodges-Lehmann", level)


@lru_cache(maxsize=1024)
def _rank(n: int, m: int, level: float) -> float | None:
    """The share of pairwise differences left out on a side by inverting the test; None: n too small."""
    tail = (1 - level) / 2
    if max(n, m) <= EXACT_UP_TO:
        _, share = _rank_sum_null(tuple(range(2, 2 * (n + m) + 1, 2)), m)
        outside = int(np.searchsorted(np.cumsum(share), tail + 1e-12, side="right"))
        return None if outside < 1 else (outside - 1) / (n * m)
    return _normal_share(n * m, n * m * (n + m + 1) / 12, tail)


@lru_cache(maxsize=1024)
def _signed_rank(n: int, level: float) -> float | None:
    """The same for Walsh averages and the signed-rank test."""
    tail = (1 - level) / 2
    count = n * (n + 1) // 2
    if n <= 2 * EXACT_UP_TO:
        _, share = _signed_null(tuple(range(2, 2 * n + 1, 2)))
        outside = int(np.searchsorted(np.cumsum(share), tail + 1e-12, side="right"))
        return None if outside < 1 else (outside - 1) / count
    return _normal_share(count, n * (n + 1) * (2 * n + 1) / 24, tail)


def _normal_share(count: int, variance: float, tail: float) -> float:
    from scipy.special import ndtri

    outside = count / 2 + float(ndtri(tail)) * math.sqrt(variance)
    return max(0.0, math.floor(outside) - 1) / count
