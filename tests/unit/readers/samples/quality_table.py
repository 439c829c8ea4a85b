from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

RESULT = {
    "baseline": {"accuracy": 0.875, "loss": 0.5, "model_size_bytes": 1000},
    "int8": {"accuracy": 0.75, "loss": 0.625, "model_size_bytes": 1100},
}
REPORT = """# Quantization

## BASELINE
- Accuracy: 0.8750
- Loss: 0.5000

## INT8
- Accuracy: 0.7500
- Loss: 0.6250
"""

SAMPLES = [
    Sample(
        "json",
        json.dumps(RESULT, indent=2).encode(),
        Format.JSON,
        "quality-table",
        ok=2,
        values={"evaluations//int8/loss/value": 0.625},
    ),
    Sample(
        "markdown",
        REPORT.encode(),
        Format.MARKDOWN,
        "quality-table",
        ok=2,
        values={"evaluations/line 9/value": 0.625},
    ),
]
