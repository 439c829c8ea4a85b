"""Console output in logs and READMEs: serving tables, trtllm-bench, ollama --verbose, llama-bench tables.

All values here are invented.
"""

import pytest

from chimera_pipeline.readers.registry import read
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits
from tests.unit.readers.samples.serving_tools import (
    BATCHED_TABLE as BATCHED,
)
from tests.unit.readers.samples.serving_tools import (
    LLAMA_TABLE as LLAMA,
)
from tests.unit.readers.samples.serving_tools import (
    OLLAMA_VERBOSE as OLLAMA,
)
from tests.unit.readers.samples.serving_tools import (
    SGLANG_TABLE as SGLANG,
)
from tests.unit.readers.samples.serving_tools import (
    TRT_NEW,
    TRT_OLD,
)
from tests.unit.readers.samples.serving_tools import (
    VLLM_TABLE as VLLM,
)


def reading(text, format=Format.TEXT):
    return read(text.encode(), format, Limits())


def test_a_vllm_table_is_a_point_with_the_arguments_before_it():
    found = reading(VLLM, Format.MARKDOWN)
    (row,) = found.rows["serving_runs"]
    assert (found.tool, found.kind, found.records_ok) == ("vllm", "serving_console", 1)
    assert (row["locator"], row["model"], row["quantization"]) == ("line 7", "org/Tiny-GPTQ", "GPTQ")
    assert (row["requests_ok"], row["requests_failed"], row["concurrency"]) == (60, 4, 16)
    assert (row["ttft_s_mean"], row["ttft_s_p50"], row["ttft_s_p99"], row["tpot_s_mean"]) == (
        0.1,
        0.08,
        0.3,
        0.04,
    )
    assert (row["total_tokens_per_s"], row["workload"]) == (150.0, "sharegpt")
    assert "engine" not in row
    assert (row["config"]["backend"], row["config"]["request_rate"]) == ("vllm", "inf")
    assert "random_input_len" not in row["config"]


def test_printed_digits_bound_how_exact_a_point_is():
    precision = reading(VLLM).precision["serving_runs"]
    assert (precision["ttft_s_mean"], precision["duration_s"]) == (pytest.approx(5e-6), pytest.approx(0.005))


def test_an_sglang_table_names_backend_rate_and_skips_what_was_not_measured():
    found = reading(SGLANG)
    (row,) = found.rows["serving_runs"]
    assert (found.tool, row["engine"], row["request_rate"]) == ("sglang", "sglang", 4.0)
    assert (row["e2e_s_mean"], row["e2e_s_p90"]) == (0.9, 1.2)
    assert not [key for key in row if key.startswith("itl")]
    assert "concurrency" not in row


def test_an_offline_table_is_no_serving_run():
    text = """====== Offline Throughput Benchmark Result =======
Backend:                                 engine
Successful requests:                     20
Benchmark duration (s):                  4.00
Request throughput (req/s):              5.00
Total token throughput (tok/s):          90.00
==================================================
"""
    (row,) = reading(text).rows["serving_runs"]
    assert (row["suite"], row["total_tokens_per_s"]) == ("offline_throughput", 90.0)


def test_a_table_of_a_run_that_failed_keeps_no_zeros():
    text = VLLM.replace("requests:                     60", "requests:                     0")
    found = reading(text)
    (row,) = found.rows["serving_runs"]
    assert (found.records_failed, row["status"], row["requests_failed"]) == (1, "failed", 64)
    assert "ttft_s_mean" not in row


def test_a_template_without_numbers_is_a_document():
    text = "============ Serving Benchmark Result ============\nSuccessful requests:   [result]\n" + "=" * 50
    assert reading(text, Format.MARKDOWN).status == "document"


def test_trtllm_output_of_an_early_version():
    found = reading(TRT_OLD)
    (row,) = found.rows["serving_runs"]
    assert (found.tool, row["engine"], row["model"]) == (
        "trtllm-bench",
        "tensorrt-llm-0.16.0",
        "org/Tiny-70B",
    )
    assert (row["duration_s"], row["output_tokens_per_s"], row["requests_ok"]) == (268.5, 3575.0, 7500)
    assert (row["workload"], row["quantization"]) == ("isl1024_osl128", "FP8")
    assert (row["measured_at"], row["time_naive"]) == ("2025-07-11T08:01:45.000000+00:00", True)


