"""A frame that is published is not held until the run ends."""

import gc
import weakref
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline.contracts import tables
from chimera_pipeline.orchestration.io_managers import FrameIOManager
from chimera_pipeline.orchestration.lake import Lake


def test_no_frame_of_an_earlier_step_is_alive_in_a_later_one(tmp_path: Path) -> None:
    made: list[Any] = []
    seen: list[bool] = []

    @dg.asset(io_manager_key="frames")
    def series() -> pd.DataFrame:
        frame = tables.frame("series")
        made.append(weakref.ref(frame))
        return frame

    @dg.asset(io_manager_key="frames", deps=[series])
    def quarantine() -> pd.DataFrame:
        gc.collect()
        seen.append(made[0]() is None)
        return tables.frame("quarantine")

    resources = {"frames": FrameIOManager(Lake(tmp_path), "week")}
    result = dg.materialize([series, quarantine], resources=resources, instance=dg.DagsterInstance.ephemeral())
    assert result.success
    assert seen == [True]
    assert len(Lake(tmp_path).read_frame("series")) == 0
