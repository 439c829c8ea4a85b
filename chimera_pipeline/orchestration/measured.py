"""Table `measurements` on its way to the disk: made of the chunks of the settled tables, asked and told of on the way.

A chunk of which the published table holds the measurements is carried over as it is.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from chimera_pipeline import garbage
from chimera_pipeline.contracts.tables import EXTRAS, METRIC_TABLES
from chimera_pipeline.errors import InputError
from chimera_pipeline.inventory.store import Store
from chimera_pipeline.metrics.chunks import together
from chimera_pipeline.metrics.settle import CHUNK_ROWS
from chimera_pipeline.orchestration import checks, ingests, kept, run_metrics, steps
from chimera_pipeline.orchestration.ingests import Fingerprints
from chimera_pipeline.orchestration.kept import Place, Published
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.settings import Settings

_TABLES = (*METRIC_TABLES, EXTRAS)


class Measured:
    """The measurements of the settled tables as they are published, written when this is made.

    `anew`: how many chunks of them were made, and not carried over.
    """

    def __init__(self, settings: Settings, lake: Lake, artifacts: pd.DataFrame, *, rows: int = CHUNK_ROWS) -> None:
        self._settings, self._lake, self._artifacts, self._rows = settings, lake, artifacts, rows
        self._version = f"{steps.version(settings)}-{ingests.basis(settings)}"
        self._contract = checks.Contract("measurements")
        self._series: set[str] = set()
        self._by_period: Counter[str] = Counter()
        self._fingerprints = Fingerprints()
        self._places: list[Place] = []
        self.anew = 0
        with (
            Store(settings.out) as store,
            kept.published(kept.SETTLED, steps.version(settings), lake, store) as settled,
            kept.published(kept.MEASURED, self._version, lake, store) as before,
            lake.writing("measurements") as self.written,
        ):
            if not settled.places:
                raise InputError(
                    f"the tables under {lake.out / 'tables'} are not those that this version has settled: run all of "
                    "the ingest again: chimera run ARTIFACTS, or ingest_job"
                )
            for some in garbage.each(self._parts(settled, before)):
                self._take(some, settled, before, store)

    @property
    def rows(self) -> int:
        """How many measurements there are."""
        return self.written.rows

    def _parts(self, settled: Published, before: Published) -> Iterator[list[tuple[int, str, bytes | None]]]:
        """Chunks of the settled tables in order: number, key, and what was told of its measurements before."""
        found = ((number, key, before.told(key)) for number, key in enumerate(map(self._key, settled.places)))
        sizes = [sum(place.rows[name] for name in _TABLES) for place in settled.places]
        return together(found, lambda chunk: sizes[chunk[0]] if chunk[2] is None else 0, self._rows)

    def _key(self, settled: Place) -> str:
        """The key of the measurements of a settled chunk: what they follow from beside it is the version."""
        return settled.key and hashlib.sha256(f"{self._version} {settled.key}".encode()).hexdigest()[:32]

    def _take(
        self, some: list[tuple[int, str, bytes | None]], settled: Published, before: Published, store: Store
    ) -> None:
        """Write some chunks in order; what is asked of rows is asked of all that are new at once."""
        anew = [number for number, _, told in some if told is None]
        self.anew += len(anew)
        made, sums = self._made(anew, settled)
        new: list[tuple[str, bytes]] = []
        start = 0
        for number, key, told in some:
            last = settled.places[number].last
            if told is None:
                stop = int(np.searchsorted(made["artifact_path"].to_numpy(), last, side="right"))
                told = _told(made.iloc[start:stop], sums[start:stop])
                new += [(key, told)] if key else []
                self.written.write(made.iloc[start:stop])
                rows, start = stop - start, stop
            else:
                carried = before.rows("measurements", key)
                self.written.append(carried)
                self._contract.trust(carried.num_rows)
                rows = carried.num_rows
            self._add(told)
            self._places.append(Place(key, last, {"measurements": rows}))
        store.add_told(kept.MEASURED, new)

    def _made(self, chunks: list[int], settled: Published) -> tuple[pd.DataFrame, Any]:
        """The measurements of some chunks, text as categories, and a hash of each row."""
        if not chunks:
            return pd.DataFrame(), None
        cut = {name: pa.concat_tables([settled.rows_at(name, number) for number in chunks]) for name in _TABLES}
        read = {name: rows.to_pandas(strings_to_categorical=True) for name, rows in cut.items()}
        frame = steps.measured(self._settings, read | {"artifacts": self._artifacts})
        self._contract.ask(frame)
        return frame, ingests.hashes(frame)

    def _add(self, told: bytes) -> None:
        found = orjson.loads(told)
        self._series.update(found["series"])
        self._by_period.update(found["by_period"])
        self._fingerprints.add(found["sums"])

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

    def keep(self) -> None:
        """Keep that they stand. Who calls it has seen their contract kept."""
        with Store(self._settings.out) as store:
            kept.keep(kept.MEASURED, self._version, self._lake, store, tables=["measurements"], places=self._places)
        ingests.record(self._settings, self.fingerprints())


def _told(rows: pd.DataFrame, hashes: Any) -> bytes:
    """What is counted of the measurements of a chunk."""
    sums = Fingerprints()
    sums.take(rows["period"], hashes)
    by_period = {str(period): int(count) for period, count in rows["period"].value_counts().items()}
    return orjson.dumps({"series": sorted(rows["series_id"].unique()), "by_period": by_period, "sums": sums.told()})
