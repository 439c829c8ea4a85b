"""Console output in logs and READMEs: serving tables, trtllm-bench, ollama --verbose, llama-bench tables.

All values here are invented.
"""
# ruff: noqa: E501 - lines as the tools print them

import pytest

from chimera_pipeline.readers.registry import read
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits

VLLM = """# A test
Namespace(backend='vllm', dataset_name='sharegpt', model='org/Tiny-GPTQ', num_prompts=64, request_rate=inf, max_concurrency=16, random_input_len=1024)
Maximum request concurrency: 16
============ Serving Benchmark Result ============
Successful requests:                     60
Maximum request concurrency:             16
Benchmark duration (s):                  10.00
Total input tokens:                      1000
Total generated tokens:                  500
Request throughput (req/s):              6.00
Output token throughput (tok/s):         50.00
Total Token throughput (tok/s):          150.00
---------------Time to First Token----------------
Mean TTFT (ms):                          100.00
Median TTFT (ms):                        80.00
P99 TTFT (ms):                           300.00
-----Time per Output Token (excl. 1st token)------
Mean TPOT (ms):                          40.00
==================================================
"""
SGLANG = """============ Serving Benchmark Result ============
Backend:                                 sglang
Traffic request rate:                    4.0
Max request concurrency:                 not set
Successful requests:                     10
Benchmark duration (s):                  5.00
Total generated tokens (retokenized):    99
Request throughput (req/s):              2.00
Concurrency:                             3.50
----------------End-to-End Latency----------------
Mean E2E Latency (ms):                   900.00
P90 E2E Latency (ms):                    1200.00
Mean ITL (ms):                           0.00
Median ITL (ms):                         0.00
==================================================
"""
TRT_OLD = """[07/11/2025-08:01:45] [TRT-LLM] [I]

===========================================================
= ENGINE DETAILS
===========================================================
Model:\t\t\torg/Tiny-70B
TensorRT-LLM Version:\t0.16.0
Dtype:\t\t\tbfloat16
KV Cache Dtype:\t\tFP8
Quantization:\t\tFP8

===========================================================
= PERFORMANCE OVERVIEW
===========================================================
Number of requests:\t\t7500
Average Input Length (tokens):\t1024.0000
Average Output Length (tokens):\t128.0000
Token Throughput (tokens/sec):\t3575.0000
Request Throughput (req/sec):\t27.9000
Total Latency (ms):\t\t268500.0000

[07/11/2025-08:01:46] [TRT-LLM] [I] Benchmark Shutdown called!
"""
TRT_NEW = """===========================================================
= MACHINE DETAILS
===========================================================
NVIDIA H100 80GB HBM3, memory 79.11 GB, 2.62 GHz

===========================================================
= REQUEST DETAILS
===========================================================
Number of requests:             100
Number of concurrent requests:  94.6050
Average Input Length (tokens):  128.0000
Average Output Length (tokens): 128.0000
===========================================================
= PERFORMANCE OVERVIEW
===========================================================
Request Throughput (req/sec):                     80.0000
Total Output Throughput (tokens/sec):             10240.0000
Total Token Throughput (tokens/sec):              20480.0000
Total Latency (ms):                               1250.0000
Average request latency (ms):                     1000.0000
Average time-to-first-token [TTFT] (ms):          160.0000

-- Per-Request Time-to-First-Token [TTFT] Breakdown (ms)

[TTFT] MINIMUM: 90.0000
[TTFT] AVERAGE: 160.0000
[TTFT] P50    : 150.0000
[TTFT] P99    : 230.0000
-- Request Latency Breakdown (ms) -----------------------

[Latency] P50    : 990.0000
"""
OLLAMA = """$ ollama run tiny:1b-q4_K_M --verbose "Hi"
Hello there.

total duration:       1m2.5s
load duration:        2.5s
prompt eval count:    20 token(s)
prompt eval duration: 500ms
prompt eval rate:     40.00 tokens/s
eval count:           590 token(s)
eval duration:        59s
eval rate:            10.00 tokens/s

total duration:       3.1s
load duration:        100µs
eval count:           30 token(s)
eval duration:        3s
eval rate:            10.01 tokens/s
"""
LLAMA = """> ROCBLAS_USE_HIPBLASLT=1 build/bin/llama-bench --rpc a:1,b:2 -fa 1 -m /m/Tiny-7b.Q4_K_M.gguf
  Device 0: GPU Y, gfx1, VMM: no
| model                  |       size |     params | backend    | ngl |            test |                  t/s |
| ---------------------- | ---------: | ---------: | ---------- | --: | --------------: | -------------------: |
| llama 7B Q4_K - Medium |   3.80 GiB |     6.74 B | ROCm,RPC   |  99 |           pp512 |        900.00 ± 4.00 |
| llama 7B Q4_K - Medium |   3.80 GiB |     6.74 B | ROCm,RPC   |  99 |  tg128 @ d4096 |         40.00 ± 0.05 |

build: 4d74393bc (6327)
"""
BATCHED = """main: n_kv_max = 69632, n_batch = 2048, n_ubatch = 512, flash_attn = 1, n_gpu_layers = 99, n_threads = 8

|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
|   128 |     64 |    4 |    768 |    0.512 |  1000.00 |    2.560 |   100.00 |    3.072 |   250.00 |
"""


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
    assert (first["model"], first["quantization"], first["locator"]) == ("tiny:1b-q4_K_M", "Q4_K_M", "line 11")
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
