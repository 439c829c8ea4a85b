"""Which arms are compared, at what level, and which verdict follows."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chimera_pipeline.contracts import tables, validation
from chimera_pipeline.facts import build, comparisons, comparisons_arms, comparisons_summary, comparisons_text, ids
from chimera_pipeline.facts.comparisons_verdict import Comparison

START = dt.datetime(2025, 10, 1, tzinfo=dt.UTC)


def a_series(name: str, **more: Any) -> dict[str, Any]:
    family = more.pop("family", "requests")
    row = {"series_id": name, "family": family, "model": "m", "tool": "t", "engine": "e", "hardware": "gpu"}
    config = json.dumps(more.pop("config", {}), sort_keys=True)
    return row | {"entity": name, "condition": "", "config": config, "suite": "s", "workload": "w"} | more


def values_of(
    name: str,
    values: Any,
    metric: str = "decode_tokens_per_s",
    *,
    items: list[str] | None = None,
    runs: list[str] | None = None,
    phases: list[str] | None = None,
    statistic: str = "sample",
    n: int | None = 1,
    path: str = "a.csv",
    first: int = 1,
    days: list[int] | None = None,
) -> list[dict[str, Any]]:
    unit = {"decode_tokens_per_s": "tokens/s"}.get(metric, "s" if metric.endswith("_s") else "tokens")
    out = []
    for i, value in enumerate(values):
        at = START + dt.timedelta(days=days[i] if days else 0)
        out.append(
            {
                "series_id": name,
                "metric": metric,
                "statistic": statistic,
                "value": float(value),
                "unit": unit,
                "n": n,
                "phase": phases[i] if phases else "warm",
                "status": "ok",
                "measured_at": at,
                "time_source": "content",
                "period": f"{at:%Y-%m}",
                "run_id": runs[i] if runs else path,
                "item": items[i] if items else None,
                "artifact_sha256": "a" * 64,
                "artifact_path": path,
                "locator": f"row {first + i}",
                "reader_version": "1",
            }
        )
    return out


def frames(rows: list[dict[str, Any]], series: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    return tables.frame("measurements", rows), tables.frame("series", series)


def compared(base: list[dict[str, Any]], head: list[dict[str, Any]], **series: Any) -> list[Comparison]:
    row = [a_series("x", **series)]
    return comparisons.compare_stores(*frames(base, row), *frames(head, row))


def test_a_slower_head_is_a_regression_and_stands() -> None:
    base = values_of("x", [100, 101, 102, 99, 98, 100.5], path="base.csv")
    head = values_of("x", [80, 81, 82, 79, 78, 80.5], path="head.csv")
    (found,) = compared(base, head)
    assert (found.verdict, found.scope, found.n_base, found.n_head) == ("regression", "within_run", 6, 6)
    assert found.change == pytest.approx(-0.2, abs=0.01)
    assert comparisons.regression_stands([found])
    assert not comparisons.regression_stands(compared(head, base))
    assert compared(head, base)[0].verdict == "improvement"


def test_of_times_lower_is_better() -> None:
    base, head = (values_of("x", np.array([1, 2, 3, 4, 5]) / 100 + at, "ttft_s") for at in (1.0, 2.0))
    assert compared(base, head)[0].verdict == "regression"


def test_the_same_values_are_no_difference_and_tight_ones_equivalent() -> None:
    loose, tight = [90, 95, 100, 105, 110, 92], [100, 100.1, 100.2, 99.9, 99.8, 100.05]
    assert compared(values_of("x", loose), values_of("x", loose))[0].verdict == "no_clear_difference"
    assert compared(values_of("x", tight), values_of("x", tight))[0].verdict == "equivalent"


def test_a_significant_change_below_the_practical_threshold_is_none() -> None:
    base = np.array([100, 100.01, 100.02, 99.99, 99.98, 100.03])
    (found,) = compared(values_of("x", base), values_of("x", base * 0.99))
    assert found.verdict == "equivalent"
    assert found.shift is not None
    assert found.shift.p < 0.05


def test_three_against_three_is_insufficient_never_no_difference() -> None:
    (found,) = compared(values_of("x", [100, 101, 102]), values_of("x", [10, 11, 12]))
    assert (found.verdict, found.more_runs) == ("insufficient", 1)
    assert "below 0.1" in found.reason


def test_items_that_match_are_paired_from_six_on() -> None:
    names, spread = list("abcdefgh"), np.array([10, 20, 40, 80, 160, 320, 640, 1280.0])
    (found,) = compared(values_of("x", spread, items=names), values_of("x", (spread * 0.9)[::-1], items=names[::-1]))
    assert (found.paired, found.verdict) == (True, "regression")
    assert found.change == pytest.approx(-0.1)
    (few,) = compared(values_of("x", spread[:5], items=names[:5]), values_of("x", spread[:5], items=names[:5]))
    assert not few.paired


def test_where_runs_repeat_the_run_is_the_unit() -> None:
    rng = np.random.default_rng(1)
    arms = []
    for shift in (0.0, 0.0):
        means = rng.normal(100 + shift, 5, 4)
        values = np.concatenate([mean + rng.normal(0, 0.1, 25) for mean in means])
        arms.append(values_of("x", values, runs=[f"run {i}" for i in range(4) for _ in range(25)]))
    (found,) = compared(*arms)
    assert (found.n_base, found.n_head, found.scope) == (4, 4, "between_runs")
    assert found.verdict == "no_clear_difference"
    (pooled,) = compared(arms[0][:50], arms[1][:50])
    assert pooled.scope == "within_run"
    assert any("too few runs" in caveat for caveat in pooled.caveats)


def test_one_run_against_many_is_insufficient() -> None:
    many = values_of("x", range(100, 140), runs=[f"run {i // 4}" for i in range(40)])
    (found,) = compared(many, values_of("x", range(50, 90)))
    assert (found.verdict, found.n_base, found.n_head) == ("insufficient", 10, 1)


def test_cold_against_warm_is_not_comparable() -> None:
    cold = values_of("x", [5.0, 5.1, 5.2, 5.3, 5.4], "ttft_s", phases=["cold"] * 5)
    warm = values_of("x", [0.1, 0.11, 0.12, 0.13, 0.14], "ttft_s")
    (found,) = compared(cold, warm)
    assert found.verdict == "not_comparable"
    assert found.differing == ("phase (cold against warm)",)


def test_cold_requests_are_left_out_of_pooled_metrics_where_arms_differ_in_them() -> None:
    base = values_of("x", [20, 100, 101, 102, 103, 104], phases=["cold"] + ["warm"] * 5)
    head = values_of("x", [100, 101, 102, 103, 104, 105])
    (found,) = compared(base, head)
    assert (found.n_base, found.n_head) == (5, 6)
    assert "cold requests are left out: 1 of 6 and 0 of 6" in found.caveats


def test_output_lengths_decide_whether_decode_times_compare() -> None:
    def arm(tokens: int) -> list[dict[str, Any]]:
        times = values_of("x", np.linspace(1, 1.1, 6), "eval_s")
        return times + values_of("x", [tokens] * 6, "output_tokens", first=1)

    (found,) = [c for c in compared(arm(100), arm(200)) if c.metric == "eval_s"]
    assert (found.verdict, found.differing) == ("not_comparable", ("output length",))
    (like,) = [c for c in compared(arm(100), arm(101)) if c.metric == "eval_s"]
    assert like.verdict != "not_comparable"


def test_series_of_other_hardware_are_not_comparable_and_the_key_is_named() -> None:
    base = frames(values_of("x", range(100, 106)), [a_series("x", entity="m")])
    head = frames(values_of("y", range(50, 56)), [a_series("y", entity="m", hardware="other")])
    (found,) = comparisons.compare_stores(*base, *head)
    assert (found.verdict, found.differing) == ("not_comparable", ("hardware",))
    assert "hardware" in comparisons_text.sentence(found)


def test_a_series_that_one_side_lacks_is_said_to_be_absent() -> None:
    both = values_of("x", range(100, 106))
    extra = values_of("z", range(100, 106))
    base = frames(both, [a_series("x")])
    head = frames(both + extra, [a_series("x"), a_series("z", model="other")])
    verdicts = {found.entity: found for found in comparisons.compare_stores(*base, *head)}
    assert verdicts["z"].differing == ("presence: the base has no such series",)
    assert verdicts["x"].verdict != "not_comparable"


def test_more_failures_are_a_regression_of_their_own() -> None:
    def arm(failed: int) -> list[dict[str, Any]]:
        rows = values_of("x", [1] * 20, "requests", statistic="count")
        return [row | {"status": "failed" if i < failed else "ok"} for i, row in enumerate(rows)]

    (found,) = compared(arm(0), arm(12))
    assert (found.verdict, found.metric, found.change) == ("regression", "requests", pytest.approx(0.6))
    assert compared(arm(0), arm(0)) == []


def stated(name: str, mean: float, sd: float, n: int | None, low: float, high: float) -> list[dict[str, Any]]:
    parts = {"mean": mean, "std": sd, "min": low, "max": high}
    return [
        row
        for statistic, value in parts.items()
        for row in values_of(name, [value], "time_s", statistic=statistic, n=n)
    ]


def test_stated_means_are_compared_by_welch_and_need_n() -> None:
    base, head = stated("x", 1.0, 0.02, 10, 0.95, 1.05), stated("x", 1.5, 0.02, 10, 1.45, 1.55)
    (found,) = compared(base, head, family="timings", case="c")
    assert (found.verdict, found.grade) == ("regression", "reported")
    unknown = stated("x", 1.5, 0.02, None, 1.45, 1.55)
    (silent,) = compared(base, unknown, family="timings", case="c")
    assert (silent.verdict, silent.reason) == (
        "insufficient",
        "the number of runs behind the mean is not stated",
    )


def test_a_mean_with_its_first_call_inside_compares_with_nothing() -> None:
    base = stated("x", 24.6156899, 73.1575095, 10, 0.1675, 244.0879)
    (found,) = compared(base, stated("x", 0.3, 0.01, 10, 0.28, 0.32), family="timings", case="c")
    assert found.verdict == "not_comparable"
    assert found.differing == ("whether a first call is inside the mean",)


def test_the_pattern_of_a_first_call_inside_a_mean() -> None:
    # ten calls, one of 244.0879 ms: (10 x 24.6157 - 244.0879) / 9 = 0.2299 ms
    found = comparisons_arms.first_call_inside(24.6156899, 73.1575095, 0.1675, 244.0879)
    assert found == (10, pytest.approx(0.2299, abs=1e-4))
    assert comparisons_arms.first_call_inside(0.04947, 0.00974, 0.0395, 0.072) is None
    spread_out = np.array([1.0, 1.1, 9.0, 1.2, 8.0, 1.0])
    mean, sd = spread_out.mean(), spread_out.std()
    assert comparisons_arms.first_call_inside(mean, sd, 1.0, 9.0) is None


def test_the_family_of_a_comparison_is_controlled() -> None:
    rng = np.random.default_rng(4)
    names = [f"x{i}" for i in range(60)]
    series = [a_series(name, model=name) for name in names]
    alarms = 0
    for _ in range(10):
        stores = [
            frames([row for name in names for row in values_of(name, rng.normal(100, 5, 8))], series) for _ in range(2)
        ]
        alarms += comparisons.regression_stands(comparisons.compare_stores(*stores[0], *stores[1]))
    assert alarms <= 2


def test_quantizations_of_one_model_are_compared_with_the_most_bits_as_base() -> None:
    series = [
        a_series(f"q{bits}", model=f"llama-q{bits}_0", quantization=f"q{bits}_0", entity=f"llama-q{bits}_0")
        for bits in (4, 8)
    ]
    rows = values_of("q4", range(200, 208)) + values_of("q8", range(100, 108), first=20)
    (found,) = comparisons.compare_within(*frames(rows, series))
    assert (found.kind, found.entity, found.baseline, found.verdict) == (
        "quantization",
        "llama-q4_0",
        "llama-q8_0",
        "improvement",
    )
    assert "the arms were not interleaved: the former always ran first" in found.caveats


def sweep(effect: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(5)
    rows, series = [], []
    for i, (gpu, ctx) in enumerate((gpu, ctx) for gpu in (40, 80) for ctx in range(1, 9)):
        name = f"c{i}"
        series.append(a_series(name, entity="m", config={"num_gpu": gpu, "num_ctx": 1024 * ctx}))
        rows += values_of(name, [100 + 10 * ctx + effect * (gpu == 80) + rng.normal(0, 0.1)], first=i)
    return frames(rows, series)


def test_levels_of_an_option_are_paired_by_the_other_options() -> None:
    found = [c for c in comparisons.compare_within(*sweep(-30.0)) if "num_gpu" in c.condition]
    assert [(c.verdict, c.paired, c.n_head) for c in found] == [("regression", True, 8)]
    assert found[0].condition == "num_gpu=80, over 8 configurations"


def test_a_sweep_with_holes_is_compared_over_the_settings_that_both_levels_have() -> None:
    rows, series = [], []
    for i, (gpu, ctx) in enumerate([(40, c) for c in range(1, 9)] + [(80, c) for c in range(3, 11)]):
        series.append(a_series(f"c{i}", entity="m", config={"num_gpu": gpu, "num_ctx": ctx}))
        rows += values_of(f"c{i}", [100 * ctx], first=i)
    (found,) = [c for c in comparisons.compare_within(*frames(rows, series)) if "num_gpu" in c.condition]
    assert (found.n_base, found.n_head, found.paired) == (6, 6, True)
    assert found.change == pytest.approx(0.0)


def agents(first: str, *, phases: str = "unknown", files: int = 8) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two agents of other options in each of `files` files; `first` says which begins: base, head or either."""
    rng = np.random.default_rng(21)
    configs = {"base": {"agent": "plain"}, "head": {"agent": "tuned", "num_ctx": 512, "num_gpu": 60}}
    series = [a_series(name, entity="m", config=config) for name, config in configs.items()]
    series += [
        a_series(f"other{i}", entity="m", config={"agent": "tuned", "num_ctx": 1024, "num_gpu": gpu})
        for i, gpu in enumerate((60, 80))
    ]
    rows = []
    for i in range(files):
        leader = first if first != "either" else ("base", "head")[i % 2]
        for name in configs:
            place, cold = (1, 1.0) if name == leader else (2, 0.0)
            more: dict[str, Any] = {"first": place, "path": f"{i}.json", "phases": [phases], "runs": [f"{name}{i}"]}
            rows += values_of(name, [0.1 + cold + 0.001 * rng.normal()], "ttft_s", **more)
            rows += values_of(name, [100 + rng.normal()], **more)
    for name in ("other0", "other1"):
        rows += values_of(name, [0.1], "ttft_s", phases=[phases], path=f"{name}.json")
        rows += values_of(name, [100.0], phases=[phases], path=f"{name}.json")
    return frames(rows, series)


