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


def differing(found: Iterable[Artifact], known: Mapping[str, Artifact]) -> list[Artifact]:
    """The entries that a run would look at anew: new, of another size or time, or put off last time."""
    return [artifact for artifact in found if (kept := known.get(artifact.path)) is None or not _same(artifact, kept)]


def waits(mtime_ns: int, looked_at: float, now: float) -> bool:
    """Whether a file may still be written: it changed after the earlier look at it (both epoch seconds).

    A time ahead of the clock by more than a minute was set by somebody and says nothing of a writer at work.
    """
    return looked_at < mtime_ns / 1e9 <= now + 60


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
    looked_at: float | None = None,
) -> list[Artifact]:
    """`found` with hashes: from the manifest where size and time are unchanged, else by reading.

    A file younger than `settle_seconds` at `now` (epoch seconds), or changed since `looked_at`, waits for the next
    run; what was read of it before stays until then.
    """
    looks = [now - settle_seconds] if settle_seconds > 0 else []
    since = min([*looks, *([] if looked_at is None else [looked_at])], default=None)
    stock: list[Artifact] = []
    unread: list[int] = []
    for artifact in found:
        before = known.get(artifact.path)
        if artifact.skip_reason is not None:
            stock.append(artifact)
        elif before is not None and _same(artifact, before):
            stock.append(before)
        elif since is not None and waits(artifact.mtime_ns, since, now):
            stock.append(before if before is not None and before.sha256 is not None else _waiting(artifact))
        else:
            unread.append(len(stock))
            stock.append(artifact)
    fetched = root.hashed(
        [stock[place] for place in unread], max_bytes=max_bytes, spool=spool, max_csv_bytes=max_csv_bytes
    )
    for place, artifact in zip(unread, fetched, strict=True):
        stock[place] = artifact
    return stock


def _waiting(artifact: Artifact) -> Artifact:
    detail = "changed a moment ago and may still be written: read next run"
    return dataclasses.replace(artifact, skip_reason=Reason.STILL_WRITING, detail=detail)
