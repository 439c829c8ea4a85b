"""Line charts: the runs of a line of history in order of time, its steps, and what changed along it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact
from chimera_pipeline.report.charts.model import Chart, Material, axis, better, capital, cell
from chimera_pipeline.wording import scale_for

LEAST = 3
MOST = 6
_ORDER = {"regression": 0, "improvement": 1}


def trend_charts(material: Material) -> Iterator[Chart]:
    """One chart a line that was searched for steps: those with one first, then the headline metrics."""
    lines: dict[tuple[str, ...], list[Fact]] = defaultdict(list)
    for fact in material.facts:
        told = fact.kind == "change" and fact.statistic.startswith("step") and fact.id in material.points
        told = told and fact.grade != "insufficient"
        if told and len(material.points[fact.id]["points"]) >= LEAST:
            lines[(fact.entity, fact.metric, fact.condition, *fact.series_ids)].append(fact)
    ordered = sorted(lines.items(), key=lambda item: (_rank(item[1]), item[0]))
    for _, facts in ordered[:MOST]:
        yield _trend_chart(material, facts)


def _rank(facts: list[Fact]) -> tuple[int, bool, bool]:
    stepped = min(_ORDER.get(fact.verdict or "", 2) for fact in facts)
    metric = vocabulary.metric(facts[0].metric)
    return stepped, not metric.headline, metric.name != "ttft_s"


def _trend_chart(material: Material, facts: list[Fact]) -> Chart:
    first = facts[0]
    drawn = material.points[first.id]
    unit = scale_for(str(drawn["unit"]), (point["value"] for point in drawn["points"]))
    steps = [fact for fact in facts if fact.statistic.startswith("step at run")]
    told = (steps or facts)[0]
    return {
        "kind": "trend",
        "name": f"trend-{first.metric}-{first.entity}",
        "metric": first.metric,
        "title": _title(told, len(drawn["points"]), len(steps)),
        "title_label": material.label(told.id),
        "desc": f"{told.text}. One mark a run, in order of time; a dashed line stands where a step was found, "
        "a triangle below where what was measured changed.",
        "axis": axis(first.metric, unit) + better(first.metric),
        "common": first.condition,
        "legend": [],
        "points": [{"at": point["at"], "value": unit.of(point["value"])} for point in drawn["points"]],
        "steps": [
            {"before_run": int(fact.statistic.removeprefix("step at run ")), "verdict": fact.verdict or ""}
            for fact in steps
        ],
        "changes": list(drawn["changes"]),
        "columns": ["Run", "Time (UTC)", axis(first.metric, unit), "n", "What changed before it", "Source"],
        "cells": [
            [
                cell(i),
                cell(point["at"][:16].replace("T", " ")),
                {"text": unit.number(point["value"]), "label": material.label(first.id)},
                cell(point["n"]),
                cell(next((one["what"] for one in drawn["changes"] if one["before_run"] == i), "")),
                cell(point["source"]),
            ]
            for i, point in enumerate(drawn["points"], start=1)
        ],
    }


def _title(told: Fact, runs: int, steps: int) -> str:
    subject = f"{capital(vocabulary.metric(told.metric).label)} of {told.entity}"
    if not steps:
        return f"{subject}: no step in {runs} runs"
    verdict = (told.verdict or "").replace("_", " ")
    more = f" and {steps - 1} more" if steps > 1 else ""
    return f"{subject}: {verdict}, {told.statistic} of {runs}{more}"
