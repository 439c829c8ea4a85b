from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

RESULTS = {
    "results": {
        "arc_easy": {
            "alias": "arc_easy",
            "acc,none": 0.625,
            "acc_stderr,none": 0.0125,
            "acc_norm,none": 0.5,
            "acc_norm_stderr,none": 0.03125,
        },
        "gsm8k": {
            "alias": "gsm8k",
            "exact_match,strict-match": 0.25,
            "exact_match_stderr,strict-match": "N/A",
            "exact_match,flexible-extract": 0.375,
            "exact_match_stderr,flexible-extract": 0.0625,
        },
        "wikitext": {"alias": "wikitext", "word_perplexity,none": 12.5, "word_perplexity_stderr,none": "N/A"},
        "mmlu": {"acc,none": 0.4375, "acc_stderr,none": 0.005, "alias": "mmlu"},
        "mmlu_stem": {" ": " ", "alias": " - stem"},
    },
    "groups": {"mmlu": {"acc,none": 0.4375, "acc_stderr,none": 0.005, "alias": "mmlu"}},
    "group_subtasks": {"mmlu": ["mmlu_stem"]},
    "configs": {"arc_easy": {"task": "arc_easy", "num_fewshot": 0}, "gsm8k": {"num_fewshot": 5}},
    "versions": {"arc_easy": 1.0},
    "n-shot": {"arc_easy": 0, "gsm8k": 5, "mmlu": 0},
    "higher_is_better": {"arc_easy": {"acc": True}, "wikitext": {"word_perplexity": False}},
    "n-samples": {"arc_easy": {"original": 2376, "effective": 100}},
    "config": {
        "model": "hf",
        "model_args": "pretrained=tiny/model-1b,revision=step100,dtype=float16",
        "batch_size": "8",
        "limit": 100.0,
    },
    "date": 1760000000.25,
    "pretty_env_info": "PyTorch version: 2.4\nGPU models and configuration: GPU 0: NVIDIA A100-SXM4-80GB\n",
    "transformers_version": "4.50.0",
    "lm_eval_version": "0.4.8",
    "start_time": 33252.5,
    "total_evaluation_time_seconds": "123.4",
}
OLD = {
    "results": {
        "lambada": {"ppl": 4.5, "ppl_stderr": 0.125, "acc": 0.6875, "acc_stderr": 0.0078125},
        "wsc": {"acc": 0.5},
    },
    "versions": {"lambada": 0, "wsc": 0},
    "config": {
        "model": "hf-causal",
        "model_args": "pretrained=tiny/model-1b",
        "num_fewshot": 0,
        "limit": None,
    },
}
ITEMS = "".join(
    json.dumps({"doc_id": i, "doc": {"q": "?"}, "target": "A", "resps": [["A"]], "filtered_resps": ["A"], "acc": 1.0})
    + "\n"
    for i in range(3)
)

SAMPLES = [
    Sample(
        "results",
        json.dumps(RESULTS).encode(),
        Format.JSON,
        "lm-eval",
        ok=4,
        values={
            "evaluations//results/arc_easy/acc,none/value": 0.625,
            "evaluations//results/arc_easy/acc,none/stderr": 0.0125,
            "evaluations//results/gsm8k/exact_match,flexible-extract/value": 0.375,
            "evaluations//results/mmlu/acc,none/value": 0.4375,
        },
    ),
    Sample(
        "first-version",
        json.dumps(OLD).encode(),
        Format.JSON,
        "lm-eval",
        ok=2,
        values={"evaluations//results/lambada/ppl/stderr": 0.125},
    ),
    Sample("items", ITEMS.encode(), Format.JSONL, "lm-eval-samples", ok=0),
]
