"""Every trap known to lie in the sample files: what reads and settles them must not step into any.

The numbers of the sections are those of TRAPS.md beside the sample files. Tools whose files are not among them
are held by unit tests, each named where its trap would stand.
"""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from chimera_pipeline.facts.build import facts_of
from chimera_pipeline.readers import registry
from chimera_pipeline.records import ArtifactStatus, Fact, Format
from chimera_pipeline.settings import Limits
from tests.acceptance.shared import DATA, needs_data, oracle
from tests.acceptance.world import MTIME_DAY, World
from tests.acceptance.world import world as everything

pytestmark = [needs_data, pytest.mark.shared]

CSV_DATA = "chimera/csv_data/"
REPORTS = "chimera/reports/"
OLLAMA = REPORTS + "ollama/"
GEMMA = REPORTS + "gemma3/"
COMPILATION = REPORTS + "compilation/"
LLMPERF = "tools/llmperf/llmperf-leaderboard/"
STRIX = "tools/llama-bench/strix-halo-testing/"
ASV = "tools/asv/asv/cheetah/"

ALL_FAILED = {
    "20251002-151204/prompt_suite_runs.csv": 15,
    "20251002-151446/prompt_suite_runs.csv": 15,
    "20251002-151527/prompt_suite_runs.csv": 15,
    "20251002-151615/prompt_suite_runs.csv": 15,
    "20251008-122701/gemma3_benchmark_runs.csv": 5,
    "20251008-122714/llama3_q4_benchmark_runs.csv": 5,
    "20251008-122728/llama3_q5_benchmark_runs.csv": 5,
}
SELF_HEALING = REPORTS + "self_healing_results_20251004_133717.json"
FAILED_BACKEND = {
    "conv_cuda_bench_20251002-172037": "torch_compile",
    "mlp_cuda_bench_20251002-171845": "torch_compile",
    "transformer_cuda_bench_20251002-172126": "torch_compile",
    "transformer_cuda_pytorch2508": "tensorrt",
    "transformer_cuda_triton2508": "tensorrt",
}
REQUEST_VALUES = ["ttft_s", "load_s", "prompt_eval_s", "eval_s", "total_s", "output_tokens", "decode_tokens_per_s",
                  "end_to_end_tokens_per_s"]  # fmt: skip
TIMES = ["mean_s", "std_s", "min_s", "max_s", "median_s", "p95_s", "p99_s"]


@pytest.fixture(scope="module")
def world() -> World:
    return everything()


@pytest.fixture(scope="module")
def facts(world: World) -> list[Fact]:
    return facts_of(world.tables, period="all")


def text_of(path: str) -> str:
    return (DATA / path).read_text(encoding="utf-8")


def any_text_of(path: str) -> str:
    return (DATA / path).read_bytes().decode("utf-8", "replace")


def csv_rows(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text_of(path).splitlines()))


def sources(fact: Fact) -> set[str]:
    return {source.partition("#")[0] for source in fact.sources}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


# The oracle, file by file ------------------------------------------------------------------------------------------


def test_every_file_with_records_in_the_oracle_is_claimed_by_a_reader(world: World) -> None:
    unclaimed = {
        path for path, known in oracle()["files"].items() if known["rows"] and not world.artifacts.loc[path, "tool"]
    }
    assert unclaimed == {SELF_HEALING}, "its five entries log what a simulation decided; they are no measurements"


# 1. Failures stored as data ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "rows"), ALL_FAILED.items())
def test_zeros_beside_an_error_text_are_failed_requests_without_values(world: World, name: str, rows: int) -> None:
    requests = world.of("llm_requests", OLLAMA + name)
    assert list(requests["status"]) == ["failed"] * rows
    assert requests[REQUEST_VALUES].isna().all(axis=None)
    assert requests["error_kind"].notna().all()
    assert len(world.values(OLLAMA + name)) == 0


def test_no_fact_about_speed_rests_on_a_file_in_which_everything_failed(facts: list[Fact]) -> None:
    dead = {OLLAMA + name for name in ALL_FAILED}
    speeds = [fact for fact in facts if fact.metric in ("ttft_s", "decode_tokens_per_s", "total_s", "load_s")]
    assert speeds
    assert not [fact.text for fact in speeds if sources(fact) & dead]


def test_empty_cells_beside_timed_out_are_two_failed_configurations_of_36(world: World) -> None:
    path = GEMMA + "gemma3_270m_param_tuning.csv"
    requests = world.of("llm_requests", path)
    failed = requests[requests["status"] == "failed"]
    assert (len(requests), len(failed)) == (36, 2)
    options = [json.loads(text) for text in failed["config"]]
    assert [(o["num_gpu"], o["num_ctx"], o["temperature"]) for o in options] == [(60, 1024, 0.2), (60, 1024, 0.4)]
    assert set(failed["error_kind"]) == {"timeout"}
    assert failed[REQUEST_VALUES].isna().all(axis=None)


def test_success_true_on_an_error_text_is_a_failed_request_without_tokens_or_rate(world: World) -> None:
    path = CSV_DATA + "baseline_test_results_1759186372.json"
    assert all(row["success"] is True for row in json.loads(text_of(path))["results"])
    requests = world.of("llm_requests", path)
    assert list(requests["status"]) == ["failed"] * 5
    assert set(requests["error_kind"]) == {"connection"}
    assert requests[REQUEST_VALUES].isna().all(axis=None)


