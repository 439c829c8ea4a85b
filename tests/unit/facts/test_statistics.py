"""Statistics of one sample against published values; each test names its source."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chimera_pipeline.facts import statistics, statistics_runs

OLSSON = [
    914.9, 1568.3, 50.5, 94.1, 199.5, 23.8, 70.5, 213.1, 44.1, 331.7, 139.3, 115.6, 38.4, 357.1, 725.9, 253.2,
    905.6, 155.4, 138.1, 95.2, 75.2, 275.0, 401.1, 653.8, 390.8, 483.5, 62.6, 128.5, 81.5, 218.5, 308.2, 41.2,
    60.3, 506.9, 221.8, 112.5, 93.7, 199.3, 210.6, 39.2,
]  # fmt: skip
SPATIAL = [
    48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41,
]  # fmt: skip
LOOMS = {
    "1": [98, 97, 99, 96],
    "2": [91, 90, 93, 92],
    "3": [96, 95, 97, 95],
    "4": [95, 96, 99, 98],
}


def with_moments(n: int, mean: float, sd: float) -> np.ndarray:
    values = np.linspace(-1, 1, n)
    return mean + sd * (values - values.mean()) / values.std(ddof=1)


def test_the_t_interval_of_the_nist_handbook() -> None:
    # NIST/SEMATECH e-Handbook 1.3.5.2, heat flow meter data ZARR13.DAT
    found = statistics.mean_interval(with_moments(195, 9.261460, 0.022789), scale="plain")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((9.258242, 9.264679), abs=2e-6)


def test_the_log_scale_interval_of_olsson() -> None:
    # Olsson 2005, J. Statistics Education 13(1), tables 1 and 2: mean 274.963, logs 5.127 and 1.004
    found = statistics.summary(OLSSON)
    logs = statistics.summary(np.log(OLSSON))
    assert found.mean == pytest.approx(274.963, abs=0.05)
    assert (logs.mean, logs.sd) == pytest.approx((5.127, 1.004), abs=5e-4)
    interval = statistics.mean_interval(OLSSON, scale="log")
    # by hand: 5.127 + 1.008/2 -+ 2.0227 sqrt(1.008/40 + 1.016/78)
    assert interval is not None
    assert (math.log(interval.low), math.log(interval.high)) == pytest.approx((5.2355, 6.0265), abs=2e-3)


def test_the_bca_interval_of_efron_and_tibshirani() -> None:
    # An Introduction to the Bootstrap (1993), table 14.2: variance of 26 spatial test values, 90 % BCa (115.8, 259.6)
    found = statistics.bootstrap_interval(
        SPATIAL, lambda rows: rows.var(axis=-1), seed=1, confidence=0.9, resamples=20_000
    )
    assert found is not None
    assert found.low == pytest.approx(115.8, abs=4)
    assert found.high == pytest.approx(259.6, abs=8)


def test_the_ranks_of_the_classical_tables_for_the_median() -> None:
    # Sign-test table, 95 %: Conover, Practical Nonparametric Statistics; Dixon & Massey, table A-25
    expected = {6: (1, 6), 10: (2, 9), 15: (4, 12), 20: (6, 15), 25: (8, 18), 50: (18, 33), 100: (40, 61)}
    assert {n: statistics.quantile_ranks(0.5, n) for n in expected} == expected
    assert statistics.quantile_ranks(0.5, 5) is None


@pytest.mark.parametrize(("p", "fewest"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368)])
def test_a_quantile_needs_values_enough_for_its_interval(p: float, fewest: int) -> None:
    # 0.9^36 = 0.0225 and 0.9^35 = 0.0250316 around 0.025; 0.99^368 = 0.02476 and 0.99^367 = 0.02501
    assert statistics.quantile_supported(p, fewest)
    assert not statistics.quantile_supported(p, fewest - 1)
    assert statistics.quantile_ranks(p, fewest) is not None
    assert statistics.quantile_ranks(p, fewest - 1) is None


def test_quantiles_are_of_type_seven() -> None:
    # Hyndman & Fan 1996, type 7: position 1 + (n - 1) p = 3.7 of 1, 2, 3, 4
    assert statistics.quantile([4, 1, 3, 2], 0.9) == pytest.approx(3.7)


def test_a_rate_over_equal_work_is_no_mean_of_rates() -> None:
    # Hoefler & Belli, SC15, 3.1.1: 100 Gflop in 10 s, 100 s and 40 s: 2 Gflop/s (the harmonic mean of rates), not 4.5
    assert statistics.total_over_total([100.0] * 3, [10.0, 100.0, 40.0]) == pytest.approx(2.0)


def test_variance_components_of_the_loom_example() -> None:
    # Montgomery, Design and Analysis of Experiments, loom example: MSE 1.90, between 6.96
    values = [value for group in LOOMS.values() for value in group]
    found = statistics_runs.spread(values, [name for name, group in LOOMS.items() for _ in group])
    assert found is not None
    assert found.within_sd**2 == pytest.approx(1.90, abs=0.005)
    assert found.between_sd**2 == pytest.approx(6.96, abs=0.005)


def test_the_interval_of_a_ratio_by_hand() -> None:
    # amounts 2, 4, 6, 8, 11 over times 1, 2, 3, 4, 5: ratio 31/15; residuals a - r t are -1/15 .. -4/15 and 2/3,
    # sum of squares 2/15; s = sqrt(2/15 / 4 / 5) / 3 = 0.027217; t(0.975, 4) = 2.7764
    found = statistics.ratio_interval([2, 4, 6, 8, 11], [1, 2, 3, 4, 5])
    assert found is not None
    residual = sum((a - 31 / 15 * t) ** 2 for a, t in zip([2, 4, 6, 8, 11], [1, 2, 3, 4, 5], strict=True))
    half = 2.7764 * math.sqrt(residual / 4 / 5) / 3
    assert (found.low, found.high) == pytest.approx((31 / 15 - half, 31 / 15 + half), abs=1e-4)


def test_fewer_than_five_values_give_points_only() -> None:
    assert statistics.mean_interval([1, 2, 3, 4]) is None
    assert statistics.ratio_interval([1, 2], [1, 2]) is None
    assert statistics_runs.run_interval([1, 2, 3, 4], list("abcd")) is None
    assert statistics.summary([3.0]).sd is None


def test_the_choice_of_the_interval_follows_n_and_span() -> None:
    methods = {
        5: statistics.mean_interval(range(100, 105)),
        6: statistics.mean_interval([1, 2, 3, 5, 8, 13]),
        20: statistics.mean_interval(range(20)),
    }
    assert [found.method for found in methods.values() if found] == [
        "Student's t",
        "Student's t on the log scale (Cox)",
        "BCa bootstrap, 2000 resamples, seed 0",
    ]


def test_a_seed_decides_the_bootstrap_and_chunks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(30.0) ** 2

    def median(rows: np.ndarray) -> np.ndarray:
        return np.median(rows, axis=-1)

    whole = statistics.bootstrap_interval(values, median, seed=5)
    assert whole == statistics.bootstrap_interval(values, median, seed=5)
    assert whole != statistics.bootstrap_interval(values, median, seed=6)
    monkeypatch.setattr(statistics, "_CELLS", 1_000)
    assert whole == statistics.bootstrap_interval(values, median, seed=5)


def test_constant_values_have_a_point_for_an_interval() -> None:
    found = statistics.mean_interval([7.0] * 25)
    assert found is not None
    assert (found.low, found.high) == (7.0, 7.0)


def test_the_interval_over_runs_is_wider_than_over_their_requests() -> None:
    rng = np.random.default_rng(3)
    offsets = np.repeat(rng.normal(0, 5, 8), 50)
    values = 100 + offsets + rng.normal(0, 1, 400)
    runs = [f"run {i}" for i in range(8) for _ in range(50)]
    over_runs, over_requests = statistics_runs.run_interval(values, runs), statistics.mean_interval(values)
    assert over_runs is not None
    assert over_requests is not None
    assert over_runs.high - over_runs.low > 3 * (over_requests.high - over_requests.low)
    assert over_runs.method == "Student's t of 8 run means"


def test_the_hierarchical_bootstrap_covers_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    covered = 0
    for repeat in range(100):
        groups = [rng.normal(rng.normal(10, 2), 1, 10) for _ in range(25)]
        found = statistics_runs.hierarchical_bootstrap(groups, seed=repeat)
        assert found is not None
        covered += found.low <= 10 <= found.high
    assert 86 <= covered <= 100


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_a_gap_is_no_number(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"no values|missing"):
        statistics.summary(values)
