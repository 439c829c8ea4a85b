"""Verdicts on what follows from two or more facts: ratios, percentages, differences, sums, shares, directions.

Facts are comparable only where metric, unit, statistic and condition agree, apart from what the sentence sets against
each other. Rule 5 of the contract fixes the base of percentages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from chimera_pipeline.audit import words
from chimera_pipeline.audit.better import orientation, wanted_sign
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.judging import (
    CONFLICTS_BEYOND,
    HOLDS_WITHIN,
    Ruling,
    compare,
    contradicted,
    says,
    supported,
    unsupported,
)
from chimera_pipeline.audit.lexicon import MetricRef
from chimera_pipeline.audit.linking import FactIndex, Stage, beyond_name, named_keys, needs_samples
from chimera_pipeline.audit.numerals import Printed
from chimera_pipeline.audit.operands import EQUALS, Sides
from chimera_pipeline.audit.results import Verdict
from chimera_pipeline.audit.tokens import Number

Pair = tuple[FactView, FactView]
_DURATION = frozenset(["longer", "shorter", "sooner", "earlier", "later"])
_STATISTIC_ORDER = ("mean", None, "total_over_total", "median")


class Comparer:
    """Judges comparisons against the facts."""

    def __init__(self, index: FactIndex) -> None:
        self.index = index

    def metric_for(self, word: str, left: Frame, right: Frame) -> MetricRef | None:
        """The metric that a comparison without one speaks of: the headline metric both sides have."""
        if word in _DURATION and left.entity and right.entity:
            return MetricRef("time taken", ("total_s", "time_s", "serving_e2e_s"))
        if (
            left.entity is None
            or right.entity is None
            or not (word in words.BETTER | words.WORSE | words.SPEED | EQUALS or word in {"fast", "quick", "quickly"})
        ):
            return None
        names = [entity.names[0] for entity in (left.entity, right.entity) if entity.known]
        if len(names) < 2:
            return self.headline(names)
        return self.headline(names)

    def headline(self, names: Sequence[str]) -> MetricRef | None:
        shared: list[str] = []
        for key, groups in self.index.levels.items():
            if all(name in groups for name in names):
                shared.append(key)
        order = {key: position for position, key in enumerate(self.index.lexicon.metrics)}
        metrics = self.index.lexicon.metrics

        def rank(key: str) -> tuple[int, int, int]:
            metric = metrics.get(key)
            headline = metric is not None and metric.headline and metric.better != "none"
            rate = metric is not None and metric.better == "higher"
            return (not headline, not rate, order.get(key, 999))

        useful = [key for key in shared if key not in metrics or metrics[key].better != "none"]
        useful.sort(key=rank)
        return MetricRef(useful[0], (useful[0],)) if useful else None

    def metric_of_unit(self, left: Frame, right: Frame, number: Number) -> MetricRef | None:
        """The only metric that both entities have in the number's unit."""
        if number.measure is None or number.measure.kind != "unit" or left.entity is None or right.entity is None:
            return None
        keys: set[tuple[str, str]] | None = None
        for entity in (left.entity, right.entity):
            facts = self.index.by_entity.get(entity.names[0], []) if entity.known else []
            mine = {(fact.key, fact.phrase) for fact in facts if fact.measure.agrees(number.measure)}
            keys = mine if keys is None else keys & mine
        return MetricRef(*next((phrase, (key,)) for key, phrase in keys)) if keys and len(keys) == 1 else None

    def pairs(self, left: Frame, right: Frame) -> tuple[list[Pair], str]:
        """Comparable pairs of facts of both sides, and why there are none."""
        if left.metric is None or right.metric is None:
            return [], "no metric is named"
        same = (left.metric, left.entity, left.statistic, dict(left.conditions)) == (
            right.metric, right.entity, right.statistic, dict(right.conditions))  # fmt: skip
        if same:
            return [], "no second operand is named"
        named = named_keys((*left.conditions, *right.conditions))
        sides = []
        for frame in (left, right):
            chosen = self.index.select(frame, None)
            if chosen.stage is not Stage.FOUND:
                what = (
                    frame.entity.text
                    if chosen.stage is Stage.UNKNOWN_ENTITY and frame.entity
                    else frame.metric.phrase
                    if frame.metric
                    else ""
                )
                return [], f"{chosen.stage.value}: {what}"
            sides.append(chosen.facts)
        found = [(a, b) for a in sides[0] for b in sides[1] if a is not b and _comparable(a, b, left, right, named)]
        found.sort(key=lambda pair: statistic_order(pair[0].statistic))
        return found, "" if found else "the facts of the two are not comparable"

    def decide(self, sides: Sides, test: Callable[[Pair], Ruling]) -> Ruling:
        """The ruling over all operands: every listed one must hold, by any comparable pair."""
        rulings = []
        for left in sides.left:
            for right in sides.right:
                if sides.word in _DURATION:
                    left, right = _of_time(left), _of_time(right)
                metric = left.metric or right.metric or self.metric_for(sides.word, left, right)
                first, second = (
                    replace(left, metric=left.metric or metric),
                    replace(right, metric=right.metric or metric),
                )
                found, why = self.pairs(first, second)
                if not found:
                    rulings.append(unsupported(why))
                    continue
                rulings.append(self._any(found, first, test))
        order = {Verdict.CONTRADICTED: 2, Verdict.UNSUPPORTED: 1, Verdict.SUPPORTED: 0}
        return max(rulings, key=lambda ruling: order[ruling.verdict])

    @staticmethod
    def _any(found: Sequence[Pair], frame: Frame, test: Callable[[Pair], Ruling]) -> Ruling:
        rulings = [test(pair) for pair in found]
        for ruling, pair in zip(rulings, found, strict=True):
            if ruling.verdict is Verdict.SUPPORTED:
                if needs_samples(frame.statistic) and 1 in {pair[0].n, pair[1].n}:
                    return unsupported("one sample is no " + str(frame.statistic), pair[0])
                return ruling
        return next((ruling for ruling in rulings if ruling.verdict is Verdict.UNSUPPORTED), rulings[0])

    def ratio(self, number: Number, comparator: str, sides: Sides, kind: str) -> Ruling:
        """ "N x faster", "N times the ... of", "p % higher", "N tok/s more". `kind` is ratio, percent or difference."""

        def test(pair: Pair) -> Ruling:
            return self.measured(number, comparator, sides, kind, pair)

        return self.decide(sides, test)

    def measured(self, number: Number, comparator: str, sides: Sides, kind: str, pair: Pair) -> Ruling:
        first, second = pair
        a, b = first.base, second.base
        sign = wanted_sign(sides.word, first, self.index) if sides.word else 0
        told = f"{says(first)}; {says(second)}"
        if sign and sides.ordered and (a - b) * sign < 0:
            return contradicted(f"the direction is the other way round: {told}", first)
        if sides.word == "fast" and orientation(first, self.index) < 0:
            a, b = b, a
        if kind == "ratio" and sign == 0 and not sides.ordered:
            a, b = (max(a, b), min(a, b)) if number.printed.value >= 1 else (min(a, b), max(a, b))
        exact = _derived(kind, a, b, sign, sides.word)
        if exact is None:
            return unsupported(f"cannot be computed: {told}", first)
        for reading in number.readings:
            printed = _scaled(reading, number, kind, first)
            if printed is None:
                return contradicted(f"the unit conflicts: {told}", first)
            outcome = compare(_unsigned(printed), exact, comparator)
            if outcome:
                return supported(told, first)
            if outcome is None:
                return unsupported(f"neither within 5 % nor beyond 10 %: {told}", first)
        return contradicted(f"it is {_shown(exact, kind, first)}: {told}", first)

    def direction(self, sides: Sides, *, negated: bool) -> Ruling:
        """ "A is faster than B" without a number."""

        def test(pair: Pair) -> Ruling:
            first, second = pair
            sign = wanted_sign(sides.word, first, self.index)
            told = f"{says(first)}; {says(second)}"
            if sides.word in EQUALS:
                return _alike(first, second, told, negated=negated)
            if sign == 0:
                return unsupported(f"neither way is better: {told}", first)
            holds = (first.base - second.base) * sign > 0
            return supported(told, first) if holds is not negated else contradicted(told, first)

        return self.decide(sides, test)

    def total(self, number: Number, frames: Sequence[Frame], comparator: str) -> Ruling:
        """A sum over the named operands."""
        chosen = [self.index.select(frame, number.measure) for frame in frames]
        missing = next((item for item in chosen if item.stage is not Stage.FOUND), None)
        if missing is not None:
            return unsupported(missing.stage.value)
        facts = [item.facts[0] for item in chosen]
        exact = sum((fact.base for fact in facts), Fraction(0)) / facts[0].measure.factor
        factor = number.measure.factor / facts[0].measure.factor if number.measure else Fraction(1)
        outcome = compare(number.printed.scaled(factor), exact, comparator)
        told = " + ".join(fact.printed for fact in facts)
        if outcome is None:
            return unsupported(f"neither within 5 % nor beyond 10 %: {told}", facts[0])
        return supported(told, facts[0]) if outcome else contradicted(f"{told} = {float(exact):.6g}", facts[0])

    def share(self, number: Number, comparator: str, left: Frame, right: Frame) -> Ruling:
        """The first as a share of the second."""
        found, why = self.pairs(left, right)
        if not found:
            return unsupported(why)
        for first, second in found:
            if second.base == 0:
                continue
            outcome = compare(_percent(number), first.base / second.base, comparator)
            if outcome:
                return supported(f"{says(first)}; {says(second)}", first)
        first, second = found[0]
        exact = float(first.base / second.base) if second.base else 0.0
        return contradicted(f"it is {100 * exact:.4g} %: {says(first)}; {says(second)}", first)