def test_one_surviving_request_of_five_is_one_value_and_no_mean(world: World, facts: list[Fact]) -> None:
    path = CSV_DATA + "baseline_test_results_1759098967.json"
    requests = world.of("llm_requests", path)
    assert sorted(requests["status"]) == ["failed"] * 4 + ["ok"]
    assert requests.loc[requests["status"] == "ok", "end_to_end_tokens_per_s"].iloc[0] == pytest.approx(14.1063399)
    alone = [fact for fact in facts if sources(fact) == {path}]
    assert not [fact.text for fact in alone if fact.statistic == "mean"]


def test_totals_that_include_failed_requests_are_not_measurements(world: World) -> None:
    values = world.of("measurements", CSV_DATA + "baseline_test_results_1759098967.json")["value"]
    assert not values.isin([225.0, 15420.0, 15.42]).any()


@pytest.mark.parametrize(("name", "backend"), FAILED_BACKEND.items())
def test_a_backend_that_did_not_compile_is_failed_and_never_the_fastest(world: World, name: str, backend: str) -> None:
    path = f"{COMPILATION}{name}.json"
    timings = world.of("timings", path)
    failed = timings[timings["status"] == "failed"]
    assert list(failed["backend"]) == [backend]
    assert failed[TIMES].isna().all(axis=None)
    counted = timings[timings["status"] == "ok"]
    assert (counted["mean_s"] > 0).all()


def test_no_ranking_and_no_comparison_has_a_zero_time(facts: list[Fact]) -> None:
    times = [fact for fact in facts if fact.unit == "s" and fact.statistic in ("mean", "median", "sample", "min")]
    assert times
    assert not [fact.text for fact in times if fact.value == 0 and COMPILATION in "".join(fact.sources)]


def test_an_export_of_no_inferences_is_a_document_without_zeros(world: World) -> None:
    for path in (REPORTS + "llama3/baseline_ml_metrics.json", REPORTS + "llama3/baseline_ml_report.txt"):
        assert world.status(path) == "document"
        assert len(world.of("measurements", path)) == 0


# vLLM, all failed: unit test_a_run_of_failed_requests_keeps_its_count_and_no_zeros (test_serving_benchmarks).
# aiperf, all failed, partly failed: unit test_aiperf_a_run_in_which_all_failed_has_no_metrics_and_is_a_failed_point
# and test_aiperf_partial_failures_stay_beside_what_succeeded (test_serving_reports).


def test_a_vllm_run_in_which_all_requests_failed_gives_counts_and_no_zeros() -> None:
    result = {
        "date": "20260816-160853", "endpoint_type": "openai", "backend": "openai", "label": None, "model_id": "m",
        "tokenizer_id": "m", "num_prompts": 8, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": None,
        "duration": 0.2, "completed": 0, "failed": 8, "total_input_tokens": 0, "total_output_tokens": 0,
        "request_throughput": 0.0, "output_throughput": 0.0, "total_token_throughput": 0.0, "mean_ttft_ms": 0.0,
        "median_ttft_ms": 0.0, "std_ttft_ms": 0.0, "p99_ttft_ms": 0.0, "mean_tpot_ms": 0.0, "median_tpot_ms": 0.0,
        "std_tpot_ms": 0.0, "p99_tpot_ms": 0.0, "mean_itl_ms": 0.0, "median_itl_ms": 0.0, "std_itl_ms": 0.0,
        "p99_itl_ms": 0.0,
    }  # fmt: skip
    reading = registry.read(json.dumps(result).encode(), Format.JSON, Limits())
    (row,) = reading.rows["serving_runs"]
    assert (row["status"], row["requests_ok"], row["requests_failed"]) == ("failed", 0, 8)
    assert not [key for key in row if key.startswith(("ttft", "tpot", "itl", "e2e"))]


def test_an_error_inside_a_hyperfine_command_is_a_failure_without_exit_codes() -> None:
    entry = {"command": "[ERROR] ./missing", "mean": 3e-06, "stddev": 5e-06, "median": 0.0, "user": 0.0,
             "system": 0.0, "min": 0.0, "max": 9e-06, "times": [9e-06, 0.0, 0.0]}  # fmt: skip
    reading = registry.read(json.dumps({"results": [entry]}).encode(), Format.JSON, Limits())
    assert (reading.records_ok, reading.records_failed) == (0, 1)
    assert not [key for row in reading.rows["timings"] for key in row if key in TIMES]


def test_llmperf_rows_with_an_error_code_are_failed_although_they_carry_times(world: World) -> None:
    path = LLMPERF + "individual/bedrock_70b.json"
    coded = [row for row in json.loads(text_of(path)) if row["error_code"] is not None]
    assert len(coded) == 49
    assert all(row["ttft_s"] > 0 for row in coded)
    requests = world.of("llm_requests", path)
    failed = requests[requests["status"] == "failed"]
    assert (len(requests), len(failed)) == (150, 49)
    assert failed[REQUEST_VALUES].isna().all(axis=None)


