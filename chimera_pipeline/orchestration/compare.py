"""`chimera compare`: two folders, files or periods of a finished run, series by series."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import pandas as pd

from chimera_pipeline import periods
from chimera_pipeline.contracts import tables
from chimera_pipeline.errors import UsageError
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.facts.comparisons import Comparison, compare_stores
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.orchestration import steps, unfinished
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.settings import Settings

Side = tuple[pd.DataFrame | Rows, pd.DataFrame]
"""Measurements and series of one side."""


def compare(settings: Settings, base: str, head: str) -> list[Comparison]:
    """Every series of `head` against the same series of `base`. Raises UsageError for a side that is not there."""
    (base_rows, base_series), (head_rows, head_series) = side(settings, base), side(settings, head)
    return compare_stores(base_rows, base_series, head_rows, head_series)


def side(settings: Settings, name: str) -> Side:
    """A folder or file, read now; or a period of the run under `settings.out`."""
    if Path(name).exists():
        return _read(settings, name)
    try:
        periods.bounds(name)
    except UsageError:
        raise UsageError(f"{name} is neither a folder or file nor a period such as 2025-10") from None
    lake = Lake(settings.out)
    if not lake.table_path("measurements").is_file():
        raise UsageError(f"{settings.out} holds no run to take period {name} from; run: chimera run ARTIFACTS")
    unfinished.refuse(settings.out, ["measurements", "series"])
    return facts_room.in_period(lake.read_frame("measurements"), name), lake.read_frame("series")


def _read(settings: Settings, name: str) -> Side:
    with tempfile.TemporaryDirectory(prefix="chimera-compare-") as scratch:
        chosen = settings.model_copy(update={"artifacts": name, "out": Path(scratch)})
        settled = steps.settled(chosen, now=time.time())
    rows = melt(settled, period=settings.period, trust_file_times=settings.trust_file_times)
    return rows, settled["series"]


def aliases(series: pd.DataFrame) -> dict[str, list[str]]:
    """Entity -> other names of it, from table `series`."""
    found: dict[str, list[str]] = {}
    for row in tables.records(series):
        names = [name for name in json.loads(row["aliases"]) if name != row["entity"]]
        if names:
            found.setdefault(row["entity"], []).extend(
                name for name in names if name not in found.get(row["entity"], [])
            )
    return found