def _of_time(frame: Frame) -> Frame:
    """A count named in passing ("requests finish sooner") is not what is compared."""
    counted = frame.metric is not None and frame.metric.keys[0] in {
        "requests",
        "files",
        "output_tokens",
        "prompt_tokens",
    }
    return replace(frame, metric=None) if counted else frame


def _alike(first: FactView, second: FactView, told: str, *, negated: bool) -> Ruling:
    """ "A matches B": within 5 % of each other, by the rule of approximation."""
    off = abs(first.base - second.base) / max(abs(first.base), abs(second.base), Fraction(1, 10**12))
    if HOLDS_WITHIN < off <= CONFLICTS_BEYOND:
        return unsupported(f"neither within 5 % nor beyond 10 %: {told}", first)
    return supported(told, first) if (off <= HOLDS_WITHIN) is not negated else contradicted(told, first)


def statistic_order(statistic: str | None) -> int:
    """The headline statistics first."""
    return _STATISTIC_ORDER.index(statistic) if statistic in _STATISTIC_ORDER else len(_STATISTIC_ORDER)


def _comparable(a: FactView, b: FactView, left: Frame, right: Frame, named: set[str]) -> bool:
    if a.measure.dimension != b.measure.dimension:
        return False
    if left.metric == right.metric and a.key != b.key:
        return False
    if left.statistic == right.statistic and not _same_statistic(a, b):
        return left.metric != right.metric
    rest_a, rest_b = ({pair for pair in beyond_name(fact) if pair[0] not in named} for fact in (a, b))
    return rest_a == rest_b or left.metric != right.metric


