"""The gate of publication: a report of our own passes only where every claim is supported and no number went unseen.

The auditor reads the finished Markdown as it would read anybody's; the number of rendered numbers comes from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chimera_pipeline.audit.auditor import audit
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.results import AuditResult, Verdict
from chimera_pipeline.contracts import vocabulary


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a report may be published, why not, and the audit behind it."""

    passed: bool
    reason: str | None
    audit: AuditResult


def gate(
    markdown: str,
    facts: Sequence[FactView],
    rendered_numbers: int | None,
    aliases: Mapping[str, Iterable[str]] | None = None,
    metrics: Mapping[str, vocabulary.Metric] | None = None,
    *,
    period: str | None = None,
) -> GateResult:
    """Audit `markdown`; refuse it for a claim that is not supported or a count that differs from `rendered_numbers`.

    `rendered_numbers` None leaves the count unchecked.
    """
    result = audit(markdown, facts, aliases, metrics, period=period, html=False)
    refused = [claim for claim in result.claims if claim.verdict is not Verdict.SUPPORTED]
    if refused:
        first = refused[0]
        more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        reason = f"line {first.line}: {first.printed} is {first.verdict} ({first.reason}){more}"
        return GateResult(False, reason, result)
    if rendered_numbers is not None and result.numbers != rendered_numbers:
        reason = f"{rendered_numbers} numbers were rendered, {result.numbers} were found as claims"
        return GateResult(False, reason, result)
    return GateResult(True, None, result)
