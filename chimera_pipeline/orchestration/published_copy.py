"""A copy in object storage of what is published under `out`: reports, index and tables, one generation at a time.

The objects of a generation lie under `generations/<hash of all names and contents>/` and never change. One small
object, `current.json`, names the generation and lists its objects; it is written last, on the condition that nobody
else wrote it meanwhile. So a reader sees the former generation or this one, whole. What the former one holds already
is copied inside the bucket. A publication that ended early is completed by the next one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera_pipeline import __version__
from chimera_pipeline.contracts import tables
from chimera_pipeline.errors import ChimeraError, InputError, UsageError
from chimera_pipeline.inventory import objects
from chimera_pipeline.inventory.scan import OUT_MARKER
from chimera_pipeline.inventory.store import publishing
from chimera_pipeline.orchestration import progress, unfinished
from chimera_pipeline.orchestration.lake import Lake, to_json
from chimera_pipeline.orchestration.publication import REJECTED
from chimera_pipeline.settings import Settings

if TYPE_CHECKING:
    from chimera_pipeline.inventory.bucket_writer import Bucket

POINTER = "current.json"
ENTRANCE = "index.html"
GENERATIONS = "generations/"
SCHEMA_VERSION = "1.0"
MOST_POINTER_BYTES = 64 << 20
WAIT_S = 3600.0
ABANDONED = dt.timedelta(days=1)
"""What another publication left unfinished is deleted when it is older than this."""
_GENERATION = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Held:
    """One published file: its path under `out`, content and size; `key` is its object below the prefix."""

    path: str
    sha256: str
    size_bytes: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What `current.json` says: generation, its objects, the generations before it that are kept."""

    generation: str
    objects: tuple[Held, ...]
    former: tuple[str, ...]
    etag: str


def check(settings: Settings) -> tuple[str, str]:
    """(bucket, prefix) of `publish_to`, nothing asked. Raises UsageError: no such URI, one that holds the artifacts,
    or the extra is missing.
    """
    if find_spec("s3fs") is None:
        raise UsageError("publish_to needs the extra s3: pip install 'chimera_pipeline[s3]'")
    _, bucket, prefix = objects.named(str(settings.publish_to))
    if "://" in settings.artifacts:
        _, other, below = objects.named(settings.artifacts)
        if bucket == other and f"{below}/".startswith(f"{prefix}/" if prefix else ""):
            raise UsageError(
                f"publish_to = {settings.publish_to} holds the artifacts; give a prefix beside or below them"
            )
    return bucket, prefix


def publish(settings: Settings, *, own: Collection[str] = (), now: dt.datetime | None = None) -> dict[str, Any]:
    """Make the copy that of what is published; what was done, as a JSON value.

    `own` are the periods whose locks the caller holds; one that another run writes now keeps its former copy. Raises
    UsageError, InputError and StoreBusy; the former copy stays then.
    """
    lake = Lake(settings.out)
    if not lake.reports() and not (settings.out / "tables" / "artifacts").is_dir():
        raise UsageError(f"{settings.out} holds no run; run: chimera run ARTIFACTS --out {settings.out}")
    name, prefix = check(settings)
    from chimera_pipeline.inventory import bucket_client
    from chimera_pipeline.inventory.bucket_writer import Bucket

    where = f"s3://{'/'.join(filter(None, (name, prefix)))}"
    bucket = Bucket(bucket_client.client(tuple(settings.s3_http_hosts)), name, prefix)
    others = _periods(lake) - set(own)
    with publishing(settings.out, sorted(others), wait_s=WAIT_S) as free:
        unfinished.finish(settings.out, [*own, *free])
        unfinished.refuse(settings.out, tables.TABLES)
        now_there = "the copy there is as it was"
        try:
            former = _pointer(bucket, where)
            now_there = f"the copy is still generation {former.generation}" if former else "there is no earlier copy"
            busy = others - free
            files = [*_published(lake.out, busy), *_kept(former, busy)]
            return {"uri": where, **_publish(bucket, lake.out, files, former, settings.publish_keep, now)}
        except ChimeraError as error:
            raise type(error)(f"{error}. {_left(settings, now_there)}") from error
        except bucket_client.ERRORS as error:
            told = bucket_client.explained(where, error, bucket=name, doing="written")
            raise type(told)(f"{told}. {_left(settings, now_there)}") from error


