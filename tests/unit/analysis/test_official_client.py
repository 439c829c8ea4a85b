"""The official Ollama client beside this project's own (docs/adr/0045).

It vouches for the double of the server, and for what is sent: the same request, plus the two keys that forbid a silent
cut of the prompt. The rest holds the reasons of the decision true: when one of these fails, read it again.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import ollama
import pytest

from chimera_pipeline.analysis.providers.ollama import Ollama
from chimera_pipeline.analysis.providers.protocol import Deadlines, Message, ModelError, Options
from tests.doubles.ollama_server import MODEL, OllamaServer

SCHEMA = {"type": "object", "properties": {"word": {"enum": ["walnut"]}}, "required": ["word"]}
OPTIONS = Options(num_ctx=2048, num_predict=64, seed=7)
PROMPT = "Say walnut."


def talk(_: dict[str, object]) -> str:
    return json.dumps({"word": "walnut"})


def test_both_clients_read_the_same_answer_and_ours_sends_two_keys_more() -> None:
    with OllamaServer(answer=talk) as server:
        mine = Ollama(MODEL, server.host).chat([Message("user", PROMPT)], SCHEMA, OPTIONS, Deadlines())
        with ollama.Client(host=server.host, trust_env=False) as official:
            prompt = [{"role": "user", "content": PROMPT}]
            asked = official.chat(MODEL, prompt, stream=True, think=False, format=SCHEMA, options=OPTIONS.as_dict())
            theirs = list(asked)
        ours, reference = server.bodies
    assert mine.text == "".join(part.message.content or "" for part in theirs)
    assert mine.prompt_tokens == theirs[-1].prompt_eval_count
    assert mine.output_tokens == theirs[-1].eval_count
    assert ours.pop("truncate") is False
    assert ours.pop("shift") is False
    reference.pop("tools", None)
    assert ours == reference


def test_the_official_client_cannot_forbid_a_silent_cut() -> None:
    assert not {"truncate", "shift"} & set(inspect.signature(ollama.Client.chat).parameters)
    assert not {"truncate", "shift"} & set(ollama._types.ChatRequest.model_fields)


def test_the_official_client_sends_a_key_of_the_environment_to_any_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "made-up-key")
    with ollama.Client(host="127.0.0.1:1", trust_env=False) as client:
        assert client._client.headers["authorization"] == "Bearer made-up-key"


def test_a_drip_outlasts_the_timeout_of_the_official_client_and_not_ours() -> None:
    with OllamaServer("drip") as server:
        bounds = Deadlines(first_token_s=0.3, idle_s=0.3, total_s=5)
        with pytest.raises(ModelError, match=r"no token within 0\.3 s"):
            Ollama(MODEL, server.host).chat([Message("user", PROMPT)], None, OPTIONS, bounds)
        done = threading.Event()

        def wait() -> None:
            with (
                contextlib.suppress(httpx.HTTPError, ollama.ResponseError, ConnectionError, ValueError),
                ollama.Client(host=server.host, trust_env=False, timeout=0.3) as client,
            ):
                list(client.chat(MODEL, [{"role": "user", "content": PROMPT}], stream=True))
            done.set()

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        assert not done.wait(1.5), "its timeout now bounds a drip: read docs/adr/0045 again"
    waiting.join(5)


def test_redirects_are_followed_by_the_official_client_only() -> None:
    class Elsewhere(BaseHTTPRequestHandler):
        reached = False

        def do_GET(self) -> None:
            Elsewhere.reached = True
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{elsewhere.server_address[1]}/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    elsewhere, redirecting = (HTTPServer(("127.0.0.1", 0), handler) for handler in (Elsewhere, Redirecting))
    for server in (elsewhere, redirecting):
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    host = f"127.0.0.1:{redirecting.server_address[1]}"
    try:
        with pytest.raises(ModelError, match="redirects elsewhere"):
            Ollama(MODEL, host).chat([Message("user", PROMPT)], None, OPTIONS, Deadlines())
        assert not Elsewhere.reached
        with ollama.Client(host=host, trust_env=False) as client:
            list(client.chat(MODEL, [], stream=True))
        assert Elsewhere.reached
    finally:
        for server in (elsewhere, redirecting):
            server.shutdown()
            server.server_close()
