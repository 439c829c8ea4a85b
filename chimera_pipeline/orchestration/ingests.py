"""What the last complete ingest left: which manifest it settled, and since which ingest each period is as it is.

Kept in the store when the measurements stand, read by the sensors: a look costs one small value and never a table.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

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


class Fingerprints:
    """A hash of each period's measurements, taken chunk by chunk; where chunks are cut changes nothing."""

    def __init__(self) -> None:
        self._digests: dict[str, Any] = {}

    def take(self, measurements: pd.DataFrame) -> None:
        """Take in the next rows."""
        dated = measurements[measurements["period"].notna()].drop(columns=list(_NOT_TOLD))
        hashes: Any = pd.util.hash_pandas_object(dated, index=False)
        for period, rows in hashes.groupby(dated["period"], sort=True):
            self._digests.setdefault(str(period), hashlib.sha256()).update(rows.to_numpy().tobytes())

    def all(self) -> dict[str, str]:
        """Period -> hash."""
        return {period: digest.hexdigest()[:24] for period, digest in sorted(self._digests.items())}


def fingerprints(measurements: pd.DataFrame) -> dict[str, str]:
    """A hash of each period's measurements, of the whole table."""
    out = Fingerprints()
    out.take(measurements)
    return out.all()
