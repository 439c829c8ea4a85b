"""Steps in a line of runs, their verdicts, and a period against the one before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from chimera_pipeline.contracts import validation
from chimera_pipeline.facts import (
    build,
    history,
    history_changes,
    history_facts,
    history_lines,
    history_null,
    history_splits,
    ids,
)
from tests.unit.facts.test_comparisons import a_series, frames, values_of

NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969,
    831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865,
    845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050,
    918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip


def line(values: Any, name: str = "x", first_day: int = 0, **more: Any) -> list[dict[str, Any]]:
    """One run a day."""
    count = len(values)
    days = [first_day + day for day in range(count)]
    return values_of(name, values, runs=[f"run {day}" for day in days], days=days, **more)


def test_the_nile_changed_in_1898() -> None:
    # Cobb 1978, Biometrika 65:243: annual flow 1871 to 1970, the change lies after the 28th year
    (found,) = history_changes.search([np.array(NILE, dtype=float)])
    assert found.split == 28
    assert found.p is not None
    assert found.p < 1e-4
    assert history_changes.steps(np.array(NILE, dtype=float), found, 0.01) == [28]


@pytest.mark.parametrize(("n", "size"), [(20, 10), (24, 9), (50, 25), (100, 30)])
def test_the_approximation_of_inner_splits_agrees_with_the_exact_distribution(n: int, size: int) -> None:
    exact = history_splits.exact_z(n, size)
    far = size * (n - size)
    away = np.arange(far % 2, far - 2, 2)
    grid = history_splits.saddlepoint_z(n)[size - history_splits.EXACT - 1]
    approximate = np.interp(away / far, np.linspace(0, 1, grid.size), grid)
    assert np.abs(approximate - exact[away])[1:].max() < 0.03


def test_p_values_of_independent_points_are_what_they_say() -> None:
    rng = np.random.default_rng(6)
    null = history_null.null(20)
    ranks = rng.permuted(np.tile(np.arange(1.0, 21), (20_000, 1)), axis=1)
    p = null.p_of_score(history_splits.score(ranks)[0])
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.006)
    assert np.mean(p <= 0.005) == pytest.approx(0.005, abs=0.002)
    assert p.min() > 0


def test_seven_points_cannot_tell_and_eight_can() -> None:
    short, long = (history_changes.search([np.repeat([1.0, 2.0], [n - 4, 4])])[0] for n in (7, 8))
    assert (short.p, short.split) == (None, None)
    assert long.p == pytest.approx(2 / 70, abs=0.005)


def test_a_constant_series_has_no_step() -> None:
    found = history_changes.search([np.full(30, 5.0)])[0]
    assert found.p == 1.0


def test_autocorrelated_families_raise_fewer_alarms_than_their_points_would_alone() -> None:
    rng = np.random.default_rng(7)
    values = history_null.ar1(rng, 200, 60, 0.6)
    found = history_changes.search(list(values))
    assert found[0].phi >= 0.4
    naive = history_null.null(64).p_of_score(history_splits.score(history_splits.ranks_of(values))[0])
    assert np.mean([one.p <= 0.05 for one in found if one.p is not None]) < 0.1 < np.mean(naive <= 0.05)


def test_series_of_another_kind_are_held_against_their_own_autocorrelation() -> None:
    rng = np.random.default_rng(13)
    drifting = list(history_null.ar1(rng, 30, 100, 0.7))
    steady = list(rng.standard_normal((30, 100)))
    found = history_changes.search([*steady, *drifting])
    shared = min(one.phi for one in found)
    assert np.mean([one.phi for one in found[30:] if one.phi > shared]) > 0.4
    assert sum(one.p <= 0.01 for one in found if one.p is not None) <= 3


def test_two_steps_are_both_found() -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(100, 1, 60) + np.repeat([0.0, 15.0, 30.0], 20)
    (found,) = history_changes.search([values])
    assert found.p is not None
    assert history_changes.steps(values, found, 0.05) == [20, 40]


def test_a_step_that_holds_is_a_regression_with_its_day_and_its_sources() -> None:
    rng = np.random.default_rng(9)
    values = np.r_[rng.normal(100, 1, 15), rng.normal(85, 1, 10)]
    stores = frames(line(values), [a_series("x")])
    (fact,) = ids.assign(history_facts.history_facts(*stores))
    assert (fact.kind, fact.verdict, fact.statistic) == ("change", "regression", "step at run 16")
    assert fact.value == pytest.approx(0.85, abs=0.01)
    assert "2025-10-16" in fact.text
    assert fact.baseline == "15 runs up to 2025-10-15"
    assert fact.sources == ("a.csv#row 1-25@aaaaaaaaaaaa",)
    assert validation.failures("facts", build.to_frame([fact])).empty
    assert history_facts.history_facts(*stores, period="2025-11") == []


def test_a_line_beyond_a_thousand_runs_is_searched_in_means_of_batches_and_told_in_runs() -> None:
    rng = np.random.default_rng(11)
    values = np.r_[rng.normal(100, 1, 1501), rng.normal(95, 1, 899)]
    stores = frames(line(values), [a_series("x")])
    (found,) = history.histories(*stores)
    assert found.found.n == 800 <= history.POINTS
    assert [(step.start, step.end) for step in found.steps] == [(0, 2400)]
    assert found.steps[0].split in (1500, 1503)
    (fact,) = ids.assign(history_facts.history_facts(*stores))
    assert fact.n == 2400
    (quiet,) = ids.assign(history_facts.history_facts(*frames(line(rng.normal(100, 1, 1001)), [a_series("x")])))
    assert (quiet.n, quiet.statistic) == (1001, "lines_without_step")


def test_one_point_off_at_the_end_is_no_step_yet() -> None:
    values = np.r_[np.linspace(100, 101, 20), 50.0]
    (found,) = history.histories(*frames(line(values), [a_series("x")]))
    assert all(step.split < 20 for step in found.steps)


def test_a_line_without_a_step_and_a_line_too_short_are_said_so() -> None:
    rng = np.random.default_rng(10)
    rows = line(rng.normal(100, 1, 12)) + line(rng.normal(100, 1, 4), "y")
    series = [a_series("x"), a_series("y", model="other")]
    facts = {fact.entity: fact for fact in history_facts.history_facts(*frames(rows, series))}
    assert facts["x"].verdict == "no_clear_difference"
    assert (facts["y"].verdict, facts["y"].grade) == ("insufficient", "insufficient")
    assert "8 runs would allow it" in facts["y"].text


def test_quiet_lines_of_a_metric_are_one_fact_that_counts_and_sources_them_all() -> None:
    rng = np.random.default_rng(10)
    names = [f"model-{i}" for i in range(8)]
    rows = [row for i, name in enumerate(names) for row in line(rng.normal(100, 1, 10 + i), name, path=f"{name}.csv")]
    rows += line(np.r_[rng.normal(100, 1, 12), rng.normal(80, 1, 12)], "stepped", path="stepped.csv")
    series = [a_series(name, model=name) for name in [*names, "stepped"]]
    facts = ids.assign(history_facts.history_facts(*frames(rows, series)))
    (quiet,) = [fact for fact in facts if fact.statistic == "lines_without_step"]
    assert (quiet.value, quiet.n, quiet.unit) == (8, sum(range(10, 18)), "lines")
    assert quiet.series_ids == tuple(names)
    assert {source.partition("#")[0] for source in quiet.sources} == {f"{name}.csv" for name in names}
    assert "8 lines of 10 to 17 runs" in quiet.text
    assert "and 3 more" in quiet.text
    assert [fact.entity for fact in facts if fact.verdict == "regression"] == ["stepped"]
    assert validation.failures("facts", build.to_frame(facts)).empty


def two_builds(**head: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(11)
    rows = line(rng.normal(100, 1, 12)) + line(rng.normal(80, 1, 12), "y", first_day=12)
    config = {"temperature": 0}
    return frames(rows, [a_series("x", config=config), a_series("y", **({"config": config} | head))])


def test_what_changed_at_a_step_is_told_beside_it() -> None:
    (found,) = history.histories(*two_builds(engine="e-b2"))
    (step,) = found.steps
    assert step.changed == ("engine: e -> e-b2",)
    assert step.verdict == "regression"
    (fact,) = history_facts.history_facts(*two_builds(engine="e-b2"))
    assert fact.text.endswith("changed together: engine: e -> e-b2")
    assert "because" not in fact.text


@pytest.mark.parametrize(
    "head", [{"hardware": "other"}, {"quantization": "q4_0"}, {"config": {"temperature": 0, "driver": 9}}]
)
def test_points_on_either_side_of_another_machine_are_not_comparable(head: dict[str, Any]) -> None:
    (found,) = history.histories(*two_builds(**head))
    assert [step.verdict for step in found.steps] == ["not_comparable"]


def test_another_temperature_is_another_line() -> None:
    assert len(history.histories(*two_builds(config={"temperature": 1}))) == 2


def test_undated_points_enter_no_line() -> None:
    measurements, series = frames(line(range(100, 120)), [a_series("x")])
    measurements["period"] = None
    assert history_lines.lines_of(measurements, series) == []


def test_cold_runs_are_left_out_of_a_line_of_warm_ones() -> None:
    rows = line(range(100, 110), phases=["cold"] + ["warm"] * 9)
    (found,) = history_lines.lines_of(*frames(rows, [a_series("x")]))
    assert found.values.tolist() == list(range(101, 110))


def test_a_run_is_one_point() -> None:
    rows = values_of("x", range(12), runs=[f"run {i // 3}" for i in range(12)], days=[i // 3 for i in range(12)])
    (found,) = history_lines.lines_of(*frames(rows, [a_series("x")]))
    assert found.values.tolist() == [1, 4, 7, 10]
    assert len(found.rows_between(1, 3)) == 6


def test_a_period_is_compared_with_the_one_before() -> None:
    rows = line(np.linspace(100, 101, 10)) + line(np.linspace(70, 71, 10), first_day=31)
    stores = frames(rows, [a_series("x")])
    (found,) = history.period_changes(*stores, period="2025-11")
    assert (found.verdict, found.baseline, found.scope) == ("regression", "2025-10", "between_runs")
    (fact,) = history_facts.period_facts(*stores, period="2025-11")
    assert (fact.kind, fact.baseline) == ("change", "2025-10")


def test_a_first_period_and_a_gap_are_said_and_not_filled() -> None:
    rows = line(range(100, 105)) + line(range(100, 105), first_day=70)
    stores = frames(rows, [a_series("x")])
    (first,) = history_facts.period_facts(*stores, period="2025-10")
    (gap,) = history_facts.period_facts(*stores, period="2025-12")
    assert (first.kind, gap.kind) == ("gap", "gap")
    assert "no measurement in 2025-09: measured for the first time" in first.text
    assert "no measurement in 2025-11: last measured on 2025-10-05" in gap.text
    assert history_facts.period_facts(*stores, period="all") == []


def test_one_primary_metric_a_series_enters_the_family() -> None:
    rows = line(range(100, 110)) + line(np.linspace(1, 2, 10), metric="ttft_s")
    lines = history_lines.lines_of(*frames(rows, [a_series("x")]))
    assert {found.metric.name: found.primary for found in lines} == {
        "decode_tokens_per_s": True,
        "ttft_s": False,
    }


def test_the_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(12)
    measurements, series = frames(line(np.r_[rng.normal(100, 1, 12), rng.normal(90, 1, 12)]), [a_series("x")])
    shuffled = measurements.sample(frac=1, random_state=3)
    one, other = (ids.assign(history_facts.history_facts(rows, series)) for rows in (measurements, shuffled))
    assert one == other


@pytest.mark.parametrize("n", range(2 * history_splits.EDGE + 1, 2 * history_splits.EXACT + 4))
def test_every_length_around_the_exact_tables_is_searched(n: int) -> None:
    # 17 points have no split with more than 8 on both sides, so that the table beyond the exact ones is empty
    (found,) = history_changes.search([np.arange(float(max(n, history_changes.FEWEST)))])
    assert found.p is not None


@pytest.mark.parametrize(("n", "phi"), [(8, 0.9), (20, 0.1), (32, 0.0), (32, 0.5)])
def test_the_lags_that_are_kept_are_those_of_the_null(n: int, phi: float) -> None:
    one = history_null.null(n, phi)
    # all of them: tests/slow/test_history_lags.py
    assert history_null.lag_of(n, phi) == pytest.approx((one.lag_mean, one.lag_sd), rel=1e-6)
    assert history_null.lag_of(n, phi, history_null.SEED) != history_null.lag_of(n, phi, seed=1)


def test_a_phi_is_found_without_simulating_those_below_it() -> None:
    rng = np.random.default_rng(4)
    history_null.null.cache_clear()
    found = history_changes.search(list(history_null.ar1(rng, 6, 28, 0.8)))
    assert {one.phi for one in found} - set(history_null.PHI[:5]) == {one.phi for one in found}
    assert history_null.null.cache_info().misses <= 1 + len({one.phi for one in found})


def test_the_best_split_of_few_lines_is_that_of_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(12)
    for n in (18, 19, 40, 64, 150, 257, 480):
        walks = rng.normal(size=(5, n)).cumsum(axis=1)
        ranks = history_splits.ranks_of(np.r_[walks, np.round(rng.normal(size=(2, n)), 1), [np.arange(n) < n // 3]])
        few = history_splits.score(ranks)
        with monkeypatch.context() as whole:
            whole.setattr(history_splits, "_FEW", 0)
            scores, splits = history_splits.score(ranks)
        assert few[0].tobytes() == scores.tobytes()
        assert few[1].tolist() == splits.tolist()


@pytest.mark.parametrize("n", [18, 101, 257, 700])
def test_rough_scores_are_right_to_far_less_than_the_doubt(n: int) -> None:
    rough = history_splits._rough_z(n, *history_splits._factors(n)[:-1])
    assert np.abs(rough - history_splits.saddlepoint_z(n)).max() < history_splits._DOUBT / 100


def test_lines_that_all_differ_in_length_need_no_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[tuple[int, int]] = []
    one = history_splits._row

    def counted(n: int, k: int, *factors: Any) -> Any:
        rows.append((n, k))
        return one(n, k, *factors)

    monkeypatch.setattr(history_splits, "_row", counted)
    for n in range(300, 310):
        history_splits.score(history_splits.ranks_of(np.random.default_rng(n).normal(size=(1, n))))
    assert 0 < len(rows) < 10 * 10, "of 141 sizes of each length a few may have the best split"
