"""Each way in which a model server fails: the report is published, the message is right and the time is bounded; some
of them met through `chimera run`, where `--require-llm` ends with 4. With EXHAUSTIVE=1 all of them are.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import yaml

from chimera_pipeline import cli
from chimera_pipeline.contracts import schemas
from chimera_pipeline.orchestration import publication
from chimera_pipeline.orchestration.lake import Lake
from tests import corpus
from tests.doubles.ollama_server import OllamaServer
from tests.material import material

MODES = {
    "down": "offline at http://127.0.0.1",
    "refused": "is not this machine; add it to the allowed hosts",
    "404": "is not on ollama at",
    "no such model": "Available: llama3:8b.",
    "429": "is overloaded (status 429)",
    "500": "failed (status 500)",
    "html": "got an HTML page from",
    "empty": "sent an empty answer",
    "nobody": "closed the connection without an answer",
    "notjson": "sent something that is not JSON",
    "garbage": "sent something that is no chat answer",
    "bad_utf8": "sent bytes that are not UTF-8",
    "truncated": "was cut off (no done marker)",
    "cut": "was cut in the middle of a line",
    "broken": "in the middle of the answer",
    "error_mid": "reported an error in the middle of the answer (memory)",
    "hang": "no token within 0.5 s of the request",
    "hang_mid": "no further token for 0.5 s",
    "drip": "no token within 0.5 s of the request",
    "drip_head": "no token within 0.5 s of the request",
    "endless": "the answer is larger than 200000 bytes",
    "too_slow": "the answer was not finished after 1.5 s",
    "wrong_model": "answered with another model than gemma3:latest",
    "redirect": "redirects elsewhere (status 302)",
    "schema_ignored": "is not the JSON object that was asked for",
    "markup": "is not the JSON object that was asked for",
    "echo": "is not the JSON object that was asked for",
    "invent": "names something that was not offered",
    "ctx_silent": "the server read only a part of the prompt",
    "no_count": "did not say how many prompt tokens it read",
    "length": "cut off at its longest allowed length",
    "400ctx": "prompt did not fit in num_ctx",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two result files and profiles whose deadlines suit a test."""
    folder = tmp_path_factory.mktemp("failing")
    (folder / "data").mkdir()
    rows = [*corpus.suite(), *corpus.suite("other:2b", 80.0)]
    (folder / "data" / "suite.csv").write_text(corpus.csv_text(rows, corpus.REQUEST_COLUMNS), encoding="utf-8")
    document = yaml.safe_load((schemas.folder() / "profiles.yaml").read_text(encoding="utf-8"))
    bounds = {"connect_s": 1, "first_token_s": 0.5, "idle_s": 0.5, "total_s": 1.5, "max_bytes": 200_000}
    document["profiles"] = {
        "quick": {**document["profiles"]["baseline"], "deadlines": bounds, "mode": "select"},
    }
    (folder / "profiles.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder, its profiles and nothing else of the environment."""
    monkeypatch.chdir(home)
    for name in ("DAGSTER_HOME", "CHIMERA_LLM", "CHIMERA_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHIMERA_PROFILES", str(home / "profiles.yaml"))


def chimera(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


THROUGH_THE_COMMAND = tuple(MODES) if os.environ.get("EXHAUSTIVE") else ("down", "404", "500", "hang_mid", "invent")
"""Modes that are met through the command as well: each ends there in the same few lines."""


@contextmanager
def failing(mode: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that fails in this way, as OLLAMA_HOST."""
    models = ("llama3:8b",) if mode == "no such model" else ("gemma3:latest",)
    server = nullcontext() if mode in ("down", "refused") else OllamaServer(mode, models=models)
    with server as double:
        host = {"down": f"127.0.0.1:{free_port()}", "refused": "10.1.2.3:11434"}.get(mode) or double.host
        monkeypatch.setenv("OLLAMA_HOST", host)
        yield


@pytest.mark.parametrize("mode", MODES)
def test_a_failing_server_costs_the_choice_and_nothing_else(
    mode: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = time.monotonic()
    with failing(mode, monkeypatch):
        made = material(home / "data", home / "out", llm="ollama", profile="quick")
    assert time.monotonic() - started < 60  # deadlines, and at most three tries for each of two agents
    narrative = made.analysis["narrative"]
    assert narrative["mode"] == "deterministic"
    assert MODES[mode] in narrative["reason"]
    assert "SECRET" not in json.dumps(narrative)
    published = publication.publish(Lake(tmp_path), publication.made(made))
    assert published["refused"] is None
    text = Path(published["md"]).read_text(encoding="utf-8")
    assert MODES[mode].partition(" (")[0] in text.replace("`", "")
    assert "other:2b" in text
    assert "SECRET" not in text


@pytest.mark.parametrize("mode", THROUGH_THE_COMMAND)
def test_the_command_says_what_failed_and_ends_with_4(
    mode: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with failing(mode, monkeypatch):
        code = chimera(monkeypatch, "run", "data", "--llm", "ollama", "--profile", "quick", "--json", "--require-llm")
    printed, said = capsys.readouterr()
    assert code == 4, said
    result = json.loads(printed)
    assert MODES[mode] in said
    assert "Traceback" not in said
    assert "SECRET" not in said + printed
    assert result["durations_s"]["analysis"] < 60
    assert result["narrative"]["mode"] == "deterministic"
    text = Path(result["reports"][0]["md"]).read_text(encoding="utf-8")
    assert MODES[mode].partition(" (")[0] in text.replace("`", "")
    assert "other:2b" in text
    assert result["claims"]["supported"] == result["claims"]["total"]


def test_absurd_durations_are_unknown_and_the_answer_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with OllamaServer("bignum") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        code = chimera(monkeypatch, "run", "data", "--llm", "ollama", "--profile", "quick", "--json", "--require-llm")
    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert result["narrative"]["mode"] == "select"
    assert result["llm"]["load_duration_s"] is None
    assert result["llm"]["throughput_tokens_per_s"] is None


def test_without_the_flag_a_failure_is_no_error_and_the_next_run_asks_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = ("run", "data", "--llm", "ollama", "--profile", "quick", "--json")
    with OllamaServer("500") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        assert chimera(monkeypatch, *asking) == 0
        assert json.loads(capsys.readouterr().out)["narrative"]["mode"] == "deterministic"
        server.mode = "good"
        assert chimera(monkeypatch, *asking) == 0
        assert json.loads(capsys.readouterr().out)["narrative"]["mode"] == "select"
        asked = len(server.bodies)
        assert chimera(monkeypatch, *asking) == 0
        assert len(server.bodies) == asked  # nothing changed, nothing is asked
