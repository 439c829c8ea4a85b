"""Numbers of a sentence, each judged by its role: levels, counts of runs, spreads, intervals, ranges.

What follows from two or more facts is in `derived_claims`; what a number is worth is decided in `judging`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from chimera_pipeline.audit import (
    count_claims,
    derived_claims,
    stated_comparisons,
    words,
)
from chimera_pipeline.audit.better import orientation
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import BoundNumber
from chimera_pipeline.audit.judging import Ruling, contradicted, says, supported, unsupported
from chimera_pipeline.audit.lexicon import EntityRef, MetricRef
from chimera_pipeline.audit.linking import Stage, statistic_fits
from chimera_pipeline.audit.measures import singular
from chimera_pipeline.audit.results import Verdict
from chimera_pipeline.audit.roles import Role, before_after
from chimera_pipeline.audit.sentence_state import Draft, SentenceState

_EVERY = re.compile(
    r"\b(?:all|every|each|both|none of|no)(?: of)?(?: \w+){0,3}? "
    r"(?:models?|kernels?|variants?|entities|"
    r"systems|engines|backends?|configurations?|candidates)\b[^.;]*$"
)
_EVERY_RUN = re.compile(
    r"\b(?:all|every|each|none|no|not a|any)(?: of)?(?: the| its| single| \w+)? (?:<[SC]> )*"
    r"(?:runs?|requests?|calls?|samples?|iterations?|responses?|repetitions?|executions?|trials?|<M>)(?!\w)[^.;,]*$"
)
_FOR_EVERY = re.compile(r"\s*(?:<[SC]> )*(?:for|on|across|with|in) (?:all|every|each)\b")
_NEVER = re.compile(r"\bnever \w+(?: \w+)?\s*$")
_FIRST = frozenset(["level", "part", "whole", "range_low", "range_high", "bound_low", "bound_high", "sum"])
_KINDS = {
    "part": "count",
    "whole": "count",
    "spread_of": "spread",
    "ci_low": "interval",
    "ci_high": "interval",
    "ci_half": "interval",
}


def drafts(state: SentenceState) -> list[Draft]:
    """Claims of all numbers in reading order; those that others depend on are judged first."""
    for early in (True, False):
        for item in state.bound:
            if (state.roles[item.at].kind in _FIRST) is early:
                judge_number(state, item)
    return [state.ruled[item.at] for item in state.bound if item.at in state.ruled]


def judge_number(state: SentenceState, item: BoundNumber) -> None:
    """Judge one number and note the claim in `state.ruled`, unless it is no claim."""
    role = state.roles[item.at]
    item.frame = state.auditor.resolved(item.frame)
    if _is_no_claim(state, item, role):
        return
    ruling = _ruling(state, item, role)
    kind = {"part": "count", "whole": "count", "spread_of": "spread", "ci_low": "interval", "ci_high": "interval",
            "ci_half": "interval"}.get(role.kind, role.kind.split("_")[0])  # fmt: skip
    if role.kind == "level" and item.number.noun and item.number.measure is None:
        kind = "count"
    state.ruled[item.at] = Draft(item.number, item.frame, kind, role.comparator, ruling, item.number.text)


def _is_no_claim(state: SentenceState, item: BoundNumber, role: Role) -> bool:
    """A small whole number without unit, counted noun or metric ("3 areas") measures nothing."""
    number = item.number
    plain = number.measure is None and not number.noun and re.fullmatch(r"\d{1,2}", number.text)
    _, beyond = before_after(state.reading, item.at)
    if number.text.lower() in {"twice", "thrice", "half"} and not re.match(
        r"\s*(?:as|the|that|those|its|of|<)", beyond
    ):
        return True
    if role.kind == "ratio" and number.text.isalpha() and not any(token.kind == "M" for token in state.reading.tokens):
        _, after = before_after(state.reading, item.at)
        return re.match(r"\s*(?:as|that)\b", after) is None
    if role.kind == "level" and number.text in {"one", "single", "One", "Single"}:
        return True
    if role.kind == "level" and number.text.isalpha() and number.measure is None:
        return item.frame.metric is None or not state.auditor.index.of_metric(item.frame.metric)
    if role.kind != "level" or not plain:
        return False
    before, after = before_after(state.reading, item.at)
    if item.frame.metric is None:
        counts = re.match(r"\s*(?:\w+ ){0,2}?\w+s\b", after) is not None and len(number.text) > 1
        return not counts and (
            not re.search(r"(?:[:=]|is|was|of)\s*$", before) or re.match(r"\s*[a-z]", after) is not None
        )
    named = any(state.reading.tokens[at].kind in "MSC" for at in (*item.pre, *item.post))
    dimensions = state.auditor.index.dimensions(item.frame.metric) or frozenset()
    named = named and not any(power[0] == "[time]" for dimension in dimensions for power in dimension)
    alone = re.fullmatch(r"[\s*:(|=-]*", before) and re.fullmatch(r"[\s*.)|]*", after)
    if re.match(
        r"\s*(?!and\b|or\b|for\b|with\b|on\b|at\b|in\b|to\b|while\b|but\b|versus\b|vs\b|against\b|compared\b|per\b)[a-z]{3,}",
        after,
    ):
        return len(number.text) == 1
    return not (named or alone or re.search(r"(?:[:=(]|is|was|of)\s*$", before))


def _linked(state: SentenceState, item: BoundNumber) -> list[FactView]:
    """Facts of the value that a count, spread or interval speaks of: the nearest one before, else after."""
    order = state.bound.index(item)
    candidates = [*reversed(state.bound[:order]), *state.bound[order + 1 :]]
    for other in candidates:
        draft = state.ruled.get(other.at)
        fact = draft.ruling.fact if draft is not None and draft.kind == "level" else None
        entity = item.frame.entity
        if fact is not None and not (entity is not None and entity.known and fact.entity not in entity.names):
            return [fact]
    return []


def _ruling(state: SentenceState, item: BoundNumber, role: Role) -> Ruling:
    judge, number, frame = state.auditor.judge, item.number, item.frame
    if state.stated is not None:
        ruling = stated_comparisons.ruling(state.stated, state.reading, item, role)
        if ruling is not None:
            return ruling
    counted = _counted_by_cited(state, item)
    if counted is not None and role.kind == "level":
        return counted
    if role.kind in {"p", "q"}:
        return unsupported("no comparison of the facts is named")
    if role.kind == "level":
        return _level(state, item, role)
    if role.kind in {"range_low", "range_high", "bound_low", "bound_high"}:
        kind, which = role.kind.split("_")
        if frame.metric is None and kind == "range":
            item.frame = frame = replace(frame, metric=state.auditor.ranged_metric(frame, number.measure))
        return judge.range_end(number, frame, which, strict=kind == "range")
    if role.kind == "n":
        return judge.runs(number, _linked(state, item), role.comparator, frame)
    if role.kind in {"spread", "spread_of"}:
        return judge.spread(
            number, frame, _linked(state, item), plus_minus=role.kind == "spread_of", comparator=role.comparator
        )
    if role.kind in {"ci_low", "ci_high", "ci_half"}:
        return judge.interval(number, role.kind, _linked(state, item))
    if role.kind in {"part", "whole"}:
        return count_claims.share_count(state, item, role)
    if role.kind == "sum":
        return derived_claims.total(state, item, role)
    if role.kind == "share":
        return derived_claims.share(state, item, role)
    return derived_claims.derived(state, item, role)


def _counted_by_cited(state: SentenceState, item: BoundNumber) -> Ruling | None:
    """ "1 line [F93]": the count of a cited fact that counts the same things, in a sentence that names its metric."""
    noun = item.number.noun.split(" ")[-1]
    metrics = {key for token in state.reading.tokens if token.metric for key in token.metric.keys}
    for fact in state.cited:
        if noun and fact.unit and singular(fact.unit.lower()) == noun and fact.key in metrics:
            holds = item.number.printed.holds(fact.value)
            return supported(says(fact), fact) if holds else contradicted(says(fact), fact)
    return None


def _level(state: SentenceState, item: BoundNumber, role: Role) -> Ruling:
    """A level, which must also be of the statistic of the fact that it cites."""
    ruling, cited = _judged_level(state, item, role), _cited_by(state, item)
    if cited is None or ruling.verdict is not Verdict.SUPPORTED or "statistic" in item.frame.inherited:
        return ruling
    told = item.frame.statistic
    if told is None or statistic_fits(told, cited) or told in words.SPREADS:
        return ruling
    return contradicted(f"the cited fact is no {told}: {says(cited)}", cited)


def _cited_by(state: SentenceState, item: BoundNumber) -> FactView | None:
    """The one fact that is cited between a number and the next level."""
    levels = [other.at for other in state.bound if state.roles[other.at].kind == "level" and other.at > item.at]
    tokens = state.reading.tokens
    stop = tokens[levels[0]].start if levels else len(state.reading.text)
    found = [fact for place, fact in state.marks.items() if tokens[item.at].end <= place < stop]
    return found[0] if len(found) == 1 and found[0].kind == "level" else None


def _judged_level(state: SentenceState, item: BoundNumber, role: Role) -> Ruling:
    judge, number, frame = state.auditor.judge, item.number, item.frame
    rate = frame.metric.phrase if frame.metric else ""
    if frame.metric is None and number.measure is not None and number.measure.kind == "percent":
        counted = count_claims.share_of_counts(state, item, role)
        if counted is not None:
            return counted
    if rate in {"failure rate", "error rate", "success rate"} and not state.auditor.index.of_metric(
        MetricRef(rate, (rate,))
    ):
        share = count_claims.request_share(
            state, item, role, "requests succeeded" if rate == "success rate" else "requests failed"
        )
        if share is not None and number.measure is not None:
            return share
    if number.noun.split(" ")[-1:] in (["model"], ["variant"]) and number.measure is None:
        same = number.printed.holds(Fraction(len(state.auditor.lexicon.entities)))
        return supported("the facts know as many entities") if same else unsupported("no fact counts models")
    if state.superlative_at and frame.entity is None and frame.metric is not None and frame.statistic != "max":
        sense = words.SUPERLATIVES.get(state.reading.tokens[state.superlative_at[0]].text, "best")
        facts = state.auditor.index.of_metric(frame.metric)
        better = orientation(facts[0], state.auditor.index) if facts else 0
        sign = {"up": 1, "down": -1, "best": better, "worst": -better}[sense]
        across = judge.across(number, frame, "max" if sign > 0 else "min") if sign else None
        if across is not None:
            return across
    if (
        frame.statistic is None
        and role.comparator in {"gt", "ge", "lt", "le"}
        and _EVERY_RUN.search(before_after(state.reading, item.at)[0])
    ):
        frame = replace(frame, statistic="max" if role.comparator in {"lt", "le"} else "min")
    if role.comparator in {"le", "ge"} and _NEVER.search(before_after(state.reading, item.at)[0]):
        extreme = replace(frame, statistic="max" if role.comparator == "le" else "min")
        found = state.auditor.index.select(extreme, number.measure).stage is Stage.FOUND
        frame = extreme if found else frame
    named = _listed_entities(state, item) or _quantified(state, item)
    rulings = [
        judge.level(number, replace(frame, entity=entity, inherited=frame.inherited - {"entity"}), role.comparator)
        for entity in named
    ]
    if not rulings:
        rulings = [judge.level(number, frame, role.comparator)]
        state.auditor.levels.append((number, frame))
    order = {Verdict.SUPPORTED: 0, Verdict.UNSUPPORTED: 1, Verdict.CONTRADICTED: 2}
    return max(rulings, key=lambda ruling: order[ruling.verdict])


def _listed_entities(state: SentenceState, item: BoundNumber) -> list[EntityRef]:
    """ "A and B both decode above 90": every one of them is meant."""
    tokens = state.reading.tokens
    entities = [at for at in item.pre if tokens[at].kind == "E"]
    if len(entities) < 2 or len([other for other in state.bound if other.group == item.group]) > 1:
        return []
    bound = item.pre[-2:] if state.roles[item.at].comparator in {"gt", "ge", "lt", "le"} else ()  # "more than 10 GB"
    texts = {tokens[at].text for at in item.pre if tokens[at].kind in "WP" and at not in bound}
    joined = all(
        {tokens[at].text for at in range(first + 1, second)} <= {",", "and", "as", "well", "both", "the", "nor", "or"}
        for first, second in pairwise(entities)
    )
    if not joined or texts & {"between", "together", "combined", "than", "difference"}:
        return []
    return [entity for at in entities if (entity := tokens[at].entity) is not None]


def _quantified(state: SentenceState, item: BoundNumber) -> list[EntityRef]:
    """ "All models stay above 40": every entity that has the metric."""
    before, after = before_after(state.reading, item.at)
    bounded = state.roles[item.at].comparator in {"gt", "ge", "lt", "le"}
    if (
        not (_EVERY.search(before) or (bounded and _FOR_EVERY.match(after)))
        or any(state.reading.tokens[at].kind == "E" for at in item.pre)
        or item.frame.metric is None
    ):
        return []
    names = {fact.entity for fact in state.auditor.index.of_metric(item.frame.metric)}
    return [EntityRef(name, (name,)) for name in sorted(names)]
