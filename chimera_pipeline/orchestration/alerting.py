"""Alerts: one message an incident, with the top reason and a link, to the Apprise URLs of the setting `alerts`.

Three incidents: a run that failed and will not be retried, regressions in a published report, and the share of files
in quarantine rising above its threshold. Off where the setting is empty. What was sent is kept in the sensor's
cursor; what could not be delivered is tried again at the next tick.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from chimera_pipeline import redact
from chimera_pipeline.errors import SettingsError
from chimera_pipeline.settings import Settings

CURSOR_VERSION = 1
MAX_SENT = 500
MAX_EVENTS = 100
_REASON_CHARS = 400
Send = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Incident:
    """Something a person should know once. `id` is the same whenever the same thing is seen again."""

    id: str
    title: str
    body: str


@dataclass(slots=True)
class State:
    """What has been looked at and told: the cursor."""

    runs_after: float = 0.0
    reports_after: int = 0
    quarantines_after: int = 0
    quarantined: bool = False
    sent: list[str] = field(default_factory=list)

    def dump(self) -> str:
        """As a cursor, bounded."""
        return json.dumps({"version": CURSOR_VERSION, **_fields(self), "sent": self.sent[-MAX_SENT:]})


def _fields(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in State.__slots__}


def load(cursor: str | None) -> State | None:
    """The state of a cursor; None for none, or for one of another version."""
    try:
        value = json.loads(cursor or "null")
    except ValueError:
        return None
    if not isinstance(value, dict) or value.pop("version", None) != CURSOR_VERSION:
        return None
    return State(**value)


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensor `alerts`, started, where there is somebody to tell; else none."""
    if not settings.alerts:
        return []

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of failed runs, regressions and too many files in quarantine; launches nothing.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = load(context.cursor)
        after, incidents = look(context.instance, before, settings)
        if before is None:
            sender(settings)  # an address that is wrong is told now, and not with the first incident
            return _skipped("alerts begin now; nothing before is told", after)
        fresh = [incident for incident in incidents if incident.id not in before.sent]
        return deliver(fresh, before, after, send=sender(settings) if fresh else _nobody)

    return [alerts]


def deliver(incidents: Sequence[Incident], before: State, after: State, *, send: Send) -> dg.SensorResult:
    """Send what was not sent before. Where a message is refused, the same events are looked at again next time."""
    told = list(before.sent)
    for incident in incidents:
        if incident.id not in told and send(incident.title, incident.body):
            told.append(incident.id)
    refused = len({incident.id for incident in incidents} - set(told))
    if refused:
        before.sent = told
        return _skipped(f"{refused} alerts could not be delivered; trying again", before)
    count = len(told) - len(before.sent)
    after.sent = told
    return _skipped(f"{count} alerts sent" if count else "no new incident", after)


def _nobody(title: str, body: str) -> bool:
    return False


def _skipped(reason: str, state: State) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=state.dump())


def sender(settings: Settings) -> Send:
    """What sends a title and a body to every URL. Raises SettingsError where a URL is none of Apprise's."""
    try:
        import apprise
    except ImportError as error:
        raise SettingsError("the setting alerts needs the extra: pip install 'chimera-pipeline[alerts]'") from error
    channel = apprise.Apprise()
    for number, url in enumerate(settings.alerts, 1):
        if not channel.add(url.get_secret_value()):
            raise SettingsError(f"setting alerts: entry {number} is no Apprise URL (as json://host/path)")

    def send(title: str, body: str) -> bool:
        return bool(channel.notify(title=title, body=body))

    return send


def look(instance: dg.DagsterInstance, before: State | None, settings: Settings) -> tuple[State, list[Incident]]:
    """The state after a look at the instance, and the incidents since `before`, each kind in order of time."""
    after = State() if before is None else State(**_fields(before))
    incidents = [
        *_failed_runs(instance, after, settings.ui_url),
        *_regressions(instance, after, settings.ui_url),
        *_quarantine(instance, after, settings),
    ]
    return after, incidents


def _failed_runs(instance: dg.DagsterInstance, state: State, ui_url: str) -> Iterable[Incident]:
    found = instance.get_run_records(
        filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]), limit=MAX_EVENTS, order_by="update_timestamp"
    )
    newest = state.runs_after
    for record in sorted(found, key=lambda one: one.update_timestamp):
        run, at = record.dagster_run, record.update_timestamp.timestamp()
        if at <= state.runs_after:
            continue
        newest = max(newest, at)
        if run.tags.get("dagster/will_retry") == "true":
            continue
        period = run.tags.get("dagster/partition")
        yield Incident(
            f"run:{run.root_run_id or run.run_id}",
            f"chimera: {_job(run)}{f' of {period}' if period else ''} failed",
            f"{_top_reason(instance, run.run_id)}\n{ui_url}/runs/{run.run_id}",
        )
    state.runs_after = newest


def _job(run: dg.DagsterRun) -> str:
    return "a run" if run.job_name.startswith("__") else run.job_name


def _top_reason(instance: dg.DagsterInstance, run_id: str) -> str:
    """The innermost error of the first step that failed, else the last word of the engine; one line."""
    for entry in instance.all_logs(run_id, of_type={dg.DagsterEventType.STEP_FAILURE}):
        event = entry.dagster_event
        error = event.step_failure_data.error if event is not None else None
        while error is not None and error.cause is not None:
            error = error.cause
        if event is not None and error is not None:
            return _line(f"step {event.step_key}: {error.message}")
    for entry in instance.all_logs(run_id, of_type={dg.DagsterEventType.RUN_FAILURE}):
        return _line(entry.user_message or (entry.dagster_event.message if entry.dagster_event else "") or "no reason")
    return "the run ended without a reason"


def _line(text: str) -> str:
    return redact.sentence(" ".join(text.split()))[:_REASON_CHARS]


def _regressions(instance: dg.DagsterInstance, state: State, ui_url: str) -> Iterable[Incident]:
    for storage_id, found in _materializations(instance, "report", state.reports_after):
        state.reports_after = max(state.reports_after, storage_id)
        count = found.metadata.get("regressions")
        if count is None or not count.value:
            continue
        period = found.partition or "all"
        top = str(found.metadata["top_regression"].value)
        which = str(found.metadata["regression_set"].value)
        yield Incident(
            f"regressions:{period}:{which}",
            f"chimera: {count.value} regressions in {period}",
            f"{_line(top)}\n{ui_url}/assets/report?view=events" + (f"&partition={period}" if period != "all" else ""),
        )


def _quarantine(instance: dg.DagsterInstance, state: State, settings: Settings) -> Iterable[Incident]:
    for storage_id, found in _materializations(instance, "quarantine", state.quarantines_after):
        state.quarantines_after = max(state.quarantines_after, storage_id)
        share = float(str(found.metadata["share_of_files"].value))
        above = share > settings.quarantine_share
        if above and not state.quarantined:
            yield Incident(
                f"quarantine:{storage_id}",
                f"chimera: {share:.0%} of the benchmark files are in quarantine",
                f"threshold {settings.quarantine_share:.0%}; {_line(str(found.metadata['top_reason'].value))}\n"
                f"{settings.ui_url}/assets/quarantine",
            )
        state.quarantined = above


def _materializations(
    instance: dg.DagsterInstance, asset: str, after: int
) -> list[tuple[int, dg.AssetMaterialization]]:
    found = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), after_storage_id=after), limit=MAX_EVENTS
    )
    records = [(record.storage_id, record.asset_materialization) for record in found.records]
    return sorted([(at, one) for at, one in records if one is not None], key=lambda pair: pair[0])
