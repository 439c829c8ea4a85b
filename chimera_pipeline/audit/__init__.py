"""The auditor: holds every number, comparison and superlative of a report against the table of facts.

Markdown or HTML comes in with facts, aliases and the vocabulary; verdicts go out. Knows nothing of how our own
reports are written, reads no file and calls no model. `auditor.audit` is the way in; docs/audit.md has the rules.
"""

from __future__ import annotations

from chimera_pipeline.audit.auditor import audit, audit_html
from chimera_pipeline.audit.facts_read import facts_from_frame, facts_from_json, facts_from_records
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.gate import GateResult, gate
from chimera_pipeline.audit.output import exit_code, to_github, to_json, to_text
from chimera_pipeline.audit.results import AuditResult, CheckedClaim, CheckedSentence, Verdict
from chimera_pipeline.audit.store_view import facts_of_store

__all__ = [
    "AuditResult",
    "CheckedClaim",
    "CheckedSentence",
    "FactView",
    "GateResult",
    "Verdict",
    "audit",
    "audit_html",
    "exit_code",
    "facts_from_frame",
    "facts_from_json",
    "facts_from_records",
    "facts_of_store",
    "gate",
    "to_github",
    "to_json",
    "to_text",
]
