"""What the last complete ingest left: which manifest it settled, and since which ingest each period is as it is.

Kept in the store when the measurements stand, read by the sensors: a look costs one small value and never a table.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from chimera_pipeline.inventory.store import Store
from chimera_pipeline.orchestration import steps
from chimera_pipeline.records import Artifact
from chimera_pipeline.settings import Settings

KEY = "ingest"
GONE = "gone"
_NOT_TOLD = ("reader_version",)
"""Columns whose change alone is no reason to write a report again."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """The last complete ingest. `generation` counts those that changed something; `store` names the output folder.

    `periods`: period -> (hash of its measurements, generation in which that hash last changed).
    """

    store: str = ""
    generation: int = 0
    manifest: str = ""
    basis: str = ""
    kind: str = ""
    periods: Mapping[str, tuple[str, int]] = field(default_factory=dict)


def basis(settings: Settings) -> str:
    """What else the measurements follow from: the readers, and how an instant becomes a period."""
    return f"{steps.reader_version(settings)}-{settings.period}-{settings.trust_file_times}"


def last(store: Store) -> Ingest:
    """The last complete ingest; generation 0 where there was none."""
    kept = store.get(KEY)
    if not kept:
        return Ingest()
    kept["periods"] = {name: (digest, since) for name, (digest, since) in kept["periods"].items()}
    return Ingest(**kept)


def record(settings: Settings, now: Mapping[str, str]) -> Ingest:
    """Keep that the measurements of the current manifest stand; `now`: period -> hash of its measurements."""
    with Store(settings.out) as store:
        before = last(store)
        digests = {name: now.get(name, GONE) for name in sorted(now.keys() | before.periods.keys())}
        manifest, found = manifest_of(store.manifest()), basis(settings)
        same = (manifest, found) == (before.manifest, before.basis)
        same = same and digests == {name: digest for name, (digest, _) in before.periods.items()}
        generation = before.generation if same else before.generation + 1
        after = Ingest(
            store=before.store or uuid.uuid4().hex[:12],
            generation=generation,
            manifest=manifest,
            basis=found,
            kind=settings.period,
            periods={
                name: before.periods[name] if before.periods.get(name, ("", 0))[0] == digest else (digest, generation)
                for name, digest in digests.items()
            },
        )
        store.put(KEY, asdict(after))
    return after


def manifest_of(known: Mapping[str, Artifact]) -> str:
    """A hash of a manifest: names, sizes, times and what was put off."""
    digest = hashlib.sha256()
    for path in sorted(known):
        entry = known[path]
        digest.update(f"{path}\0{entry.size_bytes}\0{entry.mtime_ns}\0{entry.skip_reason}\n".encode())
    return digest.hexdigest()[:24]


def hashes(measurements: pd.DataFrame) -> Any:
    """A hash of each row, as an array of uint64."""
    return pd.util.hash_pandas_object(measurements.drop(columns=list(_NOT_TOLD)), index=False).to_numpy()


class Fingerprints:
    """A hash of each period's measurements: how many there are, and two sums over their hashes modulo 2^64.

    It does not matter in what order rows come or where they are cut; a row that comes, goes or changes changes both
    sums, of which the second is of hashes that are mixed once more, so that no two changes cancel in both.
    """

    def __init__(self) -> None:
        self._sums: dict[str, list[int]] = {}

    def take(self, periods: pd.Series[Any], hashes: Any) -> None:
        """Take in the next rows: their periods (None: of no period) and `hashes`."""
        codes, names = pd.factorize(periods)
        for code, name in enumerate(names):
            found = hashes[codes == code]
            self._add(str(name), [len(found), int(found.sum(dtype="uint64")), int(_mixed(found).sum(dtype="uint64"))])

    def told(self) -> dict[str, list[int]]:
        """All of it as plain values, for `add`."""
        return self._sums

    def add(self, told: Mapping[str, list[int]]) -> None:
        """Take what others were told."""
        for period, sums in told.items():
            self._add(period, sums)

    def _add(self, period: str, sums: list[int]) -> None:
        before = self._sums.get(period, [0, 0, 0])
        self._sums[period] = [(one + other) % 2**64 for one, other in zip(before, sums, strict=True)]

    def all(self) -> dict[str, str]:
        """Period -> hash."""
        return {
            period: hashlib.sha256(repr(sums).encode()).hexdigest()[:24] for period, sums in sorted(self._sums.items())
        }


def _mixed(hashes: Any) -> Any:
    """splitmix64 (Steele, Lea, Flood 2014) of each hash."""
    with np.errstate(over="ignore"):
        mixed = hashes + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def fingerprints(measurements: pd.DataFrame) -> dict[str, str]:
    """A hash of each period's measurements, of the whole table."""
    out = Fingerprints()
    out.take(measurements["period"], hashes(measurements))
    return out.all()
