"""What is counted over the store: of a few files by looking at rows, of all by adding up what was told of each few.

What is told is plain values, so that it can be kept where the rows are not.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from chimera_pipeline.metrics import aliases, coverage, gaps, gaps_store, times
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Gap


class Tally:
    """Gaps, cells of the grid, names, and what shows only over many files."""

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self.wide, self.grid, self.names = gaps_store.StoreWide(), coverage.Grid(), aliases.Names()

    def look_at(self, entry: Entry) -> None:
        """Take the next entry that counts, dated and with its series."""
        self.gaps += gaps.failed_request_gaps(entry)
        self.gaps += [*times.time_gaps(entry), *self.wide.look_at(entry)]
        self.grid.look_at(entry)
        self.names.look_at(entry)

    def told(self) -> dict[str, Any]:
        """All of it as plain values, for `add`."""
        return {
            "gaps": [dataclasses.asdict(gap) for gap in self.gaps],
            "wide": self.wide.told(),
            "grid": self.grid.told(),
            "names": self.names.told(),
        }

    def add(self, told: dict[str, Any]) -> None:
        """Take what another was told."""
        self.gaps += [Gap(**gap | {"artifacts": tuple(gap["artifacts"])}) for gap in told["gaps"]]
        self.wide.add(told["wide"])
        self.grid.add(told["grid"])
        self.names.add(told["names"])