def test_trtllm_output_with_streaming_statistics():
    (row,) = reading(TRT_NEW).rows["serving_runs"]
    assert row["hardware"] == "NVIDIA_H100_80GB_HBM3"
    assert (row["ttft_s_mean"], row["ttft_s_p50"], row["ttft_s_p99"]) == (0.16, 0.15, 0.23)
    assert (row["e2e_s_mean"], row["e2e_s_p50"], row["total_tokens_per_s"]) == (1.0, 0.99, 20480.0)


def test_blocks_of_ollama_verbose_are_requests():
    found = reading(OLLAMA)
    first, second = found.rows["llm_requests"]
    assert (found.tool, found.records_ok) == ("ollama", 2)
    assert (first["model"], first["quantization"], first["locator"]) == ("tiny:1b-q4_K_M", "Q4_K_M", "line 4")
    assert (first["total_s"], first["load_s"], first["prompt_eval_s"], first["eval_s"]) == (
        62.5,
        2.5,
        0.5,
        59.0,
    )
    assert (first["ttft_s"], first["prompt_tokens"], first["output_tokens"]) == (3.0, 20, 590)
    assert (first["decode_tokens_per_s"], second["decode_tokens_per_s"]) == (10.0, 10.01)
    assert second["load_s"] == 0.0001
    assert not {"prompt_tokens", "prompt_eval_s", "ttft_s"} & second.keys()


def test_a_llama_bench_table_with_command_device_and_build():
    found = reading(LLAMA, Format.MARKDOWN)
    first, second = found.rows["throughputs"]
    assert (found.tool, found.records_ok) == ("llama-bench", 2)
    assert (first["case"], first["rate_mean"], first["rate_std"]) == ("pp512", 900.0, 4.0)
    assert (second["case"], second["locator"]) == ("tg128@d4096", "line 6")
    assert (first["engine"], first["hardware"], first["quantization"]) == (
        "llama.cpp-b6327",
        "GPU_Y",
        "Q4_K_M",
    )
    config = first["config"]
    assert (config["backend"], config["n_gpu_layers"], config["flash_attn"]) == ("ROCm+RPC", 99, 1)
    assert (config["rpc_servers"], config["hipblaslt"]) == (2, 1)
    assert "n" not in first


def test_rows_without_a_header_are_read_too():
    row = (
        "| llama ?B Q8_0 | 226.37 GiB |   405.85 B | Vulkan,RPC | 999 |    0 |           pp128 |          5.51 ± 0.01 |"
    )
    found = reading(f"load_tensors: done\n{row}\nbuild: 9515c613 (6097)\n")
    (only,) = found.rows["throughputs"]
    assert (only["case"], only["rate_mean"], only["model"]) == ("pp128", 5.51, "llama_Q8_0")
    assert (only["config"]["n_gpu_layers"], only["engine"]) == (999, "llama.cpp-b6097")


def test_a_batched_bench_row_is_one_record_with_three_rates():
    found = reading(BATCHED)
    rates = {row["case"]: row["rate_mean"] for row in found.rows["throughputs"]}
    assert (found.tool, found.records_ok) == ("llama-batched-bench", 1)
    assert rates == {"pp128@b4": 1000.0, "tg64@b4": 100.0, "pp128+tg64@b4": 250.0}
    assert found.rows["throughputs"][0]["config"]["batch_size"] == 4


def test_the_first_tool_of_a_text_is_counted_and_the_others_stand_beside():
    found = reading(VLLM + "\n" + LLAMA, Format.MARKDOWN)
    assert (found.tool, found.records_ok) == ("vllm", 1)
    assert len(found.rows["throughputs"]) == 2


def test_a_quote_and_windows_line_ends_do_not_matter():
    quoted = "\r\n".join("> " + line for line in LLAMA.splitlines())
    assert reading(quoted, Format.MARKDOWN).records_ok == 2


def test_prose_is_not_claimed():
    assert reading("# Title\n\nWe saw 100 tokens/s. The eval rate was good.\n", Format.MARKDOWN).kind == ""