def bundle(stores: tuple[pd.DataFrame, pd.DataFrame]) -> dict[str, Comparison]:
    return {one.metric: one for one in comparisons.compare_within(*stores) if "agent=" in one.condition}


@pytest.mark.parametrize("first", ["base", "head"])
def test_an_agent_that_always_ran_first_may_have_paid_for_the_load(first: str) -> None:
    found = bundle(agents(first))
    assert found["ttft_s"].verdict == "not_comparable"
    assert "model load" in found["ttft_s"].reason
    assert found["ttft_s"].change is None
    assert ("former" if first == "head" else "latter") in found["ttft_s"].reason
    rate = found["decode_tokens_per_s"]
    assert rate.verdict == "equivalent"
    assert any("always ran first" in caveat for caveat in rate.caveats)
    assert any("num_ctx, num_gpu change together with agent" in caveat for caveat in rate.caveats)


def test_agents_that_took_turns_are_compared() -> None:
    found = bundle(agents("either"))
    assert found["ttft_s"].verdict != "not_comparable"
    assert not any("always ran first" in caveat for one in found.values() for caveat in one.caveats)


def test_where_the_load_is_recorded_warm_calls_are_compared_in_any_order() -> None:
    found = bundle(agents("head", phases="warm"))
    assert found["ttft_s"].verdict != "not_comparable"
    assert any("always ran first" in caveat for caveat in found["ttft_s"].caveats)


