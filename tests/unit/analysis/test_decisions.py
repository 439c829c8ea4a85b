"""Statements that serve a decision: built where facts allow them, and never beyond what was measured alike."""

from __future__ import annotations

from chimera_pipeline.analysis import decisions, recommendations, statements
from chimera_pipeline.records import Fact
from tests.unit.analysis.material import fact

SUITE = "prompt suite"


def served(name: str, model: str, rate: float, tail: float, condition: str = SUITE) -> list[Fact]:
    series = {"series_ids": (f"s_{name}",)}
    warm = f"warm, {condition}"
    return [
        fact(f"{name}_rate", "decode_tokens_per_s", rate, model, condition, **series),
        fact(f"{name}_tail", "ttft_s", tail, model, warm, statistic="max", n=4, **series),
    ]


def texts(facts: list[Fact], kind: str) -> list[str]:
    return [item.text for item in statements.build(facts) if item.kind == kind]


def test_a_limit_on_ttft_picks_from_models_measured_alike() -> None:
    found = [*served("a", "small", 180.0, 0.14), *served("b", "large", 100.0, 0.13)]
    (text,) = texts(found, "deploy")
    assert text == (
        "Prompt suite, for a limit on TTFT take the first that keeps it: small with mean decode throughput "
        "180 tokens/s (n=5) and max warm TTFT 0.1400 s (n=4); large with mean decode throughput 100 tokens/s (n=5) "
        "and max warm TTFT 0.1300 s (n=4)."
    )
    assert not texts([*served("a", "small", 180.0, 0.1), *served("b", "large", 100.0, 0.1, "another suite")], "deploy")


def test_a_limit_never_picks_a_slower_one_with_a_longer_tail() -> None:
    fast, worse, safe = served("a", "small", 180.0, 0.14), served("b", "mid", 120.0, 3.4), served("c", "large", 90, 0.1)
    (text,) = texts([*fast, *worse, *safe], "deploy")
    assert "small with" in text
    assert "large with" in text
    assert "mid" not in text
    assert not texts([*fast, *worse], "deploy"), "one alone is no choice"


def test_a_warm_tail_stands_beside_the_warm_rate_where_there_is_one() -> None:
    series = {"series_ids": ("s_a",), "n": 4}
    warm = fact("warm_rate", "decode_tokens_per_s", 190.0, "small", f"warm, {SUITE}", **series)
    small, large = served("a", "small", 180.0, 0.14), served("b", "large", 100.0, 0.13)
    assert warm.series_ids == small[0].series_ids
    assert not texts([warm, *small, *large], "deploy"), "the mean of all requests of one, of the warm ones of another"
    also = fact("warm_rate_2", "decode_tokens_per_s", 101.0, "large", f"warm, {SUITE}", n=4, series_ids=("s_b",))
    (text,) = texts([warm, also, *small, *large], "deploy")
    assert "small with mean warm decode throughput 190 tokens/s (n=4) and max warm TTFT 0.1400 s (n=4)" in text


def test_options_of_one_model_stand_on_a_ladder_only_where_one_option_differs() -> None:
    one = served("a", "m", 62.0, 0.22, "suite, threads=1, num_ctx=1024")
    two = served("b", "m", 44.0, 0.21, "suite, threads=2, num_ctx=1024")
    (text,) = texts([*one, *two], "deploy")
    assert "m (threads=1) with mean decode throughput 62 tokens/s" in text
    assert text.startswith("Suite, num_ctx=1024, for a limit")
    both = served("c", "m", 44.0, 0.21, "suite, threads=2, num_ctx=2048")
    assert not texts([*one, *both], "deploy")


def test_the_larger_part_of_a_cold_ttft_is_named_but_not_of_the_cells_of_a_sweep() -> None:
    def share(statistic: str, value: float) -> Fact:
        return fact(
            statistic,
            "ttft_s",
            value,
            "m",
            f"cold, {SUITE}",
            statistic=statistic,
            unit="ratio",
            n=1,
            series_ids=("s1",),
        )

    parts = [share("load_share", 0.8699), share("prompt_eval_share", 0.1301)]
    assert texts(parts, "decomposition") == ["Model load is 87.0 % of the TTFT of m (cold, prompt suite), n=1."]
    sweep = fact("f9", "ttft_s", 1.0, "m", "across 2 configurations", series_ids=("s1", "s2"))
    assert not texts([*parts, sweep], "decomposition")


