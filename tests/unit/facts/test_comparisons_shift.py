"""Two-sample statistics against published values; each test names its source."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera_pipeline.facts import comparisons_failures, comparisons_shift, comparisons_verdict

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
AT_TERM = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
EARLY = [1.15, 0.88, 0.90, 0.74, 1.21]


def test_darwins_maize() -> None:
    # Fisher, The Design of Experiments (1935), 17: 15 pairs; Wilcoxon V = 96, exact two-sided p = 0.04126
    found = comparisons_shift.paired([0.0] * 15, DARWIN)
    assert found.p == pytest.approx(0.04126, abs=5e-6)
    assert found.superiority == pytest.approx(13 / 15)


def test_the_permeability_data_of_hollander_and_wolfe() -> None:
    # Nonparametric Statistical Methods, table 4.1 and examples 4.1, 4.3, 4.4: W = 30, two-sided p = 2 x 0.1272,
    # Hodges-Lehmann -0.305, interval (-0.76, 0.15); moved below 0 so that differences, not ratios, are taken
    found = comparisons_shift.unpaired(np.array(AT_TERM) - 10, np.array(EARLY) - 10)
    assert found.p == pytest.approx(2 * 0.1272, abs=1e-4)
    assert found.difference == pytest.approx(-0.305)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((-0.76, 0.15))
    assert found.superiority == pytest.approx(15 / 50)


def test_students_sleep_data_by_welch() -> None:
    # Student 1908, as in R's t.test(extra ~ group): means 0.75 and 2.33, t = -1.8608, df 17.776, p = 0.07939
    found = comparisons_shift.from_reported((0.75, 1.789010, 10), (2.33, 2.002249, 10))
    assert found is not None
    assert found.p == pytest.approx(0.07939, abs=1e-5)


def test_a_lady_tasting_tea() -> None:
    # Fisher 1935: 3 of 4 cups on either side, two-sided p = 0.4857
    p, smallest = comparisons_failures.fisher((1, 4), (3, 4))
    assert p == pytest.approx(0.4857, abs=1e-4)
    assert smallest == pytest.approx(2 / 70)


def test_newcombes_first_example() -> None:
    # Newcombe 1998, Stat. Med. 17:873, table II (a), method 10: 56/70 - 48/80 has (0.0524, 0.3339)
    found = comparisons_failures.newcombe((48, 80), (56, 70), 0.95)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_thrombolysis_example_of_benjamini_and_hochberg() -> None:
    # Benjamini & Hochberg 1995, section 2.2: of 15 p values four are rejected at 0.05
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    q = comparisons_verdict.benjamini_hochberg(p)
    assert (q <= 0.05).tolist() == [True] * 4 + [False] * 11
    assert q[3] == pytest.approx(0.0095 * 15 / 4)


def test_noethers_formula_by_hand() -> None:
    # Noether 1987, JASP 82:645: (1.95996 + 0.84162)² / (3 x 0.2²) = 65.4 for P = 0.7
    assert comparisons_verdict.noether_from_superiority(0.7) == 66


def test_the_smallest_p_of_small_samples() -> None:
    assert comparisons_shift.smallest_p(3, 3) == pytest.approx(0.1)
    assert comparisons_shift.smallest_p(4, 4) == pytest.approx(2 / 70)
    assert comparisons_shift.smallest_p_paired(5) == pytest.approx(0.0625)
    assert (comparisons_verdict.fewest_values(), comparisons_verdict.fewest_pairs()) == (4, 6)


def test_ties_are_exact() -> None:
    a, b = np.array([1.0, 2, 2, 3, 3]), np.array([2.0, 3, 3, 4, 4, 5])
    ranks = np.array([1, 3, 3, 6.5, 6.5, 3, 6.5, 6.5, 9.5, 9.5, 11])
    sums = np.array([sum(chosen) for chosen in itertools.combinations(ranks, 6)])
    expected = np.mean(np.abs(sums - 36) >= abs(ranks[5:].sum() - 36) - 1e-9)
    assert comparisons_shift.unpaired(a, b).p == pytest.approx(float(expected))


@given(st.lists(st.integers(1, 40), min_size=2, max_size=9), st.lists(st.integers(1, 40), min_size=2, max_size=9))
def test_swapping_the_arms_turns_the_ratio_over(base: list[int], head: list[int]) -> None:
    one, other = comparisons_shift.unpaired(base, head), comparisons_shift.unpaired(head, base)
    assert one.p == pytest.approx(other.p)
    assert one.ratio is not None
    assert other.ratio is not None
    assert one.ratio * other.ratio == pytest.approx(1.0)
    assert one.superiority + other.superiority == pytest.approx(1.0)


@given(st.lists(st.floats(1, 1e6), min_size=4, max_size=12), st.floats(1e-3, 1e3))
def test_a_change_of_unit_changes_no_ratio(values: list[float], scale: float) -> None:
    base, head = np.array(values), np.array(values[::-1]) * 1.1
    one, other = comparisons_shift.unpaired(base, head), comparisons_shift.unpaired(base * scale, head * scale)
    assert one.ratio == pytest.approx(other.ratio)


def test_large_arms_take_the_normal_approximation_and_agree_with_scipy() -> None:
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(1)
    a, b = rng.integers(50, 90, 400).astype(float), rng.integers(52, 92, 300).astype(float)
    assert comparisons_shift.unpaired(a, b).p == pytest.approx(mannwhitneyu(a, b, method="asymptotic").pvalue)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(1000):
        found = comparisons_shift.unpaired(rng.lognormal(3, 0.1, 8), rng.lognormal(3, 0.1, 8))
        assert found.interval is not None
        covered += found.interval.low <= 1 <= found.interval.high
    assert 930 <= covered <= 975


def test_equal_values_differ_by_nothing() -> None:
    found = comparisons_shift.unpaired([5.0] * 6, [5.0] * 6)
    assert (found.p, found.ratio, found.superiority) == (1.0, 1.0, 0.5)
    assert comparisons_shift.paired([5.0] * 6, [5.0] * 6).p == 1.0
