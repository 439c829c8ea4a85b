"""hyperfine: its json of version 1 ({results: [{command, mean, stddev, times[], exit_codes[]}]}) and of
version 2 ({schema_version: 2, metadata{}, results: [{command, measurements[], summary{}}]}), their csv and
markdown tables.

Version 1 is in seconds; version 2 and the tables state their unit. `stddev` has ddof 1 and is null for one
run. A command that exited with another code than 0, or was killed, or could not be run, failed: its times
are no measurements; so is one whose every time is 0, which is what is left when the shell's own start-up
took longer. Version 1 has no time of measurement, version 2 a start time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from chimera_pipeline.readers.cases import case_name, dated, fail, printed, refusing, samples, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import extra, number, pointer
from chimera_pipeline.readers.markdown import Table
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Format, Reading, Row

_FIELDS = {"mean": "mean_s", "stddev": "std_s", "median": "median_s", "min": "min_s", "max": "max_s"}
_COLUMNS = {"command", "mean", "stddev", "user", "system", "min", "max"}
_COLUMNS_2 = {"command", "time_wall_clock_unit", "time_wall_clock_mean"}
_CPU = {"user": "cpu_user_s", "system": "cpu_system_s"}
_SUMMARY = {"time_user": "cpu_user_s", "time_system": "cpu_system_s", "time_cpu": "cpu_time_s",
            "memory_peak_resident": "peak_memory_bytes"}  # fmt: skip
_MEAN = re.compile(r"Mean(?: Wall Time)? \[(s|ms|µs|us)\]\Z")
_PLUS_MINUS = re.compile(r"([\d.]+)(?:\s*±\s*([\d.]+))?\Z")


def matches(document: Document) -> bool:
    """Results that each have a command and its times; or the columns of a csv or markdown export."""
    value = document.try_json()
    if isinstance(value, dict):
        results = value.get("results")
        return (
            isinstance(results, list)
            and bool(results)
            and all(
                isinstance(item, dict)
                and "command" in item
                and ({"mean", "times"} & set(item) or {"measurements", "summary"} <= set(item))
                for item in results
            )
        )
    if document.format is Format.MARKDOWN:
        return "Command" in document.text and any(_is_export(table) for table in document.markdown_tables)
    if value is not None:
        return False
    table = document.try_csv()
    return table is not None and (set(table.header) >= _COLUMNS or set(table.header) >= _COLUMNS_2)


def _is_export(table: Table) -> bool:
    header = table.header
    return len(header) >= 4 and header[0].strip("`") == "Command" and _MEAN.match(header[1]) is not None


def read(document: Document) -> Reading:
    """One row of `timings` a command, its runs beside it."""
    reading = Reading(kind="hyperfine", tool="hyperfine")
    value = document.try_json()
    if document.format is Format.MARKDOWN and not isinstance(value, dict):
        for table in filter(_is_export, document.markdown_tables):
            _read_table(reading, table)
        return reading
    shared: Row = {"suite": "hyperfine", "config": {}, "status": "ok"}
    if isinstance(value, dict):
        start = (value.get("metadata") or {}).get("start_time")
        if start:
            dated(reading, shared, start, locator=pointer("metadata", "start_time"))
        entries = [(pointer("results", index), entry) for index, entry in enumerate(value["results"])]
    else:
        entries = [(locator, _cells(cells)) for locator, cells in document.csv.records()]
    names = Counter(str(entry.get("command")) for _, entry in entries)
    for locator, entry in entries:
        with refusing(reading, locator):
            command = str(entry["command"])
            row = {**shared, "locator": locator, "case": _case(command, entry, repeated=names[command] > 1)}
            if "summary" in entry:
                _add_second(reading, row, command, entry)
            else:
                _add(reading, row, command, entry)
    return reading


def _case(command: str, entry: Mapping[str, Any], *, repeated: bool) -> str:
    """The command; with its parameters where another entry has the same command (a name given with -n)."""
    parameters = entry.get("parameters")
    if not repeated or not isinstance(parameters, dict):
        return case_name(command) or "unnamed"
    words = [f"{key}:{item.get('value') if isinstance(item, dict) else item}" for key, item in parameters.items()]
    return case_name(":".join([command, *words])) or "unnamed"


def _cells(cells: dict[str, str]) -> dict[str, Any]:
    """A csv row in the layout of the json."""
    parameters = {key.removeprefix("parameter_"): cell for key, cell in cells.items() if key.startswith("parameter_")}
    entry: dict[str, Any] = {key: cell for key, cell in cells.items() if cell.strip()}
    if "time_wall_clock_unit" in cells:
        summary: dict[str, dict[str, str]] = {}
        for key, cell in entry.items():
            name, _, statistic = key.rpartition("_")
            if name:
                summary.setdefault(name, {})[statistic] = cell
        entry = {"command": cells["command"], "summary": summary}
    return {**entry, "parameters": parameters}


def _failed(reading: Reading, row: Row, command: str, codes: list[Any]) -> bool:
    """Add the failed record where the command failed."""
    broken = any(code != 0 for code in codes)
    if not broken and "[ERROR]" not in command:
        return False
    failed = fail(row, command if "[ERROR]" in command else None)
    if "[ERROR]" not in command:
        failed["error_kind"] = "nonzero_exit"
    reading.add("timings", failed)
    return True


def _timed(reading: Reading, row: Row) -> bool:
    """Add the row; False where its every time is 0, which is no measurement."""
    if not row.get("mean_s") and not row.get("max_s"):
        row = fail(row)
        row["error_kind"] = "no_output"
        reading.add("timings", row)
        return False
    if row.get("std_s") is not None:
        row["ddof"] = 1
    reading.add("timings", row)
    return True


def _add(reading: Reading, row: Row, command: str, entry: Mapping[str, Any]) -> None:
    locator = row["locator"]
    if _failed(reading, row, command, entry.get("exit_codes") or []):
        return
    times = entry.get("times")
    if isinstance(times, list) and times:
        row["n"] = len(times)
    statistics(row, entry, _FIELDS, None, locator=locator)
    if not _timed(reading, row):
        return
    for source, metric in _CPU.items():
        value = number(entry.get(source), locator=locator, field=source)
        extra(reading, row, metric, "mean", value, n=row.get("n"))
    samples(reading, row, times, None, locator=locator + pointer("times"))
    memory = entry.get("memory_usage_byte")
    place = locator + pointer("memory_usage_byte")
    samples(reading, row, memory, None, locator=place, metric="peak_memory_bytes")


def _runs(entry: Mapping[str, Any], metric: str) -> Iterator[tuple[int, float, str]]:
    for index, run in enumerate(entry.get("measurements") or ()):
        stated = run.get(metric)
        if isinstance(stated, dict) and stated.get("value") is not None:
            yield index, stated["value"], str(stated.get("unit") or "second")


def _add_second(reading: Reading, row: Row, command: str, entry: Mapping[str, Any]) -> None:
    """An entry of version 2: runs with value and unit each, and a summary by metric."""
    locator, runs = row["locator"], entry.get("measurements") or []
    if _failed(reading, row, command, [run["exit_code"] for run in runs if "exit_code" in run]):
        return
    wall = entry["summary"].get("time_wall_clock") or {}
    if runs or wall.get("count") is not None:
        row["n"] = len(runs) or int(wall["count"])
    statistics(row, wall, _FIELDS, str(wall.get("unit") or "second"), locator=locator)
    if not _timed(reading, row):
        return
    for source, metric in _SUMMARY.items():
        stated = entry["summary"].get(source) or {}
        value = number(stated.get("mean"), stated.get("unit"), locator=locator, field=source)
        extra(reading, row, metric, "mean", value, n=row.get("n"))
    if len(runs) > 1:
        for index, value, unit in _runs(entry, "time_wall_clock"):
            place = locator + pointer("measurements", index, "time_wall_clock", "value")
            extra(reading, row, "time_s", "sample", number(value, unit, locator=place), n=1, locator=place)


def _read_table(reading: Reading, table: Table) -> None:
    """The table prints "mean ± sd" in its unit, and in version 1 min and max."""
    header = table.header
    unit = _MEAN.match(header[1])[1]  # type: ignore[index]
    columns = {name.partition(" [")[0].lower(): index for index, name in enumerate(header)}
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
            found: dict[str, str] = {name: cells[columns[name]] for name in ("min", "max") if name in columns}
            found["mean"] = mean[1] if mean else cells[1]
            if mean and mean[2]:
                found["stddev"] = mean[2]
            statistics(row, found, _FIELDS, unit, locator=locator)
            for source, text in found.items():
                printed(reading, "timings", _FIELDS[source], [text], unit)
            _timed(reading, row)


READER = Reader(
    "hyperfine",
    1,
    matches,
    read,
    signs=Signs(keys=("results",), columns=("stddev", "time_wall_clock_unit"), words=("Mean [", "Mean Wall Time [")),
)
