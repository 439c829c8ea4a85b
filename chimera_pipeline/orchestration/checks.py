"""Asset checks: what is asked of each table, answered in the step that makes it.

A failed ERROR check blocks what is downstream. Every result also becomes a row of table `checks`.
"""

import json
from collections.abc import Iterable
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline import redact
from chimera_pipeline.contracts import tables, validation
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.records import Row

CONTRACT = "contract"
AUDIT = "audit"
HISTORY = "history"
FAILING_ROWS = 20


def contract_spec(table: str, partitions_def: dg.PartitionsDefinition[str] | None = None) -> dg.AssetCheckSpec:
    """The check that a table keeps its pandera contract."""
    return dg.AssetCheckSpec(
        name=CONTRACT,
        asset=table,
        description=f"Every row of {table} keeps the pandera contract in schemas/tables/{table}.yaml.",
        blocking=True,
        partitions_def=partitions_def,
    )


def contract_result(table: str, frame: pd.DataFrame) -> dg.AssetCheckResult:
    """Whether the table keeps its contract, with the first failing rows."""
    failures = validation.failures(table, frame)
    rows = [_failing(frame, case) for case in tables.records(failures.head(FAILING_ROWS))]
    return dg.AssetCheckResult(
        check_name=CONTRACT,
        asset_key=table,
        passed=failures.empty,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"rows": len(frame), "failures": len(failures), "first": dg.MetadataValue.json(rows)},
    )


def audit_spec(partitions_def: dg.PartitionsDefinition[str] | None = None) -> dg.AssetCheckSpec:
    """The check that the gate passes the finished report; what it refuses is not published."""
    return dg.AssetCheckSpec(
        name=AUDIT,
        asset="report",
        description="The auditor supports every claim of the finished report and finds every number that was printed.",
        blocking=True,
        partitions_def=partitions_def,
    )


def audit_result(found: dict[str, Any]) -> dg.AssetCheckResult:
    """Whether the gate passed the report, with the first places where it does not."""
    counts = {name: found[name] for name in ("claims", "numbers", "supported", "unsupported", "contradicted")}
    return dg.AssetCheckResult(
        check_name=AUDIT,
        asset_key="report",
        passed=found["passed"],
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={**counts, "first": dg.MetadataValue.json(found["first"])},
    )


def history_spec(partitions_def: dg.PartitionsDefinition[str] | None = None) -> dg.AssetCheckSpec:
    """The check that a period looks like the periods before it."""
    return dg.AssetCheckSpec(
        name=HISTORY,
        asset="facts",
        description="Volume, freshness, null shares and quantiles of the period, against those of earlier periods.",
        partitions_def=partitions_def,
    )


def history_result(rows: list[Row]) -> dg.AssetCheckResult:
    """Whether every history expectation holds, with those that do not. Without history there is nothing to fail."""
    failed = [row for row in rows if not row["passed"]]
    shown = [{name: row[name] for name in ("suite", "expectation", "observed", "expected")} for row in failed]
    return dg.AssetCheckResult(
        check_name=HISTORY,
        asset_key="facts",
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "expectations": len(rows),
            "failures": len(failed),
            "first": dg.MetadataValue.json(shown[:FAILING_ROWS]),
        },
    )


def _failing(frame: pd.DataFrame, case: dict[str, object]) -> dict[str, object]:
    index = case["index"]
    row = frame.iloc[int(str(index))] if index is not None and len(frame) else None
    place = {}
    if row is not None:
        place = {name: str(row[name]) for name in ("artifact_path", "path", "locator") if name in frame}
    return {
        "column": str(case["column"]),
        "check": str(case["check"]),
        "value": redact.value(case["failure_case"]),
        **place,
    }


def keep_rows(lake: Lake, part: str, rows: Iterable[Row]) -> None:
    """Publish rows of table `checks` as one part of it."""
    lake.write_frame("checks", tables.frame("checks", rows), part)


def keep(lake: Lake, part: str, period: str, results: Iterable[dg.AssetCheckResult]) -> None:
    """Publish results as rows of table `checks`."""
    rows = [
        {
            "suite": "asset checks",
            "expectation": result.check_name,
            "table": result.asset_key.path[-1] if result.asset_key else "",
            "period": period,
            "passed": bool(result.passed),
            "severity": result.severity.value,
            "observed": json.dumps({key: value.value for key, value in sorted(result.metadata.items())}, default=str),
            "expected": "holds",
        }
        for result in results
    ]
    keep_rows(lake, part, rows)
