"""The stages without a model and without Dagster, from a folder to facts: what the hostile suites call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from chimera_pipeline import settings
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES
from chimera_pipeline.facts import build
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.orchestration import steps


def tables_of(root: Path, out: Path, **more: Any) -> dict[str, pd.DataFrame]:
    """Every settled table, `measurements` among them, of the artifacts under `root`."""
    chosen = settings.load(artifacts=str(root), out=out, **more)
    inventory = steps.take_inventory(chosen, now=1_800_000_000.0)
    steps.read_new(chosen, inventory)
    settled = steps.settle_store(chosen, inventory)
    used = {name: settled[name] for name in (*METRIC_TABLES, EXTRAS, "artifacts")}
    long = melt(used, period="month", trust_file_times=False, reader_version=steps.reader_version(chosen))
    return {**settled, "measurements": long}


def facts_of(tables: dict[str, pd.DataFrame], period: str = "all") -> bytes:
    """`facts.json` of these tables."""
    return build.to_json(build.facts_of(tables, period=period))
