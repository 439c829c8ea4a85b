"""Summaries of rows that are in the store: recomputed, marked derived, and named where they disagree.

A summary that no rows in the store explain stays as `reported` statistics of its tool.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.metrics.files import Card, Files
from chimera_pipeline.metrics.homes import SIMPLE, Group, Homes, distance, margin, statistic
from chimera_pipeline.records import ArtifactStatus, Gap, Row, SummaryRow

MAX_TOLD = 3


def settle_elsewhere(files: Files) -> list[Gap]:
    """Judge summaries of rows that their own file has not; returns a gap for each that disagrees with those rows.

    A file of nothing but such summaries is set aside as derived where rows in the store explain it. What nothing
    explains is noted on its card.
    """
    told = [card for card in files.counting if card.outside]
    if not told:
        return []
    asked = [summary for card in told for summary in card.outside]
    tables = {summary.table for summary in asked}
    homes = Homes(asked, files.entries(card for card in files.counting if card.tables & tables))
    gaps: list[Gap] = []
    for card in told:
        if card.tables:
            card.unexplained = tuple(one for one in card.outside if not _explained(homes, card.path, one))
        else:
            gaps += _settle_alone(card, homes)
    return gaps


def _explained(homes: Homes, path: str, summary: SummaryRow) -> bool:
    return any(not _differences(summary, group) for group in homes.agreeing(path, summary))


def _settle_alone(card: Card, homes: Homes) -> list[Gap]:
    """The summaries of a file that has no rows: of rows elsewhere, or what its tool reports."""
    found = [_explain(homes, card.path, summary) for summary in card.outside]
    paths = [home for home, differences in found if home is not None and not differences]
    disagreeing = [
        (summary, home, differences)
        for summary, (home, differences) in zip(card.outside, found, strict=True)
        if home is not None and differences
    ]
    if len(paths) * 2 > len(found) or (paths and len(paths) + len(disagreeing) == len(found)):
        counts = Counter(paths)
        main = max(counts, key=lambda path: (counts[path], path))
        others = sorted(set(paths) - {main})
        detail = f"summary of rows in {', '.join([main, *others])}"
        card.set_aside(ArtifactStatus.DERIVED, Reason.SUMMARY_OF_ROWS, detail, main)
        return [_disagreement(card.path, *one) for one in disagreeing]
    card.unexplained = card.outside
    return []


def settle_inside(entry: Entry, unexplained: Sequence[SummaryRow]) -> list[Gap]:
    """Hold the summaries of a file against its own rows, and report those that nothing explains.

    A file with refused records cannot be recomputed: its summary is neither believed nor blamed.
    """
    gaps = []
    inside = [one for one in entry.reading.summaries if entry.rows.get(one.table) and not entry.reading.rejections]
    homes = Homes(inside, [entry])
    for summary in inside:
        own = homes.of(entry.path, summary)
        differences = _differences(summary, own) if own else []
        if differences:
            gaps.append(_disagreement(entry.path, summary, entry.path, differences))
    if entry.reading.summaries:
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


def _disagreement(path: str, summary: SummaryRow, home: str, differences: list[str]) -> Gap:
    return Gap(
        kind="inconsistent",
        table=summary.table,
        subject=f"{path} {summary.locator}",
        field=", ".join(sorted(summary.stats)),
        artifacts=tuple(sorted({path, home})),
        severity="warning",
        consequence=f"the summary is not used: {'; '.join(differences[:MAX_TOLD])}",
        remedy=f"recompute the summary from {home}",
    )


def _report(entry: Entry, summaries: Sequence[SummaryRow]) -> None:
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
