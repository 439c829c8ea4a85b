"""What a chart is made of: the material it is chosen from, its table cells, and the labels of its numbers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact
from chimera_pipeline.wording import Scale

PLAIN = Scale(1.0, "")
Chart = dict[str, Any]
Cell = dict[str, Any]


@dataclass(frozen=True)
class Material:
    """Facts, the points behind them (fact id -> points), series by id, and a way to label a fact."""

    facts: Sequence[Fact]
    points: Mapping[str, Mapping[str, Any]]
    series: Mapping[str, Mapping[str, Any]]
    label: Callable[[str], str]

    @cached_property
    def by_series(self) -> Mapping[tuple[str, str, str], list[Fact]]:
        """(series id, metric, statistic) -> facts of that one series."""
        out: dict[tuple[str, str, str], list[Fact]] = defaultdict(list)
        for fact in self.facts:
            if fact.kind in ("level", "quality") and len(fact.series_ids) == 1:
                out[fact.series_ids[0], fact.metric, fact.statistic].append(fact)
        return out

    @cached_property
    def leaders(self) -> Mapping[str, list[Fact]]:
        """metric -> the first places of its rankings, in the order of the facts."""
        out: dict[str, list[Fact]] = defaultdict(list)
        for fact in self.facts:
            if fact.statistic == "rank" and fact.value == 1:
                out[fact.metric].append(fact)
        return out

    def config(self, series_id: str) -> dict[str, Any]:
        """The options of a series."""
        found: dict[str, Any] = json.loads(self.series[series_id].get("config") or "{}")
        return found

    def numbered(self, fact: Fact, unit: Scale = PLAIN) -> Cell:
        """A number with the label of its fact, in the unit of the chart."""
        return {"text": unit.number(fact.value), "label": self.label(fact.id)}


def cell(text: object) -> Cell:
    """A cell that holds no fact."""
    return {"text": str(text), "label": None}


def better(metric: str) -> str:
    """`, lower is better` and the like."""
    way = vocabulary.metric(metric).better
    return "" if way == "none" else f", {way} is better"


def axis(metric: str, unit: Scale) -> str:
    """What an axis says: the metric with its unit."""
    return vocabulary.metric(metric).label + (f" ({unit.name})" if unit.name else "")


def capital(text: str) -> str:
    """A text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def interval(fact: Fact, unit: Scale = PLAIN) -> str:
    """The 95 % interval as it is printed; empty where there is none."""
    if fact.ci_low is None or fact.ci_high is None:
        return ""
    return f"{unit.number(fact.ci_low)} to {unit.number(fact.ci_high)}"


def n_of(fact: Fact) -> str:
    """n as it is printed."""
    return "not stated" if fact.n is None else f"{fact.n:,}"
