"""Rows of tables that cite one fact: every cell is held against the column of that fact that its header names.

Names count word for word. A row whose words are not the cited fact's is unsupported, whatever its numbers are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from chimera_pipeline.audit import measures
from chimera_pipeline.audit.blocks import Block
from chimera_pipeline.audit.citations import Citations
from chimera_pipeline.audit.facts_view import FactView, statistic_name
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.judging import Ruling, best, contradicted, says, supported, unsupported
from chimera_pipeline.audit.lexicon import EntityRef, MetricRef
from chimera_pipeline.audit.linking import needs_samples
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.numerals import Style, numerals
from chimera_pipeline.audit.sentence_state import Draft
from chimera_pipeline.audit.store_rows import unescaped
from chimera_pipeline.audit.tokens import Number

Value = Callable[[FactView], Fraction | None]
_NUMBERS: dict[str, tuple[str, tuple[Value, ...]]] = {
    "value": ("level", (lambda fact: fact.value,)),
    "ratio": ("ratio", (lambda fact: fact.effect if fact.effect is not None else fact.value,)),
    "n": ("n", (lambda fact: None if fact.n is None else Fraction(fact.n),)),
    "sd": ("spread", (lambda fact: fact.sd,)),
    "95 % interval": ("interval", (lambda fact: fact.ci_low, lambda fact: fact.ci_high)),
    "p": ("p", (lambda fact: fact.p_value,)),
    "q": ("q", (lambda fact: fact.q_value,)),
}
_WORDS: dict[str, Callable[[FactView], str]] = {
    "series": lambda fact: fact.entity,
    "entity": lambda fact: fact.entity,
    "condition": lambda fact: fact.condition,
    "against": lambda fact: fact.baseline or "",
    "baseline": lambda fact: fact.baseline or "",
    "metric": lambda fact: fact.phrase,
    "unit": lambda fact: fact.unit,
}
_OTHER = frozenset({"label", "fact", "grade", "source", "sources"})
_VERDICTS = {"better": "improvement", "worse": "regression"}


class CitedRows:
    """Judges rows that cite a fact."""

    def __init__(self, citations: Citations) -> None:
        self._citations = citations

    def drafts(self, block: Block, style: Style) -> list[Draft] | None:
        """The claims of a row; None where it cites no known fact or its header names columns that facts have not."""
        assert block.table is not None
        fact = self._citations.of_row(block.cells)
        if fact is None:
            return None
        headers = [_header(cell) for cell in block.table.header]
        kinds = [_kind(bare, fact) for bare, _ in headers]
        if None in kinds or not {"value", "ratio"} & set(kinds):
            return None
        cells = [unescaped(cell) for cell in block.cells[: len(headers)]]
        differing = [
            f"{kind} {cell or '(blank)'}"
            for kind, cell in zip(kinds, cells, strict=False)
            if kind is not None and not _same(kind, cell, fact, block.scope)
        ]
        about = _Cited(fact, says(fact), differing)
        found: list[Draft] = []
        for kind, (_, unit), cell in zip(kinds, headers, cells, strict=False):
            if kind in _NUMBERS:
                found += _numbers(kind, unit, cell, style, about)
        return found


@dataclass(frozen=True, slots=True)
class _Cited:
    """The fact that a row cites, what it says, and the cells of words that say something else."""

    fact: FactView
    says: str
    differing: Sequence[str]


@lru_cache(maxsize=256)
def _header(cell: str) -> tuple[str, Measure | None]:
    """What a header cell names, and the unit that it states in parentheses."""
    plain = unescaped(cell)
    stated = re.search(r"\(([^()]*)\)\s*$", plain)
    return re.sub(r"\s*\([^()]*\)\s*$", "", plain).lower(), measures.parse(stated.group(1)) if stated else None


def _kind(bare: str, fact: FactView) -> str | None:
    """What a column holds; None for a header that names nothing of a fact. Metric or unit may head the values."""
    if bare in _NUMBERS or bare in _WORDS or bare in _OTHER or bare in {"statistic", "verdict"}:
        return bare
    return "value" if bare in (fact.phrase.lower(), fact.unit) else None


def _same(kind: str, cell: str, fact: FactView, scope: Sequence[str]) -> bool:
    """True where a cell of words says what the fact has; a condition, together with the head of its group of rows."""
    if kind == "statistic":
        named = statistic_name(cell.replace(" ", "_"))
        if named == "sample" and fact.n == 1:
            return True
        return named == fact.statistic and not (fact.n == 1 and needs_samples(fact.statistic))
    if kind == "verdict":
        stated = cell.strip("*").lower().replace(" ", "_")
        return fact.verdict is None if not stated else _VERDICTS.get(stated, stated) == fact.verdict
    if kind == "condition" and _options(cell) | _options(scope[-1] if scope else "") == _options(fact.condition):
        return True
    return kind not in _WORDS or " ".join(cell.split()).lower() == " ".join(_WORDS[kind](fact).split()).lower()


def _options(text: str) -> frozenset[str]:
    return frozenset(" ".join(word.split()).lower() for word in text.split(",") if word.strip())


def _numbers(kind: str, unit: Measure | None, cell: str, style: Style, about: _Cited) -> Iterable[Draft]:
    shape, values = _NUMBERS[kind]
    fact, unit = about.fact, unit if kind == "value" else None
    frame = Frame(MetricRef(fact.phrase, (fact.key,)), fact.statistic, EntityRef(fact.entity, (fact.entity,)))
    for order, numeral in enumerate(numerals(cell, style=style)):
        number = Number(numeral.printed, (numeral.printed,), numeral.text, unit)
        exact = values[order] if order < len(values) else None
        ruling = _ruling(number, kind, exact, about)
        yield Draft(number, frame, shape, "eq", ruling, numeral.text)


def _ruling(number: Number, kind: str, exact: Value | None, about: _Cited) -> Ruling:
    fact = about.fact
    if about.differing:
        return unsupported(f"the cited fact is another one ({', '.join(about.differing)}): {about.says}", fact)
    if exact is None or exact(fact) is None:
        return unsupported(f"the cited fact states no such {kind}: {about.says}", fact)
    if number.measure is not None and not number.measure.agrees(fact.measure):
        return contradicted(f"the unit conflicts: {about.says}", fact)
    outcome, _ = best(number, [fact], "eq", exact)
    told = f"{kind} of {about.says}"
    return supported(told, fact) if outcome else contradicted(told, fact)
