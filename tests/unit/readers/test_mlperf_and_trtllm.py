"""MLPerf loadgen logs, TensorRT-LLM reports, tables made of llama-bench results. All values are invented."""

import json

import pytest

from chimera_pipeline.readers.registry import read
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits
from tests.unit.readers.samples.serving_tools import (
    MLPERF_OFFLINE as OFFLINE,
)
from tests.unit.readers.samples.serving_tools import (
    MLPERF_SERVER as SERVER,
)
from tests.unit.readers.samples.serving_tools import (
    TRTLLM_REPORT as REPORT,
)


def reading(value, format=Format.TEXT):
    text = value if isinstance(value, str) else json.dumps(value)
    return read(text.encode(), format, Limits())


def point(value, format=Format.TEXT):
    (row,) = reading(value, format).rows["serving_runs"]
    return row


def log(**entries):
    return "".join(
        f":::MLLOG {json.dumps({'key': key, 'value': value, 'time_ms': 1.0})}\n"
        for key, value in {"loadgen_version": "4.0", **entries}.items()
    )


def test_an_offline_summary_is_a_point_in_seconds():
    found = reading(OFFLINE)
    (row,) = found.rows["serving_runs"]
    assert (found.tool, row["locator"], row["suite"]) == ("mlperf-loadgen", "line 7", "mlperf-offline")
    assert (row["requests_per_s"], row["e2e_s_mean"], row["e2e_s_p50"], row["e2e_s_p99"]) == (
        2.5,
        2.0,
        2.1,
        3.9,
    )
    assert (row["config"]["result"], row["config"]["min_duration_ms"]) == ("VALID", 600000)
    beside = {(m["metric"], m["statistic"]): m["value"] for m in found.rows["measurements"]}
    assert beside["serving_e2e_s", "min"] == 1.0
    assert beside["serving_e2e_s", "p99.9"] == 4.0
    assert "measured_at" not in row


def test_a_server_summary_has_token_rates_and_first_token_latencies():
    row = point(SERVER)
    assert (row["requests_per_s"], row["output_tokens_per_s"]) == (90.5, 29000.5)
    assert (row["ttft_s_mean"], row["ttft_s_p50"], row["ttft_s_p99"]) == (0.9, 0.95, 1.7)
    assert (row["tpot_s_mean"], row["tpot_s_p99"], row["request_rate"]) == (0.12, 0.16, 100.0)
    assert (row["config"]["result"], row["engine"]) == ("INVALID", "FastServe")


def test_a_single_stream_summary_has_its_rate_with_overhead():
    text = """================================================
MLPerf Results Summary
================================================
SUT name : PySUT
Scenario : SingleStream
Mode     : PerformanceOnly
90.0th percentile latency (ns) : 5640400
Result is : VALID
Early Stopping Result:
 * Early stopping 90.0th percentile estimate: 5652100

QPS w/ loadgen overhead         : 180.50
QPS w/o loadgen overhead        : 181.25

Mean latency (ns)               : 5500000
90.00 percentile latency (ns)   : 5640400
"""
    row = point(text)
    assert (row["requests_per_s"], row["e2e_s_p90"], row["e2e_s_mean"]) == (180.5, 0.0056404, 0.0055)
    assert "request_rate" not in row


def test_first_token_latencies_of_zero_were_not_measured():
    text = SERVER.replace("900000000\n", "0\n").replace("950000000\n", "0\n").replace("1700000000\n", "0\n")
    row = point(text.replace("40000000\n", "0\n", 1))
    assert not [key for key in row if key.startswith("ttft")]
    assert row["tpot_s_mean"] == 0.12


def test_the_detail_log_is_dated_by_its_utc_clock_and_not_by_the_local_one_that_ends_in_z():
    text = log(
        test_datetime="2026-06-01T14:48:08Z",
        effective_scenario="Offline",
        effective_samples_per_query=10,
        power_begin="06-01-2026 07:48:08.989",
        result_validity="VALID",
        result_query_count=2,
        result_samples_per_second=0.5,
        result_mean_latency_ns=2_000_000_000,
        **{"result_99.00_percentile_latency_ns": 3_000_000_000},
    )
    row = point(text)
    assert (row["measured_at"], row["time_naive"]) == ("2026-06-01T07:48:08.989000+00:00", False)
    assert (row["requests_per_s"], row["e2e_s_mean"], row["e2e_s_p99"], row["requests_ok"]) == (
        0.5,
        2.0,
        3.0,
        20,
    )


def test_token_statistics_of_a_detail_log_have_names_of_their_own():
    text = log(
        effective_scenario="Server",
        effective_target_qps=50,
        result_validity="VALID",
        result_scheduled_samples_per_sec=49.5,
        result_completed_samples_per_sec=48.5,
        result_completed_tokens_per_second=510.5,
        result_token_throughput=1.5e-06,
        result_token_throughput_with_loadgen_overhead=518.5,
        result_first_token_mean_latency_ns=2_000_000,
        result_time_to_output_token_mean=450_000,
        **{
            "result_first_token_99.00_percentile_latency_ns": 3_000_000,
            "result_time_per_output_token_50.00_percentile_ns": 440_000,
        },
    )
    row = point(text)
    assert (row["requests_per_s"], row["output_tokens_per_s"], row["request_rate"]) == (48.5, 510.5, 50)
    assert (row["ttft_s_mean"], row["ttft_s_p99"]) == (0.002, 0.003)
    assert (row["tpot_s_mean"], row["tpot_s_p50"]) == (0.00045, 0.00044)


