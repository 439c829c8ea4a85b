"""Which number of a sentence belongs to which metric, statistic, entity and condition.

Each number has its own window of the sentence; what the window does not name comes from the number before it, then
from the rest of the sentence, then from what the sentence stands under. Values play no part in this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chimera_pipeline.audit import words
from chimera_pipeline.audit.frames import BoundNumber, Fits, Frame, last_of, places_of
from chimera_pipeline.audit.lexicon import EntityRef, MetricRef
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.pairing import (
    from_to,
    metric_from_main,
    named_in_parenthesis,
    runs,
    set_against,
    set_side_by_side,
    trailing_average,
)
from chimera_pipeline.audit.tokens import N_NOUNS, Reading, Token
from chimera_pipeline.audit.windows import PREPOSITIONS, groups, stream_of

_COMPARED = frozenset(
    [
        "than",
        "beats",
        "beat",
        "outperforms",
        "outperformed",
        "surpasses",
        "over",
        "versus",
        "vs",
        "against",
        "trails",
        "to",
        "with",
        "outpaces",
    ]
)


def bind(reading: Reading, scope: Frame, fits: Fits) -> list[BoundNumber]:
    """Every number of the sentence with its frame."""
    tokens = reading.tokens
    spans = groups(tokens)
    inside = {at for begin, end in spans for at in range(begin, end + 1)}
    main = [at for at in range(len(tokens)) if at not in inside]
    bound = stream_of(tokens, main, -1)
    _frames(tokens, main, bound, scope, fits, Frame())
    for number, (begin, end) in enumerate(spans):
        stream = list(range(begin + 1, end))
        local = stream_of(tokens, stream, number)
        outer = _anchor(tokens, main, bound, begin, scope)
        _frames(tokens, stream, local, scope, fits, outer)
        for item in local:
            metric_from_main(tokens, main, item, fits)
        set_against(tokens, [at for at in main if at < begin], local)
        bound += local
        named_in_parenthesis(tokens, bound, local, begin, end)
    return sorted(bound, key=lambda item: item.at)


def _anchor(tokens: Sequence[Token], main: list[int], bound: list[BoundNumber], begin: int, scope: Frame) -> Frame:
    """What a parenthesis at `begin` stands after: the number just before it, else the names before it."""
    before = [item for item in bound if item.at < begin]
    after = [at for at in main if at < begin]
    if before and (before[-1].at == after[-1] or not places_of(tokens, after, "EM", since=before[-1].at)):
        statistics = places_of(tokens, after, "S", since=before[-1].at)
        named = places_of(tokens, after, "C", since=before[-1].at)
        frame = replace(before[-1].frame, conditions=tuple(tokens[at].condition for at in named)).with_conditions(
            before[-1].frame.conditions
        )
        return replace(frame, statistic=tokens[statistics[-1]].statistic) if statistics else frame
    frame = before[-1].frame if before else Frame()
    entity = last_of(tokens, after, "E")
    metric = last_of(tokens, [at for at in after if at > (before[-1].at if before else -1)], "M")
    if entity is not None:
        frame = replace(frame, entity=tokens[entity].entity)
    if metric is not None:
        frame = Frame(tokens[metric].metric, None, frame.entity)
        near = [at for at in after if metric - 4 <= at <= metric + 4]
        statistic = last_of(tokens, near, "S")
        frame = replace(frame, statistic=tokens[statistic].statistic if statistic is not None else None)
        frame = frame.with_conditions([tokens[at].condition for at in near if tokens[at].kind == "C"])
    return frame


def _frames(
    tokens: Sequence[Token], stream: list[int], bound: list[BoundNumber], scope: Frame, fits: Fits, outer: Frame
) -> None:
    shared = runs(tokens, bound)
    previous: Frame | None = outer if outer != Frame() else None
    for order, item in enumerate(bound):
        own = _own(tokens, item, fits, shared.get(order))
        frame = _inherit(tokens, stream, item, own, previous, scope, fits)
        before = bound[order - 1] if order else None
        if frame.statistic is None and before is not None and before.number.noun in N_NOUNS:
            frame = replace(frame, statistic=before.frame.statistic)  # "Mean of A over 24 runs: 941 ms"
        item.frame = frame
        derived = item.number.measure is not None and item.number.measure.kind in {"percent", "times", "points"}
        if not (derived and previous is not None and "metric" in frame.inherited):
            previous = frame
        elif frame.entity is not None:
            previous = replace(previous, entity=frame.entity)
    trailing_average(tokens, stream, bound)
    from_to(tokens, bound)
    set_side_by_side(tokens, bound)


def _own(tokens: Sequence[Token], item: BoundNumber, fits: Fits, given: Frame | None) -> Frame:
    """The frame that the number's own window states."""
    entity = _own_entity(tokens, item)
    metric = _own_metric(tokens, item, fits)
    statistic = _own_statistic(tokens, item)
    conditions: dict[str, str] = {}
    for at in [*item.post, *item.pre] if not item.pre else [*reversed(item.post), *item.pre]:
        if tokens[at].kind == "C":
            key, value = tokens[at].condition
            conditions[key] = value
    frame = Frame(metric, statistic, entity, tuple(conditions.items()))
    return given.filled(frame) if given else frame


