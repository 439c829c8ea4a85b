"""Which charts a report shows: those that the data allow, the most telling first, at most MOST of them."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.report.charts.fronts import front_charts, load_charts
from chimera_pipeline.report.charts.heat import heat_charts
from chimera_pipeline.report.charts.levels import level_charts, percentile_charts, ratio_charts
from chimera_pipeline.report.charts.model import Chart, Material
from chimera_pipeline.report.charts.trends import trend_charts

MOST = 20


def charts(material: Material) -> list[Chart]:
    """The charts in reading order, each with a name of its own that stays the same for equal facts."""
    label, material = material.label, dataclasses.replace(material, label=str)
    kinds = (
        (6, trend_charts(material)),
        (6, level_charts(material)),
        (2, front_charts(material)),
        (1, load_charts(material)),
        (3, ratio_charts(material)),
        (3, heat_charts(material)),
        (4, percentile_charts(material)),
    )
    chosen: list[Chart] = []
    for most, found in kinds:
        chosen += _useful(found, most)
    return [_labelled(chart, label) for chart in _named(chosen[:MOST])]


def _labelled(chart: Chart, label: Callable[[str], str]) -> Chart:
    """A chart whose numbers name their facts by id, with the labels: only facts of charts that are shown get one."""
    if chart["title_label"]:
        chart["title_label"] = label(chart["title_label"])
    chart["cells"] = [
        [{**cell, "label": label(cell["label"]) if cell["label"] else None} for cell in row] for row in chart["cells"]
    ]
    return chart


def _useful(found: Iterable[Chart], most: int) -> list[Chart]:
    """At most so many charts of one kind, so that no question crowds out the others: headline metrics first."""
    order = list(vocabulary.metrics())

    def rank(chart: Chart) -> tuple[bool, int, int]:
        metric = vocabulary.metric(chart["metric"])
        return not (metric.headline or metric.name == "ttft_s"), order.index(metric.name), -len(chart["cells"])

    charts = list(found)
    return (charts if charts and charts[0]["kind"] == "trend" else sorted(charts, key=rank))[:most]


def _named(charts: list[Chart]) -> list[Chart]:
    taken: set[str] = set()
    for chart in charts:
        stem = re.sub(r"[^a-z0-9]+", "-", f"chart-{chart['name']}".lower()).strip("-")
        name = next(name for i in itertools.count(1) if (name := stem if i == 1 else f"{stem}-{i}") not in taken)
        taken.add(name)
        chart["name"] = name
    return charts
