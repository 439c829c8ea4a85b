"""Quality of variants of one model: {variant: {accuracy, loss, model_size_bytes}}, and its markdown twin with one
heading a variant and "- Accuracy: 0.75" lines.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import half_unit, number, pointer
from chimera_pipeline.readers.reader import Reader
from chimera_pipeline.records import Format, Reading, Row

_SCORES = {"accuracy": True, "loss": False, "perplexity": False, "f1": True, "exact_match": True}
_HEADING = re.compile(r"(?:^|\s)#{2,3} ([^\s#]+)[ \t]*$", re.MULTILINE)
_LINE = re.compile(r"^[-*] (\w+(?: \w+)*): (\S+)", re.MULTILINE)


def _variants(document: Document) -> dict[str, dict[str, Any]]:
    value = document.try_json()
    if isinstance(value, dict):
        return {
            name: entry
            for name, entry in value.items()
            if isinstance(entry, dict) and {"accuracy", "loss"} <= set(entry)
        }
    if document.format is not Format.MARKDOWN or "- Accuracy:" not in document.text:
        return {}
    parts = _HEADING.split(document.text)
    found = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        scores = {key.lower().replace(" ", "_"): text for key, text in _LINE.findall(body)}
        if {"accuracy", "loss"} <= set(scores):
            found[name.lower()] = scores
    return found


def matches(document: Document) -> bool:
    """At least two variants with accuracy and loss."""
    return len(_variants(document)) >= 2


def read(document: Document) -> Reading:
    """Rows of `evaluations`, one a score; each variant of the file counts as one record."""
    reading = Reading(kind="quality_table", tool="quality-table")
    texts: list[str] = []
    for variant, scores in _variants(document).items():
        for metric, higher in _SCORES.items():
            if metric not in scores:
                continue
            locator = pointer(variant, metric)
            row: Row = {
                "locator": locator,
                "suite": "quality_table",
                "quantization": redact.name(variant),
                "task": "model_variants",
                "metric": metric,
                "value": number(scores[metric], locator=locator, field=metric),
                "higher_is_better": higher,
                "config": {},
                "status": "ok",
            }
            texts += [scores[metric]] if isinstance(scores[metric], str) else []
            reading.add("evaluations", row, counts=False)
        reading.records_ok += 1
    half = half_unit(texts)
    if half is not None:
        reading.precision["evaluations"] = {"value": half}
    return reading


READER = Reader("quality-table", 1, matches, read)
