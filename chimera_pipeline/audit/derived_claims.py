"""Numbers that follow from two or more facts: ratios, percentages, differences, sums, shares.

Finds the two operands in the sentence (`operands`), fills what they leave open, and asks `comparing`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from chimera_pipeline.audit import (
    count_claims,
    operands,
    words,
)
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import BoundNumber, Frame
from chimera_pipeline.audit.judging import Ruling, unsupported
from chimera_pipeline.audit.results import Verdict
from chimera_pipeline.audit.roles import Role, before_after
from chimera_pipeline.audit.sentence_state import SentenceState

_ALONE = re.compile(r"\s*(?:as (fast)|faster|slower|quicker|higher|lower)\s*[.;,)]?\s*$")
_COSTS = re.compile(
    r"\b(?:costs?|loses?|lost|gives? up|sacrifices?|forfeits?)(?: \w+){0,2} ?$"
)  # "from A to B costs 39 % of"


def derived(state: SentenceState, item: BoundNumber, role: Role) -> Ruling:
    """Ratio, percent or difference between two operands."""
    word_at = word_near(state, item)
    level = _as_level(state, item, role)
    if level is not None:
        return level
    state.used.add(word_at)
    sides = _told_before(state, item, word_at) or _sides(state, item, word_at)
    if sides is None:
        return _from_numbers(state, item, role, word_at)
    sides = operands.Sides(
        tuple(in_scope(state, frame) for frame in sides.left), tuple(in_scope(state, frame) for frame in sides.right),
        sides.word, sides.word_at, sides.others, sides.ordered and not _is_factor(state, item))  # fmt: skip
    item.frame = replace(sides.left[0], inherited=frozenset())
    if sides.others:
        return unsupported("the second operand is not named")
    if sides.left[0].metric is None:
        metric = state.auditor.comparer.metric_of_unit(sides.left[0], sides.right[0], item.number)
        sides = replace(
            sides,
            left=tuple(replace(frame, metric=metric) for frame in sides.left),
            right=tuple(replace(frame, metric=metric) for frame in sides.right),
        )
    ruling = state.auditor.comparer.ratio(item.number, role.comparator, sides, role.kind)
    if ruling.verdict is Verdict.UNSUPPORTED and ruling.reason in {"no metric is named", "no second operand is named"}:
        other = _from_numbers(state, item, role, word_at)
        return other if other.verdict is not Verdict.UNSUPPORTED else ruling
    return ruling


def _told_before(state: SentenceState, item: BoundNumber, word_at: int) -> operands.Sides | None:
    """ "A is the slowest; B is 2.8 times as fast": the second operand is the one other entity, named before."""
    tokens = state.reading.tokens
    form = _ALONE.match(before_after(state.reading, item.at)[1])
    named = [token.entity for token in tokens[: item.at] if token.entity is not None and token.entity.known]
    if form is None or len({entity.names for entity in named}) != 2 or any(t.entity for t in tokens[item.at :]):
        return None
    other = next(entity for entity in named if entity.names != named[-1].names)
    shared = Frame(conditions=operands.frame_of(tokens, range(len(tokens))).conditions)
    frames = [replace(shared, entity=entity) for entity in (named[-1], other)]
    word = form.group(1) or tokens[word_at].text
    return operands.Sides((frames[0],), (frames[1],), word, word_at)


def _is_factor(state: SentenceState, item: BoundNumber) -> bool:
    """ "from 118.6 to 19.8 tok/s, a factor of 6": the larger over the smaller."""
    before, _ = before_after(state.reading, item.at)
    return re.search(r"\b(?<!by )a factor of\b[^.;,]*$", before) is not None


def _as_level(state: SentenceState, item: BoundNumber, role: Role) -> Ruling | None:
    """ "a speedup of 1.8x" where facts have speedup as a metric."""
    metric = item.frame.metric
    if metric is None or item.number.measure is None or not state.auditor.index.of_metric(metric):
        return None
    if role.kind == "ratio" and state.auditor.index.fits(metric, item.number.measure):
        return state.auditor.judge.level(item.number, item.frame, role.comparator)
    return None


def in_scope(state: SentenceState, frame: Frame) -> Frame:
    """A side with metric and entity from the rest of the sentence or from what it stands under."""
    if frame.metric is None:
        metrics = [token.metric for token in state.reading.tokens if token.metric is not None]
        statistic = next((token.statistic for token in state.reading.tokens if token.kind == "S"), None)
        metric = metrics[0] if metrics else None
        if metric is None:
            rated = next(
                (
                    item.frame.metric
                    for item in state.bound
                    if item.frame.metric and state.roles[item.at].kind == "level"
                ),
                None,
            )
            metric = rated or state.scope.metric
        frame = replace(frame, metric=metric, statistic=frame.statistic or statistic)
    if frame.statistic is None and any(
        token.kind == "S" and token.statistic == "mean" and token.text.lower() == "on average"
        for token in state.reading.tokens
    ):
        frame = replace(frame, statistic="mean")
    return frame.filled(Frame(entity=state.scope.entity)).with_conditions(state.scope.conditions)


def word_near(state: SentenceState, item: BoundNumber) -> int:
    """The place of the directed word that goes with a derived number, else the number's own."""
    tokens = state.reading.tokens
    order = state.bound.index(item)
    stop = state.bound[order + 1].at if order + 1 < len(state.bound) else len(tokens)
    for at in range(item.at + 1, min(stop, item.at + 7)):
        if tokens[at].kind == "W" and tokens[at].text in words.UP | words.DOWN | words.BETTER | words.WORSE:
            return at
        if tokens[at].text in {"of", "that", "as"} and at <= item.at + 2:
            break
    begin = state.bound[order - 1].at if order else -1
    for at in range(item.at - 1, begin, -1):
        if tokens[at].kind == "W" and tokens[at].text in operands.DIRECTED - {
            "over",
            "above",
            "below",
            "more",
            "less",
            "up",
            "under",
        }:
            return at
    return item.at


