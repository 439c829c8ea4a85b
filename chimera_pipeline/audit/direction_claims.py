"""Directions without a number: "A is faster than B", "fell from A to B", "cheaper than B"."""

from __future__ import annotations

import re

from chimera_pipeline.audit import (
    derived_claims,
    operands,
    ranking,
    stated_comparisons,
    words,
)
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.judging import contradicted, unsupported
from chimera_pipeline.audit.sentence_state import Draft, SentenceState
from chimera_pipeline.audit.tokens import Reading

_NO_DIRECTION = frozenset(["up", "down", "above", "below", "additional", "extra", "over", "under"])
_COMPARATIVE = re.compile(r"[a-z]{3,}er")
_NOT_COMPARATIVE = frozenset(
    [
        "other",
        "rather",
        "either",
        "neither",
        "number",
        "her",
        "never",
        "over",
        "under",
        "after",
        "however",
        "computer",
        "server",
        "layer",
        "user",
        "her",
        "per",
        "paper",
        "order",
    ]
)


def trend(state: SentenceState) -> list[Draft]:
    """ "fell from A to B": the two values must lie that way round."""
    match = re.search(
        r"\b(fell|falls|drops?|dropped|decreased|decreases|declined|shrank|lowers|lowered|reduces|reduced|cuts|rose|rises|increased|increases|grew|grows|climbed|jumped|raises|raised|lifts|lifted)\b(?:(?!<N)[^.;])*\bfrom\b",
        state.reading.form,
    )
    if match is None:
        return []
    at = state.reading.index_at(match.start())
    values = [
        item
        for item in state.bound
        if item.at > at and state.roles[item.at].kind in {"level", "range_low", "range_high"}
    ][:2]
    if len(values) < 2 or values[0].number.measure != values[1].number.measure:
        return []
    change = values[1].number.printed.value - values[0].number.printed.value
    up = match.group(1) in {
        "rose",
        "rises",
        "increased",
        "increases",
        "grew",
        "grows",
        "climbed",
        "jumped",
        "raises",
        "raised",
        "lifts",
        "lifted",
    }
    if change == 0 or (change > 0) == up:
        return []
    return [
        Draft(
            None, values[0].frame, "direction", "eq", contradicted("the values lie the other way round"), match.group(1)
        )
    ]


def directions(state: SentenceState) -> list[Draft]:
    """Every comparison of the sentence that no number carries."""
    found: list[Draft] = []
    tokens, previous = state.reading.tokens, None
    for at, token in enumerate(tokens):
        directed = token.kind == "W" and token.text in (operands.DIRECTED | operands.VERBS) - _NO_DIRECTION
        if not directed and _unknown_comparative(state, at):
            found.append(Draft(None, Frame(), "direction", "eq", unsupported("no fact measures this"), token.text))
            continue
        if not directed or at in state.used or _belongs_to_number(state, at):
            continue
        draft, previous = _direction(state, at, previous)
        if draft is not None:
            found.append(draft)
    return found


def _belongs_to_number(state: SentenceState, at: int) -> bool:
    tokens = state.reading.tokens
    after = tokens[at + 1 : at + 5]
    if any(token.kind == "N" for token in after[:3]) and not any(token.kind == "E" for token in after[:2]):
        return True
    if tokens[at].text in operands.VERBS and any(token.text == "by" for token in after):
        return any(
            item.at > at and state.roles[item.at].kind in {"percent", "difference", "ratio"} for item in state.bound
        )
    return any(
        state.roles[item.at].kind in {"percent", "difference", "ratio"} and 0 < at - item.at < 6 for item in state.bound
    )


def _unknown_comparative(state: SentenceState, at: int) -> bool:
    """ "cheaper than NAME", "more reliable than NAME": compared, but by nothing that is measured."""
    tokens = state.reading.tokens
    word = tokens[at].text.lower()
    plain = (
        tokens[at].kind in "WM" and _COMPARATIVE.fullmatch(word) and word not in _NOT_COMPARATIVE | operands.DIRECTED
    )
    following = [token.text for token in tokens[at + 1 : at + 4]]
    if not plain or following[:1] != ["than"] or at in state.used or any(state.used):
        return False
    return any(token.kind == "E" for token in tokens[:at]) and any(
        token.kind == "E" for token in tokens[at + 2 : at + 5]
    )


def _direction(
    state: SentenceState, at: int, previous: operands.Sides | None
) -> tuple[Draft | None, operands.Sides | None]:
    reading, tokens = state.reading, state.reading.tokens
    if at not in state.places:
        return None, previous
    word = tokens[at].text
    if state.stated is not None:
        ruling = stated_comparisons.direction(state.stated, word, negated=_is_negated(reading, at))
        if ruling is not None:
            return Draft(None, Frame(), "direction", "eq", ruling, word), previous
    sides = operands.around(reading, state.places, at, previous)
    nobody = _nobody_is(state, sides, at)
    if nobody is not None:
        return nobody, sides
    if sides is None or not _names_operands(sides):
        return None, previous
    sides = operands.Sides(
        tuple(derived_claims.in_scope(state, frame) for frame in sides.left),
        tuple(derived_claims.in_scope(state, frame) for frame in sides.right),
        sides.word,
        sides.word_at,
        sides.others,
    )
    metric = sides.left[0].metric
    if (
        metric is None
        and word in words.UP | words.DOWN
        and word not in {"higher", "lower", "greater", "larger", "smaller", "longer", "shorter", "sooner", "earlier"}
    ):
        return None, previous
    negated = _is_negated(reading, at)
    frame = sides.left[0]
    if sides.others:
        sense = (
            "up" if word in words.UP else "down" if word in words.DOWN else "best" if word in words.BETTER else "worst"
        )
        ruling = ranking.superlative(state.auditor.comparer, frame, sense, 1, negated=negated)
        return Draft(None, frame, "superlative", "eq", ruling, word), sides
    ruling = state.auditor.comparer.direction(sides, negated=negated)
    return Draft(None, frame, "direction", "ne" if negated else "eq", ruling, word), sides


def _is_negated(reading: Reading, at: int) -> bool:
    before = reading.form[: reading.offsets[at]]
    return re.search(r"\b(?:not|never|no|hardly|n't|isn't|wasn't|doesn't|nor)(?: \w+){0,2} $", before) is not None


def _nobody_is(state: SentenceState, sides: operands.Sides | None, at: int) -> Draft | None:
    """ "No model is faster than A": A is the fastest."""
    before = state.reading.form[: state.reading.offsets[at]]
    if (
        sides is None
        or sides.right[0].entity is None
        or not re.search(r"\b(?:no (?:other )?\w+|none|nothing|nobody)\b[^.;,]*$", before)
    ):
        return None
    if re.search(r"<E>[^.;,]*$", before):
        return None
    word = state.reading.tokens[at].text
    sense = "up" if word in words.UP else "down" if word in words.DOWN else "best" if word in words.BETTER else "worst"
    frame = derived_claims.in_scope(state, sides.right[0])
    return Draft(
        None,
        frame,
        "superlative",
        "eq",
        ranking.superlative(state.auditor.comparer, frame, sense, 1, negated=False),
        word,
    )


def _names_operands(sides: operands.Sides) -> bool:
    if sides.others:
        return any(frame.entity for frame in sides.left)
    left, right = sides.left[0], sides.right[0]
    if sides.explicit and sides.word:
        return True
    if left.entity is None and right.entity is None:
        return bool(left.conditions and right.conditions and left.conditions != right.conditions)
    return (left.entity, left.conditions, left.statistic, left.metric) != (
        right.entity,
        right.conditions,
        right.statistic,
        right.metric,
    )
