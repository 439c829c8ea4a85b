"""Which number of a sentence belongs to which metric, statistic, entity and condition.

Each number has its own window of the sentence; what the window does not name comes from the number before it, then
from the rest of the sentence, then from what the sentence stands under. Values play no part in this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from chimera_pipeline.audit import words
from chimera_pipeline.audit.lexicon import EntityRef, MetricRef
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.reading import Number, Reading, Token

Fits = Callable[[MetricRef, Measure | None], bool]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a claim is about, as far as the text says. `inherited` lists what the sentence itself does not name."""

    metric: MetricRef | None = None
    statistic: str | None = None
    entity: EntityRef | None = None
    conditions: tuple[tuple[str, str], ...] = ()
    inherited: frozenset[str] = frozenset()

    def with_conditions(self, more: Sequence[tuple[str, str]]) -> Frame:
        """The frame with conditions added for keys that it does not have."""
        have = {key for key, _ in self.conditions}
        added = tuple(pair for pair in more if pair[0] not in have)
        return replace(self, conditions=self.conditions + added) if added else self

    def filled(self, other: Frame) -> Frame:
        """The frame with everything that it lacks taken from `other`."""
        return Frame(
            self.metric or other.metric,
            self.statistic or other.statistic,
            self.entity or other.entity,
            self.conditions,
            self.inherited,
        ).with_conditions(other.conditions)


@dataclass(slots=True)
class BoundNumber:
    """A number with its windows (places of tokens) and its frame; `group` is its parenthesis, -1 for none."""

    at: int
    number: Number
    pre: list[int]
    post: list[int]
    group: int = -1
    frame: Frame = field(default_factory=Frame)


_BOUNDARY = frozenset(
    [
        ",",
        ";",
        "(",
        ")",
        "[",
        "]",
        "and",
        "or",
        "while",
        "whereas",
        "but",
        "versus",
        "vs",
        "against",
        "compared",
        "than",
        "—",
        "–",
        "|",
        "/",
        "then",
        "where",
        "with",
    ]
)
_STRONG = _BOUNDARY - {"with"}
_PREPOSITIONS = frozenset(
    ["with", "at", "to", "for", "on", "in", "by", "from", "of", "under", "over", "after", "using"]
)
_LINKS = frozenset([",", "and", "or", "/", "&", ";", "+"])
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


