"""Statistics of one sample: summaries, means, quantiles and their intervals, each with its formula's origin.

Pure functions over numbers; nothing here knows tables, facts or units. Random resampling takes a seed and is
named in `Interval.method`. Where n does not support a figure the answer is None, never a guess. Repeated
runs are in `statistics_runs`, two samples in `comparisons_shift`, ordered points in `history_changes`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Statistic = Callable[[Array], Array]

CONFIDENCE = 0.95
MEAN_FROM = 5
BOOTSTRAP_FROM = 20
RESAMPLES = 2000
_LOG_SPAN = 10.0
_CELLS = 2_000_000
_BLOCK = 32_768
_FEW = 64


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval with the way it was made."""

    low: float
    high: float
    method: str
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Summary:
    """A sample in short. `sd` is None for one value."""

    n: int
    mean: float
    sd: float | None
    median: float
    min: float
    max: float
    ddof: int = 1


def as_array(values: npt.ArrayLike) -> Array:
    """The values as one-dimensional floats. Raises ValueError when empty or not finite."""
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size == 0:
        raise ValueError("a statistic of no values was asked for")
    if not np.isfinite(array).all():
        raise ValueError("a value is missing or not finite; gaps are rows of their own and enter no statistic")
    return array


def summary(values: npt.ArrayLike) -> Summary:
    """n, mean, sd with ddof 1, median, min and max. Sums are exactly rounded, so order is no matter."""
    array = as_array(values)
    mean = _mean(array)
    sd = None if array.size < 2 else math.sqrt(math.fsum(((array - mean) ** 2).tolist()) / (array.size - 1))
    return Summary(array.size, mean, sd, float(np.median(array)), float(array.min()), float(array.max()))


def _mean(array: Array) -> float:
    return math.fsum(array.tolist()) / array.size


def quantile(values: npt.ArrayLike, p: float) -> float:
    """The p-quantile by linear interpolation of order statistics, Hyndman & Fan 1996 type 7."""
    return float(quantiles_of(np.sort(as_array(values)), np.array([p]))[0])


def quantiles_of(ordered: Array, p: Array) -> Array:
    """The same of values in order, for several p: as numpy.quantile does it, without its way there."""
    at = (ordered.size - 1) * p
    below = np.floor(at).astype(np.intp)
    low, high, share = ordered[below], ordered[np.minimum(below + 1, ordered.size - 1)], at - below
    step = high - low
    found: Array = np.where(share >= 0.5, high - step * (1 - share), low + step * share)
    return found


def total_over_total(amounts: npt.ArrayLike, times: npt.ArrayLike) -> float:
    """sum(amount) / sum(time): the rate over all work, the mean of rates weighted by time."""
    top, bottom = as_array(amounts), as_array(times)
    if top.size != bottom.size:
        raise ValueError(f"{top.size} amounts and {bottom.size} times")
    total = math.fsum(bottom.tolist())
    if total <= 0:
        raise ValueError("the total time is not above 0")
    return math.fsum(top.tolist()) / total


def mean_interval(
    values: npt.ArrayLike, *, seed: int = 0, confidence: float = CONFIDENCE, scale: str = "auto"
) -> Interval | None:
    """The interval of the mean: None below n = 5, Student's t below 20, then a BCa bootstrap.

    `scale` "plain" or "log" asks for that t interval; "auto" takes the log scale where all values are above 0
    and span a factor of 10 or more (a skew that plain t does not bear), the plain scale else.
    """
    array = as_array(values)
    if array.size < MEAN_FROM:
        return None
    if scale == "auto" and array.size >= BOOTSTRAP_FROM:
        return bootstrap_interval(array, _row_means, seed=seed, confidence=confidence)
    if scale == "auto":
        low = float(array.min())
        scale = "log" if low > 0 and float(array.max()) / low >= _LOG_SPAN else "plain"
    if scale != "log":
        return plain_t(array, confidence)
    try:
        return _log_t(array, confidence)
    except OverflowError:  # values so far apart that the bound is beyond a double
        return plain_t(array, confidence)


def t_quantile(p: float, df: float) -> float:
    """The p-quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(df, p))


def plain_t(array: Array, confidence: float = CONFIDENCE) -> Interval:
    """Student's t interval of the mean of two values or more."""
    found = summary(array)
    assert found.sd is not None
    half = t_quantile((1 + confidence) / 2, array.size - 1) * found.sd / math.sqrt(array.size)
    return Interval(found.mean - half, found.mean + half, "Student's t", confidence)


def _log_t(array: Array, confidence: float) -> Interval:
    """Cox's interval of the arithmetic mean of log-normal values with t (Olsson 2005, JSE 13(1))."""
    logs = summary(np.log(array))
    assert logs.sd is not None
    return cox_interval(logs.mean, logs.sd, logs.n, confidence)


