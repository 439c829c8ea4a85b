"""Row charts: levels with every point and their interval, cold beside warm; percentiles; ratios against 1."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact
from chimera_pipeline.report import conditions
from chimera_pipeline.report.charts.model import (
    PLAIN,
    Chart,
    Material,
    axis,
    better,
    capital,
    cell,
    interval,
    n_of,
)
from chimera_pipeline.wording import Scale, scale_for

MOST_ROWS = 14
MOST_RATIOS = 10
_QUANTILES = ("median", "p90", "p95", "p99")
_SHAPES = {"cold": "square", "warm": "dot", "unknown": "dot", "": "dot"}
_VERDICTS = {"regression": "worse", "improvement": "better"}


def level_charts(material: Material) -> Iterator[Chart]:
    """One chart for each metric and kind of test that holds a mean of several values."""
    groups: dict[tuple[str, ...], list[Fact]] = defaultdict(list)
    for fact in material.facts:
        metric = vocabulary.metrics().get(fact.metric)
        if fact.kind not in ("level", "quality") or metric is None or metric.better == "none":
            continue
        if fact.statistic in ("mean", "sample") and fact.unit == metric.unit:
            groups[_group(material, fact)].append(fact)
    for found in groups.values():
        unit = scale_for(found[0].unit, (fact.value for fact in found))
        rows = _rows_of(material, found, unit)
        if len(rows) > 1 and any(len(row["marks"]) > 1 or row["bars"] for row in rows):
            yield _level_chart(material, found, rows, unit)


def _group(material: Material, fact: Fact) -> tuple[str, ...]:
    about = material.series[fact.series_ids[0]]
    shared = ("family", "definition", "suite", "tool", "hardware")
    return (fact.metric, fact.unit, *(str(about[name]) for name in shared))


def _rows_of(material: Material, facts: list[Fact], unit: Scale) -> list[dict[str, Any]]:
    """A row a series: phases of one series share it; members of a sweep that is told as a whole have none."""
    wholes = {series_id for fact in facts if len(fact.series_ids) > 1 for series_id in fact.series_ids}
    by_row: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        if len(fact.series_ids) > 1 or fact.series_ids[0] not in wholes:
            phase, rest = conditions.phase(fact.condition)
            key = "sweep" if len(fact.series_ids) > 1 and phase else rest
            by_row[fact.entity, key].append(fact)
    rows = []
    for (entity, _), found in by_row.items():
        pooled = [fact for fact in found if not conditions.phase(fact.condition)[0]]
        rows.append(_row(material, entity, pooled or found, facts, unit))
    return sorted(rows, key=lambda row: (row["name"], row["about"]))


def _row(material: Material, entity: str, shown: list[Fact], facts: list[Fact], unit: Scale) -> dict[str, Any]:
    marks: list[dict[str, Any]] = []
    bars: list[dict[str, Any]] = []
    for fact in shown:
        phase = conditions.phase(fact.condition)[0]
        for value, at_phase in _points(material, fact, facts):
            marks.append(
                {"at": unit.of(value), "shape": _SHAPES[at_phase or phase], "class": f"p {at_phase or phase}".strip()}
            )
        if fact.statistic == "mean":
            if fact.ci_low is not None and fact.ci_high is not None:
                low, high = unit.of(fact.ci_low), unit.of(fact.ci_high)
                bars.append({"from": low, "to": high, "class": f"ci {phase}".strip()})
            marks.append({"at": unit.of(fact.value), "shape": "mean", "class": f"m {phase}".strip()})
        else:
            marks.append({"at": unit.of(fact.value), "shape": _SHAPES[phase], "class": f"p {phase}".strip()})
    return {
        "name": entity,
        "about": conditions.phase(shown[0].condition)[1],
        "facts": shown,
        "marks": marks,
        "bars": bars,
    }


def _points(material: Material, fact: Fact, facts: list[Fact]) -> list[tuple[float, str]]:
    """(value, phase) of every value behind a mean: its measurements, or the configurations of a sweep."""
    if fact.statistic != "mean":
        return []
    if fact.id in material.points:
        return [(point["value"], point["phase"]) for point in material.points[fact.id]["points"]]
    if len(fact.series_ids) == 1:
        return []
    members = set(fact.series_ids)
    phase = conditions.phase(fact.condition)[0]
    inside = [
        other
        for other in facts
        if other.statistic == "sample" and len(other.series_ids) == 1 and other.series_ids[0] in members
    ]
    found = [(other.value, conditions.phase(other.condition)[0]) for other in inside]
    kept = [(value, own) for value, own in found if not phase or own == phase]
    return kept if len(kept) == fact.n else []


def _level_chart(material: Material, facts: list[Fact], rows: list[dict[str, Any]], unit: Scale) -> Chart:
    drawn = sorted(rows, key=lambda row: (-max(fact.n or 0 for fact in row["facts"]), row["name"], row["about"]))
    drawn = sorted(drawn[:MOST_ROWS], key=lambda row: (row["name"], row["about"]))
    first = facts[0]
    common = conditions.shared(row["about"] for row in drawn)
    phases = {mark["class"].partition(" ")[2] for row in drawn for mark in row["marks"]}
    chart = _chart(f"levels-{first.metric}", first, drawn, common, unit)
    label = vocabulary.metric(first.metric).label
    apart = ", cold and warm apart" if {"cold", "warm"} <= phases else ""
    chart["title"], chart["title_label"] = _title(material, facts, drawn) or (
        f"{capital(label)} of {_count(rows, drawn)}{apart}",
        None,
    )
    chart["desc"] = f"One row a series. {_drawn_points(drawn)}The diamond is the mean{_ci(drawn)}."
    legend = [("square", "p cold", "cold"), ("dot", "p warm", "warm")] if {"cold", "warm"} <= phases else []
    legend += [("mean", "m", "mean")]
    chart["legend"] = legend + ([("bar", "ci", "95 % interval")] if any(row["bars"] for row in drawn) else [])
    chart["columns"] = ["Series", "Condition", "Statistic", axis(first.metric, unit), "n", "95 % interval"]
    chart["cells"] = [
        [
            cell(fact.entity),
            cell(conditions.without(fact.condition, common)),
            cell({"sample": "one measurement"}.get(fact.statistic, fact.statistic)),
            material.numbered(fact, unit),
            cell(n_of(fact)),
            cell(interval(fact, unit)),
        ]
        for row in drawn
        for fact in row["facts"]
    ]
    _finish(drawn, common, unit)
    return chart


def _drawn_points(rows: list[dict[str, Any]]) -> str:
    """What the small marks are, where there are any."""
    pointed = [row for row in rows if any(mark["class"].startswith("p") for mark in row["marks"])]
    if not pointed:
        return ""
    return "Small marks are single measurements. " if len(pointed) == len(rows) else (
        "Small marks are single measurements, in rows of few enough to be drawn. "
    )  # fmt: skip


def _ci(rows: list[dict[str, Any]]) -> str:
    return ", the bar its 95 % interval" if any(row["bars"] for row in rows) else "; too few values for an interval"


def _count(rows: Sequence[Any], drawn: Sequence[Any]) -> str:
    return f"{len(rows)} series" if len(rows) == len(drawn) else f"{len(drawn)} of {len(rows)} series"


def _title(material: Material, facts: list[Fact], rows: list[dict[str, Any]]) -> tuple[str, str] | None:
    """What the chart shows, where a ranking of exactly these series says it."""
    drawn = {fact.series_ids for row in rows for fact in row["facts"]}
    for fact in material.leaders.get(facts[0].metric, ()):
        if {(series_id,) for series_id in fact.series_ids} == drawn:
            said = [one.condition for row in rows for one in row["facts"]]
            phase = conditions.phase(fact.condition)[0]
            told = conditions.brief(fact.text, [*said, fact.condition])
            return (f"{told}, {phase}" if phase else told), material.label(fact.id)
    return None


def _chart(name: str, first: Fact, rows: list[dict[str, Any]], common: list[str], unit: Scale) -> Chart:
    return {
        "kind": "rows",
        "name": name,
        "metric": first.metric,
        "axis": axis(first.metric, unit) + better(first.metric),
        "common": ", ".join(common),
        "reference": None,
        "log": None,
        "rows": rows,
    }


def _finish(rows: list[dict[str, Any]], common: list[str], unit: Scale) -> None:
    """Facts give way to what is drawn of them, so that a chart is plain data."""
    for row in rows:
        found = row.pop("facts")
        row["about"] = conditions.without(row["about"], common)
        phases = [conditions.phase(fact.condition)[0] for fact in found]
        named = len(found) > 1 and len(set(phases)) == len(found)
        row["value"] = " · ".join(
            (f"{phase} " if named else "") + unit.number(fact.value, 3)
            for fact, phase in zip(found, phases, strict=True)
        )


def percentile_charts(material: Material) -> Iterator[Chart]:
    """One chart for each latency with percentiles beside its median."""
    groups: dict[tuple[str, ...], dict[tuple[str, str], list[Fact]]] = defaultdict(lambda: defaultdict(list))
    for fact in material.facts:
        metric = vocabulary.metrics().get(fact.metric)
        if fact.kind == "level" and metric is not None and metric.better == "lower" and fact.statistic in _QUANTILES:
            groups[_group(material, fact)][fact.entity, fact.condition].append(fact)
    for group in groups.values():
        told = {
            key: found for key, found in group.items() if len(found) > 1 and any(f.statistic != "median" for f in found)
        }
        if told:
            yield _percentile_chart(material, told)


def _percentile_chart(material: Material, told: dict[tuple[str, str], list[Fact]]) -> Chart:
    unit = scale_for(next(iter(told.values()))[0].unit, (fact.value for found in told.values() for fact in found))
    rows: list[dict[str, Any]] = []
    for (entity, condition), found in sorted(told.items())[:MOST_ROWS]:
        ordered = sorted(found, key=lambda fact: _QUANTILES.index(fact.statistic))
        values = [unit.of(fact.value) for fact in ordered]
        shapes = {"median": "mean", "p90": "dot", "p95": "up", "p99": "square"}
        rows.append(
            {
                "name": entity,
                "about": condition,
                "facts": ordered,
                "bars": [{"from": min(values), "to": max(values), "class": "ci"}],
                "marks": [
                    {"at": unit.of(fact.value), "shape": shapes[fact.statistic], "class": f"q {fact.statistic}"}
                    for fact in ordered
                ],
            }
        )
    first = rows[0]["facts"][0]
    common = conditions.shared(row["about"] for row in rows)
    chart = _chart(f"percentiles-{first.metric}", first, rows, common, unit)
    label = vocabulary.metric(first.metric).label
    found_statistics = [name for name in _QUANTILES if any(f.statistic == name for row in rows for f in row["facts"])]
    chart["title"] = f"{capital(label)}: {', '.join(found_statistics)} of {_count(list(told), rows)}"
    chart["title_label"] = None
    chart["desc"] = (
        "One row a series, from the median to the highest percentile that its n supports or its tool reports."
    )
    shapes = {"median": "mean", "p90": "dot", "p95": "up", "p99": "square"}
    chart["legend"] = [(shapes[name], f"q {name}", name) for name in found_statistics]
    chart["columns"] = ["Series", "Condition", "n", *(f"{name} ({unit.name})" for name in found_statistics)]
    chart["cells"] = [
        [
            cell(row["name"]),
            cell(conditions.without(row["about"], common)),
            cell(n_of(row["facts"][0])),
            *(
                next((material.numbered(fact, unit) for fact in row["facts"] if fact.statistic == name), cell("none"))
                for name in found_statistics
            ),
        ]
        for row in rows
    ]
    _finish(rows, common, unit)
    return chart


def ratio_charts(material: Material) -> Iterator[Chart]:
    """Comparisons with an interval as ratios against 1, the clear ones first; one chart a metric and kind."""
    groups: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in material.facts:
        if fact.kind in ("comparison", "change") and fact.statistic == "ratio" and fact.ci_low and fact.ci_high:
            groups[fact.kind, fact.metric].append(fact)
    for (kind, _), facts in groups.items():
        clear = [fact for fact in facts if fact.verdict in _VERDICTS]
        if clear:
            yield _ratio_chart(material, kind, facts, clear)


def _ratio_chart(material: Material, kind: str, facts: list[Fact], clear: list[Fact]) -> Chart:
    rest = [fact for fact in facts if fact.verdict not in _VERDICTS and fact.verdict != "insufficient"]
    by_size = sorted(clear, key=lambda fact: (-abs(fact.value - 1), fact.id)) + sorted(rest, key=lambda fact: fact.id)
    rows: list[dict[str, Any]] = []
    for fact in by_size[:MOST_RATIOS]:
        verdict = (fact.verdict or "").replace("_", " ")
        verdict = verdict if kind == "change" else _VERDICTS.get(fact.verdict or "", verdict)
        name = {"regression": "worse", "improvement": "better"}.get(fact.verdict or "", "even")
        against = conditions.against(fact.entity, fact.condition, fact.baseline or "")
        rows.append(
            {
                "name": against[0],
                "about": "; ".join(filter(None, against[1:])),
                "verdict": verdict,
                "facts": [fact],
                "bars": [{"from": fact.ci_low, "to": fact.ci_high, "class": f"ci {name}"}],
                "marks": [
                    {
                        "at": fact.value,
                        "shape": {"worse": "down", "better": "up"}.get(name, "dot"),
                        "class": f"v {name}",
                    }
                ],
            }
        )
    first = by_size[0]
    chart = _chart(f"ratios-{kind}-{first.metric}", first, rows, [], PLAIN)
    label = vocabulary.metric(first.metric).label
    chart |= {
        "axis": f"ratio of {label}{better(first.metric)}",
        "reference": 1.0,
        "log": True,
        "title": f"{capital(label)} compared: {len(clear)} of {len(facts)} pairs differ clearly"
        + (f", {len(rows)} drawn" if len(rows) < len(facts) else ""),
        "title_label": None,
        "desc": "One row a comparison: the mark is the ratio, the bar its 95 % interval, the line at 1 no difference.",
        "legend": [("up", "v better", "better"), ("down", "v worse", "worse"), ("dot", "v even", "not told apart")],
        "columns": ["Comparison", "Condition", "Verdict", "Ratio", "n", "95 % interval"],
        "cells": [
            [
                cell(row["name"]),
                cell(row["about"]),
                cell(row["verdict"]),
                material.numbered(row["facts"][0]),
                cell(n_of(row["facts"][0])),
                cell(interval(row["facts"][0])),
            ]
            for row in rows
        ],
    }
    _finish(rows, [], PLAIN)
    return chart
