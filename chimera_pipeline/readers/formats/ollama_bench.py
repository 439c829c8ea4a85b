"""The csv of Ollama's own bench tool: NAME,STEP,COUNT,NS_PER_COUNT,TOKEN_PER_SEC, and comment lines.

A line is a step of one run: prefill and generate have a rate, ttft, load and total a time in nanoseconds.
"""

from __future__ import annotations

import re

from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import half_unit, number
from chimera_pipeline.readers.names import model_name, plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.tool_records import Record, each, fail, whole_lines
from chimera_pipeline.records import Reading, Row

_HEADER = "NAME,STEP,COUNT,NS_PER_COUNT,TOKEN_PER_SEC"
_QUANT = re.compile(r"Quant: (\S+)")
_RATED = ("prefill", "generate")


def matches(document: Document) -> bool:
    """The header stands on one of the first lines."""
    return _HEADER in document.text[:4000]


def read(document: Document) -> Reading:
    """A row of `throughputs` or of `timings` a line."""
    reading = Reading(kind="ollama_bench", tool="ollama")
    records: list[tuple[str, Record]] = []
    quant: str | None = None
    names = _HEADER.split(",")
    for position, line in enumerate(whole_lines(reading, document.text), start=1):
        stated = _QUANT.search(line) if line.startswith("#") else None
        quant = plain(stated.group(1)) if stated else quant
        cells = line.strip().split(",")
        if len(cells) == len(names) and cells != names and not line.startswith("#"):
            records.append((f"line {position}", dict(zip(names, cells, strict=True)) | {"quant": quant}))
    rated = [entry for entry in records if entry[1]["STEP"] in _RATED]
    timed = [entry for entry in records if entry[1]["STEP"] not in _RATED]
    each(reading, rated, "throughputs", _rate)
    each(reading, timed, "timings", _time)
    half = half_unit(record["TOKEN_PER_SEC"] for _, record in rated)
    if half is not None:
        reading.precision["throughputs"] = {"rate_mean": half}
    return reading


def _identity(locator: str, record: Record) -> Row:
    row: Row = {
        "locator": locator,
        "suite": "ollama-bench",
        "case": plain(record["STEP"]) or "unknown",
        "model": model_name(record["NAME"]),
        "engine": "ollama",
        "config": {},
        "status": "ok",
        "n": 1,
    }
    if record["quant"]:
        row["quantization"] = record["quant"]
    return row


def _rate(locator: str, record: Record) -> Row:
    row = _identity(locator, record) | {"rate_unit": "tokens/s"}
    row["rate_mean"] = number(record["TOKEN_PER_SEC"], locator=locator, field="TOKEN_PER_SEC")
    return row if row["rate_mean"] else fail(row, "no_output")


def _time(locator: str, record: Record) -> Row:
    row = _identity(locator, record)
    row["mean_s"] = number(record["NS_PER_COUNT"], "ns", locator=locator, field="NS_PER_COUNT")
    return row if row["mean_s"] else fail(row, "no_output")


READER = Reader("ollama-bench", 1, matches, read, takes_ragged=True, signs=Signs(words=(_HEADER,)))
