"""What earlier runs know: the manifest (path -> size, time, hash) and the readings (hash -> rows).

One SQLite file under the output folder, read as a whole and written in one transaction. Standard library
only, so that "has anything changed?" is answered before pandas or Dagster is imported.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from chimera_pipeline import atomic
from chimera_pipeline.errors import InputError, StoreBusy
from chimera_pipeline.inventory.scan import OUT_MARKER
from chimera_pipeline.records import Artifact, Format

FOLDER = ".chimera"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS manifest (
  path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT, format TEXT, skip_reason TEXT, detail TEXT,
  etag TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS readings (
  sha256 TEXT, reader_version TEXT, tool TEXT, kind TEXT, status TEXT, records_ok INTEGER, records_failed INTEGER,
  payload BLOB, PRIMARY KEY (sha256, reader_version)
);
CREATE TABLE IF NOT EXISTS told (stage TEXT, key TEXT, told BLOB, PRIMARY KEY (stage, key));
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
VERSION = 2
_MOST_AT_ONCE = 500
LAST_RUN, QUICK = "last_run", "quick"
"""Keys of what tells an unchanged run, and tells it at once. Both go when a run begins: one that does not come to its
end may have left tables that follow from other settings."""
LISTED = ("sha256", "tool", "kind", "status", "records_ok", "records_failed")
"""What is told of a reading without decoding it."""


@dataclass(frozen=True, slots=True)
class StoredReading:
    """One reading as it is kept: what is listed of it, and the whole of it encoded."""

    sha256: str
    tool: str | None
    kind: str
    status: str
    records_ok: int
    records_failed: int
    payload: bytes


class Store:
    """The store of one output folder. Close it, or use it as a context manager."""

    def __init__(self, out: Path) -> None:
        self.out = out
        folder = out / FOLDER
        try:
            atomic.refuse_links(folder, out / OUT_MARKER, folder / f"store-v{VERSION}.sqlite")
            folder.mkdir(parents=True, exist_ok=True)
            (out / OUT_MARKER).touch()
            self._db = sqlite3.connect(folder / f"store-v{VERSION}.sqlite", timeout=30, isolation_level=None)
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"cannot write the store in {out}: {error}") from error

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def manifest(self) -> dict[str, Artifact]:
        """Every artifact of the last inventory, by path."""
        rows = self._db.execute("SELECT path, size, mtime_ns, sha256, format, skip_reason, detail, etag FROM manifest")
        formats = {format.value: format for format in Format}
        return {
            path: Artifact(path, size, mtime_ns, sha256, formats[format], reason, detail, etag)
            for path, size, mtime_ns, sha256, format, reason, detail, etag in rows
        }

    def stamps(self) -> dict[str, tuple[Any, ...]]:
        """(size, time in ns, etag, reason) of every artifact of the last inventory, by path."""
        rows = self._db.execute("SELECT path, size, mtime_ns, etag, skip_reason FROM manifest")
        return {row[0]: row[1:] for row in rows}

    def replace_manifest(self, artifacts: Iterable[Artifact]) -> None:
        """Make `artifacts` the manifest, whole or not at all. What told an unchanged run no longer does."""
        with self._transaction():
            self._db.execute("DELETE FROM manifest")
            self._db.execute("DELETE FROM meta WHERE key IN (?, ?)", (LAST_RUN, QUICK))
            self._db.executemany(
                "INSERT INTO manifest VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        a.path,
                        a.size_bytes,
                        a.mtime_ns,
                        a.sha256,
                        a.format.value,
                        a.skip_reason,
                        a.detail,
                        a.etag,
                    )
                    for a in artifacts
                ],
            )

    def known_readings(self, reader_version: str) -> set[str]:
        """Hashes that this version of the readers has read."""
        rows = self._db.execute("SELECT sha256 FROM readings WHERE reader_version = ?", (reader_version,))
        return {row[0] for row in rows}

    def add_readings(self, reader_version: str, readings: Iterable[StoredReading]) -> None:
        """Keep encoded readings by hash."""
        rows = [(one.sha256, reader_version, *astuple(one)[1:]) for one in readings]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def listed(self, reader_version: str) -> list[tuple[Any, ...]]:
        """`LISTED` of every reading of this version of the readers, ordered by hash."""
        return self._db.execute(
            f"SELECT {', '.join(LISTED)} FROM readings WHERE reader_version = ? ORDER BY sha256",
            (reader_version,),
        ).fetchall()

    def payloads(self, reader_version: str, hashes: Iterable[str]) -> dict[str, bytes]:
        """The encoded readings of `hashes`, by hash; those that are not there are left out."""
        wanted = list(hashes)
        found: dict[str, bytes] = {}
        for start in range(0, len(wanted), _MOST_AT_ONCE):
            some = wanted[start : start + _MOST_AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT sha256, payload FROM readings WHERE reader_version = ? AND sha256 IN ({marks})"
            found.update(self._db.execute(query, (reader_version, *some)).fetchall())
        return found

    def forget_readings(self, reader_version: str, keep: set[str]) -> None:
        """Drop readings of other reader versions and of hashes outside `keep`."""
        stale = self.known_readings(reader_version) - keep
        with self._transaction():
            self._db.execute("DELETE FROM readings WHERE reader_version <> ?", (reader_version,))
            self._db.executemany("DELETE FROM readings WHERE sha256 = ?", [(sha256,) for sha256 in stale])

    def told(self, stage: str, key: str) -> bytes | None:
        """What was told of a chunk of a stage, or None."""
        row = self._db.execute("SELECT told FROM told WHERE stage = ? AND key = ?", (stage, key)).fetchone()
        return row[0] if row else None

    def add_told(self, stage: str, told: Iterable[tuple[str, bytes]]) -> None:
        """Keep what is told of chunks by their keys. It holds wherever the key does: nobody is told of it here."""
        with self._transaction():
            rows = [(stage, key, found) for key, found in told]
            self._db.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", rows)

    def keep_told(self, stage: str, record: Any, keys: set[str]) -> None:
        """Keep the record of a stage, a JSON value, with what is told under `keys` and no more."""
        known = {row[0] for row in self._db.execute("SELECT key FROM told WHERE stage = ?", (stage,))}
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (stage, json.dumps(record, sort_keys=True)))
            stale = [(stage, key) for key in known - keys]
            self._db.executemany("DELETE FROM told WHERE stage = ? AND key = ?", stale)

    def get(self, key: str) -> Any:
        """The JSON value kept under `key`, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, key: str, value: Any) -> None:
        """Keep a JSON value under `key`."""
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                (key, json.dumps(value, sort_keys=True)),
            )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise InputError(f"cannot write the store in {self.out}: {error}") from error


