"""When Python looks for garbage among objects that refer to each other: seldom in a run, not among rows by the thousand
that all stay, and always between chunks. Standard library only: asked first.

Frames leave cycles behind (pandas and pandera hold each other), so that a chunk is not gone when nothing names it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_YOUNG = 1
_SELDOM = (100_000, 100, 100)
"""Objects between two looks among the young, and looks between those at older generations."""


@contextlib.contextmanager
def looked_for_seldom() -> Iterator[None]:
    """A run makes millions of objects that live until their stage ends, and its imports make modules that live on:
    looking through all of them again and again took a fifth of its time. The young are still looked through.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Rows by the thousand that all stay alive: looking for garbage among them takes as long as the work."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def each(chunks: Iterable[T]) -> Iterator[T]:
    """Chunks, the memory of each of which is free again before the next is made.

    Nothing is collected meanwhile: what has grown old is looked at no more, and a frame that grew old would stay.
    """
    with without_collecting():
        for chunk in chunks:
            yield chunk
            del chunk
            gc.collect(_YOUNG)


def give_back() -> None:
    """Return to the system what the stage before has left: cycles of its frames, and pages that the allocators of Arrow
    and C keep for later. Between stages of a large run that is half of what the process holds.
    """
    gc.collect()
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)
