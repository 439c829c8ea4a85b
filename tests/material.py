"""What a report is published from, made by the steps alone: no Dagster, so that a test can ask for many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chimera_pipeline import settings as settings_module
from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.orchestration import steps
from chimera_pipeline.orchestration.agents import analyse, brief
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.orchestration.material import Material, material_of

NOW = 1_800_000_000.0


def material(artifacts: Path, out: Path, *, period: str = "all", **more: Any) -> Material:
    """The material of the report over `artifacts`, without a model unless `more` settings name one. `out` takes the
    manifest."""
    chosen = settings_module.load(artifacts=str(artifacts), out=out, **{"llm": "none", "settle_seconds": 0, **more})
    lake = Lake(out)
    settled = steps.settled(chosen, now=NOW)
    rows = melt(settled, period="month", trust_file_times=chosen.trust_file_times)
    facts = facts_room.facts_of(
        {
            "measurements": rows,
            "series": settled["series"],
            "artifacts": settled["artifacts"],
            "telemetry_gaps": settled["telemetry_gaps"],
        },
        period=period,
    )
    told = brief(chosen, lake, facts, settled["artifacts"], settled["telemetry_gaps"], period=period)
    analysis = analyse(chosen, lake, facts, settled["artifacts"], settled["telemetry_gaps"], told, period=period)
    tables.frame("claims", analysis.pop("claims"))
    return material_of(
        chosen,
        {**settled, "measurements": rows},
        facts,
        period=period,
        brief=told,
        analysis=analysis,
        run={"run_id": "test", "generated_at": "2025-10-08T12:00:00+00:00", "durations_s": {"ingest": 1.25}},
    )
