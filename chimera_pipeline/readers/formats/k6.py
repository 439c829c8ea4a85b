"""k6: the end-of-test summary, as --summary-export wrote it (statistics flat on each metric), as
handleSummary gets it ({metrics: {name: {type, contains, values{}}}, state{}}) and as
--new-machine-readable-summary writes it ({config, metadata, results: {metrics: []}}).

Milliseconds. http_req_failed is a rate of failures: its `passes` (or `matches`) are FAILED requests. Where
requests failed, the times of those that did not (http_req_duration{expected_response:true}) are used;
without them the tool's one distribution stands. Other time trends are rows of `timings`. The script in
`config` is never read.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline.readers.cases import case_name, dated, refusing, statistics
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_KNOWN = {
    "http_reqs",
    "http_req_duration",
    "iterations",
    "iteration_duration",
    "vus",
    "data_received",
    "checks",
}
_E2E = {"avg": "e2e_s_mean", "med": "e2e_s_p50", "p(50)": "e2e_s_p50", "p(90)": "e2e_s_p90",
        "p(95)": "e2e_s_p95", "p(99)": "e2e_s_p99"}  # fmt: skip
_TIMES = {"avg": "mean_s", "min": "min_s", "med": "median_s", "max": "max_s", "p(90)": "p90_s",
          "p(95)": "p95_s", "p(99)": "p99_s"}  # fmt: skip
_PHASES = frozenset(
    ["http_req_blocked", "http_req_connecting", "http_req_tls_handshaking", "http_req_sending",
     "http_req_waiting", "http_req_receiving", "iteration_duration", "group_duration"]
)  # fmt: skip
_SUCCEEDED = "http_req_duration{expected_response:true}"


def _metrics(value: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """Metric -> (pointer to its statistics, the statistics), in any of the three layouts."""
    if not isinstance(value, dict):
        return {}
    listed = value.get("results")
    if isinstance(listed, dict) and isinstance(listed.get("metrics"), list):
        return {
            str(entry["name"]): (pointer("results", "metrics", i, "values"), _classic(entry["values"]))
            for i, entry in enumerate(listed["metrics"])
            if isinstance(entry, dict) and "name" in entry and isinstance(entry.get("values"), dict)
        }
    metrics = value.get("metrics")
    if not isinstance(metrics, dict):
        return {}
    found = {}
    for name, entry in metrics.items():
        if isinstance(entry, dict):
            nested = isinstance(entry.get("values"), dict)
            place = pointer("metrics", name, "values") if nested else pointer("metrics", name)
            found[name] = (place, entry["values"] if nested else entry)
    return found


def _classic(values: dict[str, Any]) -> dict[str, Any]:
    """p90 as p(90), as the older summaries spell it."""
    return {
        (f"p({key[1:]})" if key[:1] == "p" and key[1:].replace(".", "").isdigit() else key): item
        for key, item in values.items()
    }


def matches(document: Document) -> bool:
    """Metrics by k6's own names, with a rate or a count each."""
    found = _metrics(document.try_json())
    if len(_KNOWN & set(found)) < 2:
        return False
    return any(
        {"rate", "count", "avg", "passes", "value", "total"} & set(values)
        for name, (_, values) in found.items()
        if name in _KNOWN
    )


def read(document: Document) -> Reading:
    """One row of `serving_runs`, and one of `timings` for each other time trend."""
    reading = Reading(kind="k6", tool="k6")
    value = document.json
    metrics = _metrics(value)
    shared: Row = {"suite": "k6", "config": {}, "status": "ok"}
    generated = (value.get("metadata") or {}).get("generated_at") if "results" in value else None
    if generated:
        dated(reading, shared, _microseconds(str(generated)), locator="/metadata/generated_at")
    with refusing(reading, "/metrics"):
        _run(reading, value, metrics, shared)
    for name, (place, values) in metrics.items():
        if name in _PHASES or _is_trend(value, name, values):
            with refusing(reading, place):
                _trend(reading, name, place, values, shared)
    return reading


