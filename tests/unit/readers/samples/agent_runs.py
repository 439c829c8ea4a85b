from __future__ import annotations

import json
from typing import Any

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample


def agent(kind: str, options: dict[str, Any], requests: int = 2) -> dict[str, Any]:
    """One agent of a run; its report is fiction."""
    some = 1.0 if requests else 0.0
    return {
        "report": "# Report\n\n**Date:** October 26, 2023\nThroughput: 999 tok/s",
        "metrics": {
            "agent_type": kind,
            "model": "tiny:latest",
            "configuration": options,
            "aggregate_metrics": {
                "total_requests": requests,
                "total_duration_ms": 28000.5 * some,
                "total_tokens_generated": 2495 * requests,
                "average_ttft_ms": 1395.25 * some,
                "average_tokens_per_second": 99.25 * some,
                "p95_ttft_ms": 2514.5 * some,
                "p95_tokens_per_second": 100.25 * some,
                "average_gpu_utilization": None,
            },
        },
        "execution_time": 28.5,
        "start_time": "2025-10-09T16:57:27.135082",
    }


RUNS = [
    {
        "run_number": 1,
        "baseline_results": agent("baseline", {}),
        "chimera_results": agent("chimera_optimized", {"num_gpu": 120, "num_ctx": 1024, "temperature": 0.6}),
        "performance_delta": {"throughput_improvement_percent": -0.5, "baseline_throughput": 99.25},
    },
    {
        "run_number": 2,
        "baseline_results": agent("baseline", {}, requests=0),
        "chimera_results": agent("chimera_optimized", {"num_gpu": 120, "num_ctx": 1024, "temperature": 0.6}),
    },
]
SPEEDUPS = """scenario,agent_a_num_gpu,agent_b_num_gpu,speedup,efficiency,throughput_delta,ttft_delta_ms
homo,80.0,80.0,1.75,87.5,0.5,-125.0
hetero,,120.0,1.5,75.0,-1.25,250.0
"""
AT = "/0/chimera_results/metrics/aggregate_metrics"

SAMPLES = [
    Sample(
        "json",
        json.dumps(RUNS).encode(),
        Format.JSON,
        "agent-runs",
        ok=3,
        failed=1,
        values={
            f"serving_runs/{AT}/ttft_s_mean": 1.39525,
            f"serving_runs/{AT}/ttft_s_p95": 2.5145,
            f"serving_runs/{AT}/duration_s": 28.5,
            f"measurements/{AT}/average_tokens_per_second/decode_tokens_per_s:mean": 99.25,
            f"measurements/{AT}/total_duration_ms/serving_e2e_s:sum": 28.0005,
        },
    ),
    Sample("speedups", SPEEDUPS.encode(), Format.CSV, "agent-speedups", ok=2),
]
