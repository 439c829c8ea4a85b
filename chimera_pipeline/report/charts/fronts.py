"""Throughput against latency: models side by side with their Pareto front, and one server under growing load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact
from chimera_pipeline.report import conditions
from chimera_pipeline.report.charts.model import Chart, Material, axis, better, capital, cell, n_of
from chimera_pipeline.wording import Scale, scale_for

_LOAD = ("concurrency", "max_concurrency", "request_rate")
_LATENCY = ("serving_ttft_s", "serving_e2e_s", "serving_tpot_s", "serving_itl_s")
_TYPICAL = ("median", "mean", "sample")


def front_charts(material: Material) -> Iterator[Chart]:
    """A chart for each front that the facts tell, where every contestant has both numbers as facts."""
    for fact in material.facts:
        if fact.statistic != "front_size":
            continue
        found = [(_typical(material, sid, "ttft_s"), _typical(material, sid, fact.metric)) for sid in fact.series_ids]
        pairs = [(x, y) for x, y in found if x is not None and y is not None]
        if len(pairs) == len(fact.series_ids) > 1:
            yield _chart(material, pairs, f"front-{fact.metric}", (_title(fact), material.label(fact.id)), fact.value)


def _title(fact: Fact) -> str:
    """Who is on the front, in the fact's own words; who is beaten by whom shows in the drawing."""
    return capital(fact.text.partition(";")[0])  # begins with "on the front of"


def _typical(material: Material, series_id: str, metric: str) -> Fact | None:
    """The median of a series (warm where warm is told apart), else its one sample."""
    for statistic in ("median", "sample"):
        found = material.by_series.get((series_id, metric, statistic), [])
        phases = {conditions.phase(fact.condition)[0]: fact for fact in found}
        for phase in ("warm", ""):
            if phase in phases:
                return phases[phase]
    return None


def load_charts(material: Material) -> Iterator[Chart]:
    """A chart for each server that was measured at three loads or more: throughput against each load's latency."""
    groups: dict[tuple[str, str, str, str, str], list[str]] = defaultdict(list)
    for series_id, about in material.series.items():
        config = material.config(series_id)
        load = next((name for name in _LOAD if name in config), None)
        if about["family"] == "serving" and load is not None:
            rest = sorted((key, str(value)) for key, value in config.items() if key not in (*_LOAD, "num_prompts"))
            key = (str(about["suite"]), str(about["tool"]), str(about["hardware"]), load, str(rest))
            groups[key].append(series_id)
    for key, ids in groups.items():
        for latency in _LATENCY:
            pairs = list(_load_pairs(material, ids, latency))
            if len({x.value for x, _ in pairs}) >= 3:
                label = vocabulary.metric(latency).label
                title = f"Output throughput against {label} of {len(pairs)} load points"
                yield _chart(material, pairs, f"load-{latency}", (title, None), None, load=key[3])
                break


def _load_pairs(material: Material, ids: Sequence[str], latency: str) -> Iterator[tuple[Fact, Fact]]:
    for series_id in ids:
        x = _one(material, series_id, latency)
        y = _one(material, series_id, "output_tokens_per_s")
        if x is not None and y is not None:
            yield x, y


def _one(material: Material, series_id: str, metric: str) -> Fact | None:
    for statistic in _TYPICAL:
        found = material.by_series.get((series_id, metric, statistic), [])
        if len(found) == 1:
            return found[0]
    return None


def _chart(
    material: Material,
    pairs: Sequence[tuple[Fact, Fact]],
    name: str,
    title: tuple[str, str | None],
    front_size: float | None,
    load: str | None = None,
) -> Chart:
    x, y = pairs[0]
    x_unit = scale_for(x.unit, (found.value for found, _ in pairs))
    y_unit = scale_for(y.unit, (found.value for _, found in pairs))
    common = conditions.shared(fact.condition for _, fact in pairs)
    dots = [_dot(material, found, load, common, (x_unit, y_unit)) for found in pairs]
    on_front = _front(dots, x.metric, y.metric)
    if front_size is None or len(on_front) == front_size:
        for i in on_front:
            dots[i]["front"] = True
    lines = _lines(dots) if load else []
    return {
        "kind": "front",
        "name": name,
        "metric": y.metric,
        "title": title[0],
        "title_label": title[1],
        "desc": "One mark a series; further up and to the left is better. Filled diamonds are on the Pareto front: "
        "no other series is at least as good in both and better in one.",
        "axis": axis(y.metric, y_unit) + better(y.metric),
        "x_axis": f"{x.statistic} {axis(x.metric, x_unit)}{better(x.metric)}",
        "common": ", ".join(common),
        "legend": [("mean", "m front", "on the Pareto front"), ("dot", "p", "not on it")],
        "dots": dots,
        "lines": lines,
        "columns": [
            "Series", load or "Condition", axis(x.metric, x_unit), axis(y.metric, y_unit), "n", "On the front",
        ],
        "cells": [
            [
                cell(dot["name"]),
                cell(dot["load"] if load else dot["about"]),
                material.numbered(found[0], x_unit),
                material.numbered(found[1], y_unit),
                cell(n_of(found[1])),
                cell("yes" if dot["front"] else "no"),
            ]
            for dot, found in zip(dots, pairs, strict=True)
        ],
    }  # fmt: skip


def _dot(
    material: Material, found: tuple[Fact, Fact], load: str | None, common: list[str], units: tuple[Scale, Scale]
) -> dict[str, Any]:
    x, y = found
    config = material.config(y.series_ids[0])
    return {
        "name": y.entity,
        "about": conditions.without(y.condition, common),
        "load": config.get(load) if load else None,
        "x": units[0].of(x.value),
        "y": units[1].of(y.value),
        "front": False,
    }


def _front(dots: Sequence[Mapping[str, Any]], x_metric: str, y_metric: str) -> list[int]:
    """Places of the dots that no other dominates."""
    x_sign = 1 if vocabulary.metric(x_metric).better == "lower" else -1
    y_sign = 1 if vocabulary.metric(y_metric).better == "higher" else -1
    score = [(-x_sign * dot["x"], y_sign * dot["y"]) for dot in dots]
    return [
        i
        for i, own in enumerate(score)
        if not any(other[0] >= own[0] and other[1] >= own[1] and other != own for other in score)
    ]


def _lines(dots: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Dots of one name in order of load: the curve of a server."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for i, dot in enumerate(dots):
        by_name[str(dot["name"])].append(i)
    out = []
    for found in by_name.values():
        numbers = [i for i in found if isinstance(dots[i]["load"], int | float)]
        if len(numbers) > 1:
            out.append(sorted(numbers, key=lambda i: float(dots[i]["load"])))
    return out
