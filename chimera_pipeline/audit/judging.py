"""Verdicts on single values: does the printed number hold for its fact, and if not, what do the facts say?

Exact fractions throughout. Comparisons between facts are in `comparing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from chimera_pipeline.audit import measures, words
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.linking import (
    FactIndex,
    Selection,
    Stage,
    narrowed,
    needs_samples,
    statistic_fits,
)
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.numerals import Printed
from chimera_pipeline.audit.results import Verdict
from chimera_pipeline.audit.tokens import Number

HOLDS_WITHIN = Fraction(5, 100)
CONFLICTS_BEYOND = Fraction(10, 100)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict with its reason and the fact behind it."""

    verdict: Verdict
    reason: str
    fact: FactView | None = None


def supported(reason: str, fact: FactView | None = None) -> Ruling:
    """The claim holds."""
    return Ruling(Verdict.SUPPORTED, reason, fact)


def contradicted(reason: str, fact: FactView | None = None) -> Ruling:
    """The facts say otherwise."""
    return Ruling(Verdict.CONTRADICTED, reason, fact)


def unsupported(reason: str, fact: FactView | None = None) -> Ruling:
    """No fact decides."""
    return Ruling(Verdict.UNSUPPORTED, reason, fact)


def compare(printed: Printed, exact: Fraction, comparator: str) -> bool | None:
    """True: `exact` is as the comparator says of `printed`; False: it conflicts; None: neither (approximations)."""
    if comparator == "eq":
        return printed.holds(exact)
    if comparator == "upto":
        return _about(printed, exact) if exact <= printed.value + printed.half else False
    if comparator == "ne":
        return not printed.holds(exact)
    if comparator in {"gt", "ge", "lt", "le"}:
        return {
            "gt": exact > printed.value,
            "ge": exact >= printed.value,
            "lt": exact < printed.value,
            "le": exact <= printed.value,
        }[comparator]
    if comparator in {"gt~", "lt~"}:
        right_side = exact > printed.value if comparator == "gt~" else exact < printed.value
        if not right_side:
            return False
    return _about(printed, exact)


def _about(printed: Printed, exact: Fraction) -> bool | None:
    if printed.holds(exact):
        return True
    if exact == 0:
        return False
    off = abs(printed.value - exact) / abs(exact)
    return True if off <= HOLDS_WITHIN else False if off > CONFLICTS_BEYOND else None


def in_unit_of(printed: Printed, measure: Measure | None, fact: FactView) -> Printed:
    """The printed number in the fact's unit; without a unit it is taken to be in it."""
    if measure is None:
        return printed
    if not measure.agrees(fact.measure) and "/" in fact.unit:
        measure = measures.parse(f"{measure.text}/{fact.unit.split('/', 1)[1]}") or measure
    return printed if measure.factor == fact.measure.factor else printed.scaled(measure.factor / fact.measure.factor)


def _same_dimension(measure: Measure | None, fact: FactView) -> bool:
    """False for a printed unit in which the fact cannot be stated."""
    if measure is None or measure.kind != "unit" or measure.agrees(fact.measure):
        return True
    per = measures.parse(f"{measure.text}/{fact.unit.split('/', 1)[1]}") if "/" in fact.unit else None
    return per is not None and per.agrees(fact.measure)


def best(
    number: Number, facts: Sequence[FactView], comparator: str, value: Callable[[FactView], Fraction | None]
) -> tuple[bool | None, FactView | None]:
    """The best outcome over readings and facts, with the fact it comes from (the nearest one where none holds)."""
    undecided: FactView | None = None
    nearest: tuple[Fraction, FactView] | None = None
    for fact in facts:
        exact = value(fact)
        if exact is None or not _same_dimension(number.measure, fact):
            continue
        for reading in number.readings:
            printed = in_unit_of(reading, number.measure, fact)
            outcome = compare(printed, exact, comparator)
            if outcome:
                return True, fact
            if outcome is None:
                undecided = undecided or fact
            off = abs(printed.value - exact)
            if nearest is None or off < nearest[0]:
                nearest = (off, fact)
    if undecided is not None:
        return None, undecided
    return (False, nearest[1]) if nearest else (None, None)


