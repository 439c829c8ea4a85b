"""A report that could not be made anew stays as it was and is marked: `reports/<period>/stale.json` says why.

The mark goes when the report is published again, or when what held all reports up (an ingest) has been put right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from chimera_pipeline import atomic

MARK = "stale.json"
INGEST, RUN = "ingest", "run"
BEGUN = "a run began to make it anew and has not published it: make it again with chimera run, or report_job"


def mark(out: Path, periods: Iterable[str], *, cause: str, reason: str) -> None:
    """Mark the reports of `periods` that exist. `cause` is the step that refused, `reason` a sentence."""
    for period in periods:
        if (out / "reports" / period / "report.json").is_file():
            value = {"period": period, "cause": cause, "reason": reason}
            atomic.write_text(_mark(out, period), json.dumps(value, indent=2) + "\n")


def clear(out: Path, periods: Iterable[str], *, cause: str) -> None:
    """Take the marks of one cause away from the reports of `periods`."""
    for period in periods:
        if (_read(out, period) or {}).get("cause") == cause:
            _mark(out, period).unlink(missing_ok=True)


def reason(out: Path, period: str) -> str | None:
    """Why the report of `period` is stale; None where it is not."""
    return (_read(out, period) or {}).get("reason")


def _read(out: Path, period: str) -> dict[str, str] | None:
    try:
        found: dict[str, str] = json.loads(_mark(out, period).read_bytes())
    except FileNotFoundError:
        return None
    return found


def _mark(out: Path, period: str) -> Path:
    return out / "reports" / period / MARK
