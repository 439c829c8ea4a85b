"""Values that cannot be: refused one by one, while the rest of their record is kept.

In: entries whose rows are dated. Out: what was refused, for the quarantine, and a gap for each.
"""

from __future__ import annotations

from collections import Counter

import pandas as pd

from chimera_pipeline import redact
from chimera_pipeline.contracts import tables, validation, vocabulary
from chimera_pipeline.contracts.checks import ordered
from chimera_pipeline.contracts.tables import METRIC_TABLES
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics import times
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import ArtifactStatus, Gap, Rejection

Refused = tuple[Entry, Rejection, str]
"""Where, what and which field."""


def drop_impossible(entries: list[Entry]) -> list[Refused]:
    """Null every measured value that pandera finds outside its range, remembering which."""
    rejected = []
    for table in METRIC_TABLES:
        rows = [(entry, row) for entry in entries if entry.counts for row in entry.rows.get(table, ())]
        names = [name for name, dtype in tables.columns(table).items() if dtype in ("float64", "Int64")]
        if not rows:
            continue
        frame = pd.DataFrame({name: pd.Series([row.get(name) for _, row in rows], dtype="float64") for name in names})
        for name, index in _impossible(table, frame):
            entry, row = rows[index]
            value = row.pop(name)
            row[name] = None
            detail = f"{row['locator']}: {name} is {value:g}, which is impossible"
            rejected.append((entry, Rejection(Reason.OUT_OF_RANGE, detail, row["locator"], redact.value(value)), name))
    counts = Counter(id(entry) for entry, _, _ in rejected)
    for entry in {id(entry): entry for entry, _, _ in rejected}.values():
        if entry.status is ArtifactStatus.OK:
            count = counts[id(entry)]
            entry.status, entry.reason = ArtifactStatus.PARTIAL, Reason.OUT_OF_RANGE
            entry.detail = f"{count} impossible values refused"
    return rejected


def _impossible(table: str, frame: pd.DataFrame) -> list[tuple[str, int]]:
    """(column, row) of values that break a range check of the contract or are implausible for the metric.

    So are a smallest value above the mean and a largest one below it; the mean stays.
    """
    bad: set[tuple[str, int]] = set()
    cases = validation.column_failures(validation.ranges(table), frame)
    bad.update((str(name), int(index)) for name, index in zip(cases["column"], cases["index"], strict=True))
    for name in frame.columns:
        metric = vocabulary.metrics().get(name)
        if metric is not None:
            low, high = metric.plausible
            outside = frame.index[(frame[name] < low) | (frame[name] > high)]
            bad.update((name, int(index)) for index in outside)
    for name, index in bad:
        frame.loc[index, name] = None
    for lower, upper in validation.orders(table):
        crossed = frame.index[~ordered(frame, low=lower, high=upper)]
        bounds = [name for name in (lower, upper) if not name.startswith("mean")]
        bad.update((name, int(index)) for index in crossed for name in bounds)
    return sorted(bad)


def range_gaps(rejections: list[Refused]) -> list[Gap]:
    """A gap for each value refused; times have gaps of their own."""
    return [
        Gap(
            kind="out_of_range",
            table="quarantine",
            field=field,
            subject=f"{entry.path} {rejection.locator}",
            artifacts=(entry.path,),
            consequence="the value is refused; the rest of its record is kept",
            remedy="check the tool and its clock",
        )
        for entry, rejection, field in rejections
        if field != times.FIELD
    ]
