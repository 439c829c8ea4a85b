"""lm-evaluation-harness: results_*.json ({results: {task: {"acc,none": v, "acc_stderr,none": s}},
config, versions, ...}), old files with plain metric names, and the per-item samples_*.jsonl.

Each task is a record, each of its metrics a row of `evaluations`. Groups stand in `results` as tasks of
their own; their copy under `groups` is not read. "N/A" is no standard error, a blank is no score. Run
times inside are a performance counter, only `date` is an instant.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, number, pointer
from chimera_pipeline.readers.loadtest import dated, first, mapping, whole
from chimera_pipeline.readers.names import hardware_name, model_name
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import ArtifactStatus, Reading, Row

_HIGHER = frozenset(
    [
        "acc",
        "acc_norm",
        "acc_norm_nosb",
        "acc_mutual_info",
        "exact_match",
        "em",
        "f1",
        "f1_abstractive",
        "bleu",
        "chrf",
        "mcc",
        "mc1",
        "mc2",
        "rouge1",
        "rouge2",
        "rougeL",
        "pass@1",
        "prompt_level_strict_acc",
        "inst_level_strict_acc",
        "likelihood",
    ]
)
_LOWER = frozenset(
    ["ppl", "perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "brier_score", "wer", "ter"]
)
_ITEM_KEYS = {"doc_id", "doc", "target", "resps", "filtered_resps"}
_GPU = re.compile(r"^GPU (?:models and configuration:\s*)?(?:GPU )?\d+: (.+)$", re.MULTILINE)


def _results_match(document: Document) -> bool:
    value = document.try_json()
    if not isinstance(value, dict) or not isinstance(value.get("results"), dict):
        return False
    if not {"versions", "configs", "n-shot", "lm_eval_version", "group_subtasks"} & set(value):
        return False
    return isinstance(value.get("config"), dict) or isinstance(value.get("configs"), dict)


def _read_results(document: Document) -> Reading:
    reading = Reading(kind="lm_eval", tool="lm-eval")
    value = document.json
    shared = _identity(value)
    dated(reading, shared, value.get("date"), locator="/date")
    for task, scores in value["results"].items():
        rows = list(_scores(reading, value, shared, task, mapping(scores)))
        for row in rows:
            reading.add("evaluations", row, counts=False)
        if rows:
            reading.records_ok += 1
    return reading


def _scores(reading: Reading, value: dict[str, Any], shared: Row, task: str, scores: dict[str, Any]) -> list[Row]:
    rows = []
    for key, score in scores.items():
        metric, _, filter_ = str(key).partition(",")
        if (
            metric in ("alias", "name", "sample_len", "sample_count", "samples")
            or not metric.strip()
            or "_stderr" in metric
        ):
            continue
        if not isinstance(score, int | float | str | None) or isinstance(score, bool):
            continue
        if isinstance(score, str) and not score.strip():
            continue
        locator = pointer("results", task, key)
        row: Row = {**shared, "locator": locator, "task": redact.name(task), "metric": redact.name(metric)}
        row["filter"] = redact.name(filter_) if filter_ else None
        try:
            row["value"] = number(score, locator=locator, field=metric)
            row["stderr"] = _stderr(scores, metric, filter_, locator)
        except ArtifactError as refused:
            reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
            continue
        _about(reading, row, value, task, metric, scores)
        rows.append(row)
    return rows


def _stderr(scores: dict[str, Any], metric: str, filter_: str, locator: str) -> float | None:
    stated = scores.get(f"{metric}_stderr,{filter_}" if filter_ else f"{metric}_stderr")
    return None if isinstance(stated, list) else number(stated, locator=locator, field=f"{metric}_stderr")


def _about(reading: Reading, row: Row, value: dict[str, Any], task: str, metric: str, scores: dict[str, Any]) -> None:
    """Shots, items and direction of a task's metric."""
    own = mapping(mapping(value.get("configs")).get(task))
    shots = first(
        mapping(value.get("n-shot")).get(task),
        own.get("num_fewshot"),
        mapping(value.get("config")).get("num_fewshot"),
    )
    row["n_shot"] = int(shots) if isinstance(shots, int | float) and not isinstance(shots, bool) else None
    items = mapping(mapping(value.get("n-samples")).get(task))
    stated_n = first(items.get("effective"), items.get("original"), scores.get("sample_len"))
    row["n"] = whole(reading, stated_n, locator=row["locator"], field="n-samples")
    stated = mapping(mapping(value.get("higher_is_better")).get(task)).get(metric)
    known = True if metric in _HIGHER else False if metric in _LOWER else None
    row["higher_is_better"] = stated if isinstance(stated, bool) else known


