"""Markdown tables that scripts make from llama-bench results: a row a build with columns pp512 and tg128, and
sweeps ("### PP sweep") with a column a length.

They repeat rates of result files: read as summaries, never as measurements. Bold marks the best of a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers import pasted
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import half_unit, number
from chimera_pipeline.readers.llama_cases import case_name, parse_test
from chimera_pipeline.readers.markdown import Table
from chimera_pipeline.readers.names import plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.tool_records import refuse
from chimera_pipeline.records import Reading, SummaryRow

_SWEEP = re.compile(r"\b(pp|tg) sweep\b", re.IGNORECASE)
_OPTION = re.compile(r"-(fa|b|ub|ngl) ?(\d+)")
_OPTIONS = {"fa": "flash_attn", "b": "n_batch", "ub": "n_ubatch", "ngl": "n_gpu_layers"}


def _cases(table: Table) -> dict[int, str]:
    """Column position -> case of the columns that hold rates."""
    named = {i: parse_test(cell) for i, cell in enumerate(table.header)}
    found = {i: case_name(*test) for i, test in named.items() if test is not None}
    if found:
        return found
    sweep = _SWEEP.search("\n".join(table.before[-4:]))
    if sweep is None:
        return {}
    return {i: f"{sweep.group(1).lower()}{cell}" for i, cell in enumerate(table.header) if cell.isdigit()}


def _tables(document: Document) -> list[tuple[Table, dict[int, str]]]:
    if document.try_json() is not None or "|" not in document.text or pasted.found(document):
        return []
    if not re.search(r"\|\s*(?:pp|tg) ?\d+\s*\|", document.text):
        return []
    try:
        tables = document.markdown_tables
    except ArtifactError:
        return []
    return [(table, cases) for table in tables if (cases := _cases(table))]


def matches(document: Document) -> bool:
    """A table with a column for a llama-bench test."""
    return bool(_tables(document))


def read(document: Document) -> Reading:
    """A summary a rate; a table row counts as one record."""
    reading = Reading(kind="llama_bench_summary", tool="llama-bench")
    for table, cases in _tables(document):
        halves = {i: half_unit(_bare(row[i]) for row in table.rows) or 0.0 for i in cases}
        for line, cells in zip(table.lines, table.rows, strict=True):
            locator = f"line {line}"
            where = dict(_where(table, cells, cases))
            try:
                for i, case in cases.items():
                    rate = number(_bare(cells[i]), locator=locator, field=table.header[i])
                    if rate is not None:
                        stats = {"rate_mean:mean": (rate, halves[i])}
                        reading.summaries.append(SummaryRow("throughputs", {"case": case, **where}, stats, locator))
            except ArtifactError as refused:
                refuse(reading, refused, locator)
                continue
            reading.records_ok += 1
    return reading


def _bare(cell: str) -> str:
    return cell.replace("*", "").strip()


def _where(table: Table, cells: list[str], cases: dict[int, str]) -> Iterator[tuple[str, Any]]:
    """What selects the rows: build, model, and the options written as flags."""
    flags = " ".join(cells[i] for i in range(len(cells)) if i not in cases)
    for position, name in enumerate(table.header):
        label, cell = name.strip().lower(), _bare(cells[position])
        if label == "backend" and cell:
            yield "config.build", plain(cell)
        elif label in ("model", "model name") and cell:
            yield "model", plain(cell)
        elif label == "hipblaslt" and cell:
            yield "config.hipblaslt", int(cell) if cell.isdigit() else plain(cell)
    stated = dict(_OPTION.findall(flags))
    if "-fa" in [name.strip() for name in table.header]:
        stated.setdefault("fa", "0")
    for flag, value in stated.items():
        yield f"config.{_OPTIONS[flag]}", int(value)


READER = Reader("llama-bench-summary", 1, matches, read, signs=Signs(words=("|",)))
