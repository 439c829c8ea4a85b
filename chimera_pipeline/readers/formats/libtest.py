"""libtest (cargo bench): "test x ... bench: 18,149 ns/iter (+/- 755)", and its json lines {"type":
"bench"}.

The number is the median of the samples, and the other one is max - min, which is no standard deviation.
Criterion's `--output-format bencher` prints its estimate in the same words and cannot be told apart. "= 12
MB/s" is a rate. A test marked FAILED between them is a failed record.
"""

from __future__ import annotations

import re

from chimera_pipeline.readers.cases import case_name, fail, grouped, printed, refusing, statistics, unit_word
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import extra, number
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Format, Reading, Row
from chimera_pipeline.units import canonical

_BENCH = re.compile(
    r"test (\S.*?)[ \t]+\.\.\. bench:[ \t]+([\d.,]+) ([^\s/]+)/(\S+) \(\+/- ([\d.,]+)\)(?: = ([\d.,]+) MB/s)?"
)
_FAILED = re.compile(r"test (\S.*?)[ \t]+\.\.\. FAILED")
_TIMES = frozenset({"ns", "us", "µs", "ms", "s"})


def matches(document: Document) -> bool:
    """A bench line, or json lines of type bench."""
    if document.format in (Format.MARKDOWN, Format.CSV) or b"bench" not in document.data:
        return False
    if b"... bench:" in document.data:
        return _BENCH.search(document.text) is not None and document.text.lstrip()[:1] not in ("{", "[")
    head = document.text.lstrip()[:200]
    return (
        head.startswith("{")
        and '"type"' in head
        and any(entry.get("type") == "bench" and "median" in entry for _, entry in document.try_json_lines())
    )


def read(document: Document) -> Reading:
    """One row of `timings` a bench."""
    reading = Reading(kind="libtest", tool="libtest")
    if document.text.lstrip()[:1] == "{":
        _read_lines(document, reading)
        return reading
    for index, line in enumerate(document.text.split("\n"), start=1):
        locator = f"line {index}"
        found = _BENCH.search(line)
        broken = None if found else _FAILED.match(line)
        if found is not None:
            with refusing(reading, locator):
                _add(reading, locator, found)
        elif broken is not None:
            reading.add("timings", fail(_row(locator, broken[1])))
    return reading


def _row(locator: str, name: str) -> Row:
    return {
        "locator": locator,
        "suite": "libtest",
        "case": case_name(name) or "unnamed",
        "config": {},
        "status": "ok",
    }


def _add(reading: Reading, locator: str, found: re.Match[str]) -> None:
    row = _row(locator, found[1])
    value, unit = grouped(found[2]), found[3]
    if unit not in _TIMES:
        reading.records_ok += 1
        stated = number(value, locator=locator, field=unit)
        extra(reading, row, "tracked_value", "median", stated, unit=unit_word(f"{unit}/{found[4]}"))
        return
    statistics(row, {"median": value}, {"median": "median_s"}, unit, locator=locator)
    printed(reading, "timings", "median_s", [value], unit)
    reading.add("timings", row)
    if found[6]:
        rate = number(grouped(found[6]), locator=locator, field="MB/s")
        _rate(reading, row, rate, "megabyte")


def _rate(reading: Reading, row: Row, rate: float | None, unit: str) -> None:
    if rate is None:
        return
    kept = {key: item for key, item in row.items() if key != "median_s"}
    kept |= {"rate_mean": canonical(rate, unit), "rate_unit": "bytes/s"}
    reading.add("throughputs", kept, counts=False)


def _read_lines(document: Document, reading: Reading) -> None:
    for locator, entry in document.json_lines:
        if entry.get("type") == "bench":
            with refusing(reading, locator):
                row = _row(locator, str(entry["name"]))
                statistics(row, entry, {"median": "median_s"}, "ns", locator=locator)
                reading.add("timings", row)
                _rate(reading, row, number(entry.get("mib_per_second"), locator=locator), "mebibyte")
        elif entry.get("type") == "test" and entry.get("event") == "failed":
            reading.add("timings", fail(_row(locator, str(entry.get("name")))))


READER = Reader("libtest", 1, matches, read, signs=Signs(keys=("type",), words=("... bench:", '"bench"')))
