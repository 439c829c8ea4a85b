"""Assets over the whole store: what is there, what it says, and the tables that follow. Without partitions:
the manifest makes them incremental, and identity needs all of it.
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline.contracts import tables
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES, SETTLED_TABLES
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.orchestration import checks, steps
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.settings import Settings

OWNERS = ["team:performance"]
VERSION = "1"
KINDS = {"python", "pandas", "parquet"}


@dg.asset(group_name="inventory", io_manager_key="frames", owners=OWNERS, code_version=VERSION, kinds=KINDS)
def raw_inventory(settings: dg.ResourceParam[Settings]) -> dg.Output[pd.DataFrame]:
    """Every directory entry under the root: name, size, time and sha256.

    Files whose size and time are unchanged keep the hash of the last inventory; links and special files are
    listed and not opened.
    """
    inventory = steps.take_inventory(settings, now=time.time())
    by_format = inventory["format"].map(str).value_counts().to_dict()
    counts: dict[str, Any] = {f"files_{name}": int(size) for name, size in by_format.items()}
    return dg.Output(inventory, metadata={"files": len(inventory), **counts})


@dg.asset(group_name="inventory", io_manager_key="frames", owners=OWNERS, code_version=VERSION, kinds=KINDS)
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
    check_specs=[checks.contract_spec(table) for table in SETTLED_TABLES],
)
def settled_tables(
    settings: dg.ResourceParam[Settings],
    lake: dg.ResourceParam[Lake],
    raw_inventory: pd.DataFrame,
    readings: pd.DataFrame,
) -> Iterator[Any]:
    """Identity, time, phases, series and gaps over the whole store: each measurement once, every gap named."""
    settled = steps.settle_store(settings, raw_inventory, now=time.time())
    results = []
    for table in SETTLED_TABLES:
        yield dg.Output(settled[table], output_name=table)
        results.append(checks.contract_result(table, settled[table]))
        yield results[-1]
    checks.keep(lake, "settled", "all", results)


@dg.asset(
    group_name="metrics",
    io_manager_key="frames",
    description=tables.description("measurements"),
    owners=OWNERS,
    code_version=VERSION,
    kinds=KINDS | {"pandera"},
    ins={name: dg.AssetIn(name) for name in (*METRIC_TABLES, EXTRAS, "artifacts")},
    deps=["series"],
    check_specs=[checks.contract_spec("measurements")],
)
def measurements(settings: dg.ResourceParam[Settings], lake: dg.ResourceParam[Lake], **settled: Any) -> Iterator[Any]:
    """The long form of all metric tables; what facts are computed from."""
    long = melt(
        settled,
        period=settings.period,
        trust_file_times=settings.trust_file_times,
        reader_version=steps.reader_version(settings),
    )
    yield dg.Output(long)
    result = checks.contract_result("measurements", long)
    yield result
    checks.keep(lake, "measurements", "all", [result])


ASSETS = (raw_inventory, readings, settled_tables, measurements)
