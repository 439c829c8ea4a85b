"""Numbers of a list or range without a unit of their own, and options named only by their value."""

from __future__ import annotations

from chimera_pipeline.audit.tokens import Number, Token


def with_borrowed_units(tokens: list[Token]) -> list[Token]:
    """Numbers of a list or range without a unit take the unit of the number after them ("1.8 and 1.9 s")."""
    links = {
        "and",
        "or",
        "to",
        "–",
        "-",
        "—",
        "/",
        ",",
        "vs",
        "versus",
        "±",
        "+/-",
        "→",
        "bis",
        "und",
        "(",
        "against",
        "‑",
        ".",
    }
    following: Token | None = None
    gap: list[str] = []
    names: list[str] = []
    for at in range(len(tokens) - 1, -1, -1):
        token = tokens[at]
        if token.kind == "N" and token.number is not None:
            near = (
                following is not None and following.number is not None and gap and set(gap) <= links and len(gap) <= 3
            )
            listed = names and set(gap) <= {",", "and", ":", ";"} and len(gap) + len(names) <= 4
            near = near or (
                listed and following is not None and following.number is not None and not following.number.noun
            )
            bare = token.number.measure is None and not token.number.noun and not _counts_samples(tokens[:at])
            if near and bare and following and following.number:
                if following.number.measure is not None and following.number.measure.kind != "times":
                    token.number.measure, token.number.borrowed = following.number.measure, True
                elif following.number.noun and "of" not in gap:
                    noun = following.number.noun.split(" ")[-1] if names else following.number.noun
                    token.number.noun = noun if set(gap) != {","} else ""
            following, gap, names = token, [], []
        elif token.kind in "ESC":
            names.append(token.text)
        else:
            gap.append(token.text)
    return _with_units_before(tokens)


def _counts_samples(before: list[Token]) -> bool:
    """True behind `n=` or `n`: how many values there are has no unit."""
    words = [token.text.lower() for token in before[-2:] if token.text != "="]
    return words[-1:] == ["n"]


_CARRIES = frozenset(
    [
        ",",
        "and",
        "or",
        "for",
        "with",
        "on",
        "at",
        "versus",
        "vs",
        "against",
        "compared",
        "to",
        "while",
        "whereas",
        "by",
        "of",
        "the",
        "but",
        ";",
        ":",
        "only",
        "just",
        "in",
        "average",
    ]
)


def _with_units_before(tokens: list[Token]) -> list[Token]:
    """ "127 ms for A and 97 for B": a bare number takes the unit of the number before it in a list of names."""
    previous: Number | None = None
    gap: list[Token] = []
    for token in tokens:
        if token.kind != "N" or token.number is None:
            gap.append(token)
            continue
        number = token.number
        texts = {item.text for item in gap if item.kind in "WP"}
        names = any(item.kind in "ESC" for item in gap) or bool(texts & {"versus", "vs", "against", "compared"})
        bare = number.measure is None and not number.noun
        near = names and texts <= _CARRIES and not any(item.kind == "M" for item in gap)
        if bare and near and previous is not None and previous.measure is not None and previous.measure.kind == "unit":
            number.measure, number.borrowed = previous.measure, True
        previous, gap = number, []
    return tokens


def trailing_options(tokens: list[Token]) -> None:
    """`... than with 8` after an option with a value is the same option."""
    options = [
        token.condition
        for token in tokens
        if token.kind == "C" and token.condition[1] and token.condition[0] != "phase"
    ]
    if len({key for key, _ in options}) != 1:
        return
    for at, token in enumerate(tokens):
        if token.kind != "N" or token.number is None or token.number.measure or token.number.noun:
            continue
        before = [item.text for item in tokens[max(0, at - 3) : at]]
        if set(before) & {"than", "versus", "vs", "against"} and before[-1] in {
            "with",
            "at",
            "for",
            "than",
            "versus",
            "vs",
        }:
            value = token.number.text
            token.kind, token.condition, token.number = "C", (options[0][0], value), None
