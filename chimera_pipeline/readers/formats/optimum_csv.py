"""optimum-benchmark csv, one row a run: columns "report.<target>.latency.mean" beside "config.*", and the
oldest "forward.latency(s)".

A row without any value of its report is a run that failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.formats.optimum_benchmark import KINDS, TARGETS, identity_row, read_target
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row


def _csv_columns(header: list[str]) -> dict[str, tuple[str, str, str]]:
    """column -> (target, kind, statistic) of both csv layouts."""
    found = {}
    for column in header:
        parts = column.split(".")
        if parts[0] == "report" and len(parts) == 4 and parts[2] in KINDS:
            found[column] = (parts[1], parts[2], parts[3])
            continue
        old = re.match(r"(\w+)\.(latency|throughput)\(([^()]+)\)\Z", column)
        if old and old.group(1) in TARGETS:
            found[column] = (old.group(1), old.group(2), f"mean({old.group(3)})")
    return found


def matches(document: Document) -> bool:
    """Columns of a report's latencies or throughputs."""
    table = document.try_csv()
    if table is None:
        return False
    kinds = {kind for _, kind, _ in _csv_columns(table.header).values()}
    return bool(kinds & {"latency", "throughput"})


def read(document: Document) -> Reading:
    """One record a csv row: a run. A row without any value of its report failed."""
    reading = Reading(kind="optimum_benchmark", tool="optimum-benchmark")
    table = document.csv
    columns = _csv_columns(table.header)
    for locator, cells in table.records():
        identity = _csv_identity(cells)
        targets: dict[str, dict[str, dict[str, Any]]] = {}
        for column, (target, kind, statistic) in columns.items():
            if cells[column].strip() and statistic not in ("values", "stdev_"):
                targets.setdefault(target, {}).setdefault(kind, {})[statistic] = cells[column].strip()
        before = reading.records_ok
        for target, part in targets.items():
            if any(set(found) - {"unit"} for found in part.values()):
                _read_run_target(reading, identity, target, part, locator)
        failed = reading.records_ok == before
        reading.records_ok = before
        if failed:
            text = " ".join(cells.get(key, "") for key in ("report.traceback", "error_message", "error_type"))
            row = {**identity, "locator": locator, "case": "run", "status": "failed"}
            reading.add("timings", row | {"error_kind": redact.error_kind(text) or "no_output"})
        else:
            reading.records_ok += 1
    return reading


def _read_run_target(reading: Reading, identity: Row, name: str, part: dict[str, Any], locator: str) -> None:
    """As `read_target`, with the csv row as the place of everything."""
    inner = Reading()
    read_target(inner, identity, name, part, "")
    reading.records_ok += 1
    for table, rows in _placed(inner, locator):
        for row in rows:
            reading.add(table, row, counts=False)
    for refused in inner.rejections:
        reading.reject(refused.reason, f"{locator}: {name}{refused.detail}", locator=locator, value=refused.value)


def _placed(inner: Reading, locator: str) -> Iterator[tuple[str, list[Row]]]:
    for table, rows in inner.rows.items():
        yield table, [{**row, "locator": locator} for row in rows]


def _csv_identity(cells: dict[str, str]) -> Row:
    def part(prefix: str) -> dict[str, Any]:
        return {key.removeprefix(prefix): value for key, value in cells.items() if key.startswith(prefix) and value}

    shapes = {
        **part("config.scenario.input_shapes."),
        **part("config.benchmark.input_shapes."),
        **part("config.scenario.generate_kwargs."),
        **part("config.scenario."),
    }
    backend = part("config.backend.")
    if not backend and cells.get("config.model"):
        backend = part("config.")
    return identity_row(backend, part("config.environment."), shapes)


READER = Reader("optimum-benchmark-csv", 1, matches, read, signs=Signs(words=(".latency", ".throughput")))
