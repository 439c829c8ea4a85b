"""What a report of one period is published from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.facts import points
from chimera_pipeline.orchestration import steps
from chimera_pipeline.records import Fact
from chimera_pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Material:
    """What a report of one period is published from."""

    period: str
    facts: list[Fact]
    analysis: Mapping[str, Any]
    brief: Mapping[str, Any]
    artifacts: pd.DataFrame
    files: pd.DataFrame
    """Those of the artifacts that concern the period."""
    series: pd.DataFrame
    gaps: pd.DataFrame
    quarantine: pd.DataFrame
    reproducibility: Mapping[str, str]
    run: Mapping[str, Any]
    points: Mapping[str, Mapping[str, Any]]


def material_of(
    settings: Settings,
    tables: Mapping[str, Any],
    facts: list[Fact],
    *,
    period: str,
    brief: Mapping[str, Any],
    analysis: Mapping[str, Any],
    run: Mapping[str, Any],
) -> Material:
    """The material of a period, from `measurements`, `artifacts`, `series`, `telemetry_gaps` and `quarantine`.

    `run` is what tells this run from another one over the same files: its id, its instant, its durations.
    """
    artifacts, series, measurements = tables["artifacts"], tables["series"], tables["measurements"]
    files, gaps = facts_room.of_period(artifacts, tables["telemetry_gaps"], measurements, period)
    return Material(
        period=period,
        facts=facts,
        points=points.points_of(facts, measurements, series, period=period),
        analysis=analysis,
        brief=brief,
        artifacts=artifacts,
        files=files,
        series=series,
        gaps=gaps,
        quarantine=tables["quarantine"],
        reproducibility=steps.reproducibility(settings, artifacts, period),
        run=run,
    )
