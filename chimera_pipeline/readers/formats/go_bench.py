"""Go: lines of `go test -bench` ("BenchmarkX-8 100 123 ns/op 45 B/op"), and the same inside `go test
-json`.

ns/op is an average over the iterations of one timed loop, so each line is one sample (n = 1); -count gives
several lines of one name. goos, goarch, pkg and cpu lines hold for what follows them. "--- FAIL:
BenchmarkX" is a failed record. Only the json events carry a time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from chimera_pipeline.readers.cases import (
    case_name,
    dated,
    fail,
    label,
    printed,
    refusing,
    statistics,
    unit_word,
)
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import extra, number
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Format, Reading, Row
from chimera_pipeline.units import canonical

_LINE = re.compile(r"(Benchmark\S*)[ \t]+(\d+)[ \t]+([\d.]+(?:e[+-]?\d+)?[ \t]+\S.*)\Z")
_START = re.compile(r"^Benchmark\S*[ \t]+\d+[ \t]+[\d.]+(?:e[+-]?\d+)?[ \t]+\S*[A-Za-z]", re.MULTILINE)
_PAIR = re.compile(r"([\d.]+(?:e[+-]?\d+)?)[ \t]+(\S+)")
_WHOLE = re.compile(r"[ \t](?:[num]?s/op|B/op|allocs/op|MB/s)(?=[ \t]|\Z)")
_FAILED = re.compile(r"\s*--- FAIL: (Benchmark\S*)")
_KNOWN = {"B/op": "alloc_bytes", "allocs/op": "allocs"}
_TIMES = {"ns/op": "ns", "us/op": "us", "µs/op": "us", "ms/op": "ms", "s/op": "s", "sec/op": "s"}


def matches(document: Document) -> bool:
    """A line with a benchmark's result, in text or in the output of go test -json."""
    if document.format in (Format.MARKDOWN, Format.CSV) or b"Benchmark" not in document.data:
        return False
    if _START.search(document.text):
        return document.text.lstrip()[:1] not in ("{", "[")
    return _is_events(document) and any("/op" in line for line, _, _ in _events(document))


def _is_events(document: Document) -> bool:
    head = document.text.lstrip()[:300]
    return head.startswith("{") and '"Action"' in head and bool(document.try_json_lines())


def _events(document: Document) -> Iterator[tuple[str, str, str | None]]:
    """Whole lines of output with the line of the file and the time at which each ended."""
    pending: dict[str, list[str]] = defaultdict(list)
    for locator, event in document.try_json_lines():
        if event.get("Action") != "output":
            continue
        package, output = str(event.get("Package")), str(event.get("Output", ""))
        pending[package].append(output)
        if "\n" not in output:
            continue
        *whole, rest = "".join(pending.pop(package)).split("\n")
        for line in whole:
            yield line, locator, event.get("Time")
        pending[package].append(rest)


def _lines(document: Document) -> Iterator[tuple[str, str, str | None]]:
    if document.text.lstrip()[:1] == "{":
        yield from _events(document)
        return
    *whole, last = document.text.split("\n")
    for index, line in enumerate(whole, start=1):
        yield line, f"line {index}", None
    yield _uncut(last), f"line {len(whole) + 1}", None


def _uncut(line: str) -> str:
    """A last line without line end, up to its last whole unit."""
    found = list(_WHOLE.finditer(line))
    return line[: found[-1].end()] if found else ""


def read(document: Document) -> Reading:
    """One row of `timings` a result line; MB/s and other rates are rows of `throughputs`."""
    reading = Reading(kind="go_bench", tool="go-bench")
    shared: Row = {"suite": "go"}
    for line, locator, at in _lines(document):
        key, _, text = line.partition(": ")
        if key == "pkg":
            shared["suite"] = label(text)
        elif key == "cpu":
            shared["hardware"] = label(text)
        found = _LINE.match(line.rstrip())
        broken = _FAILED.match(line)
        if found is None and broken is None:
            continue
        name = found[1] if found is not None else broken[1]  # type: ignore[index]
        row: Row = {
            **shared,
            "locator": locator,
            "case": case_name(name) or "unnamed",
            "config": {},
            "status": "ok",
        }
        with refusing(reading, locator):
            if at is not None:
                dated(reading, row, _microseconds(at), locator=locator)
            if found is None:
                reading.add("timings", fail(row))
            else:
                _add(reading, row, found[3])
    return reading


def _microseconds(at: str) -> str:
    """Go prints nanoseconds, which datetime cannot hold."""
    return re.sub(r"(\.\d{6})\d+", r"\1", str(at))


def _add(reading: Reading, row: Row, text: str) -> None:
    pairs = {unit: value for value, unit in _PAIR.findall(text)}
    timed = next((unit for unit in _TIMES if unit in pairs), None)
    if timed is not None:
        statistics(row, {timed: pairs[timed]}, {timed: "mean_s"}, _TIMES[timed], locator=row["locator"])
        printed(reading, "timings", "mean_s", [pairs[timed]], _TIMES[timed])
        row["n"] = 1
        reading.add("timings", row)
    else:
        reading.records_ok += 1
    for unit, stated in pairs.items():
        value = number(stated, locator=row["locator"], field=unit)
        if unit in _KNOWN:
            extra(reading, row, _KNOWN[unit], "mean", value, n=1)
        elif unit.endswith("/s"):
            _rate(reading, row, unit, value)
        elif unit not in _TIMES:
            named = {**row, "case": f"{row['case']}:{unit_word(unit)}"}
            extra(reading, named, "tracked_value", "mean", value, n=1, unit=unit_word(unit))


def _rate(reading: Reading, row: Row, unit: str, value: float | None) -> None:
    kept = {key: item for key, item in row.items() if key != "mean_s"}
    kept |= {"n": 1, "rate_mean": value, "rate_unit": unit_word(unit)}
    if unit == "MB/s" and value is not None:
        kept |= {"rate_mean": canonical(value, "megabyte"), "rate_unit": "bytes/s"}
    kept["case"] = f"{row['case']}:{kept['rate_unit'].removesuffix('/s')}"
    reading.add("throughputs", kept, counts=False)


READER = Reader("go-bench", 1, matches, read, signs=Signs(keys=("Action",), words=("Benchmark",)))
