"""Serving tools: llama.cpp, Ollama, vLLM, SGLang, TensorRT-LLM, LLMPerf, MLPerf. Every value is invented."""
# ruff: noqa: E501 - lines as the tools print them

from __future__ import annotations

import json
from typing import Any

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

LLAMA_BENCH: dict[str, Any] = {
    "build_commit": "abc12345",
    "build_number": 7001,
    "cpu_info": "Intel(R) Core(TM) i5-1",
    "gpu_info": "GPU X, GPU X",
    "backends": "CUDA",
    "model_filename": "/models/Tiny-1B-UD-Q4_K_XL-00001-of-00002.gguf",
    "model_type": "llama 1B Q4_K - Medium",
    "n_batch": 2048,
    "n_gpu_layers": 99,
    "flash_attn": True,
    "n_prompt": 512,
    "n_gen": 0,
    "n_depth": 0,
    "test_time": "2026-01-02T03:04:05Z",
    "avg_ns": 2_000_000_000,
    "stddev_ns": 1_000_000,
    "avg_ts": 256.0,
    "stddev_ts": 2.0,
    "samples_ns": [1_999_000_000, 2_001_000_000],
    "samples_ts": [254.0, 258.0],
}
VLLM_POINT: dict[str, Any] = {
    "date": "20260102-030405",
    "endpoint_type": "vllm",
    "backend": "vllm",
    "label": None,
    "model_id": "org/Tiny-7B-AWQ",
    "tokenizer_id": "org/Tiny-7B-AWQ",
    "num_prompts": 8,
    "request_rate": "inf",
    "burstiness": 1.0,
    "max_concurrency": 2,
    "duration": 2.0,
    "completed": 8,
    "failed": 0,
    "total_input_tokens": 256,
    "total_output_tokens": 128,
    "request_throughput": 4.0,
    "request_goodput": None,
    "output_throughput": 64.0,
    "total_token_throughput": 192.0,
    "mean_ttft_ms": 100.0,
    "median_ttft_ms": 90.0,
    "std_ttft_ms": 12.5,
    "p99_ttft_ms": 150.0,
    "p99.9_ttft_ms": 160.0,
    "mean_tpot_ms": 10.0,
    "median_tpot_ms": 9.0,
    "std_tpot_ms": 1.0,
    "p99_tpot_ms": 12.0,
    "mean_itl_ms": 11.0,
    "median_itl_ms": 9.5,
    "std_itl_ms": 2.0,
    "p99_itl_ms": 20.0,
    "mean_e2el_ms": 300.0,
    "p25_e2el_ms": 250.0,
}
SGLANG_POINT: dict[str, Any] = {
    "tag": None,
    "backend": "sglang",
    "dataset_name": "random",
    "max_concurrency": 16,
    "random_input_len": 1024,
    "random_output_len": 128,
    "duration": 4.0,
    "completed": 40,
    "total_output_tokens": 5120,
    "total_output_tokens_retokenized": 5100,
    "request_throughput": 10.0,
    "input_throughput": 10240.0,
    "output_throughput": 1280.0,
    "mean_e2e_latency_ms": 500.0,
    "p99_e2e_latency_ms": 900.0,
    "mean_ttft_ms": 50.0,
    "std_ttft_ms": 5.0,
    "concurrency": 15.5,
}
VLLM_TABLE = """# A test
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
SGLANG_TABLE = """============ Serving Benchmark Result ============
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
OLLAMA_VERBOSE = """$ ollama run tiny:1b-q4_K_M --verbose "Hi"
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
LLAMA_TABLE = """> ROCBLAS_USE_HIPBLASLT=1 build/bin/llama-bench --rpc a:1,b:2 -fa 1 -m /m/Tiny-7b.Q4_K_M.gguf
  Device 0: GPU Y, gfx1, VMM: no
| model                  |       size |     params | backend    | ngl |            test |                  t/s |
| ---------------------- | ---------: | ---------: | ---------- | --: | --------------: | -------------------: |
| llama 7B Q4_K - Medium |   3.80 GiB |     6.74 B | ROCm,RPC   |  99 |           pp512 |        900.00 ± 4.00 |
| llama 7B Q4_K - Medium |   3.80 GiB |     6.74 B | ROCm,RPC   |  99 |  tg128 @ d4096 |         40.00 ± 0.05 |