def test_requests_that_vanished_are_not_invented_and_an_outlier_is_kept(world: World) -> None:
    requests = world.of("llm_requests", LLMPERF + "individual/replicate_70b.json")
    assert len(requests) == 145
    assert requests["ttft_s"].max() == pytest.approx(71.6, abs=0.05)
    assert requests["ttft_s"].median() == pytest.approx(1.19, abs=0.005)


# 2. Cold start -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "cold"),
    [
        (CSV_DATA + "ollama_quant_bench.csv", [6, 11]),  # the model was loaded before row 1
        (OLLAMA + "20251002-151824/prompt_suite_runs.csv", [1, 6, 11]),
        (CSV_DATA + "ollama_param_tuning.csv", list(range(1, 36, 3))),
        (GEMMA + "gemma3_1b-it-qat_param_tuning.csv", list(range(1, 36, 3))),
        (OLLAMA + "20251008-122911/gemma3_benchmark_fixed_runs.csv", [1]),
        (GEMMA + "gemma3_270m_baseline.json", [1]),
    ],
)
def test_a_request_is_cold_at_each_change_of_model_or_context_and_not_only_in_the_first_row(
    world: World, path: str, cold: list[int]
) -> None:
    phases = list(world.of("llm_requests", path)["phase"])
    assert [number for number, phase in enumerate(phases, 1) if phase == "cold"] == cold


# A sweep in which the first request after a change of options is cold by definition although its load was short (the
# layers fitted without a reload). The oracle counts long loads alone, so its rows are not compared here.
SHORT_LOADS = {GEMMA + "gemma3_param_tuning.csv"}


def test_cold_rows_are_those_of_a_long_load_and_warm_times_have_the_mean_of_the_oracle(world: World) -> None:
    compared = 0
    for path, known in oracle()["files"].items():
        stated = (known["metrics"] or {}).get("ttft_s__warm_rows_only")
        if not stated or world.status(path) != "ok" or path in SHORT_LOADS:
            continue
        requests = world.of("llm_requests", path)
        phases = list(requests["phase"])
        cold = [number for number, phase in enumerate(phases, 1) if phase == "cold"]
        assert cold == known["cold_rows_load_gt_0.5s"], path
        warm = requests.loc[(requests["phase"] == "warm") & (requests["status"] == "ok"), "ttft_s"]
        assert len(warm) == stated["n"], path
        assert warm.mean() == pytest.approx(stated["mean"], rel=1e-9), path
        compared += 1
    assert compared == 10


@pytest.mark.parametrize("path", sorted(SHORT_LOADS))
def test_every_long_load_is_cold_in_the_other_sweeps_too(world: World, path: str) -> None:
    requests = world.of("llm_requests", path).reset_index(drop=True)
    long = [number - 1 for number in oracle()["files"][path]["cold_rows_load_gt_0.5s"]]
    assert set(requests.loc[long, "phase"]) == {"cold"}


def test_claims_of_a_summary_in_prose_are_no_measurements(world: World) -> None:
    """It says 0.165 s and 102.85 tokens/s for warm rows; the rows say otherwise."""
    path = GEMMA + "SUMMARY.md"
    assert "0.165" in text_of(path)
    assert world.status(path) == "document"
    assert len(world.of("measurements", path)) == 0
    assert not world.tables["measurements"]["value"].isin([0.165, 102.85]).any()


def test_no_fact_about_first_token_times_pools_cold_and_warm(world: World, facts: list[Fact]) -> None:
    rows = world.tables["measurements"]
    rows = rows[(rows["metric"] == "ttft_s") & (rows["statistic"] == "sample") & (rows["status"] == "ok")]
    mixed = set(rows.groupby("artifact_path").filter(lambda part: part["phase"].nunique() > 1)["artifact_path"])
    assert GEMMA + "gemma3_baseline.json" in mixed
    means = [f for f in facts if f.metric == "ttft_s" and f.statistic == "mean" and sources(f) & mixed]
    assert means
    assert not [fact.text for fact in means if not any(word in fact.condition for word in ("cold", "warm"))]


def test_a_warm_up_inside_a_mean_is_named_and_never_compared(facts: list[Fact]) -> None:
    path = REPORTS + "kernel_optimization/kernel_benchmarks.json"
    named = [fact for fact in facts if path in sources(fact) and fact.kind == "quality"]
    assert len(named) == 3
    for mean, others in (("0.02462 s", "229.9 µs"), ("761.6 µs", "77.49 µs"), ("0.01670 s", "40.12 µs")):
        assert any(mean in fact.text and others in fact.text for fact in named), mean
    judged = [f for f in facts if path in sources(f) and f.verdict in ("improvement", "regression")]
    assert not [fact.text for fact in judged]


def test_an_agent_comparison_in_fixed_order_says_nothing_of_first_token_times(facts: list[Fact]) -> None:
    """Of each of the 18 runs one agent went first, on a model that may not have been loaded."""
    found = [
        f
        for f in facts
        if f.kind == "comparison" and "agent_type=" in f.condition and "chimera_sweep" in str(f.sources)
    ]
    verdicts = {fact.metric: fact for fact in found}
    assert len(verdicts) == len(found) == 2
    first_token = verdicts["serving_ttft_s"]
    assert (first_token.verdict, first_token.grade) == ("not_comparable", "insufficient")
    assert "model load" in first_token.text
    assert "always ran first" in first_token.text
    decode = verdicts["decode_tokens_per_s"]
    assert decode.verdict == "equivalent"
    assert "change together with agent_type" in decode.text
    assert "not interleaved" in decode.text


