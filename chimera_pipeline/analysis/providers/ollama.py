"""Ollama through its native chat API, streaming: the client's time to first token, the server's durations.

The official client is not used for this call: docs/adr/0045 says why, and tests/unit/analysis/test_official_client.py
holds both clients against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.analysis.providers import transport
from chimera_pipeline.analysis.providers.endpoint import Endpoint, endpoint
from chimera_pipeline.analysis.providers.numbers import count, seconds
from chimera_pipeline.analysis.providers.protocol import (
    Deadlines,
    Failure,
    Message,
    ModelError,
    ModelInfo,
    ModelReply,
    Options,
    Schema,
)
from chimera_pipeline.analysis.providers.streaming import Answer

DEFAULT_PORT = 11434
FACTS_ONLY = ": report has facts only"
SMALL = Deadlines(connect_s=3.0, first_token_s=10.0, idle_s=5.0, total_s=15.0, max_bytes=4 << 20)
_NS = 1e9
_CHAT = frozenset({"message", "done"})


class Ollama:
    """One model on one Ollama server. `host` is as in OLLAMA_HOST; nothing is read from the environment."""

    def __init__(self, model: str, host: str | None = None, *, allowed_hosts: Sequence[str] = ()) -> None:
        self._model = model
        self._peer: Endpoint = endpoint(
            host or f"127.0.0.1:{DEFAULT_PORT}", default_port=DEFAULT_PORT, allowed_hosts=allowed_hosts
        )
        self._where = f"ollama at {self._peer.shown}"
        self._entry: Mapping[str, Any] | None = None

    @property
    def address(self) -> str:
        """The server, for people."""
        return self._peer.shown

    def models(self, deadlines: Deadlines = SMALL) -> list[str]:
        """Names of the models that the server has, sorted. Raises ModelError."""
        return _names(self._entries(deadlines))

    def describe(self, deadlines: Deadlines = SMALL) -> ModelInfo:
        """Digest from /api/tags; GPU share from /api/ps once the model is loaded. Raises ModelError."""
        if self._entry is None:
            self._entry = self._find(deadlines)
        share = self._gpu_share(deadlines)
        details = self._entry.get("details")
        quantization = details.get("quantization_level") if isinstance(details, dict) else None
        digest = self._entry.get("digest")
        return ModelInfo(
            provider="ollama",
            name=self._model,
            digest=redact.value(digest) if isinstance(digest, str) else None,
            device=None if share is None else "gpu" if share > 0 else "cpu",
            gpu_share=share,
            endpoint=self._peer.shown,
            quantization=redact.name(quantization) if isinstance(quantization, str) else None,
        )

    def chat(
        self, messages: Sequence[Message], schema: Schema | None, options: Options, deadlines: Deadlines
    ) -> ModelReply:
        """One streamed answer of /api/chat. Raises ModelError."""
        payload: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": item.role, "content": item.content} for item in messages],
            "stream": True,
            "truncate": False,
            "shift": False,
            "think": False,
            "options": options.as_dict(),
        }
        if schema is not None:
            payload["format"] = schema
        with self._send("POST", "/api/chat", deadlines, payload) as response:
            if response.status != 200:
                raise self._refused(response)
            return self._read(response)

    def unload(self) -> bool:
        """Ask the server to drop the model now. Raises ModelError."""
        payload = {"model": self._model, "messages": [], "keep_alive": 0, "stream": False}
        with self._send("POST", "/api/chat", SMALL, payload) as response:
            response.body()
            return response.status == 200

    def close(self) -> None:
        """Nothing is held between calls."""

    def _send(
        self, method: str, path: str, deadlines: Deadlines, payload: dict[str, Any] | None = None
    ) -> transport.Response:
        try:
            return transport.request(self._peer, method, path, deadlines, payload=payload)
        except ModelError as error:
            if error.kind is not Failure.OFFLINE:
                raise
            text = f"LLM {error}{FACTS_ONLY}. Start it with `ollama serve`"
            raise ModelError(error.kind, text, detail=error.detail) from error

    def _read(self, response: transport.Response) -> ModelReply:
        answer = Answer(self._where, response.clock)
        last: Mapping[str, Any] = {}
        for line in response.lines():
            if not line.strip():
                continue
            last = answer.event(line, _CHAT)
            if not _same(last.get("model"), self._model):
                raise ModelError(
                    Failure.WRONG_MODEL,
                    f"{self._where} answered with another model than {redact.name(self._model)}",
                )
            message = last.get("message")
            text, thinking = (
                message.get(key) if isinstance(message, dict) else None for key in ("content", "thinking")
            )
            if thinking:
                response.clock.token()
            answer.add(text if isinstance(text, str) else "")
            if last.get("done") is True:
                break
        if not last:
            raise answer.empty()
        if last.get("done") is not True:
            raise answer.unfinished("done marker")
        return self._reply(answer.text, last, answer.ttft_s, response.clock.elapsed)

    def _reply(self, text: str, last: Mapping[str, Any], ttft_s: float | None, total_s: float) -> ModelReply:
        reason = last.get("done_reason")
        return ModelReply(
            text=text,
            model=self._model,
            done=True,
            done_reason=redact.name(reason) if isinstance(reason, str) else None,
            ttft_s=ttft_s,
            total_s=total_s,
            prompt_tokens=count(last.get("prompt_eval_count")),
            output_tokens=count(last.get("eval_count")),
            load_s=seconds(last.get("load_duration"), _NS),
            prompt_eval_s=seconds(last.get("prompt_eval_duration"), _NS),
            eval_s=seconds(last.get("eval_duration"), _NS),
            server_total_s=seconds(last.get("total_duration"), _NS),
        )

    def _find(self, deadlines: Deadlines) -> Mapping[str, Any]:
        entries = self._entries(deadlines)
        for entry in entries:
            if _same(entry.get("model") or entry.get("name"), self._model):
                return entry
        raise self._missing(_names(entries))

    def _entries(self, deadlines: Deadlines) -> list[Mapping[str, Any]]:
        with self._send("GET", "/api/tags", deadlines) as response:
            if response.status != 200:
                raise self._refused(response)
            listing = transport.document(response, self._where)
        models = listing.get("models") if isinstance(listing, dict) else None
        if not isinstance(models, list):
            raise ModelError(Failure.NOT_JSON, f"{self._where} sent no model list: is this an ollama server?")
        return [entry for entry in models if isinstance(entry, dict)]

    def _missing(self, names: Sequence[str] = ()) -> ModelError:
        wanted = redact.name(self._model)
        there = f" Available: {', '.join(names[:5])}." if names else ""
        return ModelError(
            Failure.MODEL_MISSING, f"model {wanted} is not on {self._where}. `ollama pull {wanted}`.{there}"
        )

    def _gpu_share(self, deadlines: Deadlines) -> float | None:
        try:
            with self._send("GET", "/api/ps", deadlines) as response:
                listing = transport.document(response, self._where) if response.status == 200 else {}
        except ModelError:
            return None
        for entry in listing.get("models", ()) if isinstance(listing, dict) else ():
            if isinstance(entry, dict) and _same(entry.get("model") or entry.get("name"), self._model):
                size, in_gpu = entry.get("size"), entry.get("size_vram")
                if isinstance(size, int) and isinstance(in_gpu, int) and 0 <= in_gpu <= size > 0:
                    return in_gpu / size
        return None

    def _refused(self, response: transport.Response) -> ModelError:
        """The error of a status that is not 200. The body is only looked at, never repeated."""
        body = response.body(4096)
        said = redact.value(body.decode("utf-8", "replace"))
        status, where = response.status, self._where
        if status == 404 and b"model" in body:
            return self._missing()
        if body.lstrip()[:1] == b"<" and status < 500:
            return ModelError(Failure.HTML_PAGE, f"got an HTML page from {where}: is this an ollama server?")
        if status == 400 and (b"context" in body or b"truncat" in body or b"too long" in body):
            return ModelError(Failure.CONTEXT_EXCEEDED, f"prompt did not fit in num_ctx of {where}", detail=said)
        return of_status(status, where, said)


def of_status(status: int, where: str, said: str) -> ModelError:
    """The error of an HTTP status that says nothing more particular."""
    if status == 429:
        return ModelError(Failure.RATE_LIMITED, f"{where} is overloaded (status 429)", detail=said)
    if status in (401, 403):
        return ModelError(Failure.UNAUTHORISED, f"{where} refused access (status {status})", detail=said)
    if status >= 500:
        return ModelError(Failure.SERVER_ERROR, f"{where} failed (status {status})", detail=said)
    return ModelError(Failure.BAD_REQUEST, f"{where} refused the request (status {status})", detail=said)


def _names(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names in a model list, made safe to show, sorted."""
    stated = [entry.get("model") or entry.get("name") for entry in entries]
    return sorted({redact.name(name) or "" for name in stated if isinstance(name, str)})


def _same(stated: Any, wanted: str) -> bool:
    if not isinstance(stated, str):
        return False
    return stated in (wanted, f"{wanted}:latest") or wanted == f"{stated}:latest"