build: 4d74393bc (6327)
"""
BATCHED_TABLE = """main: n_kv_max = 69632, n_batch = 2048, n_ubatch = 512, flash_attn = 1, n_gpu_layers = 99, n_threads = 8

|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
|   128 |     64 |    4 |    768 |    0.512 |  1000.00 |    2.560 |   100.00 |    3.072 |   250.00 |
"""
OLLAMA_RESPONSE: dict[str, Any] = {
    "model": "tiny:1b-q8_0",
    "created_at": "2026-01-02T03:04:05.5Z",
    "response": "SECRET WORDS",
    "done": True,
    "done_reason": "stop",
    "total_duration": 3_000_000_000,
    "load_duration": 500_000_000,
    "prompt_eval_count": 20,
    "prompt_eval_duration": 250_000_000,
    "eval_count": 100,
    "eval_duration": 2_000_000_000,
}
LLAMA_SERVER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1767323045,
    "model": "/models/Tiny-Q4_0.gguf",
    "system_fingerprint": "b6881-8b11deea4",
    "choices": [{"message": {"content": "SECRET WORDS"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 110, "completion_tokens": 50},
    "timings": {
        "cache_n": 10,
        "prompt_n": 100,
        "prompt_ms": 200.0,
        "prompt_per_second": 500.0,
        "predicted_n": 50,
        "predicted_ms": 1000.0,
        "predicted_per_second": 50.0,
    },
}
LLMPERF_REQUEST: dict[str, Any] = {
    "error_code": None,
    "error_msg": "",
    "inter_token_latency_s": 0.02,
    "ttft_s": 0.5,
    "end_to_end_latency_s": 2.5,
    "request_output_throughput_token_per_s": 40.0,
    "number_total_tokens": 650,
    "number_output_tokens": 100,
    "number_input_tokens": 550,
    "GEN_TEXT": "SECRET WORDS",
}
MLPERF_OFFLINE = """================================================
MLPerf Results Summary
================================================
SUT name : PySUT
Scenario : Offline
Mode     : PerformanceOnly
Samples per second: 2.5
Result is : VALID
  Min duration satisfied : Yes

================================================
Additional Stats
================================================
Min latency (ns)                : 1000000000
Max latency (ns)                : 4000000000
Mean latency (ns)               : 2000000000
50.00 percentile latency (ns)   : 2100000000
99.00 percentile latency (ns)   : 3900000000
99.90 percentile latency (ns)   : 4000000000

================================================
Test Parameters Used
================================================
samples_per_query : 10
target_qps : 1
min_duration (ms): 600000
qsl_rng_seed : 13281865557512327830
"""
MLPERF_SERVER = """================================================
MLPerf Results Summary
================================================
SUT name : FastServe
Scenario : Server
Mode     : PerformanceOnly
Completed samples per second    : 90.5
Completed tokens per second: 29000.5
Result is : INVALID
  Performance constraints satisfied : NO

================================================
Additional Stats
================================================
Scheduled samples per second : 104.15
Mean latency (ns)               : 30000000000

Completed tokens per second                 : 29000.5
Min First Token latency (ns)                : 40000000
Mean First Token latency (ns)               : 900000000
50.00 percentile first token latency (ns)   : 950000000
99.00 percentile first token latency (ns)   : 1700000000

Mean Time to Output Token (ns)               : 120000000
99.00 percentile time to output token (ns)   : 160000000

================================================
Test Parameters Used
================================================
target_qps : 100
"""
TRTLLM_REPORT: dict[str, Any] = {
    "engine": {
        "model": "org/Tiny-8B",
        "version": "1.2.0",
        "backend": "Pytorch",
        "dtype": "bfloat16",
        "kv_cache_dtype": "FP8",
        "quantization": "FP8",
    },
    "machine": {"name": "GPU Z", "memory.total": 80.0, "clocks.mem": 2.6},
    "world_info": {"tp_size": 2, "pp_size": 1, "max_batch_size": 512},
    "request_info": {
        "num_requests": 100,
        "avg_num_concurrent_requests": 90.5,
        "avg_input_length": 128.0,
        "avg_output_length": 64.0,
    },
    "performance": {
        "total_latency_ms": 2000.0,
        "avg_request_latency_ms": 900.0,
        "request_throughput_req_s": 50.0,
        "system_output_throughput_tok_s": 3200.0,
        "system_total_throughput_tok_s": 9600.0,
        "request_latency_percentiles_ms": {
            "p50": 880.0,
            "p99": 1500.0,
            "minimum": 100.0,
            "maximum": 1600.0,
            "average": 900.0,
        },
    },
    "streaming_metrics": {
        "avg_ttft_ms": 100.0,
        "avg_tpot_ms": 10.0,
        "ttft_percentiles": {"p50": 95.0, "p90": 150.0},
        "tpot_percentiles": {"p50": 9.5},
    },
}


def lines(*records: dict[str, Any]) -> bytes:
    """Json lines."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


