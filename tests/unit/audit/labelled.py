"""Labelled sentences: loading, scoring, and the score of finding values without linking them.

Shared by the tests of this folder; the rules of labelling are in docs/audit.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from chimera_pipeline.audit import FactView, audit
from chimera_pipeline.audit.facts_read import facts_from_rows
from chimera_pipeline.audit.numerals import numerals

HERE = Path(__file__).parent
LABELS = {"s": "supported", "c": "contradicted", "u": "unsupported"}


@dataclass(frozen=True)
class Case:
    """A sentence (or a small document) with its label and the facts it is held against."""

    rule: str
    text: str
    label: str
    facts: tuple[FactView, ...]


@dataclass
class Score:
    """How often the verdict was the label; `wrong` lists the rest, `false_supported` the dangerous part of it."""

    right: int = 0
    total: int = 0
    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def accuracy(self) -> float:
        return self.right / self.total

    @property
    def false_supported(self) -> list[str]:
        return [text for label, verdict, text in self.wrong if verdict == "supported"]


def cases(name: str) -> Iterator[Case]:
    """The cases of a file of this folder."""
    document = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    facts = {key: tuple(facts_from_rows(rows)) for key, rows in document["facts"].items()}
    for group in document["groups"]:
        for letter, label in LABELS.items():
            for text in group.get(letter) or ():
                yield Case(group["rule"], text, label, facts[group["facts"]])


def audited(case: Case) -> str:
    """The verdict of the auditor."""
    return str(audit(case.text, case.facts).verdict)


def value_only(case: Case) -> str:
    """The verdict of value matching: every number that occurs in some fact, rounded, is supported."""
    found = numerals(case.text)
    held = all(any(number.printed.holds(fact.value) for fact in case.facts) for number in found)
    return "supported" if held else "unsupported"


def scored(found: Iterator[Case], verdict: Callable[[Case], str] = audited) -> Score:
    """The score of `verdict` over the cases."""
    score = Score()
    for case in found:
        got = verdict(case)
        score.total += 1
        score.confusion[case.label, got] += 1
        if got == case.label:
            score.right += 1
        else:
            score.wrong.append((case.label, got, case.text))
    return score
