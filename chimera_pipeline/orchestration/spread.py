"""Work on chunks, spread over processes: the seam at which reading leaves the main process.

A `Spread` maps a function over chunks and gives results in order, a bounded number at a time, so that memory follows
the chunk and not the corpus. `InProcess` and `Processes` are its implementations on one machine, `ray_tasks.RayTasks`
that on many. Function, chunks and results can be pickled.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from chimera_pipeline.errors import InputError
from chimera_pipeline.settings import Settings

if TYPE_CHECKING:
    from concurrent.futures import Future
    from multiprocessing.context import BaseContext

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")
WORK = "chimera_pipeline.orchestration.reading"
PAYS_FROM = 3000
"""Fewer new files are read about as soon by one process (docs/adr/0083-processes-that-start-cheaply.md has figures)."""


class Spread(Protocol):
    """How chunks are worked on."""

    def map(self, work: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        """`work` of each chunk, in order."""


@dataclass(frozen=True, slots=True)
class InProcess:
    """One chunk after the other, here."""

    def map(self, work: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        """`work` of each chunk, in order."""
        return map(work, chunks)


@dataclass(frozen=True, slots=True)
class Processes:
    """`workers` processes of this machine; two chunks each under way."""

    workers: int

    def map(self, work: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        """`work` of each chunk, in order. Raises InputError where a process is killed."""
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        context = _starting_cheaply()
        with ProcessPoolExecutor(self.workers, mp_context=context, initializer=_end_with_parent) as pool:
            waiting: deque[Future[Result]] = deque()
            try:
                for chunk in chunks:
                    waiting.append(pool.submit(work, chunk))
                    if len(waiting) >= 2 * self.workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            except BrokenProcessPool as error:
                message = "a process that reads artifacts ended (out of memory?); set workers = 1 and run again"
                raise InputError(message) from error
            finally:
                for future in waiting:
                    future.cancel()


def _end_with_parent() -> None:
    """A worker of a pool waits for work for ever where the process that gives it is killed: it ends with that one."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _starting_cheaply() -> BaseContext:
    """Processes forked from one that has imported what reading needs, and has no thread that a fork would break."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([WORK])
    return context


def chosen(settings: Settings, files: int) -> Spread:
    """The spread for so many new files. Raises UsageError where the engine is not installed or has no address."""
    if files < PAYS_FROM or settings.workers == 1:
        return InProcess()
    if settings.engine == "ray":
        from chimera_pipeline.orchestration.ray_tasks import RayTasks

        return RayTasks(settings.workers)
    wanted = settings.workers or len(os.sched_getaffinity(0))
    return Processes(wanted) if wanted > 1 else InProcess()
