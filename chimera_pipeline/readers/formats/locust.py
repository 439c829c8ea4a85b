"""locust: stats csv, stats history, failures and exceptions csv, and the json of --json.

Milliseconds, without saying so. Percentiles are bucketed by the tool (to 1, 10, 100 ms) and their precision
says so. The "Aggregated" row repeats the others and is left out. Response times include those of failed
requests: the tool keeps one distribution. The history holds windows over the last seconds: they are samples
of the load, not of independent requests, and go to `system_samples`. Failures are already counted in the
statistics.
"""

from __future__ import annotations

import math
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import Reason
from chimera_pipeline.periods import parse_instant
from chimera_pipeline.readers.cases import dated, label, printed, refusing
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import count, extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import ArtifactStatus, Reading, Row

_ALIASES = {
    "Request Count": ("Request Count", "# requests"),
    "Failure Count": ("Failure Count", "# failures"),
    "Median": ("Median Response Time", "Median response time"),
    "Average": ("Average Response Time", "Average response time"),
    "Min": ("Min Response Time", "Min response time"),
    "Max": ("Max Response Time", "Max response time"),
    "Type": ("Type", "Method"),
}
_PERCENTILES = {"90%": "e2e_s_p90", "95%": "e2e_s_p95", "99%": "e2e_s_p99"}
_EXTRA_PERCENTILES = {"75%": "p75", "99.9%": "p99.9"}
_HISTORY = {"Timestamp", "Type", "Name", "Requests/s"}
_FAILURES = {"Name", "Error", "Occurrences"}
_EXCEPTIONS = {"Count", "Message", "Traceback"}
_JSON = {"num_requests", "num_failures", "total_response_time", "response_times"}
_WINDOWS = {
    "User Count": ("load_users", None, "users"),
    "Requests/s": ("load_requests_per_s", None, "requests/s"),
    "Failures/s": ("load_failures_per_s", None, "requests/s"),
    "50%": ("load_response_time_p50", "ms", "s"),
    "95%": ("load_response_time_p95", "ms", "s"),
}


def _cell(record: dict[str, Any], name: str) -> Any:
    for alias in _ALIASES[name]:
        if alias in record:
            return record[alias]
    return None


def _shape(document: Document) -> str | None:
    value = document.try_json()
    if isinstance(value, list):
        entries = value[:4]
        whole = bool(entries) and all(isinstance(entry, dict) and set(entry) >= _JSON for entry in entries)
        return "json" if whole else None
    table = document.try_csv() if value is None else None
    if table is None:
        return None
    header = set(table.header)
    if header >= _HISTORY:
        return "history"
    if header >= _FAILURES:
        return "failures"
    if header >= _EXCEPTIONS:
        return "exceptions"
    named = all(header & set(_ALIASES[name]) for name in ("Request Count", "Failure Count", "Average"))
    return "stats" if named and "Name" in header and "Timestamp" not in header else None


def matches(document: Document) -> bool:
    """The columns of one of the four csv files, or the keys of the json."""
    return _shape(document) is not None


def read(document: Document) -> Reading:
    """One row of `serving_runs` an endpoint; the history as rows of `system_samples`."""
    shape = _shape(document)
    reading = Reading(kind="locust_history" if shape == "history" else "locust", tool="locust")
    if shape == "json":
        for index, entry in enumerate(document.json):
            with refusing(reading, pointer(index)):
                _entry(reading, pointer(index), entry)
    elif shape == "stats":
        for locator, cells in document.csv.records():
            if cells["Name"].strip() not in ("Aggregated", "Total"):
                with refusing(reading, locator):
                    _stats(reading, locator, cells)
    elif shape == "history":
        for locator, cells in document.csv.records():
            with refusing(reading, locator):
                _window(reading, locator, cells)
    else:
        _failures(document, reading)
    return reading


def _identity(locator: str, kind: Any, name: Any) -> Row:
    return {
        "locator": locator,
        "suite": "locust",
        "workload": label(f"{kind or ''} {name}".strip()),
        "config": {},
        "status": "ok",
    }


def _requests(row: Row, requests: Any, failures: Any) -> int:
    """Put the counts into `row`; the number of requests."""
    total = count(requests, locator=row["locator"], field="Request Count") or 0
    failed = count(failures, locator=row["locator"], field="Failure Count") or 0
    row["requests_ok"], row["requests_failed"] = max(total - failed, 0), failed
    if failed >= total:
        row["status"], row["error_kind"] = "failed", "other" if total else "no_output"
    return total


