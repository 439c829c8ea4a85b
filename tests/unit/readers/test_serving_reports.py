"""What formats of load-test, evaluation and agent reports ask of readers beyond the conformance kit."""

import csv
import io
import json

import pytest

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers import registry, yamltext
from chimera_pipeline.records import ArtifactStatus, Format
from chimera_pipeline.settings import Limits
from tests.unit.readers.samples import agent_runs, aiperf, guidellm, llmd_report, lm_eval, optimum_benchmark

LIMITS = Limits()


def read(value, format=Format.JSON):
    data = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return registry.read(data, format, LIMITS)


def only(reading, table="serving_runs"):
    (row,) = reading.rows[table]
    return row


def extras(reading, metric):
    rows = [row for row in reading.rows.get("measurements", ()) if row["metric"] == metric]
    return {row["statistic"]: row["value"] for row in rows}


# GuideLLM


def test_guidellm_p001_is_the_tenth_of_a_percent():
    found = extras(read({"benchmarks": guidellm.POINTS[:1]}), "serving_e2e_s")
    assert found["p0.1"] == 0.5
    assert found["p1"] == pytest.approx(0.5 * 1.001)
    assert found["p99.9"] == pytest.approx(0.5 * 1.010)


def test_guidellm_seconds_and_milliseconds_stand_in_one_object():
    row = read(guidellm.REPORT).rows["serving_runs"][0]
    assert row["e2e_s_mean"] == 0.5
    assert row["ttft_s_mean"] == 0.04


def test_guidellm_loads_are_told_by_the_kind_of_strategy():
    rate, concurrent, failed = read(guidellm.REPORT).rows["serving_runs"]
    assert (rate["request_rate"], rate.get("concurrency")) == (2.0, None)
    assert (concurrent["concurrency"], concurrent.get("request_rate")) == (4, None)
    assert failed["concurrency"] == 8


def test_guidellm_a_point_without_success_keeps_its_counts_and_nothing_else():
    row = read(guidellm.REPORT).rows["serving_runs"][2]
    assert (row["status"], row["error_kind"]) == ("failed", "timeout")
    assert (row["requests_ok"], row["requests_failed"]) == (0, 10)
    assert not any("_s_" in name for name in row)


def test_guidellm_a_negative_ttft_is_refused_and_the_rest_is_kept():
    report = json.loads(json.dumps(guidellm.REPORT))
    report["benchmarks"][0]["metrics"]["time_to_first_token_ms"]["successful"]["min"] = -3.5
    reading = read(report)
    assert reading.status is ArtifactStatus.PARTIAL
    assert [refused.reason for refused in reading.rejections] == ["out_of_range"]
    assert reading.rows["serving_runs"][0]["ttft_s_mean"] == 0.04
    assert "min" not in {
        row["statistic"]
        for row in reading.rows["measurements"]
        if row["metric"] == "serving_ttft_s" and row["locator"].startswith("/benchmarks/0/")
    }


def test_guidellm_requests_are_samples_only_where_all_of_them_are_kept():
    report = {"benchmarks": [json.loads(json.dumps(guidellm.OLD_POINT))]}
    assert "sample" in extras(read(report), "serving_ttft_s")
    report["benchmarks"][0]["requests"]["successful"].pop()
    assert "sample" not in extras(read(report), "serving_ttft_s")


def test_guidellm_yaml_and_json_say_the_same():
    text = guidellm.yaml_text(guidellm.REPORT)
    assert read(text, Format.YAML).rows == read(guidellm.REPORT).rows


def test_guidellm_a_bad_time_costs_the_time_and_not_the_point():
    report = {"benchmarks": [json.loads(json.dumps(guidellm.POINTS[0]))]}
    report["benchmarks"][0]["start_time"] = "yesterday"
    reading = read(report)
    assert "measured_at" not in only(reading)
    assert only(reading)["ttft_s_mean"] == 0.04
    assert [refused.reason for refused in reading.rejections] == ["bad_time"]


# AIPerf and GenAI-Perf


def test_aiperf_csv_agrees_with_its_json_at_the_printed_precision():
    exact, printed = only(read(aiperf.SUMMARY)), read(aiperf.CSV, Format.CSV)
    row, halves = only(printed), printed.precision["serving_runs"]
    compared = 0
    for name in (
        "e2e_s_mean",
        "e2e_s_std",
        "itl_s_mean",
        "duration_s",
        "requests_per_s",
        "output_tokens_per_s",
    ):
        assert row[name] == pytest.approx(exact[name], abs=halves[name] * 1.000001)
        compared += 1
    assert compared == 6
    assert halves["e2e_s_mean"] == pytest.approx(0.000005)


