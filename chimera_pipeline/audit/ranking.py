"""Superlatives against the facts: is this entity the highest, lowest, best or worst of all that have the metric?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chimera_pipeline.audit.better import orientation
from chimera_pipeline.audit.comparing import Comparer, statistic_order
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.judging import Ruling, contradicted, says, supported, unsupported
from chimera_pipeline.audit.linking import FactIndex, beyond_name, statistic_fits, under
from chimera_pipeline.audit.results import Verdict


def superlative(
    comparer: Comparer,
    frame: Frame,
    sense: str,
    rank: int,
    *,
    negated: bool,
    among: Iterable[str] = (),
    subject: tuple[str, str] | None = None,
) -> Ruling:
    """Whether the frame's entity is the highest (lowest, best, worst) of all that have the metric.

    With `subject`, or where no other entity has the metric, its named condition is ranked among its siblings.
    """
    entity = frame.entity
    names = entity.names if entity is not None and entity.known else ()
    metric = frame.metric or (comparer.headline(names) if sense in {"best", "worst"} else None)
    if metric is None or entity is None:
        return unsupported("no metric is named" if metric is None else "no entity is named")
    if not entity.known:
        return unsupported(f"no fact knows this entity: {entity.text}")
    limits = set(among)
    every = [fact for fact in comparer.index.of_metric(metric) if statistic_fits(frame.statistic, fact)]
    every = under(every, frame.conditions)
    every = [fact for fact in every if not limits or fact.entity in limits]
    if entity.names[0] not in {fact.entity for fact in every}:
        return unsupported(f"no fact has this metric for this entity: {metric.phrase} of {entity.names[0]}")
    groups = _like_with_like(every)
    alone = all(len(group) == 1 for group in groups)
    of_entity = [
        fact for fact in comparer.index.of_metric(metric, entity.names[0]) if statistic_fits(frame.statistic, fact)
    ]
    for condition in (subject,) if subject else frame.conditions if alone else ():
        siblings = _siblings(of_entity, frame, condition)
        if siblings:
            return _stands(comparer.index, siblings[0], siblings, sense, rank, negated=negated)
    rulings = []
    for group in groups:
        mine = [fact for fact in group if fact.entity == entity.names[0]]
        if mine:
            rulings.append(_stands(comparer.index, mine[0], group, sense, rank, negated=negated))
    held = [ruling for ruling in rulings if ruling.verdict is Verdict.SUPPORTED]
    if len(held) == len(rulings):
        return rulings[0]
    return next(ruling for ruling in rulings if ruling.verdict is not Verdict.SUPPORTED) if not held else unsupported(
        "it depends on the condition: " + rulings[0].reason, rulings[0].fact)  # fmt: skip


def _stands(
    index: FactIndex, own: FactView, group: Sequence[FactView], sense: str, rank: int, *, negated: bool
) -> Ruling:
    better = orientation(own, index)
    sign = {"up": 1, "down": -1, "best": better, "worst": -better}[sense]
    if sign == 0:
        return unsupported(f"neither way is better: {says(own)}", own)
    ahead = [fact for fact in group if (fact.base - own.base) * sign > 0]
    holds = len({(fact.entity, fact.conditions) for fact in ahead}) == rank - 1
    top = max(group, key=lambda fact: fact.base * sign)
    told = says(own) if top is own else f"{says(own)}; {says(top)}"
    return supported(told, own) if holds is not negated else contradicted(told, own)


def _siblings(facts: Sequence[FactView], frame: Frame, named: tuple[str, str]) -> list[FactView]:
    """The fact under the condition `named`, first, and those that differ from it in that condition only."""
    key, value = named
    others = [pair for pair in frame.conditions if pair != named]
    for own in under(facts, frame.conditions):
        stated = dict(own.conditions)
        key = key if value else next((name for name, text in stated.items() if text == named[0]), "")
        rest = own.conditions - {(key, stated.get(key, ""))}
        found = [
            fact
            for fact in under(facts, others)
            if fact is not own
            and fact.statistic == own.statistic
            and fact.measure.dimension == own.measure.dimension
            and fact.conditions - {(key, dict(fact.conditions).get(key, ""))} == rest
        ]
        if key in stated and found:
            return [own, *found]
    return []


def _like_with_like(facts: Sequence[FactView]) -> list[list[FactView]]:
    """Facts of one statistic and condition, one an entity."""
    groups: dict[object, dict[str, FactView]] = {}
    for fact in sorted(facts, key=lambda fact: statistic_order(fact.statistic)):
        statistic = "mean" if fact.statistic in {None, "sample", "value", "mean"} else fact.statistic
        groups.setdefault((statistic, beyond_name(fact), fact.measure.dimension), {}).setdefault(fact.entity, fact)
    found = [list(group.values()) for group in groups.values()]
    several = [group for group in found if len(group) > 1]
    return several or found
