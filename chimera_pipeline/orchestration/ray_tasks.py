"""Chunks worked on by the tasks of a Ray cluster: the `Spread` of many machines (extra `ray`).

A chunk whose process or node is lost is worked on again elsewhere, by Ray. Every node sees artifacts and output folder
at the same path, or the artifacts are objects. Ray moves chunks and results pickled, between its own nodes only.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chimera_pipeline.errors import ChimeraError, InputError, UsageError
from chimera_pipeline.orchestration.spread import Chunk, Result

ADDRESS = "RAY_ADDRESS"
LOST_AT_MOST = 3
"""How often a chunk may be lost with its process or node."""
STARTS = 3
PAUSE_S = 5.0
"""A head starts a server for each client over ray://; where that does not come up in time, it is asked again."""


@dataclass(frozen=True, slots=True)
class RayTasks:
    """At most `workers` chunks under way; 0 is two for each CPU of the cluster."""

    workers: int = 0

    def map(self, work: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        """`work` of each chunk, in order.

        Raises UsageError (no address, extra missing) and InputError (no cluster there, a node that cannot read).
        """
        with _cluster() as ray:
            cpus = int(ray.cluster_resources().get("CPU", 0))
            if cpus < 1:
                raise InputError(f"{ADDRESS}={os.environ[ADDRESS]}: the cluster has no CPU for tasks; add a node")
            task = ray.remote(num_cpus=1, max_retries=LOST_AT_MOST)(work)
            wide = self.workers or 2 * cpus
            waiting: deque[Any] = deque()
            for chunk in chunks:
                waiting.append(task.remote(chunk))
                if len(waiting) >= wide:
                    yield _result(ray, waiting.popleft())
            while waiting:
                yield _result(ray, waiting.popleft())


def missing(error: ImportError) -> str:
    """What to say where an import of the extra `ray` fails."""
    return f'engine = "ray" needs the extra ray: pip install "chimera_pipeline[ray]" ({error})'


def check_for_steps() -> None:
    """Raises UsageError where the address is one of Ray's client: steps are jobs, which it does not submit reliably."""
    address = os.environ.get(ADDRESS, "")
    if address.startswith("ray://"):
        said = "serves chimera run alone; for jobs give HOST:6379, or http://HOST:8265 from outside the cluster"
        raise UsageError(f"{ADDRESS}={address} {said}")


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ChimeraError):
            message = f"a node of the cluster: {error.cause}; every node needs artifacts and out at the same path"
            raise InputError(message) from error
        raise
    except ray.exceptions.RayError as error:
        message = f"the cluster lost a chunk {LOST_AT_MOST + 1} times: {_first_line(error)}; see the logs of its nodes"
        raise InputError(message) from error


@contextlib.contextmanager
def _cluster() -> Iterator[Any]:
    """The module `ray`, connected. It is never asked to start a cluster of its own, which would listen everywhere."""
    address = os.environ.get(ADDRESS, "")
    if not address or address == "local" or address.startswith("http"):
        said = f"is {address}" if address else "is not set"
        raise UsageError(f"{ADDRESS} {said}; give the head as HOST:6379, from outside the cluster as ray://HOST:10001")
    try:
        import ray
    except ImportError as error:
        raise UsageError(missing(error)) from error
    for left in range(STARTS - 1, -1, -1):
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR")
            break
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            if not left or not isinstance(error, ConnectionAbortedError):
                raise InputError(f"{ADDRESS}={address}: no cluster answers: {_first_line(error)}") from error
            ray.shutdown()
            time.sleep(PAUSE_S)
    try:
        yield ray
    finally:
        ray.shutdown()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
