"""What starts runs: two jobs, two sensors and a schedule. What they decide is in `sensing`.

`new_artifacts` looks at names, sizes and times only and launches `ingest_job` when files have settled;
`changed_periods` launches `report_job` for the periods whose measurements changed since it last looked.
"""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from chimera_pipeline.contracts.tables import SETTLED_TABLES
from chimera_pipeline.errors import ChimeraError
from chimera_pipeline.inventory import scan
from chimera_pipeline.inventory.store import Store
from chimera_pipeline.orchestration import ingests, partitions, sensing
from chimera_pipeline.settings import Settings

INGEST = ("raw_inventory", "readings", *SETTLED_TABLES, "measurements")
PERIODIC = ("facts", "collector_brief", "analysis", "report")
COPY = "published_copy"
RUN_KEY = "dagster/run_key"
RUNNING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
Jobs = tuple[Any, Any]
"""Asset jobs, whose class dagster does not export."""


def after(settings: Settings) -> tuple[str, ...]:
    """What follows the reports: the index over all, and the copy in object storage where one is wanted."""
    return ("report_history", COPY) if settings.publish_to else ("report_history",)


def jobs(settings: Settings, retry: dg.RetryPolicy | None = None) -> Jobs:
    """`ingest_job` (everything before facts) and `report_job` (one period, and the index over all).

    `retry` holds for their steps.
    """
    ingest = dg.define_asset_job(
        "ingest_job",
        selection=dg.AssetSelection.assets(*INGEST),
        description="Read what is new under the root and settle the store.",
        tags={"chimera/writes": "store"},
        op_retry_policy=retry,
    )
    report = dg.define_asset_job(
        "report_job",
        selection=dg.AssetSelection.assets(*PERIODIC, *after(settings)),
        description="Facts, analysis and report of one period.",
        op_retry_policy=retry,
    )
    return ingest, report


def sensors(
    settings: Settings, kind: str, made: Jobs, partitions_def: dg.TimeWindowPartitionsDefinition
) -> Iterator[dg.SensorDefinition]:
    """Both sensors; stopped until somebody starts them."""
    ingest_job, report_job = made

    @dg.sensor(
        job=ingest_job,
        minimum_interval_seconds=settings.sensor_seconds,
        description="Launches ingest_job when files under the root were added, changed or removed and have settled.",
    )
    def new_artifacts(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        at_work = _runs(context.instance, job_name="ingest_job", statuses=RUNNING)
        if at_work:
            return dg.SkipReason(f"run {at_work[0].run_id[:8]} is ingesting; looking again when it has ended")
        try:
            found = scan.scan(scan.open_root(settings.artifacts, settings.s3_http_hosts))
            with Store(settings.out) as store:
                known, ingest = store.manifest(), ingests.last(store)
        except (ChimeraError, OSError) as error:
            return dg.SkipReason(f"the root cannot be read, which says nothing of what it holds: {error}")
        seen = sensing.look(found, known, ingest, basis=ingests.basis(settings), cursor=context.cursor, now=time.time())
        if seen.key is None:
            reason = seen.reason + _what_became_of(context.instance, seen.earlier)
            return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=seen.cursor)
        config = {"ops": {"raw_inventory": {"config": {"looked_at": seen.looked_at}}}}
        request = dg.RunRequest(run_key=seen.key, run_config=config, tags={"chimera/batch": seen.reason})
        return dg.SensorResult(run_requests=[request], cursor=seen.cursor)

    @dg.sensor(
        job=report_job,
        minimum_interval_seconds=settings.sensor_seconds,
        description="Launches report_job for each period whose measurements changed.",
    )
    def changed_periods(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with Store(settings.out) as store:
            ingest = ingests.last(store)
        due = sensing.due(
            ingest,
            kind=kind,
            cursor=context.cursor,
            exists=lambda name: partitions_def.has_partition_key(partitions.key_of(name)),
        )
        requests = [dg.RunRequest(run_key=key, partition_key=partitions.key_of(name)) for name, key in due.periods]
        if not requests:
            return dg.SensorResult(skip_reason=dg.SkipReason(due.reason), cursor=due.cursor)
        context.log.info(due.reason)
        return dg.SensorResult(run_requests=requests, cursor=due.cursor)

    yield new_artifacts
    yield changed_periods


def _runs(instance: dg.DagsterInstance, **wanted: Any) -> list[Any]:
    return list(instance.get_runs(filters=dg.RunsFilter(**wanted), limit=1))


def _what_became_of(instance: dg.DagsterInstance, key: str | None) -> str:
    """A batch is launched once: where its run failed, say so, for nothing else will try it again."""
    runs = _runs(instance, tags={RUN_KEY: key}) if key else []
    if not runs or runs[0].status is not dg.DagsterRunStatus.FAILURE:
        return ""
    return f"; run {runs[0].run_id[:8]} of it failed: re-execute it, or change a file"


def period_report(report_job: Any, partitions_def: dg.TimeWindowPartitionsDefinition) -> dg.ScheduleDefinition:
    """`period_report`: report_job for the period that has just ended."""

    @dg.schedule(
        name="period_report",
        job=report_job,
        cron_schedule=partitions_def.cron_schedule,
        execution_timezone="UTC",
        description="The report of each period, when the period has ended.",
    )
    def scheduled(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        key = _ended(partitions_def, context.scheduled_execution_time)
        if key is None:
            return dg.SkipReason("no period has ended yet")
        return dg.RunRequest(run_key=key, partition_key=key)

    return scheduled


def _ended(partitions_def: dg.TimeWindowPartitionsDefinition, now: dt.datetime) -> str | None:
    """The key of the last period that has ended at `now`."""
    before = now - dt.timedelta(microseconds=1)
    keys = partitions_def.get_partition_keys(current_time=before)
    return keys[-1] if keys else None
