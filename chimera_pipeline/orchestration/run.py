"""`chimera run`: the same assets that the UI shows, materialized in this process, for everything or by period."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow.parquet as pq

from chimera_pipeline import atomic, garbage, periods
from chimera_pipeline.contracts import tables
from chimera_pipeline.errors import GateRefused
from chimera_pipeline.inventory.store import FOLDER, sole_writer
from chimera_pipeline.orchestration import partitions, unfinished
from chimera_pipeline.orchestration.agents import CIRCUITS, profile_of
from chimera_pipeline.orchestration.assembly import build_definitions, quiet_labels
from chimera_pipeline.orchestration.automation import COPY, INGEST, PERIODIC, after
from chimera_pipeline.orchestration.checks import AUDIT
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.records import BENCHMARK_FORMATS
from chimera_pipeline.settings import Settings

SCHEMA_VERSION = "1.0"
_OWN_INSTANCE = """\
telemetry:
  enabled: false
# Steps print nothing; catching it all the same starts processes for each of them.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""
_RUN_INSTANCE = "run.yaml"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def execute(
    settings: Settings, *, period: str = periods.ALL, strict: bool = False, names: Sequence[str] | None = None
) -> dict[str, Any]:
    """Run the pipeline; returns the object of `chimera run --json`.

    `period` is "all", a kind (one report for each period that holds measurements) or a period's name; `names` names
    the periods of that kind outright. Raises GateRefused with `strict` where files are quarantined, and where a report
    fails its own audit (reports of the other periods are published first); StoreBusy, InputError, UsageError.
    """
    started = time.perf_counter()
    profile_of(settings)  # a wrong name is said before anything is read
    CIRCUITS.forget()
    with garbage.looked_for_seldom(), sole_writer(settings.out), _instance(settings) as instance:
        atomic.sweep(settings.out)
        lake = Lake(settings.out)
        unfinished.finish(settings.out)
        if period == periods.ALL and not strict:
            # one job for all of it: each job costs about a second to put together
            with _own_gate(lake, periods.ALL) as refused:
                _materialize(settings, instance, periods.ALL, None, (*INGEST, *PERIODIC, *after(settings)))
            _raise(refused)
            return _result(settings, instance, lake.read_frame("artifacts"), [periods.ALL], started)
        _materialize(settings, instance, periods.ALL, None, INGEST)
        artifacts = lake.read_frame("artifacts")
        if strict:
            _refuse_quarantine(artifacts)
        names = list(names) if names is not None else _periods(lake, period)
        kind = periods.ALL if period == periods.ALL else _kind(period)
        refusals: list[str] = []
        for name in names:
            key = None if name == periods.ALL else partitions.key_of(name)
            with _own_gate(lake, name) as refused:
                _materialize(settings, instance, kind, key, PERIODIC, start=min(names))
            refusals += refused
        _materialize(settings, instance, periods.ALL, None, after(settings))
        _raise(refusals)
        return _result(settings, instance, artifacts, names, started)


@contextlib.contextmanager
def _own_gate(lake: Lake, name: str) -> Iterator[list[str]]:
    """Turns the failed audit check of a period's report into what the user is told; other failures pass through."""
    refused: list[str] = []
    try:
        yield refused
    except dg.DagsterError as error:
        # the class of a failed blocking check is not part of dagster's API; its message names the check
        if type(error).__name__ != "DagsterAssetCheckFailedError" or AUDIT not in str(error):
            raise
        refused.append(str(lake.read_value("report", name)["refused"]))


def _raise(refusals: Sequence[str]) -> None:
    if refusals:
        raise GateRefused("\n".join(refusals))


def _kind(period: str) -> str:
    return period if period in periods.KINDS else periods.kind_of(period)


def _periods(lake: Lake, period: str) -> list[str]:
    """The periods to report on. A kind stands for every period that holds dated measurements."""
    if period not in periods.KINDS:
        if period != periods.ALL:
            periods.bounds(period)
        return [period]
    rows = lake.read_frame("measurements", columns=["measured_at", "period"])
    dated = rows.loc[rows["period"].notna(), "measured_at"].drop_duplicates()
    return sorted({periods.period_of(at.to_pydatetime(), period) for at in dated})


def _refuse_quarantine(artifacts: pd.DataFrame) -> None:
    refused = artifacts.loc[artifacts["status"] == "quarantined", "path"].tolist()
    if refused:
        shown = ", ".join(refused[:5]) + (", ..." if len(refused) > 5 else "")
        counted = "1 file is" if len(refused) == 1 else f"{len(refused)} files are"
        raise GateRefused(f"--strict: {counted} quarantined ({shown}); see chimera quarantine")


