"""What starts runs: two jobs, two sensors and a schedule.

`new_artifacts` looks at names, sizes and times only and launches `ingest_job` when the settled picture of the root
changed; `changed_periods` launches `report_job` for the periods whose measurements changed since it last looked.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline.contracts.tables import SETTLED_TABLES
from chimera_pipeline.errors import ChimeraError
from chimera_pipeline.inventory import scan
from chimera_pipeline.orchestration import partitions, steps
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.settings import Settings

INTERVAL_S = 30
MAX_PERIODS_PER_TICK = 50
Jobs = tuple[Any, Any]
"""Asset jobs, whose class dagster does not export."""


def jobs() -> Jobs:
    """`ingest_job` (everything before facts) and `report_job` (one period)."""
    ingest = dg.define_asset_job(
        "ingest_job",
        selection=dg.AssetSelection.assets("raw_inventory", "readings", *SETTLED_TABLES, "measurements"),
        description="Read what is new under the root and settle the store.",
    )
    report = dg.define_asset_job(
        "report_job",
        selection=dg.AssetSelection.assets("facts", "collector_brief", "analysis", "report"),
        description="Facts, analysis and report of one period.",
    )
    return ingest, report


def sensors(settings: Settings, lake: Lake, kind: str, made: Jobs) -> Iterator[dg.SensorDefinition]:
    """Both sensors; stopped until somebody starts them."""
    ingest_job, report_job = made

    @dg.sensor(job=ingest_job, minimum_interval_seconds=INTERVAL_S)
    def new_artifacts(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Launches ingest_job when files under the root were added, changed or removed and have settled."""
        try:
            picture = picture_of(settings)
        except ChimeraError as error:
            return dg.SkipReason(f"the root cannot be read: {error}")
        seen = json.loads(context.cursor or "{}")
        if picture == seen.get("launched"):
            return dg.SkipReason("nothing changed under the root")
        if picture != seen.get("last"):
            return dg.SensorResult(
                skip_reason=dg.SkipReason("files changed; waiting until they are the same for two looks"),
                cursor=json.dumps({"version": 1, "last": picture, "launched": seen.get("launched")}),
            )
        key = f"{picture}-{steps.reader_version(settings)}"
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=key)],
            cursor=json.dumps({"version": 1, "last": picture, "launched": picture}),
        )

    @dg.sensor(job=report_job, minimum_interval_seconds=INTERVAL_S)
    def changed_periods(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Launches report_job for each period whose measurements changed."""
        now = fingerprints(lake.read_table("measurements"))
        before: dict[str, str] = json.loads(context.cursor or "{}").get("periods", {})
        changed = [name for name in sorted(now.keys() | before.keys()) if now.get(name) != before.get(name)]
        if not changed:
            return dg.SkipReason("no period's measurements changed")
        batch = changed[:MAX_PERIODS_PER_TICK]
        requests = [
            dg.RunRequest(run_key=f"{name}-{now.get(name, 'gone')}", partition_key=partitions.key_of(name))
            for name in batch
        ]
        known = before | {name: now[name] for name in batch if name in now}
        known = {name: digest for name, digest in known.items() if name in now or name not in batch}
        return dg.SensorResult(run_requests=requests, cursor=json.dumps({"version": 1, "periods": known}))

    yield new_artifacts
    yield changed_periods


def picture_of(settings: Settings) -> str:
    """A hash of the names, sizes and times under the root."""
    digest = hashlib.sha256()
    for artifact in scan.scan(scan.open_root(settings.artifacts)):
        digest.update(f"{artifact.path}\0{artifact.size_bytes}\0{artifact.mtime_ns}\n".encode())
    return digest.hexdigest()[:24]


def fingerprints(measurements: pd.DataFrame) -> dict[str, str]:
    """A hash of each period's measurements."""
    out: dict[str, str] = {}
    dated = measurements[measurements["period"].notna()]
    for period, rows in dated.groupby("period", sort=True):
        values: Any = pd.util.hash_pandas_object(rows.drop(columns="measured_at").astype(str), index=False)
        out[str(period)] = hashlib.sha256(values.to_numpy().tobytes()).hexdigest()[:24]
    return out


def period_report(report_job: Any) -> dg.ScheduleDefinition:
    """`period_report`: report_job for the period that has just ended."""
    schedule: Any = dg.build_schedule_from_partitioned_job(report_job, name="period_report")
    return schedule  # type: ignore[no-any-return]
