"""A step or drift: the Bayes factor by another way of computing it, and the alarms of lone short series."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from chimera_pipeline.facts import history_changes, history_drift, history_splits
from chimera_pipeline.facts.history_null import ar1
from chimera_pipeline.facts.statistics import Array


def density(y: Array, covariance: Array) -> float:
    """log density with mean and scale integrated out, by matrices (Zellner 1971, eq. 3.7), without its constant."""
    n = y.size
    inverse = np.linalg.inv(covariance)
    ones = np.ones(n)
    mean = ones @ inverse @ y / (ones @ inverse @ ones)
    rest = (y - mean) @ inverse @ (y - mean)
    _, size = np.linalg.slogdet(covariance)
    return float(-size / 2 - math.log(ones @ inverse @ ones) / 2 - (n - 1) / 2 * math.log(rest))


def by_matrices(y: Array) -> float:
    n = y.size
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    weights = {0.0: 0.4, 0.2: 0.2, 0.4: 0.1, 0.6: 0.3}
    drift = sum(weight * math.exp(density(y, phi**lag)) for phi, weight in weights.items())
    splits = range(2, n - 1)
    total = sum(k * (n - k) for k in splits)
    step = 0.0
    for k in splits:
        shape = (np.arange(n) >= k).astype(float)
        for size in (2.0, 4.0, 8.0):
            found = math.exp(density(y, np.eye(n) + size**2 * np.outer(shape, shape)))
            step += k * (n - k) / total / 3 * found
    return step / drift


def test_the_closed_forms_give_what_matrices_give() -> None:
    y = np.array([3.1, 2.7, 3.3, 2.9, 3.0, 4.4, 4.1, 4.6, 4.2, 4.5])
    scores = ndtri((y.argsort().argsort() + 1 - 0.375) / 10.25)
    expected = math.log((by_matrices(y) + by_matrices(scores)) / 2)
    assert history_drift.bayes_factor(y[None, :])[0] == pytest.approx(expected, rel=1e-9)


def test_scale_and_place_change_no_bayes_factor() -> None:
    y = np.random.default_rng(1).normal(size=(5, 16))
    assert history_drift.bayes_factor(1e-6 * y + 40) == pytest.approx(history_drift.bayes_factor(y), rel=1e-6)
    assert history_drift.bayes_factor(np.full((1, 12), 7.0))[0] == 0.0


@pytest.mark.parametrize(("n", "phi"), [(8, 0.6), (14, 0.0), (14, 0.3), (14, 0.6)])
def test_a_lone_short_series_rarely_raises_an_alarm(n: int, phi: float) -> None:
    values = ar1(np.random.default_rng([9, n, round(10 * phi)]), 800, n, phi)
    alarms = np.mean([(history_changes.search([row])[0].p or 1.0) <= 0.05 for row in values])
    assert alarms <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 800)


def test_every_length_can_be_searched() -> None:
    for n in (8, 16, 17, 18, 33):
        values = np.r_[np.zeros(n // 2), np.full(n - n // 2, 50.0)] + np.random.default_rng(n).normal(size=n)
        (found,) = history_changes.search([values])
        assert found.split == n // 2
        assert found.p is not None
        assert found.p <= 0.05
        assert n // 2 in history_changes.steps(values, found, 0.05)


def test_the_rank_sum_table_of_wilcoxon() -> None:
    # Hollander & Wolfe, Nonparametric Statistical Methods, table A.6, m = n = 5: P(W >= 36) = 0.0476 -> 2 x 0.0476
    away = 2 * 36 - 5 * 11
    assert history_splits.exact_z(10, 5)[away] == pytest.approx(-ndtri(0.0476), abs=2e-3)
