"""A model server that is down is asked once, not once a call: what opens a circuit, and what closes it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from chimera_pipeline.analysis.providers.breaker import COOL_S, FAILURES, Circuits, Watched
from chimera_pipeline.analysis.providers.choose import Where, choose
from chimera_pipeline.analysis.providers.ollama import Ollama
from chimera_pipeline.analysis.providers.protocol import Deadlines, Failure, Message, ModelError, Options
from chimera_pipeline.contracts import schemas
from chimera_pipeline.orchestration.agents import CIRCUITS
from tests import corpus
from tests.doubles.ollama_server import MODEL, OllamaServer
from tests.material import material

QUICK = Deadlines(connect_s=1, first_token_s=0.4, idle_s=0.4, total_s=1)
SCHEMA = {"type": "object", "properties": {"word": {"enum": ["yes"]}}}
ASKED = [Message("system", '"word": "yes"'), Message("user", "?")]


class Clock:
    """A clock that a test moves."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuits(clock: Clock) -> Circuits:
    return Circuits(clock)


def watched(circuits: Circuits, server: OllamaServer) -> Watched:
    return Watched(Ollama(MODEL, server.host), circuits.of(server.host, MODEL))


def ask(provider: Watched) -> Failure | None:
    """How one call failed; None where it was answered."""
    try:
        provider.chat(ASKED, SCHEMA, Options(1024, 16, 7), QUICK)
    except ModelError as error:
        return error.kind
    return None


def test_a_deadline_that_passed_is_waited_for_once(circuits: Circuits, clock: Clock) -> None:
    with OllamaServer("hang") as server:
        assert ask(watched(circuits, server)) is Failure.FIRST_TOKEN_TIMEOUT
        started = time.monotonic()
        other_agent = watched(circuits, server)
        assert [ask(other_agent) for _ in range(5)] == [Failure.CIRCUIT_OPEN] * 5
        assert time.monotonic() - started < QUICK.first_token_s
        assert len(server.bodies) == 1
        with pytest.raises(ModelError, match=r"not asked again after it failed: no token within 0\.4 s"):
            other_agent.chat(ASKED, SCHEMA, Options(1024, 16, 7), QUICK)


def test_errors_of_the_server_open_the_circuit_when_they_follow_each_other(circuits: Circuits) -> None:
    with OllamaServer("500") as server:
        provider = watched(circuits, server)
        assert [ask(provider) for _ in range(FAILURES - 1)] == [Failure.SERVER_ERROR] * (FAILURES - 1)
        server.mode = "good"
        assert ask(provider) is None
        server.mode = "500"
        assert [ask(provider) for _ in range(FAILURES)] == [Failure.SERVER_ERROR] * FAILURES
        server.mode = "good"
        assert ask(provider) is Failure.CIRCUIT_OPEN
        assert len(server.bodies) == 2 * FAILURES


def test_answers_that_cannot_be_used_do_not_make_a_server_one_that_is_down(circuits: Circuits) -> None:
    with OllamaServer("notjson") as server:
        provider = watched(circuits, server)
        assert [ask(provider) for _ in range(2 * FAILURES)] == [Failure.NOT_JSON] * (2 * FAILURES)


def test_once_it_has_cooled_one_call_is_let_through(circuits: Circuits, clock: Clock) -> None:
    with OllamaServer("hang") as server:
        provider = watched(circuits, server)
        ask(provider)
        clock.at += COOL_S - 1
        assert ask(provider) is Failure.CIRCUIT_OPEN
        clock.at += 1
        assert ask(provider) is Failure.FIRST_TOKEN_TIMEOUT
        assert ask(provider) is Failure.CIRCUIT_OPEN
        server.mode = "good"
        clock.at += COOL_S
        assert [ask(provider) for _ in range(3)] == [None] * 3


def test_a_server_that_is_not_there_is_looked_for_a_few_times_and_found_when_it_is_back(
    circuits: Circuits, clock: Clock
) -> None:
    with OllamaServer() as server:
        port, host = int(server.host.rpartition(":")[2]), server.host
    provider = Watched(Ollama(MODEL, host), circuits.of(host, MODEL))
    kinds = []
    for _ in range(FAILURES + 1):
        with pytest.raises(ModelError) as failed:
            provider.describe()
        kinds.append(failed.value.kind)
    assert kinds == [Failure.OFFLINE] * FAILURES + [Failure.CIRCUIT_OPEN]
    assert "ollama serve" in str(failed.value)
    with OllamaServer(port=port):
        clock.at += COOL_S
        assert provider.describe().name == MODEL
        assert ask(provider) is None


def test_servers_and_models_do_not_answer_for_each_other(circuits: Circuits) -> None:
    with OllamaServer("hang") as dead, OllamaServer() as alive:
        ask(watched(circuits, dead))
        assert ask(watched(circuits, alive)) is None
        other = Watched(Ollama("other:1b", dead.host), circuits.of(dead.host, "other:1b"))
        assert ask(other) is Failure.FIRST_TOKEN_TIMEOUT


def test_a_benchmark_of_a_model_makes_every_call(tmp_path: Path) -> None:
    with OllamaServer() as server:
        there = Where(tmp_path, ollama_host=server.host)
        assert isinstance(choose("ollama", MODEL, there).provider, Ollama)


def test_both_agents_of_a_run_wait_for_one_deadline_and_every_call_is_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.safe_load((schemas.folder() / "profiles.yaml").read_text(encoding="utf-8"))
    bounds = {"connect_s": 1, "first_token_s": 0.5, "idle_s": 0.5, "total_s": 1.5, "max_bytes": 200_000}
    document["profiles"] = {"quick": {**document["profiles"]["baseline"], "deadlines": bounds}}
    (tmp_path / "profiles.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (tmp_path / "data").mkdir()
    rows = [*corpus.suite(), *corpus.suite("other:2b", 80.0)]
    (tmp_path / "data" / "suite.csv").write_text(corpus.csv_text(rows, corpus.REQUEST_COLUMNS), encoding="utf-8")
    CIRCUITS.forget()
    with OllamaServer("hang") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        made = material(
            tmp_path / "data", tmp_path / "out", llm="ollama", profile="quick", profiles=tmp_path / "profiles.yaml"
        )
        assert len(server.bodies) == 1
    assert [(call["status"], call["error_kind"]) for call in made.analysis["calls"]] == [
        ("failed", "first_token_timeout"), ("failed", "circuit_open")
    ]  # fmt: skip
    assert "no token within 0.5 s" in made.brief["narrative"]["reason"]
    assert "was not asked again after it failed: no token within 0.5 s" in made.analysis["narrative"]["reason"]
