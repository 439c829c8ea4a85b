"""The pipeline put together: assets, resources, jobs, sensors and schedule for one kind of period.

Overrides are arguments, so that tests and the command line patch nothing.
"""

import dagster as dg

from chimera_pipeline import settings as settings_module
from chimera_pipeline.orchestration import automation, partitions, report_assets, store_assets
from chimera_pipeline.orchestration.io_managers import FrameIOManager, ValueIOManager
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.periods import ALL
from chimera_pipeline.settings import Settings


def build_definitions(
    *, settings: Settings | None = None, period: str | None = None, start: str | None = None
) -> dg.Definitions:
    """The pipeline for report periods of the kind `period` (default: the setting), or for "all" without partitions.

    `start` is the first day of the first period (default: the setting).
    """
    settings = settings or settings_module.load()
    kind = period or settings.period
    whole = kind == ALL
    partitions_def = None if whole else partitions.definition(kind, start or settings.start)
    lake = Lake(settings.out)
    periodic = report_assets.report_assets(kind, partitions_def)
    jobs = automation.jobs()
    return dg.Definitions(
        assets=[*store_assets.ASSETS, *periodic],
        resources={
            "settings": settings,
            "lake": lake,
            "frames": FrameIOManager(lake, kind),
            "values": ValueIOManager(lake, kind),
        },
        jobs=list(jobs),
        sensors=[] if partitions_def is None else list(automation.sensors(settings, lake, kind, jobs)),
        schedules=[] if partitions_def is None else [automation.period_report(jobs[1])],
    )
