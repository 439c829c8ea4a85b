from __future__ import annotations

import json
from typing import Any

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

NEW = """results:
  request_performance:
    aggregate:
      latency:
        inter_token_latency:
          mean: 11.5
          units: ms/token
        normalized_time_per_output_token:
          mean: 0.0125
          units: s/token
        request_latency:
          mean: 2.5
          p0p1: 1.25
          p50: 2.25
          p99: 3.5
          p99p9: 3.75
          stddev: 0.5
          units: s
        time_to_first_token:
          mean: 0.125
          p90: 0.25
          units: s
        time_per_output_token:
          mean: 0.0
          units: s/token
      requests:
        failures: 4
        input_length:
          mean: 1000.5
          units: count
        total: 504
      throughput:
        output_token_rate:
          mean: 1276.25
          units: tokens/s
        request_rate:
          mean: 6.375
          units: queries/s
        total_token_rate:
          mean: 7720.75
          units: tokens/s
run:
  time:
    duration: PT1M18.5S
    start: '2025-11-05T18:00:42Z'
  uid: 38b1f169ca178b756f7483523b17de61
scenario:
  load:
    native:
      config: {}
    standardized:
      concurrency: .inf
      input_seq_len: {distribution: fixed, value: 1000}
      output_seq_len: {distribution: fixed, value: 200}
      rate_qps: 10.0
      source: sampled
      stage: 3
      tool: inference-perf
  stack:
  - standardized:
      accelerator: {count: 8, model: NVIDIA-H100-80GB-HBM3, parallelism: {dp: 1, tp: 8}}
      kind: inference_engine
      model:
        name: tiny/model-1b
      tool: vllm
      tool_version: registry.example/vllm:0.9.1
  - standardized:
      kind: generic
      tool: router
version: 0.2.1
"""
AT = "/results/request_performance/aggregate"


def statistic(units: str, mean: float, **more: float) -> dict[str, Any]:
    """A statistic object."""
    return {"units": units, "mean": mean} | more


def old(failures: int = 0) -> dict[str, Any]:
    """A report of version 0.1."""
    return {
        "version": "0.1",
        "scenario": {
            "model": {"name": "tiny/model-1b", "quantization": "fp8"},
            "host": {
                "type": ["replica"],
                "accelerator": [{"model": "H100", "count": 1, "parallelism": {"tp": 1}}],
            },
            "platform": {"engine": [{"name": "registry.example/vllm/vllm-openai", "version": "0.9.1"}]},
            "load": {
                "name": "vllm-benchmark",
                "args": {"num_prompts": 100, "max_concurrency": 16, "request_rate": "inf"},
            },
        },
        "metrics": {
            "time": {"duration": 12.5, "start": 1760000000.0},
            "requests": {
                "total": 100,
                "failures": failures,
                "input_length": statistic("count", 512.0),
                "output_length": statistic("count", 128.0),
            },
            "latency": {
                "time_to_first_token": statistic("ms", 62.5, p0p1=12.5, P25=50.0, p50=60.0, p99=125.0),
                "time_per_output_token": statistic("ms/token", 7.5),
                "request_latency": statistic("ms", 1000.5),
            },
            "throughput": {
                "output_tokens_per_sec": 1024.0,
                "total_tokens_per_sec": 5120.0,
                "requests_per_sec": 8.0,
            },
        },
    }


SAMPLES = [
    Sample(
        "yaml",
        NEW.encode(),
        Format.YAML,
        "llm-d-benchmark",
        ok=1,
        values={
            f"serving_runs/{AT}/duration_s": 78.5,
            f"serving_runs/{AT}/itl_s_mean": 0.0115,
            f"serving_runs/{AT}/e2e_s_p50": 2.25,
            f"serving_runs/{AT}/e2e_s_std": 0.5,
            f"serving_runs/{AT}/total_tokens_per_s": 7720.75,
            f"measurements/{AT}/latency/request_latency/serving_e2e_s:p0.1": 1.25,
            f"measurements/{AT}/latency/request_latency/serving_e2e_s:p99.9": 3.75,
            f"measurements/{AT}/latency/normalized_time_per_output_token/serving_ntpot_s:mean": 0.0125,
        },
        computed=True,
    ),
    Sample(
        "first-version",
        json.dumps(old()).encode(),
        Format.JSON,
        "llm-d-benchmark",
        ok=1,
        values={
            "serving_runs//metrics/ttft_s_mean": 0.0625,
            "serving_runs//metrics/tpot_s_mean": 0.0075,
            "serving_runs//metrics/duration_s": 12.5,
            "measurements//metrics/latency/time_to_first_token/serving_ttft_s:p25": 0.05,
        },
    ),
    Sample(
        "list",
        json.dumps([old(), old(failures=100)]).encode(),
        Format.JSON,
        "llm-d-benchmark",
        ok=1,
        failed=1,
    ),
]
