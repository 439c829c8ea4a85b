from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

SWEEP = """num_gpu,num_ctx,temperature,mean_tokens_s,mean_ttft_s
40.00,1024.00,0.4,50.25,0.151
60.00,1024.00,0.4,48.75,0.162
"""
TABLE = """# Summary

Two tags. | tag | mean_tokens_s | median_tokens_s | mean_ttft_s |
| --- | --- | --- | --- |
| q4_0 | 50.25 | 50.20 | 0.151 |
| q8_0 | 40.75 | 40.70 | 0.162 |

That is all.
"""
SUITE = {
    "generated_at": "2025-10-02T12:00:00+00:00",
    "models": [
        {"model": "tiny:1b", "prompt_count": 3, "completed": 2, "mean_ttft_s": 1.2, "mean_tokens_s": 45.0},
        {"model": "tiny:2b", "prompt_count": 3, "completed": 0, "mean_ttft_s": None, "mean_tokens_s": None},
    ],
}

SAMPLES = [
    Sample("csv", SWEEP.encode(), Format.CSV, "ollama-summary", ok=2),
    Sample("glued-markdown", TABLE.encode(), Format.MARKDOWN, "ollama-summary", ok=2),
    Sample("suite", json.dumps(SUITE, indent=1).encode(), Format.JSON, "ollama-summary", ok=1, failed=1),
]
