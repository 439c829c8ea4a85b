"""The steps that assets run, as plain functions over the stages: no Dagster, so they can be called and timed alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterator

import pandas as pd

from chimera_pipeline import __version__
from chimera_pipeline.contracts import tables
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.inventory import changes, scan
from chimera_pipeline.inventory.opening import read_artifact
from chimera_pipeline.inventory.store import Store
from chimera_pipeline.metrics.settle import settle
from chimera_pipeline.readers import registry
from chimera_pipeline.records import Artifact, Format, Reading
from chimera_pipeline.settings import Settings

BATCH = 500
"""Readings that are kept in one transaction."""


def take_inventory(settings: Settings, *, now: float, looked_at: float | None = None) -> pd.DataFrame:
    """List the root, hash what changed, and make the list the new manifest. What changed after `looked_at` waits."""
    root = scan.open_root(settings.artifacts)
    with Store(settings.out) as store:
        stock = changes.take_stock(
            root.folder,
            scan.scan(root),
            store.manifest(),
            max_bytes=settings.limits.max_file_bytes,
            settle_seconds=settings.settle_seconds,
            now=now,
            looked_at=looked_at,
        )
        store.replace_manifest(stock)
    columns = [field.name for field in dataclasses.fields(Artifact)]
    return pd.DataFrame([dataclasses.astuple(artifact) for artifact in stock], columns=columns, dtype="object")


def read_new(settings: Settings, inventory: pd.DataFrame) -> pd.DataFrame:
    """Read every artifact whose content this version of the readers has not read; list what each reading holds."""
    root = scan.open_root(settings.artifacts)
    version = reader_version(settings)
    artifacts = [artifact for artifact in artifacts_of(inventory) if artifact.sha256 is not None]
    with Store(settings.out) as store:
        known = store.known_readings(version)
        batch: list[tuple[str, bytes]] = []
        for artifact in artifacts:
            if artifact.sha256 in known:
                continue
            reading = _read(settings, root, artifact)
            if reading is None:
                continue
            known.add(str(artifact.sha256))
            batch.append((str(artifact.sha256), registry.encode(reading)))
            if len(batch) >= BATCH:
                store.add_readings(version, batch)
                batch = []
        store.add_readings(version, batch)
        store.forget_readings(version, {str(artifact.sha256) for artifact in artifacts})
        rows = [
            (
                sha256,
                reading.tool,
                reading.kind,
                reading.status.value,
                reading.records_ok,
                reading.records_failed,
            )
            for sha256, reading in _stored(store, version)
        ]
    columns = ["sha256", "tool", "kind", "status", "records_ok", "records_failed"]
    return pd.DataFrame(rows, columns=columns).assign(reader_version=version)


def _read(settings: Settings, root: scan.Root, artifact: Artifact) -> Reading | None:
    """The reading of an artifact; None where its bytes are no longer those of the inventory."""
    try:
        data, sha256 = read_artifact(root.folder, artifact.path, max_bytes=settings.limits.max_file_bytes)
    except ArtifactError:
        return None
    if sha256 != artifact.sha256:
        return None
    return registry.read(data, artifact.format, settings.limits, settings.sources)


def _stored(store: Store, version: str) -> Iterator[tuple[str, Reading]]:
    for sha256, payload in store.readings(version):
        yield sha256, registry.decode(payload)


def settle_store(settings: Settings, inventory: pd.DataFrame, *, now: float) -> dict[str, pd.DataFrame]:
    """Every settled table of the whole store. Times more than a day after `now` (epoch seconds) are refused."""
    version = reader_version(settings)
    with Store(settings.out) as store:
        readings = dict(_stored(store, version))
    return settle(
        [(artifact, _reading_of(artifact, readings)) for artifact in artifacts_of(inventory)],
        expected_dirs=settings.expected_dirs,
        period=settings.period,
        now=dt.datetime.fromtimestamp(now, dt.UTC),
    )


def reader_version(settings: Settings) -> str:
    """The version of all readers together, declarative sources included."""
    return registry.version(settings.sources)


def _reading_of(artifact: Artifact, readings: dict[str, Reading]) -> Reading | None:
    return None if artifact.sha256 is None else readings.get(artifact.sha256)


def artifacts_of(inventory: pd.DataFrame) -> list[Artifact]:
    """The artifacts of a stored inventory."""
    out = []
    for row in tables.records(inventory):
        sizes = {"size_bytes": int(row["size_bytes"]), "mtime_ns": int(row["mtime_ns"])}
        out.append(Artifact(**row | sizes | {"format": Format(row["format"])}))
    return out


def reproducibility(settings: Settings, artifacts: pd.DataFrame, period: str) -> dict[str, str]:
    """What another person needs to get the same report from the same files."""
    manifest = hashlib.sha256()
    for path, sha256 in sorted(zip(artifacts["path"], artifacts["sha256"].fillna(""), strict=True)):
        manifest.update(f"{path}\0{sha256}\n".encode())
    return {
        "chimera_pipeline": __version__,
        "readers": reader_version(settings),
        "corpus": f"{len(artifacts)} files, sha256 of all paths and hashes {manifest.hexdigest()}",
        "period": period,
        "kind of period": settings.period,
        "trust_file_times": str(settings.trust_file_times).lower(),
        **({"slo": ", ".join(f"{metric} {limit:g}" for metric, limit in settings.slo.items())} if settings.slo else {}),
    }
