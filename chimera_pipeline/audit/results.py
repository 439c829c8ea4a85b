"""What an audit says: verdicts of claims, sentences and the whole report.

Frozen dataclasses only; `output` turns them into JSON, text and annotations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Verdict(StrEnum):
    """What the facts say of a claim; the order of `_RANK` is from best to worst."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    CONTRADICTED = "contradicted"


_RANK = {Verdict.SUPPORTED: 0, Verdict.UNSUPPORTED: 1, Verdict.CONTRADICTED: 2}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of `verdicts`; supported where there is none."""
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.SUPPORTED)


@dataclass(frozen=True, slots=True)
class Rival:
    """A fact that carries the printed number, or the claim's metric, without being what the claim says."""

    fact_id: str
    metric: str
    statistic: str | None
    entity: str
    condition: str
    value: Decimal
    unit: str
    n: int | None
    why: str


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """One claim: where it stands, what it was read as, and what the facts say.

    `value` is None for a direction or superlative without a number. `kind` is level, n, count, spread, interval,
    ratio, percent, difference, sum, share, direction or superlative.
    """

    text: str
    line: int
    printed: str
    value: Decimal | None
    unit: str
    metric: str | None
    statistic: str | None
    entity: str | None
    condition: str
    kind: str
    comparator: str
    verdict: Verdict
    reason: str
    fact_id: str | None = None
    sources: str | tuple[str, ...] | None = None
    """The places behind the fact, as the fact has them: many claims are of facts with a thousand."""
    rivals: tuple[Rival, ...] = ()

    @property
    def source(self) -> str | None:
        """The places behind the fact, as JSON."""
        return json.dumps(self.sources) if isinstance(self.sources, tuple) else self.sources

    @property
    def is_number(self) -> bool:
        """True where a number is printed (a word such as `twice` counts as one)."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """A sentence, heading or table row with the worst verdict of its claims."""

    text: str
    line: int
    verdict: Verdict
    claims: tuple[CheckedClaim, ...]


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The audit of one report.

    `chance_rate` is the share of random numbers of the same shape that the audit would have accepted in place of the
    printed ones, `chance_rate_by_value` the share that occurs in any fact at all. Both None without level claims.
    """

    verdict: Verdict
    sentences: tuple[CheckedSentence, ...]
    chance_rate: float | None
    chance_rate_by_value: float | None

    @property
    def claims(self) -> tuple[CheckedClaim, ...]:
        """Every claim in reading order."""
        return tuple(claim for sentence in self.sentences for claim in sentence.claims)

    @property
    def numbers(self) -> int:
        """How many claims print a number."""
        return sum(claim.is_number for claim in self.claims)
