"""Artifacts in object storage: `s3://bucket/prefix`, listed and read through s3fs (extra `s3`).

Credentials, region and endpoint come from the usual environment (AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL
...). An object is known by its ETag: a second run reads only those whose ETag changed. Each is fetched once, on the
condition that it is still the listed one, with a bounded number under way; what is hashed waits in a spool folder
until it is read. Answers that a retry can help are retried a bounded number of times.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from chimera_pipeline import atomic
from chimera_pipeline.errors import ArtifactError, InputError, Reason, UsageError
from chimera_pipeline.inventory.scan import OUT_MARKER, format_of
from chimera_pipeline.records import Artifact

SCHEMES = ("s3",)
CONCURRENCY = 16
"""Objects under way at a time."""
ATTEMPTS = 4
"""Of one request, the first included, where AWS_MAX_ATTEMPTS does not say otherwise; the pause between doubles."""


@dataclass(frozen=True, slots=True)
class ObjectRoot:
    """A prefix of a bucket, without slash at its end, and the one object below it where a single one was given."""

    scheme: str
    bucket: str
    prefix: str
    only: str | None = None

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
        try:
            found = _files(self.scheme).find(self._name(self.only or ""), detail=True, refresh=True)
        except Exception as error:
            raise _refusal(self, error) from error
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
        """`artifacts` with their sha256, fetched `CONCURRENCY` at a time and kept in `spool`."""

        def hashed(artifact: Artifact) -> Artifact:
            try:
                data, sha256 = self._fetch(artifact, max_bytes)
            except ArtifactError as refused:
                return replace(artifact, skip_reason=refused.reason, detail=refused.detail)
            if spool is not None:
                atomic.write_bytes(spool / sha256, data)
            return replace(artifact, sha256=sha256)

        with ThreadPoolExecutor(CONCURRENCY) as pool:
            waiting: deque[Future[Artifact]] = deque()
            for artifact in artifacts:
                waiting.append(pool.submit(hashed, artifact))
                if len(waiting) >= 2 * CONCURRENCY:
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
        files = _files(self.scheme)
        try:
            data = _get(files, self._name(artifact.path), artifact.etag)
        except FileNotFoundError:
            raise ArtifactError(Reason.VANISHED, "disappeared after it was listed") from None
        except PermissionError:
            raise ArtifactError(Reason.PERMISSION_DENIED, "cannot be read: permission denied") from None
        except Exception as error:
            if _code(error) in ("PreconditionFailed", "412"):
                said = "changed after it was listed; read again next run"
                raise ArtifactError(Reason.STILL_WRITING, said) from None
            raise ArtifactError(Reason.IO_ERROR, f"cannot be read: {_said(error)}") from error
        if len(data) != artifact.size_bytes:
            said = f"{len(data)} bytes came of {artifact.size_bytes}; read again next run"
            raise ArtifactError(Reason.STILL_WRITING, said)
        return data, hashlib.sha256(data).hexdigest()


def open_objects(uri: str) -> ObjectRoot:
    """The root that a URI names. Raises UsageError: scheme, no bucket, extra not installed."""
    scheme, _, rest = uri.partition("://")
    if scheme not in SCHEMES:
        raise UsageError(f"{scheme}:// is not supported; give a folder, a file or s3://bucket/prefix")
    bucket, _, prefix = rest.strip("/").partition("/")
    if not bucket:
        raise UsageError(f"{uri}: names no bucket; give s3://bucket/prefix")
    root = ObjectRoot(scheme, bucket, prefix)
    folder, _, name = prefix.rpartition("/")
    # only a name with a suffix can be meant as one object: asking costs a request
    if "." in name and not rest.endswith("/") and _is_object(root):
        return ObjectRoot(scheme, bucket, folder, name)
    return root


def _is_object(root: ObjectRoot) -> bool:
    try:
        return bool(_files(root.scheme).info(f"{root.bucket}/{root.prefix}", refresh=True)["type"] == "file")
    except Exception:  # listing it says what is wrong
        return False


@lru_cache(maxsize=4)
def _files(scheme: str) -> Any:
    """The file system of a scheme, with bounded retries. One a process: it keeps its connections."""
    try:
        import fsspec
        import s3fs  # noqa: F401
    except ImportError as error:
        raise UsageError(f"{scheme}:// needs the extra s3: pip install 'chimera_pipeline[s3]'") from error
    files = fsspec.filesystem(
        scheme,
        skip_instance_cache=True,
        use_listings_cache=False,
        config_kwargs={
            "retries": {"max_attempts": int(os.environ.get("AWS_MAX_ATTEMPTS") or ATTEMPTS), "mode": "standard"},
            "connect_timeout": 10,
            "read_timeout": 60,
            "max_pool_connections": CONCURRENCY,
        },
    )
    files.retries = 1  # botocore retries already; the two would multiply
    return files


def _get(files: Any, name: str, etag: str | None) -> bytes:
    """The object `bucket/key`, where it still has `etag`."""
    from fsspec.asyn import sync

    bucket, _, key = name.partition("/")

    async def get() -> bytes:
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        answer = await files._call_s3("get_object", Bucket=bucket, Key=key, **condition)
        async with answer["Body"] as body:
            data: bytes = await body.read()
            return data

    found: bytes = sync(files.loop, get)
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


def _code(error: BaseException) -> str:
    """The error code of the service, from the error or what it came from."""
    for one in (error, error.__cause__, error.__context__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""


def _said(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _refusal(root: ObjectRoot, error: Exception) -> Exception:
    code = _code(error)
    if isinstance(error, FileNotFoundError) or code in ("NoSuchBucket", "404"):
        return UsageError(f"{root}: no such bucket ({root.bucket})")
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"):
        return UsageError(f"{root}: no credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    where = f" at {os.environ['AWS_ENDPOINT_URL']}" if os.environ.get("AWS_ENDPOINT_URL") else ""
    return InputError(f"{root}{where}: cannot be listed: {_said(error)}")
