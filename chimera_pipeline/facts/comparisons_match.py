"""Two arms compared: which values stand against which, and at what level (runs, items or requests).

The choice follows from counts and names alone, never from the values: runs where either arm has enough of
them, else pairs of the same item, else requests. Verdicts are left to `comparisons_verdict.controlled`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from chimera_pipeline.facts.comparisons_arms import Arm, differing
from chimera_pipeline.facts.comparisons_confounds import confounds
from chimera_pipeline.facts.comparisons_shift import Shift, from_reported, paired, unpaired
from chimera_pipeline.facts.comparisons_verdict import (
    INSUFFICIENT,
    Comparison,
    blank,
    fewest_pairs,
    fewest_values,
)
from chimera_pipeline.facts.rows import Array, Texts
from chimera_pipeline.facts.statistics_runs import by_run

_Mask = npt.NDArray[np.bool_]


def compare_arms(base: Arm, head: Arm, *, kind: str, allowed: Iterable[str] = (), period: str = "all") -> Comparison:
    """Head against base, verdict still open. `allowed` are the keys that the comparison is about.

    Keys that differ beyond those make the arms not comparable; an entry "config" allows every option.
    """
    level = _level(base, head)
    keys, caveats = confounds(base, head, same_items=level.same_items)
    wanted = set(allowed)
    other = [
        key
        for key in differing(base.series, head.series)
        if key not in wanted and not (key.startswith("config.") and "config" in wanted)
    ]
    return Comparison(
        kind=kind,
        **{**blank(base.metric), "unit": head.unit, "better": head.better},  # type: ignore[arg-type]
        entity=str(head.series["entity"]),
        condition=", ".join(filter(None, [head.phase, str(head.series["condition"] or "")])),
        baseline=base.name,
        n_base=level.n_base,
        n_head=level.n_head,
        scope=level.scope,
        verdict=INSUFFICIENT,
        reason=level.note,
        base_series=str(base.series["series_id"]),
        head_series=str(head.series["series_id"]),
        base_value=level.base_value,
        head_value=level.head_value,
        shift=None if level.shift is None or keys or other else level.shift,
        paired=level.paired,
        spread=level.spread,
        grade=level.grade,
        differing=(*other, *keys),
        caveats=(*caveats, *level.caveats),
        sources=tuple(dict.fromkeys([*base.sources, *head.sources])),
        period=period,
    )


class _Level:
    """At what level two arms stand against each other, and what comes out."""

    def __init__(self) -> None:
        self.shift: Shift | None = None
        self.paired = False
        self.same_items = False
        self.scope = "within_run"
        self.grade = "from_samples"
        self.note = ""
        self.caveats: list[str] = []
        self.spread: float | None = None
        self.n_base = self.n_head = 0
        self.base_value: float | None = None
        self.head_value: float | None = None

    def take(self, base: Array, head: Array, *, pairs: bool = False) -> None:
        self.n_base, self.n_head = base.size, head.size
        self.base_value, self.head_value = float(np.median(base)), float(np.median(head))
        self.paired = pairs
        self.shift = paired(base, head) if pairs else unpaired(base, head)
        self.spread = _spread(base, head, pairs)


def _spread(base: Array, head: Array, pairs: bool) -> float | None:
    """sd of the logs: of the differences of pairs, else pooled over both arms; None where unknown."""
    if min(base.min(), head.min()) <= 0 or min(base.size, head.size) < 2:
        return None
    x, y = np.log(base), np.log(head)
    if pairs:
        return float(np.std(y - x, ddof=1))
    degrees = x.size + y.size - 2
    return float(np.sqrt((x.var() * x.size + y.var() * y.size) / degrees))


def _level(base: Arm, head: Arm) -> _Level:
    level = _Level()
    if base.stated is not None or head.stated is not None or base.stated_note or head.stated_note:
        return _stated(level, base, head)
    base_values, head_values, base_cold, head_cold = base.values, head.values, base.cold, head.cold
    keep_base, keep_head = _like_phases(level, base_cold, head_cold)
    a, b = base_values[keep_base], head_values[keep_head]
    runs_a, runs_b = base.runs[keep_base], head.runs[keep_head]
    items_a, items_b = base.items[keep_base], head.items[keep_head]
    items = set(items_a.tolist())
    level.same_items = None not in items and items == set(items_b.tolist())
    count_a, count_b = len(set(runs_a.tolist())), len(set(runs_b.tolist()))
    most = max(count_a, count_b)
    if most >= fewest_values():
        level.scope = "between_runs"
        level.take(_means(a, runs_a), _means(b, runs_b))
        return level
    if level.same_items and len(items) >= fewest_pairs():
        level.take(_means(a, items_a), _means(b, items_b), pairs=True)
    else:
        level.take(a, b)
    if most > 1:
        pooled = f"requests of {count_a} and {count_b} runs are pooled"
        level.caveats.append(f"{pooled}: too few runs to test runs")
    return level


def _stated(level: _Level, base: Arm, head: Arm) -> _Level:
    """Means as tools report them, by Welch's t; or nothing, with what is missing."""
    level.grade = "reported"
    level.base_value, level.head_value = float(np.median(base.values)), float(np.median(head.values))
    level.n_base = base.stated[2] if base.stated else base.values.size
    level.n_head = head.stated[2] if head.stated else head.values.size
    if base.stated is None or head.stated is None:
        level.note = base.stated_note or head.stated_note or "a stated mean against several runs"
        return level
    level.shift = from_reported(base.stated, head.stated)
    if level.shift is None:
        level.note = "a stated mean needs n of 5 or more and a spread on both sides"
    return level


def _like_phases(level: _Level, a: _Mask, b: _Mask) -> tuple[_Mask, _Mask]:
    """Which values take part: all, or the warm ones where the arms hold cold requests in unequal shares."""
    if a.mean() == b.mean() or a.all() or b.all():
        return np.ones_like(a), np.ones_like(b)
    level.caveats.append(f"cold requests are left out: {int(a.sum())} of {a.size} and {int(b.sum())} of {b.size}")
    return ~a, ~b


def _means(values: Array, names: Texts) -> Array:
    """The mean of each name, in sorted order of names."""
    numbers, _ = pd.factorize(names, sort=True)
    return np.array([float(group.mean()) for group in by_run(values, numbers)])


def absent(arm: Arm, side: str, *, kind: str, period: str) -> Comparison:
    """A series that `side` (base or head) does not have."""
    own = arm.series["series_id"]
    return Comparison(
        kind=kind,
        **{**blank(arm.metric), "unit": arm.unit, "better": arm.better},  # type: ignore[arg-type]
        entity=str(arm.series["entity"]),
        condition=str(arm.series["condition"] or ""),
        baseline="",
        n_base=0 if side == "base" else arm.values.size,
        n_head=0 if side == "head" else arm.values.size,
        scope="within_run",
        verdict=INSUFFICIENT,
        reason="",
        base_series="" if side == "base" else str(own),
        head_series="" if side == "head" else str(own),
        differing=(f"presence: the {side} has no such series",),
        sources=arm.sources,
        period=period,
    )