def groups(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Parentheses and brackets that hold a number, as (opening, closing) places."""
    found, stack = [], []
    for at, token in enumerate(tokens):
        if token.kind == "P" and token.text in "([":
            stack.append(at)
        elif token.kind == "P" and token.text in ")]" and stack:
            begin = stack.pop()
            if not stack and any(item.kind == "N" for item in tokens[begin:at]):
                found.append((begin, at))
    return found


def bind(reading: Reading, scope: Frame, fits: Fits) -> list[BoundNumber]:
    """Every number of the sentence with its frame."""
    tokens = reading.tokens
    spans = groups(tokens)
    inside = {at for begin, end in spans for at in range(begin, end + 1)}
    main = [at for at in range(len(tokens)) if at not in inside]
    bound = _stream(tokens, main, -1)
    _frames(tokens, main, bound, scope, fits, Frame())
    for number, (begin, end) in enumerate(spans):
        stream = list(range(begin + 1, end))
        local = _stream(tokens, stream, number)
        outer = _anchor(tokens, main, bound, begin, scope)
        _frames(tokens, stream, local, scope, fits, outer)
        for item in local:
            _metric_from_main(tokens, main, item, fits)
        _set_against(tokens, [at for at in main if at < begin], local)
        bound += local
        _named_in_parenthesis(tokens, bound, local, begin, end)
    return sorted(bound, key=lambda item: item.at)


def _metric_from_main(tokens: Sequence[Token], main: list[int], item: BoundNumber, fits: Fits) -> None:
    """A number in a parenthesis may have its metric after it: "A (2.1 ms) is faster than B (3.4 ms) in mean latency"."""
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


def _set_against(tokens: Sequence[Token], before: list[int], local: list[BoundNumber]) -> None:
    """ "A is faster than B (1 vs 2)": the numbers of the parenthesis stand for the operands before it, in their order."""
    if len(local) != 2:
        return
    between = {tokens[at].text for at in range(local[0].at + 1, local[1].at)}
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


def _from_to(tokens: Sequence[Token], bound: list[BoundNumber]) -> None:
    """ "going from A to B ... from 1 to 2" and "B instead of A ... from 1 to 2"."""
    for first, second in zip(bound, bound[1:], strict=False):
        between = [tokens[at].text for at in range(first.at + 1, second.at)]
        if between not in (["to"], ["→"]) or tokens[first.at - 1].text not in {"from", "("} | {":"}:
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


def _named_in_parenthesis(
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
    if (
        statistic in words.AVERAGES
        and item.frame.statistic is None
        and follows in {"of", "over", "across", "from", "="}
    ):
        item.frame = replace(item.frame, statistic=statistic)


def _anchor(tokens: Sequence[Token], main: list[int], bound: list[BoundNumber], begin: int, scope: Frame) -> Frame:
    """What a parenthesis at `begin` stands after: the number just before it, else the names before it."""
    before = [item for item in bound if item.at < begin]
    after = [at for at in main if at < begin]
    if before and (before[-1].at == after[-1] or not _of(tokens, after, "EM", since=before[-1].at)):
        return before[-1].frame
    frame = before[-1].frame if before else Frame()
    entity = _last(tokens, after, "E")
    metric = _last(tokens, [at for at in after if at > (before[-1].at if before else -1)], "M")
    if entity is not None:
        frame = replace(frame, entity=tokens[entity].entity)
    if metric is not None:
        frame = Frame(tokens[metric].metric, None, frame.entity)
        near = [at for at in after if metric - 4 <= at <= metric + 4]
        statistic = _last(tokens, near, "S")
        frame = replace(frame, statistic=tokens[statistic].statistic if statistic is not None else None)
        frame = frame.with_conditions([tokens[at].condition for at in near if tokens[at].kind == "C"])
    return frame


def _of(tokens: Sequence[Token], places: Sequence[int], kinds: str, since: int = -1) -> list[int]:
    return [at for at in places if at > since and tokens[at].kind in kinds]


def _last(tokens: Sequence[Token], places: Sequence[int], kind: str) -> int | None:
    found = _of(tokens, places, kind)
    return found[-1] if found else None


def _stream(tokens: Sequence[Token], stream: list[int], group: int) -> list[BoundNumber]:
    """The numbers of a stream with their windows."""
    places = [position for position, at in enumerate(stream) if tokens[at].kind == "N"]
    out: list[BoundNumber] = []
    begin = 0
    for order, position in enumerate(places):
        number = tokens[stream[position]].number
        assert number is not None
        if order + 1 < len(places):
            gap = stream[position + 1 : places[order + 1]]
            cut = position + 1 + _cut(tokens, gap)
        else:
            cut = len(stream)
        out.append(BoundNumber(stream[position], number, stream[begin:position], stream[position + 1 : cut], group))
        begin = cut
    return out


def _cut(tokens: Sequence[Token], gap: list[int]) -> int:
    """How much of the gap between two numbers belongs to the first."""
    texts = [tokens[at].text if tokens[at].kind in "WP" else f"<{tokens[at].kind}>" for at in gap]
    begin = 0
    if texts[:1] == ["("] and ")" in texts:
        begin = texts.index(")") + 1
        if begin >= len(texts):
            return begin
    for index in range(begin, len(texts)):
        if texts[index] in _STRONG:
            return index
    if texts and texts[-1] in {"to", "→", "-", "bis"}:
        return len(texts) - 1
    for index in range(begin, len(texts)):
        if texts[index] in _PREPOSITIONS:
            names = [text for text in texts[index:] if text.startswith("<")]
            if index and texts[index] == "of" and "<M>" in texts[:index]:
                continue
            return index if names else len(texts)
    return begin


def _frames(
    tokens: Sequence[Token], stream: list[int], bound: list[BoundNumber], scope: Frame, fits: Fits, outer: Frame
) -> None:
    shared = _runs(tokens, bound)
    previous: Frame | None = outer if outer != Frame() else None
    for order, item in enumerate(bound):
        own = _own(tokens, item, fits, shared.get(order))
        frame = _inherit(tokens, stream, item, own, previous, scope, fits)
        item.frame = frame
        previous = frame
    _trailing_average(tokens, stream, bound)
    _from_to(tokens, bound)


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
    pre, post = _of(tokens, item.pre, "E"), _of(tokens, item.post, "E")
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
    pre, post = _of(tokens, item.pre, "M"), _of(tokens, item.post, "M")
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
    pre, post = _of(tokens, item.pre, "S"), _of(tokens, item.post, "S")
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
        later = _of(tokens, stream, "E", since=item.at)
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
            kept = () if any(key == "phase" for key, _ in own.conditions) else previous.conditions
            frame = replace(frame, metric=previous.metric, statistic=frame.statistic or previous.statistic)
            frame = frame.with_conditions([pair for pair in kept if not own.conditions or pair[0] == "phase"])
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


def _elsewhere(
    tokens: Sequence[Token], stream: list[int], item: BoundNumber, measure: Measure | None, fits: Fits
) -> MetricRef | None:
    """The nearest metric of the sentence that fits the unit, before the number or after it."""
    if measure is None and item.number.noun:
        return None
    places = _of(tokens, stream, "M")
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
                and (first in _PREPOSITIONS | {"once", "when", "if", "while"} or tokens[stream[0]].kind == "C")
                else []
            )
    return []


def _runs(tokens: Sequence[Token], bound: list[BoundNumber]) -> dict[int, Frame]:
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
            around = bound[order].pre if order == 0 else bound[order].pre
            pools = {kind: _of(tokens, around, kind) or _of(tokens, bound[end].post, kind) for kind in "ESCM"}
            for position in range(count):
                frame = Frame()
                if len(pools["E"]) == count:
                    frame = replace(frame, entity=tokens[pools["E"][position]].entity)
                if len(pools["S"]) == count:
                    frame = replace(frame, statistic=tokens[pools["S"][position]].statistic)
                if len(pools["M"]) == count:
                    frame = replace(frame, metric=tokens[pools["M"][position]].metric)
                if len(pools["C"]) == count and len({tokens[at].condition[0] for at in pools["C"]}) == 1:
                    frame = frame.with_conditions([tokens[pools["C"][position]].condition])
                elif position and not _of(tokens, bound[order + position].pre, "C"):
                    frame = frame.with_conditions([tokens[at].condition for at in pools["C"]])
                given[order + position] = frame
        order = end + 1
    return given


def _trailing_average(tokens: Sequence[Token], stream: list[int], bound: list[BoundNumber]) -> None:
    """A closing or opening "on average" holds for every number of the same metric that names no statistic."""
    places = [at for at in _of(tokens, stream, "S") if tokens[at].text.lower().startswith(("on average", "average", "in the mean"))
              and tokens[at].text.lower().endswith("average")]  # fmt: skip
    if not places or not bound:
        return
    owner = next((item for item in bound if places[0] in item.post or places[0] in item.pre), bound[-1])
    for item in bound:
        same = item.frame.metric == owner.frame.metric
        if item.frame.statistic is None and same:
            item.frame = replace(item.frame, statistic="mean")
