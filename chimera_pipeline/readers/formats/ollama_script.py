"""Per-request results of scripts around Ollama: csv with ttft_s and tokens_s, or {model, results[...]}.

Durations are seconds, tokens_s is eval_count / eval_s (decode rate), ttft_s is load + prompt evaluation.
A failed request has text in `error`, or zeros in place of its rate and count: it keeps no measurement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import (
    config,
    count,
    digest,
    embedded_options,
    half_unit,
    measured,
    number,
    pointer,
    prompt_id,
)
from chimera_pipeline.readers.reader import Column, Flat, Reader, Sign, Signs
from chimera_pipeline.records import Reading, Row

_NUMBERS = {
    "ttft_s": "ttft_s",
    "tokens_s": "decode_tokens_per_s",
    "load_s": "load_s",
    "prompt_eval_s": "prompt_eval_s",
    "eval_s": "eval_s",
    "total_s": "total_s",
}
_COUNTS = {"prompt_eval_count": "prompt_tokens", "eval_count": "output_tokens"}
_SWEEP = {"num_gpu", "num_ctx", "temperature"}
_SHARED = ("model", "digest", "model_digest", "timestamp", "options", "engine", "hardware", "gpu_name", "quantization")
_REQUIRED = {"ttft_s", "tokens_s"}


def _records(document: Document) -> Iterator[tuple[str, dict[str, Any]]] | None:
    value = document.try_json()
    if isinstance(value, dict):
        results = value.get("results")
        if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
            return None
        if any(set(item) >= _REQUIRED for item in results):
            shared = {key: value[key] for key in _SHARED if key in value}
            shared["timestamp"] = shared.get("timestamp", value.get("generated_at"))
            shared = {key: item for key, item in shared.items() if item is not None}
            return ((pointer("results", i), {**shared, **item}) for i, item in enumerate(results))
        return None
    table = document.try_csv()
    if table is not None and set(table.header) >= _REQUIRED:
        return table.records()
    return None


def matches(document: Document) -> bool:
    """A csv with columns ttft_s and tokens_s, or an object whose results carry both."""
    return _records(document) is not None


def read(document: Document) -> Reading:
    """One row of `llm_requests` for each record."""
    records = list(_records(document) or ())
    reading = Reading(kind="ollama_requests", tool="ollama-script")
    there = _There.of(set().union(*(record for _, record in records)))
    for locator, record in records:
        try:
            reading.add("llm_requests", _row(locator, record, there))
        except ArtifactError as refused:
            reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
    reading.precision["llm_requests"] = dict(_precision([record for _, record in records]))
    return reading


@dataclass(frozen=True, slots=True)
class _There:
    """What any record of the file has: looked up once, and not in every row."""

    suite: str
    model: bool
    options: tuple[str, ...]
    numbers: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, fields: set[str]) -> _There:
        return cls(
            _suite(fields),
            "model" in fields,
            tuple(fields & redact.OPTION_KEYS),
            tuple(pair for pair in _NUMBERS.items() if pair[0] in fields),
            tuple(pair for pair in _COUNTS.items() if pair[0] in fields),
        )


def _suite(fields: set[str]) -> str:
    if "tag" in fields:
        return "quantization_bench"
    return "parameter_sweep" if len(_SWEEP & fields) >= 2 else "prompt_suite"


def _row(locator: str, record: dict[str, Any], there: _There) -> Row:
    options = {key: record[key] for key in there.options if key in record}
    if stated_options := record.get("options"):
        options = {**embedded_options(stated_options), **options}
    row: Row = {
        "locator": locator,
        "suite": there.suite,
        "engine": redact.name(record.get("engine")) or "ollama",
        "ttft_definition": "load + prompt evaluation",
        "config": config(options),
        "prompt_id": prompt_id(record.get("prompt_index"), record.get("prompt_text") or record.get("prompt")),
        "status": "ok",
    }
    if there.model:
        row["model"] = redact.name(record.get("model"))
    if stated := digest(record):
        row["model_digest"] = stated
    if record.get("quantization") or record.get("tag"):
        row["quantization"] = redact.name(record.get("quantization") or record.get("tag"))
    if hardware := record.get("gpu_name") or record.get("hardware"):
        row["hardware"] = redact.name(hardware)
    measured(row, record.get("timestamp"), locator=locator)
    row["config"].pop("tag", None)
    row["config"].pop("config_name", None)
    for source, target in there.numbers:
        row[target] = number(record.get(source), locator=locator, field=source)
    for source, target in there.counts:
        row[target] = count(record.get(source), locator=locator, field=source)
    return _failed(row, record.get("error"))


def _failed(row: Row, error: Any) -> Row:
    """Strip the measurements of a request that failed: by its error text, or by zero rate or zero tokens."""
    kind = redact.error_kind(error)
    if kind is None and (row.get("decode_tokens_per_s") == 0 or row.get("output_tokens") == 0):
        kind = "no_output"
    if kind is not None:
        row["status"], row["error_kind"] = "failed", kind
        for field in (*_NUMBERS.values(), *_COUNTS.values()):
            row.pop(field, None)
    return row


def _precision(records: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    for source, target in (*_NUMBERS.items(), *_COUNTS.items()):
        half = half_unit([text for record in records if type(text := record.get(source)) is str])
        if half is not None:
            yield target, half


_BY = redact.OPTION_KEYS | {"model", "engine", "hardware", "gpu_name", "quantization", "tag", "options"}
_SIGNS = (
    Sign("error", frozenset([None]), others=True),
    Sign("tokens_s", frozenset([0.0])),
    Sign("eval_count", frozenset([0.0])),
)


def flat(header: Sequence[str]) -> Flat:
    """Each row of the csv is one request."""
    numbers = [Column(source, target) for source, target in _NUMBERS.items()]
    numbers += [Column(source, target, whole=True) for source, target in _COUNTS.items()]
    return Flat(
        table="llm_requests",
        kind="ollama_requests",
        numbers=tuple(column for column in numbers if column.name in header),
        by=_BY & set(header),
        time="timestamp" if "timestamp" in header else None,
        failed=tuple(sign for sign in _SIGNS if sign.column in header),
    )


READER = Reader("ollama-script", 4, matches, read, flat=flat, signs=Signs(keys=("results",), columns=("tokens_s",)))
