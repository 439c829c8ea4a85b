"""hyperfine: {results: [{command, mean, stddev, median, user, system, min, max, times[], exit_codes[]}]}, its csv
and its markdown table.

Seconds in json and csv; the table states its unit. `stddev` has ddof 1 and is null for one run. A command that
exited with another code than 0, or was killed, or could not be run, failed: its times are no measurements. There is
no time of measurement in any of the three.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.cases import case_name, fail, printed, refusing, samples, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import extra, number, pointer
from chimera_pipeline.readers.markdown import Table
from chimera_pipeline.readers.reader import Reader
from chimera_pipeline.records import Format, Reading, Row

_FIELDS = {"mean": "mean_s", "stddev": "std_s", "median": "median_s", "min": "min_s", "max": "max_s"}
_COLUMNS = {"command", "mean", "stddev", "user", "system", "min", "max"}
_CPU = {"user": "cpu_user_s", "system": "cpu_system_s"}
_MEAN = re.compile(r"Mean \[(s|ms|µs|us)\]\Z")
_PLUS_MINUS = re.compile(r"([\d.]+)(?:\s*±\s*([\d.]+))?\Z")


def matches(document: Document) -> bool:
    """Results that each have a command and a mean; or the columns of the csv or markdown export."""
    value = document.try_json()
    if isinstance(value, dict):
        results = value.get("results")
        return (
            isinstance(results, list)
            and bool(results)
            and all(
                isinstance(item, dict) and "command" in item and {"mean", "times"} & set(item)
                for item in results
            )
        )
    if document.format is Format.MARKDOWN:
        return "Relative" in document.text and any(_is_export(table) for table in document.markdown_tables)
    if value is not None:
        return False
    table = document.try_csv()
    return table is not None and set(table.header) >= _COLUMNS


def _is_export(table: Table) -> bool:
    header = table.header
    return len(header) >= 4 and header[0].strip("`") == "Command" and _MEAN.match(header[1]) is not None


def read(document: Document) -> Reading:
    """One row of `timings` a command, its runs beside it."""
    reading = Reading(kind="hyperfine", tool="hyperfine")
    value = document.try_json()
    if isinstance(value, dict):
        entries = [(pointer("results", index), entry) for index, entry in enumerate(value["results"])]
        names = Counter(str(entry.get("command")) for _, entry in entries)
        for locator, entry in entries:
            with refusing(reading, locator):
                _add(reading, locator, entry, repeated=names[str(entry.get("command"))] > 1)
    elif document.format is Format.MARKDOWN:
        for table in filter(_is_export, document.markdown_tables):
            _read_table(reading, table)
    else:
        rows = list(document.csv.records())
        names = Counter(cells["command"] for _, cells in rows)
        for locator, cells in rows:
            with refusing(reading, locator):
                parameters = {
                    key.removeprefix("parameter_"): cell
                    for key, cell in cells.items()
                    if key.startswith("parameter_")
                }
                entry = {key: cell for key, cell in cells.items() if cell.strip()}
                _add(
                    reading,
                    locator,
                    {**entry, "parameters": parameters},
                    repeated=names[cells["command"]] > 1,
                )
    return reading


def _add(reading: Reading, locator: str, entry: dict[str, Any], *, repeated: bool) -> None:
    command = str(entry["command"])
    parameters = entry.get("parameters")
    name = command
    if repeated and isinstance(parameters, dict):
        name = ":".join([command, *(f"{key}:{item}" for key, item in parameters.items())])
    row: Row = {
        "locator": locator,
        "suite": "hyperfine",
        "case": case_name(name) or "unnamed",
        "config": {},
        "status": "ok",
    }
    codes = entry.get("exit_codes")
    broken = isinstance(codes, list) and any(code != 0 for code in codes)
    if broken or "[ERROR]" in command or entry.get("mean") is None:
        failed = fail(row, command if "[ERROR]" in command else None)
        if broken and "[ERROR]" not in command:
            failed["error_kind"] = "nonzero_exit"
        reading.add("timings", failed)
        return
    times = entry.get("times")
    if isinstance(times, list) and times:
        row["n"] = len(times)
    statistics(row, entry, _FIELDS, None, locator=locator)
    if row.get("std_s") is not None:
        row["ddof"] = 1
    reading.add("timings", row)
    for source, metric in _CPU.items():
        value = number(entry.get(source), locator=locator, field=source)
        extra(reading, row, metric, "mean", value, n=row.get("n"))
    samples(reading, row, times, None, locator=locator + pointer("times"))
    memory = entry.get("memory_usage_byte")
    place = locator + pointer("memory_usage_byte")
    samples(reading, row, memory, None, locator=place, metric="peak_memory_bytes")


def _read_table(reading: Reading, table: Table) -> None:
    """The table prints "mean ± sd" in its unit, and min and max."""
    unit = _MEAN.match(table.header[1])[1]  # type: ignore[index]
    for line, cells in zip(table.lines, table.rows, strict=True):
        locator = f"line {line}"
        with refusing(reading, locator):
            mean = _PLUS_MINUS.match(cells[1])
            row: Row = {
                "locator": locator,
                "suite": "hyperfine",
                "case": case_name(cells[0].strip("` ")) or "unnamed",
                "config": {},
                "status": "ok",
            }
            found = {"mean": mean[1] if mean else cells[1], "min": cells[2], "max": cells[3]}
            if mean and mean[2]:
                found["stddev"], row["ddof"] = mean[2], 1
            statistics(row, found, _FIELDS, unit, locator=locator)
            for source, text in found.items():
                printed(reading, "timings", _FIELDS[source], [text], unit)
            reading.add("timings", row)


READER = Reader("hyperfine", 1, matches, read)
