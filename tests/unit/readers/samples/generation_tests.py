from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

RESULTS = {
    "test_timestamp": 1759187000.5,
    "results": [
        {"test_name": "greeting", "generation_time_ms": 2500.0, "tokens": 30, "tokens_per_second": 12.0,
         "success": True, "banter_text": "hello there"},
        {"test_name": "goodbye", "generation_time_ms": 7000.0, "tokens": 7, "tokens_per_second": 1.0,
         "success": True, "banter_text": "Error generating banter: All connection attempts failed"},
        {"test_name": "closing", "generation_time_ms": 0.0, "tokens": 0, "tokens_per_second": 0.0,
         "success": False, "error": "'charmap' codec can't encode character"},
    ],
}  # fmt: skip
EXPORT = """Test Name,Context,Tone,Generation Time (ms),Tokens,Tokens per Second,Success
greeting,lobby,warm,2500.00,30,12.00,True
goodbye,lobby,cold,0.00,0,0.00,False
"""

SAMPLES = [
    Sample(
        "json",
        json.dumps(RESULTS, indent=2).encode(),
        Format.JSON,
        "generation-tests",
        ok=1,
        failed=2,
        values={"llm_requests//results/0/total_s": 2.5, "llm_requests//results/0/output_tokens": 30},
    ),
    Sample(
        "csv",
        EXPORT.encode(),
        Format.CSV,
        "generation-tests",
        ok=1,
        failed=1,
        values={"llm_requests/row 1/total_s": 2.5},
    ),
]