def test_an_option_moves_a_metric_only_where_its_test_says_so_for_the_whole_sweep() -> None:
    def effect(option: str, share: float, p: float) -> Fact:
        return fact(
            option, "decode_tokens_per_s", share, "m", "sweep", statistic=f"variance_share of {option}", unit="ratio",
            n=24, series_ids=("s1", "s2"), p_value=p,
        )  # fmt: skip

    told = texts([effect("num_gpu", 0.6, 0.001), effect("num_ctx", 0.1, 0.3)], "sensitivity")
    assert told == [
        "In its sweep, decode throughput of m depends on num_gpu; it shows no effect beyond noise of num_ctx."
    ]
    # 0.03 alone would pass; two tests of one sweep share the level
    told = texts([effect("num_gpu", 0.3, 0.03), effect("num_ctx", 0.1, 0.3)], "sensitivity")
    assert told == ["In its sweep, decode throughput of m shows no effect beyond noise of num_gpu and num_ctx."]


def test_what_the_cells_of_a_sweep_do_not_tell_apart_is_neither_preferred_nor_without_effect() -> None:
    cells = ("s1", "s2")

    def effect(option: str, p: float) -> Fact:
        return fact(
            option, "ttft_s", 0.5, "m", "sweep", statistic=f"variance_share of {option}", unit="ratio", n=6,
            series_ids=cells, p_value=p,
        )  # fmt: skip

    pooled = fact(
        "c1", "ttft_s", 0.7, "m", "warm, temperature=0.8, over 3 configurations", kind="comparison", statistic="ratio",
        baseline="m (warm, temperature=0, over 3 configurations)", verdict="improvement", effect=0.7, unit="ratio",
        series_ids=cells,
    )  # fmt: skip
    doubtful = [effect("temperature", 0.035), effect("num_ctx", 0.3), pooled]
    (text,) = texts(doubtful, "sensitivity")
    assert text == "In its sweep, TTFT of m shows no effect beyond noise of num_ctx."
    assert not [item for item in recommendations.offer(doubtful, []) if item.id.startswith("prefer")]
    sure = [effect("temperature", 0.001), effect("num_ctx", 0.3), pooled]
    assert [item for item in recommendations.offer(sure, []) if item.id.startswith("prefer")]
    (text,) = texts(sure, "sensitivity")
    assert text == "In its sweep, TTFT of m depends on temperature; it shows no effect beyond noise of num_ctx."


def test_a_lead_is_told_only_against_one_measured_under_the_same_condition() -> None:
    mean = fact("f1", "decode_tokens_per_s", 80.0, "a")

    def rank(other: str) -> Fact:
        text = f"a (prompt suite) is 1 of 2 by decode throughput (80 tokens/s), clearly ahead of {other}"
        return fact(
            "f2", "decode_tokens_per_s", 1.0, "a", statistic="rank", unit="rank", text=text, series_ids=("x", "y")
        )

    assert texts([mean, rank("b (prompt suite)")], "rank") == [
        "In decode throughput, prompt suite: a is clearly ahead of b."
    ]
    assert not texts([mean, rank("b (prompt suite, temperature=0.9)")], "rank")


def compared(name: str, verdict: str, entity: str, baseline: str, effect: float = 2.0, text: str = "") -> Fact:
    return fact(
        name, "time_s", effect, entity, "bench, backend=" + entity, kind="comparison", statistic="ratio",
        verdict=verdict, baseline=f"{baseline} (bench, backend={baseline})", effect=effect, text=text or "x",
        unit="ratio",
    )  # fmt: skip


def test_within_a_period_the_unbeaten_arm_is_preferred_and_nothing_is_called_a_regression() -> None:
    found = [
        compared("c1", "regression", "jit", "eager"),
        compared("c2", "regression", "onnx", "eager"),
        compared("c3", "regression", "onnx", "jit"),
    ]
    offered = [item.text for item in recommendations.offer(found, [])]
    assert offered == [
        "By time, prefer eager (backend=eager) over jit (backend=jit) and onnx (backend=onnx) (bench), "
        "and repeat the run to confirm it."
    ]
    circle = [compared("c1", "regression", "jit", "eager"), compared("c2", "regression", "eager", "jit")]
    assert not recommendations.offer(circle, [])


def test_what_further_runs_would_settle_is_the_next_run() -> None:
    settle = "insufficient; about 3 more values an arm would settle it"
    found = [compared("c1", "insufficient", "jit", "eager", text=settle)]
    (open_one,) = texts(found, "next_run")
    assert open_one.startswith("Left open: time of jit (backend=jit) against eager (backend=eager) (bench);")
    assert recommendations.offer(found, [])[0].text.startswith("Measure next: time of jit (backend=jit) against eager")


def test_arms_keep_apart_what_is_their_own_and_what_they_share() -> None:
    assert decisions.arms(compared("c", "regression", "jit", "eager")) == (
        "jit (backend=jit)",
        "eager (backend=eager)",
        " (bench)",
    )