def test_an_option_is_compared_only_where_all_others_agree(facts: list[Fact]) -> None:
    found = [f for f in facts if f.kind == "comparison" and "chimera_sweep" in str(f.sources)]
    assert not [fact.text for fact in found if "=None" in fact.condition or "=None" in (fact.baseline or "")]


def test_rates_with_a_wide_spread_keep_it(world: World) -> None:
    rows = world.of("throughputs", STRIX + "GLM-4.5-Air/raw_runs.jsonl")
    assert int((rows["rate_std"] > 0.2 * rows["rate_mean"]).sum()) == 6


# vLLM sweep with a cold run 0: unit test_a_sweep_is_a_list_of_points_with_their_run (test_serving_benchmarks).


# 3. Double counting ------------------------------------------------------------------------------------------------


def test_byte_identical_files_are_counted_once(world: World) -> None:
    for group in oracle()["exact_duplicates"]:
        statuses = [world.status(path) for path in group]
        assert statuses.count("duplicate") == len(group) - 1 or set(statuses) <= {"derived", "duplicate"}, group
        assert len({path for path in group if len(world.of("measurements", path))}) <= 1, group


def test_csv_json_and_markdown_twins_are_counted_once(world: World) -> None:
    for entry in oracle()["same_measurements"]:
        counted = [path for path in entry["files"] if len(world.of("measurements", path))]
        assert len(counted) <= 1, (entry["files"], counted)


@pytest.mark.parametrize("name", ["gemma3", "gemma3_1b-it-qat", "gemma3_270m"])
def test_a_twin_lends_the_model_that_its_csv_has_no_column_for(world: World, name: str) -> None:
    both = {world.status(f"{GEMMA}{name}_baseline.{ext}"): f"{GEMMA}{name}_baseline.{ext}" for ext in ("csv", "json")}
    requests = world.of("llm_requests", both["ok"])
    assert set(both) == {"ok", "duplicate"}
    assert set(requests["model"]) == {json.loads(text_of(f"{GEMMA}{name}_baseline.json"))["model"]}
    assert len(requests) == 5


@pytest.mark.parametrize("name", ["performance_digest", "test_datadog_digest", "test_mcp_digest"])
def test_digests_of_digests_are_documents_without_numbers(world: World, name: str) -> None:
    path = f"{REPORTS}integration/{name}.md"
    assert world.status(path) in ("document", "duplicate")
    assert len(world.of("measurements", path)) == 0


def test_summaries_next_to_their_rows_add_no_measurement(world: World) -> None:
    summaries = [
        path
        for path in world.readings
        if path.endswith(("_param_tuning_summary.csv", "prompt_suite_summary.json", "benchmark_fixed_summary.json"))
    ]
    assert len(summaries) > 8
    for path in [*summaries, CSV_DATA + "baseline_performance_summary.csv"]:
        assert world.status(path) in ("derived", "duplicate"), path
        assert len(world.of("measurements", path)) == 0, path


@pytest.mark.parametrize("name", ["bedrock_70b", "groq_70b", "replicate_70b"])
def test_an_llmperf_summary_adds_no_latency_to_those_of_its_requests(world: World, name: str) -> None:
    found = set(world.of("measurements", f"{LLMPERF}summary/{name}.json")["metric"])
    assert not found & {"ttft_s", "itl_s", "total_s", "serving_ttft_s", "serving_e2e_s", "serving_itl_s"}


def test_results_that_are_a_subset_of_the_raw_runs_are_counted_once(world: World) -> None:
    folder = STRIX + "GLM-4.5-Air/"
    assert world.status(folder + "results.jsonl") == "duplicate"
    assert len(world.of("measurements", folder + "results.jsonl")) == 0
    assert len(world.of("throughputs", folder + "raw_runs.jsonl")) == 380


def test_the_aggregated_row_of_locust_is_not_counted_beside_its_endpoints(world: World) -> None:
    path = "tools/locust/proxy_load_tester/load_test_stats.csv"
    assert [row["Name"] for row in csv_rows(path)].count("Aggregated") == 1
    assert len(world.of("serving_runs", path)) == len(csv_rows(path)) - 1


def test_google_aggregates_are_no_repetitions(world: World) -> None:
    folder = "tools/google-benchmark/benchmark/"
    for path in [path for path in world.readings if path.startswith(folder)]:
        cases = world.of("timings", path)["case"]
        assert not cases.str.contains(r"_(?:mean|median|stddev|cv|BigO|RMS)$", regex=True).any(), path


# 4. Units and columns ----------------------------------------------------------------------------------------------


def test_a_markdown_table_is_read_by_its_column_names_and_not_by_position(world: World) -> None:
    """46.57 is tokens/s and 2.008 s the time to the first token; an older ingester had them the other way round."""
    stats = [entry.stats for entry in world.readings[OLLAMA + "ollama_benchmark_summary.md"].summaries]
    by_rate = {entry["decode_tokens_per_s:mean"][0]: entry for entry in stats if "ttft_s:mean" in entry}
    assert by_rate[46.57]["ttft_s:mean"][0] == pytest.approx(2.008)


