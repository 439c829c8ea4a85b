"""k6 point streams: `--out json` ({metric, type: "Point", data: {time, value, tags{}}} a line) and `--out
csv`.

Each http_req_duration is one request in milliseconds, whole (sending, waiting, receiving). Failed: the tag
expected_response is false, or there is an error code. The other metrics of the stream are parts of the same
requests and are not read. URLs stay out: the tag `name` is the workload only where it is a plain name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.readers.cases import dated, refusing
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import number
from chimera_pipeline.readers.reader import Column, Flat, Reader, Sign, Signs
from chimera_pipeline.records import Reading, Row

_COLUMNS = {"metric_name", "timestamp", "metric_value"}
_METRIC = "http_req_duration"
_NANOSECONDS = re.compile(r"(\.\d{6})\d+")


def matches(document: Document) -> bool:
    """Lines of type Metric and Point, or the csv's columns."""
    head = document.data[:4000]
    if b'"Point"' in head or b'"type":"Metric"' in head.replace(b" ", b""):
        return any(
            entry.get("type") == "Point" and "metric" in entry and isinstance(entry.get("data"), dict)
            for _, entry in document.try_json_lines()[:400]
        )
    if b"metric_name" not in head or document.text.lstrip()[:1] in ("{", "["):
        return False
    table = document.try_csv()
    return table is not None and set(table.header) >= _COLUMNS


def _points(document: Document) -> Iterator[tuple[str, Any, Any, dict[str, Any]]]:
    """(locator, value, time, tags) of each request."""
    lines = document.try_json_lines()
    for locator, entry in lines:
        data = entry.get("data")
        if entry.get("type") == "Point" and entry.get("metric") == _METRIC and isinstance(data, dict):
            tags = data.get("tags")
            yield locator, data.get("value"), data.get("time"), tags if isinstance(tags, dict) else {}
    if not lines:
        for locator, cells in document.csv.records():
            if cells["metric_name"] == _METRIC:
                yield locator, cells["metric_value"], cells["timestamp"], cells


def read(document: Document) -> Reading:
    """One row of `llm_requests` a request."""
    reading = Reading(kind="k6_points", tool="k6")
    for locator, value, time, tags in _points(document):
        with refusing(reading, locator):
            row: Row = {"locator": locator, "suite": "k6", "config": {}, "status": "ok"}
            name = redact.name(tags.get("name"))
            if name is not None and "://" not in name and not name.startswith("name#"):
                row["workload"] = name
            stamp = _NANOSECONDS.sub(r"\1", time) if isinstance(time, str) else time
            dated(reading, row, stamp, locator=locator)
            wrong = tags.get("error_code")
            if str(tags.get("expected_response")).lower() == "false" or wrong:
                row["status"] = "failed"
                row["error_kind"] = redact.error_kind(tags.get("error") or tags.get("status")) or "other"
            else:
                row["total_s"] = number(value, "ms", locator=locator, field=_METRIC)
            reading.add("llm_requests", row)
    return reading


def flat(header: Sequence[str]) -> Flat:
    """Each row of the metric is one request."""
    signs = (Sign("expected_response", frozenset(["false"])), Sign("error_code", frozenset([None]), others=True))
    return Flat(
        table="llm_requests",
        kind="k6_points",
        numbers=(Column("metric_value", "total_s", "ms"),),
        by=frozenset({"name"} & set(header)),
        time="timestamp",
        failed=tuple(sign for sign in signs if sign.column in header),
        failed_unread=True,
        only=("metric_name", _METRIC),
    )


READER = Reader(
    "k6-points", 1, matches, read, flat=flat, signs=Signs(keys=("type",), columns=("metric_name",), words=('"Point"',))
)