@contextlib.contextmanager
def sole_writer(out: Path) -> Iterator[None]:
    """Hold the store's lock. Raises StoreBusy at once where another run holds it."""
    with locked(out, exclusive=True, wait_s=0.0):
        yield


@contextlib.contextmanager
def alone(out: Path, what: str, *, wait_s: float = 60.0) -> Iterator[None]:
    """Hold the lock of one thing that runs write which hold the store's lock side by side.

    Raises StoreBusy after `wait_s` seconds, InputError.
    """
    with contextlib.ExitStack() as held:
        try:
            _lock(held, out / FOLDER / f"lock-{what}", fcntl.LOCK_EX, time.monotonic() + wait_s, out)
        except OSError as error:
            raise InputError(f"cannot write to {out}: {error.strerror}") from error
        yield


@contextlib.contextmanager
def locked(out: Path, *, exclusive: bool, wait_s: float, periods: Iterable[str] = ()) -> Iterator[None]:
    """Hold the store's lock: alone (a run that settles it), or beside others (runs that read it, one a period).

    Who comes first is served first, so that readers who follow each other do not keep a writer out for ever. The
    kernel frees the locks of a process that dies. Raises StoreBusy after `wait_s` seconds.
    """
    folder = out / FOLDER
    deadline = time.monotonic() + wait_s
    with contextlib.ExitStack() as held:
        try:
            atomic.refuse_links(folder)
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as queue:
                if wait_s > 0:
                    _lock(queue, folder / "lock-next", fcntl.LOCK_EX, deadline, out)
                _lock(held, folder / "lock", fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH, deadline, out)
            for period in periods:
                _lock(held, folder / f"lock-{period}", fcntl.LOCK_EX, deadline, out)
        except OSError as error:
            raise InputError(f"cannot write to {out}: {error.strerror}") from error
        yield


def _lock(held: contextlib.ExitStack, path: Path, how: int, deadline: float, out: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    held.callback(os.close, descriptor)
    while True:
        try:
            return fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                message = f"another run is writing to {out}; wait for it or give another --out"
                raise StoreBusy(message) from error
            time.sleep(0.1)


@contextlib.contextmanager
def publishing(out: Path, periods: Iterable[str], *, wait_s: float) -> Iterator[frozenset[str]]:
    """Hold the right to publish what `out` holds, and those of `periods` that no run writes just now; yields them.

    It waits for who publishes and never for who writes a period, who may wait for it in turn. Raises StoreBusy.
    """
    folder = out / FOLDER
    with contextlib.ExitStack() as held:
        _lock(held, folder / "lock-publish", fcntl.LOCK_EX, time.monotonic() + wait_s, out)
        free = set()
        for period in periods:
            with contextlib.suppress(StoreBusy):
                _lock(held, folder / f"lock-{period}", fcntl.LOCK_EX, 0.0, out)
                free.add(period)
        yield frozenset(free)
