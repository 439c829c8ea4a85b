"""Fails the N-th operation on a file that the pipeline makes: open, read, write, fsync, rename, listing."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from chimera_pipeline import atomic

ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EMFILE)


class Fault:
    """Counts operations and fails number `n`; `what` is the one that failed, None where there were fewer."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.count = 0
        self.what: str | None = None

    def hit(self, what: str) -> None:
        self.count += 1
        if self.count == self.n:
            self.what = what
            code = ERRORS[self.n % len(ERRORS)]
            raise OSError(code, os.strerror(code))


class _Writer(io.BufferedWriter):
    """A file whose first write and whose flush count: Parquet is written in hundreds of small pieces."""

    def __init__(self, descriptor: int, fault: Fault) -> None:
        super().__init__(io.FileIO(descriptor, "wb"))
        self._fault = fault
        self._written = False

    def write(self, data: Any) -> int:
        if not self._written:
            self._written = True
            self._fault.hit("write")
        return super().write(data)

    def flush(self) -> None:
        if not self.closed:
            self._fault.hit("flush")
        super().flush()


class _Reader(io.BufferedReader):
    def __init__(self, descriptor: int, fault: Fault) -> None:
        super().__init__(io.FileIO(descriptor, "rb"))
        self._fault = fault

    def read(self, size: int | None = -1) -> bytes:
        self._fault.hit("read")
        return super().read(size)


@contextlib.contextmanager
def failing(n: int) -> Iterator[Fault]:
    """Within the block the `n`-th operation raises OSError."""
    fault = Fault(n)

    def counted(name: str) -> Any:
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            fault.hit(name)
            return real(*arguments, **named)

        return call

    def fdopen(descriptor: int, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        return _Writer(descriptor, fault) if "w" in mode else _Reader(descriptor, fault)

    real_exchange = atomic.exchange

    def exchange(*folders: Path) -> None:
        fault.hit("exchange")
        real_exchange(*folders)

    names = (
        *("open", "read", "fsync", "replace", "rename", "scandir", "mkdir", "fchmod", "fstat", "link", "unlink"),
        "listdir",
    )
    with contextlib.ExitStack() as stack:
        patched = {name: counted(name) for name in names} | {"fdopen": fdopen}
        stack.enter_context(mock.patch.object(atomic, "exchange", exchange))
        for name, call in patched.items():
            stack.enter_context(mock.patch.object(os, name, call))
        yield fault
