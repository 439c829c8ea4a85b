from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

LOG = """request_id,model,ttft_ms,tpot_ms,e2e_ms,input_tokens,output_tokens,timestamp,error
r1,tiny:1b,120.5,10.0,1120.5,100,101,2025-10-02T12:00:00Z,
r2,tiny:1b,110.25,9.5,1060.25,90,101,2025-10-02T12:00:01Z,
r3,tiny:1b,,,30000.0,80,0,2025-10-02T12:00:02Z,request timed out
"""
LINES = (
    {"model": "tiny:1b", "ttft_ms": 120.5, "latency_ms": 1120.5, "completion_tokens": 101, "success": True},
    {"model": "tiny:1b", "ttft_ms": 0.0, "latency_ms": 5.0, "completion_tokens": 0, "success": False},
)

SAMPLES = [
    Sample(
        "csv",
        LOG.encode(),
        Format.CSV,
        "source:request-log",
        ok=2,
        failed=1,
        values={"llm_requests/row 1/ttft_s": 0.1205, "llm_requests/row 2/total_s": 1.06025},
    ),
    Sample(
        "lines",
        "".join(json.dumps(line) + "\n" for line in LINES).encode(),
        Format.JSONL,
        "source:request-log-lines",
        ok=1,
        failed=1,
        values={"llm_requests/line 1/total_s": 1.1205},
    ),
]
