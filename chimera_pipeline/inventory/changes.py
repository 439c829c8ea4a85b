"""What changed since last time, from names, sizes and times; and the hashes of what did change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from chimera_pipeline.errors import Reason
from chimera_pipeline.inventory.scan import Root
from chimera_pipeline.records import Artifact

RETRY = frozenset({Reason.STILL_WRITING, Reason.VANISHED, Reason.IO_ERROR, Reason.PERMISSION_DENIED})
"""Reasons that may be gone by the next run."""


def unchanged(found: Iterable[Artifact], known: Mapping[str, Artifact]) -> bool:
    """True where every entry found is known with the same size and time, nothing is gone and nothing waits."""
    count = 0
    for artifact in found:
        count += 1
        before = known.get(artifact.path)
        if before is None or not _same(artifact, before):
            return False
    return count == len(known)


def _same(found: Artifact, known: Artifact) -> bool:
    return (found.size_bytes, found.mtime_ns, found.etag) == (known.size_bytes, known.mtime_ns, known.etag) and (
        known.skip_reason not in RETRY
    )


def take_stock(
    root: Root,
    found: Iterable[Artifact],
    known: Mapping[str, Artifact],
    *,
    max_bytes: int,
    settle_seconds: float = 0.0,
    now: float = 0.0,
    spool: Path | None = None,
    max_csv_bytes: int = 0,
) -> list[Artifact]:
    """`found` with hashes: from the manifest where size and time are unchanged, else by reading.

    A file younger than `settle_seconds` at `now` (epoch seconds) waits for the next run.
    """
    stock: list[Artifact] = []
    unread: list[int] = []
    for artifact in found:
        before = known.get(artifact.path)
        if artifact.skip_reason is not None:
            stock.append(artifact)
        elif before is not None and _same(artifact, before):
            stock.append(before)
        elif settle_seconds > 0 and now - artifact.mtime_ns / 1e9 < settle_seconds:
            detail = f"changed less than {settle_seconds:g} s ago: read next run"
            stock.append(dataclasses.replace(artifact, skip_reason=Reason.STILL_WRITING, detail=detail))
        else:
            unread.append(len(stock))
            stock.append(artifact)
    fetched = root.hashed(
        [stock[place] for place in unread], max_bytes=max_bytes, spool=spool, max_csv_bytes=max_csv_bytes
    )
    for place, artifact in zip(unread, fetched, strict=True):
        stock[place] = artifact
    return stock