def _same_statistic(a: FactView, b: FactView) -> bool:
    single = {None, "sample", "value"}
    if a.statistic == b.statistic or {a.statistic, b.statistic} <= single:
        return True
    kinds = {a.statistic, b.statistic}
    unnamed = a if a.statistic in single else b if b.statistic in single else None
    if unnamed is None:
        return False
    return (kinds & {"mean"} != set() and (unnamed.n is None or unnamed.n > 1)) or dict(a.conditions).get(
        "phase"
    ) != dict(b.conditions).get("phase")


def _derived(kind: str, a: Fraction, b: Fraction, sign: int, word: str) -> Fraction | None:
    if kind == "difference":
        return abs(a - b)
    if a <= 0 or b <= 0:
        return abs(a - b) / abs(b) if kind == "percent" and b else None
    if kind == "percent":
        return abs(a - b) / (max(a, b) if word in words.DOWN else b)
    if sign == 0:
        return a / b
    return max(a, b) / min(a, b)


def _percent(number: Number) -> Printed:
    factor = number.measure.factor if number.measure else Fraction(1)
    return number.printed.scaled(factor)


def _scaled(reading: Printed, number: Number, kind: str, fact: FactView) -> Printed | None:
    if kind in {"ratio", "percent"}:
        return reading.scaled(number.measure.factor) if number.measure and number.measure.kind != "unit" else reading
    if number.measure is None:
        return reading.scaled(fact.measure.factor)
    if number.measure.dimension != fact.measure.dimension:
        return None
    return reading.scaled(number.measure.factor)


def _unsigned(printed: Printed) -> Printed:
    return Printed(abs(printed.value), printed.half)


def _shown(exact: Fraction, kind: str, fact: FactView) -> str:
    if kind == "percent":
        return f"{100 * float(exact):.4g} %"
    if kind == "ratio":
        return f"{float(exact):.4g}x"
    return f"{float(exact / fact.measure.factor):.6g} {fact.unit}"