def _microseconds(text: str) -> str:
    head, dot, rest = text.partition(".")
    digits = rest.rstrip("Z")
    return f"{head}.{digits[:6]}Z" if dot and rest.endswith("Z") and digits.isdigit() else text


def _is_trend(value: dict[str, Any], name: str, values: dict[str, Any]) -> bool:
    """A trend that states that it holds times, of one whole metric."""
    if "{" in name or name == "http_req_duration" or "avg" not in values:
        return False
    stated = value.get("metrics")
    entry = stated.get(name) if isinstance(stated, dict) else None
    if isinstance(entry, dict):
        return entry.get("contains") == "time"
    listed = (value.get("results") or {}).get("metrics") or []
    return any(item.get("name") == name and item.get("contains") == "time" for item in listed)


def _value(metrics: dict[str, tuple[str, dict[str, Any]]], name: str, *keys: str) -> float | None:
    place, values = metrics.get(name, ("", {}))
    for key in keys:
        if values.get(key) is not None:
            return number(values[key], locator=place, field=f"{name}.{key}")
    return None


def _run(reading: Reading, value: dict[str, Any], metrics: dict[str, tuple[str, dict[str, Any]]], shared: Row) -> None:
    total = _value(metrics, "http_reqs", "count")
    place, duration = metrics.get("http_req_duration", ("/metrics", {}))
    row: Row = {**shared, "locator": place}
    vus = _value(metrics, "vus_max", "max", "value")
    if vus is None:
        vus = _value(metrics, "vus", "max", "value")
    if vus is not None:
        row["concurrency"] = vus
        row["config"] = config({"concurrency": vus})
    milliseconds = (value.get("state") or {}).get("testRunDurationMs")
    seconds = (value.get("config") or {}).get("duration") if "results" in value else None
    if milliseconds is not None:
        row["duration_s"] = number(milliseconds, "ms", locator="/state/testRunDurationMs")
    elif isinstance(seconds, int | float):
        row["duration_s"] = number(seconds, locator="/config/duration")
    failed = _failed(metrics, total)
    if total is not None:
        row["requests_ok"] = count(total - (failed or 0), locator=place, field="http_reqs")
    if failed is not None:
        row["requests_failed"] = count(failed, locator=place, field="http_req_failed")
    if total is None or total == 0 or (failed is not None and failed >= total):
        row["status"], row["error_kind"] = "failed", "other" if total else "no_output"
        reading.add("serving_runs", row)
        return
    rate = _value(metrics, "http_reqs", "rate")
    if rate is not None:
        row["requests_per_s"] = rate
    n = int(total)
    if failed and _SUCCEEDED in metrics:
        place, duration = metrics[_SUCCEEDED]
        row["locator"], n = place, int(total - failed)
    for source, column in _E2E.items():
        if duration.get(source) is not None:
            row[column] = number(duration[source], "ms", locator=place, field=source)
    reading.add("serving_runs", row)
    for source, statistic in (("min", "min"), ("max", "max"), ("p(99.9)", "p99.9")):
        stated = number(duration.get(source), "ms", locator=place, field=source)
        extra(reading, row, "serving_e2e_s", statistic, stated, n=n)


def _failed(metrics: dict[str, tuple[str, dict[str, Any]]], total: float | None) -> float | None:
    """How many requests failed: `passes` of http_req_failed, else its rate times the requests."""
    stated = _value(metrics, "http_req_failed", "passes", "matches")
    if stated is not None:
        return stated
    rate = _value(metrics, "http_req_failed", "rate", "value")
    return None if rate is None or total is None else float(round(rate * total))


def _trend(reading: Reading, name: str, place: str, values: dict[str, Any], shared: Row) -> None:
    """One trend; a phase that never took place (all zero) is no measurement."""
    if not values.get("max") and not values.get("avg"):
        return
    row: Row = {**shared, "locator": place, "case": case_name(name) or "unnamed"}
    if values.get("count") is not None:
        row["n"] = count(values["count"], locator=place, field="count")
    statistics(row, values, _TIMES, "ms", locator=place)
    reading.add("timings", row, counts=False)


READER = Reader("k6", 1, matches, read, signs=Signs(keys=("metrics", "results")))
