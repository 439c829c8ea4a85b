"""Which arms stand against which: two stores, quantizations, options of a sweep, backends of a case.

In: tables `measurements` and `series`. Out: `Comparison`s with verdicts under control of their family. How
two arms are compared is in `comparisons_match`, what a verdict needs in `comparisons_verdict`, words and
facts in `comparisons_text`.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.facts.comparisons_arms import Arm, Key, arms_of, differing, identity, records
from chimera_pipeline.facts.comparisons_failures import failure_comparisons
from chimera_pipeline.facts.comparisons_match import absent, compare_arms
from chimera_pipeline.facts.comparisons_sweeps import sweep_comparisons
from chimera_pipeline.facts.comparisons_verdict import (
    ALPHA,
    Comparison,
    controlled,
    regression_stands,
)
from chimera_pipeline.facts.rows import Rows

__all__ = ["Comparison", "compare_stores", "compare_within", "regression_stands"]

WITHIN = ("ttft_s", "serving_ttft_s")
MOST_ARMS = 8
_REFERENCE = ("baseline", "reference", "eager", "pytorch", "torch", "native", "default")
_BITS = re.compile(r"(\d+)")


def compare_stores(
    base_measurements: pd.DataFrame | Rows,
    base_series: pd.DataFrame,
    head_measurements: pd.DataFrame | Rows,
    head_series: pd.DataFrame,
    *,
    alpha: float = ALPHA,
    kind: str = "stores",
    period: str = "all",
) -> list[Comparison]:
    """Every series of the head against the same series of the base, in every metric that has a direction.

    A series that only one side has is matched to its nearest counterpart and reported as not comparable with
    the keys that differ, or as absent on the other side.
    """
    base, head = arms_of(base_measurements, base_series), arms_of(head_measurements, head_series)
    both = {key[0] for key in base} & {key[0] for key in head}
    found = [compare_arms(base[key], head[key], kind=kind, period=period) for key in sorted(base.keys() & head.keys())]
    found += _other_phases(base, head, both, kind, period)
    found += _unmatched(base, head, both, kind, period)
    found += failure_comparisons(
        base_measurements, base_series, head_measurements, head_series, kind=kind, period=period
    )
    return controlled(_with_primaries(found), alpha)


def _other_phases(
    base: Mapping[Key, Arm], head: Mapping[Key, Arm], both: set[str], kind: str, period: str
) -> Iterator[Comparison]:
    """Metrics that one side has cold only and the other warm only: not comparable, and said so."""
    left, right = _by_metric(base, both), _by_metric(head, both)
    for key in sorted(left.keys() & right.keys()):
        if not {arm.phase for arm in left[key]} & {arm.phase for arm in right[key]}:
            yield compare_arms(left[key][0], right[key][0], kind=kind, period=period)


def _by_metric(arms: Mapping[Key, Arm], series_ids: set[str]) -> dict[tuple[str, str], list[Arm]]:
    out: dict[tuple[str, str], list[Arm]] = defaultdict(list)
    for (series_id, metric, _, _), arm in sorted(arms.items()):
        if series_id in series_ids:
            out[series_id, metric].append(arm)
    return out


def _unmatched(
    base: Mapping[Key, Arm], head: Mapping[Key, Arm], both: set[str], kind: str, period: str
) -> Iterator[Comparison]:
    left = _chief_arms(arm for key, arm in sorted(base.items()) if key[0] not in both)
    right = _chief_arms(arm for key, arm in sorted(head.items()) if key[0] not in both)
    for arm in right:
        near = min(
            (other for other in left if _kin(other, arm)),
            key=lambda other: _distance(other, arm),
            default=None,
        )
        if near is None:
            yield absent(arm, "base", kind=kind, period=period)
            continue
        left.remove(near)
        yield compare_arms(near, arm, kind=kind, period=period)
    for arm in left:
        yield absent(arm, "head", kind=kind, period=period)


def _chief_arms(arms: Iterable[Arm]) -> list[Arm]:
    """One arm a series: its headline metric where it has one."""
    chosen: dict[str, Arm] = {}
    for arm in arms:
        series_id = str(arm.series["series_id"])
        if series_id not in chosen or (arm.metric.headline and not chosen[series_id].metric.headline):
            chosen[series_id] = arm
    return list(chosen.values())


def _kin(a: Arm, b: Arm) -> bool:
    same = a.metric.name == b.metric.name and a.series["family"] == b.series["family"]
    return same and (a.series["entity"] == b.series["entity"] or _stem(a.series) == _stem(b.series))


def _distance(a: Arm, b: Arm) -> int:
    return len(differing(a.series, b.series))


def _with_primaries(found: Sequence[Comparison]) -> list[Comparison]:
    """Marks one comparison of each pair of series as primary: its headline metric, else its first metric."""
    order = {name: position for position, name in enumerate(vocabulary.metrics())}
    chosen: dict[tuple[str, str], int] = {}
    for i, item in enumerate(found):
        pair = (item.base_series, item.head_series)
        if pair not in chosen or _rank(item, order) < _rank(found[chosen[pair]], order):
            chosen[pair] = i
    kept = set(chosen.values())
    return [dataclasses.replace(item, primary=i in kept) for i, item in enumerate(found)]


def _rank(item: Comparison, order: Mapping[str, int]) -> tuple[bool, bool, int]:
    return item.shift is None, not vocabulary.metric(item.metric).headline, order[item.metric]


def compare_within(
    measurements: pd.DataFrame | Rows,
    series: pd.DataFrame,
    *,
    arms: Mapping[Key, Arm] | None = None,
    alpha: float = ALPHA,
    period: str = "all",
) -> list[Comparison]:
    """Comparisons inside one store: quantizations of a model, options of a sweep, backends of a case.

    Headline metrics and TTFT, of requests and under load, only; all of them together are one family.
    """
    every = arms_of(measurements, series) if arms is None else arms
    arms = {key: arm for key, arm in every.items() if arm.metric.headline or key[1] in WITHIN}
    known = {str(row["series_id"]): row for row in records(series)}
    found = [
        *_grouped(arms, known, _quantization_group, "quantization", ("model", "quantization"), period),
        *_grouped(arms, known, _backend_group, "backend", ("case", "config.backend"), period),
        *sweep_comparisons(arms, period),
    ]
    return controlled(_with_primaries(found), alpha)


def _stem(row: Mapping[str, Any]) -> str:
    """The model's name without its quantization."""
    name, quantization = str(row["model"] or ""), str(row["quantization"] or "")
    return re.sub(re.escape(quantization), "", name, flags=re.IGNORECASE).strip("-_:.@ ") if quantization else name