def _stats(reading: Reading, locator: str, cells: dict[str, str]) -> None:
    row = _identity(locator, _cell(cells, "Type"), cells["Name"])
    total = _requests(row, _cell(cells, "Request Count"), _cell(cells, "Failure Count"))
    if row["status"] == "failed":
        reading.add("serving_runs", row)
        return
    row["requests_per_s"] = number(cells.get("Requests/s"), locator=locator, field="Requests/s")
    row["e2e_s_mean"] = number(_cell(cells, "Average"), "ms", locator=locator, field="Average")
    median = cells.get("50%") or _cell(cells, "Median")
    for text, column in [(median, "e2e_s_p50"), *((cells.get(k), v) for k, v in _PERCENTILES.items())]:
        row[column] = number(text, "ms", locator=locator, field=column)
        _bucketed(reading, column, row[column])
    reading.add("serving_runs", row)
    for name, statistic in (("Min", "min"), ("Max", "max")):
        value = number(_cell(cells, name), "ms", locator=locator, field=name)
        extra(reading, row, "serving_e2e_s", statistic, value, n=total)
    for name, statistic in _EXTRA_PERCENTILES.items():
        value = number(cells.get(name), "ms", locator=locator, field=name)
        extra(reading, row, "serving_e2e_s", statistic, value, n=total)
    printed(reading, "serving_runs", "e2e_s_mean", [str(_cell(cells, "Average"))], "ms")


def _bucketed(reading: Reading, column: str, value: float | None) -> None:
    """The tool rounds to two digits: 1 ms below 100 ms, 10 ms below 1 s, 100 ms below 10 s."""
    if value:
        digits = max(0, math.floor(math.log10(value * 1000)) - 1)
        known = reading.precision.setdefault("serving_runs", {})
        known[column] = max(known.get(column, 0.0), 0.5e-3 * 10**digits)


def _entry(reading: Reading, locator: str, entry: dict[str, Any]) -> None:
    row = _identity(locator, entry.get("method"), entry["name"])
    total = _requests(row, entry["num_requests"], entry["num_failures"])
    start, last = number(entry.get("start_time")), number(entry.get("last_request_timestamp"))
    if start is not None:
        dated(reading, row, start, locator=locator + pointer("start_time"))
    if start is not None and last is not None and last > start:
        row["duration_s"] = last - start
    if row["status"] == "ok":
        timed = total - (count(entry.get("num_none_requests"), locator=locator) or 0)
        spent = number(entry["total_response_time"], "ms", locator=locator, field="total_response_time")
        if timed > 0 and spent is not None:
            row["e2e_s_mean"] = spent / timed
        for name, statistic in (("min_response_time", "min"), ("max_response_time", "max")):
            value = number(entry.get(name), "ms", locator=locator, field=name)
            extra(reading, row, "serving_e2e_s", statistic, value, n=total)
    reading.add("serving_runs", row)


def _window(reading: Reading, locator: str, cells: dict[str, str]) -> None:
    instant = parse_instant(cells["Timestamp"], locator=locator)
    name = cells["Name"]
    for column, (metric, unit, shown) in _WINDOWS.items():
        value = number(cells.get(column), unit, locator=locator, field=column)
        if value is None or (unit is not None and value == 0):
            continue
        row: Row = {
            "locator": locator,
            "suite": "locust",
            "device": "load" if name == "Aggregated" else label(f"{cells['Type']} {name}".strip()),
            "metric": metric,
            "value": value,
            "unit": shown,
            "config": {},
            "status": "ok",
        }
        if instant is not None:
            row |= {"at": instant.iso(), "measured_at": instant.iso(), "time_naive": instant.naive}
        reading.add("system_samples", row, counts=False)
    reading.records_ok += 1


def _failures(document: Document, reading: Reading) -> None:
    """Kinds of failure with how often each occurred; they are counted in the statistics file already."""
    table = document.csv
    if "Traceback" in table.header:
        reading.status = ArtifactStatus.DOCUMENT
        reading.detail = f"{len(table.rows)} kinds of exception in the load script; they are no requests"
        return
    reading.records_failed = len(table.rows)
    kinds: dict[str, int] = {}
    for locator, cells in table.records():
        with refusing(reading, locator):
            often = count(cells["Occurrences"], locator=locator) or 0
            kind = redact.error_kind(cells["Error"]) or "other"
            kinds[kind] = kinds.get(kind, 0) + often
    if kinds:
        reading.status, reading.reason = ArtifactStatus.DERIVED, Reason.SUMMARY_OF_ROWS
        listed = ", ".join(f"{often} {kind}" for kind, often in sorted(kinds.items()))
        reading.detail = f"failures by kind ({listed}); the statistics file counts them"
    else:
        reading.status = ArtifactStatus.DOCUMENT
        reading.detail = "header only: nothing failed"


READER = Reader(
    "locust",
    1,
    matches,
    read,
    signs=Signs(
        keys=("num_requests",), columns=("Requests/s", "Occurrences", "Traceback", "Failure Count", "# failures")
    ),
)
