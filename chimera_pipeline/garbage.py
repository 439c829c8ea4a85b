"""How often Python looks for garbage among objects that refer to each other. Standard library only: asked first."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

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
