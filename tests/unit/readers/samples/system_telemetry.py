from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

GPU = {"name": "Test GPU 16GB", "temperature": 50, "power_draw": 75.5, "memory_used_mb": 2048}
EXPORT = {
    "export_timestamp": "2025-10-02T12:00:00",
    "metrics": [
        {"timestamp": 1759406400.0, "system": {"cpu_percent": 12.5, "memory_used_gb": 2.0}, "gpu": [GPU]},
        {"timestamp": 1759406401.0, "system": {"cpu_percent": 14.0, "memory_used_gb": 2.5}, "gpu": [GPU]},
    ],
}
EMPTY = {"total_inferences": 0, "avg_latency_ms": 0.0, "raw_metrics": []}

SAMPLES = [
    Sample(
        "samples",
        json.dumps(EXPORT, indent=2).encode(),
        Format.JSON,
        "system-telemetry",
        ok=2,
        values={
            "system_samples//metrics/0/gpu/0/memory_used_mb/value": 2048 * 2**20,
            "system_samples//metrics/1/system/memory_used_gb/value": 2.5 * 2**30,
        },
    ),
    Sample("nothing-measured", json.dumps(EMPTY).encode(), Format.JSON, "system-telemetry", ok=0),
]
