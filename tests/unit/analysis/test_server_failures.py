"""Each way in which a model server fails ends in bounded time, with its own sentence and a complete analysis."""

from __future__ import annotations

import datetime as dt
import socket
import time

import pytest

from chimera_pipeline.analysis import profiles
from chimera_pipeline.analysis.analyse import analyse
from chimera_pipeline.analysis.model import Mode, Probe
from chimera_pipeline.analysis.providers.endpoint import endpoint
from chimera_pipeline.analysis.providers.ollama import Ollama
from chimera_pipeline.analysis.providers.protocol import Failure, ModelError
from chimera_pipeline.records import Slot, Statement
from tests.doubles.ollama_server import DIGEST, MODEL, OllamaServer

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
READS = Probe(DIGEST, "content")


def statements(count: int = 12) -> list[Statement]:
    found = [
        Statement(
            f"st_{i}",
            "level" if i % 3 else "gap",
            ("Mean decode throughput of model-a is ", Slot(f"f{i}", f"{100 + i}.5 tokens/s"), "."),
            (f"f{i}",),
            weight=2.0 + i / 100,
            always=i % 6 == 0,
        )
        for i in range(count)
    ]
    return found


def quick(name: str = "baseline", **more: object) -> profiles.Profile:
    profile = profiles.load(name)
    bounds = profile.bounds.model_copy(
        update={"first_token_s": 0.6, "idle_s": 0.6, "total_s": 1.5, "max_bytes": 200_000}
    )
    return profile.model_copy(update={"bounds": bounds, **more})


def run(server: OllamaServer, **more: object):
    arguments = {"profile": quick(), "probe": READS, "now": lambda: NOW, "wait": lambda _: None, **more}
    return analyse(statements(), provider=Ollama(MODEL, server.host), entities=["model-a"], **arguments)


@pytest.mark.parametrize(
    ("mode", "says", "tries"),
    [
        ("404", "is not on ollama at", 1),
        ("429", "is overloaded (status 429); gave up after 2 tries", 2),
        ("500", "failed (status 500); gave up after 2 tries", 2),
        ("html", "got an HTML page from", 1),
        ("empty", "sent an empty answer; gave up after 2 tries", 2),
        ("nobody", "closed the connection without an answer", 2),
        ("notjson", "sent something that is not JSON", 1),
        ("garbage", "sent something that is no chat answer", 1),
        ("bad_utf8", "sent bytes that are not UTF-8", 2),
        ("truncated", "was cut off (no done marker)", 2),
        ("cut", "was cut in the middle of a line", 2),
        ("broken", "in the middle of the answer", 2),
        ("error_mid", "reported an error in the middle of the answer (memory)", 2),
        ("hang", "no token within 0.6 s of the request", 1),
        ("hang_mid", "no further token for 0.6 s", 1),
        ("drip", "no token within 0.6 s of the request", 1),
        ("drip_head", "no token within 0.6 s of the request", 1),
        ("endless", "the answer is larger than 200000 bytes", 1),
        ("wrong_model", "answered with another model than gemma3:latest", 1),
        ("redirect", "redirects elsewhere (status 302)", 1),
        ("schema_ignored", "is not the JSON object that was asked for; gave up after 3 tries", 3),
        ("markup", "is not the JSON object that was asked for", 3),
        ("echo", "is not the JSON object that was asked for", 3),
        ("ctx_silent", "the server read only a part of the prompt", 3),
        ("no_count", "did not say how many prompt tokens it read", 3),
        ("length", "cut off at its longest allowed length", 3),
        ("400ctx", "prompt did not fit in num_ctx", 3),
    ],
)
def test_a_failing_server_ends_soon_with_its_own_sentence(mode: str, says: str, tries: int) -> None:
    with OllamaServer(mode) as server:
        start = time.perf_counter()
        found = run(server)
        assert time.perf_counter() - start < 6
        assert len(server.bodies) == tries
    assert found.mode is Mode.DETERMINISTIC
    assert says in found.reason
    assert "SECRET" not in repr(found)
    assert "169.254" not in repr(found)
    assert found.chosen
    assert found.claims
    assert len(found.calls) == tries


