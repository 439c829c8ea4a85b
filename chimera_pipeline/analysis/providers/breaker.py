"""A model server that is down is not asked again and again: one circuit a server and model, for the whole process.

A deadline that passed opens the circuit at once, `FAILURES` refused connections or errors of the server (status 5xx)
in a row open it too. While it is open every call fails at once, on record, with the reason of the first. After
`COOL_S` one call is let through: it closes the circuit, or opens it for as long again. Benchmarks go without.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chimera_pipeline.analysis.providers.ollama import SMALL
from chimera_pipeline.analysis.providers.protocol import (
    Deadlines,
    Failure,
    Message,
    ModelError,
    ModelInfo,
    ModelReply,
    Options,
    Provider,
    Schema,
)

FAILURES = 3
COOL_S = 60.0
_DEADLINES = frozenset(
    {Failure.CONNECT_TIMEOUT, Failure.FIRST_TOKEN_TIMEOUT, Failure.IDLE_TIMEOUT, Failure.TOTAL_TIMEOUT}
)
_DOWN = _DEADLINES | {Failure.OFFLINE, Failure.SERVER_ERROR}


@dataclass(slots=True)
class Circuit:
    """What is known of one server and model: failures in a row, when it opened and why, who answered last."""

    now: Callable[[], float] = time.monotonic
    failures: int = 0
    opened_at: float | None = None
    why: str = ""
    info: ModelInfo | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def closed(self) -> bool:
        """Whether a call may be made now. Says yes to one caller only once the circuit has cooled."""
        with self._lock:
            if self.opened_at is None:
                return True
            if self.now() - self.opened_at < COOL_S:
                return False
            self.opened_at = self.now()
            return True

    def failed(self, error: ModelError) -> None:
        """A call failed: whether the server is down decides what becomes of the circuit."""
        with self._lock:
            if error.kind not in _DOWN:
                self._close()
                return
            self.failures += 1
            if self.opened_at is not None or error.kind in _DEADLINES or self.failures >= FAILURES:
                self.opened_at = self.now()
                self.why = str(error)

    def succeeded(self) -> None:
        """A call was answered."""
        with self._lock:
            self._close()

    def seen(self, info: ModelInfo) -> None:
        """The server answered a look: the next call is let through, whatever was before."""
        with self._lock:
            self.info = info
            if self.opened_at is not None:
                self.opened_at = self.now() - COOL_S

    def refusal(self) -> ModelError:
        """What a call that is not made fails with."""
        return ModelError(Failure.CIRCUIT_OPEN, f"the model server was not asked again after it failed: {self.why}")

    def _close(self) -> None:
        self.failures, self.opened_at, self.why = 0, None, ""


class Circuits:
    """The circuits of a process, by server and model."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: dict[tuple[str, str], Circuit] = {}

    def of(self, server: str, model: str) -> Circuit:
        """The circuit of a model on a server."""
        return self._known.setdefault((server, model), Circuit(self._now))

    def forget(self) -> None:
        """Ask every server again: somebody has started a run."""
        self._known.clear()


class Server(Provider, Protocol):
    """A provider that is asked over HTTP: a look at it has deadlines of its own."""

    def describe(self, deadlines: Deadlines = SMALL) -> ModelInfo:
        """What is known of the model. Raises ModelError."""


class Watched:
    """A server behind a circuit. A look at the server says nothing of its calls: only a call closes the circuit."""

    def __init__(self, server: Server, circuit: Circuit) -> None:
        self._server = server
        self._circuit = circuit

    def describe(self, deadlines: Deadlines = SMALL) -> ModelInfo:
        """What is known of the model; the last answer where the circuit is open. Raises ModelError."""
        circuit = self._circuit
        if circuit.opened_at is not None and circuit.info is not None:
            return circuit.info
        if not circuit.closed():
            raise circuit.refusal()
        try:
            info = self._server.describe(deadlines)
        except ModelError as error:
            circuit.failed(error)
            raise
        circuit.seen(info)
        return info

    def chat(
        self, messages: Sequence[Message], schema: Schema | None, options: Options, deadlines: Deadlines
    ) -> ModelReply:
        """One answer. Raises ModelError, at once where the circuit is open."""
        if not self._circuit.closed():
            raise self._circuit.refusal()
        try:
            reply = self._server.chat(messages, schema, options, deadlines)
        except ModelError as error:
            self._circuit.failed(error)
            raise
        self._circuit.succeeded()
        return reply

    def unload(self) -> bool:
        """Make the next call a cold one."""
        return self._server.unload()

    def close(self) -> None:
        """Free what the provider holds."""
        self._server.close()