def _sides(state: SentenceState, item: BoundNumber, word_at: int) -> operands.Sides | None:
    reading, places = state.reading, state.places
    if item.group >= 0:
        return None
    previous = None
    for other in state.bound:
        if other.at < item.at and state.roles[other.at].kind in {"ratio", "percent", "difference"} and other.group < 0:
            previous = operands.around(reading, places, word_near(state, other), previous) or previous
    pair = _between_two(state, item)
    if pair is not None:
        return pair
    verb = re.search(r"\bmultipl\w+\b[^.;]*\bby\s*$", before_after(reading, item.at)[0])
    if verb or item.number.text.lower().endswith(("les", "led", "lves", "lved")):  # "from A to B doubles the ..."
        begin, end = operands.clause(reading, places, item.at)
        step = operands.moved(reading, places[begin:end])
        if step is not None:
            return replace(step, word_at=item.at)
    if word_at != item.at and not (previous is not None and word_at == previous.word_at):
        return operands.around(reading, places, word_at, previous)
    return _continued(state, item, previous) or _times_of(state, item, previous)


def _continued(state: SentenceState, item: BoundNumber, previous: operands.Sides | None) -> operands.Sides | None:
    """ "A is 1.8 times faster than C, and B 2.8 times": the second operand and the word go on."""
    tokens = state.reading.tokens
    entity = next((tokens[at].entity for at in reversed(item.pre) if tokens[at].kind == "E"), None)
    _, after = before_after(state.reading, item.at)
    if previous is None or entity is None or re.match(r"\s*(?:as|that|the|those|of)\b", after):
        return None
    return replace(previous, left=(replace(previous.left[0], entity=entity),), word_at=item.at)


def _between_two(state: SentenceState, item: BoundNumber) -> operands.Sides | None:
    """ "the difference ... between A and B is N"."""
    tokens = state.reading.tokens
    begin = next((at for at in state.places if tokens[at].text == "between"), None)
    if begin is None or not re.search(r"\b(?:difference|gap|delta|ratio|distance|factor)\b", state.reading.form):
        return None
    after = [at for at in state.places if at > begin]
    joint = next((at for at in after if tokens[at].text == "and"), None)
    if joint is None:
        return None
    stop = next(
        (
            at
            for at in after
            if at > joint and tokens[at].text in {"is", "was", "of", "amounts", "comes", ",", "reaches"}
        ),
        len(tokens),
    )
    left = [at for at in after if at < joint]
    right = [at for at in after if joint < at < stop]
    rest = [at for at in state.places if at < begin or at >= stop]
    shared = operands.frame_of(tokens, rest)
    first, second = operands.frame_of(tokens, left), operands.frame_of(tokens, right)
    first = Frame(
        first.metric or second.metric, first.statistic or second.statistic, first.entity, first.conditions
    ).filled(shared)
    second = Frame(
        second.metric or first.metric, second.statistic or first.statistic, second.entity, second.conditions
    ).filled(shared)
    return operands.Sides((first,), (second,), "", item.at, ordered=False)


