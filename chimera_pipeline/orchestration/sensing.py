"""What the sensors decide, as plain functions over what they see: no Dagster, no clock, no disk.

In: a listing of the root, the manifest, the last complete ingest, the cursor. Out: whether to launch, under which
key, why not, and the next cursor. Cursors are small: they do not grow with the history.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.inventory import changes
from chimera_pipeline.orchestration.ingests import Ingest, manifest_of
from chimera_pipeline.records import Artifact

CURSOR_VERSION = 2
MAX_SEEN = 5000
"""Changes that a cursor remembers one by one; beyond them the time of the last change alone decides."""
MAX_PERIODS_PER_TICK = 50
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the root led to. `key` is None where nothing is launched, and `reason` says why."""

    cursor: str
    reason: str
    key: str | None = None
    looked_at: float = 0.0
    earlier: str | None = None
    """The key of the batch that was launched before, where it is still the one to launch."""


def look(
    found: Sequence[Artifact],
    known: Mapping[str, Artifact],
    ingest: Ingest,
    *,
    basis: str,
    cursor: str | None,
    now: float,
) -> Look:
    """Compare a listing with the manifest and with the look before.

    A file has settled when it is the same for two looks, and unchanged since the first of them; others wait, and do
    not keep those that have settled waiting. `now` is in epoch seconds.
    """
    prior = _read(cursor)
    if not found:
        was = f", and held {len(known)} files before: that is taken for a lost mount, not for a deletion"
        return Look(_cursor([], now, prior), f"the root holds no files{was if known else ''}")
    current = {artifact.path for artifact in found}
    entries = {
        _digest(artifact.path, artifact.size_bytes, artifact.mtime_ns): artifact
        for artifact in changes.differing(found, known)
    }
    gone = {_digest(path, -1, -1): path for path in known if path not in current}
    cursor = _cursor([*entries, *gone], now, prior)
    pending = bool(known) and (ingest.manifest, ingest.basis) != (manifest_of(known), basis)
    if not entries and not gone and not pending:
        return Look(cursor, f"nothing changed under the root ({len(found)} files)")
    if "at" not in prior:
        return Look(cursor, f"{_count(entries, gone)}; waiting until they are the same for two looks")
    seen, at = set(prior["seen"]), float(prior["at"])
    horizon = max(seen, default="") if len(seen) == MAX_SEEN else "~"
    settled = [digest for digest in (*entries, *gone) if digest in seen or digest > horizon]
    settled = [one for one in settled if one in gone or not changes.waits(entries[one].mtime_ns, at, now)]
    if not settled and not pending:
        names = sorted(redact.printable(entries[digest].path if digest in entries else gone[digest])
                       for digest in (*entries, *gone))  # fmt: skip
        shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        return Look(cursor, f"{_count(entries, gone)}, still being written or not the same for two looks: {shown}")
    key = hashlib.sha256("\n".join([basis, str(ingest.generation), *sorted(settled)]).encode()).hexdigest()[:24]
    waiting = len(entries) + len(gone) - len(settled)
    rest = f"; {waiting} more wait" if waiting else ""
    if key == prior.get("launched"):
        return Look(cursor, f"nothing changed since the last batch was launched{rest}", earlier=key)
    return Look(_cursor([*entries, *gone], now, {"launched": key}), f"{len(settled)} changes{rest}", key, at)


def _count(entries: Mapping[str, Artifact], gone: Mapping[str, str]) -> str:
    removed = f", {len(gone)} removed" if gone else ""
    return f"{len(entries)} files new or changed{removed}"


def _digest(path: str, size: int, mtime_ns: int) -> str:
    return hashlib.sha256(f"{path}\0{size}\0{mtime_ns}".encode()).hexdigest()[:8]


def _read(cursor: str | None) -> dict[str, Any]:
    """A cursor of this version; anything else counts as none."""
    try:
        value = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) and value.get("version") == CURSOR_VERSION else {}


def _cursor(digests: Sequence[str], now: float, prior: Mapping[str, Any]) -> str:
    seen = sorted(set(digests))[:MAX_SEEN]
    return json.dumps({"version": CURSOR_VERSION, "at": now, "seen": seen, "launched": prior.get("launched")})


@dataclass(frozen=True, slots=True)
class Due:
    """Periods whose report is due: (name, run key), with the cursor after them; or the reason why there are none."""

    periods: tuple[tuple[str, str], ...]
    cursor: str
    reason: str


def due(ingest: Ingest, *, kind: str, cursor: str | None, exists: Callable[[str], bool]) -> Due:
    """The periods whose measurements changed since the cursor, oldest ingest first, at most MAX_PERIODS_PER_TICK.

    `exists` says whether a period is one that reports are made for: not before the first, nor in the future.
    """
    prior = _read(cursor)
    kept = cursor or json.dumps({"version": CURSOR_VERSION})
    if not ingest.generation:
        return Due((), kept, "nothing has been ingested yet")
    if ingest.kind != kind:
        return Due((), kept, f"the measurements are by {ingest.kind} and reports by {kind}: run ingest_job")
    done = tuple(prior["done"]) if prior.get("store") == ingest.store else (0, "")
    changed = sorted((since, name) for name, (_, since) in ingest.periods.items() if (since, name) > done)
    outside = [name for _, name in changed if not exists(name)]
    batch = [(since, name) for since, name in changed if exists(name)][:MAX_PERIODS_PER_TICK]
    note = f"; no report is made of {', '.join(outside[:SHOWN])}: outside the range of periods" if outside else ""
    last = batch[-1] if len(batch) == MAX_PERIODS_PER_TICK else max([*changed, done])
    after = json.dumps({"version": CURSOR_VERSION, "store": ingest.store, "done": last})
    keys = tuple((name, f"{name}-{ingest.store}-{since}-{ingest.periods[name][0]}") for since, name in batch)
    reason = f"measurements of {len(batch)} periods changed" if batch else "no period's measurements changed"
    return Due(keys, after, reason + note)