def _periods(lake: Lake) -> set[str]:
    """Every period that has a report, or facts that one is being made of."""
    return {*lake.reports(), *(path.stem for path in lake.table_path("facts").parent.glob("[!.]*.parquet"))}


def _left(settings: Settings, now_there: str) -> str:
    return (
        f"Reports and tables in {settings.out} are complete; {now_there}. Put it right, then: "
        f"chimera publish --out {settings.out}, or run again"
    )


def _publish(
    bucket: Bucket, out: Path, files: Sequence[Held], former: Pointer | None, keep: int, now: dt.datetime | None
) -> dict[str, Any]:
    generation = _hash(files)
    place = f"{GENERATIONS}{generation}/"
    wanted = [Held(one.path, one.sha256, one.size_bytes, place + one.path) for one in files]
    before = (former.generation, *former.former) if former else ()
    chain = [generation, *(one for one in before if one != generation)]
    told: dict[str, Any] = {"generation": generation, "pointer": bucket.key(POINTER), "objects": len(wanted)}
    if changed := former is None or former.generation != generation:
        bucket.put(OUT_MARKER, b"")
    done = _transfer(bucket, out, wanted, former, place)
    if changed:
        there = bucket.listed(place)
        for one in wanted:
            if one.key not in there or there[one.key].size != one.size_bytes:
                raise InputError(f"{one.key} is not there after it was written; it may have been deleted meanwhile")
        _point(bucket, wanted, generation, chain[1:keep], former, now)
    return told | done | _tidied(bucket, chain[:keep], chain[keep:], now)


def _transfer(bucket: Bucket, out: Path, wanted: Sequence[Held], former: Pointer | None, place: str) -> dict[str, int]:
    """Bring every object of a generation there that is not there yet, a bounded number at a time."""
    from chimera_pipeline.inventory.bucket_client import CONCURRENCY, ERRORS

    there = {key: found.size for key, found in bucket.listed(place).items()}
    known = {(one.path, one.sha256): one.key for one in former.objects} if former else {}

    def bring(one: Held) -> str:
        source = known.get((one.path, one.sha256))
        if source is not None and source != one.key:
            with contextlib.suppress(*ERRORS):  # pruned meanwhile, or a server that cannot: then it is sent
                bucket.copy(source, one.key)
                return "copied"
        bucket.upload(one.key, out / one.path, one.sha256)
        return "uploaded"

    missing = [one for one in wanted if there.get(one.key) != one.size_bytes]
    if missing:
        progress.tell(f"copying {len(missing)} files to object storage")
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        try:
            work = {pool.submit(bring, one): one for one in missing}
            ended, _ = wait(work, return_when=FIRST_EXCEPTION)
            ways = [(future.result(), work[future]) for future in ended]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    sent = [one for way, one in ways if way == "uploaded"]
    return {
        "uploaded": len(sent),
        "uploaded_bytes": sum(one.size_bytes for one in sent),
        "copied": len(ways) - len(sent),
    }


def _published(out: Path, busy: Collection[str]) -> Iterator[Held]:
    """Every published file but those of `busy` periods, by path."""
    parts = (out / "tables").glob("*/*.parquet")
    reports = (path for path in (out / "reports").rglob("*") if path.is_file() and path.name != REJECTED)
    for path in sorted([*parts, *reports]):
        relative = path.relative_to(out).as_posix()
        if any(part.startswith(".") for part in relative.split("/")) or _period_of(relative, busy):
            continue
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256")
            yield Held(relative, digest.hexdigest(), stream.tell())


def _kept(former: Pointer | None, busy: Collection[str]) -> list[Held]:
    return [one for one in former.objects if _period_of(one.path, busy)] if former and busy else []


