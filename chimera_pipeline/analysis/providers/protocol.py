"""The seam between the analysis and a model: messages in, a timed reply or a `ModelError` out.

What lives here: the words of that seam and the clock that bounds a call. No provider, no prompt, no rule
about what an answer must look like.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from chimera_pipeline.errors import ChimeraError

Schema = dict[str, Any]


class Failure(StrEnum):
    """Why a call brought no usable answer. Closed; each has a sentence of its own."""

    OFFLINE = "offline"
    ADDRESS_REFUSED = "address_refused"
    MODEL_MISSING = "model_missing"
    BAD_REQUEST = "bad_request"
    CONTEXT_EXCEEDED = "context_exceeded"
    UNAUTHORISED = "unauthorised"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    REDIRECT = "redirect"
    HTML_PAGE = "html_page"
    NOT_JSON = "not_json"
    BAD_ENCODING = "bad_encoding"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    ERROR_MID_STREAM = "error_mid_stream"
    WRONG_MODEL = "wrong_model"
    CONNECT_TIMEOUT = "connect_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    TOO_LARGE = "too_large"
    LOAD_FAILED = "load_failed"
    CIRCUIT_OPEN = "circuit_open"


_TRANSIENT = frozenset(
    {
        Failure.RATE_LIMITED,
        Failure.SERVER_ERROR,
        Failure.EMPTY,
        Failure.TRUNCATED,
        Failure.ERROR_MID_STREAM,
        Failure.BAD_ENCODING,
    }
)


class ModelError(ChimeraError):
    """A call that brought no answer. `str()` is a sentence for the report, without any text of the server.

    `detail` is what the server said, redacted and cut, for logs only.
    """

    exit_code = 4

    def __init__(self, kind: Failure, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.detail = detail
        self.retryable = kind in _TRANSIENT


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Options:
    """Sampling and size. `num_ctx`, `num_predict` and `seed` are sent with every call."""

    num_ctx: int
    num_predict: int
    seed: int
    temperature: float = 0.0
    top_p: float | None = None
    top_k: int | None = None
    repeat_penalty: float | None = None
    num_gpu: int | None = None

    def as_dict(self) -> dict[str, int | float]:
        """The options that are set, by the names that Ollama gives them."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Bounds of one call: seconds to connect, to the first token, between tokens and in all; and bytes."""

    connect_s: float = 3.0
    first_token_s: float = 120.0
    idle_s: float = 60.0
    total_s: float = 300.0
    max_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model answers and where it runs. `gpu_share` is the part in GPU memory, None where unknown."""

    provider: str
    name: str
    digest: str | None = None
    device: str | None = None
    gpu_share: float | None = None
    endpoint: str | None = None
    quantization: str | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A finished answer: text, why it ended, and durations in seconds (None = not stated or absurd).

    `ttft_s` and `total_s` are measured by the client; the other durations are the server's.
    """

    text: str
    model: str
    done: bool
    done_reason: str | None
    ttft_s: float | None
    total_s: float
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    load_s: float | None = None
    prompt_eval_s: float | None = None
    eval_s: float | None = None
    server_total_s: float | None = None


class Provider(Protocol):
    """A way to reach one model."""

    def describe(self) -> ModelInfo:
        """Name, digest and device, as far as they are known now. Raises ModelError."""

    def chat(
        self,
        messages: Sequence[Message],
        schema: Schema | None,
        options: Options,
        deadlines: Deadlines,
    ) -> ModelReply:
        """One answer within the deadlines, asked to follow `schema`. Raises ModelError."""

    def unload(self) -> bool:
        """Make the next call a cold one; False where that is not in the provider's hands."""

    def close(self) -> None:
        """Free what the provider holds."""


class Clock:
    """The time that is left to a call. The phases are connect, first token and idle; total spans them all."""

    def __init__(self, deadlines: Deadlines, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._deadlines = deadlines
        self.start = now()
        self._since = self.start
        self._limit, self._kind = deadlines.connect_s, Failure.CONNECT_TIMEOUT

    def connected(self) -> None:
        """From here the first token is waited for."""
        self._since = self._now()
        self._limit, self._kind = self._deadlines.first_token_s, Failure.FIRST_TOKEN_TIMEOUT

    def token(self) -> None:
        """A token came: from here the next one is waited for."""
        self._since = self._now()
        self._limit, self._kind = self._deadlines.idle_s, Failure.IDLE_TIMEOUT

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self._now() - self.start

    def remaining(self) -> float:
        """Seconds until the nearest deadline; raises the ModelError of the one that has passed."""
        now = self._now()
        total = self.start + self._deadlines.total_s - now
        phase = self._since + self._limit - now
        if total <= 0:
            raise self.expired(Failure.TOTAL_TIMEOUT)
        if phase <= 0:
            raise self.expired(self._kind)
        return min(total, phase)

    def expired(self, kind: Failure | None = None) -> ModelError:
        """The error of the deadline that passed (by default the nearer one)."""
        if kind is None:
            left = self.start + self._deadlines.total_s - self._now()
            kind = Failure.TOTAL_TIMEOUT if left <= 0 else self._kind
        d = self._deadlines
        sentences = {
            Failure.CONNECT_TIMEOUT: f"no connection within {d.connect_s:g} s",
            Failure.FIRST_TOKEN_TIMEOUT: f"no token within {d.first_token_s:g} s of the request",
            Failure.IDLE_TIMEOUT: f"no further token for {d.idle_s:g} s",
            Failure.TOTAL_TIMEOUT: f"the answer was not finished after {d.total_s:g} s",
        }
        return ModelError(kind, sentences[kind])
