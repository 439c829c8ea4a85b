"""Summaries of per-request results: csv or markdown tables with mean_tokens_s, and {models: [{completed,
mean_...}]}.

They are aggregates of rows measured elsewhere: read as summaries to be recomputed, never as measurements.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, half_unit, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Format, Reading, SummaryRow

_STATS = {
    "mean_tokens_s": "decode_tokens_per_s:mean",
    "median_tokens_s": "decode_tokens_per_s:median",
    "mean_ttft_s": "ttft_s:mean",
    "median_ttft_s": "ttft_s:median",
    "mean_load_s": "load_s:mean",
    "prompt_eval": "prompt_eval_s:mean",
    "mean_prompt_eval_s": "prompt_eval_s:mean",
    "eval_s_mean": "eval_s:mean",
    "mean_eval_s": "eval_s:mean",
}
_KEYS = {"mean_tokens_s", "mean_ttft_s"}


def matches(document: Document) -> bool:
    """Summary csv, summary json or a markdown text with summary tables."""
    value = document.try_json()
    if isinstance(value, dict):
        return _is_suite_summary(value)
    if document.format is Format.MARKDOWN:
        return "mean_tokens_s" in document.text and bool(list(_markdown(document)))
    table = document.try_csv()
    return table is not None and set(table.header) >= _KEYS


def _is_suite_summary(value: dict[str, Any]) -> bool:
    models = value.get("models")
    return (
        isinstance(models, list)
        and bool(models)
        and all(isinstance(item, dict) and {"model", "prompt_count", "completed"} <= set(item) for item in models)
    )


def read(document: Document) -> Reading:
    """Summary rows; an entry of which nothing completed is a failed record."""
    reading = Reading(kind="ollama_summary", tool="ollama-summary")
    value = document.try_json()
    if isinstance(value, dict):
        _read_suite(value, reading)
        return reading
    tables = _markdown(document) if document.format is Format.MARKDOWN else _csv(document)
    for header, rows in tables:
        halves = {name: half_unit(cells[position] for _, cells in rows) for position, name in enumerate(header)}
        for locator, cells in rows:
            record = dict(zip(header, cells, strict=True))
            stats = {}
            for name, target in _STATS.items():
                stated = number(record.get(name), locator=locator, field=name)
                if stated is not None:
                    stats[target] = (stated, halves.get(name) or 0.0)
            where: dict[str, Any] = {f"config.{key}": item for key, item in config(record).items() if key in _CONFIG}
            if record.get("tag"):
                where["quantization"] = redact.name(record["tag"])
            if record.get("model"):
                where["model"] = redact.name(record["model"])
            reading.summaries.append(SummaryRow("llm_requests", where, stats, locator))
            reading.records_ok += 1
    return reading


_CONFIG = {"num_gpu", "num_ctx", "temperature", "top_p", "top_k"}


def _csv(document: Document) -> Iterator[tuple[list[str], list[tuple[str, list[str]]]]]:
    table = document.csv
    yield table.header, [(f"row {i}", row) for i, row in enumerate(table.rows, start=1)]


def _markdown(document: Document) -> Iterator[tuple[list[str], list[tuple[str, list[str]]]]]:
    for table in document.markdown_tables:
        if set(table.header) >= _KEYS:
            yield (
                table.header,
                [(f"line {n}", row) for n, row in zip(table.lines, table.rows, strict=True)],
            )


def _read_suite(value: dict[str, Any], reading: Reading) -> None:
    for index, entry in enumerate(value["models"]):
        locator = pointer("models", index)
        stats = {}
        for name, target in _STATS.items():
            stated = number(entry.get(name), locator=locator, field=name)
            if stated is not None:
                stats[target] = (stated, 0.0)
        completed = count(entry["completed"], locator=locator, field="completed") or 0
        stats["ok:count"] = (float(completed), 0.0)
        stats["rows:count"] = (float(count(entry["prompt_count"], locator=locator) or 0), 0.0)
        reading.summaries.append(SummaryRow("llm_requests", {"model": redact.name(entry["model"])}, stats, locator))
        if completed:
            reading.records_ok += 1
        else:
            reading.records_failed += 1


READER = Reader(
    "ollama-summary",
    2,
    matches,
    read,
    signs=Signs(keys=("models",), columns=("mean_tokens_s",), words=("mean_tokens_s",)),
)
