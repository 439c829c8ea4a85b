"""Summaries of rows that are in the store: recomputed, marked derived, and named where they disagree.

A summary that no rows in the store explain stays as `reported` statistics of its tool.
"""

from __future__ import annotations

from collections import Counter

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.metrics.homes import SIMPLE, Group, Homes, distance, margin, statistic
from chimera_pipeline.records import ArtifactStatus, Gap, Row, SummaryRow

MAX_TOLD = 3


def settle_summaries(entries: list[Entry]) -> list[Gap]:
    """Mark summaries of stored rows as derived; returns a gap for each summary that disagrees with its rows."""
    told = [entry for entry in entries if entry.counts and entry.reading.summaries]
    if not told:
        return []
    homes = Homes(
        (summary for entry in told for summary in entry.reading.summaries),
        (entry for entry in entries if entry.counts and entry.rows),
    )
    gaps: list[Gap] = []
    alone = [entry for entry in told if not entry.rows]
    for entry in told:
        if entry.rows:
            gaps += _settle_inside(entry, homes)
    for entry in alone:
        found = [_explain(homes, entry.path, summary) for summary in entry.reading.summaries]
        paths = [home for home, differences in found if home is not None and not differences]
        disagreeing = [
            (summary, home, differences)
            for summary, (home, differences) in zip(entry.reading.summaries, found, strict=True)
            if home is not None and differences
        ]
        if len(paths) * 2 > len(found) or (paths and len(paths) + len(disagreeing) == len(found)):
            counts = Counter(paths)
            main = max(counts, key=lambda path: (counts[path], path))
            others = sorted(set(paths) - {main})
            detail = f"summary of rows in {', '.join([main, *others])}"
            entry.set_aside(ArtifactStatus.DERIVED, Reason.SUMMARY_OF_ROWS, detail, main)
            gaps += [_disagreement(entry, *one) for one in disagreeing]
        else:
            _report(entry, entry.reading.summaries)
    return gaps


def _settle_inside(entry: Entry, homes: Homes) -> list[Gap]:
    """Summaries of a file that has rows of its own: of those rows they must agree, of others they may stay unexplained.

    A file with refused records cannot be recomputed: its summary is neither believed nor blamed.
    """
    gaps, unexplained = [], []
    for summary in entry.reading.summaries:
        if entry.rows.get(summary.table):
            if entry.reading.rejections:
                continue
            own = homes.of(entry.path, summary)
            differences = _differences(summary, own) if own else []
            if differences:
                gaps.append(_disagreement(entry, summary, entry.path, differences))
        elif not any(not _differences(summary, group) for group in homes.agreeing(entry.path, summary)):
            unexplained.append(summary)
    _report(entry, unexplained)
    return gaps


def _explain(homes: Homes, path: str, summary: SummaryRow) -> tuple[str | None, list[str]]:
    """(path of rows that explain the summary, []), (path of rows that should, how they differ) or (None, []).

    Rows at the least distance are believed to be meant; farther ones count only where they agree, and none that were
    measured after the summary at `path` was made.
    """
    candidates = homes.agreeing(path, summary)
    for group in sorted(candidates, key=lambda group: (distance(path, group.path), group.path)):
        if not _differences(summary, group):
            return group.path, []
    nearest = homes.nearest(path, summary)
    return (None, []) if nearest is None else (nearest.path, _differences(summary, nearest))


def _differences(summary: SummaryRow, group: Group) -> list[str]:
    """How the rows contradict the summary, in words; [] where they bear it out. No common value is a contradiction."""
    out, compared = [], 0
    for name, (stated, half) in sorted(summary.stats.items()):
        field, word = name.split(":")
        if word == "count":
            counted = group.rows if field == "rows" else group.ok
            if stated != counted:
                out.append(f"{field} is stated as {stated:g} and is {counted}")
            compared += field == "ok"
            continue
        values = group.values.get(field)
        value = group.statistic(field, word)
        if value is None and values:
            continue
        compared += 1
        if value is None or not values:
            out.append(f"{word} {field} is stated as {stated:.6g}, and no row that succeeded has a value")
            continue
        allowed = margin(stated, half, group.precision.get(field, 0.0))
        if abs(value - stated) > allowed:
            others = [other for other in SIMPLE if abs((statistic(other, values) or 0.0) - stated) <= allowed]
            really = f", which is their {others[0]}" if others else ""
            out.append(f"{word} {field} is stated as {stated:.6g}{really}; the rows give {value:.6g}")
    return out if compared else ["nothing of it can be recomputed from the rows"]


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