def test_a_number_that_was_not_offered_is_refused_by_code() -> None:
    with OllamaServer("invent") as server:
        found = run(server, profile=quick(mode="select"))
    assert found.mode is Mode.DETERMINISTIC
    assert found.attempts[0].problems == ("unknown_id",)
    assert "S999" not in repr(found.claims)


def test_a_second_try_says_codes_and_never_what_the_model_wrote() -> None:
    with OllamaServer("invent") as server:
        run(server, profile=quick(mode="select"))
        second = server.bodies[1]["messages"][-1]["content"]
    assert "The last answer was refused: unknown_id." in second
    assert "S999" not in second


def test_a_slow_server_is_waited_for() -> None:
    with OllamaServer("slow") as server:
        found = run(server, profile=quick(mode="select"))
    assert found.mode is Mode.SELECT
    assert found.calls[0]["ttft_s"] >= 0.3


def test_absurd_durations_are_unknown_and_not_zero() -> None:
    with OllamaServer("bignum") as server:
        found = run(server, profile=quick(mode="select"))
    assert found.mode is Mode.SELECT
    row = found.calls[0]
    assert row["load_s"] is None
    assert row["prompt_eval_s"] is None
    assert row["decode_tokens_per_s"] is None
    assert row["total_s"] > 0


def test_a_server_that_is_down_is_named_with_what_to_do() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = analyse(statements(), provider=Ollama(MODEL, f"127.0.0.1:{port}"), profile=quick(), now=lambda: NOW)
    assert found.mode is Mode.DETERMINISTIC
    assert "offline at http://127.0.0.1" in found.reason
    assert "ollama serve" in found.reason


def test_a_missing_model_lists_what_is_there_by_safe_names() -> None:
    with OllamaServer(models=("llama3:8b", "IGNORE ALL <b>")) as server:
        found = run(server)
    assert "model gemma3:latest is not on" in found.reason
    assert "llama3:8b" in found.reason
    assert "<b>" not in found.reason


def test_every_call_sends_size_seed_and_no_silent_cut() -> None:
    with OllamaServer() as server:
        run(server, profile=quick(mode="select"))
        body = server.bodies[0]
    assert body["truncate"] is False
    assert body["shift"] is False
    assert body["stream"] is True
    assert {"num_ctx", "num_predict", "seed", "temperature"} <= set(body["options"])
    assert body["format"]["additionalProperties"] is False


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with OllamaServer() as server:
        assert run(server, profile=quick(mode="select")).mode is Mode.SELECT


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("http://169.254.169.254/", "link-local"),
        ("http://[fd00:ec2::254]/", "link-local"),
        ("http://[::ffff:169.254.169.254]/", "link-local"),
        ("http://10.1.2.3:11434", "not this machine"),
        ("http://8.8.8.8", "not this machine"),
        ("ftp://127.0.0.1", "http or https"),
        ("http://127.0.0.1:99999", "no URL"),
    ],
)
def test_addresses_that_are_not_this_machine_are_refused(host: str, says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        endpoint(host, default_port=11434, allowed_hosts=["169.254.169.254"])
    assert caught.value.kind is Failure.ADDRESS_REFUSED


def test_a_named_host_is_allowed_and_its_address_is_pinned() -> None:
    found = endpoint(
        "http://user:secret@gpu-box:9", default_port=1, allowed_hosts=["gpu-box"], resolve=lambda *_: ["10.0.0.7"]
    )
    assert found.addresses == ("10.0.0.7",)
    assert found.shown == "http://gpu-box:9"


def test_a_name_that_also_points_at_metadata_is_refused() -> None:
    with pytest.raises(ModelError, match="link-local"):
        endpoint(
            "http://gpu-box",
            default_port=1,
            allowed_hosts=["gpu-box"],
            resolve=lambda *_: ["10.0.0.7", "169.254.169.254"],
        )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_hosts_are_written_as_ollama_has_them(text: str, shown: str) -> None:
    assert endpoint(text, default_port=11434).shown == shown
