"""What a run is doing now, for somebody who watches: stages say it, `chimera run` on a terminal shows it.

Nobody listens in a process of Dagster's, and telling costs nothing there.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar

Listener = Callable[[str], None]
_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


def tell(what: str) -> None:
    """Say what begins, or how far it is."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(what)


@contextlib.contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Within this block `listener` gets what stages tell."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextlib.contextmanager
def on_terminal() -> Iterator[None]:
    """A line on stderr that says what goes on, gone when the block ends; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    # Dagster redirects descriptor 2 while a step runs; a copy of it still leads to the terminal.
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") as terminal:
        spinner = Spinner("dots", "starting")

        def show(what: str) -> None:
            spinner.update(text=what)
            line.refresh()

        with Live(spinner, console=Console(file=terminal), transient=True) as line, heard_by(show):
            yield
