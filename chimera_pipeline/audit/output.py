"""An audit for programs, for people and for pull requests: JSON as in the contract, text, GitHub annotations.

Also the exit code that follows from a verdict. Nothing is decided here.
"""

from __future__ import annotations

import io
from typing import Any

from chimera_pipeline.audit.results import AuditResult, CheckedClaim, Rival, Verdict

_STYLE = {Verdict.SUPPORTED: "green", Verdict.CONTRADICTED: "bold red", Verdict.UNSUPPORTED: "yellow"}
_MARK = {Verdict.SUPPORTED: "ok", Verdict.CONTRADICTED: "CONTRADICTED", Verdict.UNSUPPORTED: "unsupported"}
REFUSED = 3


def exit_code(result: AuditResult) -> int:
    """3 where a claim is contradicted, else 0."""
    return REFUSED if result.verdict is Verdict.CONTRADICTED else 0


def to_json(result: AuditResult) -> dict[str, Any]:
    """The object of `audit --json`."""
    return {
        "verdict": str(result.verdict),
        "claims": [_claim(claim) for claim in result.claims],
        "sentences": [
            {"text": sentence.text, "line": sentence.line, "verdict": str(sentence.verdict)}
            for sentence in result.sentences
        ],
        "chance_rate": result.chance_rate,
        "chance_rate_by_value": result.chance_rate_by_value,
        "counts": {str(verdict): _count(result, verdict) for verdict in Verdict},
    }


def _claim(claim: CheckedClaim) -> dict[str, Any]:
    return {
        "text": claim.text,
        "line": claim.line,
        "printed": claim.printed,
        "value": float(claim.value) if claim.value is not None else None,
        "unit": claim.unit,
        "metric": claim.metric,
        "statistic": claim.statistic,
        "entity": claim.entity,
        "condition": claim.condition,
        "kind": claim.kind,
        "comparator": claim.comparator,
        "verdict": str(claim.verdict),
        "reason": claim.reason,
        "fact_id": claim.fact_id,
        "source": claim.source,
        "rivals": [_rival(rival) for rival in claim.rivals],
    }


def _rival(rival: Rival) -> dict[str, Any]:
    return {
        "fact_id": rival.fact_id,
        "metric": rival.metric,
        "statistic": rival.statistic,
        "entity": rival.entity,
        "condition": rival.condition,
        "value": float(rival.value),
        "unit": rival.unit,
        "n": rival.n,
        "why": rival.why,
    }


def _count(result: AuditResult, verdict: Verdict) -> int:
    return sum(claim.verdict is verdict for claim in result.claims)


def to_text(result: AuditResult, *, color: bool = False, width: int = 120) -> str:
    """Each claim in its line with what the data say instead; a summary at the end."""
    from rich.console import Console
    from rich.text import Text

    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=color, no_color=not color, color_system="standard" if color else None,
        width=width, highlight=False, legacy_windows=False,
    )  # fmt: skip
    for sentence in result.sentences:
        if not sentence.claims:
            continue
        console.print(Text(f"{sentence.line}: {sentence.text}"), soft_wrap=True)
        for claim in sentence.claims:
            line = Text("    ")
            line.append(f"{_MARK[claim.verdict]:<13}", style=_STYLE[claim.verdict])
            line.append(f"{claim.printed}  {claim.reason}")
            console.print(line, soft_wrap=True)
    console.print(Text(summary(result)), soft_wrap=True)
    return stream.getvalue()


_ADVICE = {
    Verdict.CONTRADICTED: "contradicted: the facts have this metric and say something else; correct the number, its "
    "unit or what it is said of",
    Verdict.UNSUPPORTED: "unsupported: no fact decides; name metric, statistic, series and condition as "
    "`chimera facts` lists them, or leave it out",
}


def summary(result: AuditResult) -> str:
    """The verdict with its counts, what to do about each kind of finding, and what chance would have passed."""
    counts = ", ".join(f"{_count(result, verdict)} {verdict}" for verdict in Verdict)
    text = f"{result.verdict}: {len(result.claims)} claims, {counts}"
    if result.chance_rate is None or result.chance_rate_by_value is None:
        return text
    return "\n".join(
        [
            text,
            *(advice for verdict, advice in _ADVICE.items() if _count(result, verdict)),
            f"chance: had these numbers been random, {100 * result.chance_rate:.1f} % would have been accepted "
            f"({100 * result.chance_rate_by_value:.1f} % occur somewhere in the facts, which supports nothing)",
        ]
    )


_LEVEL = {Verdict.CONTRADICTED: "error", Verdict.UNSUPPORTED: "warning"}


def to_github(result: AuditResult, path: str) -> str:
    """Workflow commands that annotate `path`: errors for contradicted, warnings for unsupported claims."""
    lines = []
    for claim in result.claims:
        if claim.verdict in _LEVEL:
            message = _escaped(f"{claim.printed}: {claim.verdict}. {claim.reason}")
            place = f"file={_property(path)},line={claim.line},title=chimera audit"
            lines.append(f"::{_LEVEL[claim.verdict]} {place}::{message}")
    return "\n".join(lines) + ("\n" if lines else "")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
