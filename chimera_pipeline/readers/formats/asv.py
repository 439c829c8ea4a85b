"""asv: results/MACHINE/<commit>-<environment>.json, version 2 (result_columns) and version 1.

`date` is the date of the commit and never dates a measurement; `started_at` (epoch in ms) does, per
benchmark. The values of a parametrized benchmark stand in the order of itertools.product over its params:
null failed, NaN was skipped. A value with statistics is the median of its samples; one without (before asv
0.3) is the fastest. time_ is seconds, mem_ and peakmem_ are bytes; the unit of track_ is in another file. A
benchmark counts as one record.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from chimera_pipeline.readers.cases import case_name, dated, fail, label, refusing, samples
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import ArtifactStatus, Reading, Row

_QUARTILES = {"q_25": "p25", "q_75": "p75"}
_BYTES = {"mem": "object_bytes", "peakmem": "peak_memory_bytes"}
_SKIPPED = "skipped"


def matches(document: Document) -> bool:
    """A commit and its results by benchmark; or the tool's own benchmarks.json and machine.json."""
    value = document.try_json()
    if not isinstance(value, dict):
        return False
    if "commit_hash" in value and isinstance(value.get("results"), dict):
        return True
    return _is_metadata(value)


def _is_metadata(value: dict[str, Any]) -> bool:
    if {"arch", "machine", "os", "ram"} <= set(value):
        return all(not isinstance(item, dict | list) for item in value.values())
    if value.get("version") not in (1, 2) or len(value) < 2:
        return False
    return all(
        key == "version" or (isinstance(item, dict) and {"name", "code", "type"} <= set(item))
        for key, item in value.items()
    )


def read(document: Document) -> Reading:
    """One row of `timings` a timed case; memory and tracked values go to `measurements`."""
    reading = Reading(kind="asv", tool="asv")
    value = document.json
    if _is_metadata(value):
        reading.status = ArtifactStatus.DOCUMENT
        reading.detail = "what asv knows of its benchmarks and machines; the results are in other files"
        return reading
    if document.nonfinite:
        value = json.loads(document.text, parse_constant=lambda word: _SKIPPED if word == "NaN" else None)
    shared = _shared(value)
    columns = value.get("result_columns")
    started = value.get("started_at") if isinstance(value.get("started_at"), dict) else {}
    for name, stored in value["results"].items():
        locator = pointer("results", name)
        with refusing(reading, locator):
            if isinstance(columns, list) and isinstance(stored, list):
                record = dict(zip(columns, stored, strict=False))
                places = {column: f"{locator}/{index}" for index, column in enumerate(columns)}
            elif isinstance(stored, dict):
                record, places = stored, {column: locator + pointer(column) for column in stored}
            else:
                record, places = {"result": stored}, {"result": locator}
            record.setdefault("started_at", started.get(name))
            _Benchmark(reading, name, record, places, shared).add()
    if not any("median_s" in row for row in reading.rows.get("timings", ())):
        reading.kind = "asv_fastest"
    return reading


def _shared(value: dict[str, Any]) -> Row:
    params = value.get("params") or {}
    needs = value.get("requirements")
    environment = value.get("env_name")
    python = str(value.get("python") or params.get("python") or "")
    if not environment and isinstance(needs, dict):
        environment = "-".join([f"py{python}", *(f"{key}{needs[key] or ''}" for key in sorted(needs))])
    row: Row = {
        "suite": "asv",
        "hardware": label(params.get("cpu")) or label(params.get("machine")),
        "run_id": label(str(value["commit_hash"])[:12]),
        "config": config({"environment": label(environment)}),
        "engine": label(f"Python-{python}") if re.fullmatch(r"[\d.]+|pypy[\d.]*", python) else None,
    }
    return {key: item for key, item in row.items() if item is not None}


class _Benchmark:
    """One benchmark of the file: its columns, and the JSON pointer of each."""

    def __init__(
        self,
        reading: Reading,
        name: str,
        record: dict[str, Any],
        places: dict[str, str],
        shared: Row,
    ) -> None:
        self.reading, self.name, self.record, self.places, self.shared = reading, name, record, places, shared
        self.results = record.get("result")
        self.function = name.rpartition(".")[2].lower()

    def add(self) -> None:
        """Add what the benchmark measured and count it: failed where every value of it failed."""
        many = isinstance(self.results, list)
        values = self.results if isinstance(self.results, list) else [self.results]
        place = self.places["result"]
        failed = 0
        for index, (value, words) in enumerate(zip(values, self._combinations(len(values)), strict=True)):
            if value == _SKIPPED:
                continue
            row = self._row(words, f"{place}/{index}" if many else place)
            if value is None:
                failed += 1
                self.reading.add("timings", fail(row), counts=False)
            else:
                self._measured(row, index, number(value, locator=row["locator"], field="result"))
        if failed == len(values):
            self.reading.records_failed += 1
        else:
            self.reading.records_ok += 1

    def _combinations(self, length: int) -> list[tuple[Any, ...]]:
        params = self.record.get("params") or []
        found = list(itertools.islice(itertools.product(*params), length + 1)) if params else [()]
        if len(found) != length and self.results is None:
            return [()] * length
        if len(found) != length:
            raise ValueError("results and parameters do not pair up")
        return found

    def _row(self, words: tuple[Any, ...], locator: str) -> Row:
        text = ":".join([self.name, *(str(word).strip("'\"") for word in words)])
        row: Row = {**self.shared, "locator": locator, "case": case_name(text) or "unnamed", "status": "ok"}
        started = self.record.get("started_at")
        if started is not None:
            dated(self.reading, row, started, locator=locator)
        return row

    def _measured(self, row: Row, index: int, value: float | None) -> None:
        kind = re.match(r"timeraw|time|peakmem|mem", self.function)
        if kind is None or kind[0] in _BYTES:
            metric = _BYTES[kind[0]] if kind is not None else "tracked_value"
            unit = None if kind is not None else "as stated"
            extra(self.reading, row, metric, "sample", value, n=1, unit=unit)
            return
        stats = self._stats(index)
        if stats:
            row["n"] = count(stats.get("repeat"), locator=row["locator"], field="repeat")
        row["median_s" if stats else "min_s"] = value
        self.reading.add("timings", row, counts=False)
        for source, statistic in _QUARTILES.items():
            place = self.places.get(f"stats_{source}")
            place = f"{place}/{index}" if place else f"{self.places.get('stats')}/{index}/{source}"
            value = _finite(stats.get(source))
            if row.get("n") != 1:
                extra(self.reading, row, "time_s", statistic, value, n=row.get("n"), locator=place)
        raw = self.record.get("samples")
        if isinstance(raw, list) and index < len(raw):
            samples(self.reading, row, raw[index], None, locator=f"{self.places['samples']}/{index}")

    def _stats(self, index: int) -> dict[str, Any]:
        stored = self.record.get("stats")
        if isinstance(stored, list):
            one = stored[index] if index < len(stored) else None
            return one if isinstance(one, dict) else {}
        found = {}
        for column, values in self.record.items():
            if column.startswith("stats_") and isinstance(values, list) and index < len(values):
                found[column.removeprefix("stats_")] = values[index]
        return found if _finite(found.get("q_25")) is not None or found.get("repeat") is not None else {}


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


READER = Reader("asv", 1, matches, read, takes_nonfinite=True, signs=Signs(keys=("commit_hash", "arch", "version")))
