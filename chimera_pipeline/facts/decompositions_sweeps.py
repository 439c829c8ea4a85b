"""Sensitivity of sweeps: how much of the variance of a metric each option accounts for, in balanced designs.

In: tables `measurements` and `series`. Out: facts. Only a full grid splits variance without overlap, so
levels with missing cells are left out and named; cold cells are left out of metrics that keep phases apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.facts import ids
from chimera_pipeline.facts.comparisons_arms import Arm, Key, arms_of
from chimera_pipeline.facts.comparisons_sweeps import Member, Options, sweep_groups, varying
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.facts.statistics import Array
from chimera_pipeline.records import Fact

METRICS = ("ttft_s",)
LEAST_CELLS = 6


@dataclass(frozen=True, slots=True)
class Effect:
    """One option of a grid: its share of the sum of squares, what noise alone would give, and F's p."""

    option: str
    levels: tuple[Any, ...]
    share: float
    by_chance: float
    p: float
    lowest: Any
    highest: Any


def sensitivity_facts(
    measurements: pd.DataFrame | Rows,
    series: pd.DataFrame,
    *,
    arms: Mapping[Key, Arm] | None = None,
    period: str = "all",
) -> Iterator[Fact]:
    """A fact for each option of each sweep that has a balanced part; `arms` where the caller has them."""
    arms = {
        key: arm
        for key, arm in (arms_of(measurements, series) if arms is None else arms).items()
        if (arm.metric.headline or key[1] in METRICS) and arm.phase != "cold"
    }
    for members in sweep_groups(arms).values():
        cells = [(options, _warm(arm)) for options, arm in members]
        kept = [(options, arm) for options, arm in cells if arm is not None]
        grid = balanced([options for options, _ in kept])
        inside = [(options, arm) for options, arm in kept if _inside(options, grid)]
        if len(grid) < 2 or len(inside) < LEAST_CELLS:
            continue
        for effect in effects([options for options, _ in inside], _responses(inside), grid):
            yield _fact(effect, inside, grid, len(members), period)


def _warm(arm: Arm) -> Arm | None:
    return None if arm.values.size == 0 or (arm.metric.phase != "none" and arm.cold.all()) else arm


def _responses(members: Sequence[Member]) -> Array:
    return np.array([float((arm.values if arm.cold.all() else arm.values[~arm.cold]).mean()) for _, arm in members])


def balanced(options: Sequence[Options]) -> dict[str, list[Any]]:
    """The varying options with the levels of a full grid, each cell once; levels with most holes are dropped.

    {} where nothing with two varying options is left.
    """
    members = [(one, None) for one in options]
    while True:
        grid = varying(members)  # type: ignore[arg-type]
        if len(grid) < 2:
            return {}
        cells = {tuple(one.get(name) for name in grid) for one, _ in members}
        if len(cells) != len(members):
            return {}
        if len(cells) == math.prod(map(len, grid.values())):
            return grid
        size = {name: len(members) / len(levels) for name, levels in grid.items()}
        counts = [
            (sum(one.get(name) == level for one, _ in members) / size[name], name, level)
            for name, levels in grid.items()
            for level in levels
        ]
        _, name, level = min(counts, key=lambda entry: entry[0])
        members = [(one, arm) for one, arm in members if one.get(name) != level]


def _inside(options: Options, grid: dict[str, list[Any]]) -> bool:
    return all(options.get(name) in levels for name, levels in grid.items())


def effects(options: Sequence[Options], responses: Array, grid: dict[str, list[Any]]) -> Iterator[Effect]:
    """Main effects of a full grid: SS_option / SS_total and its F test against the rest (Montgomery, ch. 5).

    Noise alone gives a share of df / (n - 1); interactions are part of the rest.
    """
    from scipy.special import fdtrc

    n = responses.size
    total = float(((responses - responses.mean()) ** 2).sum())
    if total <= 0:
        return
    sums = {name: _between(options, responses, name, levels) for name, levels in grid.items()}
    degrees = {name: len(levels) - 1 for name, levels in grid.items()}
    rest_df = n - 1 - sum(degrees.values())
    rest = max(0.0, total - sum(sums.values()))
    for name, levels in grid.items():
        means = {level: _mean_at(options, responses, name, level) for level in levels}
        f = math.inf if rest == 0 else sums[name] / degrees[name] / (rest / rest_df) if rest_df else math.nan
        p = float(fdtrc(degrees[name], rest_df, f)) if rest_df and math.isfinite(f) else 0.0 if rest_df else 1.0
        yield Effect(
            option=name,
            levels=tuple(levels),
            share=sums[name] / total,
            by_chance=degrees[name] / (n - 1),
            p=p,
            lowest=min(levels, key=lambda level: means[level]),
            highest=max(levels, key=lambda level: means[level]),
        )


def _mean_at(options: Sequence[Options], responses: Array, name: str, level: Any) -> float:
    return float(responses[[one.get(name) == level for one in options]].mean())


def _between(options: Sequence[Options], responses: Array, name: str, levels: list[Any]) -> float:
    grand = float(responses.mean())
    size = responses.size / len(levels)
    return size * sum((_mean_at(options, responses, name, level) - grand) ** 2 for level in levels)


def _fact(effect: Effect, members: Sequence[Member], grid: dict[str, list[Any]], swept: int, period: str) -> Fact:
    first = members[0][1]
    levels = ", ".join(map(str, effect.levels))
    part = f" of {swept} configurations" if swept != len(members) else " configurations"
    words = (
        f"{effect.option} ({levels}) accounts for {wording.percent(effect.share)} of the variance of "
        f"{first.metric.label} of {first.series['entity']} over {len(members)}{part}; "
        f"noise alone would give {wording.percent(effect.by_chance)}, p = {wording.number(effect.p, 2)}; "
        f"lowest at {effect.lowest}, highest at {effect.highest}"
    )
    others = ", ".join(name for name in grid if name != effect.option)
    return Fact(
        id="",
        kind="level",
        metric=first.metric.name,
        statistic=f"variance_share of {effect.option}",
        entity=str(first.series["entity"]),
        condition=", ".join(filter(None, [first.phase, f"sweep over {effect.option}, {others}"])),
        value=effect.share,
        unit="ratio",
        n=len(members),
        period=period,
        grade="computed",
        text=words,
        series_ids=tuple(sorted(str(arm.series["series_id"]) for _, arm in members)),
        sources=ids.sources(Rows.joined(arm.rows for _, arm in members)),
        p_value=min(1.0, effect.p),
    )
