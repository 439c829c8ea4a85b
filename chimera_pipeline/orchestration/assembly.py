"""The pipeline put together: assets, resources, jobs, sensors and schedule for one kind of period.

Overrides are arguments, so that tests and the command line patch nothing.
"""

import contextlib
import warnings
from collections.abc import Iterator

import dagster as dg

from chimera_pipeline import settings as settings_module
from chimera_pipeline.orchestration import (
    alerting,
    automation,
    engine,
    locking,
    partitions,
    published_copy,
    report_assets,
    store_assets,
)
from chimera_pipeline.orchestration.io_managers import FrameIOManager, ValueIOManager
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.periods import ALL
from chimera_pipeline.settings import Settings

REPORTING = frozenset({*automation.PERIODIC, "report_history", automation.COPY})
"""Assets whose runs read the store and write their own period alone."""


def build_definitions(
    *,
    settings: Settings | None = None,
    period: str | None = None,
    start: str | None = None,
    locked: bool = False,
) -> dg.Definitions:
    """The pipeline for report periods of the kind `period` (default: the setting), or for "all" without partitions.

    `start` is the first day of the first period (default: the setting). `locked` says that the caller holds the
    store's lock around the run, and runs the steps in its own process.
    """
    with quiet_labels():
        return _built(settings or settings_module.load(), period, start, locked)


@contextlib.contextmanager
def quiet_labels() -> Iterator[None]:
    """Without the labels that dagster puts on parts of its API: they are used on purpose, and tell a user nothing."""
    with warnings.catch_warnings():
        for label in (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning):
            warnings.simplefilter("ignore", label)
        yield


def _built(settings: Settings, period: str | None, start: str | None, locked: bool) -> dg.Definitions:
    kind = period or settings.period
    whole = kind == ALL
    partitions_def = None if whole else partitions.definition(kind, start or settings.start)
    lake = Lake(settings.out)
    if settings.publish_to:
        published_copy.check(settings)  # a wrong address is said before anything runs
    periodic = report_assets.report_assets(
        kind, partitions_def, engine.gpus(settings), publishes=settings.publish_to is not None
    )
    jobs = automation.jobs(settings, engine.retry(settings))
    lock = locking.held_already() if locked else locking.store_lock(settings, kind, REPORTING)
    sensors = [] if partitions_def is None else list(automation.sensors(settings, kind, jobs, partitions_def))
    sensors += alerting.sensors(settings)
    return dg.Definitions(
        assets=dg.with_source_code_references([*store_assets.ASSETS, *periodic]),
        resources={
            "settings": settings,
            "lake": lake,
            "frames": _behind_lock(FrameIOManager(lake, kind)),
            "values": _behind_lock(ValueIOManager(lake, kind)),
            locking.KEY: lock,
        },
        executor=dg.in_process_executor if locked else engine.executor(settings),
        jobs=list(jobs),
        sensors=sensors,
        schedules=[] if partitions_def is None else [automation.period_report(jobs[1], partitions_def)],
    )


def _behind_lock(manager: dg.IOManager) -> dg.IOManagerDefinition:
    """Whatever is written passes an IO manager: so every run holds the lock, whatever assets it is over."""
    return dg.IOManagerDefinition(resource_fn=lambda _: manager, required_resource_keys={locking.KEY})
