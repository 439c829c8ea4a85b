"""vLLM and SGLang benchmark results. All values here are invented."""

import json

import pytest

from chimera_pipeline.readers.registry import read
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits
from tests.unit.readers.samples.serving_tools import SGLANG_POINT as SGLANG
from tests.unit.readers.samples.serving_tools import VLLM_POINT as POINT


def reading(value, format=Format.JSON):
    text = value if isinstance(value, str) else json.dumps(value)
    return read(text.encode(), format, Limits())


def point(value, format=Format.JSON):
    (row,) = reading(value, format).rows["serving_runs"]
    return row


def beside(found):
    return {(m["metric"], m["statistic"]): (m["value"], m["n"]) for m in found.rows.get("measurements", [])}


def test_a_serve_result_is_one_load_test_point_in_seconds():
    found = reading(POINT)
    (row,) = found.rows["serving_runs"]
    assert (found.kind, found.tool, found.records_ok) == ("serving_benchmark", "vllm", 1)
    assert (row["ttft_s_mean"], row["ttft_s_p50"], row["ttft_s_std"], row["ttft_s_p99"]) == (
        0.1,
        0.09,
        0.0125,
        0.15,
    )
    assert (row["tpot_s_mean"], row["itl_s_p50"], row["e2e_s_mean"]) == (0.01, 0.0095, 0.3)
    assert (row["duration_s"], row["requests_per_s"], row["output_tokens_per_s"]) == (2.0, 4.0, 64.0)
    assert (row["total_tokens_per_s"], row["requests_ok"], row["requests_failed"]) == (192.0, 8, 0)
    assert (row["model"], row["quantization"], row["engine"]) == ("org/Tiny-7B-AWQ", "AWQ", "vllm")
    assert row["concurrency"] == 2


def test_the_date_is_local_time_without_zone():
    row = point(POINT)
    assert (row["measured_at"], row["time_naive"]) == ("2026-01-02T03:04:05.000000+00:00", True)


def test_an_unlimited_rate_is_null_and_named_in_the_config():
    assert "request_rate" not in point(POINT)
    assert point(POINT)["config"]["request_rate"] == "inf"
    limited = point(POINT | {"request_rate": 4.0})
    assert (limited["request_rate"], limited["config"]["request_rate"]) == (4.0, 4)


def test_statistics_without_a_column_become_measurements():
    found = beside(reading(POINT))
    assert found["serving_ttft_s", "p99.9"] == (0.16, 8)
    assert found["serving_e2e_s", "p25"] == (0.25, 8)
    assert found["serving_output_tokens", "sum"] == (128.0, 8)


def test_a_run_of_failed_requests_keeps_its_count_and_no_zeros():
    zeros = {key: 0.0 for key in POINT if key.endswith(("_ms", "throughput"))}
    found = reading(POINT | zeros | {"completed": 0, "failed": 8, "duration": 0.005, "total_input_tokens": 0})
    (row,) = found.rows["serving_runs"]
    assert (found.records_ok, found.records_failed) == (0, 1)
    assert (row["status"], row["requests_ok"], row["requests_failed"]) == ("failed", 0, 8)
    assert not [key for key in row if key.endswith("_per_s") or "_s_" in key or key == "duration_s"]
    assert "measurements" not in found.rows


def test_prompts_that_did_not_complete_failed_where_the_tool_does_not_say():
    older = {key: value for key, value in POINT.items() if key != "failed"} | {"completed": 5}
    assert point(older)["requests_failed"] == 3


def test_a_metric_of_only_zeros_was_not_measured():
    found = point(POINT | {"mean_itl_ms": 0.0, "median_itl_ms": 0.0, "std_itl_ms": 0.0, "p99_itl_ms": 0.0})
    assert not [key for key in found if key.startswith("itl")]
    assert found["ttft_s_mean"] == 0.1


def test_a_latency_below_zero_is_refused_and_the_rest_stays():
    found = reading(POINT | {"median_tpot_ms": -1.0})
    (row,) = found.rows["serving_runs"]
    assert "tpot_s_p50" not in row
    assert row["tpot_s_mean"] == 0.01
    assert found.rejections[0].reason == "out_of_range"


