"""The deterministic narrative: which statements are told, in which role, when no model chooses.

Always complete: a report without a model is finished, not broken.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from chimera_pipeline.records import Gap, Statement

FINDINGS = 12
_PER_KIND = {"level": 6, "rank": 3, "cold_vs_warm": 4, "compare": 6, "change": 6, "cannot_conclude": 2}
_SEVERITY = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Choice:
    """A statement and the role it plays: headline, support or caveat."""

    statement_id: str
    role: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do, why, and the gaps or facts that it rests on."""

    text: str
    because: str
    artifacts: tuple[str, ...] = ()
    fact_ids: tuple[str, ...] = ()


def deterministic(statements: list[Statement], gaps: list[Gap], *, why: str) -> dict[str, Any]:
    """The analysis without a model, as the JSON value of asset `analysis`; `why` says why no model chose."""
    return {
        "findings": [dataclasses.asdict(choice) for choice in choose(statements)],
        "recommendations": [dataclasses.asdict(entry) for entry in recommend(gaps)],
        "narrative": {
            "mode": "deterministic",
            "why": why,
            "reason": f"Chosen by rule among {len(statements)} proved statements, by effect and reliability; no model "
            f"was used: {why}.",
        },
        "profile": "none",
        "model": None,
        "personas": [],
        "calls": [],
    }


def choose(statements: list[Statement], *, limit: int = FINDINGS) -> list[Choice]:
    """The weightiest statements, at most so many of a kind, then every statement that is always said."""
    taken: dict[str, int] = {}
    chosen: list[Choice] = []
    for statement in statements:
        if statement.always or len(chosen) >= limit:
            continue
        if taken.get(statement.kind, 0) < _PER_KIND.get(statement.kind, limit):
            taken[statement.kind] = taken.get(statement.kind, 0) + 1
            chosen.append(Choice(statement.id, "support" if chosen else "headline"))
    return chosen + [Choice(statement.id, "caveat") for statement in statements if statement.always]


def recommend(gaps: list[Gap], *, limit: int = 8) -> list[Recommendation]:
    """One recommendation for each distinct remedy, the most severe and most widespread first."""
    by_remedy: dict[str, list[Gap]] = {}
    for gap in gaps:
        if gap.remedy:
            by_remedy.setdefault(gap.remedy, []).append(gap)
    ranked = sorted(
        by_remedy.items(),
        key=lambda pair: (
            min(_SEVERITY[gap.severity] for gap in pair[1]),
            -sum(gap.count for gap in pair[1]),
            pair[0],
        ),
    )
    out = []
    for remedy, members in ranked[:limit]:
        artifacts = tuple(sorted({path for gap in members for path in gap.artifacts}))
        causes = dict.fromkeys(gap.consequence for gap in members)
        because = "; ".join(causes) if len(causes) == 1 else f"{_kinds(members)}"
        out.append(Recommendation(remedy, because, artifacts))
    return out


def _kinds(gaps: list[Gap]) -> str:
    return ", ".join(sorted({f"{gap.kind.replace('_', ' ')} in {gap.subject}" for gap in gaps})[:4])
