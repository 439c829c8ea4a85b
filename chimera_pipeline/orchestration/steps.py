"""The steps that assets run, as plain functions over the stages: no Dagster, so they can be called and timed alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping

import pandas as pd

from chimera_pipeline import __version__, garbage
from chimera_pipeline.inventory import changes, scan
from chimera_pipeline.inventory.store import LISTED, Store
from chimera_pipeline.metrics.chunks import USUAL_ROWS
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.metrics.measurements import coded
from chimera_pipeline.metrics.settle import CHUNK_ROWS, Settling, whole
from chimera_pipeline.orchestration import kept, progress, reading, spread
from chimera_pipeline.readers import registry
from chimera_pipeline.records import Artifact, Format
from chimera_pipeline.settings import Settings

CHUNK = 250
"""Files that are read by one process at a time, and kept in one transaction."""

_INVENTORY = tuple(field.name for field in dataclasses.fields(Artifact))


def take_inventory(settings: Settings, *, now: float, looked_at: float | None = None) -> pd.DataFrame:
    """List the root, hash what changed, and make the list the new manifest. What changed after `looked_at` waits."""
    root = scan.open_root(settings.artifacts, settings.s3_http_hosts)
    with Store(settings.out) as store:
        stock = changes.take_stock(
            root,
            scan.scan(root),
            store.manifest(),
            max_bytes=settings.limits.max_file_bytes,
            max_csv_bytes=settings.limits.max_csv_bytes,
            settle_seconds=settings.settle_seconds,
            now=now,
            spool=reading.spool(settings),
            looked_at=looked_at,
        )
        store.replace_manifest(stock)
    columns = {name: [getattr(artifact, name) for artifact in stock] for name in _INVENTORY}
    return pd.DataFrame(columns, dtype="object")


def read_new(settings: Settings, inventory: pd.DataFrame) -> pd.DataFrame:
    """Read every artifact whose content this version of the readers has not read; list what each reading holds."""
    version = reader_version(settings)
    artifacts = [artifact for artifact in artifacts_of(inventory) if artifact.sha256 is not None]
    with Store(settings.out) as store:
        known = store.known_readings(version)
        new = list({str(a.sha256): a for a in reversed(artifacts) if a.sha256 not in known}.values())[::-1]
        there = settings.portable()
        chunks = [reading.Chunk(there, tuple(new[start : start + CHUNK])) for start in range(0, len(new), CHUNK)]
        progress.tell(f"reading {len(new)} files")
        for done, found in enumerate(spread.chosen(settings, len(new)).map(reading.read_chunk, chunks), start=1):
            store.add_readings(version, found)
            progress.tell(f"reading: {min(done * CHUNK, len(new))} of {len(new)} files")
        store.forget_readings(version, {str(artifact.sha256) for artifact in artifacts})
        rows = store.listed(version)
    shutil.rmtree(reading.spool(settings), ignore_errors=True)
    return pd.DataFrame(rows, columns=list(LISTED)).assign(reader_version=version)


def settling(
    settings: Settings,
    store: Store,
    inventory: pd.DataFrame,
    *,
    now: float,
    told: Callable[[str], bytes | None] = lambda key: None,
    rows: int = CHUNK_ROWS,
    usual: int = USUAL_ROWS,
) -> Settling:
    """The settled tables of the whole store, chunk by chunk. Times more than a day after `now` (epoch seconds) are
    refused. `told` gives what was told of chunks that are written already (`Settling`)."""
    return Settling(
        _Readings(store, reader_version(settings), artifacts_of(inventory)),
        expected_dirs=settings.expected_dirs,
        period=settings.period,
        now=dt.datetime.fromtimestamp(now, dt.UTC),
        version=version(settings),
        kept=told,
        rows=rows,
        usual=usual,
    )


def settle_store(settings: Settings, inventory: pd.DataFrame, *, now: float) -> dict[str, pd.DataFrame]:
    """Every settled table of the whole store."""
    with garbage.without_collecting(), Store(settings.out) as store:
        return whole(settling(settings, store, inventory, now=now))


def measured(settings: Settings, settled: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table `measurements` of settled tables, or of some rows of them; text as categories."""
    return coded(
        settled,
        period=settings.period,
        trust_file_times=settings.trust_file_times,
        reader_version=reader_version(settings),
    )


def settled(settings: Settings, *, now: float) -> dict[str, pd.DataFrame]:
    """Every settled table of the artifacts as they are now: listed, read and settled in one go."""
    inventory = take_inventory(settings, now=now)
    read_new(settings, inventory)
    return settle_store(settings, inventory, now=now)


@dataclasses.dataclass(frozen=True)
class _Readings:
    """The files of an inventory, decoded anew each time: copies do not share rows, which settling changes."""

    store: Store
    version: str
    known: list[Artifact]

    def artifacts(self) -> list[Artifact]:
        return self.known

    def entries(self, artifacts: Iterable[Artifact]) -> Iterator[Entry]:
        rest = iter(artifacts)
        while some := list(itertools.islice(rest, CHUNK)):
            found = self.store.payloads(self.version, {a.sha256 for a in some if a.sha256 is not None})
            for artifact in some:
                payload = found.get(artifact.sha256 or "")
                content = b"" if payload is None else hashlib.sha256(payload).digest()
                yield Entry.of(artifact, None if payload is None else registry.decode(payload), content)


def reader_version(settings: Settings) -> str:
    """The version of all readers together, declarative sources included."""
    return registry.version(settings.sources)


def version(settings: Settings) -> str:
    """The version of all that settled rows follow from beside the files: the code, and the readers that are in use."""
    return f"{kept.code()}-{reader_version(settings)}"


def artifacts_of(inventory: pd.DataFrame) -> list[Artifact]:
    """The artifacts of a stored inventory."""
    formats = {format.value: format for format in Format}
    columns = [inventory[name].tolist() for name in _INVENTORY]
    return [
        Artifact(
            path, int(size), int(mtime_ns), _text(sha256), formats[format], _text(reason), _text(detail), _text(etag)
        )
        for path, size, mtime_ns, sha256, format, reason, detail, etag in zip(*columns, strict=True)
    ]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


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
