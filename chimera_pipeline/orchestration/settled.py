"""The settled tables on their way to the disk: written and asked for their contracts while their chunks pass."""

from __future__ import annotations

import contextlib

import dagster as dg
import pandas as pd

from chimera_pipeline import garbage
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES, SETTLED_TABLES
from chimera_pipeline.inventory.store import Store
from chimera_pipeline.metrics.chunks import USUAL_ROWS
from chimera_pipeline.metrics.settle import BY_FILE, CHUNK_ROWS, Part
from chimera_pipeline.orchestration import checks, kept, steps, unfinished
from chimera_pipeline.orchestration.kept import Place, Published
from chimera_pipeline.orchestration.lake import Lake, Writer
from chimera_pipeline.settings import Settings

KEPT = (*METRIC_TABLES, EXTRAS, "artifacts", "quarantine")
"""Tables that hold chunks for the next ingest."""


class Settled:
    """Every settled table of an inventory. Those of measurements are written when this is made; the others, a row a
    file at most, are held as `frames`. Chunks that the published tables hold are carried over as they are: their
    contract was asked and kept.

    Times more than a day after `now` (epoch seconds) are refused. `rows` and `usual` as of `Settling`. `anew`: how many
    chunks were settled, and not carried over.
    """

    def __init__(
        self,
        settings: Settings,
        lake: Lake,
        inventory: pd.DataFrame,
        *,
        now: float,
        rows: int = CHUNK_ROWS,
        usual: int = USUAL_ROWS,
    ) -> None:
        self._settings, self._lake, self._version = settings, lake, steps.version(settings)
        self._contracts = {name: checks.Contract(name) for name in SETTLED_TABLES}
        self._held: dict[str, list[pd.DataFrame]] = {name: [] for name in BY_FILE if name not in METRIC_TABLES}
        del self._held[EXTRAS]
        self.anew = 0
        self._places: list[Place] = []
        with (
            garbage.without_collecting(),
            Store(settings.out) as store,
            kept.published(kept.SETTLED, self._version, lake, store) as before,
            contextlib.ExitStack() as opened,
        ):
            settling = steps.settling(settings, store, inventory, now=now, told=before.told, rows=rows, usual=usual)
            self._written = {name: opened.enter_context(lake.writing(name)) for name in (*METRIC_TABLES, EXTRAS)}
            for part in garbage.each(settling):
                self._take(part, before, store)
            rest = settling.rest()
            # from here on tables of two ingests may lie side by side
            unfinished.begin(lake.out, [*SETTLED_TABLES, "measurements"])
        self.frames = {name: _joined(parts) for name, parts in self._held.items()} | rest
        for name, frame in self.frames.items():  # whole: some of their columns must not hold a value twice
            self._contracts[name].ask(frame)

    def _take(self, part: Part, before: Published, store: Store) -> None:
        """Write the chunks of a part in order, and keep what was told of those that are new."""
        for name, frame in part.frames.items():
            writer = self._written.get(name)
            if writer is not None:
                self._contracts[name].ask(frame)
                anew = writer.converted(frame)
            start = 0
            for chunk in part.chunks:
                rows = chunk.rows[name]
                if writer is None:
                    old = None if chunk.anew else before.rows(name, chunk.key).to_pandas()
                    self._held[name].append(frame.iloc[start : start + rows] if old is None else old)
                elif chunk.anew:
                    writer.append(anew.slice(start, rows))
                elif rows:
                    writer.append(before.rows(name, chunk.key))
                    self._contracts[name].trust(rows)
                start += rows if chunk.anew else 0
        told = [(chunk.key, chunk.told) for chunk in part.chunks if chunk.anew and chunk.lasting and chunk.told]
        store.add_told(kept.SETTLED, told)
        self.anew += sum(chunk.anew for chunk in part.chunks)
        for chunk in part.chunks:
            last = chunk.cards[-1].path if chunk.cards else ""
            self._places.append(Place(chunk.key if chunk.lasting else "", last, chunk.rows))

    def table(self, name: str) -> pd.DataFrame | Writer:
        """A table as its asset gives it: at hand, or written."""
        return self._written.get(name) or self.frames[name]

    def contract(self, name: str) -> dg.AssetCheckResult:
        """Whether every row of a table keeps its contract."""
        return self._contracts[name].result()

    def keep(self) -> None:
        """Keep which chunks the tables hold. Who calls it has published all of them and seen their contracts kept."""
        with Store(self._settings.out) as store:
            kept.keep(kept.SETTLED, self._version, self._lake, store, tables=KEPT, places=self._places)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The frames as one; of those without a row nothing but the columns."""
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
