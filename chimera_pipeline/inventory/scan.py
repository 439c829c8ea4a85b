"""Lists every entry under the root: names, sizes and times only; nothing is opened.

Symbolic links are not followed, special files are named, our own output folder is left out. A root is a folder or a
prefix in object storage (`objects`); both list, hash and read their artifacts behind one protocol.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from chimera_pipeline import wording
from chimera_pipeline.errors import ArtifactError, InputError, Reason, UsageError
from chimera_pipeline.inventory.names import display
from chimera_pipeline.inventory.opening import hash_artifact, read_artifact
from chimera_pipeline.records import Artifact, Format

OUT_MARKER = ".chimera-out"
# A file may claim a time that neither the store nor a table can hold: 1678 and 2262, as pandas has them.
_EARLIEST_NS, _LATEST_NS = -9_214_560_000_000_000_000, 9_214_646_400_000_000_000

_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".yaml": Format.YAML,
    ".yml": Format.YAML,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".txt": Format.TEXT,
    ".log": Format.TEXT,
}


class Root(Protocol):
    """Where artifacts are. `folder` is None where that is no folder of this machine."""

    @property
    def folder(self) -> Path | None:
        """The folder on this machine."""

    def entries(self) -> Iterable[Artifact]:
        """Every entry, in any order, nothing opened. Raises InputError or UsageError where it cannot be listed."""

    def hashed(
        self, artifacts: Iterable[Artifact], *, max_bytes: int, spool: Path | None, max_csv_bytes: int = 0
    ) -> Iterator[Artifact]:
        """`artifacts` in the same order with their sha256, or with the reason why they cannot be read.

        A csv in a folder may be as large as `max_csv_bytes`. What had to be fetched may be kept in the folder `spool`
        by its hash, for `read`.
        """

    def read(self, artifact: Artifact, *, max_bytes: int, spool: Path | None) -> tuple[bytes, str]:
        """The bytes of an artifact and their sha256. Raises ArtifactError."""


@dataclass(frozen=True, slots=True)
class FolderRoot:
    """A checked root: the folder, and the one file in it where a single file was given."""

    folder: Path
    only: str | None = None

    def entries(self) -> Iterable[Artifact]:
        """Every entry; an unreadable folder inside becomes one skipped row."""
        if self.only is not None:
            return [_artifact(display(self.only), (self.folder / self.only).lstat())]
        return _walk(self.folder, "")

    def hashed(
        self, artifacts: Iterable[Artifact], *, max_bytes: int, spool: Path | None, max_csv_bytes: int = 0
    ) -> Iterator[Artifact]:
        """`artifacts` with their sha256."""
        for artifact in artifacts:
            try:
                if is_large(artifact, max_bytes) and artifact.size_bytes <= max_csv_bytes:
                    sha256 = hash_artifact(self.folder, artifact.path, max_bytes=max_csv_bytes)
                else:
                    _, sha256 = self.read(artifact, max_bytes=max_bytes, spool=spool)
                yield replace(artifact, sha256=sha256)
            except ArtifactError as refused:
                yield replace(artifact, skip_reason=refused.reason, detail=refused.detail)

    def read(self, artifact: Artifact, *, max_bytes: int, spool: Path | None) -> tuple[bytes, str]:
        """The bytes and their sha256."""
        return read_artifact(self.folder, artifact.path, max_bytes=max_bytes)


def is_large(artifact: Artifact, max_bytes: int) -> bool:
    """Whether it is a csv that is summed up instead of held."""
    return artifact.format is Format.CSV and artifact.size_bytes > max_bytes


def open_root(artifacts: str, http_hosts: Sequence[str] = ()) -> Root:
    """The root that `artifacts` names. Raises UsageError (missing, scheme, endpoint) or InputError (unreadable).

    `http_hosts` are the hosts beside loopback whose bucket endpoint may be asked without TLS.
    """
    if "://" in artifacts:
        from chimera_pipeline.inventory.objects import open_objects

        return open_objects(artifacts, http_hosts)
    path = Path(artifacts)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UsageError(f"{artifacts}: no such folder or file{_near(path)}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{artifacts}: {getattr(error, 'strerror', None) or error}") from error
    if stat.S_ISREG(mode):
        return FolderRoot(path.parent.resolve(), path.name)
    if not stat.S_ISDIR(mode):
        raise UsageError(f"{artifacts}: neither a folder nor a regular file")
    folder = path.resolve()
    try:
        with os.scandir(folder):
            return FolderRoot(folder)
    except OSError as error:
        raise InputError(f"{artifacts}: cannot be read: {error.strerror}") from error


def _near(path: Path) -> str:
    """What stands beside a path that is not there and is nearly called the same."""
    try:
        return wording.did_you_mean(path.name, os.listdir(path.parent))
    except OSError:
        return ""


def format_of(path: str) -> Format:
    """The format that the suffix promises; `other` for an unknown one."""
    return _SUFFIXES.get(os.path.splitext(path)[1].lower(), Format.OTHER)


def scan(root: Root) -> list[Artifact]:
    """Every entry under `root`, sorted by path."""
    return sorted(root.entries(), key=lambda artifact: artifact.path)


def _walk(folder: Path, prefix: str) -> Iterator[Artifact]:
    pending = [(os.fspath(folder), prefix)]
    while pending:
        here, shown = pending.pop()
        try:
            entries = list(os.scandir(here))
        except OSError as error:
            reason = Reason.PERMISSION_DENIED if isinstance(error, PermissionError) else Reason.IO_ERROR
            yield Artifact(
                shown.rstrip("/") or ".",
                0,
                0,
                skip_reason=reason,
                detail=f"folder: {error.strerror}",
            )
            continue
        if shown != prefix and any(entry.name == OUT_MARKER for entry in entries):
            continue  # our own output; in the root itself the marker would hide everything
        for entry in entries:
            path = shown + display(entry.name)
            try:
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, path + "/"))
                else:
                    yield _artifact(path, entry.stat(follow_symlinks=False))
            except OSError as error:
                yield Artifact(path, 0, 0, skip_reason=Reason.VANISHED, detail=str(error.strerror))


def _artifact(path: str, found: os.stat_result) -> Artifact:
    reason = detail = None
    if stat.S_ISLNK(found.st_mode):
        reason, detail = Reason.SYMLINK, "symbolic link: not followed"
    elif not stat.S_ISREG(found.st_mode):
        reason, detail = Reason.NOT_REGULAR, f"not a regular file ({_kind(found.st_mode)})"
    mtime_ns = min(max(found.st_mtime_ns, _EARLIEST_NS), _LATEST_NS)
    return Artifact(path, found.st_size, mtime_ns, None, format_of(path), reason, detail)


def _kind(mode: int) -> str:
    for test, word in (
        (stat.S_ISFIFO, "fifo"),
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISBLK, "block device"),
        (stat.S_ISCHR, "character device"),
    ):
        if test(mode):
            return word
    return "special file"
