"""Superlatives: "A is the fastest", "the lowest TTFT belongs to B", "A ranks second", "no model is faster than A"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chimera_pipeline.audit import (
    measures,
    operands,
    ranking,
    words,
)
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.sentence_state import Draft, SentenceState
from chimera_pipeline.audit.tokens import N_NOUNS, Reading, Token
from chimera_pipeline.audit.windows import PREPOSITIONS

_SENSES = words.SUPERLATIVES | words.COMPARATIVES


def superlatives(state: SentenceState) -> list[Draft]:
    """Every superlative of the sentence that names who it is about."""
    found = []
    sense = "best"
    tokens = state.reading.tokens
    for at in state.superlative_at:
        word = tokens[at].text
        begin, end = operands.clause(state.reading, state.places, at) if at in state.places else (0, 0)
        places = list(state.places[begin:end])
        frame, among = _superlative_frame(state, at, places)
        subject = _condition_subject(tokens, [place for place in places if place < at])
        if frame is None:
            continue
        rank = 1
        if word == "followed":
            rank = 2
        elif word in _RANKS:
            rank = {"second": 2, "third": 3, "fourth": 4}.get(tokens[at + 1].text, 1)
        elif (at and tokens[at - 1].text in {"-", "second", "third"}) or (at > 1 and tokens[at - 1].text == "-"):
            named = tokens[at - 1].text if tokens[at - 1].text != "-" else tokens[at - 2].text
            rank = {"second": 2, "third": 3, "fourth": 4}.get(named, 1)
        negated = (
            re.search(
                r"\b(?:not|never|n't|isn't|wasn't|hardly)(?: \w+){0,2} $",
                state.reading.form[: state.reading.offsets[at]],
            )
            is not None
        )
        last = at + 1 < len(tokens) and tokens[at + 1].text == "last"
        sense = sense if word == "followed" else _SENSES.get(word) or ("worst" if last else "best")
        ruling = ranking.superlative(
            state.auditor.comparer, frame, sense, rank, negated=negated, among=among, subject=subject
        )
        found.append(Draft(None, frame, "superlative", "ne" if negated else "eq", ruling, word))
    return found


def _superlative_frame(state: SentenceState, at: int, places: list[int]) -> tuple[Frame | None, list[str]]:
    tokens = state.reading.tokens
    word = tokens[at].text
    before = [place for place in places if place < at]
    after = [place for place in places if place > at]
    if word == "followed":
        before = []
    among = _among(state, places)
    entities = [place for place in before if tokens[place].kind == "E" and place not in among]
    later = [place for place in after if tokens[place].kind == "E" and place not in among]
    entity = tokens[entities[-1]].entity if entities else tokens[later[0]].entity if later else None
    metrics = [place for place in after if tokens[place].kind == "M"] or [
        place for place in before if tokens[place].kind == "M"
    ]
    metric = tokens[metrics[0]].metric if metrics else state.scope.metric
    if metric is None:
        metric = next(
            (item.frame.metric for item in state.bound if item.frame.metric and state.roles[item.at].kind == "level"),
            None,
        )
    statistics = [tokens[place].statistic for place in places if tokens[place].kind == "S"]
    conditions = [tokens[place].condition for place in places if tokens[place].kind == "C"]
    if metric is None and _SENSES.get(word) not in {"best", "worst"}:
        return None, []
    if metric is None and word in {"best", "worst", "top"}:
        return None, []
    if entity is None:
        return None, []
    names = [name for place in among for name in (tokens[place].entity.names if tokens[place].entity else ())]  # type: ignore[union-attr]
    return Frame(metric, statistics[0] if statistics else None, entity).with_conditions(conditions), names


def _condition_subject(tokens: Sequence[Token], before: Sequence[int]) -> tuple[str, str] | None:
    """The condition that a superlative is about ("tensorrt has the lowest compile time"), not one it holds under."""
    names = [place for place in before if tokens[place].kind in "EC"]
    if not names or tokens[names[-1]].kind != "C" or tokens[names[-1]].condition[0] == "phase":
        return None
    ahead = tokens[names[-1] - 1].text if names[-1] else ""
    return None if ahead in PREPOSITIONS | {"and", "(", "/", "-"} else tokens[names[-1]].condition


def _among(state: SentenceState, places: list[int]) -> list[int]:
    """Entities of an "among A, B and C" that limit a superlative."""
    tokens = state.reading.tokens
    start = next((place for place in places if tokens[place].text in {"among", "between"}), None)
    if start is None:
        return []
    found = []
    for place in places:
        if place <= start:
            continue
        if tokens[place].kind == "E":
            found.append(place)
        elif tokens[place].text not in {",", "and", "or", "the"}:
            break
    return found if len(found) > 1 else []


_RUN_WORDS = N_NOUNS | {"response", "reply", "start", "step", "configuration"}


def mark_extremes(reading: Reading) -> None:
    """ "The slowest warm request" is a statistic of an entity, not a superlative among entities."""
    tokens = reading.tokens
    for at, token in enumerate(tokens):
        if token.kind != "W" or token.text not in words.SUPERLATIVES or token.text in {"most", "least", "top"}:
            continue
        told = any(before.kind == "S" and before.text in words.SUPERLATIVES for before in tokens[:at])
        for follow in tokens[at + 1 : at + 4]:
            last = re.findall(r"[a-z]+", follow.text.lower())
            run = follow.kind in "WCM" and last and measures.singular(last[-1]) in _RUN_WORDS
            if run or (told and follow.kind == "N"):  # "the best run gave 9, the worst 7"
                token.kind = "S"
                token.statistic = {"up": "max", "down": "min"}.get(
                    words.SUPERLATIVES[token.text], words.SUPERLATIVES[token.text]
                )
                break
            if follow.kind not in "CW":
                break


_RANKS = frozenset(["rank", "ranks", "ranked", "comes", "came", "placed", "places", "finishes", "finished"])


def _stands_alone(tokens: Sequence[Token], at: int) -> bool:
    """ "A has the lower latency": a comparative with "the", of one entity and with nothing it is compared to."""
    if not at or tokens[at - 1].text != "the" or len([token for token in tokens if token.kind == "E"]) != 1:
        return False
    rest = {token.text for token in tokens}
    return not rest & {"than", "versus", "vs", "against", "compared", "relative"} and not any(
        token.kind == "N" for token in tokens[at:]
    )


def places_of(reading: Reading) -> list[int]:
    """Places of words that set one above all others."""
    found = []
    tokens = reading.tokens
    for at, token in enumerate(tokens):
        if (
            token.kind == "W"
            and token.text in _RANKS
            and at + 1 < len(tokens)
            and tokens[at + 1].text in {"first", "second", "third", "fourth", "last"}
        ):
            found.append(at)
            continue
        if token.kind == "W" and token.text in _WINS and _wins_alone(tokens, at):
            found.append(at)
            continue
        if token.text == "followed" and [item.text for item in tokens[at + 1 : at + 2]] == ["by"] and found:
            found.append(at)
            continue
        if token.kind == "W" and token.text in words.COMPARATIVES and _stands_alone(tokens, at):
            found.append(at)
            continue
        if token.kind != "W" or token.text not in words.SUPERLATIVES:
            continue
        before = tokens[at - 1].text if at else ""
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if following is not None and following.text == "of" and token.text in {"most", "best", "top", "worst", "least"}:
            continue
        if before == "at" or (
            following is not None
            and following.text
            in {
                "likely",
                "recent",
                "recently",
                "practice",
                "practices",
                "case",
                "common",
                "importantly",
                "notably",
                "notable",
                "significant",
                "part",
            }
        ):
            continue
        sized = token.text in {"smallest", "largest", "biggest"} and following is not None
        if (
            sized
            and following is not None
            and following.text in {"model", "models", "variant", "variants", "one", "file", "files"}
        ):
            continue
        if token.text in {"most", "least"}:
            ahead = tokens[at + 1 : at + 4]
            if not any(item.kind == "M" for item in ahead):
                continue
        found.append(at)
    return found


_WINS = frozenset(["leads", "lead", "tops", "topped", "wins", "won", "winner", "champion", "dominates", "leader"])


def _wins_alone(tokens: Sequence[Token], at: int) -> bool:
    """ "A leads in throughput", "the winner in throughput is A": no second name right after the word."""
    ahead = tokens[at + 1 : at + 4]
    if any(token.kind in "EN" for token in ahead[:2]) and tokens[at].text not in {"winner", "leader", "champion"}:
        return False
    return any(token.kind == "M" for token in tokens)