def test_aiperf_empty_third_table_is_no_fault():
    text = aiperf.CSV[: aiperf.CSV.index("localhost:9401")]
    reading = read(text, Format.CSV)
    assert (reading.status, reading.records_ok) == (ArtifactStatus.OK, 1)


def test_aiperf_a_run_in_which_all_failed_has_no_metrics_and_is_a_failed_point():
    for value, format in ((aiperf.ALL_FAILED, Format.JSON), (aiperf.FAILED_CSV, Format.CSV)):
        reading = read(value, format)
        row = only(reading)
        assert (reading.records_ok, reading.records_failed) == (0, 1)
        assert (row["status"], row["requests_ok"], row["requests_failed"]) == ("failed", 0, 20)
    assert only(read(aiperf.ALL_FAILED))["error_kind"] == "connection"


def test_aiperf_partial_failures_stay_beside_what_succeeded():
    row = only(read(aiperf.SUMMARY))
    assert (row["status"], row["requests_ok"], row["requests_failed"]) == ("ok", 20, 5)
    assert (row["concurrency"], row["workload"], row["hardware"]) == (
        4,
        "agent.jsonl",
        "NVIDIA_H100_80GB_HBM3",
    )


def test_genai_perf_without_streaming_has_no_ttft():
    row = only(read(aiperf.GENAI))
    assert "ttft_s_mean" not in row
    assert row["workload"] == "in200-out500"


def test_genai_perf_units_of_the_first_versions_are_nanoseconds():
    row = only(read(aiperf.NANO_CSV, Format.CSV))
    assert row["ttft_s_mean"] == 0.0125


def test_aiperf_warm_up_requests_are_no_rows():
    reading = read("".join(json.dumps(item) + "\n" for item in aiperf.RECORDS), Format.JSONL)
    assert [row["locator"] for row in reading.rows["llm_requests"]] == ["line 2", "line 3"]
    assert reading.rows["llm_requests"][1]["error_kind"] == "server_error"


def test_aiperf_an_aggregate_over_runs_is_never_pooled_with_the_runs():
    row = only(read(aiperf.AGGREGATE))
    assert row["suite"] != only(read(aiperf.SUMMARY))["suite"]
    assert row["config"] == {"runs": 3}


# llm-d


def test_llmd_unlimited_concurrency_is_unknown_and_the_rest_is_read():
    row = only(read(llmd_report.NEW, Format.YAML))
    assert "concurrency" not in row
    assert (row["model"], row["hardware"], row["engine"]) == (
        "tiny/model-1b",
        "NVIDIA-H100-80GB-HBM3",
        "vllm-0.9.1",
    )
    assert (row["requests_ok"], row["request_rate"], row["suite"]) == (500, 10.0, "inference-perf")
    assert "tpot_s_mean" not in row  # all zeros: not measured


# optimum-benchmark


def test_optimum_old_negative_latencies_are_refused():
    reading = read(optimum_benchmark.OLD)
    assert reading.records_ok == 2
    assert {refused.reason for refused in reading.rejections} == {"out_of_range"}
    prefill, decode = reading.rows["timings"]
    assert (prefill["mean_s"], prefill["n"], prefill["config"]["max_new_tokens"]) == (0.5, 2, 100)
    assert decode["mean_s"] == 0.125
    assert {row["case"]: row["rate_mean"] for row in reading.rows["throughputs"]} == {
        "prefill": 85.25,
        "decode": None,
    }


def test_optimum_a_run_without_report_is_a_failed_run():
    reading = read(optimum_benchmark.CSV, Format.CSV)
    failed = [row for row in reading.rows["timings"] if row["status"] == "failed"]
    assert [(row["model"], row["error_kind"]) for row in failed] == [("tiny/model-7b", "memory")]


# lm-eval


def test_lm_eval_checkpoints_of_a_model_are_no_repetitions():
    row = read(lm_eval.RESULTS).rows["evaluations"][0]
    assert row["config"]["revision"] == "step100"
    assert row["config"]["limit"] == 100
    assert (row["engine"], row["hardware"]) == ("hf-4.50.0", "NVIDIA_A100-SXM4-80GB")


def test_lm_eval_a_group_counts_once_and_blanks_are_no_scores():
    reading = read(lm_eval.RESULTS)
    tasks = [row["task"] for row in reading.rows["evaluations"]]
    assert tasks.count("mmlu") == 1
    assert "mmlu_stem" not in tasks
    assert reading.records_ok == 4


def test_lm_eval_stderr_na_is_unknown_and_filters_are_apart():
    rows = {(row["task"], row["filter"]): row for row in read(lm_eval.RESULTS).rows["evaluations"]}
    assert rows["gsm8k", "strict-match"]["stderr"] is None
    assert rows["gsm8k", "flexible-extract"]["stderr"] == 0.0625
    assert rows["wikitext", "none"]["higher_is_better"] is False


