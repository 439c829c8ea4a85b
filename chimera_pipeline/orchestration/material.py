"""What a report of one period is published from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from chimera_pipeline.records import Fact


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
