"""The ingest stages as the assets call them, on plain folders, with chunks as small as a test wants them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from chimera_pipeline.contracts.tables import SETTLED_TABLES
from chimera_pipeline.inventory.store import Store
from chimera_pipeline.orchestration import kept, steps
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.orchestration.measured import Measured
from chimera_pipeline.orchestration.settled import Settled
from chimera_pipeline.settings import Settings

NOW = 1_790_000_000.0


class Ingested:
    """What an ingest wrote, and `settled` and `melted`: how many chunks of each stage it made anew."""

    def __init__(self, chosen: Settings, *, now: float = NOW, rows: int = 60, usual: int = 12) -> None:
        self.lake = lake = Lake(chosen.out)
        inventory = steps.take_inventory(chosen, now=now)
        steps.read_new(chosen, inventory)
        self.stage = Settled(chosen, lake, inventory, now=now, rows=rows, usual=usual)
        for name, frame in self.stage.frames.items():
            lake.write_frame(name, frame)
        self.stage.keep()
        with Store(chosen.out) as store:
            self.places = [kept.Place(*place) for place in store.get(kept.SETTLED)["places"]]
        self.settled = self.stage.anew
        self.measured = Measured(chosen, lake, self.stage.frames["artifacts"], rows=rows)
        self.melted = self.measured.anew
        self.measured.keep()

    def frames(self) -> dict[str, pd.DataFrame]:
        """Every table as it was published."""
        return {name: self.frames_of(name) for name in (*SETTLED_TABLES, "measurements")}

    def frames_of(self, name: str) -> pd.DataFrame:
        """A table as it was published."""
        return self.lake.read_frame(name)

    def told(self) -> dict[str, object]:
        """What else the ingest said: contracts, and the fingerprints of periods."""
        contracts = {name: self.stage.contract(name) for name in SETTLED_TABLES}
        return contracts | {"measurements": self.measured.contract(), "fingerprints": self.measured.fingerprints()}


def chosen(root: Path, out: Path) -> Settings:
    """Settings of a run over `root`."""
    return Settings(artifacts=str(root), out=out, expected_dirs=["a", "d"])


def same(one: Ingested, other: Ingested) -> None:
    """Fails unless both wrote and said the same."""
    mine, theirs = one.frames(), other.frames()
    for name, frame in mine.items():
        pd.testing.assert_frame_equal(frame, theirs[name], obj=name)
    assert one.told() == other.told()
