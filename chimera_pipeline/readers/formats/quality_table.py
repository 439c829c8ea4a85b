"""Quality of variants of one model: {variant: {accuracy, loss, model_size_bytes}}, and its markdown twin with
one heading a variant and "- Accuracy: 0.75" lines.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import half_unit, number, pointer
from chimera_pipeline.readers.reader import ANY, Reader, Signs
from chimera_pipeline.records import Format, Reading, Row

_SCORES = {"accuracy": True, "loss": False, "perplexity": False, "f1": True, "exact_match": True}
_HEADING = re.compile(r"(?:^|\s)#{2,3} ([^\s#]+)\s*\Z")
_LINE = re.compile(r"[-*] (\w+(?: \w+)*): (\S+)")

# variant -> score -> (locator, value as the file has it)
Scores = dict[str, dict[str, tuple[str, Any]]]


def _variants(document: Document) -> Scores:
    value = document.try_json()
    if isinstance(value, dict):
        return {
            name: {metric: (pointer(name, metric), score) for metric, score in entry.items()}
            for name, entry in value.items()
            if isinstance(entry, dict) and {"accuracy", "loss"} <= set(entry)
        }
    if document.format is not Format.MARKDOWN or "- Accuracy:" not in document.text:
        return {}
    found: Scores = {}
    scores: dict[str, tuple[str, Any]] = {}
    for line_number, line in enumerate(document.whole_lines, start=1):
        if heading := _HEADING.search(line):
            scores = found.setdefault(heading.group(1).lower(), {})
        elif stated := _LINE.match(line):
            scores[stated.group(1).lower().replace(" ", "_")] = (f"line {line_number}", stated.group(2))
    return {name: scores for name, scores in found.items() if {"accuracy", "loss"} <= set(scores)}


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
            locator, value = scores[metric]
            row: Row = {
                "locator": locator,
                "suite": "quality_table",
                "quantization": redact.name(variant),
                "task": "model_variants",
                "metric": metric,
                "value": number(value, locator=locator, field=metric),
                "higher_is_better": higher,
                "config": {},
                "status": "ok",
            }
            texts += [value] if isinstance(value, str) else []
            reading.add("evaluations", row, counts=False)
        reading.records_ok += 1
    half = half_unit(texts)
    if half is not None:
        reading.precision["evaluations"] = {"value": half}
    return reading


READER = Reader("quality-table", 2, matches, read, signs=Signs(keys=(ANY,), words=("- Accuracy:",)))
