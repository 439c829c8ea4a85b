"""nvidia-smi: csv of --query-gpu (units in the header and, without nounits, in every cell) and `dmon`, as
its table of text or as csv (two comment lines: names, units; repeated every few rows).

Each row is one record; its counters are rows of `system_samples`. [N/A], [Not Supported], "-" and the like
are missing, never 0. Times carry no zone. Columns that are no counter known here are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.periods import Instant, parse_instant
from chimera_pipeline.readers.cases import label, refusing
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import number
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Format, Reading, Row
from chimera_pipeline.units import canonical

_PERCENT, _WATT, _DEGREE, _CLOCK, _BYTES = "percent", "W", "degC", "MHz", "bytes"
_QUERY = {
    "utilization.gpu": ("gpu_utilization", _PERCENT),
    "utilization.memory": ("gpu_memory_utilization", _PERCENT),
    "utilization.encoder": ("gpu_encoder_utilization", _PERCENT),
    "utilization.decoder": ("gpu_decoder_utilization", _PERCENT),
    "memory.used": ("gpu_memory_used", _BYTES),
    "memory.free": ("gpu_memory_free", _BYTES),
    "memory.total": ("gpu_memory_total", _BYTES),
    "memory.reserved": ("gpu_memory_reserved", _BYTES),
    "power.draw": ("gpu_power", _WATT),
    "power.draw.average": ("gpu_power_average", _WATT),
    "power.draw.instant": ("gpu_power_instant", _WATT),
    "power.limit": ("gpu_power_limit", _WATT),
    "enforced.power.limit": ("gpu_power_limit_enforced", _WATT),
    "temperature.gpu": ("gpu_temperature", _DEGREE),
    "temperature.memory": ("gpu_memory_temperature", _DEGREE),
    "fan.speed": ("gpu_fan_speed", _PERCENT),
    "clocks.gr": ("gpu_clock_graphics", _CLOCK),
    "clocks.current.graphics": ("gpu_clock_graphics", _CLOCK),
    "clocks.sm": ("gpu_clock_sm", _CLOCK),
    "clocks.current.sm": ("gpu_clock_sm", _CLOCK),
    "clocks.mem": ("gpu_clock_memory", _CLOCK),
    "clocks.current.memory": ("gpu_clock_memory", _CLOCK),
    "clocks.video": ("gpu_clock_video", _CLOCK),
    "clocks.current.video": ("gpu_clock_video", _CLOCK),
}
_DMON = {
    "pwr": ("gpu_power", _WATT),
    "gtemp": ("gpu_temperature", _DEGREE),
    "mtemp": ("gpu_memory_temperature", _DEGREE),
    "sm": ("gpu_utilization", _PERCENT),
    "mem": ("gpu_memory_utilization", _PERCENT),
    "enc": ("gpu_encoder_utilization", _PERCENT),
    "dec": ("gpu_decoder_utilization", _PERCENT),
    "mclk": ("gpu_clock_memory", _CLOCK),
    "pclk": ("gpu_clock_graphics", _CLOCK),
    "fb": ("gpu_memory_used", _BYTES),
    "rxpci": ("gpu_pcie_received_per_s", "bytes/s"),
    "txpci": ("gpu_pcie_sent_per_s", "bytes/s"),
}
_UNITS = {"%": _PERCENT, "w": _WATT, "c": _DEGREE, "mhz": _CLOCK, "mib": "mib", "mb": "mib", "mb/s": "mb/s"}
_CELL = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(MiB|GiB|%|W|MHz|C)?\Z")
_HEAD = re.compile(r"([a-z_.]+)(?:\s*\[(\S+)\])?\Z")
_MISSING = re.compile(r"\[.*\]|-|N/A|", re.IGNORECASE)
_STAMP = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\Z")
_Counters = list[tuple[str, str, str | None, str]]
_NAMES = re.compile(r"#\s*(?:(?:Date|Time)[,\s]+)*(?:gpu)[,\s]", re.IGNORECASE)


def _query(header: list[str]) -> dict[str, tuple[str, str | None]]:
    """Known field -> (column, unit of the header)."""
    found = {}
    for column in header:
        parts = _HEAD.match(column.strip())
        if parts is not None and (parts[1] in _QUERY):
            found[parts[1]] = (column, parts[2])
    return found


def matches_query(document: Document) -> bool:
    """At least one known field with its unit in the header, or two without."""
    if document.text.lstrip()[:1] in ("{", "["):
        return False
    if not any(
        word in document.data[:4000] for word in (b"utilization.", b"memory.", b"power.", b"clocks.", b"temperature.")
    ):
        return False
    known = _query(document.columns())
    if len(known) < 2 and all(unit is None for _, unit in known.values()):
        return False
    return document.try_csv() is not None


def read_query(document: Document) -> Reading:
    """A row of `system_samples` for each counter of each csv row."""
    reading = Reading(kind="nvidia_smi", tool="nvidia-smi")
    table = document.csv
    known = _query(table.header)
    for locator, cells in table.records():
        if cells[table.header[0]].strip() == table.header[0]:
            continue
        with refusing(reading, locator):
            rows: list[Row] = []
            stamp = cells.get("timestamp", "").strip()
            moment = _moment(_instant(stamp, locator) if stamp else None)
            name = label(cells.get("name", "").strip()) or label(cells.get("gpu_name", "").strip())
            index = cells.get("index", "").strip() or cells.get("pci.bus_id", "").strip()
            shared = _shared(locator, moment, name, index)
            for field, (column, unit) in known.items():
                metric, shown = _QUERY[field]
                value = _value(cells[column], unit, shown, locator, column)
                if value is not None:
                    rows.append({**shared, "metric": metric, "value": value, "unit": shown, "config": {}})
            _add(reading, rows)
    return reading


def _instant(text: str, locator: str) -> Instant | None:
    """2023/05/01 10:11:12.123, local and without zone; or ISO 8601."""
    found = _STAMP.match(text)
    if found is not None:
        text = f"{found[1]}-{found[2]}-{found[3]}T{found[4]}" + (f".{found[5]}" if found[5] else "")
    return parse_instant(text, locator=locator)


def _value(text: str, unit: str | None, shown: str, locator: str, column: str) -> float | None:
    """A cell, with or without its own unit, in `shown`; None where the tool has no value."""
    text = text.strip()
    found = _CELL.match(text)
    if found is None:
        if _MISSING.fullmatch(text):
            return None
        place = f"{locator}, {column}"
        raise ArtifactError(Reason.BAD_NUMBER, f"{place}: not a number with a unit", locator=place, value=text[:40])
    value = number(found[1], locator=locator, field=column)
    stated = found[2] or unit
    if value is not None and shown == _BYTES:
        return canonical(value, (stated or "MiB").lower())
    if value is not None and stated is not None and _UNITS.get(stated.lower(), shown) != shown:
        place = f"{locator}, {column}"
        raise ArtifactError(
            Reason.UNKNOWN_UNIT, f"{place}: unit {redact.value(stated)!r}, expected {shown}", locator=place
        )
    return value


def _shared(locator: str, moment: Row, name: str | None, index: str) -> Row:
    """What the counters of one row have in common."""
    row: Row = {
        "locator": locator,
        "suite": "nvidia_smi",
        "device": f"gpu{index}" if index.isdigit() else label(index) or name or "gpu",
        "status": "ok",
    }
    if name is not None:
        row["hardware"] = name
    return row | moment


def _moment(instant: Instant | None) -> Row:
    """The columns of time, once for all counters of a row."""
    if instant is None:
        return {}
    at = instant.iso()
    return {"at": at, "measured_at": at, "time_naive": instant.naive}


def _add(reading: Reading, rows: list[Row]) -> None:
    for row in rows:
        reading.add("system_samples", row, counts=False)
    reading.records_ok += 1


def matches_dmon(document: Document) -> bool:
    """A first line of names that begins with "# gpu" (after Date and Time), and a known counter in it."""
    if document.format is Format.MARKDOWN or not document.text.lstrip().startswith("#"):
        return False
    first = document.text.lstrip().split("\n", 1)[0]
    return _NAMES.match(first) is not None and bool(set(_DMON) & set(_split(first))) and "pid" not in _split(first)


def _split(line: str) -> list[str]:
    """The cells of a line of names or values, whichever way it is laid out."""
    line = line.strip().lstrip("#").strip()
    return [cell.strip() for cell in line.split(",")] if "," in line else line.split()


def _dmon_rows(document: Document) -> Iterator[tuple[str, list[str], list[str], list[str]]]:
    """(locator, names, units, cells) of each line of values."""
    names: list[str] = []
    units: list[str] = []
    for index, line in enumerate(document.whole_lines, start=1):
        if line.lstrip().startswith("#"):
            if _NAMES.match(line.lstrip()):
                names, units = _split(line), []
            elif names and not units:
                units = _split(line)
        elif line.strip() and names:
            yield f"line {index}", names, units, _split(line)


def read_dmon(document: Document) -> Reading:
    """A row of `system_samples` for each counter of each line."""
    reading = Reading(kind="nvidia_smi", tool="nvidia-smi")
    for locator, names, stated, cells in _dmon_rows(document):
        if len(cells) != len(names):
            detail = f"{locator}: {len(cells)} of {len(names)} values"
            reading.reject(Reason.RAGGED_ROW, detail, locator=locator)
            continue
        record = {name.lower(): cell for name, cell in zip(names, cells, strict=True)}
        units = {name.lower(): unit for name, unit in zip(names, stated, strict=False)}
        with refusing(reading, locator):
            moment = _moment(_dmon_instant(record, locator))
            shared = _shared(locator, moment, None, record.get("gpu", ""))
            rows: list[Row] = []
            for name, (metric, shown) in _DMON.items():
                if name in record:
                    value = _dmon_value(record[name], units.get(name), shown, f"{locator}, {name}")
                    if value is not None:
                        rows.append({**shared, "metric": metric, "value": value, "unit": shown, "config": {}})
            _add(reading, rows)
    return reading


def _dmon_instant(record: dict[str, str], locator: str) -> Instant | None:
    """The date (20240104 or 2024/01/04) and time of a line, local and without zone; None without both."""
    date, time = record.get("date", ""), record.get("time", "")
    if not date or not time:
        return None
    digits = re.sub(r"\D", "", date)
    return parse_instant(f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{time}", locator=locator)


def _dmon_value(text: str, unit: str | None, shown: str, place: str) -> float | None:
    if _MISSING.fullmatch(text):
        return None
    value: Any = number(text, locator=place)
    if shown == _BYTES:
        return canonical(value, "mib")
    if shown == "bytes/s":
        return canonical(value, "megabyte")
    if unit is not None and _UNITS.get(unit.lower(), shown) != shown:
        raise ArtifactError(
            Reason.UNKNOWN_UNIT, f"{place}: unit {redact.value(unit)!r}, expected {shown}", locator=place
        )
    return float(value)


READERS = [
    Reader(
        "nvidia-smi-query",
        1,
        matches_query,
        read_query,
        signs=Signs(words=("utilization.", "memory.", "power.", "clocks.", "temperature.")),
    ),
    Reader("nvidia-smi-dmon", 1, matches_dmon, read_dmon, signs=Signs(words=("#",))),
]
