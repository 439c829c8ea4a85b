"""What an earlier ingest has settled and written, chunk by chunk: looked up by key, read from the published tables.

The tables are their own cache. The store keeps, for a stage whose contracts held: the sha256 of each of its tables, the
key of each chunk in order with its rows in each table, and what was told of it. A table that is not byte for byte the
one that was written, or that other code wrote, holds nothing for anybody: then all of it is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import chimera_pipeline
from chimera_pipeline.contracts import schemas
from chimera_pipeline.inventory.store import Store
from chimera_pipeline.orchestration.lake import Lake

SETTLED, MEASURED = "settled", "measured"
"""Stages: the tables of metrics with those of a row a file, and the measurements."""
_LIBRARIES = ("numpy", "orjson", "pandas", "pandera", "pint", "pyarrow")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk lies: its key (empty where it may not be kept), its last artifact, its rows in each table."""

    key: str
    last: str
    rows: Mapping[str, int]


@lru_cache(maxsize=1)
def code() -> str:
    """A hash of all code that a table can follow from: this package, its schemas, and the libraries it counts on."""
    digest = hashlib.sha256(platform.python_version().encode())
    for name in _LIBRARIES:
        digest.update(f"\0{name} {metadata.version(name)}".encode())
    package = Path(chimera_pipeline.__file__).parent
    own = [path for path in package.rglob("*") if path.suffix in (".py", ".pyc", ".so") and path.is_file()]
    stated = [path for path in schemas.folder().rglob("*.yaml") if path.is_file()]
    for path in sorted(path for path in [*own, *stated] if path.parent.name != "__pycache__"):
        digest.update(f"\0{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


class Published:
    """The chunks of a stage that its published tables hold, in order; none where anything is not as it was left."""

    def __init__(self, stage: str, version: str, lake: Lake, store: Store, opened: contextlib.ExitStack) -> None:
        self._stage, self._store = stage, store
        self.places: list[Place] = []
        self._files: dict[str, pq.ParquetFile] = {}
        self._starts: dict[str, list[int]] = {}
        self._groups: dict[str, list[int]] = {}
        self._read: dict[str, tuple[int, pa.Table]] = {}
        record = store.get(stage)
        if record and record["version"] == version and self._open(lake, record["tables"], opened):
            self.places = [Place(*place) for place in record["places"]]
        for name, file in self._files.items():
            self._starts[name] = [0, *accumulate(place.rows[name] for place in self.places)]
            sizes = (file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
            self._groups[name] = [0, *accumulate(sizes)]
        if any(self._starts[name][-1] != self._groups[name][-1] for name in self._files):
            self.places = []
        self._by_key = {place.key: number for number, place in enumerate(self.places) if place.key}

    def _open(self, lake: Lake, tables: Mapping[str, str], opened: contextlib.ExitStack) -> bool:
        for name, sha256 in tables.items():
            try:
                stream = opened.enter_context(lake.table_path(name).open("rb"))
            except OSError:
                return False
            # what is read later is what was hashed: a table that is published meanwhile is another file
            if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                return False
            stream.seek(0)
            self._files[name] = pq.ParquetFile(stream)
        return True

    def told(self, key: str) -> bytes | None:
        """What was told of the chunk of this key; None where the tables do not hold it."""
        return self._store.told(self._stage, key) if key in self._by_key else None

    def rows(self, table: str, key: str) -> pa.Table:
        """The rows of the chunk of a key. Raises KeyError."""
        return self.rows_at(table, self._by_key[key])

    def rows_at(self, table: str, number: int) -> pa.Table:
        """The rows of the chunk with this number."""
        at, stop = self._starts[table][number : number + 2]
        groups = self._groups[table]
        parts = [self._files[table].schema_arrow.empty_table()]
        while at < stop:
            group = bisect_right(groups, at) - 1
            end = min(stop, groups[group + 1])
            parts.append(self._group(table, group).slice(at - groups[group], end - at))
            at = end
        return pa.concat_tables(parts)

    def _group(self, table: str, group: int) -> pa.Table:
        if self._read.get(table, (-1, None))[0] != group:
            self._read[table] = (group, self._files[table].read_row_group(group))
        return self._read[table][1]


@contextlib.contextmanager
def published(stage: str, version: str, lake: Lake, store: Store) -> Iterator[Published]:
    """What the published tables of a stage hold that this version has written."""
    with contextlib.ExitStack() as opened:
        yield Published(stage, version, lake, store, opened)


def keep(
    stage: str, version: str, lake: Lake, store: Store, *, tables: Collection[str], places: Iterable[Place]
) -> None:
    """Keep that the tables of a stage stand as they are published, and hold these chunks in order."""
    digests = {}
    for name in tables:
        with lake.table_path(name).open("rb") as stream:
            digests[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    held = list(places)
    found = [[place.key, place.last, dict(place.rows)] for place in held]
    store.keep_told(stage, {"version": version, "tables": digests, "places": found}, {place.key for place in held})
