from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

RUN = {
    "mean_ms": 15.5,
    "stdev_ms": 0.5,
    "min_ms": 15.0,
    "max_ms": 16.5,
    "p50_ms": 15.4,
    "p95_ms": 16.4,
    "samples": 20,
}
RUNS = {
    "test_name": "inference",
    "timestamp": 1759186313,
    "samples_per_run": 20,
    "timing_stats": {"run_results": [RUN, RUN | {"mean_ms": 15.75}]},
    "environment": {"gpu_name": "Test GPU 16GB", "cuda_available": True, "torch_version": "2.5.1"},
    "latency_percentiles": {"p50": 15.6},
}
SINGLE = {
    "benchmark_name": "no-op",
    "timestamp": "2025-09-30T01:31:53",
    "timing": {"samples": 10, "mean_ms": 0.07, "min_ms": 0.05, "max_ms": 0.2},
    "environment": {},
}

SAMPLES = [
    Sample(
        "runs",
        json.dumps(RUNS, indent=2).encode(),
        Format.JSON,
        "repeated-timing",
        ok=2,
        values={"timings//timing_stats/run_results/1/mean_s": 0.01575},
    ),
    Sample("single", json.dumps(SINGLE).encode(), Format.JSON, "repeated-timing", ok=1),
]
