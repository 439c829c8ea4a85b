"""Sweeps: series of one identity that differ in options only; two levels of one option against each other.

In: arms. Out: groups of arms with their options, and comparisons paired by all other options. Sensitivities
of the same groups are in `decompositions_sweeps`.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chimera_pipeline import wording
from chimera_pipeline.facts.comparisons_arms import Arm, Key, identity
from chimera_pipeline.facts.comparisons_match import compare_arms
from chimera_pipeline.facts.comparisons_verdict import Comparison
from chimera_pipeline.facts.rows import Rows

PROTOCOL = {"runs", "warmup_runs", "iterations", "repetitions", "rounds", "samples_per_run", "num_prompts"}
"""Options that say how much was measured, not what."""
MOST_LEVELS = 8
LEAST_MEMBERS = 4
Options = dict[str, Any]
Member = tuple[Options, Arm]


def sweep_groups(arms: Mapping[Key, Arm]) -> dict[tuple[str, ...], list[Member]]:
    """(identity, metric, unit, phase) -> members of a sweep with their options, where there are 4 or more."""
    groups: dict[tuple[str, ...], list[Member]] = defaultdict(list)
    for key, arm in sorted(arms.items()):
        options = {name: _scalar(value) for name, value in json.loads(arm.series["config"]).items()}
        groups[(*identity(arm.series), *key[1:])].append((options, arm))
    return {key: members for key, members in groups.items() if len(members) >= LEAST_MEMBERS}


def _scalar(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else json.dumps(value)


def varying(members: Sequence[Member], most: int = MOST_LEVELS) -> dict[str, list[Any]]:
    """Option -> its levels in order, for options with two levels or more and no more than `most`."""
    out = {}
    for name in sorted({name for options, _ in members for name in options} - PROTOCOL):
        levels = sorted({options.get(name) for options, _ in members}, key=_order)
        if 2 <= len(levels) <= most:
            out[name] = levels
    return out


def _order(value: Any) -> tuple[int, float, str]:
    number = isinstance(value, int | float)
    return int(not number), float(value) if number else 0.0, str(value)


def sweep_comparisons(arms: Mapping[Key, Arm], period: str) -> Iterator[Comparison]:
    """Each two levels of each option, like with like: over the settings of all other options that both levels have.

    Where no setting is common the options change together; such a bundle is compared once, and says so.
    """
    warm = {key: arm for key, arm in arms.items() if arm.phase != "cold"}
    for members in sweep_groups(warm).values():
        told: set[tuple[tuple[str, ...], ...]] = set()
        for option, levels in varying(members).items():
            at = {level: [member for member in members if member[0].get(option) == level] for level in levels}
            for low, high in itertools.combinations(levels, 2):
                shared = {_others(options, option) for options, _ in at[low]}
                shared &= {_others(options, option) for options, _ in at[high]}
                if shared:
                    sides = [[m for m in at[level] if _others(m[0], option) in shared] for level in (low, high)]
                    yield _compared(sides[0], sides[1], option, (low, high), period)
                elif len(levels) == 2 and (split := _split(at[low], at[high])) not in told:
                    told.add(split)
                    found = _compared(at[low], at[high], option, (low, high), period)
                    together = [name for name in _between(at[low], at[high]) if name != option]
                    bundle = f"{', '.join(together)} change together with {option}"
                    yield dataclasses.replace(found, caveats=(bundle, *found.caveats))


def _compared(
    low: Sequence[Member], high: Sequence[Member], option: str, levels: tuple[Any, Any], period: str
) -> Comparison:
    base, head = _level(low, option, levels[0]), _level(high, option, levels[1])
    return compare_arms(base, head, kind="configuration", allowed=("config",), period=period)


def _others(options: Options, option: str) -> str:
    """The setting of all other options."""
    return json.dumps({name: value for name, value in options.items() if name != option}, sort_keys=True)


def _split(low: Sequence[Member], high: Sequence[Member]) -> tuple[tuple[str, ...], ...]:
    """Two sets of series, whichever option names them."""
    return tuple(sorted(tuple(sorted(str(arm.series["series_id"]) for _, arm in side)) for side in (low, high)))


def _between(low: Sequence[Member], high: Sequence[Member]) -> list[str]:
    """The options of which no level is on both sides."""
    names = sorted({name for options, _ in (*low, *high) for name in options} - PROTOCOL)
    levels = {name: [{options.get(name) for options, _ in side} for side in (low, high)] for name in names}
    return [name for name, (left, right) in levels.items() if not left & right]


def _level(members: Sequence[Member], option: str, level: Any) -> Arm:
    """All arms at one level of an option as one arm; its items are the settings of the other options."""
    first = members[0][1]
    arms = [arm for _, arm in members]
    others = [_others(options, option) for options, _ in members]
    sizes = [arm.values.size for arm in arms]
    series = {
        **first.series,
        "config": json.dumps({option: level}),
        "condition": f"{option}={level}, over {wording.count(len(arms), 'configuration')}",
        "series_id": ",".join(sorted(str(arm.series["series_id"]) for arm in arms)),
    }
    return dataclasses.replace(
        first,
        series=series,
        values=np.concatenate([arm.values for arm in arms]),
        rows=Rows.joined(arm.rows for arm in arms),
        own_runs=np.full(sum(sizes), "sweep", dtype=object),
        own_items=np.repeat(np.array(others, dtype=object), sizes),
        stated=None,
        stated_note="",
        first_call_inside=any(arm.first_call_inside for arm in arms),
    )
