"""The settled tables on their way to the disk: written and asked for their contracts while their chunks pass."""

from __future__ import annotations

import contextlib

import dagster as dg
import pandas as pd

from chimera_pipeline import garbage
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES, SETTLED_TABLES
from chimera_pipeline.metrics.settle import Settling
from chimera_pipeline.orchestration import checks, unfinished
from chimera_pipeline.orchestration.lake import Lake, Writer


class Settled:
    """Every settled table. Those of measurements are written when this is made; the others, a row a file at most, are
    held as `frames`."""

    def __init__(self, lake: Lake, settling: Settling) -> None:
        self._contracts = {name: checks.Contract(name) for name in SETTLED_TABLES}
        held: dict[str, list[pd.DataFrame]] = {}
        with contextlib.ExitStack() as opened:
            self._written = {name: opened.enter_context(lake.writing(name)) for name in (*METRIC_TABLES, EXTRAS)}
            for part in garbage.each(settling):
                for name, frame in part.items():
                    if name in self._written:
                        self._contracts[name].ask(frame)
                        self._written[name].write(frame)
                    else:
                        held.setdefault(name, []).append(frame)
            rest = settling.rest()
            # from here on tables of two ingests may lie side by side
            unfinished.begin(lake.out, [*SETTLED_TABLES, "measurements"])
        self.frames = {name: pd.concat(parts, ignore_index=True) for name, parts in held.items()} | rest
        for name, frame in self.frames.items():  # whole: some of their columns must not hold a value twice
            self._contracts[name].ask(frame)

    def table(self, name: str) -> pd.DataFrame | Writer:
        """A table as its asset gives it: at hand, or written."""
        return self._written.get(name) or self.frames[name]

    def contract(self, name: str) -> dg.AssetCheckResult:
        """Whether every row of a table keeps its contract."""
        return self._contracts[name].result()