def test_results_appended_to_one_file_are_points_of_their_own():
    text = json.dumps(POINT) + "\n" + json.dumps(POINT | {"max_concurrency": 4})
    found = reading(text)
    assert [row["locator"] for row in found.rows["serving_runs"]] == ["line 1", "line 2"]
    assert [row["concurrency"] for row in found.rows["serving_runs"]] == [2, 4]


def test_a_sweep_is_a_list_of_points_with_their_run():
    found = reading([POINT | {"run_number": i, "max_num_seqs": 4} for i in range(2)])
    assert [row["run_id"] for row in found.rows["serving_runs"]] == ["run0", "run1"]
    assert found.rows["serving_runs"][0]["config"]["max_num_seqs"] == 4


def test_raw_lists_of_a_detailed_result_are_samples_in_seconds_without_the_failed():
    lists = {
        "ttfts": [0.1, 0.2, 0.0],
        "itls": [[0.01, 0.02], [0.03], []],
        "output_lens": [3, 2, 0],
        "input_lens": [5, 5, 5],
        "errors": ["", "", "timed out"],
        "generated_texts": ["a", "b", ""],
    }
    older = {key: value for key, value in POINT.items() if key != "failed"}
    found = reading(older | {"completed": 2, "num_prompts": 3} | lists)
    samples = [(m["metric"], m["value"]) for m in found.rows["measurements"] if m["statistic"] == "sample"]
    assert samples == [
        ("serving_ttft_s", 0.1),
        ("serving_ttft_s", 0.2),
        ("serving_itl_s", 0.01),
        ("serving_itl_s", 0.02),
        ("serving_itl_s", 0.03),
    ]
    assert found.rows["serving_runs"][0]["requests_failed"] == 1


def test_generated_texts_go_nowhere():
    lists = {
        "generated_texts": ["SECRET WORDS"],
        "output_lens": [1],
        "ttfts": [0.1],
        "itls": [[]],
        "errors": [""],
    }
    assert "SECRET" not in repr(reading(POINT | lists))


def test_an_openai_style_backend_names_no_engine():
    row = point(POINT | {"backend": "openai-chat"})
    assert "engine" not in row
    assert row["config"]["backend"] == "openai-chat"


def test_the_side_file_repeats_the_same_point():
    extra = {key: POINT[key] for key in POINT if not key.endswith("_ms")}
    side = [
        {
            "benchmark": {"name": "vLLM benchmark", "extra_info": {"args": {}}},
            "model": {"name": "org/Tiny-7B-AWQ"},
            "metric": {"name": key, "benchmark_values": [POINT[key]], "extra_info": extra},
        }
        for key in ("mean_ttft_ms", "median_ttft_ms", "p99_ttft_ms")
    ]
    found = reading(side)
    (row,) = found.rows["serving_runs"]
    assert (row["ttft_s_mean"], row["ttft_s_p99"], row["requests_ok"], found.records_ok) == (0.1, 0.15, 8, 1)


def test_a_latency_run_is_a_timing_with_its_samples():
    found = reading(
        {
            "avg_latency": 2.0,
            "latencies": [1.5, 2.5],
            "percentiles": {"10": 1.6, "50": 2.0, "90": 2.4, "99": 2.49},
        }
    )
    (row,) = found.rows["timings"]
    assert (found.kind, row["n"], row["mean_s"], row["median_s"], row["p99_s"]) == (
        "batch_latency",
        2,
        2.0,
        2.0,
        2.49,
    )
    assert "std_s" not in row
    assert [(m["statistic"], m["value"]) for m in found.rows["measurements"]] == [
        ("p10", 1.6),
        ("sample", 1.5),
        ("sample", 2.5),
    ]


def test_tokens_per_second_of_a_throughput_run_are_prompt_and_output_tokens():
    row = point(
        {
            "elapsed_time": 10.0,
            "num_requests": 8,
            "total_num_tokens": 16384,
            "requests_per_second": 0.8,
            "tokens_per_second": 1638.4,
        }
    )
    assert (row["total_tokens_per_s"], row["requests_per_s"], row["requests_ok"]) == (1638.4, 0.8, 8)
    assert "output_tokens_per_s" not in row