def _times_of(state: SentenceState, item: BoundNumber, previous: operands.Sides | None) -> operands.Sides | None:
    """ "N times as fast as B", "N times that of B", "twice the ... of B"."""
    reading = state.reading
    _, after = before_after(reading, item.at)
    found = re.match(r"\s*as (\w+|<[A-Z]>)(?: (?:<[MSC]>|\w+)){0,4}? as\b", after)
    if found:
        sides = operands.around(reading, state.places, item.at, previous)
        if sides is not None and found.group(1) in {"fast", "quick", "quickly"}:
            return replace(sides, word="fast")
        return sides
    if not re.match(r"\s*(?:the|that|those|of|its|what)\b", after):
        return operands.around(reading, state.places, item.at, previous)
    begin, end = operands.clause(reading, state.places, item.at)
    left = [at for at in state.places[begin:end] if at < item.at]
    right = [at for at in state.places[begin:end] if at > item.at]
    return operands.sides_of(reading.tokens, left, right, previous, "", item.at, others=False)


def _from_numbers(state: SentenceState, item: BoundNumber, role: Role, word_at: int) -> Ruling:
    """Operands given as two values of the sentence ("from 1.8 s to 0.14 s, a drop of 92 %", "98 vs 71 tok/s")."""
    facts: list[FactView] = []
    places: list[int] = []
    for other in state.bound:
        draft = state.ruled.get(other.at)
        if draft is None or draft.kind not in {"level", "range", "bound"}:
            continue
        if draft.ruling.fact is None or draft.ruling.verdict is not Verdict.SUPPORTED:
            continue
        facts.append(draft.ruling.fact)
        places.append(other.at)
    if len(facts) != 2 or facts[0].measure.dimension != facts[1].measure.dimension or facts[0] is facts[1]:
        return unsupported("no second operand is named")
    between = state.reading.form[state.reading.offsets[places[0]] : state.reading.offsets[places[1]]]
    turned = re.search(r"\b(?:to|→)\b|→", between) is not None
    first, second = (facts[1], facts[0]) if turned else (facts[0], facts[1])
    word = state.reading.tokens[word_at].text if word_at != item.at else ""
    sides = operands.Sides((Frame(),), (Frame(),), word, word_at, ordered=turned and not _is_factor(state, item))
    return state.auditor.comparer.measured(item.number, role.comparator, sides, role.kind, (first, second))


def share(state: SentenceState, item: BoundNumber, role: Role) -> Ruling:
    """ "Model load time makes up 82 % of the cold TTFT", "A reaches 72 % of the throughput of B"."""
    tokens = state.reading.tokens
    begin, end = operands.clause(state.reading, state.places, item.at)
    left = [at for at in state.places[begin:end] if at < item.at]
    right = [at for at in state.places[begin:end] if at > item.at]
    first, second = operands.frame_of(tokens, left), operands.frame_of(tokens, right, first_entity=True)
    step = operands.moved(state.reading, state.places[begin:end])
    if step is not None and _COSTS.search(before_after(state.reading, item.at)[0]):
        step = replace(
            step, left=(in_scope(state, step.left[0]),), right=(in_scope(state, step.right[0]),), word="lower"
        )
        return state.auditor.comparer.ratio(item.number, role.comparator, step, "percent")
    counted = count_claims.share_of_requests(state, item, role, right)
    if counted is not None:
        return counted
    known = Frame(entity=state.scope.entity, conditions=())
    a = Frame(
        first.metric or second.metric,
        first.statistic or second.statistic,
        first.entity or second.entity,
        first.conditions,
    ).filled(known)
    b = Frame(
        second.metric or first.metric,
        second.statistic or first.statistic,
        second.entity or first.entity,
        second.conditions,
    ).filled(known)
    if a.metric is None:
        a, b = replace(a, metric=state.scope.metric), replace(b, metric=state.scope.metric)
    if (a.metric == b.metric and a.entity == b.entity and not (a.conditions or b.conditions)) or b.metric is None:
        return (
            state.auditor.judge.level(item.number, item.frame, role.comparator)
            if item.frame.metric
            else unsupported("no operands are named")
        )
    return state.auditor.comparer.share(item.number, role.comparator, a, b)


def total(state: SentenceState, item: BoundNumber, role: Role) -> Ruling:
    """ "A and B together need 7.7 GB"."""
    entities = [token.entity for token in state.reading.tokens if token.entity is not None]
    frames = [replace(item.frame, entity=entity, inherited=frozenset()) for entity in dict.fromkeys(entities)]
    return state.auditor.comparer.total(item.number, frames, role.comparator)
