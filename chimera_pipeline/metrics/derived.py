"""Summaries of rows that are in the store: recomputed, marked derived, and named where they disagree.

A summary that no rows in the store explain stays as `reported` statistics of its tool.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics import instants
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import ArtifactStatus, Gap, Row, SummaryRow

_Groups = dict[tuple[Any, ...], list[Row]]
_SIMPLE: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "sum": math.fsum,
}
MAX_TOLD = 3
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


def settle_summaries(entries: list[Entry]) -> list[Gap]:
    """Mark summaries of stored rows as derived; returns a gap for each summary that disagrees with its rows."""
    gaps: list[Gap] = []
    for entry in entries:
        if entry.counts and entry.rows and entry.reading.summaries:
            gaps += _settle_inside(entry, entries)
    sources = [entry for entry in entries if entry.counts and entry.rows]
    cache: dict[tuple[str, tuple[str, ...]], _Groups] = {}
    for entry in entries:
        if not entry.counts or not entry.reading.summaries or entry.rows:
            continue
        ranked = sorted(sources, key=lambda source: (_distance(entry.path, source.path), source.path))
        found = [_explain(entry.path, summary, ranked, cache) for summary in entry.reading.summaries]
        homes = [home for home, differences in found if home is not None and not differences]
        disagreeing = [
            (summary, home, differences)
            for summary, (home, differences) in zip(entry.reading.summaries, found, strict=True)
            if home is not None and differences
        ]
        if len(homes) * 2 > len(found) or (homes and len(homes) + len(disagreeing) == len(found)):
            main = max(set(homes), key=lambda path: (homes.count(path), path))
            others = sorted(set(homes) - {main})
            detail = f"summary of rows in {', '.join([main, *others])}"
            entry.set_aside(ArtifactStatus.DERIVED, Reason.SUMMARY_OF_ROWS, detail, main)
            gaps += [_disagreement(entry, *one) for one in disagreeing]
        else:
            _report(entry, entry.reading.summaries)
    return gaps


def _settle_inside(entry: Entry, entries: list[Entry]) -> list[Gap]:
    """Summaries of a file that has rows of its own: of those rows they must agree, of others they may stay unexplained.

    A file with refused records cannot be recomputed: its summary is neither believed nor blamed.
    """
    gaps, unexplained = [], []
    cache: dict[tuple[str, tuple[str, ...]], _Groups] = {}
    others = [other for other in entries if other is not entry and other.counts and other.rows]
    for summary in entry.reading.summaries:
        if entry.rows.get(summary.table):
            if entry.reading.rejections:
                continue
            home, differences = _explain(entry.path, summary, [entry], cache)
            if home and differences:
                gaps.append(_disagreement(entry, summary, home, differences))
            continue
        home, differences = _explain(entry.path, summary, others, cache)
        if home is None or differences:
            unexplained.append(summary)
    _report(entry, unexplained)
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
    path: str, summary: SummaryRow, ranked: list[Entry], cache: dict[tuple[str, tuple[str, ...]], _Groups]
) -> tuple[str | None, list[str]]:
    """(path of rows that explain the summary, []), (path of rows that should, how they differ) or (None, []).

    Rows at the least distance are believed to be meant; farther ones count only where they agree, and none that were
    measured after the summary at `path` was made.
    """
    nearest: tuple[str, list[str]] | None = None
    keys = tuple(sorted(summary.where))
    wanted = tuple(_plain(summary.where[key]) for key in keys)
    for source in ranked:
        if (source.path, keys) not in cache:
            cache[source.path, keys] = _grouped(source.rows.get(summary.table, []), keys)
        rows = cache[source.path, keys].get(wanted)
        if not rows or not instants.may_sum_up(path, source, summary.table):
            continue
        differences = _differences(summary, rows, source.reading.precision.get(summary.table, {}))
        if not differences:
            return source.path, []
        nearest = nearest or (source.path, differences)
    return nearest or (None, [])


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


def _differences(summary: SummaryRow, rows: list[Row], precision: dict[str, float]) -> list[str]:
    """How the rows contradict the summary, in words; [] where they bear it out. No common value is a contradiction."""
    ok = [row for row in rows if row.get("status", "ok") == "ok"]
    out, compared = [], 0
    for name, (stated, half) in sorted(summary.stats.items()):
        field, statistic = name.split(":")
        if statistic == "count":
            counted = len(rows if field == "rows" else ok)
            if stated != counted:
                out.append(f"{field} is stated as {stated:g} and is {counted}")
            compared += field == "ok"
            continue
        values = sorted(float(row[field]) for row in ok if row.get(field) is not None)
        value = _statistic(statistic, values) if values else None
        if value is None and values:
            continue
        compared += 1
        if value is None:
            out.append(f"{statistic} {field} is stated as {stated:.6g}, and no row that succeeded has a value")
            continue
        margin = half + precision.get(field, 0.0) + 1e-9 * abs(stated)
        if abs(value - stated) > margin:
            others = [word for word in _SIMPLE if abs((_statistic(word, values) or 0.0) - stated) <= margin]
            really = f", which is their {others[0]}" if others else ""
            out.append(f"{statistic} {field} is stated as {stated:.6g}{really}; the rows give {value:.6g}")
    return out if compared else ["nothing of it can be recomputed from the rows"]


def _statistic(name: str, values: list[float]) -> float | None:
    """The statistic of sorted values; percentiles by linear interpolation; None for one that is not known here."""
    if name in _SIMPLE:
        return _SIMPLE[name](values)
    if name == "std":
        return statistics.stdev(values) if len(values) > 1 else None
    percentile = _PERCENTILE.fullmatch(name)
    if percentile is None:
        return None
    position = float(percentile.group(1)) / 100 * (len(values) - 1)
    low, high = values[math.floor(position)], values[math.ceil(position)]
    return low + (high - low) * (position - math.floor(position))


def _disagreement(entry: Entry, summary: SummaryRow, home: str, differences: list[str]) -> Gap:
    return Gap(
        kind="inconsistent",
        table=summary.table,
        subject=f"{entry.path} {summary.locator}",
        field=", ".join(sorted(summary.stats)),
        artifacts=tuple(sorted({entry.path, home})),
        severity="warning",
        consequence=f"the summary is not used: {'; '.join(differences[:MAX_TOLD])}",
        remedy=f"recompute the summary from {home}",
    )


def _report(entry: Entry, summaries: list[SummaryRow]) -> None:
    """Keep unexplained summaries as statistics that their tool reports (n unknown)."""
    shared = _shared(entry)
    for summary in summaries:
        config = {key.removeprefix("config."): v for key, v in summary.where.items() if key.startswith("config.")}
        identity = {key: v for key, v in summary.where.items() if not key.startswith("config.")}
        for name, (value, _) in summary.stats.items():
            field, statistic = name.split(":")
            if statistic == "count" or field not in vocabulary.metrics():
                continue
            row: Row = {**shared, **identity, "config": config, "locator": summary.locator, "metric": field}
            entry.rows.setdefault("measurements", []).append(row | {"statistic": statistic, "value": value})
    if not entry.rows:
        entry.status, entry.reason = ArtifactStatus.DOCUMENT, Reason.NO_MEASUREMENTS
        entry.detail = "a summary without statistics"


def _shared(entry: Entry) -> Row:
    """Identity on which all rows of the file agree: what its summary is about, where it does not say so itself."""
    out: Row = {}
    for name in ("model", "quantization", "engine", "hardware", "workload", "measured_at", "time_naive"):
        stated = {row.get(name) for _, row in entry.all_rows()}
        if len(stated) == 1 and None not in stated:
            out[name] = stated.pop()
    return out