def test_backends_of_a_case_are_compared_with_the_reference() -> None:
    series = [
        a_series(name, family="timings", case=f"mlp/{name}", entity=f"mlp/{name}", config={"backend": name})
        for name in ("eager", "jit")
    ]
    rows = stated("jit", 0.5, 0.01, 20, 0.48, 0.52) + stated("eager", 1.0, 0.01, 20, 0.97, 1.03)
    (found,) = comparisons.compare_within(*frames(rows, series))
    assert (found.kind, found.baseline, found.verdict) == ("backend", "mlp/eager", "improvement")


def test_facts_texts_and_json_of_comparisons() -> None:
    base, head = values_of("x", range(100, 108), path="b.csv"), values_of("x", range(80, 88), path="h.csv")
    found = compared(base, head)
    facts = ids.assign(comparisons_text.comparison_facts(found))
    assert validation.failures("facts", build.to_frame(facts)).empty
    (fact,) = facts
    assert (fact.kind, fact.unit, fact.verdict, fact.n) == ("comparison", "ratio", "regression", 16)
    assert fact.effect == fact.value == pytest.approx(0.81, abs=0.01)
    assert fact.sources == ("b.csv#row 1-8@aaaaaaaaaaaa", "h.csv#row 1-8@aaaaaaaaaaaa")
    document = comparisons_text.as_json(found)
    assert document["regression"] is True
    assert document["counts"]["regression"] == 1
    assert json.loads(json.dumps(document))["comparisons"][0]["verdict"] == "regression"


