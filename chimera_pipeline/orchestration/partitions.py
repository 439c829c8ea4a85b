"""Report periods as Dagster partitions: keys are first days (or YYYY-MM), names are those of the contract."""

import datetime as dt

import dagster as dg

from chimera_pipeline import periods

_CRON = {
    "year": ("0 0 1 1 *", "%Y"),
    "quarter": ("0 0 1 1,4,7,10 *", "%Y-%m-%d"),
    "month": ("0 0 1 * *", "%Y-%m"),
    "week": ("0 0 * * 1", "%Y-%m-%d"),
    "day": ("0 0 * * *", "%Y-%m-%d"),
}


def definition(kind: str, start: str) -> dg.TimeWindowPartitionsDefinition:
    """Partitions of one kind of period from the one that holds `start`, the unfinished current one included."""
    cron, fmt = _CRON[kind]
    first, _ = periods.bounds(start) if len(start) < 10 else (dt.datetime.fromisoformat(start), None)
    first = first.replace(tzinfo=dt.UTC)
    if kind != "year":
        first, _ = periods.bounds(periods.period_of(first, kind))
    return dg.TimeWindowPartitionsDefinition(
        start=first.replace(tzinfo=None), fmt=fmt, cron_schedule=cron, timezone="UTC", end_offset=1
    )


def name_of(key: str, kind: str) -> str:
    """The period's name behind a partition key: `2025-10-06` of kind week is `2025-W41`."""
    if kind in ("year", "month", "day"):
        return key
    return periods.period_of(dt.datetime.fromisoformat(key).replace(tzinfo=dt.UTC), kind)


def key_of(name: str) -> str:
    """The partition key of a period's name."""
    kind = periods.kind_of(name)
    start, _ = periods.bounds(name)
    return start.strftime(_CRON[kind][1])
