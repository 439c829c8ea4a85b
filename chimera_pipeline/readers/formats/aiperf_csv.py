"""AIPerf and GenAI-Perf csv: several tables in one file, each under its own header and split by blank
lines: request metrics ("Metric,avg,min,..."), system metrics ("Metric,Value") and GPU telemetry
("Endpoint,GPU_Index,...").

Values are printed with two decimals, by GenAI-Perf with grouping commas ("1,146.31"). A run in which
everything failed has no request table at all.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import half_unit
from chimera_pipeline.readers.formats.aiperf import DISTRIBUTIONS, SINGLE, STATISTICS, counter, unit_of
from chimera_pipeline.readers.loadtest import LATENCIES, checked, distribution, fail, is_failed, whole
from chimera_pipeline.readers.names import plain
from chimera_pipeline.readers.reader import ANY, Reader, Signs
from chimera_pipeline.records import Reading, Row

_NAME = re.compile(r"(.*?)\s*(?:\(([^()]*)\))?\Z", re.DOTALL)
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?\Z")
_COUNTS = {"request_count": "requests_ok", "error_request_count": "requests_failed"}
_KNOWN = frozenset(
    [
        *DISTRIBUTIONS,
        *SINGLE,
        *_COUNTS,
        "osl_mismatch_count",
        "total_isl",
        "total_osl",
        "completed_request_count",
    ]
)
_HEADERS = (
    {"metric", "avg", "min", "max", "p50", "p99"},
    {"metric", "value"},
    {"endpoint", "gpu_index", "gpu_uuid"},
)


def matches(document: Document) -> bool:
    """A first header of these tables over metric names of the family."""
    text = document.text
    first_line = text.lstrip("\r\n").split("\n", 1)[0].strip()
    cells = {cell.strip().strip('"').lower() for cell in first_line.split(",")}
    if not any(cells >= header for header in _HEADERS):
        return False
    names = re.findall(r"^\"?([A-Za-z][\w /%().-]{2,60}?)(?: \([^()\n]*\))?\"?,", text[:20_000], re.MULTILINE)
    return any(_tag(name) in _KNOWN for name in names) or {"endpoint", "gpu_index", "gpu_uuid"} <= cells


def read(document: Document) -> Reading:
    """One row of `serving_runs`."""
    reading = Reading(kind="aiperf", tool="aiperf")
    row: Row = {"suite": "aiperf", "config": {}, "status": "ok"}
    metrics: list[tuple[str, str, str, dict[str, str]]] = []
    gpus: list[tuple[str, dict[str, str]]] = []
    for line, record in _records(document, reading):
        if "gpu_uuid" in record or "gpu_index" in record:
            gpus.append((line, record))
        elif record.get("metric"):
            name, unit = _split(record["metric"])
            metrics.append((line, name, unit, record))
    tables = [record for *_, record in metrics if "avg" in record]
    if tables and not any("std" in record for record in tables):
        reading.tool = row["suite"] = "genai-perf"
    named = {record.get("gpu_name") for _, record in gpus} - {None, ""}
    if len(named) == 1:
        row["hardware"] = plain(named.pop())
    place = next((line for line, name, *_ in metrics if name == "request_latency"), None)
    row["locator"] = place or (metrics[0][0] if metrics else "line 1")
    for line, name, _, record in metrics:
        if name in _COUNTS:
            stated = _number(record.get("value") or record.get("avg"))
            row[_COUNTS[name]] = whole(reading, stated, locator=line, field=name)
    if not any(name in ("request_latency", "request_throughput") for _, name, *_ in metrics):
        if row.get("requests_failed") and not row.get("requests_ok"):
            row["requests_ok"] = 0
        elif not is_failed(row):
            return reading
    if is_failed(row):
        reading.add("serving_runs", fail(row))
        return reading
    for line, name, unit, record in metrics:
        _put(reading, row, line, name, unit, record)
    reading.add("serving_runs", row)
    for line, record in gpus:
        counter_name, _, unit = record.get("metric", "").rpartition(" (")
        stats = {key: _number(record.get(key)) for key in ("avg", "min", "max")}
        counter(reading, row, record, _tag(counter_name), unit.rstrip(")"), stats, line)
    return reading


def _put(reading: Reading, row: Row, line: str, name: str, unit: str, record: dict[str, str]) -> None:
    precision = reading.precision.setdefault("serving_runs", {})
    texts = [text.replace(",", "") for text in record.values()]
    if name in SINGLE:
        stated = _number(record.get("value") or record.get("avg"))
        row[SINGLE[name]] = checked(reading, stated, unit_of(unit), locator=line, field=name)
        if row[SINGLE[name]] is not None:
            precision[SINGLE[name]] = half_unit(texts, unit_of(unit)) or 0.0
    elif name in DISTRIBUTIONS:
        target = DISTRIBUTIONS[name]
        stats = {STATISTICS[key]: _number(text) for key, text in record.items() if key in STATISTICS and text}
        distribution(reading, row, target, stats, unit_of(unit), n=row.get("requests_ok"), ddof=0, locator=line)
        if target in LATENCIES and any(row.get(f"{target}_s_{stat}") is not None for stat in stats):
            half = half_unit(texts, unit_of(unit)) or 0.0
            precision |= {f"{target}_s_{stat}": half for stat in stats if f"{target}_s_{stat}" in row}


def _records(document: Document, reading: Reading) -> Iterator[tuple[str, dict[str, str]]]:
    """("line N", lower-cased column -> cell) over all tables."""
    parser = csv.reader(io.StringIO(document.text, newline=""), strict=True)
    header: list[str] = []
    line, last = 1, len(document.text.splitlines())
    complete = document.text.endswith(("\n", "\r"))
    try:
        for cells in parser:
            start, line = line, parser.line_num + 1
            if not any(cell.strip() for cell in cells):
                header = []
            elif not header or cells[0].strip() in ("Metric", "Endpoint"):
                header = [cell.strip().lower().replace(" ", "_") for cell in cells]
            elif len(cells) == len(header):
                if line > last and not complete:
                    cells = [*cells[:-1], ""]  # without a line break the last cell may be cut off
                yield f"line {start}", dict(zip(header, (cell.strip() for cell in cells), strict=True))
            else:
                sentence = f"line {start}: {len(cells)} of {len(header)} fields"
                reading.reject(Reason.RAGGED_ROW, sentence, locator=f"line {start}")
    except csv.Error as error:
        raise ArtifactError(Reason.UNEXPECTED_SHAPE, f"line {line}: {error}", locator=f"line {line}") from None


def _split(text: str) -> tuple[str, str]:
    """("time_to_first_token", "ms") of "Time to First Token (ms)"."""
    found = _NAME.match(text.strip())
    return (_tag(found.group(1)), found.group(2) or "") if found else (_tag(text), "")


def _tag(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _number(text: Any) -> Any:
    """The text without grouping commas, where they group by three."""
    if isinstance(text, str) and _GROUPED.match(text.strip()):
        return text.strip().replace(",", "")
    return text


READER = Reader("aiperf-csv", 1, matches, read, takes_ragged=True, signs=Signs(words=(ANY,)))