def test_the_summary_for_a_pull_request_breaks_no_table() -> None:
    series = {"entity": "a|b <script>`x`", "condition": "line\nbreak"}
    found = compared(values_of("x", range(100, 108)), values_of("x", range(80, 88)), **series)
    text = comparisons_summary.as_markdown(found, base="v1", head="v2")
    assert text.startswith("## 1 regression found\n\n`v2` against `v1`: 1 regression.\n")
    row = next(line for line in text.splitlines() if line.startswith("| regression"))
    assert "<script>" not in text
    assert row.count("|") - row.count("\\|") == 9
    assert comparisons_summary.as_markdown([]).startswith("## Nothing could be decided")


def many(count: int, factor: float) -> list[Comparison]:
    """`count` series of which the first changes by `factor`, and one more on either side."""
    rng = np.random.default_rng(4)
    sides = []
    for side in ("base", "head"):
        rows, series = [], []
        for i in [*range(count), count if side == "base" else count + 1]:
            name = f"m{i}"
            series.append(a_series(name, model=name, condition=f"suite, batch=1, size={i}"))
            scale = factor if side == "head" and i == 0 else 1.0
            rows += values_of(name, scale * rng.normal(100, 0.2, 12), path=f"{side}.csv")
        sides.append(frames(rows, series))
    return comparisons.compare_stores(*sides[0], *sides[1])


