"""All sample files, read and settled once: what the tests of traps and of the oracle look at."""

from __future__ import annotations

import copy
import hashlib
from functools import lru_cache

import pandas as pd

from chimera_pipeline.inventory.scan import format_of
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.metrics.settle import settle
from chimera_pipeline.readers import registry
from chimera_pipeline.records import Artifact, Reading
from chimera_pipeline.settings import Limits
from tests.acceptance.shared import DATA, oracle

MTIME = 1_760_000_000_000_000_000
MTIME_DAY = "2025-10-09"


class World:
    """All sample files, read and settled once."""

    def __init__(self) -> None:
        self.readings: dict[str, Reading] = {}
        pairs = []
        for path in sorted(oracle()["files"]):
            data, format = (DATA / path).read_bytes(), format_of(path)
            artifact = Artifact(path, len(data), MTIME, hashlib.sha256(data).hexdigest(), format)
            self.readings[path] = registry.read(data, format, Limits())
            pairs.append((artifact, copy.deepcopy(self.readings[path])))
        self.tables = settle(pairs)
        self.tables["measurements"] = melt(self.tables)
        self.artifacts = self.tables["artifacts"].set_index("path")

    def of(self, table: str, path: str) -> pd.DataFrame:
        """The rows of a table that come from a file."""
        frame = self.tables[table]
        return frame[frame["artifact_path"] == path]

    def status(self, path: str) -> str:
        """What became of a file."""
        return str(self.artifacts.loc[path, "status"])

    def values(self, path: str) -> pd.DataFrame:
        """The measurements of a file that count."""
        rows = self.of("measurements", path)
        return rows[rows["status"] == "ok"]


@lru_cache(maxsize=1)
def world() -> World:
    """The one world of this process."""
    return World()
