"""A report that could not be made anew stays as it was and is marked: `reports/<period>/stale.json` says why.

The mark goes when the report is published again, or when what held all reports up (an ingest) has been put right.
"""

from collections.abc import Iterable

import orjson

from chimera_pipeline import atomic
from chimera_pipeline.orchestration.lake import Lake, to_json

MARK = "stale.json"
INGEST = "ingest"


def mark(lake: Lake, periods: Iterable[str], *, cause: str, reason: str) -> None:
    """Mark the reports of `periods` that exist. `cause` is the step that refused, `reason` a sentence."""
    published = set(lake.reports())
    for period in periods:
        if period in published:
            value = {"period": period, "cause": cause, "reason": reason}
            atomic.write_bytes(lake.report_folder(period) / MARK, to_json(value))


def clear(lake: Lake, periods: Iterable[str], *, cause: str | None = None) -> None:
    """Take the marks of `periods` away: those of one cause, or all."""
    for period in periods:
        path = lake.report_folder(period) / MARK
        if path.is_file() and cause in (None, orjson.loads(path.read_bytes())["cause"]):
            path.unlink(missing_ok=True)


def reason(lake: Lake, period: str) -> str | None:
    """Why the report of `period` is stale; None where it is not."""
    path = lake.report_folder(period) / MARK
    return str(orjson.loads(path.read_bytes())["reason"]) if path.is_file() else None
