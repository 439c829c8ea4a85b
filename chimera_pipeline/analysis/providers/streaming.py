"""What the streams of all HTTP providers share: an event a line, the first token's time, and errors in the middle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.analysis.providers import transport
from chimera_pipeline.analysis.providers.protocol import Clock, Failure, ModelError


@dataclass(slots=True)
class Answer:
    """The text of an answer as it comes. `where` names the peer in messages."""

    where: str
    clock: Clock
    pieces: list[str] = field(default_factory=list)
    ttft_s: float | None = None

    def add(self, text: str) -> None:
        """A piece of text: the first one ends the wait for a token, each one starts the wait for the next."""
        if text:
            self.ttft_s = self.clock.elapsed if self.ttft_s is None else self.ttft_s
            self.pieces.append(text)
            self.clock.token()

    @property
    def text(self) -> str:
        """Everything so far."""
        return "".join(self.pieces)

    def event(self, data: bytes, known: frozenset[str]) -> Mapping[str, Any]:
        """The JSON object of one event, with at least one of the keys `known`. Raises ModelError."""
        try:
            value = transport.parse(data, self.where)
        except ModelError as error:
            if self.pieces and error.kind is Failure.NOT_JSON:
                cut = f"the answer of {self.where} was cut in the middle of a line"
                raise ModelError(Failure.TRUNCATED, cut) from error
            raise
        if isinstance(value, dict) and value.get("error"):
            kind = redact.error_kind(value["error"]) or "other"
            text = f"{self.where} reported an error in the middle of the answer ({kind})"
            raise ModelError(Failure.ERROR_MID_STREAM, text, detail=redact.value(value["error"]))
        if not isinstance(value, dict) or not known & set(value):
            raise ModelError(Failure.NOT_JSON, f"{self.where} sent something that is no chat answer")
        return value

    def empty(self) -> ModelError:
        """The error of an answer without anything in it."""
        return ModelError(Failure.EMPTY, f"{self.where} sent an empty answer")

    def unfinished(self, mark: str) -> ModelError:
        """The error of an answer that ended without its mark."""
        return ModelError(Failure.TRUNCATED, f"the answer of {self.where} was cut off (no {mark})")
