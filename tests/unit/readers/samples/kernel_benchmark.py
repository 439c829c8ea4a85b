from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

RESULT = {
    "attention": {
        "standard": {"mean_time_ms": 0.25, "std_time_ms": 0.5, "min_time_ms": 0.125, "max_time_ms": 2.5},
        "flash": {"mean_time_ms": 0.0, "std_time_ms": 0.0, "error": "not available"},
    },
    "tensor_core": {"fp16": {"mean_time_ms": 0.04, "std_time_ms": 0.01, "min_time_ms": 0.03, "max_time_ms": 0.08}},
}

SAMPLES = [
    Sample(
        "json",
        json.dumps(RESULT, indent=2).encode(),
        Format.JSON,
        "kernel-benchmark",
        ok=2,
        failed=1,
        values={"timings//tensor_core/fp16/mean_s": 0.00004},
    ),
]