def says(fact: FactView) -> str:
    """What a fact says, for reasons."""
    n = f", n={fact.n}" if fact.n is not None else ""
    return f"{fact.described()} is {fact.printed}{n}"


class Judge:
    """Judges single values against the facts."""

    def __init__(self, index: FactIndex) -> None:
        self.index = index

    def level(self, number: Number, frame: Frame, comparator: str) -> Ruling:
        """A value of a metric. "Up to" names the maximum where facts have one."""
        if comparator == "upto" and frame.statistic is None:
            highest = replace(frame, statistic="max")
            if self.index.select(highest, number.measure).stage is Stage.FOUND:
                return self.level(number, highest, "eq")
            ruling = self.level(number, replace(frame, statistic="mean"), "upto")
            return (
                ruling
                if ruling.verdict is not Verdict.SUPPORTED
                else unsupported("no fact has a maximum of it", ruling.fact)
            )
        chosen = self.index.select(frame, number.measure)
        if chosen.stage is not Stage.FOUND:
            return self._not_found(number, frame, comparator, chosen)
        stated = [item for item in chosen.facts if item.statistic == frame.statistic]
        if (frame.statistic, comparator) in {("max", "le"), ("max", "lt"), ("min", "ge"), ("min", "gt")} and stated:
            chosen = replace(chosen, facts=tuple(stated))  # a bound of every run is no bound of one sample
        outcome, fact = best(number, chosen.facts, comparator, lambda item: item.value)
        if outcome and fact is not None:
            return self._held(number, frame, chosen, fact)
        if fact is None:
            return unsupported("no fact decides")
        if outcome is None:
            return unsupported(f"neither within 5 % nor beyond 10 %: {says(fact)}", fact)
        if frame.statistic not in {None, "mean", "min", "max", "total", fact.statistic}:
            return unsupported(f"no fact has this statistic: {frame.statistic}; {says(fact)}", fact)
        return self._conflict(number, frame, chosen, fact)

    def _held(self, number: Number, frame: Frame, chosen: Selection, fact: FactView) -> Ruling:
        if needs_samples(frame.statistic) and fact.n == 1:
            other = next((item for item in chosen.facts if item.n != 1 and item.value == fact.value), None)
            if other is None:
                return unsupported(f"{says(fact)}: one sample is no {frame.statistic}", fact)
        return supported(says(fact), fact)

    def _conflict(self, number: Number, frame: Frame, chosen: Selection, fact: FactView) -> Ruling:
        outcome, other = best(
            number, [item for item in chosen.near if item not in chosen.facts], "eq", lambda item: item.value
        )
        if outcome and other is not None:
            return contradicted(f"the number is the {other.described()}; {says(fact)}", fact)
        return contradicted(says(fact), fact)

    def _not_found(self, number: Number, frame: Frame, comparator: str, chosen: Selection) -> Ruling:
        if chosen.stage is Stage.UNIT:
            fact = chosen.near[0]
            if frame.metric and "metric" in frame.inherited:
                return unsupported(
                    f"{frame.metric.phrase} is not stated in {number.measure.text if number.measure else ''}", fact
                )
            return contradicted(f"the unit conflicts: {says(fact)}", fact)
        if chosen.stage in {Stage.STATISTIC, Stage.CONDITION}:
            pool = (
                chosen.near
                if chosen.stage is Stage.CONDITION
                else narrowed(chosen.near, frame.conditions) or chosen.near
            )
            if chosen.stage is Stage.CONDITION:
                pool = [item for item in pool if _states_otherwise(item, frame)]
            outcome, other = best(number, pool, "eq" if comparator != "approx" else comparator, lambda item: item.value)
            same = [item for item in pool if statistic_fits(frame.statistic, item)]
            if outcome and other is not None:
                return contradicted(f"the number is the {other.described()}", other)
            what = frame.statistic if chosen.stage is Stage.STATISTIC else self._unmet(frame, same or chosen.near)
            return unsupported(f"{chosen.stage.value}: {what}")
        return unsupported(_why(chosen.stage, frame))

    @staticmethod
    def _unmet(frame: Frame, facts: Sequence[FactView]) -> str:
        stated = {pair for fact in facts for pair in fact.conditions}
        missing = [f"{key} {value}".strip() for key, value in frame.conditions if (key, value) not in stated]
        return ", ".join(missing) or ", ".join(f"{key} {value}".strip() for key, value in frame.conditions)

    def runs(self, number: Number, facts: Sequence[FactView], comparator: str, frame: Frame) -> Ruling:
        """The number of runs behind facts that the sentence speaks of."""
        if not facts:
            chosen = self.index.select(frame, None)
            facts = chosen.facts or chosen.near
        if not facts:
            return unsupported("no fact says over how many runs")
        counted = [fact for fact in facts if fact.n is not None]
        if not counted:
            return unsupported("the fact does not say over how many runs")
        bare = Number(number.printed, number.readings, number.text)
        for fact in counted:
            if fact.n is not None and compare(bare.printed, Fraction(fact.n), comparator):
                return supported(f"n={fact.n} for {fact.described()}", fact)
        return contradicted(f"n={counted[0].n} for {counted[0].described()}", counted[0])

    def spread(
        self, number: Number, frame: Frame, facts: Sequence[FactView], *, plus_minus: bool, comparator: str
    ) -> Ruling:
        """A standard deviation, coefficient of variation, standard error or a plus-minus."""
        wanted = frame.statistic if frame.statistic in words.SPREADS else "std"
        base = Frame(frame.metric, None, frame.entity, frame.conditions, frame.inherited)
        direct = self.index.select(
            Frame(frame.metric, wanted, frame.entity, frame.conditions, frame.inherited), number.measure
        )
        chosen = self.index.select(base, None, any_statistic=True)
        if chosen.stage is not Stage.FOUND and not facts:
            return self._not_found(number, base, comparator, chosen)
        carriers = [fact for fact in facts if fact.sd is not None] if plus_minus else []
        carriers = carriers or [fact for fact in (*facts, *chosen.facts) if fact.sd is not None]
        if direct.stage is Stage.FOUND:
            outcome, fact = best(number, direct.facts, comparator, lambda item: item.value)
            if outcome and fact is not None:
                return supported(says(fact), fact)
            if not plus_minus:
                return contradicted(says(direct.facts[0]), direct.facts[0])
        if not carriers:
            return unsupported(f"no fact states a spread of {chosen.near[0].described() if chosen.near else 'it'}")
        if wanted not in _FROM_SD:
            return unsupported(f"no fact has this statistic: {wanted}", carriers[0])
        options: list[Callable[[FactView], Fraction | None]] = [_FROM_SD[wanted]]
        if wanted == "cv" or (number.measure and number.measure.kind == "percent"):
            options = [_relative_spread]
        if plus_minus:
            options.append(_half_interval)
        for option in options:
            target = [_as_ratio(fact) for fact in carriers] if option is _relative_spread else carriers
            outcome, fact = best(number, target, comparator, option)
            if outcome and fact is not None:
                return supported(f"spread of {fact.described()}", fact)
        first = carriers[0]
        return contradicted(
            f"the standard deviation of {first.described()} is {float(first.sd or 0):.4g} {first.unit}", first
        )

    def interval(self, number: Number, which: str, facts: Sequence[FactView]) -> Ruling:
        """One end of a confidence interval, or its half width."""
        known = [fact for fact in facts if fact.ci_low is not None and fact.ci_high is not None]
        if not known:
            return unsupported("no fact states an interval of it")
        value: dict[str, Callable[[FactView], Fraction | None]] = {
            "ci_low": lambda fact: fact.ci_low,
            "ci_high": lambda fact: fact.ci_high,
            "ci_half": _half_interval,
        }
        outcome, fact = best(number, known, "eq", value[which])
        if outcome and fact is not None:
            return supported(f"interval of {fact.described()}", fact)
        first = known[0]
        return contradicted(
            f"the interval of {first.described()} is {float(first.ci_low or 0):.6g} to {float(first.ci_high or 0):.6g}",
            first,
        )

    def range_end(self, number: Number, frame: Frame, which: str, *, strict: bool) -> Ruling:
        """One end of a range: the minimum or maximum where facts have them (`strict`), else a bound."""
        extreme = "min" if which == "low" else "max"
        if strict:
            chosen = self.index.select(
                Frame(frame.metric, extreme, frame.entity, frame.conditions, frame.inherited), number.measure
            )
            if chosen.stage is Stage.FOUND:
                return self.level(
                    number, Frame(frame.metric, extreme, frame.entity, frame.conditions, frame.inherited), "eq"
                )
            if frame.entity is None or "entity" in frame.inherited or not frame.entity.known:
                across = self.across(number, frame, extreme)
                if across is not None:
                    return across
        bare = Frame(frame.metric, frame.statistic, frame.entity, frame.conditions, frame.inherited)
        return self.level(number, bare, "ge" if which == "low" else "le")

    def across(self, number: Number, frame: Frame, extreme: str) -> Ruling | None:
        if frame.metric is None:
            return None
        every = [fact for fact in self.index.of_metric(frame.metric) if statistic_fits(frame.statistic, fact)]
        every = [
            fact
            for fact in narrowed(every, frame.conditions)
            if number.measure is None or fact.measure.agrees(number.measure)
        ]
        if len({fact.entity for fact in every}) < 2:
            return None
        pick = (min if extreme == "min" else max)(every, key=lambda fact: fact.base)
        outcome, _ = best(number, [pick], "eq", lambda fact: fact.value)
        return supported(says(pick), pick) if outcome else contradicted(f"the {extreme} is {says(pick)}", pick)


