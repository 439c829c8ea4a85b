"""Facts that carry a printed number without being what the claim says, found by value alone.

Finding a value somewhere in the data is no grounding; that is why such facts are rivals and never support.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.measures import Dimension, Measure
from chimera_pipeline.audit.numerals import Printed, decimal_of
from chimera_pipeline.audit.results import Rival
from chimera_pipeline.audit.tokens import Number
from chimera_pipeline.audit.words import GLOBAL_ENTITIES

LIMIT = 5
Table = tuple[list[Fraction], list[FactView]]


class ValueIndex:
    """Facts sorted by value: as stated, and in the base unit of each dimension. Sorted when first asked."""

    def __init__(self, facts: Sequence[FactView]) -> None:
        self._facts = facts
        self._failures: dict[str, FactView] = {}
        self._requests: dict[str, FactView] = {}
        for fact in facts:
            if fact.key == "requests_failed" and fact.value > 0:
                self._failures.setdefault(fact.entity, fact)
            elif fact.key == "requests":
                self._requests.setdefault(fact.entity, fact)

    @cached_property
    def _stated(self) -> Table:
        return _sorted([(fact.value, fact) for fact in self._facts])

    @cached_property
    def _based(self) -> dict[Dimension, Table]:
        based: dict[Dimension, list[tuple[Fraction, FactView]]] = defaultdict(list)
        for fact in self._facts:
            based[fact.measure.dimension].append((fact.base, fact))
        return {dimension: _sorted(pairs) for dimension, pairs in based.items()}

    def occurs(self, printed: Printed) -> bool:
        """True where any fact's stated value is the printed one, whatever it measures."""
        return bool(_within(self._stated, printed))

    def carrying(self, number: Number) -> list[FactView]:
        """The facts whose value is the printed one, in its unit where it has one."""
        measure: Measure | None = number.measure
        if measure is None and len(re.sub(r"\D", "", number.text).strip("0")) < 3:
            return []
        if measure is not None and measure.dimension in self._based:
            found = _within(self._based[measure.dimension], number.printed.scaled(measure.factor))
            if found:
                return found
        found = _within(self._stated, number.printed)
        if measure is None and not found and len(number.text.strip("+-0.,")) > 3:
            for factor in (Fraction(1, 1000), Fraction(1000)):
                found = found or _within(self._stated, number.printed.scaled(factor))
        return found

    def note(self, fact: FactView) -> str:
        """What a reader should know of a rival: how few samples it has and how many of its requests failed."""
        notes: list[str] = []
        if fact.entity.lower() in GLOBAL_ENTITIES:
            return ""
        if fact.n is not None:
            notes.append("one sample" if fact.n == 1 else f"n={fact.n}")
        failed, total = self._failures.get(fact.entity), self._requests.get(fact.entity)
        if failed is not None and total is not None:
            notes.append(f"{int(failed.value)} of its {int(total.value)} requests failed")
        elif failed is not None:
            notes.append(f"{int(failed.value)} of its requests failed")
        return ", ".join(notes)


def _sorted(pairs: list[tuple[Fraction, FactView]]) -> Table:
    pairs.sort(key=lambda pair: (pair[0], pair[1].id))
    return [value for value, _ in pairs], [fact for _, fact in pairs]


def _within(table: Table, printed: Printed) -> list[FactView]:
    values, facts = table
    low = bisect_left(values, printed.value - printed.half)
    high = bisect_right(values, printed.value + printed.half)
    return facts[low:high]


def rival(fact: FactView, why: str) -> Rival:
    """The fact as it is reported beside a claim."""
    return Rival(
        fact.id, fact.key, fact.statistic, fact.entity, fact.condition, decimal_of(fact.value), fact.unit, fact.n, why
    )