def _identity(value: dict[str, Any]) -> Row:
    stated = mapping(value.get("config"))
    arguments = _arguments(stated.get("model_args"))
    row: Row = {"suite": "lm_eval", "status": "ok"}
    model = first(
        value.get("model_name"),
        arguments.get("pretrained"),
        arguments.get("model"),
        value.get("model_source"),
    )
    if model is not None:
        row["model"] = model_name(model)
    quantization = _quantization(arguments)
    if quantization:
        row["quantization"] = redact.name(quantization)
    engine = first(stated.get("model"), value.get("model_source"))
    if isinstance(engine, str):
        version = value.get("transformers_version") if engine.startswith("hf") else None
        row["engine"] = redact.name(f"{engine}-{version}" if version else engine)
    gpus = _GPU.findall(str(value.get("pretty_env_info") or ""))
    if gpus:
        row["hardware"] = hardware_name(",".join(gpus))
    revision = arguments.get("revision")
    options = {
        "limit": stated.get("limit"),
        "dtype": arguments.get("dtype"),
        "revision": None if revision == "main" else revision,
        "apply_chat_template": bool(value["chat_template"]) if "chat_template" in value else None,
        "fewshot_as_multiturn": value.get("fewshot_as_multiturn") or None,
        "temperature": mapping(stated.get("gen_kwargs")).get("temperature"),
    }
    row["config"] = config(options)
    return row


def _arguments(stated: Any) -> dict[str, Any]:
    """model_args as an object, or as "pretrained=x,revision=y"."""
    if isinstance(stated, dict):
        return stated
    pairs = (part.partition("=") for part in str(stated or "").split(","))
    return {key.strip(): text.strip() for key, _, text in pairs if key.strip() and text}


def _quantization(arguments: dict[str, Any]) -> str | None:
    for key, name in (("load_in_4bit", "4bit"), ("load_in_8bit", "8bit")):
        if str(arguments.get(key, "")).lower() == "true":
            return name
    stated = first(
        arguments.get("quantization"),
        arguments.get("quantized"),
        arguments.get("autogptq"),
        arguments.get("gguf_file"),
    )
    return str(stated) if isinstance(stated, str) and stated.lower() not in ("true", "false", "none") else None


def _samples_match(document: Document) -> bool:
    head = document.text[:65_536]
    if '"doc_id"' not in head or '"filtered_resps"' not in head:
        return False
    return any(set(item) >= _ITEM_KEYS for _, item in document.try_json_lines()[:5])


def _read_samples(document: Document) -> Reading:
    """Items with prompts and answers: their scores stand in the results file; nothing is read from them."""
    items = sum(set(item) >= _ITEM_KEYS for _, item in document.json_lines)
    reading = Reading(kind="lm_eval_samples", tool="lm-eval", status=ArtifactStatus.DOCUMENT)
    reading.reason = Reason.NO_MEASUREMENTS
    reading.detail = f"{items} items with prompts and answers; their scores are in the results file"
    return reading


READERS = [
    Reader(
        "lm-eval",
        1,
        _results_match,
        _read_results,
        takes_nonfinite=True,
        signs=Signs(keys=("versions", "configs", "n-shot", "lm_eval_version", "group_subtasks")),
    ),
    Reader(
        "lm-eval-samples",
        1,
        _samples_match,
        _read_samples,
        takes_nonfinite=True,
        signs=Signs(keys=("filtered_resps",), words=('"filtered_resps"',)),
    ),
]
