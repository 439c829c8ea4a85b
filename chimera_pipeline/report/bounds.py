"""How much of a large store a report shows, and what it says of the rest; nothing is cut below these bounds.

One rule for all parts: the groups of a part (tables, kinds, statuses) share its bound equally, and what a small group
leaves over goes to the larger ones. Everything that is left out here stays in `facts.json` and the tables.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from chimera_pipeline import periods
from chimera_pipeline.records import Fact

LEVELS = 2000
"""Rows of all tables of section 2 together: such a report.md stays below 2 MB and opens at once in a browser."""
COMPARISONS = 500
GAPS = 200
REFUSED = 200
"""Places in quarantine."""
FILES = 500
NAMES = 100
"""Names of one kind under "environment"."""
SOURCES = 4000
"""Sources of all facts of the appendix together."""
SOURCES_OF_ONE = 24
FEWEST_SOURCES = 3
FEWEST_ROWS = 20
"""Room for the extremes of every statistic, whatever the number of tables."""
CHARACTERS = 400
"""Of one source; a longer one ends with the last place that fits."""


def share(sizes: Iterable[int], total: int, least: int = 1) -> int:
    """The largest number that each group may show so that all of them stay within `total`; `least` at least."""
    ordered = sorted(sizes)
    left = total
    for i, size in enumerate(ordered):
        equal = left // (len(ordered) - i)
        if size > equal:
            return max(equal, least)
        left -= size
    return max(ordered[-1] if ordered else 0, least)


def portion(groups: Sequence[Hashable], total: int, rank: Sequence[Any] | None = None) -> list[int]:
    """The positions of the rows that are shown of rows in `groups`, ascending; the lowest of `rank` stay."""
    if len(groups) <= total:
        return list(range(len(groups)))
    members: dict[Hashable, list[int]] = {}
    for at, group in enumerate(groups):
        members.setdefault(group, []).append(at)
    each = share(map(len, members.values()), total)
    if rank is not None:
        members = {group: sorted(found, key=lambda at: rank[at]) for group, found in members.items()}
    return sorted(at for found in members.values() for at in found[:each])


def levels(facts: Sequence[Fact], most: int) -> list[Fact]:
    """`most` levels of one metric: the lowest and highest of each statistic, then most values first, then by name."""
    if len(facts) <= most:
        return list(facts)
    by_statistic: dict[str, list[Fact]] = {}
    for fact in facts:
        by_statistic.setdefault(fact.statistic, []).append(fact)
    extremes = {
        chosen(found, key=lambda fact: (fact.value, fact.id)).id
        for found in by_statistic.values()
        for chosen in (min, max)
    }
    ranked = sorted(facts, key=lambda f: (f.id not in extremes, -(f.n or 0), f.entity, f.condition, f.statistic, f.id))
    return ranked[:most]


def comparisons(facts: Sequence[Fact]) -> list[Fact]:
    """The comparisons and changes that are shown, in their order: of each verdict the largest ratios."""
    groups = [(fact.kind, fact.verdict) for fact in facts]
    kept = portion(groups, COMPARISONS, [(-_distance(fact), at) for at, fact in enumerate(facts)])
    return [facts[at] for at in kept]


def _distance(fact: Fact) -> float:
    """How far a ratio is from 1, either way; 0 for what is no ratio."""
    ratio = fact.effect if fact.effect is not None else fact.value if fact.unit == "ratio" else 1.0
    return abs(math.log(ratio)) if ratio > 0 and math.isfinite(ratio) else math.inf


def sources(found: Sequence[str], most: int) -> list[str]:
    """The first `most` sources, each with the places that fit."""
    return [_cut(source) for source in found[:most]]


def _cut(source: str) -> str:
    """`path#row 1;row 3;...@hash` with fewer places, marked by an ellipsis."""
    text, sign, digits = source.rpartition("@")
    if len(text) <= CHARACTERS:
        return source
    kept, semicolon, _ = text[:CHARACTERS].rpartition(";")
    return f"{kept};…{sign}{digits}" if semicolon else source


def names(found: Sequence[str]) -> str:
    """Names in a line; the first ones where there are very many."""
    more = f" and {len(found) - NAMES} more (table series)" if len(found) > NAMES else ""
    return ", ".join(found[:NAMES]) + more


def note(shown: int, rows: int, rule: str, where: str) -> str:
    """What a reader is told of a part that is not whole, figures and commands in backticks; nothing where it is."""
    return "" if shown == rows else f"Shown are `{shown} of {rows}` rows: {rule}. {where}."


def listed(period: str, option: str) -> str:
    """The command that lists facts of the period, as a sentence."""
    of_period = "" if period == periods.ALL else f" --period {period}"
    return f"All of them stand in `facts.json`; `chimera facts{of_period} {option}` lists them"