def test_lm_eval_nan_is_no_score():
    text = json.dumps(lm_eval.OLD).replace("0.6875", "NaN")
    rows = {(row["task"], row["metric"]): row for row in read(text).rows["evaluations"]}
    assert rows["lambada", "acc"]["value"] is None
    assert rows["lambada", "ppl"]["value"] == 4.5


# agents and prose


def test_agents_text_of_a_report_is_fiction():
    stored = repr(read(agent_runs.RUNS).rows)
    assert "999" not in stored
    assert "October" not in stored
    assert "2025-10-09T16:57:27" in stored


def test_agents_their_options_tell_them_apart():
    rows = read(agent_runs.RUNS).rows["serving_runs"]
    assert [row["config"]["agent_type"] for row in rows[:2]] == ["baseline", "chimera_optimized"]
    assert rows[1]["config"]["num_gpu"] == 120


def test_prose_tables_are_claims_and_no_measurements():
    text = """# Report

| Metric | Value |
| --- | --- |
| Throughput (tok/s) | 102.31 |
| TTFT (s) | 0.128 |

| Model | Mean TTFT (s) | Mean Tokens/s |
| --- | --- | --- |
| tiny:1b | 0.65 | 77.6 |
"""
    reading = read(text, Format.MARKDOWN)
    assert reading.status is ArtifactStatus.DOCUMENT
    assert not reading.rows
    assert not reading.summaries


# YAML


def test_yaml_scalars_are_plain_data():
    value, nonfinite = yamltext.parse(
        "a: 1\nb: 1.5e-3\nc: .inf\nd: 2025-11-05T18:00:42Z\ne: '1'\nf: no\ng: ~\n", LIMITS
    )
    assert value == {
        "a": 1,
        "b": 0.0015,
        "c": None,
        "d": "2025-11-05T18:00:42Z",
        "e": "1",
        "f": "no",
        "g": None,
    }
    assert nonfinite


def test_yaml_tags_build_nothing():
    value, _ = yamltext.parse('a: !!python/object/apply:os.system ["x"]\nb: !!str 1\n', LIMITS)
    assert value == {"a": ["x"], "b": "1"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\na: 2\n", Reason.DUPLICATE_KEY),
        ("a: &a [*a]\n", Reason.BAD_YAML),
        ("a: [1\n", Reason.BAD_YAML),
        ("a: " + "[" * 100_000, Reason.TOO_DEEP),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
            Reason.TOO_MANY_NODES,
        ),
    ],
    ids=["repeated key", "alias of itself", "open list", "deep", "bomb"],
)
def test_yaml_is_refused_where_it_repeats_or_explodes(text, reason):
    with pytest.raises(ArtifactError) as refused:
        yamltext.parse(text, LIMITS)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 0.01", {"a": None}),
        ("a: '0.01'", {"a": "0.01"}),
        ("a: [1, 2]", {"a": [1, 2]}),
        ("a:\n- 1\n- 2", {"a": [1, None]}),
    ],
)
def test_yaml_a_value_that_may_be_cut_off_is_unknown(text, value):
    assert yamltext.parse(text, LIMITS)[0] == value


def test_yaml_aliases_are_expanded_within_the_limits():
    assert yamltext.parse("a: &x {b: 1}\nc: *x\n", LIMITS)[0] == {"a": {"b": 1}, "c": {"b": 1}}


def test_guidellm_csv_percentiles_lists_have_eleven_places():
    rows = list(csv.reader(io.StringIO(guidellm.csv_text())))
    column = next(i for i, name in enumerate(rows[2]) if name == "Percentiles")
    rows[3][column] = "[0.1, 0.2]"
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    reading = read(out.getvalue(), Format.CSV)
    row = reading.rows["serving_runs"][0]
    assert row["e2e_s_mean"] == 0.5
    assert "e2e_s_p99" not in row


def test_guidellm_csv_rows_of_another_width_keep_only_what_is_sure():
    rows = list(csv.reader(io.StringIO(guidellm.csv_text())))
    rows[3] = [*rows[3], "1.0", "2.0"]  # as versions 0.4 to 0.7 write a point with other columns
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    reading = read(out.getvalue(), Format.CSV)
    row = reading.rows["serving_runs"][0]
    assert (row["requests_ok"], row["e2e_s_mean"], row["duration_s"]) == (10, 0.5, 2.5)
    assert "ttft_s_mean" not in row
    assert "output_tokens_per_s" not in row
    assert [refused.reason for refused in reading.rejections] == ["ragged_row"]
    assert (reading.records_ok, reading.records_failed) == (1, 1)