LLAMA_FAILED = {key: value for key, value in LLAMA_BENCH.items() if not key.startswith("samples")} | {
    "avg_ns": 0,
    "avg_ts": 0.0,
}
CSV_KEYS = [key for key in LLAMA_BENCH if not key.startswith("samples")]
LLAMA_CSV = "\n".join(
    ",".join(row)
    for row in (
        CSV_KEYS,
        [f'"{str(LLAMA_BENCH[key]).replace("True", "1")}"' for key in CSV_KEYS],
        [f'"{0 if key == "avg_ts" else str(LLAMA_BENCH[key]).replace("True", "1")}"' for key in CSV_KEYS],
    )
)
WRAPPED = {"mode": "pp", "value": 512, "bench_raw": LLAMA_BENCH, "build": "llama.cpp-hip", "avg_power_w": 50.5}
LLAMA_SUMMARY = """# Results
| backend       | hipblaslt | -fa   | -b     | pp512      | tg128     | max_mem |
|---------------|-----------|-------|--------|------------|-----------|---------|
| llama.cpp-hip | 1         | -fa 1 | -b 256 | **383.25** | 54.255532 | 18256   |
"""
BATCHED_LINE = {
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
ONE_BATCH = {
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
VLLM_FAILED = {
    key: 0.0 if key.endswith(("_ms", "throughput", "duration")) else value for key, value in VLLM_POINT.items()
} | {"completed": 0, "failed": 8}
VLLM_LATENCY = {
    "avg_latency": 2.0,
    "latencies": [1.5, 2.5],
    "percentiles": {"10": 1.6, "50": 2.0, "90": 2.4, "99": 2.49},
}
VLLM_THROUGHPUT = {
    "elapsed_time": 10.0,
    "num_requests": 8,
    "total_num_tokens": 16384,
    "requests_per_second": 0.8,
    "tokens_per_second": 1638.4,
}
VLLM_DETAILED = {
    "ttfts": [0.125, 0.25, 0.0],
    "itls": [[0.03125, 0.0625], [0.015625], []],
    "output_lens": [3, 2, 0],
    "errors": ["", "", "timed out"],
}
LLMPERF_SUMMARY = {
    "name": "x_summary",
    "model": "org/tiny",
    "mean_input_tokens": 550,
    "mean_output_tokens": 150,
    "num_concurrent_requests": 5,
    "results_ttft_s_mean": 0.5,
    "results_ttft_s_quantiles_p99": 0.9,
    "results_number_output_tokens_min": "120",
    "results_num_requests_started": 150,
    "results_number_errors": 49,
    "results_error_code_frequency": "{-100.0: 49}",
    "results_mean_output_throughput_token_per_s": 60.0,
    "results_num_completed_requests": 101,
    "results_num_completed_requests_per_min": 30.0,
    "timestamp": 1703638329,
}
OLLAMA_CHUNK = {"model": "tiny", "created_at": "2026-01-02T03:04:05Z", "response": "a", "done": False}
OLLAMA_BENCH = """NAME,STEP,COUNT,NS_PER_COUNT,TOKEN_PER_SEC
# Model: tiny | Params: 1B | Quant: Q4_K_M | Family: tiny
tiny:1b,prefill,128,78125.00,12800.00
tiny:1b,generate,512,20000.00,50.00
tiny:1b,ttft,1,45000000,0
tiny:1b,load,1,0,0
"""
DETAIL = "".join(
    f":::MLLOG {json.dumps({'key': key, 'value': value, 'time_ms': 1.0})}\n"
    for key, value in {
        "loadgen_version": "6.0",
        "test_datetime": "2026-06-01T14:48:08Z",
        "effective_scenario": "Offline",
        "effective_samples_per_query": 10,
        "power_begin": "06-01-2026 07:48:08.989",
        "result_validity": "VALID",
        "result_query_count": 2,
        "result_samples_per_second": 0.5,
        "result_mean_latency_ns": 2000000000,
        "result_99.00_percentile_latency_ns": 3000000000,
    }.items()
)
TRT_CSV = "ISL,OSL,Requests,Token_Throughput,Request_Throughput\n1024,128,7500,3575.3588,27.9325\n"
MACHINE = {"hostname": "h", "kernel": "6.1", "os": "Linux", "cpu": "CPU", "memory_gib": 4}

SAMPLES = [
    Sample(
        "json",
        json.dumps([LLAMA_BENCH, LLAMA_FAILED]).encode(),
        Format.JSON,
        "llama-bench",
        ok=1,
        failed=1,
        values={
            "throughputs//0/rate_mean": 256.0,
            "throughputs//0/rate_std": 2.0,
            "measurements//0/case_time_s:mean": 2.0,
        },
    ),
    Sample(
        "jsonl",
        b"ggml_cuda_init: found 1 device\n" + lines(LLAMA_BENCH, LLAMA_BENCH),
        Format.JSONL,
        "llama-bench",
        ok=2,
        values={"throughputs/line 2/rate_mean": 256.0},
    ),
    Sample(
        "csv",
        (LLAMA_CSV + "\n").encode(),
        Format.CSV,
        "llama-bench",
        ok=1,
        failed=1,
        values={"throughputs/row 1/rate_mean": 256.0, "throughputs/row 1/rate_std": 2.0},
    ),
    Sample(
        "wrapped",
        lines(WRAPPED, WRAPPED),
        Format.JSONL,
        "llama-bench",
        ok=2,
        values={"measurements/line 1/power_w:mean": 50.5},
    ),
    Sample("tables", LLAMA_SUMMARY.encode(), Format.MARKDOWN, "llama-bench-summary", ok=1),
    Sample(
        "jsonl",
        lines(BATCHED_LINE, BATCHED_LINE),
        Format.JSONL,
        "llama-batched-bench",
        ok=2,
        values={"throughputs/line 1/rate_mean": 250.0},
    ),
    Sample(
        "list",
        json.dumps([LLAMA_SERVER, {"error": {"code": 503, "message": "Loading model"}}]).encode(),
        Format.JSON,
        "llama-server",
        ok=1,
        failed=1,
        values={"llm_requests//0/eval_s": 1.0, "llm_requests//0/ttft_s": 0.2, "llm_requests//0/prompt_tokens": 110},
    ),
    Sample(
        "stream",
        lines(OLLAMA_CHUNK, OLLAMA_CHUNK, OLLAMA_RESPONSE, {"error": "timed out"}),
        Format.JSONL,
        "ollama-api",
        ok=1,
        failed=1,
        values={"llm_requests/line 3/decode_tokens_per_s": 50.0, "llm_requests/line 3/ttft_s": 0.75},
    ),
    Sample(
        "single",
        json.dumps(OLLAMA_RESPONSE, indent=2).encode(),
        Format.JSON,
        "ollama-api",
        ok=1,
        values={"llm_requests//eval_duration/eval_s": 2.0},
    ),
    Sample("csv", OLLAMA_BENCH.encode(), Format.CSV, "ollama-bench", ok=3, failed=1, regular=False),
    Sample(
        "serve",
        json.dumps(VLLM_POINT, indent=2).encode(),
        Format.JSON,
        "vllm-benchmark",
        ok=1,
        values={
            "serving_runs//duration/ttft_s_mean": 0.1,
            "serving_runs//duration/itl_s_p50": 0.0095,
            "measurements//p99.9_ttft_ms/serving_ttft_s:p99.9": 0.16,
        },
    ),
    Sample(
        "appended",
        lines(VLLM_POINT, VLLM_FAILED, {**VLLM_POINT, **VLLM_DETAILED, "completed": 2}),
        Format.JSON,
        "vllm-benchmark",
        ok=2,
        failed=1,
        values={"serving_runs/line 1/output_tokens_per_s": 64.0},
    ),
    Sample(
        "latency",
        json.dumps(VLLM_LATENCY, indent=1).encode(),
        Format.JSON,
        "vllm-benchmark",
        ok=1,
        values={
            "timings//avg_latency/mean_s": 2.0,
            "measurements//latencies/1/time_s:sample": 2.5,
            "measurements//percentiles/10/time_s:p10": 1.6,
        },
    ),
    Sample(
        "throughput",
        json.dumps(VLLM_THROUGHPUT, indent=1).encode(),
        Format.JSON,
        "vllm-benchmark",
        ok=1,
        values={"serving_runs//elapsed_time/total_tokens_per_s": 1638.4},
    ),
    Sample(
        "serving",
        lines(SGLANG_POINT, {**SGLANG_POINT, "request_rate": 4.0}, {**SGLANG_POINT, "completed": 0}),
        Format.JSONL,
        "sglang-benchmark",
        ok=2,
        failed=1,
        values={"serving_runs/line 1/e2e_s_mean": 0.5},
    ),
    Sample(
        "batch",
        lines(ONE_BATCH, ONE_BATCH),
        Format.JSONL,
        "sglang-benchmark",
        ok=2,
        values={"measurements/line 1/case_time_s:median": 0.01},
    ),
    Sample(
        "individual",
        json.dumps([LLMPERF_REQUEST, LLMPERF_REQUEST | {"error_code": 429, "error_msg": "quota"}]).encode(),
        Format.JSON,
        "llmperf",
        ok=1,
        failed=1,
        values={"llm_requests//0/ttft_s": 0.5, "llm_requests//0/itl_s": 0.02},
    ),
    Sample("summary", json.dumps(LLMPERF_SUMMARY, indent=1).encode(), Format.JSON, "llmperf", ok=1),
    Sample(
        "report",
        json.dumps(TRTLLM_REPORT, indent=1).encode(),
        Format.JSON,
        "trtllm-bench",
        ok=1,
        values={"serving_runs//performance/duration_s": 2.0, "serving_runs//performance/ttft_s_p50": 0.095},
    ),
    Sample("csv", TRT_CSV.encode(), Format.CSV, "trtllm-bench", ok=1),
    Sample(
        "offline",
        MLPERF_OFFLINE.encode(),
        Format.TEXT,
        "mlperf-loadgen",
        ok=1,
        values={
            "serving_runs/line 7/requests_per_s": 2.5,
            "measurements/line 14/serving_e2e_s:min": 1.0,
        },
    ),
    Sample("server", MLPERF_SERVER.encode(), Format.TEXT, "mlperf-loadgen", ok=1),
    Sample(
        "detail",
        DETAIL.encode(),
        Format.TEXT,
        "mlperf-loadgen",
        ok=1,
        values={"serving_runs/line 8/e2e_s_mean": 2.0},
        regular=False,
    ),
    Sample(
        "vllm",
        VLLM_TABLE.encode(),
        Format.MARKDOWN,
        "pasted-output",
        ok=1,
        values={"serving_runs/line 7/ttft_s_p50": 0.08},
    ),
    Sample(
        "sglang",
        SGLANG_TABLE.encode(),
        Format.TEXT,
        "pasted-output",
        ok=1,
        values={"serving_runs/line 6/e2e_s_p90": 1.2},
    ),
    Sample(
        "trtllm-0.16",
        TRT_OLD.encode(),
        Format.TEXT,
        "pasted-output",
        ok=1,
        values={"serving_runs/line 18/duration_s": 268.5},
    ),
    Sample(
        "trtllm-1",
        TRT_NEW.encode(),
        Format.TEXT,
        "pasted-output",
        ok=1,
        values={"serving_runs/line 16/ttft_s_p99": 0.23},
    ),
    Sample(
        "ollama",
        OLLAMA_VERBOSE.encode(),
        Format.TEXT,
        "pasted-output",
        ok=2,
        values={"llm_requests/line 4/load_s": 2.5},
    ),
    Sample(
        "llama-bench",
        LLAMA_TABLE.partition("\nbuild")[0].encode(),
        Format.MARKDOWN,
        "pasted-output",
        ok=2,
        values={"throughputs/line 5/rate_std": 4.0},
    ),
    Sample(
        "batched",
        BATCHED_TABLE.encode(),
        Format.TEXT,
        "pasted-output",
        ok=1,
        values={"throughputs/line 5/rate_mean": 250.0},
    ),
    Sample("machine", json.dumps(MACHINE, indent=1).encode(), Format.JSON, "run-metadata", ok=0),
]
