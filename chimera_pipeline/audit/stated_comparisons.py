"""Comparisons that the facts state: entity against baseline, with ratio, interval, p and q value and verdict.

A sentence is about such a fact when it names metric, entity, baseline and every part of both conditions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from chimera_pipeline.audit import words
from chimera_pipeline.audit.facts_view import FactView, pieces_of
from chimera_pipeline.audit.frames import BoundNumber
from chimera_pipeline.audit.judging import Ruling, best, compare, contradicted, supported, unsupported
from chimera_pipeline.audit.linking import FactIndex
from chimera_pipeline.audit.phrases import parts
from chimera_pipeline.audit.roles import Role, before_after
from chimera_pipeline.audit.tokens import Number, Reading

_AGAINST = frozenset(["against", "versus", "vs", "than", "relative", "compared", "over", "to", "from"])
_VERDICTS = {"improvement": 1, "regression": -1, "no_clear_difference": 0, "equivalent": 0}


def cited(reading: Reading, facts: Sequence[FactView]) -> FactView | None:
    """The comparison that the sentence cites, where it also names it word for word; None otherwise."""
    text = _spelled(reading.text)
    for fact in facts:
        if fact.baseline is None:
            continue
        other = re.sub(r"\s\(.*\)$", "", fact.baseline)
        names = [
            fact.phrase, fact.entity, other,
            *pieces_of(fact.condition), *pieces_of(fact.baseline[len(other) :].strip(" ()")),
        ]  # fmt: skip
        wanted = Counter(_spelled(name) for name in names)
        if all(text.count(name.rstrip()) >= times for name, times in wanted.items()):
            return fact
    return None


def _spelled(text: str) -> str:
    return " " + " ".join(part.text for part in parts(text)) + " "


def stated(reading: Reading, index: FactIndex) -> FactView | None:
    """The comparison that the sentence is about, the most closely named one; None where there is none."""
    metrics = [token.metric for token in reading.tokens if token.metric is not None]
    spoken = [token.entity for token in reading.tokens if token.entity is not None]
    entities = [entity.names[0] for entity in spoken if entity.known]
    if (
        not metrics
        or not entities
        or not spoken[0].known
        or not any(token.text in _AGAINST for token in reading.tokens)
    ):
        return None
    text = " ".join(reading.text.lower().split())
    found: list[tuple[int, FactView]] = []
    for key in dict.fromkeys(key for metric in metrics for key in metric.keys):
        for fact in index.comparisons.get(key, ()):
            named = _named(fact, entities, text)
            if named is not None:
                found.append((named, fact))
    return max(found, key=lambda pair: (pair[0], pair[1].id))[1] if found else None


def _named(fact: FactView, entities: Sequence[str], text: str) -> int | None:
    """How many parts of the fact's conditions the sentence names; None where it leaves one out."""
    if fact.baseline is None or fact.entity != entities[0]:
        return None
    other = next((name for name in reversed(entities) if fact.baseline.startswith(name)), None)
    if other is None:
        return None
    pieces = [*_pieces(fact.condition), *_pieces(fact.baseline[len(other) :].strip(" ()"))]
    return len(pieces) if all(piece in text for piece in pieces) else None


def _pieces(condition: str) -> list[str]:
    return [piece.strip().lower() for piece in re.split(r",\s*", condition) if piece.strip()]


def ruling(fact: FactView, reading: Reading, item: BoundNumber, role: Role) -> Ruling | None:
    """The verdict on a number that belongs to the comparison; None for a number that does not."""
    before, _ = before_after(reading, item.at)
    if role.kind in {"p", "q"}:
        return _p_value(item.number, fact, role)
    if role.kind in {"ci_low", "ci_high"} and fact.ci_low is not None and fact.ci_high is not None:
        end = fact.ci_low if role.kind == "ci_low" else fact.ci_high
        return _held(item.number, fact, end, "eq")
    if role.kind == "ratio" or re.search(r"\bratio(?: of| is| was| :| =)?\s*$", before):
        ratio = fact.effect if fact.effect is not None else fact.value if fact.statistic == "ratio" else None
        return None if ratio is None else _held(item.number, fact, ratio, role.comparator)
    return None


def _held(number: Number, fact: FactView, exact: Fraction, comparator: str) -> Ruling:
    outcome, _ = best(Number(number.printed, number.readings, number.text), [fact], comparator, lambda _: exact)
    told = f"{fact.described()} against {fact.baseline}: {float(exact):.4g}"
    if outcome is None:
        return unsupported(f"neither within 5 % nor beyond 10 %: {told}", fact)
    return supported(told, fact) if outcome else contradicted(told, fact)


def _p_value(number: Number, fact: FactView, role: Role) -> Ruling:
    exact = fact.p_value if role.kind == "p" else fact.q_value
    if exact is None:
        return unsupported(f"the comparison states no {role.kind} value", fact)
    holds = compare(number.printed, exact, role.comparator)
    told = f"{role.kind} = {float(exact):.3g} for {fact.described()} against {fact.baseline}"
    return supported(told, fact) if holds else contradicted(told, fact)


def direction(fact: FactView, word: str, *, negated: bool) -> Ruling | None:
    """The verdict on a word of direction; None where the word is of another kind."""
    told = f"{fact.described()} against {fact.baseline}: {(fact.verdict or '').replace('_', ' ')}"
    if word in words.BETTER | words.WORSE:
        claimed = 1 if word in words.BETTER else -1
        stands = _VERDICTS.get(fact.verdict or "")
    elif word in words.UP | words.DOWN and fact.effect is not None:
        claimed = 1 if word in words.UP else -1
        stands = 0 if _VERDICTS.get(fact.verdict or "") == 0 else 1 if fact.effect > 1 else -1
    else:
        return None
    if stands is None:
        return unsupported(told, fact)
    return supported(told, fact) if (claimed == stands) is not negated else contradicted(told, fact)
