from __future__ import annotations

import json
from typing import Any

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample


def spread(mean: float) -> dict[str, float]:
    """A distribution."""
    return {
        "mean": mean,
        "min": mean / 2,
        "p0.1": mean / 2,
        "p90": mean * 1.5,
        "median": mean * 0.75,
        "max": mean * 2,
    }


def stage(ok: int = 60, failed: int = 2) -> dict[str, Any]:
    """stage_N_lifecycle_metrics.json."""
    successes: dict[str, Any] = {"count": ok}
    if ok:
        successes |= {
            "latency": {
                "request_latency": spread(0.8),
                "normalized_time_per_output_token": spread(0.008),
                "time_per_output_token": spread(0.0056),
                "time_to_first_token": spread(0.04),
                "inter_token_latency": spread(0.0058),
            },
            "throughput": {
                "input_tokens_per_sec": 73.5,
                "output_tokens_per_sec": 103.5,
                "total_tokens_per_sec": 177.0,
                "requests_per_sec": 0.98,
            },
            "prompt_len": spread(75.0),
            "output_len": spread(105.0),
        }
    return {
        "load_summary": {"count": ok + failed, "schedule_delay": spread(0.001), "requested_rate": 1.0},
        "successes": successes,
        "failures": {"count": failed, "request_latency": None, "by_label": {"Timeout": {"count": failed}}},
    }


SERVER = {
    "load_summary": {},
    "successes": {
        "count": 295,
        "rate": 3.75,
        "prompt_len": {"mean": 583, "rate": 224.5},
        "output_len": {"mean": 898, "rate": 387.5},
        "request_latency": {"mean": 3.5, "median": 1.25, "p90": 9.5, "p99": 14.25},
        "time_to_first_token": {"mean": 1.125, "median": 0.025},
    },
    "failures": {},
}
REQUESTS = [
    {
        "start_time": 1000.5,
        "end_time": 1001.0,
        "request": "{}",
        "info": {"input_tokens": 12, "output_tokens": 3, "output_token_times": [1000.75, 1000.875, 1001.0]},
        "error": None,
    },
    {
        "start_time": 1001.0,
        "end_time": 1003.0,
        "info": {
            "request_metrics": {"text": {"input_tokens": 10}},
            "response_metrics": {"output_tokens": 20},
        },
        "computed_metrics": {
            "request_latency": 2.0,
            "time_to_first_token": 0.5,
            "time_per_output_token": 0.125,
        },
        "error": None,
    },
    {
        "start_time": 1002.0,
        "end_time": 1002.5,
        "info": {"input_tokens": 12, "output_tokens": 0},
        "error": {"error_type": "TimeoutError", "error_msg": "timed out"},
    },
]

SAMPLES = [
    Sample(
        "stage",
        json.dumps(stage()).encode(),
        Format.JSON,
        "inference-perf",
        ok=1,
        values={
            "serving_runs//successes/ttft_s_mean": 0.04,
            "serving_runs//successes/ttft_s_p50": 0.03,
            "serving_runs//successes/e2e_s_p90": 0.8 * 1.5,
            "serving_runs//successes/output_tokens_per_s": 103.5,
            "measurements//successes/latency/normalized_time_per_output_token/serving_ntpot_s:mean": 0.008,
        },
    ),
    Sample("all-failed", json.dumps(stage(0, 5)).encode(), Format.JSON, "inference-perf", ok=0, failed=1),
    Sample(
        "prometheus",
        json.dumps(SERVER).encode(),
        Format.JSON,
        "inference-perf",
        ok=1,
        values={
            "serving_runs//successes/e2e_s_p99": 14.25,
            "serving_runs//successes/requests_per_s": 3.75,
            "serving_runs//successes/output_tokens_per_s": 387.5,
        },
    ),
    Sample(
        "requests",
        json.dumps(REQUESTS).encode(),
        Format.JSON,
        "inference-perf-requests",
        ok=2,
        failed=1,
        values={
            "llm_requests//0/total_s": 0.5,
            "llm_requests//0/ttft_s": 0.25,
            "llm_requests//0/itl_s": 0.125,
            "llm_requests//0/end_to_end_tokens_per_s": 6.0,
            "llm_requests//1/ttft_s": 0.5,
            "llm_requests//1/prompt_tokens": 10,
        },
        computed=True,
    ),
]
