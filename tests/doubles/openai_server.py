"""A real HTTP server on loopback that speaks the chat completions API, well or badly."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.doubles.ollama_server import Answer, first_of_each


class OpenAIServer:
    """Use as a context manager; `url` ends in /v1."""

    def __init__(self, mode: str = "good", *, model: str = "tiny", answer: Answer = first_of_each) -> None:
        self.mode, self.model, self.answer = mode, model, answer
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        double = self

        class Handler(_Handler):
            owner = double

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    owner: OpenAIServer

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._whole(200, json.dumps({"data": [{"id": self.owner.model}]}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.owner.bodies.append(body)
        self.owner.keys.append(self.headers.get("Authorization"))
        mode = self.owner.mode
        if mode == "500":
            self._whole(500, b'{"error":{"message":"sk-secretsecret"}}')
            return
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        text = self.owner.answer({**body, "format": schema}) if schema else "hello there"
        events = [{"choices": [{"delta": {"content": text[i : i + 5]}}]} for i in range(0, len(text), 5)]
        events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        prompt = sum(len(message["content"]) for message in body["messages"]) // 4
        events.append({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": len(events)}})
        lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events] + [b"data: [DONE]\n\n"]
        if mode == "truncated":
            lines = lines[:2]
        if mode == "error_mid":
            lines = [lines[0], b'data: {"error":{"message":"out of memory"}}\n\n']
        self._whole(200, b"".join(lines), "text/event-stream")

    def _whole(self, status: int, data: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