def _standard_error(fact: FactView) -> Fraction | None:
    if fact.sd is None or not fact.n:
        return None
    return Fraction(math.sqrt(fact.sd * fact.sd / fact.n))


_FROM_SD: dict[str, Callable[[FactView], Fraction | None]] = {
    "std": lambda fact: fact.sd,
    "cv": lambda fact: fact.sd,
    "variance": lambda fact: None if fact.sd is None else fact.sd * fact.sd,
    "stderr": _standard_error,
}
"""What follows from a standard deviation (`cv` of facts whose deviation is relative already)."""


def _half_interval(fact: FactView) -> Fraction | None:
    if fact.ci_low is None or fact.ci_high is None:
        return None
    return (fact.ci_high - fact.ci_low) / 2


def _relative_spread(fact: FactView) -> Fraction | None:
    return fact.sd


def _as_ratio(fact: FactView) -> FactView:
    """The fact with its spread relative to its value, as a pure number."""
    measure = measures.parse("ratio")
    assert measure is not None
    relative = fact.sd / abs(fact.value) if fact.sd is not None and fact.value else None
    return replace(fact, sd=relative, measure=measure, unit="")


def _states_otherwise(fact: FactView, frame: Frame) -> bool:
    """True where the fact states another value for a condition that the claim names."""
    stated = dict(fact.conditions)
    return any(key in stated and stated[key] != value for key, value in frame.conditions)


def _why(stage: Stage, frame: Frame) -> str:
    if stage is Stage.UNKNOWN_ENTITY and frame.entity is not None:
        return f"{stage.value}: {frame.entity.text}"
    if stage is Stage.NOT_FOR_ENTITY and frame.entity is not None and frame.metric is not None:
        entity = frame.entity.names[0] if frame.entity.names else frame.entity.text
        return f"{stage.value}: {frame.metric.phrase} of {entity}"
    if stage is Stage.NO_FACT and frame.metric is not None:
        return f"{stage.value}: {frame.metric.phrase}"
    if stage is Stage.NO_ENTITY and frame.metric is not None:
        return f"{stage.value} and several have {frame.metric.phrase}"
    return stage.value
