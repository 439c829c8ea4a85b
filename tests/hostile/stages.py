"""The stages without a model and without Dagster, from a folder to facts: what the hostile suites call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from chimera_pipeline import atomic, settings
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES
from chimera_pipeline.facts import build
from chimera_pipeline.inventory.store import sole_writer
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.orchestration import publication, staleness, steps, unfinished
from chimera_pipeline.orchestration.agents import analyse, brief
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.orchestration.material import material_of

NOW = 1_800_000_000.0


def tables_of(root: Path, out: Path, **more: Any) -> dict[str, pd.DataFrame]:
    """Every settled table, `measurements` among them, of the artifacts under `root`."""
    chosen = settings.load(artifacts=str(root), out=out, **more)
    settled = steps.settled(chosen, now=NOW)
    used = {name: settled[name] for name in (*METRIC_TABLES, EXTRAS, "artifacts")}
    long = melt(used, period="month", trust_file_times=False, reader_version=steps.reader_version(chosen))
    return {**settled, "measurements": long}


def facts_of(tables: dict[str, pd.DataFrame], period: str = "all") -> bytes:
    """`facts.json` of these tables."""
    return b"".join(build.to_json(build.facts_of(tables, period=period)))


def run(root: Path, out: Path) -> None:
    """Everything that `chimera run --llm none` publishes, in the same order and by the same functions."""
    chosen = settings.load(artifacts=str(root), out=out, llm="none")
    with sole_writer(out):
        atomic.sweep(out)
        unfinished.finish(out)
        lake = Lake(out)
        tables = tables_of(root, out)
        unfinished.begin(out, tables)
        for name, frame in tables.items():
            lake.write_frame(name, frame)
        unfinished.begin(out, ())
        found = build.facts_of(tables, period="all")
        staleness.mark(out, ["all"], cause=staleness.RUN, reason=staleness.BEGUN)
        lake.write_frame("facts", build.to_frame(found), "all")
        told = brief(chosen, lake, found, tables["artifacts"], tables["telemetry_gaps"], period="all")
        analysis = analyse(chosen, lake, found, tables["artifacts"], tables["telemetry_gaps"], told, period="all")
        material = material_of(
            chosen,
            tables,
            found,
            period="all",
            brief=told,
            analysis=analysis,
            run={"run_id": "r", "generated_at": "2025-11-23T00:00:00+00:00", "durations_s": {}},
        )
        publication.publish(lake, publication.made(material))
        publication.write_history(lake)


def published(out: Path) -> dict[str, bytes]:
    """Every published file with its content; tables and reports, without what is kept between runs."""
    folders = [out / "tables", out / "reports"]
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def broken(out: Path) -> list[str]:
    """Published files that cannot be read as what they are, and temporaries that were left behind."""
    found = []
    for name, data in published(out).items():
        try:
            if name.rpartition("/")[2].startswith("."):
                found.append(f"{name}: left behind")
            elif name.endswith(".parquet"):
                pq.read_table(pa.BufferReader(data)).validate(full=True)
            elif name.endswith(".json"):
                json.loads(data)
            elif not data.rstrip().endswith((b"</html>",)) and name.endswith(".html"):
                found.append(f"{name}: has no end")
            elif not data:
                found.append(f"{name}: empty")
        except (ValueError, pa.ArrowException) as error:
            found.append(f"{name}: {error}")
    return found
