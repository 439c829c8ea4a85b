"""The gate of publication: a report of our own passes only where every claim is supported and no number went unseen.

The auditor reads the finished Markdown as it would read anybody's; which numbers were rendered comes from outside.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chimera_pipeline.audit.auditor import audit
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.results import AuditResult, Verdict
from chimera_pipeline.contracts import vocabulary

SHOWN = 5
"""Offences that are told at most."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a report may be published; `offences` say why not, in reading order, each with its line."""

    offences: tuple[str, ...]
    audit: AuditResult
    lines: frozenset[int] = frozenset()
    """The lines of the offences, from 1."""

    @property
    def passed(self) -> bool:
        """True where nothing stands against publication."""
        return not self.offences

    @property
    def reason(self) -> str | None:
        """The first offences in one line; None where there is none."""
        if self.passed:
            return None
        more = len(self.offences) - SHOWN
        return "; ".join(self.offences[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def gate(
    markdown: str,
    facts: Sequence[FactView],
    rendered: Mapping[int, int] | None,
    aliases: Mapping[str, Iterable[str]] | None = None,
    metrics: Mapping[str, vocabulary.Metric] | None = None,
    *,
    period: str | None = None,
    store: Sequence[FactView] = (),
) -> GateResult:
    """Audit `markdown`; refuse it for a claim that is not supported, or a line whose numbers are not those rendered.

    `rendered`: how many numbers were printed in each line (from 1); None leaves the count unchecked.
    """
    result = audit(markdown, facts, aliases, metrics, period=period, html=False, store=store, chances=False)
    offences = [
        (claim.line, f"line {claim.line}: {claim.printed} is {claim.verdict}: {claim.reason}; in: {_cut(claim.text)}")
        for claim in result.claims
        if claim.verdict is not Verdict.SUPPORTED
    ]
    if rendered is not None:
        lines = markdown.split("\n")
        found = Counter(claim.line for claim in result.claims if claim.is_number and re.search(r"\d", claim.printed))
        offences += [
            (line, f"line {line}: {rendered.get(line, 0)} numbers were rendered, {found[line]} were found as claims; "
             f"in: {_cut(lines[line - 1])}")
            for line in sorted({*rendered, *found})
            if rendered.get(line, 0) != found[line]
        ]  # fmt: skip
    ordered = sorted(offences, key=lambda pair: pair[0])
    return GateResult(tuple(text for _, text in ordered), result, frozenset(line for line, _ in ordered))


def _cut(text: str, most: int = 160) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"
