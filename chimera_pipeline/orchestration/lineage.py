"""Which column follows from which, from an artifact to a fact, as Dagster draws it.

Only what holds for every row: a fact's value follows from measurements, a measurement from the metric tables, a row of
those from a reading and the file behind it.
"""

from functools import lru_cache
from typing import Any

import dagster as dg

from chimera_pipeline.contracts import tables
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES

Column = tuple[str, str]
_NUMBERS = ("float64", "int64", "Int64")
_IDENTITY = ("series_id", "status", "measured_at", "time_source", "artifact_path", "locator")


def of_table(table: str) -> dict[str, Any]:
    """The metadata entry of a table, empty where nothing holds for every row."""
    found = {name: sources for name, sources in _sources(table).items() if name in tables.columns(table)}
    if not found:
        return {}
    deps = {
        name: [dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=column) for asset, column in sources]
        for name, sources in found.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=deps)}


@lru_cache(maxsize=64)
def _sources(table: str) -> dict[str, list[Column]]:
    if table in (*METRIC_TABLES, EXTRAS):
        return {"artifact_path": [("raw_inventory", "path")]}
    if table == "artifacts":
        same = {name: [("raw_inventory", name)] for name in ("path", "size_bytes", "sha256", "format")}
        same["modified_at"] = [("raw_inventory", "mtime_ns")]
        same["tool"] = [("readings", "tool")]
        return same | {f"rows_{name}": [("readings", f"records_{name}")] for name in ("ok", "failed")}
    if table == "series":
        return {"series_id": [(name, "series_id") for name in METRIC_TABLES]}
    if table in ("quarantine", "telemetry_gaps"):
        return {"artifact_path": [("raw_inventory", "path")], "artifacts": [("raw_inventory", "path")]}
    if table == "measurements":
        return _of_measurements()
    if table == "facts":
        return _of_facts()
    return {}


def _of_measurements() -> dict[str, list[Column]]:
    values = [
        (name, column)
        for name in (*METRIC_TABLES, EXTRAS)
        for column, dtype in tables.columns(name).items()
        if dtype in _NUMBERS and column not in ("n", "ddof")
    ]
    same = {column: [(name, column) for name in (*METRIC_TABLES, EXTRAS)] for column in _IDENTITY}
    return {"value": values, **same, "artifact_sha256": [("artifacts", "sha256")]}


def _of_facts() -> dict[str, list[Column]]:
    numbers = ("value", "n", "sd", "ci_low", "ci_high", "effect", "p_value", "q_value")
    sources = [("measurements", name) for name in ("artifact_path", "locator", "artifact_sha256")]
    return {
        **{name: [("measurements", "value")] for name in numbers},
        **{name: [("measurements", name)] for name in ("metric", "statistic", "unit", "period")},
        "entity": [("series", "aliases"), ("series", "model")],
        "series_ids": [("measurements", "series_id")],
        "sources": sources,
    }
