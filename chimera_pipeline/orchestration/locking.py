"""The store's lock as a Dagster resource: held from the first step of a run to the last.

A run that settles the store holds it alone; a run that reports holds it beside others, and its period alone. Both wait
for it, so that two runs on one store end well one after the other.
"""

from collections.abc import Iterator

import dagster as dg

from chimera_pipeline import atomic, periods
from chimera_pipeline.inventory.store import locked
from chimera_pipeline.orchestration import unfinished
from chimera_pipeline.orchestration.partitions import name_of
from chimera_pipeline.settings import Settings

WAIT_S = 3600.0
KEY = "store_lock"
"""The IO managers require the resource of this name, so that every run that writes holds the lock."""
PARTITION = "dagster/partition"


def store_lock(settings: Settings, kind: str, reporting: frozenset[str]) -> dg.ResourceDefinition:
    """The lock for runs over assets of `kind`; runs over none but `reporting` only read the store."""

    @dg.resource(description="Keeps two runs from writing to one store.")
    def lock(context: dg.InitResourceContext) -> Iterator[None]:
        run = context.run
        selected = None if run is None else run.asset_selection
        names = {key.path[-1] for key in selected} if selected else set()
        reads = (bool(names) and names <= reporting) or (run is not None and run.job_name == "report_job")
        alone = kind == periods.ALL or not reads
        key = run.tags.get(PARTITION) if run is not None else None
        mine = [name_of(key, kind)] if key else []
        if context.log:
            context.log.debug("waiting for the store")
        with locked(settings.out, exclusive=alone, wait_s=WAIT_S, periods=[] if alone else mine):
            if alone:
                atomic.sweep(settings.out)
            unfinished.finish(settings.out, None if alone else mine)
            yield None

    return lock


def held_already() -> dg.ResourceDefinition:
    """For a caller that holds the lock of the store around several runs."""
    return dg.ResourceDefinition.none_resource()