def _period_of(path: str, periods: Iterable[str]) -> bool:
    """Whether a path under `out` belongs to one of `periods`: a file of its report, or a part of a table."""
    folder, _, rest = path.partition("/")
    part = rest.rpartition("/")[2].removesuffix(".parquet")
    if folder == "tables":
        return any(part == period or part.endswith(f"-{period}") for period in periods)
    return rest.partition("/")[0] in periods


def _hash(files: Iterable[Held]) -> str:
    digest = hashlib.sha256()
    for one in sorted(files, key=lambda one: one.path):
        digest.update(f"{one.path}\0{one.sha256}\n".encode())
    return digest.hexdigest()[:16]


def _point(
    bucket: Bucket,
    wanted: Sequence[Held],
    generation: str,
    kept: Sequence[str],
    former: Pointer | None,
    now: dt.datetime | None,
) -> None:
    """Write the pointer, where it is still the one that was read."""
    from chimera_pipeline.inventory import bucket_client

    value = {
        "schema_version": SCHEMA_VERSION,
        "chimera_pipeline": __version__,
        "generation": generation,
        "published_at": (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds"),
        "former": list(kept),
        "objects": [asdict(one) for one in sorted(wanted, key=lambda one: one.path)],
    }
    condition = {"IfMatch": former.etag} if former else {"IfNoneMatch": "*"}
    try:
        bucket.put(POINTER, to_json(value), **condition)
    except bucket_client.ERRORS as error:
        if bucket_client.code(error) in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
            said = "another output folder published there at the same time; give each its own prefix, or run again"
            raise InputError(f"{bucket.key(POINTER)} was written meanwhile: {said}") from error
        raise


def _pointer(bucket: Bucket, where: str) -> Pointer | None:
    """What is published there now. Raises UsageError where something else has that name."""
    found = bucket.get(POINTER, MOST_POINTER_BYTES)
    if found is None:
        return None
    try:
        value = json.loads(found[0])
        if value["schema_version"] != SCHEMA_VERSION or not _GENERATION.fullmatch(value["generation"]):
            raise ValueError
        held = tuple(Held(**one) for one in value["objects"])
        former = tuple(one for one in value["former"] if _GENERATION.fullmatch(one))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{where}/{POINTER} is no pointer of chimera_pipeline; give a prefix of its own") from error
    return Pointer(value["generation"], held, former, found[1])


def _tidied(bucket: Bucket, kept: Sequence[str], dropped: Sequence[str], now: dt.datetime | None) -> dict[str, Any]:
    """Lead people to the current index, delete generations that are no longer kept and what was left unfinished a day
    ago. A failure is told and not raised: the copy is there, and the next publication does it again.
    """
    from chimera_pipeline.inventory import bucket_client

    before = (now or dt.datetime.now(dt.UTC)) - ABANDONED
    try:
        bucket.put(ENTRANCE, _entrance(f"{GENERATIONS}{kept[0]}/"))
        there = bucket.listed(GENERATIONS)
        groups: dict[str, list[str]] = {}
        for key in there:
            generation = key.removeprefix(GENERATIONS).partition("/")[0]
            if _GENERATION.fullmatch(generation) and generation not in kept:
                groups.setdefault(generation, []).append(key)
        stale = {
            name: keys
            for name, keys in groups.items()
            if name in dropped or max(there[key].modified_at for key in keys) < before
        }
        bucket.delete(key for keys in stale.values() for key in keys)
        bucket.abort_uploads(GENERATIONS, before)
    except (InputError, *bucket_client.ERRORS) as error:
        return {"pruned": 0, "left_undone": bucket_client.said(error)}
    return {"pruned": len(stale), "left_undone": None}


def _entrance(place: str) -> bytes:
    """A page that leads to the current index: the one address for people."""
    target = f"{place}reports/index.html"
    return (
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={target}">'
        f'<title>chimera reports</title><a href="{target}">reports</a>\n'
    ).encode()
