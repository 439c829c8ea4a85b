"""Numbers and names that go together by order: lists, "A vs B (1 vs 2)", "from A to B ... from 1 to 2"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from chimera_pipeline.audit import words
from chimera_pipeline.audit.frames import BoundNumber, Fits, Frame, places_of
from chimera_pipeline.audit.tokens import Token

_LINKS = frozenset([",", "and", "or", "/", "&", ";", "+", "…"])


def metric_from_main(tokens: Sequence[Token], main: list[int], item: BoundNumber, fits: Fits) -> None:
    """A parenthesis may have its metric after it: "A (2.1 ms) is faster than B (3.4 ms) in mean latency"."""
    if item.frame.metric is not None or item.number.measure is None or item.number.measure.kind != "unit":
        return
    for at in main:
        metric = tokens[at].metric
        if metric is not None and fits(metric, item.number.measure):
            before = tokens[at - 1] if at else None
            statistic = before.statistic if before is not None and before.kind == "S" else None
            item.frame = replace(item.frame, metric=metric, statistic=item.frame.statistic or statistic)
            return


_AGAINST = frozenset(["vs", "versus", "against", "compared", "→", "to"])


def set_against(tokens: Sequence[Token], before: list[int], local: list[BoundNumber]) -> None:
    """ "A is faster than B (1 vs 2)": the numbers stand for the operands before them, in their order."""
    if len(local) > 2 or (len(local) == 2 and tokens[local[0].at + 1].text == "/"):
        _listed(tokens, before, local)
        return
    if len(local) != 2:
        return
    between = {tokens[at].text for at in range(local[0].at + 1, local[1].at)}
    if between == {"of"} and all(item.number.measure is not None for item in local):
        _set_in_order(tokens, [at for at in before if tokens[at].kind == "M"], local)
        return
    if not between & _AGAINST or any(tokens[at].kind in "ESC" for item in local for at in (*item.pre, *item.post)):
        return
    turned = bool(before) and tokens[before[0]].text in {"compared", "relative", "against", "unlike"}
    for kind in "EC":
        places = [at for at in before if tokens[at].kind == kind]
        if len(places) == 2 and tokens[places[0]].text.lower() != tokens[places[1]].text.lower():
            for item, at in zip(local, reversed(places) if turned else places, strict=True):
                if kind == "E":
                    item.frame = replace(
                        item.frame, entity=tokens[at].entity, inherited=item.frame.inherited - {"entity"}
                    )
                else:
                    item.frame = replace(item.frame, conditions=(tokens[at].condition,))
            return


def _listed(tokens: Sequence[Token], before: list[int], local: list[BoundNumber]) -> None:
    """ "A > B > C in throughput (1 / 2 / 3)": one number for each name before it."""
    gaps = {tokens[at].text for first, second in pairwise(local) for at in range(first.at + 1, second.at)}
    places = [at for at in before if tokens[at].kind == "E"]
    if not gaps <= {"/", ",", "and"} or len(places) != len(local) or any(tokens[at].kind == "N" for at in before):
        return
    for item, at in zip(local, places, strict=True):
        item.frame = replace(item.frame, entity=tokens[at].entity, inherited=item.frame.inherited - {"entity"})


def _set_in_order(tokens: Sequence[Token], metrics: list[int], local: list[BoundNumber]) -> None:
    """ "Load time is 87 % of the cold TTFT (2.98 s of 3.41 s)": one number for each metric, with the words at it."""
    if len(metrics) != len(local):
        return
    for item, at in zip(local, metrics, strict=True):
        near = [tokens[place] for place in (at - 2, at - 1) if place >= 0]
        statistic = next((token.statistic for token in reversed(near) if token.kind == "S"), None)
        item.frame = replace(
            item.frame,
            metric=tokens[at].metric,
            statistic=statistic,
            conditions=tuple(token.condition for token in near if token.kind == "C"),
        )


def set_side_by_side(tokens: Sequence[Token], bound: list[BoundNumber]) -> None:
    """ "A beats B: 1 against 2": after a colon, two values set against each other stand for the two names before it."""
    for first, second in pairwise(bound):
        between = {tokens[at].text for at in range(first.at + 1, second.at)}
        places = [at for at in first.pre if tokens[at].kind == "E"]
        if not between & {"against", "versus", "vs", "compared"} or len(places) != 2:
            continue
        colon = any(tokens[at].text == ":" for at in first.pre if at > places[1])
        if not colon or any(tokens[at].kind == "E" for at in (*second.pre, *second.post)):
            continue
        for item, at in zip((first, second), places, strict=True):
            item.frame = replace(item.frame, entity=tokens[at].entity)


def from_to(tokens: Sequence[Token], bound: list[BoundNumber]) -> None:
    """ "going from A to B ... from 1 to 2" and "B instead of A ... from 1 to 2"."""
    for first, second in pairwise(bound):
        between = [tokens[at].text for at in range(first.at + 1, second.at)]
        if between not in (["to"], ["→"]) or tokens[first.at - 1].text not in {"from", "(", ":"}:
            continue
        places = [at for at in first.pre if (entity := tokens[at].entity) is not None and len(entity.names) < 2]
        if len(places) != 2 or any(tokens[at].kind == "E" for at in second.post[:3]):
            continue
        joined = {tokens[at].text for at in range(places[0], places[1])}
        if joined & {"instead", "rather"}:
            places.reverse()
        elif "to" not in joined:
            continue
        for item, at in zip((first, second), places, strict=True):
            item.frame = replace(item.frame, entity=tokens[at].entity)


def named_in_parenthesis(
    tokens: Sequence[Token], bound: list[BoundNumber], local: list[BoundNumber], begin: int, end: int
) -> None:
    """ "46.6 tok/s (NAME, mean of 8 runs)": the parenthesis says what the number before it is about."""
    item = next((item for item in bound if item.at == begin - 1 and item.group < 0), None)
    places = range(begin + 1, local[0].at if local else end)
    if item is None:
        return
    entity = next((tokens[at].entity for at in places if tokens[at].kind == "E"), None)
    if entity is not None and (item.frame.entity is None or "entity" in item.frame.inherited):
        item.frame = replace(item.frame, entity=entity, inherited=item.frame.inherited - {"entity"})
    statistic = next((tokens[at].statistic for at in places if tokens[at].kind == "S"), None)
    follows = tokens[local[0].at - 1].text if local else ""
    if statistic in words.SPREADS or statistic is None or follows not in {"of", "over", "across", "from", "="}:
        return
    spread = tokens[item.at - 1].text == "±"  # "128.7 ms ± 4.3 ms (mean of 24 runs)": of the value, not of its spread
    value = next((other for other in reversed(bound) if other.at < item.at), item) if spread else item
    if value.frame.statistic is None:
        value.frame = replace(value.frame, statistic=statistic)


def runs(tokens: Sequence[Token], bound: list[BoundNumber]) -> dict[int, Frame]:
    """Frames for lists of numbers that match a list of names ("A and B reached 1 and 2, respectively")."""
    given: dict[int, Frame] = {}
    order = 0
    while order < len(bound):
        end = order
        while end + 1 < len(bound):
            between = [tokens[at].text for at in range(bound[end].at + 1, bound[end + 1].at)]
            if not between or not set(between) <= _LINKS:
                break
            end += 1
        count = end - order + 1
        if count > 1:
            around = bound[order].pre
            pools = {
                kind: places_of(tokens, around, kind) or places_of(tokens, bound[end].post, kind) for kind in "ESCM"
            }
            for position in range(count):
                frame = Frame()
                if len(pools["E"]) == count:
                    frame = replace(frame, entity=tokens[pools["E"][position]].entity)
                if len(pools["S"]) == count:
                    frame = replace(frame, statistic=tokens[pools["S"][position]].statistic)
                if len(pools["M"]) == count:
                    frame = replace(frame, metric=tokens[pools["M"][position]].metric)
                several = [tokens[at].condition for at in pools["C"] if "|" in tokens[at].condition[1]]
                if len(several) == 1 and several[0][1].count("|") == count - 1:  # "at concurrency 16 and 64: A and B"
                    frame = frame.with_conditions([(several[0][0], several[0][1].split("|")[position])])
                elif len(pools["C"]) == count and len({tokens[at].condition[0] for at in pools["C"]}) == 1:
                    frame = frame.with_conditions([tokens[pools["C"][position]].condition])
                elif position and not places_of(tokens, bound[order + position].pre, "C"):
                    frame = frame.with_conditions([tokens[at].condition for at in pools["C"]])
                given[order + position] = frame
        order = end + 1
    return given


def trailing_average(tokens: Sequence[Token], stream: list[int], bound: list[BoundNumber]) -> None:
    """A closing or opening "on average" holds for every number of the same metric that names no statistic."""
    places = [at for at in places_of(tokens, stream, "S") if tokens[at].text.lower() in {"on average", "average"}]
    if not places or not bound:
        return
    owner = next((item for item in bound if places[0] in item.post or places[0] in item.pre), bound[-1])
    for item in bound:
        same = item.frame.metric == owner.frame.metric
        if item.frame.statistic is None and same:
            item.frame = replace(item.frame, statistic="mean")