def _quantization_group(row: Mapping[str, Any]) -> tuple[tuple[str, ...], str, tuple[int, str]] | None:
    """(group, name, order) of a series among the quantizations of its model: most bits first."""
    if not row["quantization"] or not row["model"]:
        return None
    name = str(row["quantization"])
    bits = _BITS.search(name)
    return (
        (*identity(row, "model", "quantization"), _stem(row), str(row["config"])),
        name,
        (-int(bits.group(1)) if bits else 0, name),
    )


def _backend_group(row: Mapping[str, Any]) -> tuple[tuple[str, ...], str, tuple[int, str]] | None:
    """(group, name, order) of a series among the backends of its case: the reference first."""
    if row["family"] not in ("timings", "throughputs") or not row["case"]:
        return None
    config = json.loads(row["config"])
    head, _, tail = str(row["case"]).rpartition("/")
    backend = str(config.pop("backend", "") or "")
    if backend and tail != backend:
        head, tail = str(row["case"]), backend
    if not head:
        return None
    place = next((i for i, word in enumerate(_REFERENCE) if word in tail.lower()), None)
    if place is None and not backend:
        place = len(_REFERENCE) + 1
    rank = len(_REFERENCE) if place is None else place
    return (*identity(row, "case"), head, json.dumps(config, sort_keys=True)), tail, (rank, tail)


def _grouped(
    arms: Mapping[Key, Arm],
    known: Mapping[str, Mapping[str, Any]],
    group_of: Any,
    kind: str,
    allowed: tuple[str, ...],
    period: str,
) -> Iterator[Comparison]:
    groups: dict[tuple[str, ...], list[tuple[tuple[int, str], Arm]]] = defaultdict(list)
    for key, arm in sorted(arms.items()):
        placed = group_of(known[key[0]])
        if placed is not None:
            group, _, order = placed
            groups[(*group, *key[1:])].append((order, arm))
    for members in groups.values():
        members.sort(key=lambda pair: (pair[0], str(pair[1].series["series_id"])))
        if len(members) < 2 or members[0][0][0] > len(_REFERENCE):
            continue
        ranked = [arm for _, arm in members]
        pairs = (
            itertools.combinations(ranked, 2) if len(ranked) <= MOST_ARMS else ((ranked[0], arm) for arm in ranked[1:])
        )
        for base, head in pairs:
            yield compare_arms(base, head, kind=kind, allowed=allowed, period=period)
