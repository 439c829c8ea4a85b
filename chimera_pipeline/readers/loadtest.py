"""What the formats of load-test tools share: a distribution goes into the columns of `serving_runs`,
what has no column into `measurements`, a point of which no request succeeded keeps its counts and
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.fields import count, extra, extras, measured, number
from chimera_pipeline.records import Reading, Row

LATENCIES = {
    "ttft": "serving_ttft_s",
    "tpot": "serving_tpot_s",
    "itl": "serving_itl_s",
    "e2e": "serving_e2e_s",
}
_IN_ROW = frozenset({"mean", "std", "p50", "p90", "p95", "p99"})
_MEASURED = ("duration_s", "requests_per_s", "output_tokens_per_s", "total_tokens_per_s")


def mapping(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """`value` where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def first(*values: Any) -> Any:
    """The first value that is not None, blank or empty."""
    for value in values:
        if value is not None and value != "" and value != [] and value != {}:
            return value
    return None


def one(value: Any) -> Any:
    """A value, or the only item of a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def checked(
    reading: Reading, value: Any, unit: str | None, *, locator: str, field: str, negative: bool = False
) -> float | None:
    """`value` in the canonical unit; None where blank or refused, and a refusal is recorded."""
    try:
        parsed = number(value, unit, locator=locator, field=field)
    except ArtifactError as refused:
        reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
        return None
    if parsed is not None and parsed < 0 and not negative:
        shown = redact.value(value)
        reading.reject(
            Reason.OUT_OF_RANGE,
            f"{locator}: {field} is {shown}, which is impossible",
            locator=locator,
            value=shown,
        )
        return None
    return parsed


def whole(reading: Reading, value: Any, *, locator: str, field: str) -> int | None:
    """`value` as a whole number of 0 or more; None where blank or refused, and a refusal is recorded."""
    try:
        parsed = count(value, locator=locator, field=field)
    except ArtifactError as refused:
        reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
        return None
    if parsed is not None and parsed < 0:
        checked(reading, parsed, None, locator=locator, field=field)
        return None
    return parsed


def dated(reading: Reading, row: Row, value: Any, *, locator: str) -> None:
    """Put the instant that a file states into `row`; a time that is none is refused, the row stays."""
    try:
        measured(row, value, locator=locator)
    except (ArtifactError, OverflowError) as refused:
        detail = f"{locator}: time is not ISO 8601 or an epoch"
        shown = getattr(refused, "value", None)
        reading.reject(Reason.BAD_TIME, detail, locator=locator, value=shown)


def distribution(
    reading: Reading,
    row: Row,
    name: str,
    statistics: Mapping[str, Any],
    unit: str | None,
    *,
    n: int | None,
    locator: str,
    ddof: int | None = None,
) -> None:
    """Put the statistics of one metric where they belong.

    `name` is ttft, tpot, itl or e2e, or a metric of schemas/metrics.yaml; the identity of `row` is complete.
    """
    metric = LATENCIES.get(name, name)
    if n == 1:
        statistics = {key: value for key, value in statistics.items() if key != "std"}  # of one: no spread
    for statistic, raw in statistics.items():
        value = checked(reading, raw, unit, locator=locator, field=f"{name} {statistic}")
        statistic = "p50" if statistic == "median" and name in LATENCIES else statistic
        if name in LATENCIES and statistic in _IN_ROW:
            if value is not None or f"{name}_s_{statistic}" not in row:
                row[f"{name}_s_{statistic}"] = value
        else:
            spread = ddof if statistic == "std" else None
            extra(reading, row, metric, statistic, value, n=n, ddof=spread, locator=locator)


def samples(reading: Reading, row: Row, metric: str, values: Any, unit: str | None, *, locator: str) -> None:
    """Raw samples of `metric`, each with n = 1; `locator` is the JSON pointer of the list."""
    if not isinstance(values, list):
        return
    found = []
    for index, raw in enumerate(values):
        value = checked(reading, raw, unit, locator=f"{locator}/{index}", field=metric)
        if value is not None:
            found.append((value, f"{locator}/{index}"))
    extras(reading, row, metric, found)


def fail(row: Row, error: Any = None) -> Row:
    """`row` of a point that failed as a whole: its identity and counts, no measurement."""
    row["status"] = "failed"
    row["error_kind"] = redact.error_kind(error) or "no_output"
    for name in list(row):
        if name in _MEASURED or name.partition("_s_")[0] in LATENCIES:
            del row[name]
    return row


def is_failed(row: Row) -> bool:
    """No request of the point succeeded."""
    return row.get("requests_ok") == 0
