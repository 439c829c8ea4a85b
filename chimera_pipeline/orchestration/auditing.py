"""`chimera audit`: anybody's report against the facts of a run, or of a facts file."""

from __future__ import annotations

import json
from pathlib import Path

from chimera_pipeline import periods, redact
from chimera_pipeline.audit.auditor import audit
from chimera_pipeline.audit.facts_read import facts_from_frame, facts_from_json
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.results import AuditResult
from chimera_pipeline.audit.store_view import facts_of_store
from chimera_pipeline.errors import UsageError
from chimera_pipeline.orchestration.compare import aliases
from chimera_pipeline.orchestration.lake import Lake

MAX_REPORT_BYTES = 16 * 2**20


def audit_file(report: Path, *, out: Path, facts: Path | None = None, period: str | None = None) -> AuditResult:
    """Hold `report` against the facts file, or against the run under `out`. Raises UsageError."""
    text = _text(report)
    if facts is not None:
        return audit(text, _facts(facts), period=period)
    lake = Lake(out)
    if not (out / "tables" / "facts").is_dir():
        raise UsageError(f"{out} holds no facts; run: chimera run ARTIFACTS --out {out}, or give --facts FACTS.json")
    frame = lake.read_table("facts")
    known = sorted(set(frame["period"]))
    chosen = period or (periods.ALL if periods.ALL in known else known[-1] if known else periods.ALL)
    if chosen not in known:
        raise UsageError(f"{out} holds no facts of period {chosen}; it holds {', '.join(known) or 'none'}")
    names = aliases(lake.read_frame("series"))
    return audit(text, facts_from_frame(frame[frame["period"] == chosen]), names, store=_store(lake, chosen))


def _store(lake: Lake, period: str) -> list[FactView]:
    """What the other tables state, and the run's own figures as the published report has them."""
    published = lake.report_folder(period) / "report.json"
    run = json.loads(published.read_bytes())["run"] if published.is_file() else None
    return facts_of_store(lake.read_frame("artifacts"), lake.read_frame("telemetry_gaps"), run)


def _text(report: Path) -> str:
    try:
        data = report.read_bytes()[: MAX_REPORT_BYTES + 1]
    except OSError as error:
        raise UsageError(f"{report}: {error.strerror}") from error
    if len(data) > MAX_REPORT_BYTES:
        raise UsageError(f"{report} is over {MAX_REPORT_BYTES} bytes")
    return redact.as_seen(data.decode("utf-8", "replace"))


def _facts(path: Path) -> list[FactView]:
    try:
        return facts_from_json(json.loads(path.read_text(encoding="utf-8")))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}") from error
