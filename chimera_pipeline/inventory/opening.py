"""The only place that opens an artifact: regular files under the root, bounded, unchanged while read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.inventory.names import raw_name

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def read_artifact(folder: Path, path: str, *, max_bytes: int) -> tuple[bytes, str]:
    """The bytes of `path` (as `scan` shows it) under `folder`, and their sha256.

    Raises ArtifactError: symlink, not_regular, permission_denied, vanished, too_large, still_writing, io_error.
    """
    try:
        descriptor = _open(folder, path)
        try:
            return _read(descriptor, folder, max_bytes)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _refusal(error) from error


@contextlib.contextmanager
def opened(folder: Path, path: str, *, max_bytes: int) -> Iterator[int]:
    """A descriptor of a file that is too large to hold. Raises ArtifactError, still_writing where it changed inside."""
    try:
        descriptor = _open(folder, path)
        try:
            before = _checked(descriptor, folder, max_bytes)
            yield descriptor
            _refuse_change(before, os.fstat(descriptor))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _refusal(error) from error


def hash_artifact(folder: Path, path: str, *, max_bytes: int) -> str:
    """The sha256 of a file that is too large to hold. Raises ArtifactError as `read_artifact`."""
    with opened(folder, path, max_bytes=max_bytes) as descriptor, os.fdopen(os.dup(descriptor), "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _open(folder: Path, path: str) -> int:
    return os.open(os.path.join(os.fsencode(folder), raw_name(path)), _FLAGS)


def _checked(descriptor: int, folder: Path, max_bytes: int) -> os.stat_result:
    """What the file is: regular, below the folder, within the limit. Raises ArtifactError."""
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        raise ArtifactError(Reason.NOT_REGULAR, "not a regular file")
    if (real := _real_path(descriptor)) is not None and not real.startswith(f"{folder}{os.sep}"):
        raise ArtifactError(Reason.SYMLINK, "leads outside the root: not read")
    if before.st_size > max_bytes:
        raise ArtifactError(Reason.TOO_LARGE, f"{before.st_size} bytes is over limits.max_file_bytes ({max_bytes})")
    return before


def _real_path(descriptor: int) -> str | None:
    """Where the open file lies, no link on the way; None where the system does not say."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None


def _read(descriptor: int, folder: Path, max_bytes: int) -> tuple[bytes, str]:
    before = _checked(descriptor, folder, max_bytes)
    parts, left = [], before.st_size + 1  # one more than there was: what is written meanwhile shows
    while left > 0 and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    data = b"".join(parts)
    _refuse_change(before, os.fstat(descriptor), len(data))
    return data, hashlib.sha256(data).hexdigest()


def _refuse_change(before: os.stat_result, after: os.stat_result, size: int | None = None) -> None:
    if (size is not None and size != before.st_size) or (after.st_size, after.st_mtime_ns) != (
        before.st_size,
        before.st_mtime_ns,
    ):
        raise ArtifactError(
            Reason.STILL_WRITING,
            f"still being written ({before.st_size} to {after.st_size} bytes while read); read again next run",
        )


def _refusal(error: OSError) -> ArtifactError:
    if isinstance(error, FileNotFoundError):
        return ArtifactError(Reason.VANISHED, "disappeared after it was listed")
    if isinstance(error, PermissionError):
        return ArtifactError(Reason.PERMISSION_DENIED, "cannot be read: permission denied")
    if error.errno in {40, 62}:  # ELOOP on Linux and macOS: O_NOFOLLOW met a link
        return ArtifactError(Reason.SYMLINK, "symbolic link: not followed")
    return ArtifactError(Reason.IO_ERROR, f"cannot be read: {error.strerror}")
