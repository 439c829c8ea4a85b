"""github-action-benchmark: its input [{name, unit, value, range?, extra?}] and its history data.js or json
{entries: {suite: [{commit{}, date, tool, benches[]}]}}.

`unit` decides: a time (ns/iter, ns/op, ms) is a row of `timings`, a rate (ops/sec, iter/sec) of
`throughputs`, anything else a tracked value in the unit the file states. `date` is when the action ran, in
ms; the commit's own dates are never used. `range` means something else in every tool and is not read; what
came from cargo is a median.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.cases import case_name, dated, label, refusing, statistics, unit_word
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row
from chimera_pipeline.units import canonical

_SCRIPT = re.compile(r"\s*window\.BENCHMARK_DATA\s*=\s*(?=\{)")
_TIME = re.compile(r"(ns|us|µs|μs|usec|msec|nsec|ms|s|sec|min)(?:/(iter|op|call|iteration))?\Z", re.IGNORECASE)
_UNITS = {"usec": "us", "msec": "ms", "nsec": "ns", "sec": "s", "μs": "us"}
_RATE = re.compile(r"(ops|iter|iterations|items|requests|req|tokens|bytes|b)/(?:s|sec|second)\Z", re.IGNORECASE)
_BYTES = {"b", "bytes", "kb", "mb", "gb", "kib", "mib", "gib", "kilobytes", "megabytes", "gigabytes"}
_MEDIANS = {"cargo"}
_ROUNDS = re.compile(r"\brounds: (\d{1,12})\b")


def _history(document: Document) -> Any:
    """The history, also where it is an assignment in a script; None where it is neither."""
    value = document.try_json()
    if value is None and document.text[:200].lstrip().startswith("window.BENCHMARK_DATA"):
        found = _SCRIPT.match(document.text)
        if found is not None:
            try:
                value = orjson.loads(document.text[found.end() :].rstrip().rstrip(";"))
            except orjson.JSONDecodeError as error:
                raise ArtifactError(
                    Reason.TRUNCATED, f"window.BENCHMARK_DATA is no whole object ({error.msg})"
                ) from None
    return value


def matches(document: Document) -> bool:
    """A list of name, unit and value; or entries of benches by suite."""
    if document.text[:200].lstrip().startswith("window.BENCHMARK_DATA"):
        return True
    value = document.try_json()
    if isinstance(value, list):
        return bool(value) and all(
            isinstance(entry, dict)
            and {"name", "unit", "value"} <= set(entry) <= {"name", "unit", "value", "range", "extra"}
            for entry in value
        )
    entries = value.get("entries") if isinstance(value, dict) else None
    return isinstance(entries, dict) and any(
        isinstance(run, dict) and "benches" in run
        for runs in entries.values()
        if isinstance(runs, list)
        for run in runs[:1]
    )


def read(document: Document) -> Reading:
    """A row for each value; in the history one run of the action after the other."""
    reading = Reading(kind="github_action_benchmark", tool="github-action-benchmark")
    value = _history(document)
    if isinstance(value, list):
        for index, bench in enumerate(value):
            with refusing(reading, pointer(index)):
                _add(reading, pointer(index), bench, {"suite": "custom"}, "custom")
        return reading
    for suite, runs in value["entries"].items():
        for index, run in enumerate(runs):
            place = pointer("entries", suite, index)
            with refusing(reading, place):
                _run(reading, place, suite, run)
    return reading


def _run(reading: Reading, place: str, suite: str, run: dict[str, Any]) -> None:
    commit = run.get("commit") or {}
    shared: Row = {"suite": label(suite)}
    identity = "-".join(str(part) for part in (str(commit.get("id") or "")[:12], run.get("date")) if part)
    if identity:
        shared["run_id"] = label(identity)
    if run.get("date") is not None:
        dated(reading, shared, run["date"], locator=place + pointer("date"))
    for index, bench in enumerate(run["benches"]):
        locator = place + pointer("benches", index)
        with refusing(reading, locator):
            _add(reading, locator, bench, shared, str(run.get("tool") or "custom"))


def _add(reading: Reading, locator: str, bench: dict[str, Any], shared: Row, tool: str) -> None:
    row: Row = {
        **shared,
        "locator": locator,
        "case": case_name(bench["name"]) or "unnamed",
        "config": {},
        "status": "ok",
    }
    unit = str(bench.get("unit") or "").strip()
    value = number(bench["value"], locator=locator, field="value")
    timed, rate = _TIME.match(unit), _RATE.match(unit)
    if timed is not None:
        column = "median_s" if tool in _MEDIANS else "mean_s"
        word = timed[1].lower()
        statistics(row, {"value": value}, {"value": column}, _UNITS.get(word, word), locator=locator)
        reading.add("timings", row)
    elif rate is not None:
        rounds = _ROUNDS.search(str(bench.get("extra") or ""))
        if rounds is not None:
            row["n"] = int(rounds[1])
        item = {"b": "bytes", "iter": "iterations", "req": "requests"}.get(rate[1].lower(), rate[1].lower())
        reading.add("throughputs", {**row, "rate_mean": value, "rate_unit": f"{item}/s"})
    else:
        reading.records_ok += 1
        shown = unit_word(unit)
        if unit.lower() in _BYTES and value is not None:
            value, shown = canonical(value, unit.lower()), "bytes"
        extra(reading, row, "tracked_value", "mean", value, unit=shown)


READER = Reader(
    "github-action-benchmark", 1, matches, read, signs=Signs(keys=("unit", "entries"), words=("window.BENCHMARK_DATA",))
)
