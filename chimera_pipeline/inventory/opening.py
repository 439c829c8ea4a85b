"""The only place that opens an artifact: regular files under the root, bounded, unchanged while read."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.inventory.scan import raw_name

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


def _open(folder: Path, path: str) -> int:
    return os.open(os.path.join(os.fsencode(folder), raw_name(path)), _FLAGS)


def _read(descriptor: int, folder: Path, max_bytes: int) -> tuple[bytes, str]:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        raise ArtifactError(Reason.NOT_REGULAR, "not a regular file")
    real = os.path.realpath(f"/proc/self/fd/{descriptor}")
    if os.path.exists("/proc/self/fd") and not real.startswith(f"{folder}{os.sep}"):
        raise ArtifactError(Reason.SYMLINK, "leads outside the root: not read")
    if before.st_size > max_bytes:
        raise ArtifactError(Reason.TOO_LARGE, f"{before.st_size} bytes is over limits.max_file_bytes ({max_bytes})")
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        data = stream.read(max_bytes + 1)
    after = os.fstat(descriptor)
    if len(data) != before.st_size or (after.st_size, after.st_mtime_ns) != (
        before.st_size,
        before.st_mtime_ns,
    ):
        raise ArtifactError(
            Reason.STILL_WRITING,
            f"still being written ({before.st_size} to {after.st_size} bytes while read); read again next run",
        )
    return data, hashlib.sha256(data).hexdigest()


def _refusal(error: OSError) -> ArtifactError:
    if isinstance(error, FileNotFoundError):
        return ArtifactError(Reason.VANISHED, "disappeared after it was listed")
    if isinstance(error, PermissionError):
        return ArtifactError(Reason.PERMISSION_DENIED, "cannot be read: permission denied")
    if error.errno in {40, 62}:  # ELOOP on Linux and macOS: O_NOFOLLOW met a link
        return ArtifactError(Reason.SYMLINK, "symbolic link: not followed")
    return ArtifactError(Reason.IO_ERROR, f"cannot be read: {error.strerror}")
