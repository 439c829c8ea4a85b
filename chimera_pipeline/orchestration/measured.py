"""Table `measurements` on its way to the disk: what is asked and told of it while its chunks pass, one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline import garbage
from chimera_pipeline.orchestration import checks, run_metrics
from chimera_pipeline.orchestration.ingests import Fingerprints


class Measured:
    """Chunks of `measurements`, to be gone through once; after that, what all of them together are."""

    def __init__(self, chunks: Iterable[pd.DataFrame]) -> None:
        self._chunks = chunks
        self._contract = checks.Contract("measurements")
        self._series: set[str] = set()
        self._by_period: Counter[str] = Counter()
        self._fingerprints = Fingerprints()
        self.rows = 0

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """The chunks, in order."""
        for chunk in garbage.each(self._chunks):
            self.rows += len(chunk)
            self._contract.ask(chunk)
            self._series.update(chunk["series_id"].unique())
            self._by_period.update(chunk["period"].dropna())
            self._fingerprints.take(chunk)
            yield chunk

    def contract(self) -> dg.AssetCheckResult:
        """Whether every row keeps the contract."""
        return self._contract.result()

    def metadata(self) -> dict[str, Any]:
        """What the UI shows of them."""
        undated = self.rows - self._by_period.total()
        return run_metrics.of_measurements(len(self._series), undated, self._by_period)

    def fingerprints(self) -> dict[str, str]:
        """Period -> hash of its measurements."""
        return self._fingerprints.all()