def test_num_ctx_is_never_a_latency(facts: list[Fact]) -> None:
    latencies = [fact for fact in facts if fact.metric.endswith("_s") and fact.unit in ("s", "ms")]
    assert latencies
    assert not [fact.text for fact in latencies if fact.value in (256.0, 512.0, 1024.0, 2048.0)]


def test_the_mean_generation_time_is_computed_and_not_the_stored_minimum(world: World) -> None:
    path = CSV_DATA + "baseline_test_results_1759099000.json"
    times = world.of("llm_requests", path)["total_s"]
    assert times.mean() == pytest.approx(3.20354, abs=5e-6)
    assert times.min() == pytest.approx(2.52722, abs=5e-6)
    rows = world.of("measurements", path)
    assert not ((rows["statistic"] == "mean") & ((rows["value"] - 2.52722).abs() < 5e-6)).any()


def test_the_stored_minimum_that_calls_itself_a_mean_is_named(world: World) -> None:
    path = CSV_DATA + "baseline_test_results_1759099000.json"
    gaps = world.tables["telemetry_gaps"]
    (gap,) = gaps[(gaps["kind"] == "inconsistent") & (gaps["subject"] == f"{path} /summary")].to_dict("records")
    assert "mean total_s is stated as 2.52722, which is their min; the rows give 3.20354" in gap["consequence"]


def test_first_token_times_of_server_and_load_test_are_named_as_two_things(world: World) -> None:
    gaps = world.tables["telemetry_gaps"]
    found = gaps[(gaps["kind"] == "not_comparable") & (gaps["field"] == "TTFT")]
    assert list(found["subject"]) == ["gemma3:latest"]


def test_a_sweep_with_one_sample_a_configuration_is_named(world: World) -> None:
    gaps = world.tables["telemetry_gaps"]
    found = gaps[(gaps["kind"] == "few_samples") & gaps["subject"].str.startswith("parameter sweep")]
    assert list(found["count"]) == [142]
    assert "142 of 142 configurations" in found.iloc[0]["consequence"]


def test_percentiles_of_run_means_are_not_percentiles(world: World, facts: list[Fact]) -> None:
    folder = CSV_DATA + "baselines/"
    paths = [path for path in world.readings if path.startswith(folder)]
    assert len(paths) == 7
    for path in paths:
        stated = json.loads(text_of(path))
        runs = len(stated["timing_stats"]["run_results"])
        assert len(world.of("timings", path)) == runs, path
    tails = [f for f in facts if f.statistic in ("p90", "p95", "p99") and f.grade != "reported"]
    assert not [fact.text for fact in tails if any(source.startswith(folder) for source in fact.sources)]


def test_milliseconds_of_the_timing_tests_become_seconds(world: World) -> None:
    row = world.of("timings", CSV_DATA + "baselines/comprehensive_baseline_1759186313.json").iloc[0]
    assert row["mean_s"] == pytest.approx(0.015502165, abs=1e-9)
    row = world.of("timings", CSV_DATA + "demo_inference_1759181417.json").iloc[0]
    assert row["mean_s"] == pytest.approx(7.24e-05, abs=1e-8)


def test_bytes_among_times_are_no_times(world: World) -> None:
    found = world.tables["measurements"]
    rows = found[(found["metric"] == "object_bytes") & found["artifact_path"].str.startswith("tools/asv/")]
    assert set(rows["unit"]) <= {"bytes"}


def test_guidellm_seconds_and_milliseconds_in_one_object_agree(world: World) -> None:
    path = "tools/guidellm/llm-d-benchmark/guidellm_report_v2.json"
    rows = world.of("serving_runs", path)
    assert (rows["ttft_s_mean"] < rows["e2e_s_mean"]).all()
    assert (rows["ttft_s_mean"] > rows["e2e_s_mean"] / 1000).all()


def test_units_of_each_google_row_are_its_own(world: World) -> None:
    path = "tools/google-benchmark/benchmark/test1_run1.json"
    per_second = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1.0}
    stated = [
        row["real_time"] / per_second[row["time_unit"]]
        for row in json.loads(text_of(path))["benchmarks"]
        if row.get("run_type", "iteration") == "iteration" and "real_time" in row
    ]
    rows = world.of("timings", path)
    found = rows["mean_s"].fillna(rows["min_s"]).fillna(rows["median_s"]).tolist()
    assert sorted(found) == pytest.approx(sorted(stated), rel=1e-9)


def test_rates_of_different_meaning_are_never_one_metric(world: World) -> None:
    metrics = world.tables["measurements"]
    of = {
        path: set(metrics.loc[(metrics["artifact_path"] == path) & (metrics["unit"] == "tokens/s"), "metric"])
        for path in (
            GEMMA + "gemma3_param_tuning.csv",
            CSV_DATA + "baseline_test_results_1759099000.json",
            LLMPERF + "summary/groq_70b.json",
        )
    }
    decode, end_to_end, system = of.values()
    assert decode == {"decode_tokens_per_s"}
    assert end_to_end == {"end_to_end_tokens_per_s"}
    assert system
    assert not system & (decode | end_to_end)