def test_without_the_utc_clock_the_zone_is_assumed():
    text = log(test_datetime="2026-06-01T14:48:08Z", result_validity="VALID", result_samples_per_second=1.0)
    row = point(text)
    assert (row["measured_at"], row["time_naive"]) == ("2026-06-01T14:48:08.000000+00:00", True)


def test_a_run_without_any_number_is_failed():
    text = log(result_validity="INVALID", result_samples_per_second=0, result_mean_latency_ns=0)
    found = reading(text)
    assert found.records_failed == 1
    assert "requests_per_s" not in found.rows["serving_runs"][0]


def test_a_log_of_a_training_run_is_not_claimed():
    assert reading(':::MLLOG {"key": "run_start", "value": null}\n').kind == ""


def test_a_trtllm_report_is_a_point():
    found = reading(REPORT, Format.JSON)
    (row,) = found.rows["serving_runs"]
    assert (row["duration_s"], row["requests_per_s"], row["output_tokens_per_s"]) == (2.0, 50.0, 3200.0)
    assert (row["e2e_s_mean"], row["e2e_s_p50"], row["e2e_s_p99"]) == (0.9, 0.88, 1.5)
    assert (row["ttft_s_mean"], row["ttft_s_p50"], row["ttft_s_p90"], row["tpot_s_mean"]) == (
        0.1,
        0.095,
        0.15,
        0.01,
    )
    assert (row["engine"], row["hardware"], row["workload"]) == (
        "tensorrt-llm-1.2.0",
        "GPU_Z",
        "isl128_osl64",
    )
    beside = {(m["metric"], m["statistic"]): m["value"] for m in found.rows["measurements"]}
    assert beside["serving_e2e_s", "max"] == 1.6
    assert beside["running_requests", "mean"] == 90.5


def test_a_trtllm_report_without_streaming_and_machine_is_read():
    old = {key: value for key, value in REPORT.items() if key not in ("streaming_metrics", "machine")}
    row = point(old, Format.JSON)
    assert "ttft_s_mean" not in row
    assert "hardware" not in row


def test_a_trtllm_report_of_no_throughput_is_failed():
    none = REPORT | {"performance": {"total_latency_ms": 5.0, "request_throughput_req_s": 0.0}}
    assert reading(none, Format.JSON).records_failed == 1


def test_the_csv_of_throughputs_is_a_summary_of_the_console_output():
    text = "ISL,OSL,Requests,Token_Throughput,Request_Throughput\n1024,128,7500,3575.3588,27.9325\n"
    found = reading(text, Format.CSV)
    (entry,) = found.summaries
    assert (entry.where, entry.locator) == ({"workload": "isl1024_osl128", "requests_ok": 7500}, "row 1")
    assert entry.stats["output_tokens_per_s:mean"] == (3575.3588, pytest.approx(0.00005))
    assert (found.records_ok, found.rows) == (1, {})


def test_tables_made_of_llama_bench_results_are_summaries():
    text = """# Results
| backend       | hipblaslt | -fa   | -b     | pp512      | tg128     | max_mem |
|---------------|-----------|-------|--------|------------|-----------|---------|
| llama.cpp-hip | 1         | -fa 1 | -b 256 | **383.25** | 54.255532 | 18256   |

### PP sweep
| backend       | -fa | 1     | 512    |
|---------------|-----|-------|--------|
| llama.cpp-hip |     | 54.99 | **nan** |
"""
    found = reading(text, Format.MARKDOWN)
    cases = [(entry.where["case"], entry.stats["rate_mean:mean"][0]) for entry in found.summaries]
    assert cases == [("pp512", 383.25), ("tg128", 54.255532), ("pp1", 54.99)]
    assert found.summaries[0].where == {
        "case": "pp512",
        "config.build": "llama.cpp-hip",
        "config.hipblaslt": 1,
        "config.flash_attn": 1,
        "config.n_batch": 256,
    }
    assert found.summaries[2].where["config.flash_attn"] == 0
    assert (found.records_ok, found.rows) == (2, {})


def test_metadata_of_a_run_is_a_document():
    found = reading({"start_time": "2026-01-01T00:00:00Z", "end_time": "x", "duration_s": 1.0}, Format.JSON)
    assert (found.status, found.records_ok) == ("document", 0)


def test_batched_bench_lines_are_records_with_three_rates():
    line = {
        "n_kv_max": 4096,
        "n_batch": 2048,
        "pp": 128,
        "tg": 64,
        "pl": 2,
        "n_kv": 384,
        "t_pp": 0.256,
        "speed_pp": 1000.0,
        "t_tg": 1.28,
        "speed_tg": 100.0,
        "t": 1.536,
        "speed": 250.0,
    }
    found = reading(json.dumps(line) + "\n", Format.JSONL)
    assert found.records_ok == 1
    assert {row["case"] for row in found.rows["throughputs"]} == {"pp128@b2", "tg64@b2", "pp128+tg64@b2"}
