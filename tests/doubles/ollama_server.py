"""A real HTTP server on loopback that speaks Ollama's native API, well or badly.

`mode` says how /api/chat misbehaves; "good" answers with what `answer` makes of the request body. Every body is
kept in `bodies`. No handler outlives `stop`: waits end with it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "gemma3:latest"
DIGEST = "a2af6cc3eb7fa8be8504abaf9b04e88f17a119ec3f04a3addf55f92841195f5a"
Answer = Callable[[dict[str, Any]], str]


def first_of_each(body: dict[str, Any]) -> str:
    """The first allowed value of every key, with the right control word: what a position follower says."""
    schema = body["format"]
    word = json.loads("{" + body["messages"][0]["content"].splitlines()[0] + "}")["word"]
    return json.dumps({key: word if key == "word" else _first(value) for key, value in schema["properties"].items()})


def _first(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "array":
        return [_first(schema["items"])] * schema.get("minItems", 0)
    if schema["type"] == "object":
        return {key: _first(value) for key, value in schema["properties"].items()}
    return ""


class OllamaServer:
    """Use as a context manager; `host` is what OLLAMA_HOST would be."""

    def __init__(
        self,
        mode: str = "good",
        *,
        answer: Answer = first_of_each,
        models: tuple[str, ...] = (MODEL,),
        token_delay_s: float = 0.0,
        gpu_share: float = 1.0,
        port: int = 0,
    ) -> None:
        self.mode = mode
        self.answer = answer
        self.models = models
        self.token_delay_s = token_delay_s
        self.gpu_share = gpu_share
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.stopped = threading.Event()
        double = self

        class Handler(_Handler):
            owner = double

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def chats(self) -> list[dict[str, Any]]:
        return self.bodies

    def __enter__(self) -> OllamaServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: OllamaServer

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.owner.paths.append(self.path)
        if self.path == "/api/tags":
            details = {"quantization_level": "Q4_K_M", "parameter_size": "4.3B"}
            entries = [{"name": n, "model": n, "digest": DIGEST, "details": details} for n in self.owner.models]
            self._whole(200, json.dumps({"models": entries}).encode())
        elif self.path == "/api/ps":
            size = 1000
            entries = [
                {"model": n, "size": size, "size_vram": int(size * self.owner.gpu_share)} for n in self.owner.models
            ]
            self._whole(200, json.dumps({"models": entries}).encode())
        else:
            self._whole(404, b"404 page not found", "text/plain")

    def do_POST(self) -> None:
        self.owner.paths.append(self.path)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.owner.bodies.append(body)
        try:
            getattr(self, f"_{self.owner.mode}", self._good)(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # -- what a request is answered with ---------------------------------------------------------

    def _good(self, body: dict[str, Any]) -> None:
        self._stream(self._lines(body, self.owner.answer(body)))

    def _404(self, body: dict[str, Any]) -> None:
        self._whole(404, json.dumps({"error": f"model '{body['model']}' not found"}).encode())

    def _429(self, body: dict[str, Any]) -> None:
        self._whole(429, b'{"error":"too many requests"}')

    def _500(self, body: dict[str, Any]) -> None:
        self._whole(500, b'{"error":"llama runner process has terminated: SECRET sk-abcdefghijkl"}')

    def _400ctx(self, body: dict[str, Any]) -> None:
        self._whole(400, b'{"error":"input length exceeds the context length"}')

    def _html(self, body: dict[str, Any]) -> None:
        self._whole(200, b"<!doctype html><title>Welcome</title>", "text/html")

    def _empty(self, body: dict[str, Any]) -> None:
        self._whole(200, b"")

    def _nobody(self, body: dict[str, Any]) -> None:
        self.connection.close()
        self.close_connection = True

    def _notjson(self, body: dict[str, Any]) -> None:
        self._whole(200, b"hello, I am a model\n")

    def _garbage(self, body: dict[str, Any]) -> None:
        self._whole(200, b'{"answer": 42}\n')

    def _bad_utf8(self, body: dict[str, Any]) -> None:
        self._stream([b'{"model":"gemma3:latest","message":{"content":"\xff\xfe"},"done":false}\n'])

    def _truncated(self, body: dict[str, Any]) -> None:
        self._stream(list(self._lines(body, self.owner.answer(body)))[:-1])

    def _cut(self, body: dict[str, Any]) -> None:
        lines = list(self._lines(body, self.owner.answer(body)))
        self._stream([*lines[:-1], lines[-1][: len(lines[-1]) // 2]])

    def _broken(self, body: dict[str, Any]) -> None:
        """The connection dies in the middle of a chunk."""
        self._head()
        line = next(iter(self._lines(body, self.owner.answer(body))))
        self.wfile.write(f"{len(line) * 2:x}\r\n".encode() + line)
        self.wfile.flush()
        self.connection.close()
        self.close_connection = True

    def _error_mid(self, body: dict[str, Any]) -> None:
        lines = list(self._lines(body, self.owner.answer(body)))
        self._stream([*lines[:2], b'{"error":"CUDA error: out of memory"}\n'])

    def _hang(self, body: dict[str, Any]) -> None:
        self.owner.stopped.wait(20)
        self.close_connection = True

    def _hang_mid(self, body: dict[str, Any]) -> None:
        self._head()
        self._chunk(next(iter(self._lines(body, self.owner.answer(body)))))
        self.owner.stopped.wait(20)
        self.close_connection = True

    def _drip(self, body: dict[str, Any]) -> None:
        """A byte now and then, never a line."""
        self._head()
        while not self.owner.stopped.wait(0.05):
            self._chunk(b" ")

    def _drip_head(self, body: dict[str, Any]) -> None:
        """The head of the response, a byte at a time."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Pad: ")
        while not self.owner.stopped.wait(0.05):
            self.wfile.write(b"a")
            self.wfile.flush()

    def _endless(self, body: dict[str, Any]) -> None:
        self._head()
        line = self._line(body, "all work and no play " * 50)
        while not self.owner.stopped.is_set():
            self._chunk(line)

    def _slow(self, body: dict[str, Any]) -> None:
        self.owner.stopped.wait(0.3)
        self._good(body)

    def _too_slow(self, body: dict[str, Any]) -> None:
        """A token in time, again and again, and no end."""
        self._head()
        while not self.owner.stopped.wait(0.2):
            self._chunk(self._line(body, "word "))

    def _wrong_model(self, body: dict[str, Any]) -> None:
        self._stream(self._lines({**body, "model": "other:7b"}, self.owner.answer(body)))

    def _schema_ignored(self, body: dict[str, Any]) -> None:
        self._stream(self._lines(body, "Sure! The most important statement is S1 with 999.9 tokens/s."))

    def _markup(self, body: dict[str, Any]) -> None:
        self._stream(self._lines(body, "```json\n" + self.owner.answer(body) + "\n```<script>alert(1)</script>"))

    def _echo(self, body: dict[str, Any]) -> None:
        self._stream(self._lines(body, body["messages"][-1]["content"]))

    def _invent(self, body: dict[str, Any]) -> None:
        made = json.loads(self.owner.answer(body))
        self._stream(self._lines(body, json.dumps({**made, "headline": "S999"})))

    def _ctx_silent(self, body: dict[str, Any]) -> None:
        self._stream(self._lines(body, self.owner.answer(body), prompt_eval_count=body["options"]["num_ctx"] // 2 + 2))

    def _no_count(self, body: dict[str, Any]) -> None:
        lines = [json.loads(line) for line in self._lines(body, self.owner.answer(body))]
        lines[-1].pop("prompt_eval_count")
        self._stream([json.dumps(line).encode() + b"\n" for line in lines])

    def _length(self, body: dict[str, Any]) -> None:
        self._stream(self._lines(body, self.owner.answer(body), done_reason="length"))

    def _bignum(self, body: dict[str, Any]) -> None:
        huge = 10**400
        self._stream(
            self._lines(
                body,
                self.owner.answer(body),
                total_duration=huge,
                eval_duration=0,
                load_duration=-5,
                prompt_eval_duration=huge,
            )
        )

    def _redirect(self, body: dict[str, Any]) -> None:
        self.send_response(302)
        self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    # -- pieces ----------------------------------------------------------------------------------

    def _line(self, body: dict[str, Any], content: str, **more: Any) -> bytes:
        value = {"model": body["model"], "message": {"role": "assistant", "content": content}, "done": False}
        return json.dumps({**value, **more}).encode() + b"\n"

    def _lines(self, body: dict[str, Any], text: str, **last: Any) -> Iterator[bytes]:
        start = time.perf_counter()
        pieces = [text[i : i + 4] for i in range(0, len(text), 4)] or [""]
        for piece in pieces:
            if self.owner.token_delay_s:
                self.owner.stopped.wait(self.owner.token_delay_s)
            yield self._line(body, piece)
        prompt = sum(len(message["content"]) for message in body["messages"])
        end = {
            "done": True,
            "done_reason": "stop",
            "total_duration": int((time.perf_counter() - start) * 1e9) + 2_000_000,
            "load_duration": 1_000_000,
            "prompt_eval_count": prompt // 4 + 10,
            "prompt_eval_duration": 1_000_000,
            "eval_count": len(pieces),
            "eval_duration": max(1, int((time.perf_counter() - start) * 1e9)),
        }
        yield self._line(body, "", **{**end, **last})

    def _whole(self, status: int, data: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _head(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _stream(self, lines: Any) -> None:
        self._head()
        for line in lines:
            self._chunk(line)
        self.wfile.write(b"0\r\n\r\n")