def test_other_metrics_of_lm_eval_are_no_accuracy(world: World) -> None:
    path = "tools/lm-eval/pythia/1.4b_step1000.json"
    rows = world.of("evaluations", path)
    assert {"acc", "likelihood_difference", "pct_stereotype"} <= set(rows["metric"])
    assert rows.loc[rows["metric"] == "acc", "value"].between(0, 1).all()


def test_passes_of_http_req_failed_are_failed_requests() -> None:
    summary = {
        "metrics": {
            "http_req_failed": {"type": "rate", "contains": "default",
                                "values": {"rate": 0.25, "passes": 5, "fails": 15}},
            "http_reqs": {"type": "counter", "contains": "default", "values": {"count": 20, "rate": 2.0}},
            "http_req_duration": {"type": "trend", "contains": "time", "values": {
                "avg": 120.0, "min": 100.0, "med": 110.0, "max": 200.0, "p(90)": 150.0, "p(95)": 160.0}},
        },
        "state": {"isStdOutTTY": False, "isStdErrTTY": False, "testRunDurationMs": 10000.0},
        "root_group": {"name": "", "path": "", "id": "x", "groups": [], "checks": []},
        "options": {"summaryTrendStats": ["avg", "min", "med", "max", "p(90)", "p(95)"]},
    }  # fmt: skip
    reading = registry.read(json.dumps(summary).encode(), Format.JSON, Limits())
    (row,) = reading.rows["serving_runs"]
    assert (row["requests_ok"], row["requests_failed"]) == (15, 5)


# Total tokens/s of vLLM throughput, itl per chunk: unit test_tokens_per_second_of_a_throughput_run_are_prompt_and_
# output_tokens, test_statistics_without_a_column_become_measurements (test_serving_benchmarks).
# "Total Latency (ms)" of trtllm and mlperf nanoseconds: unit test_a_trtllm_report_is_a_point,
# test_an_offline_summary_is_a_point_in_seconds (test_mlperf_and_trtllm). k6 times of failed requests: unit
# test_times_of_failed_requests_stay_out_of_the_mean (test_load_tests). sglang tpot of few tokens: its median is
# read beside the mean in unit test_an_sglang_line_with_a_bare_infinity_is_read. aiperf's tokenizer: its counts are
# read as written; nothing in the export says that they are approximate.


# 5. Time -----------------------------------------------------------------------------------------------------------


def test_the_utc_time_of_the_content_wins_over_the_local_stamp_of_the_folder(world: World) -> None:
    row = world.artifacts.loc[OLLAMA + "20251002-151204/prompt_suite_runs.csv"]
    assert str(row["first_measured_at"])[:19] == "2025-10-02 19:12:04"
    assert row["time_source"] == "content"
    row = world.artifacts.loc[COMPILATION + "conv_bench_20251002-170837.json"]
    assert str(row["first_measured_at"])[:19] == "2025-10-02 21:08:57"


def test_a_local_time_without_zone_is_marked(world: World) -> None:
    for path in (CSV_DATA + "ollama_param_tuning.csv", CSV_DATA + "ollama_quant_bench.csv"):
        rows = world.of("llm_requests", path)
        assert rows["time_naive"].all(), path
    rows = world.of("serving_runs", "chimera_extra/chimera_sweep/run_gpu120_ctx256_temp0p6/data/metrics.json")
    assert rows["time_naive"].all()


def test_the_epoch_wins_over_the_local_time_beside_it(world: World) -> None:
    path = CSV_DATA + "baseline_test_results_1759099000.json"
    rows = world.of("llm_requests", path)
    assert not rows["time_naive"].any()
    assert str(rows["measured_at"].iloc[0])[:19] == "2025-09-28 22:36:40"


def test_files_without_any_time_are_dated_by_the_file_only_and_say_so(world: World) -> None:
    row = world.artifacts.loc[GEMMA + "gemma3_baseline.json"]
    assert (str(row["first_measured_at"])[:10], row["time_source"]) == (MTIME_DAY, "mtime")
    rows = world.values(GEMMA + "gemma3_baseline.json")
    assert rows["period"].isna().all(), "a file time puts nothing into a period"


def test_one_stamp_for_all_rows_of_a_suite_is_kept_as_one(world: World) -> None:
    rows = world.of("llm_requests", OLLAMA + "20251002-151824/prompt_suite_runs.csv")
    assert rows["measured_at"].nunique() == 1
    assert len(rows) == 15


def test_dates_inside_generated_text_date_nothing(world: World) -> None:
    written = [path for path in world.readings if "October 26, 2023" in any_text_of(path)]
    assert any(path.endswith("metrics.json") for path in written)
    for path in written:
        rows = world.of("measurements", path)
        assert not rows["measured_at"].dropna().astype(str).str.startswith("2023").any(), path


def test_the_commit_date_of_asv_dates_no_measurement(world: World) -> None:
    rows = world.tables["measurements"]
    rows = rows[rows["artifact_path"].str.startswith("tools/asv/")]
    assert len(rows)
    assert not (rows["time_source"] == "content").any()


def test_the_content_of_a_pytest_benchmark_file_dates_it_and_not_its_name(world: World) -> None:
    folder = "tools/pytest-benchmark/pytest-benchmark/"
    compared = 0
    for path in [path for path in world.readings if path.startswith(folder)]:
        stated = json.loads(text_of(path))["datetime"]
        rows = world.of("timings", path)
        assert str(rows["measured_at"].iloc[0])[:19] == stated[:19].replace("T", " "), path
        compared += 1
    assert compared == 5


