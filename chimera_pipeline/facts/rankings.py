"""Rankings: series of one kind of test side by side, best first.

In: tables `measurements` and `series`. Out: facts. Only series measured by the same tool, suite, workload,
definition and machine are ranked together; whether neighbours in a ranking are told apart is said beside it.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.facts.comparisons_arms import Arm, Key, arms_of
from chimera_pipeline.facts.comparisons_match import compare_arms
from chimera_pipeline.facts.comparisons_verdict import IMPROVEMENT, REGRESSION, Comparison, controlled
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.records import Fact

RANKED = ("ttft_s",)
SHARED = ("family", "definition", "engine", "hardware", "workload", "suite", "tool")
ANY = ("model", "quantization", "config", "case", "config.backend")


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Arms of one group, best first, with what each is ranked by; `apart[i]`: whether i and i + 1 are told apart.

    `cold` says whether any of the arms holds a cold call.
    """

    arms: tuple[Arm, ...]
    values: tuple[float, ...]
    cold: bool
    apart: tuple[bool, ...]


def value_of(arm: Arm) -> float:
    """What an arm is ranked by: the median of its samples (the warm ones where both kinds are there)."""
    cold = arm.cold
    return float(np.median(arm.values if cold.all() else arm.values[~cold]))


def _statistic(arm: Arm, ranking: Ranking) -> str:
    """What `value_of` is, as the words before the metric; nothing for a single sample."""
    if arm.values.size == 1:
        return "mean " if arm.stated else ""
    warm = ranking.cold and arm.load_known and not arm.cold.all()
    return "median warm " if warm else "median "


def rankings(
    measurements: pd.DataFrame | Rows,
    series: pd.DataFrame,
    *,
    arms: Mapping[Key, Arm] | None = None,
    period: str = "all",
) -> list[Ranking]:
    """Groups of two or more series of different models, quantizations or backends, by headline metric and TTFT.

    Options of a sweep are no contestants: series of one name that differ in options only are not ranked.
    """
    groups: dict[tuple[str, ...], list[Arm]] = defaultdict(list)
    for key, arm in sorted((arms_of(measurements, series) if arms is None else arms).items()):
        if (arm.metric.headline or arm.metric.name in RANKED) and arm.phase != "cold":
            groups[(*(str(arm.series[name]) for name in SHARED), _kind(arm), *key[1:])].append(arm)
    return [_ranked(found, period) for _, found in sorted(groups.items()) if _contest(found)]


def _kind(arm: Arm) -> str:
    """What is contested: a case by its backends, where its name ends in one; else the case, by models and engines.

    Two test functions, commands or problem sizes are different work, and none of them wins over another.
    """
    case = str(arm.series["case"] or "")
    backend = json.loads(arm.series["config"] or "{}").get("backend")
    return case.removesuffix(f"/{backend}") if backend else case


def _contest(arms: Sequence[Arm]) -> bool:
    names = [(arm.series["entity"], arm.series["quantization"]) for arm in arms]
    return len(names) > 1 and len(set(names)) == len(names)


def _ranked(arms: Sequence[Arm], period: str) -> Ranking:
    sign = 1 if arms[0].better == "lower" else -1
    known = {id(arm): value_of(arm) for arm in arms}
    ordered = sorted(arms, key=lambda arm: (sign * known[id(arm)], str(arm.series["series_id"])))
    pairs = [
        dataclasses.replace(compare_arms(worse, better, kind="ranking", allowed=ANY, period=period), primary=True)
        for better, worse in itertools.pairwise(ordered)
    ]
    values = tuple(known[id(arm)] for arm in ordered)
    cold = any(arm.cold.any() for arm in ordered)
    return Ranking(tuple(ordered), values, cold, tuple(_told_apart(found) for found in controlled(pairs)))


def _told_apart(found: Comparison) -> bool:
    return found.verdict in (REGRESSION, IMPROVEMENT)


def ranking_facts(
    measurements: pd.DataFrame | Rows,
    series: pd.DataFrame,
    *,
    arms: Mapping[Key, Arm] | None = None,
    period: str = "all",
) -> Iterator[Fact]:
    """The place of each series in its ranking: 1 is best, equal values share a place, n is how many."""
    for ranking in rankings(measurements, series, arms=arms, period=period):
        series_ids = tuple(str(arm.series["series_id"]) for arm in ranking.arms)
        for position in range(len(ranking.arms)):
            yield _rank_fact(ranking, position, series_ids, period)


def _rank_fact(ranking: Ranking, position: int, series_ids: tuple[str, ...], period: str) -> Fact:
    arm, count = ranking.arms[position], len(ranking.arms)
    place = 1 + ranking.values.index(ranking.values[position])
    after = ""
    if position + 1 < count:
        told = "clearly ahead of" if ranking.apart[position] else "not told apart from"
        after = f", {told} {ranking.arms[position + 1].name}"
    value = wording.quantity(ranking.values[position], arm.unit)
    return Fact(
        id="",
        kind="level",
        metric=arm.metric.name,
        statistic="rank",
        entity=str(arm.series["entity"]),
        condition=", ".join(filter(None, [arm.phase, str(arm.series["condition"] or "")])),
        value=float(place),
        unit="rank",
        n=count,
        period=period,
        grade="computed" if arm.values.size > 1 or arm.stated else "insufficient",
        text=f"{arm.name} is {place} of {count} by {_statistic(arm, ranking)}{arm.metric.label} ({value}){after}",
        series_ids=series_ids,
        sources=arm.sources,
    )
