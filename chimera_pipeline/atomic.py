"""Publication: a file appears whole or not at all, and so does a set of files that belong together.

A file: temporary in the same folder, flush, fsync, rename, fsync of the folder. A set: built aside, then the folder is
exchanged for it at once where the file system can do that; elsewhere the set is put into the folder as `STAGED`, which
decides it, and its files are moved from there one by one: `finish` moves what a killed writer did not.
Temporaries begin with a dot, so that readers of a folder do not see them, and stale ones are swept by age.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from chimera_pipeline.errors import InputError

PREFIX = ".chimera-tmp-"
STAGED = ".chimera-next"
"""Folder of files that are decided and not yet all moved; complete from the moment at which it has this name."""
_LEAVING = ".leaving"
"""In it: a JSON list of the names that go."""
_AT_CWD, _EXCHANGE = -100, 2
Data = bytes | Iterable[bytes]
"""What a file will hold, whole or in parts that are made as they are written."""


@contextlib.contextmanager
def publish(path: Path) -> Iterator[BinaryIO]:
    """Yield a binary file that becomes `path` when the block ends without error, and vanishes otherwise.

    Raises InputError naming the path when the folder or the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=PREFIX, dir=path.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), 0o644)
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Publish `data` as `path`."""
    with publish(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Publish `text` as `path` in UTF-8 with the newlines it has."""
    write_bytes(path, text.encode("utf-8"))


def listed(folder: Path, pattern: str) -> list[Path]:
    """What in `folder` matches `pattern`, sorted; temporaries and what else begins with a dot are left out.

    Raises InputError where there is a folder that cannot be listed.
    """
    try:
        return sorted(path for path in folder.glob(pattern) if not path.relative_to(folder).parts[0].startswith("."))
    except OSError as error:
        raise InputError(f"cannot list {folder}: {error.strerror or error}") from error


def refuse_links(*paths: Path) -> None:
    """Raises InputError where one of `paths`, folders and files of the output folder, is a link.

    It was not put there by this program, and leads what is written to a place that nobody named.
    """
    for path in paths:
        if path.is_symlink():
            raise InputError(
                f"cannot write {path}: it is a link, and nothing is written through links inside an output folder; "
                "remove it, or give --out a folder of its own"
            )


def replace_folder(folder: Path, files: Mapping[str, Data], *, without: Collection[str] = ()) -> None:
    """Publish `files` as `folder`, all at once: whoever opens a path sees the old ones or the new ones, never some of
    each. Other entries of the folder stay, but those named in `without`, which go.

    Raises InputError naming the folder; then the old files are there, or (no exchange, and the disk fails while files
    are moved) the next `finish` moves the rest.
    """
    with _said(folder), _staged(folder.parent, files) as stage:
        if not folder.exists():
            stage.rename(folder)
        elif not _exchanged(stage, folder, {*files, *without}):
            _decide(stage, folder, without)
        sync_folder(folder.parent)


def replace_files(folder: Path, files: Mapping[str, Data]) -> None:
    """Publish `files` in a folder that holds much else: moved one after the other, and finished after a kill."""
    with _said(folder), _staged(folder, files) as stage:
        _decide(stage, folder, ())


def unfinished(folder: Path) -> bool:
    """Whether files of `folder` are decided and not all moved."""
    return (folder / STAGED).is_dir()


def finish(folder: Path) -> None:
    """Move what a killed writer had decided to publish in `folder`. Who calls it holds the folder's lock."""
    stage = folder / STAGED
    if stage.is_symlink() or not stage.is_dir():
        return
    with _said(folder):
        leaving = json.loads((stage / _LEAVING).read_bytes())
        for name in sorted(os.listdir(stage)):
            if name != _LEAVING:
                (stage / name).replace(folder / name)
        for name in leaving:
            (folder / Path(name).name).unlink(missing_ok=True)
        sync_folder(folder)
        # renamed first: half a removed folder must not be taken for a decided one
        rest = folder / f"{PREFIX}{secrets.token_hex(8)}"
        stage.rename(rest)
        shutil.rmtree(rest, ignore_errors=True)


@contextlib.contextmanager
def _said(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from error


@contextlib.contextmanager
def _staged(parent: Path, files: Mapping[str, Data]) -> Iterator[Path]:
    """A folder aside that holds `files`, on the disk; whatever has its name at the end is removed."""
    parent.mkdir(parents=True, exist_ok=True)
    stage = parent / f"{PREFIX}{secrets.token_hex(8)}"
    stage.mkdir()
    try:
        for name, data in files.items():
            _write(stage / name, data)
        sync_folder(stage)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _write(path: Path, data: Data) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644), "wb") as stream:
        stream.writelines([data] if isinstance(data, bytes) else data)
        stream.flush()
        os.fchmod(stream.fileno(), 0o644)
        os.fsync(stream.fileno())


def _exchanged(stage: Path, folder: Path, replaced: Collection[str]) -> bool:
    """Give `stage` the other entries of `folder` and exchange the two; False where that cannot be done."""
    carried: list[str] = []
    try:
        stage.chmod(stat.S_IMODE(folder.stat().st_mode))
        for name in os.listdir(folder):
            if name not in replaced and name != STAGED and not name.startswith(PREFIX):
                carried.append(name)
                _link(folder / name, stage / name)
        sync_folder(stage)
        exchange(stage, folder)
    except OSError:
        for name in carried:
            _remove(stage / name)
        return False
    return True


def exchange(one: Path, other: Path) -> None:
    """Exchange the names of two folders at once (Linux, renameat2). Raises OSError where that cannot be done."""
    import ctypes

    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        raise OSError("this system has no renameat2")
    if call(_AT_CWD, os.fsencode(one), _AT_CWD, os.fsencode(other), _EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _decide(stage: Path, folder: Path, without: Collection[str]) -> None:
    """From the rename on, the set is published, and only the moving of its files is left."""
    finish(folder)
    _write(stage / _LEAVING, json.dumps(sorted(without)).encode())
    sync_folder(stage)
    stage.rename(folder / STAGED)
    sync_folder(folder)
    finish(folder)


def _link(entry: Path, target: Path) -> None:
    """`entry` under a second name: the same file, and a folder with the same files."""
    if entry.is_symlink():
        target.symlink_to(entry.readlink())
    elif entry.is_dir():
        shutil.copytree(entry, target, symlinks=True, copy_function=_link_file)
    else:
        _link_file(entry, target)


def _link_file(entry: str | Path, target: str | Path) -> None:
    try:
        os.link(entry, target)
    except OSError:
        shutil.copy2(entry, target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sweep(folder: Path, *, now: float | None = None, older_than_s: float = 3600.0) -> int:
    """Remove temporaries under `folder` that a killed writer left behind; returns how many."""
    now = time.time() if now is None else now
    removed = 0
    for here, folders, names in os.walk(folder):  # what cannot be listed is left out
        for name in [*names, *folders]:
            stale = Path(here, name)
            with contextlib.suppress(OSError):
                if name.startswith(PREFIX) and now - stale.lstat().st_mtime > older_than_s:
                    _remove(stale)
                    removed += 1
        folders[:] = [name for name in folders if not name.startswith(PREFIX)]
    return removed


def sync_folder(folder: Path) -> None:
    """Put what names a folder has on the disk, where the system lets one ask for that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