def test_a_monotonic_clock_is_no_date(world: World) -> None:
    path = "chimera_extra/baselines/banter_sample.json"
    assert len(world.of("measurements", path)) == 0
    assert pd.isna(world.artifacts.loc[path, "first_measured_at"])


# 6. Encoding and syntax --------------------------------------------------------------------------------------------


def test_utf_16_that_was_encoded_twice_is_refused_and_named(world: World) -> None:
    reading = world.readings[REPORTS + "profiling/ncu_summary.csv"]
    assert reading.status is ArtifactStatus.QUARANTINED
    assert reading.reason == "bad_encoding"
    assert "twice" in str(reading.detail)


def test_the_unit_row_and_indian_digit_groups_of_a_profile_are_read(world: World) -> None:
    path = REPORTS + "profiling/ncu_ollama_raw.csv"
    assert '"22,80,000"' in text_of(path)
    assert len(world.of("timings", path)) == 1
    assert not world.readings[path].rejections
    stated = oracle()["files"][path]["metrics"]["gpu_time_duration_s"]
    assert world.of("timings", path)["mean_s"].iloc[0] == pytest.approx(stated, rel=1e-9)


def test_quoted_numbers_are_numbers(world: World) -> None:
    path = CSV_DATA + "ollama_quant_bench.csv"
    found = world.of("llm_requests", path)["decode_tokens_per_s"]
    rate = next(name for name in csv_rows(path)[0] if "tokens_per_s" in name or name == "tokens_s")
    stated = [float(row[rate]) for row in csv_rows(path)]
    assert found.mean() == pytest.approx(statistics.fmean(stated), rel=1e-3)


def test_numbers_written_as_text_in_an_llmperf_summary_are_read(world: World) -> None:
    path = LLMPERF + "summary/bedrock_70b.json"
    assert "{-100.0: 49}" in text_of(path)
    row = world.of("serving_runs", path).iloc[0]
    assert (row["requests_ok"], row["requests_failed"]) == (101, 49)


def test_json_inside_a_csv_column_is_read_as_options(world: World) -> None:
    path = OLLAMA + "20251002-151824/prompt_suite_runs.csv"
    assert '{""' in text_of(path)
    stated = [json.loads(row["options"]) for row in csv_rows(path)]
    for text, options in zip(world.of("llm_requests", path)["config"], stated, strict=True):
        config = json.loads(text)
        assert {key: config.get(key) for key in options} == options


def test_bare_infinity_and_nan_are_missing_values_and_not_faults(world: World) -> None:
    path = ASV + "22b920c6-py2.7-Cython-numpy1.8.json"
    assert "NaN" in text_of(path)
    assert world.status(path) == "ok"
    assert not world.readings[path].rejections
    assert world.artifacts.loc[path, "rows_failed"] == 1, "null is the failed benchmark, NaN a skipped one"
    assert world.values(path)["value"].notna().all()


# Bare Infinity of sglang: unit test_an_sglang_line_with_a_bare_infinity_is_read; "inf" of vLLM: unit
# test_an_unlimited_rate_is_null_and_named_in_the_config (both test_serving_benchmarks).


def test_stderr_before_json_lines_is_skipped(world: World) -> None:
    path = STRIX + "quick-test.jsonl"
    lines = [line for line in text_of(path).splitlines() if line.strip()]
    assert sum(not line.startswith("{") for line in lines) == 4
    assert len(world.of("throughputs", path)) == len(lines) - 4
    assert not world.readings[path].rejections


@pytest.mark.parametrize(("name", "status"), [("aaaaaaaa", "quarantined"), ("bbbbbbbb", "unrecognised")])
def test_malformed_json_is_refused_or_unrecognised_and_gives_no_rows(world: World, name: str, status: str) -> None:
    path = f"{ASV}{name}-py2.7-Cython-numpy1.8.json"
    assert world.status(path) == status
    assert len(world.of("measurements", path)) == 0


# Three tables in one csv, CRLF, an empty third table: unit test_aiperf_csv_agrees_with_its_json_at_the_printed_
# precision and test_aiperf_empty_third_table_is_no_fault (test_serving_reports).


def test_na_in_the_history_of_locust_is_missing_and_no_fault(world: World) -> None:
    path = "tools/locust/proxy_load_tester/load_test_stats_history.csv"
    assert "N/A" in text_of(path)
    assert not world.readings[path].rejections
    assert world.of("measurements", path)["value"].notna().all()


@pytest.mark.parametrize("name", ["failures", "exceptions"])
def test_a_header_alone_says_that_nothing_failed(world: World, name: str) -> None:
    path = f"tools/locust/proxy_load_tester/load_test_{name}.csv"
    assert world.status(path) == "document"
    assert not world.readings[path].rejections


@pytest.mark.parametrize(("data", "format"), [(b"", Format.JSON), (b"[\n]\n", Format.JSON), (b"", Format.CSV)])
def test_a_file_of_nothing_gives_no_rows_and_does_not_break(data: bytes, format: Format) -> None:
    reading = registry.read(data, format, Limits())
    assert not reading.rows
    assert reading.status is not ArtifactStatus.OK


