from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

COLUMNS = (
    "timestamp,model,prompt_index,prompt_text,ttft_s,tokens_s,load_s,prompt_eval_s,eval_s,prompt_eval_count,"
    "eval_count,error,options"
)
SUITE = f"""{COLUMNS}
2025-10-02T12:00:00+00:00,tiny:1b,1,"say, hello",2.25,50.0,2.0,0.25,2.0,9,100,,"{{""num_ctx"": 1024}}"
2025-10-02T12:00:05+00:00,tiny:1b,2,"it's late",0.15,40.0,0.1,0.05,2.5,7,100,,"{{""num_ctx"": 1024}}"
2025-10-02T12:00:09+00:00,tiny:1b,3,again,0.00,0.00,0.00,0.00,0.00,0,0,Failed to connect,"{{""num_ctx"": 1024}}"
"""
SWEEP = """num_gpu,num_ctx,temperature,ttft_s,tokens_s,load_s,prompt_eval_s,eval_s,error
40.00,1024.00,0.4,0.15,50.0,0.1,0.05,2.0,
60.00,1024.00,0.4,,,,,,timed out
"""
ONE = {
    "prompt_index": 1,
    "ttft_s": 0.15,
    "tokens_s": 50.0,
    "load_s": 0.1,
    "prompt_eval_s": 0.05,
    "eval_s": 2.0,
}
TWIN = {
    "model": "tiny:1b",
    "timestamp": "2025-10-02T12:00:00",
    "results": [ONE, ONE | {"prompt_index": 2, "ttft_s": 0.12, "load_s": 0.08, "prompt_eval_s": 0.04}],
}

SAMPLES = [
    Sample(
        "prompt-suite",
        SUITE.encode(),
        Format.CSV,
        "ollama-script",
        ok=2,
        failed=1,
        values={"llm_requests/row 1/ttft_s": 2.25, "llm_requests/row 2/decode_tokens_per_s": 40.0},
    ),
    Sample("sweep", SWEEP.encode(), Format.CSV, "ollama-script", ok=1, failed=1),
    Sample(
        "json-twin",
        json.dumps(TWIN, indent=2).encode(),
        Format.JSON,
        "ollama-script",
        ok=2,
        values={"llm_requests//results/1/load_s": 0.08},
    ),
]
