from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

TIMES = {"mean_time_ms": 4.0, "std_time_ms": 0.5, "min_time_ms": 3.5, "max_time_ms": 5.5}
ZEROS = dict.fromkeys(TIMES, 0.0)
RESULT = {
    "generated_at": "2025-10-02T21:08:57Z",
    "model": {"name": "mlp", "device": "cuda", "dtype": "torch.float32", "batch_size": 32},
    "settings": {"runs": 20, "warmup_runs": 5},
    "backends": {
        "eager": {"benchmark": TIMES, "compilation": {"success": True, "compile_time_s": 0.25}},
        "torch_compile": {
            "benchmark": ZEROS,
            "compilation": {"success": False, "compile_time_s": 0.0, "error": "Cannot find triton"},
        },
    },
}
REPORT = """# Compilation benchmark

- Generated: 2025-10-02T21:08:57Z
- Model: mlp
- DType: torch.float32 | Backend | Success | Mean (ms) | Std (ms) | Min (ms) | Max (ms) | Notes |
| --- | --- | --- | --- | --- | --- | --- |
| eager | yes | 4.000 | 0.500 | 3.500 | 5.500 | |
| torch_compile | no | 0.000 | 0.000 | 0.000 | 0.000 | Cannot find triton |
"""

SAMPLES = [
    Sample(
        "json",
        json.dumps(RESULT, indent=2).encode(),
        Format.JSON,
        "compile-benchmark",
        ok=1,
        failed=1,
        values={"timings//backends/eager/mean_s": 0.004, "timings//backends/eager/compile_s": 0.25},
    ),
    Sample(
        "glued-markdown",
        REPORT.encode(),
        Format.MARKDOWN,
        "compile-benchmark",
        ok=1,
        failed=1,
        values={"timings/line 7/max_s": 0.0055},
    ),
]
