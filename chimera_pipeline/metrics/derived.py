"""Summaries of rows that are in the store: recomputed, marked derived, and named where they disagree.

A summary that no rows in the store explain stays as `reported` statistics of its tool.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import ArtifactStatus, Gap, Row, SummaryRow

_Groups = dict[tuple[Any, ...], list[Row]]


def settle_summaries(entries: list[Entry]) -> list[Gap]:
    """Mark summaries of stored rows as derived; returns a gap for each summary that disagrees with its rows."""
    gaps: list[Gap] = []
    sources = [entry for entry in entries if entry.counts and entry.rows]
    cache: dict[tuple[str, tuple[str, ...]], _Groups] = {}
    for entry in entries:
        if not entry.counts or not entry.reading.summaries or entry.rows:
            continue
        ranked = sorted(sources, key=lambda source: (_distance(entry.path, source.path), source.path))
        found = [_explain(summary, ranked, cache) for summary in entry.reading.summaries]
        homes = [home for home, agrees in found if home is not None and agrees]
        disagreeing = [
            (summary, home)
            for summary, (home, agrees) in zip(entry.reading.summaries, found, strict=True)
            if home is not None and not agrees
        ]
        if len(homes) * 2 > len(found) or (homes and len(homes) + len(disagreeing) == len(found)):
            main = max(set(homes), key=lambda path: (homes.count(path), path))
            others = sorted(set(homes) - {main})
            detail = f"summary of rows in {', '.join([main, *others])}"
            entry.set_aside(ArtifactStatus.DERIVED, Reason.SUMMARY_OF_ROWS, detail, main)
            gaps += [_disagreement(entry, summary, home) for summary, home in disagreeing]
        else:
            _report(entry)
    return gaps


def _distance(a: str, b: str) -> int:
    """0 in the same folder, else how many folders apart."""
    left, right = a.split("/")[:-1], b.split("/")[:-1]
    shared = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        shared += 1
    return len(left) + len(right) - 2 * shared


def _explain(
    summary: SummaryRow, ranked: list[Entry], cache: dict[tuple[str, tuple[str, ...]], _Groups]
) -> tuple[str | None, bool]:
    """(path of rows that explain the summary, True), (path of rows that should but disagree, False) or (None, False).

    Rows at the least distance are believed to be meant; farther ones count only where they agree.
    """
    nearest: str | None = None
    keys = tuple(sorted(summary.where))
    wanted = tuple(_plain(summary.where[key]) for key in keys)
    for source in ranked:
        if (source.path, keys) not in cache:
            cache[source.path, keys] = _grouped(source.rows.get(summary.table, []), keys)
        rows = cache[source.path, keys].get(wanted)
        if not rows:
            continue
        if _agrees(summary, rows, source.reading.precision.get(summary.table, {})):
            return source.path, True
        nearest = nearest or source.path
    return nearest, False


def _grouped(rows: list[Row], keys: tuple[str, ...]) -> _Groups:
    groups: _Groups = defaultdict(list)
    for row in rows:
        config = row.get("config") or {}
        values = [
            config.get(key.removeprefix("config.")) if key.startswith("config.") else row.get(key) for key in keys
        ]
        if None not in values:
            groups[tuple(_plain(value) for value in values)].append(row)
    return groups


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _agrees(summary: SummaryRow, rows: list[Row], precision: dict[str, float]) -> bool:
    ok = [row for row in rows if row.get("status", "ok") == "ok"]
    compared = 0
    for name, (stated, half) in summary.stats.items():
        field, statistic = name.split(":")
        if statistic == "count":
            if stated != len(rows if field == "rows" else ok):
                return False
            compared += field == "ok"
            continue
        values = [float(row[field]) for row in ok if row.get(field) is not None]
        if not values:
            return False
        value = statistics.median(values) if statistic == "median" else statistics.fmean(values)
        if abs(value - stated) > half + precision.get(field, 0.0) + 1e-9 * abs(stated):
            return False
        compared += 1
    return compared > 0


def _disagreement(entry: Entry, summary: SummaryRow, home: str) -> Gap:
    return Gap(
        kind="inconsistent",
        table=summary.table,
        subject=f"{entry.path} {summary.locator}",
        field=", ".join(sorted(summary.stats)),
        artifacts=(entry.path, home),
        severity="warning",
        consequence="the summary is not used; its numbers do not follow from the rows",
        remedy=f"recompute the summary from {home}",
    )


def _report(entry: Entry) -> None:
    """Keep an unexplained summary as statistics that its tool reports (n unknown)."""
    for summary in entry.reading.summaries:
        config = {key.removeprefix("config."): v for key, v in summary.where.items() if key.startswith("config.")}
        identity = {key: v for key, v in summary.where.items() if not key.startswith("config.")}
        for name, (value, _) in summary.stats.items():
            field, statistic = name.split(":")
            if statistic == "count" or field not in vocabulary.metrics():
                continue
            row: Row = {**identity, "config": config, "locator": summary.locator, "metric": field}
            entry.rows.setdefault("measurements", []).append(row | {"statistic": statistic, "value": value})
    if not entry.rows:
        entry.status, entry.reason = ArtifactStatus.DOCUMENT, Reason.NO_MEASUREMENTS
        entry.detail = "a summary without statistics"
