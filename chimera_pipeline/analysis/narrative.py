"""The deterministic narrative: which statements are told, in which role, when no model chooses.

Always complete: a report without a model is finished, not broken.
"""

from __future__ import annotations

from dataclasses import dataclass

from chimera_pipeline.analysis.menu import ranked
from chimera_pipeline.records import Statement

FINDINGS = 12
_PER_KIND = {"level": 4, "rank": 2, "cold_vs_warm": 2, "compare": 4, "change": 6, "cannot_conclude": 2}
_PER_KIND |= {"deploy": 2, "trade_off": 1, "sensitivity": 2, "decomposition": 2, "next_run": 2}


@dataclass(frozen=True, slots=True)
class Choice:
    """A statement and the role it plays: headline, support or caveat."""

    statement_id: str
    role: str


def choose(statements: list[Statement], *, limit: int = FINDINGS) -> list[Choice]:
    """The first statements of code's ranking, at most so many of a kind, then every one that is always said."""
    taken: dict[str, int] = {}
    chosen: list[Choice] = []
    for statement in ranked(statements):
        if statement.always or len(chosen) >= limit:
            continue
        if taken.get(statement.kind, 0) < _PER_KIND.get(statement.kind, limit):
            taken[statement.kind] = taken.get(statement.kind, 0) + 1
            chosen.append(Choice(statement.id, "support" if chosen else "headline"))
    return chosen + [Choice(statement.id, "caveat") for statement in statements if statement.always]
