"""Who is compared with whom: the two sides of a comparison in a sentence, each as a frame.

A side takes what it does not name from the other side; sides that end up equal are no comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chimera_pipeline.audit import words
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.lexicon import EntityRef
from chimera_pipeline.audit.tokens import Reading, Token

DIRECTED = words.UP | words.DOWN | words.BETTER | words.WORSE
VERBS = frozenset(
    [
        "outruns",
        "bests",
        "overtakes",
        "eclipses",
        "undercuts",
        "matches",
        "equals",
        "rivals",
        "falls_short",
        "exceeds",
        "exceed",
        "exceeded",
        "outperforms",
        "outperform",
        "outperformed",
        "beats",
        "beat",
        "surpasses",
        "surpassed",
        "outpaces",
        "outpaced",
        "trails",
        "trailed",
        "lags",
        "lagged",
        "underperforms",
        "leads",
    ]
)
_PIVOTS = frozenset(["off", "than", "versus", "vs", "against", "relative", "over", "compared", "als", "que"])
_ENDS = frozenset([";", "while", "whereas", "but", "which", "so", "because", "although", "though"])
_OTHERS = frozenset(["all", "any", "every", "others", "rest", "everything", "everyone", "everybody", "either"])


@dataclass(frozen=True, slots=True)
class Sides:
    """Both operands, the word that compares (empty for "N times that of"), and whether all others are the second."""

    left: tuple[Frame, ...]
    right: tuple[Frame, ...]
    word: str
    word_at: int
    others: bool = False
    ordered: bool = True
    explicit: bool = False


def frame_of(tokens: Sequence[Token], places: Sequence[int], *, first_entity: bool = False) -> Frame:
    """What the tokens at `places` name."""
    entities = [at for at in places if tokens[at].kind == "E"]
    metrics = [at for at in places if tokens[at].kind == "M"]
    statistics = [at for at in places if tokens[at].kind == "S"]
    conditions = {tokens[at].condition[0]: tokens[at].condition[1] for at in places if tokens[at].kind == "C"}
    return Frame(
        tokens[metrics[-1]].metric if metrics else None,
        tokens[statistics[-1]].statistic if statistics else None,
        tokens[entities[0 if first_entity else -1]].entity if entities else None,
        tuple(conditions.items()),
    )


def _entities(tokens: Sequence[Token], places: Sequence[int], *, last: bool) -> list[EntityRef]:
    """The entities of a list ("A, B and C") at the end or the beginning of `places`."""
    found: list[EntityRef] = []
    order = list(reversed(places)) if last else list(places)
    seen = False
    for at in order:
        token = tokens[at]
        if token.kind == "E" and token.entity is not None:
            found.append(token.entity)
            seen = True
        elif seen and token.text not in {",", "and", "or", "both", "than", "with", "as", "'", "s", "the"}:
            break
    return found


def strip_groups(reading: Reading, spans: Sequence[tuple[int, int]]) -> list[int]:
    """Places outside parentheses that hold numbers."""
    inside = {at for begin, end in spans for at in range(begin, end + 1)}
    return [at for at in range(len(reading.tokens)) if at not in inside]


def clause(reading: Reading, places: Sequence[int], at: int) -> tuple[int, int]:
    """The bounds (in `places`) of the clause around the token `at`."""
    position = max((index for index, place in enumerate(places) if place <= at), default=0)
    begin, end = 0, len(places)
    for index in range(position - 1, -1, -1):
        if reading.tokens[places[index]].text in _ENDS:
            begin = index + 1
            break
    for index in range(position + 1, len(places)):
        if reading.tokens[places[index]].text in _ENDS:
            end = index
            break
    return begin, end


def _next_comparison(reading: Reading, places: Sequence[int], begin: int, end: int) -> int:
    """Where another comparison begins between the positions, else `end`."""
    tokens = reading.tokens
    for index in range(begin, end):
        token = tokens[places[index]]
        after = [tokens[place] for place in places[index + 1 : index + 5]]
        if token.text in {"and", ",", "or"} and any(
            item.kind == "N" or item.text in (DIRECTED | VERBS) - {"more", "less"} for item in after[:4]
        ):
            if not (after and after[0].kind == "E" and all(item.kind != "N" for item in after[:2])):
                return index
            if any(item.text in DIRECTED | VERBS for item in after[:3]):
                return index
    return end


_AHEAD = {
    "ahead": "beats",
    "superior": "beats",
    "wins": "beats",
    "improves": "beats",
    "improved": "beats",
    "behind": "trails",
    "inferior": "trails",
    "loses": "trails",
}
EQUALS = frozenset(["matches", "equals", "rivals"])


def _denied(tokens: Sequence[Token], at: int) -> bool:
    return any(token.text in {"not", "never"} or token.text.endswith("n't") for token in tokens[max(0, at - 3) : at])


def _undeny(tokens: Sequence[Token], at: int) -> None:
    for place in range(max(0, at - 3), at):
        if tokens[place].text in {"not", "never"} or tokens[place].text.endswith("n't"):
            tokens[place].text = "indeed"


_ALIKE = frozenset(["fast", "quick", "high", "low", "long", "large", "much", "slow", "good"])


def _as_fast_as(tokens: Sequence[Token], at: int) -> bool:
    """ "as fast as NAME" without a number before it: an equality."""
    texts = [token.text for token in tokens[at : at + 3]]
    if len(texts) < 3 or (texts[0], texts[2]) != ("as", "as") or texts[1] not in _ALIKE:
        return False
    return not any(token.kind == "N" for token in tokens[max(0, at - 3) : at]) and _names_soon(tokens, at + 2)


def _names_soon(tokens: Sequence[Token], at: int) -> bool:
    ahead = tokens[at + 1 : at + 8]
    return any(token.kind == "E" for token in ahead) and not any(token.kind == "N" for token in ahead)


def mark_verbs(reading: Reading) -> None:
    """Give "ahead of", "behind", "improves on", "loses to" the form of one comparing verb."""
    tokens = reading.tokens
    for at, token in enumerate(tokens):
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        if (
            token.text in {">", "<"}
            and at
            and after is not None
            and "E" in {after.kind, tokens[at - 1].kind}
            and after.kind != "N"
        ):
            token.kind, token.text = "W", "exceeds" if token.text == ">" else "undercuts"
            continue
        if _as_fast_as(tokens, at):
            denied = _denied(tokens, at)
            token.kind, token.text = "W", "falls_short" if denied else "matches"
            tokens[at + 1].text = tokens[at + 2].text = "indeed"
            _undeny(tokens, at if denied else 0)
            continue
        if (
            token.text in {"match", "reach", "equal", "rival", "attain"}
            and _denied(tokens, at)
            and _names_soon(tokens, at)
        ):
            token.text = "falls_short"
            _undeny(tokens, at)
            continue
        if token.kind != "W" or token.text not in _AHEAD or after is None:
            continue
        if (
            (
                after.text in {"of", "on", "upon", "to", "over", "against"}
                or (token.text == "behind" and after.kind == "E")
            )
            and any(item.kind == "E" for item in tokens[at + 1 : at + 5])
            and any(item.kind in "EM" for item in tokens[:at])
        ):
            token.text = _AHEAD[token.text]


def moved(reading: Reading, places: Sequence[int]) -> Sides | None:
    """ "switching from A to B", "A instead of B", "A vs B: ...": who comes first in the comparison, and who second."""
    tokens = reading.tokens
    names = [place for place in places if tokens[place].kind == "E"]
    kind = "E"
    if len(names) != 2:
        kind = "C"
        names = [place for place in places if tokens[place].kind == "C"]
        if len(names) > 2:
            led = {tokens[place - 1].text: place for place in names if place}
            names = [led[word] for word in ("from", "to") if word in led]
    if len(names) != 2:
        return None
    before = [tokens[place].text for place in places if names[0] - 4 < place < names[0]]
    between = [tokens[place].text for place in places if names[0] < place < names[1]]
    if {tokens[place].condition[0] for place in names} != {"phase"} and kind == "C":
        stepped = tokens[names[0]].text.lower().find("from") > 0 or ("from" in before and "to" in between)
        if not stepped:
            return None
        first, second = names[1], names[0]
    elif (
        set(before) & {"replacing", "swapping", "exchanging", "trading", "replaced"}
        and set(between)
        & {
            "with",
            "for",
            "by",
        }
    ) or ("from" in before and between[-3:] and set(between) & {"to", "→"}):
        first, second = names[1], names[0]
    elif set(between) & {"instead", "rather", "over"} or (
        between and between[0] in {"vs", "versus", "against"} and len(between) < 3
    ):
        first, second = names[0], names[1]
    else:
        return None
    rest = frame_of(tokens, [place for place in places if place not in names])
    frames = [
        replace(frame_of(tokens, [place]), metric=rest.metric, statistic=rest.statistic) for place in (first, second)
    ]
    if kind == "C":
        frames = [replace(frame, entity=rest.entity) for frame in frames]
    else:
        frames = [frame.with_conditions(rest.conditions) for frame in frames]
    return Sides((frames[0],), (frames[1],), "", places[-1], explicit=True)


def around(reading: Reading, places: Sequence[int], word_at: int, previous: Sides | None) -> Sides | None:
    """The sides of the comparison whose directed word (or number) stands at `word_at`."""
    tokens = reading.tokens
    begin, end = clause(reading, places, word_at)
    position = max((index for index, place in enumerate(places) if place <= word_at), default=0)
    word = tokens[word_at].text if tokens[word_at].kind == "W" else ""
    if word in VERBS:
        return _verb(reading, places, begin, position, _next_comparison(reading, places, position + 1, end), word)
    pivot = position if word in {"above", "below"} else _pivot(tokens, places, position, end)
    lead = _leading(tokens, places, begin, position)
    if pivot is None and lead is None:
        sides = moved(reading, places)
        return replace(sides, word=word, word_at=word_at) if sides else None
    if pivot is None and lead is not None:
        right_places, rest = lead
        left_places = list(places[rest:end])
    else:
        assert pivot is not None
        stop = _next_comparison(reading, places, pivot + 1, end)
        right_places = list(places[pivot + 1 : stop])
        left_places = [place for place in places[begin:pivot] if previous is None or place > previous.word_at]
        if previous is not None:
            left_places = _after_previous(tokens, left_places)
    others = bool({tokens[place].text for place in right_places[:4]} & _OTHERS) and not any(
        tokens[place].kind == "E" for place in right_places[:4]
    )
    return sides_of(tokens, left_places, right_places, previous, word, word_at, others=others)


def _after_previous(tokens: Sequence[Token], places: list[int]) -> list[int]:
    for index, place in enumerate(places):
        if tokens[place].text in {"and", ",", "or"}:
            return places[index + 1 :]
    return places


def _verb(reading: Reading, places: Sequence[int], begin: int, position: int, end: int, word: str) -> Sides | None:
    tokens = reading.tokens
    left, right = list(places[begin:position]), list(places[position + 1 : end])
    if any(tokens[place].text == "by" and tokens[place - 1].text in VERBS for place in right[:1]):
        left, right = right, left
    others = bool({tokens[place].text for place in right[:3]} & _OTHERS)
    return sides_of(tokens, left, right, None, word, places[position], others=others)


def _pivot(tokens: Sequence[Token], places: Sequence[int], position: int, end: int) -> int | None:
    for index in range(position + 1, end):
        text = tokens[places[index]].text
        following = [tokens[place] for place in places[index + 1 : index + 3]]
        if text in _PIVOTS and not (following and following[0].kind == "N" and text in {"than", "over"}):
            if text in {"compared", "relative"}:
                return index + 1
            return index
        if text == "as" and index > position + 1 and tokens[places[index - 1]].text != "such":
            return index
    return None


def _leading(tokens: Sequence[Token], places: Sequence[int], begin: int, position: int) -> tuple[list[int], int] | None:
    """ "Compared with B, A is ..." : the places of B and where the rest begins."""
    for index in range(begin, position):
        if tokens[places[index]].text in {"compared", "relative", "versus", "against", "unlike"}:
            for stop in range(index + 1, position):
                if tokens[places[stop]].text == ",":
                    return list(places[index + 1 : stop]), stop + 1
    return None


def sides_of(
    tokens: Sequence[Token],
    left_places: list[int],
    right_places: list[int],
    previous: Sides | None,
    word: str,
    word_at: int,
    *,
    others: bool,
) -> Sides | None:
    """The sides from the places left and right of what compares them."""
    left, right = frame_of(tokens, left_places), frame_of(tokens, right_places, first_entity=True)
    if left.entity is None and previous is not None:
        left = left.filled(Frame(entity=previous.left[0].entity))
    if left.metric is None and right.metric is None and previous is not None:
        left = replace(left, metric=previous.left[0].metric, statistic=left.statistic or previous.left[0].statistic)
    left_entities = _entities(tokens, left_places, last=True) if _is_list(tokens, left_places) else []
    right_entities = _entities(tokens, right_places, last=False)
    lefts = tuple(replace(left, entity=entity) for entity in left_entities) or (left,)
    rights = tuple(replace(right, entity=entity) for entity in right_entities) or (right,)
    return Sides(
        tuple(_completed(frame, right, own=True) for frame in lefts),
        tuple(_completed(frame, left, own=False) for frame in rights),
        word,
        word_at,
        others,
        explicit=right.entity is not None,
    )


def _is_list(tokens: Sequence[Token], places: list[int]) -> bool:
    return any(tokens[place].text == "both" for place in places) or any(
        tokens[place].text == "and" and tokens[before].kind == "E" and tokens[after].kind == "E"
        for before, place, after in zip(places, places[1:], places[2:], strict=False)
    )


def _completed(frame: Frame, other: Frame, *, own: bool) -> Frame:
    """`frame` with what only the other side names. Conditions of a key that the frame names stay its own."""
    filled = Frame(
        frame.metric or other.metric, frame.statistic or other.statistic, frame.entity or other.entity, frame.conditions
    )
    shared_entity = frame.entity is None or other.entity is None
    more = [pair for pair in other.conditions if not (shared_entity and pair[0] in dict(frame.conditions))]
    if own and frame.entity is not None and other.entity is None and not frame.conditions and other.conditions:
        return filled
    return filled.with_conditions(more)