def test_an_sglang_line_with_a_bare_infinity_is_read():
    text = json.dumps(SGLANG)[:-1] + ', "request_rate": Infinity}\n'
    found = reading(text, Format.JSONL)
    (row,) = found.rows["serving_runs"]
    assert (found.tool, row["engine"], row["locator"]) == ("sglang", "sglang", "line 1")
    assert (row["e2e_s_mean"], row["e2e_s_p99"], row["ttft_s_std"]) == (0.5, 0.9, 0.005)
    assert (row["workload"], row["concurrency"]) == ("random_in1024_out128", 16)
    assert row["config"]["request_rate"] == "inf"
    assert beside(found)["running_requests", "mean"] == (15.5, 40)


def test_the_server_of_an_sglang_run_gives_model_and_version():
    server = {
        "model_path": "/data/models/Tiny-FP8",
        "version": "0.5.1",
        "tp_size": 4,
        "quantization": "fp8",
        "api_key": "hunter2",
    }
    row = point(SGLANG | {"server_info": server, "request_rate": 2.0})
    assert (row["model"], row["engine"], row["quantization"]) == ("Tiny-FP8", "sglang-0.5.1", "fp8")
    assert row["config"]["tp_size"] == 4
    assert "hunter2" not in repr(row)


def test_an_early_sglang_result_with_few_keys_is_read():
    row = point(
        {
            "backend": "sglang",
            "total_output_tokens_retokenized": 10,
            "mean_e2e_latency_ms": 8.0,
            "duration": 1.0,
            "median_ttft_ms": 2.0,
            "output_throughput": 5.0,
            "completed": 3,
        }
    )
    assert (row["ttft_s_p50"], row["output_tokens_per_s"]) == (0.002, 5.0)
    assert "requests_per_s" not in row


def test_an_offline_run_and_one_of_no_request():
    offline = {
        "backend": "engine",
        "successful_requests": 10,
        "total_latency": 5.0,
        "total_input_tokens": 100,
        "total_output_tokens": 50,
        "request_throughput": 2.0,
        "input_throughput": 20.0,
        "output_throughput": 10.0,
        "total_throughput": 30.0,
    }
    row = point(offline)
    assert (row["suite"], row["duration_s"], row["total_tokens_per_s"]) == ("offline_throughput", 5.0, 30.0)
    failed = reading(offline | {"successful_requests": 0, "request_throughput": 0.0})
    assert failed.records_failed == 1


def test_a_batch_is_one_record_with_the_rates_of_its_phases():
    line = {
        "run_name": "default",
        "batch_size": 4,
        "input_len": 256,
        "output_len": 8,
        "prefill_latency": 0.5,
        "prefill_throughput": 2048.0,
        "median_decode_latency": 0.01,
        "median_decode_throughput": 400.0,
        "total_latency": 0.6,
        "overall_throughput": 1760.0,
    }
    found = reading(json.dumps(line), Format.JSONL)
    rates = {row["case"]: row["rate_mean"] for row in found.rows["throughputs"]}
    assert (found.records_ok, rates) == (1, {"overall": 1760.0, "prefill": 2048.0})
    assert beside(found)["rate", "median"][0] == 400.0
    assert found.rows["throughputs"][0]["workload"] == "batch4_in256_out8"


def test_minus_one_of_a_batch_was_not_measured():
    line = {
        "run_name": "x",
        "batch_size": 1,
        "input_len": 16,
        "output_len": 16,
        "latency": 1.0,
        "input_throughput": 100.0,
        "output_throughput": -1.0,
        "overall_throughput": 32.0,
        "last_ttft": -1.0,
        "last_gen_throughput": -1.0,
        "acc_length": -1.0,
    }
    found = reading(line)
    assert {row["case"] for row in found.rows["throughputs"]} == {"overall", "prefill"}
    assert beside(found) == {("case_time_s", "sample"): (1.0, 1)}


@pytest.mark.parametrize("value", [{"completed": 1}, {"duration": 1, "completed": 2}, [1, 2], {"metrics": []}])
def test_other_objects_are_not_claimed(value):
    assert reading(value).status == "unrecognised"
