"""GuideLLM csv: columns with three header rows (group, field with status, statistic or unit), one row a
benchmark, and the single header of 0.2 and 0.3 ("Successful Time to first token ms mean").

A "Percentiles" cell is [min, 0.1, 1, 5, 10, 25, 75, 90, 95, 99, max]. Times are local without zone.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config
from chimera_pipeline.readers.formats.guidellm import RATES, set_load, workload
from chimera_pipeline.readers.loadtest import (
    checked,
    dated,
    distribution,
    fail,
    first,
    is_failed,
    mapping,
    whole,
)
from chimera_pipeline.readers.names import model_name
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

Column = tuple[str, ...]

_STATISTICS = {"mean": "mean", "median": "median", "std dev": "std"}
_PERCENTILES = ("min", "p0.1", "p1", "p5", "p10", "p25", "p75", "p90", "p95", "p99", "max")
_DISTRIBUTIONS = {
    ("Time to First Token", "Successful ms"): ("ttft", "ms"),
    ("Time per Output Token", "Successful ms"): ("tpot", "ms"),
    ("Inter Token Latency", "Successful ms"): ("itl", "ms"),
    ("Request Latency", "Successful Sec"): ("e2e", "s"),
    ("Token Metrics", "Successful Input Tokens"): ("serving_prompt_tokens", None),
    ("Token Metrics", "Successful Output Tokens"): ("serving_output_tokens", None),
}
_RATES = {
    ("Server Throughput", "Successful Requests/Sec"): "requests_per_s",
    ("Token Throughput", "Successful Output Tokens/Sec"): "output_tokens_per_s",
    ("Token Throughput", "Successful Total Tokens/Sec"): "total_tokens_per_s",
}
_OLD = {
    "Successful Time to first token ms": ("ttft", "ms"),
    "Successful Time per output token ms": ("tpot", "ms"),
    "Successful Inter token latency ms": ("itl", "ms"),
    "Successful Request latency": ("e2e", "s"),
    "Successful Prompt token count": ("serving_prompt_tokens", None),
    "Successful Output token count": ("serving_output_tokens", None),
}
_OLD_LIST = "[min, 0.1, 1, 5, 10, 25, 75, 90, 95, 99, max]"
_OLD_RATES = {f"Successful {source.replace('_', ' ').capitalize()} mean": target for source, target in RATES.items()}


def _first_line(document: Document) -> str:
    return document.text.lstrip("\r\n").split("\n", 1)[0]


def matches(document: Document) -> bool:
    """Groups in the first header row, or the long column names of the first versions."""
    line = _first_line(document)
    if line[:1] in "{[":
        return False
    return ("Benchmark" in line and "Request Counts" in line and "Timings" in line) or (
        "Successful Request latency mean" in line and "Run Id" in line
    )


def read(document: Document) -> Reading:
    """One row of `serving_runs` a csv row."""
    reading = Reading(kind="guidellm", tool="guidellm")
    # Its times are cut to the second and have no zone: beside a json of the same run, the json is exact.
    reading.precision["serving_runs"] = {"duration_s": 0.0}
    for locator, cells in _rows(document, reading):
        try:
            _read_row(reading, locator, cells)
        except ArtifactError as refused:
            reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
    return reading


def _rows(document: Document, reading: Reading) -> Iterator[tuple[str, dict[Column, str]]]:
    """("line N", column -> cell); a column is named by the cells of all header rows."""
    parser = csv.reader(io.StringIO(document.text, newline=""), strict=True)
    table: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in parser:
            if any(cell.strip() for cell in cells):
                table.append((line, cells))
            line = parser.line_num + 1
    except csv.Error as error:
        raise ArtifactError(Reason.UNEXPECTED_SHAPE, f"line {line}: {error}", locator=f"line {line}") from None
    depth = 1 if "Run Id" in [cell.strip() for cell in table[0][1]] else 3
    if len(table) < depth:
        raise ArtifactError(Reason.TRUNCATED, f"ends in its {depth} header rows", locator="line 1")
    header = [cells for _, cells in table[:depth]]
    if len({len(cells) for cells in header}) != 1:
        raise ArtifactError(Reason.RAGGED_ROW, "its header rows have different widths", locator="line 1")
    columns = [tuple(cell.strip() for cell in parts) for parts in zip(*header, strict=True)]
    for number, cells in table[depth:]:
        locator = f"line {number}"
        cut = number == table[-1][0] and not document.text.endswith(("\n", "\r"))
        if len(cells) != len(columns):
            cells = cells[:-1] if cut else cells  # without a line break the last cell may be cut off
            sure = _same_columns(columns, cells)
            sentence = f"{locator}: {len(cells)} fields under {len(columns)} columns: the first {sure} are sure"
            reading.reject(Reason.RAGGED_ROW, sentence, locator=locator)
            if sure:
                yield locator, dict(zip(columns[:sure], cells[:sure], strict=True))
            continue
        cells = [*cells[:-1], ""] if cut else cells
        yield locator, dict(zip(columns, cells, strict=True))


def _same_columns(columns: list[Column], cells: list[str]) -> int:
    """How many of the first columns a row of another width shares with the header.

    Versions 0.4 to 0.7 write the header of the first point over all rows, and leave out of each row what is
    zero in it: up to the request counts every row is alike, and the latency of successes follows.
    """
    counts = [place for place, column in enumerate(columns) if column[0] == "Request Counts"]
    if not counts or len(cells) <= counts[-1]:
        return 0
    sure = counts[-1] + 1
    stated = dict(zip(columns[:sure], cells[:sure], strict=True)).get(("Request Counts", "Successful", ""), "0")
    latency = [column[:2] for column in columns[sure : sure + 4]] == [("Request Latency", "Successful Sec")] * 4
    return sure + 4 if latency and stated.strip() not in ("", "0") and len(cells) >= sure + 4 else sure


def _read_row(reading: Reading, locator: str, cells: dict[Column, str]) -> None:
    old = ("Run Id",) in cells
    row = _identity(reading, locator, cells, old)
    counts = (
        (("Successful Requests",), ("Errored Requests",))
        if old
        else (("Request Counts", "Successful", ""), ("Request Counts", "Errored", ""))
    )
    for source, target in zip(counts, ("requests_ok", "requests_failed"), strict=True):
        if source in cells:
            row[target] = whole(reading, cells[source], locator=locator, field=target)
    started = cells.get(("Start Time",) if old else ("Timings", "Measure Start Time", ""), "")
    if not old and started in ("", "N/A"):
        started = cells.get(("Timings", "Start Time", ""), "")
    dated(reading, row, None if started == "N/A" else started, locator=locator)
    if is_failed(row):
        reading.add("serving_runs", fail(row))
        return
    duration = cells.get(("Duration",) if old else ("Timings", "Duration", "Sec"))
    row["duration_s"] = checked(reading, duration, "s", locator=locator, field="duration")
    rates = {(name,): t for name, t in _OLD_RATES.items()} if old else {(*k, "Mean"): t for k, t in _RATES.items()}
    for source, target in rates.items():
        if source in cells:
            row[target] = checked(reading, cells[source], None, locator=locator, field=target)
    for name, unit, stats in _distributions(cells, old):
        distribution(reading, row, name, stats, unit, n=row.get("requests_ok"), ddof=0, locator=locator)
    reading.add("serving_runs", row)


def _distributions(cells: dict[Column, str], old: bool) -> Iterator[tuple[str, str | None, dict[str, str]]]:
    """(name, unit, statistic -> text) of each distribution that holds anything but zeros."""
    if old:
        named = {
            key: (
                {stat: cells.get((f"{label} {word}",)) for word, stat in _STATISTICS.items()},
                cells.get((f"{label} {_OLD_LIST}",)),
            )
            for label, key in _OLD.items()
        }
    else:
        named = {
            key: (
                {stat: cells.get((*column, word.title())) for word, stat in _STATISTICS.items()},
                cells.get((*column, "Percentiles")),
            )
            for column, key in _DISTRIBUTIONS.items()
        }
    for (name, unit), (found, listed) in named.items():
        stats = {stat: text for stat, text in found.items() if text}
        parts = (listed or "").strip().strip("[]").split(",")
        if len(parts) == len(_PERCENTILES):
            stats |= dict(zip(_PERCENTILES, parts, strict=True))
        if any(text.strip() not in ("0", "0.0", "-0.0") for text in stats.values()):
            yield name, unit, stats


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _identity(reading: Reading, locator: str, cells: dict[Column, str], old: bool) -> Row:
    if old:
        args, worker = mapping(_json(cells.get(("Args",)))), mapping(_json(cells.get(("Worker",))))
        model, strategy = worker.get("backend_model"), mapping(args.get("strategy"))
        data = mapping(_json(cells.get(("Request Loader",)))).get("data")
        name, run_id = cells.get(("Name",), ""), cells.get(("Id",))
    else:
        backend = mapping(_json(cells.get(("Run Info", "Backend", ""))))
        arguments = mapping(_json(cells.get(("Runtime Info", "Arguments", ""))))
        spec = mapping(first(arguments.get("spec"), arguments))
        model = first(backend.get("model"), mapping(spec.get("backend")).get("model"), spec.get("model"))
        requests = mapping(_json(cells.get(("Run Info", "Requests", ""))))
        data, strategy = first(spec.get("data"), requests.get("data")), _completed(cells)
        name, run_id = cells.get(("Benchmark", "Strategy", ""), ""), cells.get(("Benchmark", "ID", ""))
    if not strategy:
        strategy = _strategy(name, cells)
    row: Row = {
        "locator": locator,
        "suite": "guidellm",
        "model": model_name(model),
        "run_id": redact.name(run_id),
        "config": config({"strategy": strategy.get("type_")}),
        "status": "ok",
    }
    if (asked := workload(data)) is not None:
        row["workload"] = asked
    set_load(reading, row, strategy)
    return row


def _completed(cells: dict[Column, str]) -> dict[str, Any]:
    """The strategy of this point in the profile that every row repeats, by the row's index."""
    profile = mapping(_json(cells.get(("Run Info", "Profile", ""))))
    listed, index = profile.get("completed_strategies"), cells.get(("Run Info", "Run Index", ""), "").strip()
    if isinstance(listed, list) and index.isdigit() and int(index) < len(listed):
        return mapping(listed[int(index)])
    return {}


def _strategy(name: str, cells: dict[Column, str]) -> dict[str, Any]:
    """{type_, rate|streams} of "constant@2.00"; where only the type stands, the profile's single rate."""
    kind, _, value = name.partition("@")
    if not value:
        profile = mapping(_json(cells.get(("Run Info", "Profile", ""))))
        stated = first(profile.get("rate"), profile.get("streams"))
        listed = stated if isinstance(stated, list) else [stated]
        value = str(listed[0]) if len(listed) == 1 and isinstance(listed[0], int | float) else ""
    try:
        number = float(value)
    except ValueError:
        return {"type_": kind}
    return {"type_": kind, "rate": number, "streams": number, "max_concurrency": number}


READER = Reader(
    "guidellm-csv",
    1,
    matches,
    read,
    takes_ragged=True,
    signs=Signs(words=("Request Counts", "Successful Request latency mean")),
)
