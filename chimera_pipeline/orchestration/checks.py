"""Asset checks: what is asked of each table, answered in the step that makes it.

A failed ERROR check blocks what is downstream. Every result also becomes a row of table `checks`.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline import redact
from chimera_pipeline.contracts import tables, validation
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.records import BENCHMARK_FORMATS, Row

CONTRACT = "contract"
AUDIT = "audit"
HISTORY = "history"
ROW_COUNT = "row_count"
QUARANTINE_SHARE = "quarantine_share"
GAPS = "gaps"
FRESHNESS = "freshness"
_OF_THE_MOMENT = frozenset({ROW_COUNT, FRESHNESS})
"""Checks whose answer depends on the clock or on earlier runs: shown by Dagster, kept out of table `checks`, which
equal input must give byte by byte."""
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
    asked = Contract(table)
    asked.ask(frame)
    return asked.result()


class Contract:
    """Whether a table keeps its contract, asked of it whole or chunk by chunk."""

    def __init__(self, table: str) -> None:
        self._table, self._rows, self._failures = table, 0, 0
        self._first: list[dict[str, object]] = []

    def ask(self, frame: pd.DataFrame) -> None:
        """Ask it of a chunk."""
        failures = validation.failures(self._table, frame)
        self._rows, self._failures = self._rows + len(frame), self._failures + len(failures)
        more = failures.head(FAILING_ROWS - len(self._first))
        self._first += [_failing(frame, case) for case in tables.records(more)]

    def trust(self, rows: int) -> None:
        """Count rows that were asked, and kept it, when they were written."""
        self._rows += rows

    def result(self) -> dg.AssetCheckResult:
        """The result for all chunks, with the first failing rows."""
        return dg.AssetCheckResult(
            check_name=CONTRACT,
            asset_key=self._table,
            passed=not self._failures,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "rows": self._rows,
                "failures": self._failures,
                "first": dg.MetadataValue.json(self._first),
            },
        )


def row_count_spec(table: str, partitions_def: dg.PartitionsDefinition[str] | None = None) -> dg.AssetCheckSpec:
    """The check that a table did not lose most of its rows."""
    return dg.AssetCheckSpec(
        name=ROW_COUNT,
        asset=table,
        description=f"{table} holds at least half as many rows as it did before. Files may have been removed; or lost.",
        partitions_def=partitions_def,
    )


def row_count_result(table: str, rows: int, before: int | None) -> dg.AssetCheckResult:
    """Whether the table kept at least half of its rows; `before` is None where there was no table."""
    return _warning(table, ROW_COUNT, before is None or rows * 2 >= before, rows=rows, before=before or 0)


def quality_specs() -> list[dg.AssetCheckSpec]:
    """What is asked of the whole store beside the contracts: quarantine, gaps, freshness."""
    return [
        dg.AssetCheckSpec(
            QUARANTINE_SHARE,
            asset="quarantine",
            description="Few benchmark files are in quarantine (quarantine_share).",
        ),
        dg.AssetCheckSpec(
            GAPS, asset="telemetry_gaps", description="No telemetry gap is an error, which no report can work around."
        ),
        dg.AssetCheckSpec(
            FRESHNESS, asset="artifacts", description="The newest measurement is not older than max_age_days."
        ),
    ]


def quality_results(
    settled: Mapping[str, pd.DataFrame], *, most_quarantined: float, max_age_days: float | None, now: dt.datetime
) -> list[dg.AssetCheckResult]:
    """Quarantine, gaps and freshness of the settled tables, with the first rows that fail."""
    artifacts, gaps = settled["artifacts"], settled["telemetry_gaps"]
    return [
        _quarantine_result(artifacts, settled["quarantine"], most_quarantined),
        _gaps_result(gaps),
        _freshness_result(artifacts, max_age_days, now),
    ]


def _quarantine_result(artifacts: pd.DataFrame, quarantine: pd.DataFrame, most: float) -> dg.AssetCheckResult:
    refused, share = quarantined(artifacts)
    columns = ["artifact_path", "locator", "reason", "detail"]
    return _warning(
        "quarantine", QUARANTINE_SHARE, share <= most, share=share, most=most, files=refused,
        first=_first(quarantine[columns]),
    )  # fmt: skip


def quarantined(artifacts: pd.DataFrame) -> tuple[int, float]:
    """How many benchmark files are in quarantine, and which share of all benchmark files that is."""
    benchmark = artifacts[artifacts["format"].isin([name.value for name in BENCHMARK_FORMATS])]
    refused = int((benchmark["status"] == "quarantined").sum())
    return refused, refused / len(benchmark) if len(benchmark) else 0.0


def _gaps_result(gaps: pd.DataFrame) -> dg.AssetCheckResult:
    severe = gaps[gaps["severity"] == "error"]
    columns = ["kind", "subject", "field", "artifacts", "count", "consequence", "remedy"]
    return _warning(
        "telemetry_gaps", GAPS, severe.empty, gaps=len(gaps), errors=len(severe), first=_first(severe[columns])
    )


def _freshness_result(artifacts: pd.DataFrame, max_age_days: float | None, now: dt.datetime) -> dg.AssetCheckResult:
    newest = artifacts.loc[artifacts["time_source"].isin(["content", "filename"]), "last_measured_at"].max()
    if pd.isna(newest):
        return _warning("artifacts", FRESHNESS, max_age_days is None, newest="no artifact is dated")
    age = (now - newest.to_pydatetime()).total_seconds() / 86400
    return _warning(
        "artifacts", FRESHNESS, max_age_days is None or age <= max_age_days,
        newest=newest.isoformat(), age_days=round(age, 2), max_age_days=max_age_days or "no limit",
    )  # fmt: skip


def _warning(table: str, name: str, passed: bool, **metadata: Any) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name, asset_key=table, passed=bool(passed), severity=dg.AssetCheckSeverity.WARN, metadata=metadata
    )


def _first(frame: pd.DataFrame) -> dg.JsonMetadataValue:
    rows = [
        {name: redact.value(value) if isinstance(value, str) else value for name, value in row.items()}
        for row in tables.records(frame.head(FAILING_ROWS))
    ]
    return dg.MetadataValue.json(rows)


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


def refusal(results: Iterable[dg.AssetCheckResult]) -> str | None:
    """Why downstream is blocked: the failed ERROR checks by name; None where there is none."""
    failed = [
        f"{result.check_name} of {result.asset_key.path[-1] if result.asset_key else 'the report'}"
        for result in results
        if not result.passed and result.severity is dg.AssetCheckSeverity.ERROR
    ]
    return f"checks failed: {', '.join(failed)}" if failed else None


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
        if result.check_name not in _OF_THE_MOMENT
    ]
    keep_rows(lake, part, rows)
