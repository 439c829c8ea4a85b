"""Artifacts in object storage: `s3://bucket/prefix`, listed and read through s3fs (extra `s3`).

Credentials, region and endpoint come from the usual environment (AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL
...). An object is known by its ETag: a second run reads only those whose ETag changed. Each is fetched once, on the
condition that it is still the listed one, with a bounded number under way; what is hashed waits in a spool folder
until it is read. Answers that a retry can help are retried a bounded number of times.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from chimera_pipeline import atomic
from chimera_pipeline.errors import ArtifactError, Reason, UsageError
from chimera_pipeline.inventory.scan import OUT_MARKER, format_of
from chimera_pipeline.records import Artifact

SCHEMES = ("s3",)


@dataclass(frozen=True, slots=True)
class ObjectRoot:
    """A prefix of a bucket, without slash at its end, and the one object below it where a single one was given."""

    scheme: str
    bucket: str
    prefix: str
    only: str | None = None
    http_hosts: tuple[str, ...] = ()

    @property
    def folder(self) -> None:
        """It is no folder of this machine."""
        return

    def __str__(self) -> str:
        return f"{self.scheme}://{self._name(self.only or '')}".rstrip("/")

    def _name(self, path: str) -> str:
        return "/".join(part for part in (self.bucket, self.prefix, path) if part)

    def entries(self) -> Iterable[Artifact]:
        """Every object below the prefix; an output folder of ours is left out.

        Raises UsageError (no such bucket, nothing there) or InputError (denied, no answer).
        """
        client = bucket_client()
        files = client.client(self.http_hosts)
        try:
            found = client.sync(
                files.loop,
                files._find,
                self._name(self.only or ""),
                detail=True,
                refresh=True,
                timeout=client.LISTING_S,
            )
        except Exception as error:
            raise client.explained(str(self), error, bucket=self.bucket, doing="listed") from error
        listed = {name: info for name, info in found.items() if info.get("type") == "file" and not name.endswith("/")}
        if not listed:
            raise UsageError(f"{self}: no object there; give a bucket and a prefix that hold objects")
        base = self._name("") + "/"
        ours = {name.removesuffix(OUT_MARKER) for name in listed if name.endswith("/" + OUT_MARKER)}
        return [
            _artifact(name.removeprefix(base), info)
            for name, info in listed.items()
            if not any(name.startswith(folder) for folder in ours)
        ]

    def hashed(
        self, artifacts: Iterable[Artifact], *, max_bytes: int, spool: Path | None, max_csv_bytes: int = 0
    ) -> Iterator[Artifact]:
        """`artifacts` with their sha256, fetched a bounded number at a time and kept in `spool`."""

        def hashed(artifact: Artifact) -> Artifact:
            try:
                data, sha256 = self._fetch(artifact, max_bytes)
            except ArtifactError as refused:
                return replace(artifact, skip_reason=refused.reason, detail=refused.detail)
            if spool is not None:
                atomic.write_bytes(spool / sha256, data)
            return replace(artifact, sha256=sha256)

        wide = bucket_client().CONCURRENCY
        with ThreadPoolExecutor(wide) as pool:
            waiting: deque[Future[Artifact]] = deque()
            for artifact in artifacts:
                waiting.append(pool.submit(hashed, artifact))
                if len(waiting) >= 2 * wide:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def read(self, artifact: Artifact, *, max_bytes: int, spool: Path | None) -> tuple[bytes, str]:
        """The bytes and their sha256: from the spool, else fetched. Raises ArtifactError."""
        kept = spool / artifact.sha256 if spool is not None and artifact.sha256 else None
        if kept is not None and kept.is_file():
            data = kept.read_bytes()
            return data, hashlib.sha256(data).hexdigest()
        return self._fetch(artifact, max_bytes)

    def _fetch(self, artifact: Artifact, max_bytes: int) -> tuple[bytes, str]:
        if artifact.size_bytes > max_bytes:
            said = f"{artifact.size_bytes} bytes is over limits.max_file_bytes ({max_bytes})"
            raise ArtifactError(Reason.TOO_LARGE, said)
        client = bucket_client()
        files = client.client(self.http_hosts)
        try:
            data = _get(files, self._name(artifact.path), artifact.etag, artifact.size_bytes)
        except FileNotFoundError:
            raise ArtifactError(Reason.VANISHED, "disappeared after it was listed") from None
        except PermissionError:
            raise ArtifactError(Reason.PERMISSION_DENIED, "cannot be read: permission denied") from None
        except TimeoutError:
            raise ArtifactError(Reason.IO_ERROR, "cannot be read: it came too slowly") from None
        except Exception as error:
            if client.code(error) in ("PreconditionFailed", "412"):
                said = "changed after it was listed; read again next run"
                raise ArtifactError(Reason.STILL_WRITING, said) from None
            raise ArtifactError(Reason.IO_ERROR, f"cannot be read: {client.said(error)}") from error
        if len(data) != artifact.size_bytes:
            came = f"more than {artifact.size_bytes}" if len(data) > artifact.size_bytes else str(len(data))
            said = f"{came} bytes came of {artifact.size_bytes}; read again next run"
            raise ArtifactError(Reason.STILL_WRITING, said)
        return data, hashlib.sha256(data).hexdigest()


def open_objects(uri: str, http_hosts: Sequence[str] = ()) -> ObjectRoot:
    """The root that a URI names. Raises UsageError: scheme, no bucket, extra not installed, endpoint refused.

    `http_hosts` are the hosts beside loopback whose endpoint may be asked without TLS.
    """
    scheme, bucket, prefix = named(uri)
    hosts = tuple(http_hosts)
    root = ObjectRoot(scheme, bucket, prefix, http_hosts=hosts)
    folder, _, name = prefix.rpartition("/")
    # only a name with a suffix can be meant as one object: asking costs a request
    if "." in name and not uri.endswith("/") and _is_object(root):
        return ObjectRoot(scheme, bucket, folder, name, hosts)
    return root


def named(uri: str) -> tuple[str, str, str]:
    """(scheme, bucket, prefix without slash at its ends) of a URI. Raises UsageError."""
    scheme, _, rest = uri.partition("://")
    if scheme not in SCHEMES:
        raise UsageError(f"{scheme}:// is not supported; give a folder, a file or s3://bucket/prefix")
    bucket, _, prefix = rest.strip("/").partition("/")
    if not bucket:
        raise UsageError(f"{uri}: names no bucket; give s3://bucket/prefix")
    return scheme, bucket, prefix


def bucket_client() -> ModuleType:
    """The module `bucket_client`, imported where it is used. Raises UsageError where the extra is missing."""
    try:
        from chimera_pipeline.inventory import bucket_client
    except ImportError as error:
        raise UsageError("s3:// needs the extra s3: pip install 'chimera_pipeline[s3]'") from error
    return bucket_client


def _is_object(root: ObjectRoot) -> bool:
    files = bucket_client().client(root.http_hosts)
    try:
        return bool(files.info(f"{root.bucket}/{root.prefix}", refresh=True)["type"] == "file")
    except Exception:  # listing it says what is wrong
        return False


def _get(files: Any, name: str, etag: str | None, size: int) -> bytes:
    """The object `bucket/key`, where it still has `etag`; cut after the first block that goes beyond `size`."""
    bucket, _, key = name.partition("/")

    async def get() -> bytes:
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        answer = await files._call_s3("get_object", Bucket=bucket, Key=key, **condition)
        data = bytearray()
        async with answer["Body"] as body:
            while len(data) <= size and (block := await body.read(1 << 20)):
                data += block
        return bytes(data)

    found: bytes = bucket_client().within(files, get(), size)
    return found


def _artifact(path: str, info: dict[str, Any]) -> Artifact:
    modified = info.get("LastModified")
    return Artifact(
        path,
        int(info.get("size") or 0),
        int(modified.timestamp()) * 10**9 if modified else 0,
        None,
        format_of(path),
        etag=str(info.get("ETag") or "").strip('"') or None,
    )