def test_a_summary_of_many_shows_what_changed_and_folds_the_rest() -> None:
    found = many(200, 0.8)
    text = comparisons_summary.as_markdown(found, base="v1", head="v2")
    assert text.startswith("## 1 regression found\n")
    assert "1 regression, 199 equivalent, 1 series only in the base, 1 series only in the head." in text.splitlines()[2]
    assert "Common to all: suite, batch=1." in text
    before_fold = text.partition("<details>")[0]
    assert [line[:12] for line in before_fold.splitlines() if line.startswith("| ")][1:] == ["| regression"]
    assert "m0 (size=0)" in before_fold
    assert "<summary>199 without a clear difference</summary>" in text
    assert "139 more are in --json" in text
    assert len(text.encode()) < 65_536, "GitHub takes no longer comment"


def test_lines_for_a_terminal_begin_with_the_verdict() -> None:
    lines = list(comparisons_summary.as_lines(many(200, 0.8)))
    assert lines[0].startswith("1 regression found: 1 regression, 199 equivalent")
    assert lines[1].startswith("regression: decode throughput of m0")
    assert lines[-1] == "equivalent: 139 more are in --json"
    assert not any("against nothing" in line or "presence" in line for line in lines)


def test_files_of_one_name_in_two_stores_are_two_files() -> None:
    base = values_of("x", range(100, 106), path="run.json", first=1)
    head = values_of("x", range(80, 86), path="run.json", first=20)
    for row in head:
        row["artifact_sha256"] = "b" * 64
    (found,) = compared(base, head)
    assert not any("always ran first" in caveat for caveat in found.caveats)
