"""How many steps any test at all could find in a lone short series, if it is to be quiet on autocorrelated ones.

    python benchmarks/calibration_bound.py [--series 8000]

By the lemma of Neyman & Pearson (1933) no test whose alarm rate is at most 5 % on AR(1) series with phi 0, 0.3 and
0.6 finds more steps, on average over the splits, than the likelihood ratio against a mixture of the three; the
mixture that allows least is the bound. It knows that noise is Gaussian and how large the step is (2.5 sd, 5 % at the
noise of the calibration); mean and scale are unknown to it. Splits leave a quarter of the points on either side.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np

from chimera_pipeline.facts.history_changes import search
from chimera_pipeline.facts.history_null import ar1

sys.path.insert(0, str(Path(__file__).parent))
PHI = (0.0, 0.3, 0.6)
STEP = 2.5
ALARM = 0.05
SEED = 20_251_124


def splits_of(n: int) -> range:
    """Splits with a quarter of the points or more on either side."""
    return range(-(-n // 4), n - -(-n // 4) + 1)


def stepped(rng: np.random.Generator, count: int, n: int) -> np.ndarray:
    """Independent points with a step at a split drawn at random."""
    at = rng.choice(splits_of(n), count)
    return rng.standard_normal((count, n)) + STEP * (np.arange(n) >= at[:, None])


def density(values: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """log density of each row up to a constant, mean and scale integrated out (Zellner 1971)."""
    n = covariance.shape[0]
    inverse = np.linalg.inv(covariance)
    ones = inverse.sum(axis=1)
    inner = inverse - np.outer(ones, ones) / ones.sum()
    squares = np.einsum("ij,ij->i", values @ inner, values)
    return -0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * np.log(ones.sum()) - (n - 1) / 2 * np.log(squares)


def known_step(values: np.ndarray, split: int) -> np.ndarray:
    """The same with a step of `STEP` sd at `split`, up to another constant, by the sum over a grid of scales."""
    n = values.shape[1]
    shape = STEP * (np.arange(n) >= split)
    shape, centred = shape - shape.mean(), values - values.mean(axis=1, keepdims=True)
    scales = np.geomspace(0.4, 3.0, 60)
    parts = [
        -((centred - scale * shape) ** 2).sum(axis=1) / (2 * scale**2) - (n - 1) * np.log(scale) for scale in scales
    ]
    return np.logaddexp.reduce(parts, axis=0)


def bound(n: int, count: int) -> tuple[float, tuple[float, ...]]:
    """(the largest share of steps found by any such test, the mixture that gives it)."""
    rng = np.random.default_rng([SEED, n])
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    draws = [ar1(rng, count, n, phi) for phi in PHI]
    rows = [*draws, stepped(rng, count, n)]
    drift = [np.array([density(row, phi**lag) for phi in PHI]) for row in rows]
    step = [np.logaddexp.reduce([known_step(row, at) for at in splits_of(n)], axis=0) for row in rows]
    best = 1.0, PHI
    for mixture in itertools.product((0.05, 0.1, 0.2, 0.4, 0.8), repeat=3):
        weights = np.array(mixture) / sum(mixture)
        ratio = [
            s - np.logaddexp.reduce(d + np.log(weights)[:, None], axis=0) for s, d in zip(step, drift, strict=True)
        ]
        null = np.concatenate(ratio[:3])
        share = np.repeat(weights / count, count)
        order = np.argsort(-null)
        cut = null[order][np.searchsorted(np.cumsum(share[order]), ALARM)]
        found = float((ratio[3] > cut).mean())
        if found < best[0]:
            best = found, tuple(np.round(weights, 2).tolist())
    return best


def ours(n: int, count: int) -> tuple[float, list[float]]:
    """(share of the same kind of steps that ours finds, its alarm rate at each phi)."""
    rng = np.random.default_rng([SEED, n, 1])

    def rate(values: np.ndarray) -> float:
        return float(np.mean([(search([row])[0].p or 1.0) <= ALARM for row in values]))

    return rate(stepped(rng, count, n)), [rate(ar1(rng, count, n, phi)) for phi in PHI]


def main() -> int:
    """Print the bound beside ours."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=8000)
    args = parser.parse_args()
    print("| points | any test | ours | alarm rate of ours, phi 0 / 0.3 / 0.6 |\n|--:|--:|--:|---|")
    for n in (10, 14, 20, 30):
        most, _ = bound(n, args.series)
        found, alarms = ours(n, args.series // 4)
        print(f"| {n} | {most:.3f} | {found:.3f} | {' / '.join(f'{one:.3f}' for one in alarms)} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
