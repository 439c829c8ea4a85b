"""Pareto fronts over throughput, latency and quality.

In: tables `measurements` and `series`. Out: facts. Fronts hold series that are measured alike, each under its
own name; quality joins where an evaluation of the same model and quantization is in the store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chimera_pipeline.facts import ids
from chimera_pipeline.facts.comparisons_arms import Arm, Key, arms_of
from chimera_pipeline.facts.rankings import SHARED, value_of
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.records import Fact


@dataclass(frozen=True, slots=True)
class Candidate:
    """One contestant of a front: its name and its value in each metric."""

    name: str
    values: Mapping[str, float]


def pareto_front(candidates: Sequence[Candidate], better: Mapping[str, str]) -> tuple[list[Candidate], dict[str, str]]:
    """(those no other equals everywhere and beats somewhere, {dominated name: by whom}).

    `better` says lower or higher for each metric; candidates lack none of them.
    """
    table = np.array(
        [[c.values[name] * (1 if way == "higher" else -1) for name, way in better.items()] for c in candidates]
    )
    dominated = {}
    for i, candidate in enumerate(candidates):
        beats = (table >= table[i]).all(axis=1) & (table > table[i]).any(axis=1)
        if beats.any():
            by = max(np.flatnonzero(beats), key=lambda j: (table[j] - table[i]).sum())
            dominated[candidate.name] = candidates[int(by)].name
    return [candidate for candidate in candidates if candidate.name not in dominated], dominated


def front_facts(
    measurements: pd.DataFrame | Rows,
    series: pd.DataFrame,
    *,
    arms: Mapping[Key, Arm] | None = None,
    period: str = "all",
) -> Iterator[Fact]:
    """Fronts of decode throughput, warm TTFT and, where an evaluation of the model is there, quality."""
    arms = arms_of(measurements, series) if arms is None else arms
    quality = _qualities(arms.values())
    groups: dict[tuple[str, ...], dict[str, dict[str, Arm]]] = defaultdict(lambda: defaultdict(dict))
    for (series_id, metric, _, phase), arm in sorted(arms.items()):
        if metric == "decode_tokens_per_s" or (metric == "ttft_s" and phase == "warm"):
            groups[tuple(str(arm.series[name]) for name in SHARED)][series_id][metric] = arm
    for _, by_series in sorted(groups.items()):
        complete = {key: found for key, found in by_series.items() if len(found) == 2}
        names = {key: found["ttft_s"].series["entity"] for key, found in complete.items()}
        if len(complete) > 1 and len(set(names.values())) == len(names):
            yield _front_fact(complete, quality, period)


def _qualities(arms: Iterable[Arm]) -> dict[tuple[str, str, str], float]:
    """(model, quantization, task) -> score."""
    return {
        (str(arm.series["model"]), str(arm.series["quantization"]), str(arm.series["case"])): value_of(arm)
        for arm in arms
        if arm.metric.name == "quality"
    }


def _front_fact(
    found: Mapping[str, Mapping[str, Arm]], quality: Mapping[tuple[str, str, str], float], period: str
) -> Fact:
    better = {"decode_tokens_per_s": "higher", "ttft_s": "lower"}
    arms = [pair["decode_tokens_per_s"] for pair in found.values()]
    tasks = {task for _, _, task in quality}
    models = [(str(arm.series["model"]), str(arm.series["quantization"])) for arm in arms]
    shared = sorted(task for task in tasks if all((*model, task) in quality for model in models))
    candidates = []
    for pair, model in zip(found.values(), models, strict=True):
        values = {name: value_of(arm) for name, arm in pair.items()}
        values |= {task: quality[(*model, task)] for task in shared[:1]}
        candidates.append(Candidate(str(pair["ttft_s"].series["entity"]), values))
    better |= dict.fromkeys(shared[:1], "higher")
    front, dominated = pareto_front(candidates, better)
    names = ", ".join(candidate.name for candidate in front)
    losers = (f"{by} is nowhere worse than {name} and somewhere better" for name, by in dominated.items())
    beaten = "; ".join(losers)
    criteria = "decode throughput and warm TTFT" + (f" and {shared[0]}" if shared else "")
    rows = Rows.joined(arm.rows for pair in found.values() for arm in pair.values())
    return Fact(
        id="",
        kind="level",
        metric="decode_tokens_per_s",
        statistic="front_size",
        entity=", ".join(sorted(candidate.name for candidate in candidates)),
        condition=criteria,
        value=float(len(front)),
        unit="series",
        n=len(candidates),
        period=period,
        grade="computed",
        text=f"on the front of {criteria}: {names}{'; ' + beaten if beaten else ''}",
        series_ids=tuple(sorted(found)),
        sources=ids.sources(rows),
    )
