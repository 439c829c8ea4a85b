"""Assets over the whole store: what is there, what it says, and the tables that follow. Without partitions:
the manifest makes them incremental, and identity needs all of it.
"""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from chimera_pipeline import __version__
from chimera_pipeline.contracts import tables
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES, SETTLED_TABLES
from chimera_pipeline.orchestration import (
    checks,
    engine,
    progress,
    run_metrics,
    staleness,
    steps,
    unfinished,
)
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.orchestration.measured import Measured
from chimera_pipeline.orchestration.settled import Settled
from chimera_pipeline.settings import Settings

OWNERS = ["team:performance"]
VERSION = __version__
KINDS = {"python", "pandas", "parquet"}


class Look(dg.Config):
    """What the run that reads the root is told by the sensor."""

    looked_at: float | None = Field(
        default=None,
        description="Files that changed after this instant (epoch seconds) may still be written: they are left for the "
        "next run. Empty: everything is read.",
    )


@dg.asset(
    group_name="inventory", io_manager_key="frames", owners=OWNERS, code_version=VERSION, kinds=KINDS,
    op_tags=engine.tags(),
)  # fmt: skip
def raw_inventory(config: Look, settings: dg.ResourceParam[Settings]) -> dg.Output[pd.DataFrame]:
    """Every directory entry under the root: name, size, time and sha256.

    Files whose size and time are unchanged keep the hash of the last inventory; links and special files are
    listed and not opened.
    """
    progress.tell("taking stock of the files")
    inventory = steps.take_inventory(settings, now=time.time(), looked_at=config.looked_at)
    by_format = inventory["format"].map(str).value_counts().to_dict()
    counts: dict[str, Any] = {f"files_{name}": int(size) for name, size in by_format.items()}
    return dg.Output(inventory, metadata={"files": len(inventory), **counts})


@dg.asset(
    group_name="inventory", io_manager_key="frames", owners=OWNERS, code_version=VERSION, kinds=KINDS,
    # it hands chunks out and writes what comes back; a CPU of its own would be missing for them
    op_tags=engine.tags(cpus=0),
)  # fmt: skip
def readings(settings: dg.ResourceParam[Settings], raw_inventory: pd.DataFrame) -> dg.Output[pd.DataFrame]:
    """What the readers made of each artifact, read once and kept by sha256 and reader version."""
    found = steps.read_new(settings, raw_inventory)
    return dg.Output(
        found,
        metadata={
            "readings": len(found),
            "records_ok": int(found["records_ok"].sum()),
            "records_failed": int(found["records_failed"].sum()),
        },
    )


@dg.multi_asset(
    name="settle",
    outs={
        table: dg.AssetOut(
            group_name="metrics",
            io_manager_key="frames",
            description=tables.description(table),
            owners=OWNERS,
            code_version=VERSION,
            kinds=KINDS | {"pandera"},
            metadata={"contract": f"schemas/tables/{table}.yaml"},
        )
        for table in SETTLED_TABLES
    },
    check_specs=[
        *(checks.contract_spec(table) for table in SETTLED_TABLES),
        checks.row_count_spec("artifacts"),
        *checks.quality_specs(),
    ],
    op_tags=engine.tags(),
)
def settled_tables(
    settings: dg.ResourceParam[Settings],
    lake: dg.ResourceParam[Lake],
    raw_inventory: pd.DataFrame,
    readings: pd.DataFrame,
) -> Iterator[Any]:
    """Identity, time, phases, series and gaps over the whole store: each measurement once, every gap named."""
    progress.tell("settling copies, summaries, times and gaps")
    before = lake.rows("artifacts")
    settled = Settled(settings, lake, raw_inventory, now=time.time())
    results = checks.quality_results(
        settled.frames,
        most_quarantined=settings.quarantine_share,
        max_age_days=settings.max_age_days,
        now=dt.datetime.now(dt.UTC),
    )
    for table in SETTLED_TABLES:
        metadata = run_metrics.of_settled(table, settled.frames)
        yield dg.Output(settled.table(table), output_name=table, metadata=metadata)
        results.append(settled.contract(table))
    # every result is three events of the engine: row counts are asked where all tables begin, and where they end
    results.append(checks.row_count_result("artifacts", len(settled.frames["artifacts"]), before))
    yield from results
    if _kept(lake, "settled", results):
        settled.keep()
        unfinished.begin(lake.out, ["measurements"])


@dg.asset(
    group_name="metrics",
    io_manager_key="frames",
    description=tables.description("measurements"),
    owners=OWNERS,
    code_version=VERSION,
    kinds=KINDS | {"pandera"},
    deps=["series", *METRIC_TABLES, EXTRAS],
    check_specs=[checks.contract_spec("measurements"), checks.row_count_spec("measurements")],
    op_tags=engine.tags(),
)
def measurements(
    settings: dg.ResourceParam[Settings], lake: dg.ResourceParam[Lake], artifacts: pd.DataFrame
) -> Iterator[Any]:
    """The long form of all metric tables; what facts are computed from."""
    unfinished.refuse(lake.out, SETTLED_TABLES)
    before = lake.rows("measurements")
    found = Measured(settings, lake, artifacts)
    yield dg.Output(found.written, metadata=found.metadata())
    results = [found.contract(), checks.row_count_result("measurements", found.rows, before)]
    yield from results
    if _kept(lake, "measurements", results):
        found.keep()
        unfinished.begin(lake.out, [])
        staleness.clear(lake.out, lake.reports(), cause=staleness.INGEST)


def _kept(lake: Lake, part: str, results: list[dg.AssetCheckResult]) -> bool:
    """Keep the results; whether none blocks. Where one does, every report stays as it was and is marked."""
    checks.keep(lake, part, "all", results)
    refusal = checks.refusal(results)
    if refusal is not None:
        staleness.mark(lake.out, lake.reports(), cause=staleness.INGEST, reason=refusal)
    return refusal is None


ASSETS = (raw_inventory, readings, settled_tables, measurements)