@pytest.mark.parametrize("name", sorted(["conv_bench_20251002-170837", *FAILED_BACKEND]))
def test_a_markdown_table_glued_to_the_line_before_is_found(world: World, name: str) -> None:
    path = f"{COMPILATION}{name}.md"
    assert "| Backend |" in text_of(path)
    rows = world.readings[path].rows["timings"]
    twin = world.readings[path.replace(".md", ".json")].rows["timings"]
    assert sorted(row["backend"] for row in rows) == sorted(row["backend"] for row in twin)
    assert [row["status"] for row in rows].count("failed") == [row["status"] for row in twin].count("failed")


@pytest.mark.parametrize("folder", ["ollama", "llama3"])
def test_both_glued_tables_of_the_ollama_summary_are_found(world: World, folder: str) -> None:
    path = f"{REPORTS}{folder}/ollama_benchmark_summary.md"
    assert world.artifacts.loc[path, "rows_ok"] == 8
    assert len(world.readings[path].summaries) == 8


def test_odd_line_ends_break_nothing(world: World) -> None:
    path = OLLAMA + "prompt_suite_lessons_20251002.md"
    assert b"\r\r\n" in (DATA / path).read_bytes()
    assert world.status(path) == "document"


@pytest.mark.parametrize(
    ("path", "table", "rows"),
    [
        ("tools/vllm/strix-halo-testing/vllm_README_console_tables.md", "serving_runs", 11),
        (STRIX + "rpc-test_README.md", "throughputs", 20),
    ],
)
def test_numbers_that_exist_only_in_markdown_are_read(world: World, path: str, table: str, rows: int) -> None:
    assert len(world.of(table, path)) == rows


def test_cells_with_plus_minus_are_a_mean_and_its_spread(world: World) -> None:
    row = world.of("throughputs", STRIX + "rpc-test_README.md").iloc[0]
    assert (row["rate_mean"], row["rate_std"]) == (404.67, 3.65)


def test_a_byte_order_mark_or_other_line_ends_change_no_row() -> None:
    path = OLLAMA + "20251002-151824/prompt_suite_runs.csv"
    plain = (DATA / path).read_bytes().replace(b"\r\n", b"\n")
    rows = registry.read(plain, Format.CSV, Limits()).rows
    assert registry.read(b"\xef\xbb\xbf" + plain, Format.CSV, Limits()).rows == rows
    assert registry.read(plain.replace(b"\n", b"\r\n"), Format.CSV, Limits()).rows == rows
    assert len(rows["llm_requests"]) == 15


# Decimal comma: unit test_a_decimal_comma_holds_for_the_whole_file (test_nvidia). Files cut short: unit
# test_a_cut_array_gives_nothing_and_says_so (test_llama_bench) and test_a_truncated_history_is_refused_with_a_reason
# (test_small_benchmarks).


# 7. Not benchmarks although they sit in reports/ -------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        REPORTS + "ascii_demo_20251004_143244.json",
        REPORTS + "ascii_demo_20251004_170151.json",
        REPORTS + "ascii_demo_20251004_175024.json",
        SELF_HEALING,
        "chimera_extra/baselines/banter_sample.json",
    ],
)
def test_simulations_and_samples_of_text_give_no_measurements(world: World, path: str) -> None:
    assert world.status(path) in ("unrecognised", "document")
    assert not world.readings[path].rows
    assert len(world.of("measurements", path)) == 0


def test_telemetry_of_the_system_is_no_benchmark(world: World) -> None:
    path = REPORTS + "llama3/baseline_system_metrics.json"
    assert set(world.readings[path].rows) == {"system_samples"}


def test_the_text_of_agents_gives_nothing_but_its_timings(world: World) -> None:
    """Prose of the agents states numbers of its own; only what was timed is read, and no sentence is kept."""
    folder = "chimera_extra/chimera_sweep/"
    for path in [path for path in world.readings if path.startswith(folder)]:
        reading = world.readings[path]
        if path.endswith(".md"):
            assert not reading.rows, path
        assert set(reading.rows) <= {"serving_runs", "measurements"}, path
        longest = max((len(text) for rows in reading.rows.values() for text in strings(rows)), default=0)
        assert longest < 200, path


def test_a_quantization_that_equals_its_base_is_kept_as_stated_and_accuracies_are_eighths(world: World) -> None:
    rows = world.of("measurements", REPORTS + "quantization/quantization_report.json").set_index("locator")["value"]
    for metric in ("loss", "accuracy"):
        assert rows[f"/fp8/{metric}"] == rows[f"/baseline/{metric}"]
        assert {f"/{name}/{metric}" for name in ("int8", "qat")} <= set(rows.index)
    assert all((8 * value).is_integer() for place, value in rows.items() if str(place).endswith("/accuracy"))


# Values of google-benchmark, ci-bench-fixtures and asv are invented and guidellm ran against a mock server: nothing
# in those files says so, and they are read as what they state.


def test_quality_tables_keep_their_steps_and_claim_no_speed(world: World) -> None:
    path = REPORTS + "quantization/quantization_report.json"
    rows = world.of("measurements", path)
    assert len(rows)
    assert not rows["metric"].str.contains("tokens_per_s|ttft").any()
