"""Publication: a file appears whole or not at all.

Temporary file in the same folder, flush, fsync, rename, fsync of the folder. Temporaries begin with a dot,
so that readers of a folder of Parquet parts do not see them, and stale ones are swept by age.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from chimera_pipeline.errors import InputError

PREFIX = ".chimera-tmp-"


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
    _sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Publish `data` as `path`."""
    with publish(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Publish `text` as `path` in UTF-8 with the newlines it has."""
    write_bytes(path, text.encode("utf-8"))


def sweep(folder: Path, *, now: float | None = None, older_than_s: float = 3600.0) -> int:
    """Remove temporaries under `folder` that a killed writer left behind; returns how many."""
    now = time.time() if now is None else now
    removed = 0
    for here, _, names in os.walk(folder):  # what cannot be listed is left out
        for name in names:
            stale = Path(here, name)
            with contextlib.suppress(OSError):
                if name.startswith(PREFIX) and now - stale.stat().st_mtime > older_than_s:
                    stale.unlink()
                    removed += 1
    return removed


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