def _own_entity(tokens: Sequence[Token], item: BoundNumber) -> EntityRef | None:
    pre, post = places_of(tokens, item.pre, "E"), places_of(tokens, item.post, "E")
    if post and _directly_after(tokens, item.post, post[0]):
        return tokens[post[0]].entity
    if pre:
        nearest = pre[-1]
        lead = [tokens[at].text for at in item.pre if nearest - 4 < at < nearest]
        tail = [tokens[at].text for at in item.pre if at > nearest]
        if len(pre) > 1 and set(lead[-2:]) & _COMPARED and tail[:1] and tail[0] in {"with", "at", "by", "thanks"}:
            return tokens[pre[0]].entity
        return tokens[nearest].entity
    return tokens[post[0]].entity if post else None


def _directly_after(tokens: Sequence[Token], post: list[int], at: int) -> bool:
    between = [tokens[place] for place in post if place < at]
    plain = [token.text for token in between if token.kind in "WP"]
    if plain[:1] and plain[0] in {",", ";"}:
        return plain[1:2] == ["reached"] or plain[1:2] == ["by"]
    names = {"for", "on", "by", "with", "from", "in", "of", "using", "("}
    return bool(plain) and plain[-1] in names | {"the", "model"} and bool(set(plain) & names) and len(plain) < 5


def _own_metric(tokens: Sequence[Token], item: BoundNumber, fits: Fits) -> MetricRef | None:
    pre, post = places_of(tokens, item.pre, "M"), places_of(tokens, item.post, "M")
    for at in [*reversed(pre), *post]:
        metric = tokens[at].metric
        if metric is not None and fits(metric, item.number.measure):
            return metric
    if pre and (item.number.measure is None or item.number.measure.kind == "unit"):
        metric = tokens[pre[-1]].metric
        return None if metric is not None and metric.keys[0] in _COUNTS and item.number.measure is not None else metric
    return None


_COUNTS = frozenset(
    ["requests", "requests_ok", "requests_failed", "files", "output_tokens", "prompt_tokens", "telemetry_gaps"]
)


def _own_statistic(tokens: Sequence[Token], item: BoundNumber) -> str | None:
    pre, post = places_of(tokens, item.pre, "S"), places_of(tokens, item.post, "S")
    for at in pre:
        follows = [tokens[place].text for place in item.pre if place > at][:1]
        if tokens[at].statistic in words.SPREADS and (follows == ["of"] or len(pre) == 1):
            return tokens[at].statistic
    if pre:
        return tokens[pre[-1]].statistic
    return tokens[post[0]].statistic if post else None


def _inherit(
    tokens: Sequence[Token],
    stream: list[int],
    item: BoundNumber,
    own: Frame,
    previous: Frame | None,
    scope: Frame,
    fits: Fits,
) -> Frame:
    frame, inherited = own, set()
    measure = item.number.measure
    if frame.entity is None:
        inherited.add("entity")
        stop = next((at for at in stream if at > item.at and tokens[at].text == ";"), len(tokens))
        later = [at for at in places_of(tokens, stream, "E", since=item.at) if at < stop]
        if previous and previous.entity:
            frame = replace(frame, entity=previous.entity)
            inherited.discard("entity")
        elif later:
            frame = replace(frame, entity=tokens[later[0]].entity)
            inherited.discard("entity")
        elif scope.entity:
            frame = replace(frame, entity=scope.entity)
    if frame.metric is None:
        inherited.add("metric")
        same = previous is not None and previous.metric is not None and fits(previous.metric, measure)
        if same and previous is not None:
            frame = replace(frame, metric=previous.metric, statistic=frame.statistic or previous.statistic)
            frame = frame.with_conditions(_passed_on(previous.conditions, own.conditions))
        else:
            frame = replace(frame, metric=_elsewhere(tokens, stream, item, measure, fits))
            if frame.metric is None and scope.metric is not None and fits(scope.metric, measure):
                frame = replace(frame, metric=scope.metric, statistic=frame.statistic or scope.statistic)
    leading = _leading_conditions(tokens, stream)
    frame = frame.with_conditions(leading)
    if not any(key == "phase" for key, _ in frame.conditions):
        frame = frame.with_conditions([pair for pair in scope.conditions if pair[0] == "phase"])
    frame = frame.with_conditions([pair for pair in scope.conditions if pair[0] != "phase"])
    return replace(frame, inherited=frozenset(inherited))


def _passed_on(before: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Conditions of the number before that still hold: all but names of tasks or kinds where the number has its own."""
    named = any(not value for _, value in own)
    return [(key, value) for key, value in before if value or not named]


def _elsewhere(
    tokens: Sequence[Token], stream: list[int], item: BoundNumber, measure: Measure | None, fits: Fits
) -> MetricRef | None:
    """The nearest metric of the sentence that fits the unit, before the number or after it."""
    if measure is None and item.number.noun:
        return None
    places = places_of(tokens, stream, "M")
    before = [at for at in places if at < item.at]
    after = [at for at in places if at > item.at]
    for at in [*reversed(before), *after]:
        metric = tokens[at].metric
        if metric is not None and fits(metric, measure):
            return metric
    return None


def _leading_conditions(tokens: Sequence[Token], stream: list[int]) -> list[tuple[str, str]]:
    """Conditions of an opening phrase ("At concurrency 8, ...")."""
    found: list[tuple[str, str]] = []
    for position, at in enumerate(stream):
        token = tokens[at]
        if token.kind == "N":
            return []
        if token.kind == "C":
            found.append(token.condition)
        if token.text == "," and found:
            first = tokens[stream[0]].text
            return (
                found
                if position < 8
                and (first in PREPOSITIONS | {"once", "when", "if", "while"} or tokens[stream[0]].kind == "C")
                else []
            )
    return []
