"""Any endpoint that speaks the chat completions API of OpenAI: vLLM, SGLang, llama-server, LM Studio.

Streaming, with usage in the last event. Such a server states no durations and no digest, and num_ctx is fixed
when it starts; what it does not state stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.analysis.providers import transport
from chimera_pipeline.analysis.providers.endpoint import Endpoint, endpoint
from chimera_pipeline.analysis.providers.numbers import count, seconds
from chimera_pipeline.analysis.providers.ollama import SMALL, of_status
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

DEFAULT_PORT = 8000
_CHAT = frozenset({"choices", "usage"})


class OpenAI:
    """One model behind a base URL that ends in /v1."""

    def __init__(self, model: str, base_url: str, *, key: str | None = None, allowed_hosts: Sequence[str] = ()) -> None:
        self._model = model
        self._peer: Endpoint = endpoint(base_url, default_port=DEFAULT_PORT, allowed_hosts=allowed_hosts)
        self._where = f"the endpoint {self._peer.shown}"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._found = False

    def describe(self, deadlines: Deadlines = SMALL) -> ModelInfo:
        """The model, after a look at /models whether the server has it. Raises ModelError."""
        if not self._found:
            self._look(deadlines)
            self._found = True
        return ModelInfo("openai", self._model, endpoint=self._peer.shown)

    def chat(
        self, messages: Sequence[Message], schema: Schema | None, options: Options, deadlines: Deadlines
    ) -> ModelReply:
        """One streamed answer of /chat/completions. Raises ModelError."""
        payload: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": item.role, "content": item.content} for item in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": options.num_predict,
            "seed": options.seed,
            "temperature": options.temperature,
        }
        if options.top_p is not None:
            payload["top_p"] = options.top_p
        if schema is not None:
            wrapped = {"name": "choice", "strict": True, "schema": schema}
            payload["response_format"] = {"type": "json_schema", "json_schema": wrapped}
        with self._send("POST", "/chat/completions", deadlines, payload) as response:
            if response.status != 200:
                raise self._refused(response)
            return self._read(response)

    def unload(self) -> bool:
        """The server decides what it holds."""
        return False

    def close(self) -> None:
        """Nothing is held between calls."""

    def _send(
        self, method: str, path: str, deadlines: Deadlines, payload: dict[str, Any] | None = None
    ) -> transport.Response:
        return transport.request(self._peer, method, path, deadlines, payload=payload, headers=self._headers)

    def _look(self, deadlines: Deadlines) -> None:
        with self._send("GET", "/models", deadlines) as response:
            if response.status in (404, 405, 501):
                return  # the listing is optional
            if response.status != 200:
                raise self._refused(response)
            listing = transport.document(response, self._where)
        data = listing.get("data") if isinstance(listing, dict) else None
        ids = [entry.get("id") for entry in data or () if isinstance(entry, dict)]
        if ids and self._model not in ids:
            raise self._missing()

    def _missing(self) -> ModelError:
        return ModelError(Failure.MODEL_MISSING, f"model {redact.name(self._model)} is not on {self._where}")

    def _read(self, response: transport.Response) -> ModelReply:
        answer = Answer(self._where, response.clock)
        finish: str | None = None
        ended = False
        usage: Mapping[str, Any] = {}
        timings: Mapping[str, Any] = {}
        for line in response.lines():
            data = line.strip().removeprefix(b"data:").strip()
            if not data or line.startswith(b":"):
                continue
            if data == b"[DONE]":
                ended = True
                break
            event = answer.event(data, _CHAT)
            usage, timings = event.get("usage") or usage, event.get("timings") or timings
            text, finish = _delta(event, finish)
            answer.add(text)
        if not answer.pieces and finish is None:
            raise answer.empty()
        if not ended and finish is None:
            raise answer.unfinished("end marker")
        return ModelReply(
            text=answer.text,
            model=self._model,
            done=finish is not None,
            done_reason=redact.name(finish),
            ttft_s=answer.ttft_s,
            total_s=response.clock.elapsed,
            prompt_tokens=count(usage.get("prompt_tokens")),
            output_tokens=count(usage.get("completion_tokens")),
            prompt_eval_s=seconds(timings.get("prompt_ms"), 1e3),
            eval_s=seconds(timings.get("predicted_ms"), 1e3),
        )

    def _refused(self, response: transport.Response) -> ModelError:
        body = response.body(4096)
        said = redact.value(body.decode("utf-8", "replace"))
        if response.status == 404:
            return self._missing()
        if body.lstrip()[:1] == b"<" and response.status < 500:
            return ModelError(Failure.HTML_PAGE, f"got an HTML page from {self._where}: is this a model server?")
        if response.status == 400 and b"context" in body:
            return ModelError(
                Failure.CONTEXT_EXCEEDED, f"prompt did not fit in the context of {self._where}", detail=said
            )
        return of_status(response.status, self._where, said)


def _delta(event: Mapping[str, Any], finish: str | None) -> tuple[str, str | None]:
    """The text of an event and the reason why the answer ended, if it did."""
    text = ""
    for choice in event.get("choices") or ():
        if not isinstance(choice, dict):
            continue
        delta = choice.get("delta")
        piece = delta.get("content") if isinstance(delta, dict) else None
        text += piece if isinstance(piece, str) else ""
        reason = choice.get("finish_reason")
        finish = reason if isinstance(reason, str) else finish
    return text, finish
