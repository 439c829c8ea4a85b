"""Heat maps of sweeps: a cell a combination of options, with those that have no value and those never run."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact
from chimera_pipeline.report.charts.model import Chart, Material, axis, better, capital, cell
from chimera_pipeline.wording import scale_for

LEAST_CELLS = 6
MOST_CELLS = 60
MOST_PANELS = 4
_KEYS = ("family", "entity", "quantization", "engine", "hardware", "suite", "tool", "workload", "definition")
Options = dict[str, Any]


def heat_charts(material: Material) -> Iterator[Chart]:
    """A chart for each sweep over two or three options, by the headline metric of its family."""
    groups: dict[tuple[str, ...], dict[str, Options]] = defaultdict(dict)
    for series_id, about in material.series.items():
        groups[tuple(str(about[name]) for name in _KEYS)][series_id] = material.config(series_id)
    for members in groups.values():
        varied = _varied(members.values())
        if not 2 <= len(varied) <= 3 or len(members) < LEAST_CELLS:
            continue
        places = {tuple(_text(options.get(name)) for name in varied): sid for sid, options in members.items()}
        metric = _headline(material, members)
        if metric is not None and len(places) == len(members):
            chart = _heat_chart(material, metric, varied, places, members)
            if chart is not None:
                yield chart


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _varied(configs: Any) -> dict[str, list[str]]:
    """Options that differ, each with its values in order; the one with most values first."""
    found = list(configs)
    out = {}
    for name in sorted({name for config in found for name in config}):
        values = {_text(config.get(name)): config.get(name) for config in found}
        if len(values) > 1:
            numbers = all(isinstance(value, int | float) for value in values.values())
            out[name] = sorted(values, key=lambda text: (float(text) if numbers else 0.0, text))
    return dict(sorted(out.items(), key=lambda item: (-len(item[1]), item[0])))


def _headline(material: Material, members: Mapping[str, Options]) -> str | None:
    for name, metric in vocabulary.metrics().items():
        if metric.headline and any(_fact(material, series_id, name) for series_id in members):
            return name
    return None


def _fact(material: Material, series_id: str, metric: str) -> Fact | None:
    for statistic in ("mean", "sample"):
        found = material.by_series.get((series_id, metric, statistic), [])
        if len(found) == 1:
            return found[0]
    return None


def _heat_chart(
    material: Material,
    metric: str,
    varied: Mapping[str, list[str]],
    places: Mapping[tuple[str, ...], str],
    members: Mapping[str, Options],
) -> Chart | None:
    names = list(varied)
    panels = varied[names[2]] if len(names) == 3 else [""]
    total = len(varied[names[0]]) * len(varied[names[1]]) * len(panels)
    if total > MOST_CELLS or len(panels) > MOST_PANELS:
        return None
    shown: list[dict[str, Any]] = []
    facts: list[Fact] = []
    for panel, y, x in itertools.product(panels, varied[names[1]], varied[names[0]]):
        key = (x, y, panel) if len(names) == 3 else (x, y)
        fact = _fact(material, places[key], metric) if key in places else None
        state = "never run" if key not in places else "no value" if fact is None else "measured"
        one: dict[str, Any] = {
            "panel": panel,
            "x": x,
            "y": y,
            "state": state,
            "value": None,
            "fact": None,
            "text": state,
            "label": None,
        }
        if fact is not None:
            facts.append(fact)
            one["value"], one["fact"] = fact.value, fact
        shown.append(one)
    if len(facts) < LEAST_CELLS:
        return None
    return _described(material, metric, names, varied, panels, shown, facts)


def _described(
    material: Material,
    metric: str,
    names: Sequence[str],
    varied: Mapping[str, list[str]],
    panels: Sequence[str],
    shown: list[dict[str, Any]],
    facts: Sequence[Fact],
) -> Chart:
    first = facts[0]
    unit = scale_for(first.unit, (fact.value for fact in facts))
    for one in shown:
        if one["fact"] is not None:
            one |= {**material.numbered(one["fact"], unit), "value": unit.of(one["value"])}
    about = material.series[first.series_ids[0]]
    states = [one["state"] for one in shown]
    missing = [
        f"{states.count(state)} {words}"
        for state, words in (("no value", "without a value"), ("never run", "never run"))
        if state in states
    ]
    counted = f"{len(facts)} of {len(shown)} combinations measured{', ' + ', '.join(missing) if missing else ''}"
    label = vocabulary.metric(metric).label
    n = "one measurement each" if all(fact.n == 1 for fact in facts) else f"n from {min(f.n or 0 for f in facts)}"
    by_place = {(one["panel"], one["y"], one["x"]): one for one in shown}
    third = f"{names[2]} " if len(names) == 3 else ""
    return {
        "kind": "heat",
        "name": f"heat-{metric}-{first.entity}",
        "metric": metric,
        "title": f"{capital(label)} of {first.entity} over {', '.join(names)}: {counted}",
        "title_label": None,
        "desc": f"A cell a combination, {n}; a stronger colour is a larger value, a hatched cell was never run.",
        "axis": axis(metric, unit) + better(metric),
        "common": str(about.get("suite") or "").replace("_", " "),
        "legend": [],
        "x_name": names[0],
        "y_name": names[1],
        "panel_name": third.strip(),
        "xs": varied[names[0]],
        "ys": varied[names[1]],
        "panels": list(panels),
        "squares": [{key: one[key] for key in ("panel", "x", "y", "state", "value")} for one in shown],
        "columns": [*([names[2]] if third else []), names[1], *(f"{names[0]}={x}" for x in varied[names[0]])],
        "cells": [
            [*([cell(panel)] if third else []), cell(y)]
            + [
                {"text": by_place[panel, y, x]["text"], "label": by_place[panel, y, x]["label"]}
                for x in varied[names[0]]
            ]
            for panel in panels
            for y in varied[names[1]]
        ],
    }
