"""How often chance would have passed: random numbers of the same shape put in place of the printed ones.

The digits of all printed numbers are shuffled with a seed and dealt out again, so that the random numbers have the
digits, lengths and decimal places of the report's own.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING

from chimera_pipeline.audit.numerals import Printed
from chimera_pipeline.audit.results import Verdict
from chimera_pipeline.audit.tokens import Number

if TYPE_CHECKING:
    from chimera_pipeline.audit.sentence_audit import SentenceAuditor

TRIALS = 1000
MOST_ROUNDS = 200


def rates(auditor: SentenceAuditor, seed: int) -> tuple[float | None, float | None]:
    """(share of random numbers that the links accept, share that occurs as the value of any fact)."""
    levels = list(auditor.levels)
    if not levels:
        return None, None
    rng = random.Random(seed)
    pool = [digit for number, _ in levels for digit in _digits(number.printed)]
    rounds = min(MOST_ROUNDS, max(1, TRIALS // len(levels)))
    accepted = occurring = tried = 0
    for _ in range(rounds):
        rng.shuffle(pool)
        at = 0
        for number, frame in levels[:TRIALS]:
            count = len(_digits(number.printed))
            printed = _dealt(number.printed, pool[at : at + count])
            at += count
            tried += 1
            occurring += auditor.values.occurs(printed)
            dealt = Number(printed, (printed,), number.text, number.measure, number.noun)
            accepted += auditor.judge.level(dealt, frame, "eq").verdict is Verdict.SUPPORTED
    return round(accepted / tried, 4), round(occurring / tried, 4)


def _digits(printed: Printed) -> str:
    unit = printed.half * 2
    return str(abs(int(printed.value / unit))) if unit else "0"


def _dealt(printed: Printed, digits: list[str]) -> Printed:
    text = "".join(digits) or "0"
    if text[0] == "0" and len(text) > 1:
        text = text[1:] + "0"
    return Printed(Fraction(int(text)) * printed.half * 2, printed.half)
