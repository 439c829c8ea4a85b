"""The window of each number in a sentence: how the text between two numbers is shared out."""

from __future__ import annotations

from collections.abc import Sequence

from chimera_pipeline.audit.frames import BoundNumber
from chimera_pipeline.audit.tokens import Token

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


PREPOSITIONS = frozenset(["with", "at", "to", "for", "on", "in", "by", "from", "of", "under", "over", "after", "using"])


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


def stream_of(tokens: Sequence[Token], stream: list[int], group: int) -> list[BoundNumber]:
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
    if texts[-2:] == ["<S>", "of"]:  # "6 % above the mean of 412 us"
        return len(texts) - (3 if texts[-3:-2] == ["the"] else 2)
    for index in range(begin, len(texts)):
        if texts[index] in PREPOSITIONS:
            names = [text for text in texts[index:] if text.startswith("<")]
            if index and texts[index] == "of" and "<M>" in texts[:index]:
                continue
            return index if names else len(texts)
    return begin