def cox_interval(log_mean: float, log_sd: float, n: int, confidence: float = CONFIDENCE) -> Interval:
    """The modified Cox interval from mean and sd of the logs: m + s²/2 -+ t sqrt(s²/n + s⁴/(2(n-1)))."""
    variance = log_sd**2
    centre = log_mean + variance / 2
    half = t_quantile((1 + confidence) / 2, n - 1) * math.sqrt(variance / n + variance**2 / (2 * (n - 1)))
    return Interval(math.exp(centre - half), math.exp(centre + half), "Student's t on the log scale (Cox)", confidence)


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Statistic,
    *,
    seed: int,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """BCa bootstrap interval (Efron 1987; Efron & Tibshirani 1993, eq. 14.10); None below n = 20.

    `statistic` maps samples in rows to one number a row. A statistic that no resample moves gives that point.
    """
    array = as_array(values)
    n = array.size
    if n < BOOTSTRAP_FROM:
        return None
    name = f"BCa bootstrap, {resamples} resamples, seed {seed}"
    draws = np.sort(_resampled(array, statistic, seed, resamples))
    point = float(statistic(array[None, :])[0])
    low, high = _bca(draws, point, _leave_one_out(array, statistic), confidence)
    return Interval(low, high, name, confidence)


def _resampled(array: Array, statistic: Statistic, seed: int, resamples: int) -> Array:
    if array.size * resamples <= _CELLS:
        known = _few_places if array.size <= _FEW else _places
        places, step = known(array.size, seed, resamples), max(1, _BLOCK // array.size)
        return np.concatenate([statistic(array.take(places[low : low + step])) for low in range(0, resamples, step)])
    return np.concatenate([statistic(array.take(places)) for places in _drawn(array.size, seed, resamples)])


def _drawn(n: int, seed: int, resamples: int) -> Iterator[npt.NDArray[np.int64]]:
    """The places that the resamples of n values take, a resample a row, in blocks of bounded size."""
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // n)
    for done in range(0, resamples, step):
        yield rng.integers(0, n, size=(min(step, resamples - done), n))


@lru_cache(maxsize=2)
def _places(n: int, seed: int, resamples: int) -> npt.NDArray[np.int64]:
    """The same places in one block: the metrics of one series have as many values each."""
    (places,) = _drawn(n, seed, resamples)
    return places


@lru_cache(maxsize=12)
def _few_places(n: int, seed: int, resamples: int) -> npt.NDArray[np.int64]:
    """Those of samples of up to `_FEW` values, the sizes of which come again and again."""
    (places,) = _drawn(n, seed, resamples)
    return places


def _leave_one_out(array: Array, statistic: Statistic) -> Array:
    n = array.size
    if statistic is _row_means:
        means: Array = (array.sum() - array) / (n - 1)
        return means
    step = max(1, _CELLS // n)
    others = np.arange(n - 1)
    return np.concatenate(
        [
            statistic(array[others + (others >= np.arange(start, min(start + step, n))[:, None])])
            for start in range(0, n, step)
        ]
    )


def _bca(draws: Array, point: float, leave_one_out: Array, confidence: float) -> tuple[float, float]:
    from scipy.special import ndtr, ndtri

    below = (np.count_nonzero(draws < point) + 0.5 * np.count_nonzero(draws == point)) / draws.size
    if draws[0] == draws[-1] or below in (0.0, 1.0):
        return float(draws[0]), float(draws[-1])
    bias = ndtri(below)
    pull = leave_one_out.mean() - leave_one_out
    spread = float((pull**2).sum())
    acceleration = float((pull**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    ends = ndtri([(1 - confidence) / 2, (1 + confidence) / 2]) + bias
    levels = ndtr(bias + ends / (1 - acceleration * ends))
    low, high = quantiles_of(draws, levels)
    return float(low), float(high)


def _row_means(samples: Array) -> Array:
    means: Array = samples.mean(axis=-1)
    return means


def quantile_interval(values: npt.ArrayLike, p: float, confidence: float = CONFIDENCE) -> Interval | None:
    """Distribution-free interval of the p-quantile from two order statistics; None where none exists.

    Exact binomial with at most (1 - confidence)/2 outside on either side (David & Nagaraja 2003, 7.1).
    """
    array = np.sort(as_array(values))
    ranks = quantile_ranks(p, array.size, confidence)
    if ranks is None:
        return None
    low, high = ranks
    method = f"order statistics {low} and {high} of {array.size}"
    return Interval(float(array[low - 1]), float(array[high - 1]), method, confidence)


def quantile_ranks(p: float, n: int, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Ranks (from 1) of the order statistics that bound the p-quantile; None where n is too small.

    With B ~ Binomial(n, p): P(B < low) <= a and P(B >= high) <= a for a = (1 - confidence) / 2.
    """
    from scipy.special import bdtr

    tail = (1 - confidence) / 2
    below = bdtr(np.arange(n + 1), n, p)
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    return None if low < 1 or high > n else (low, high)


def quantile_supported(p: float, n: int, confidence: float = CONFIDENCE) -> bool:
    """Whether n values bear a two-sided interval of the p-quantile: p90 from 36, p95 72, p99 368."""
    tail = (1 - confidence) / 2
    return n > 0 and p**n <= tail and (1 - p) ** n <= tail


def ratio_interval(amounts: npt.ArrayLike, times: npt.ArrayLike, *, confidence: float = CONFIDENCE) -> Interval | None:
    """Interval of `total_over_total` by linearisation with t (Cochran 1977, eq. 6.13); None below n = 5."""
    top, bottom = as_array(amounts), as_array(times)
    n = top.size
    if n < MEAN_FROM:
        return None
    ratio = total_over_total(top, bottom)
    error = math.sqrt(float(((top - ratio * bottom) ** 2).sum()) / (n - 1) / n) / float(bottom.mean())
    half = t_quantile((1 + confidence) / 2, n - 1) * error
    return Interval(ratio - half, ratio + half, "Student's t of the linearised ratio", confidence)