@contextlib.contextmanager
def _instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance of DAGSTER_HOME, else one under the output folder."""
    if os.environ.get("DAGSTER_HOME"):
        with dg.DagsterInstance.get() as instance:
            yield instance
        return
    from chimera_pipeline.orchestration import kept_connections

    home = (settings.out / FOLDER / "dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    atomic.write_text(home / "dagster.yaml", _OWN_INSTANCE)
    # the UI opens the folder with the file above, a run writes it with this one
    atomic.write_text(home / _RUN_INSTANCE, _OWN_INSTANCE + kept_connections.configuration(home))
    with _lazy_sync(), dg.DagsterInstance.from_config(str(home), _RUN_INSTANCE) as instance:
        yield instance


@contextlib.contextmanager
def _lazy_sync() -> Iterator[None]:
    """Events of a run are hundreds of commits: the disk is not waited for at each. A killed process loses none of
    them; a machine without power may lose the last ones, never what stands before them (SQLite's WAL).
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def connected(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)


def _materialize(
    settings: Settings,
    instance: dg.DagsterInstance,
    kind: str,
    key: str | None,
    names: Sequence[str],
    start: str | None = None,
) -> None:
    with quiet_labels():
        definitions = build_definitions(settings=settings, period=kind, start=start, locked=True)
        assets: Any = list(definitions.assets or ())
        _run(definitions, assets, instance, key, names)


def _run(
    definitions: dg.Definitions, assets: Any, instance: dg.DagsterInstance, key: str | None, names: Sequence[str]
) -> None:
    try:
        dg.materialize(
            assets,
            selection=dg.AssetSelection.assets(*names),
            resources=definitions.resources,
            instance=instance,
            partition_key=key,
            run_config=_QUIET,
            tags={"dagster/partition": key} if key else None,
        )
    except dg.DagsterExecutionInterruptedError:  # dagster's word for SIGINT and SIGTERM while a step runs
        raise KeyboardInterrupt from None


def _result(
    settings: Settings, instance: dg.DagsterInstance, artifacts: pd.DataFrame, names: list[str], started: float
) -> dict[str, Any]:
    from chimera_pipeline.orchestration import run_metrics

    lake = Lake(settings.out)

    analyses = [lake.read_value("analysis", name) for name in names]
    claims = [lake.read_frame("claims", name) for name in names]
    statuses = pd.concat([frame["status"] for frame in claims]) if claims else pd.Series(dtype="object")
    stages = dict.fromkeys(("inventory", "ingest", "analysis", "report"), 0.0)
    durations = stages | run_metrics.stage_seconds(instance, report=True)
    durations["total"] = round(time.perf_counter() - started, 4)
    by_format = {str(name): int(size) for name, size in artifacts.groupby("format").size().items()}
    by_status = {str(name): int(size) for name, size in artifacts.groupby("status").size().items()}
    last = analyses[-1] if analyses else None
    nothing = {"mode": "deterministic", "reason": "no period holds dated measurements"}
    return {
        "schema_version": SCHEMA_VERSION,
        "artifacts": {
            "total": len(artifacts),
            "benchmark_files": sum(by_format.get(name.value, 0) for name in BENCHMARK_FORMATS),
            "by_format": by_format,
            "by_status": by_status,
        },
        "tables": {name: _rows(lake, name) for name in tables.TABLES},
        "facts": sum(lake.rows("facts", name) or 0 for name in names),
        "claims": {
            "total": len(statuses),
            "supported": int((statuses == "supported").sum()),
            "withheld": int((statuses == "withheld").sum()),
        },
        "reports": [_report(lake, name) for name in names],
        "published": lake.read_value(COPY, periods.ALL) if settings.publish_to else None,
        "llm": last.get("llm") if last else None,
        "narrative": {key: last["narrative"][key] for key in ("mode", "reason")} if last else nothing,
        "regressions": sum(_regressions(lake, name) for name in names),
        "durations_s": durations,
    }


def _rows(lake: Lake, name: str) -> int:
    return sum(pq.read_metadata(path).num_rows for path in atomic.listed(lake.table_path(name).parent, "*.parquet"))


def _regressions(lake: Lake, name: str) -> int:
    facts = lake.read_frame("facts", name, columns=["kind", "verdict"])
    return int(((facts["kind"] == "change") & (facts["verdict"] == "regression")).sum())


def _report(lake: Lake, name: str) -> dict[str, str]:
    folder = lake.report_folder(name)
    return {"period": name, **{suffix: str(folder / f"report.{suffix}") for suffix in ("md", "html", "json")}}
