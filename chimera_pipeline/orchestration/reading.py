"""What a process does that reads a chunk of artifacts. Imports no more than that takes: each process starts anew."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from chimera_pipeline import garbage
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.inventory import scan
from chimera_pipeline.inventory.opening import opened
from chimera_pipeline.inventory.store import FOLDER, StoredReading
from chimera_pipeline.readers import registry
from chimera_pipeline.readers.dispatch import Desk
from chimera_pipeline.records import Artifact, Reading
from chimera_pipeline.settings import Settings


def spool(settings: Settings) -> Path:
    """Where fetched objects wait between hashing and reading."""
    return settings.out / FOLDER / "spool"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Artifacts that one process reads, and the settings they are read by."""

    settings: Settings
    artifacts: tuple[Artifact, ...]


def read_chunk(chunk: Chunk) -> list[StoredReading]:
    """The readings of a chunk; an artifact whose bytes are no longer those of the inventory is left out."""
    root = scan.open_root(chunk.settings.artifacts, chunk.settings.s3_http_hosts)
    readers = registry.desk(chunk.settings.sources)
    out = []
    with garbage.without_collecting():
        for artifact in chunk.artifacts:
            try:
                found = _read(root, artifact, chunk.settings, readers)
            except ArtifactError:
                continue
            if found is not None:
                out.append(_to_store(str(artifact.sha256), found))
    return out


def _read(root: scan.Root, artifact: Artifact, settings: Settings, readers: Desk) -> Reading | None:
    limits = settings.limits
    if root.folder is not None and scan.is_large(artifact, limits.max_file_bytes):
        with opened(root.folder, artifact.path, max_bytes=limits.max_csv_bytes) as descriptor:
            found = os.fstat(descriptor)
            if (found.st_size, found.st_mtime_ns) != (artifact.size_bytes, artifact.mtime_ns):
                return None
            return registry.read_large(descriptor, limits, readers)
    data, sha256 = root.read(artifact, max_bytes=limits.max_file_bytes, spool=spool(settings))
    return registry.read(data, artifact.format, limits, readers) if sha256 == artifact.sha256 else None


def _to_store(sha256: str, found: Reading) -> StoredReading:
    return StoredReading(
        sha256,
        found.tool,
        found.kind,
        found.status.value,
        found.records_ok,
        found.records_failed,
        registry.encode(found),
    )
