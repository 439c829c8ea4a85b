"""Errors that a newcomer is likely to meet in the first hour: one line that says what to do, the right exit code."""

from __future__ import annotations

import http.server
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import corpus
from tests.e2e.test_cli import chimera


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newcomer's folder: results, a broken file, a report, facts that are none; no run yet."""
    folder = tmp_path_factory.mktemp("first_hour")
    corpus.tree(folder / "data")
    (folder / "broken").mkdir()
    (folder / "broken" / "run.json").write_text('{"results": [{"ttft_s": 0.1', encoding="utf-8")
    (folder / "report.md").write_text("TTFT was 0.1 s.\n", encoding="utf-8")
    (folder / "half.json").write_text('{"facts": [', encoding="utf-8")
    (folder / "other.json").write_text('{"results": []}', encoding="utf-8")
    (folder / "a_file").write_text("", encoding="utf-8")
    (folder / "sources").mkdir()
    (folder / "sources" / "mine.yaml").write_text("tool: mine\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (["rn", "data"], {}, 2, "Did you mean 'run'?"),
        (["run", "data", "--perod", "all"], {}, 2, "--period"),
        (["run"], {}, 2, "Missing argument"),
        (["run", "dtaa"], {}, 2, "dtaa: no such folder or file"),
        (["run", "data", "--llm", "olama"], {}, 2, "'ollama'"),
        (["run", "data", "--period", "2025-13"], {}, 2, "YYYY-MM"),
        (["run", "data", "--profile", "fast"], {}, 2, "profiles are baseline"),
        (["run", "data", "--out", "."], {}, 2, "give a folder beside or inside"),
        (["run", "data", "--out", "a_file"], {}, 74, "cannot write to a_file"),
        (["run", "data", "--llm", "none", "--out", "o1"], {"CHIMERA_SOURCES": "nowhere"}, 2, "nowhere"),
        (["run", "data", "--llm", "none", "--out", "o2"], {"CHIMERA_SOURCES": "sources"}, 2, "mine.yaml:1"),
        (["run", "broken", "--strict", "--llm", "none", "--out", "o3"], {}, 3, "1 file is quarantined (run.json)"),
        (["audit", "reprot.md"], {}, 2, "reprot.md: No such file"),
        (["audit", "report.md", "--facts", "half.json"], {}, 2, "half.json: not JSON"),
        (["audit", "report.md", "--facts", "other.json"], {}, 2, "other.json: expected an object"),
        (["compare", "before", "after"], {}, 2, "before is neither a folder or file nor a period"),
        (["backfill", "data", "--from", "2025-01", "--to", "2024"], {}, 2, "two periods of one kind"),
        (["profiles", "compare", "baseline", "baseline"], {}, 2, "different profiles"),
        (["bench", "--llm", "ollama", "--model", "m"], {"OLLAMA_HOST": "127.0.0.1:1"}, 4, "ollama serve"),
        (["facts"], {"CHIMERA_PERIODD": "month"}, 2, "did you mean 'period'?"),
        (["facts"], {"CHIMERA_SETTLE_SECONDS": "soon"}, 2, "CHIMERA_SETTLE_SECONDS"),
        (["ui", "--port", "80000"], {}, 2, "65535"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_error_of_the_first_hour(
    home: Path, arguments: list[str], environment: dict[str, str], code: int, said: str
) -> None:
    done = chimera(*arguments, cwd=home, **environment)
    text = " ".join(done.stderr.replace("│", " ").split())
    assert done.returncode == code, text
    assert said in text
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 7


@pytest.mark.parametrize("arguments", [["facts"], ["quarantine"], ["explain", "x.csv"], ["audit", "report.md"]])
def test_before_the_first_run_every_command_says_so(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "report.md").write_text("TTFT was 0.1 s.\n", encoding="utf-8")
    done = chimera(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "run: chimera run ARTIFACTS" in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "report.md"]


def test_a_wrong_profile_is_said_before_anything_is_read(home: Path, tmp_path: Path) -> None:
    done = chimera("run", str(home / "data"), "--profile", "fast", cwd=tmp_path)
    assert done.returncode == 2
    assert list(tmp_path.rglob("*.parquet")) == []


@pytest.fixture
def taken() -> Iterator[int]:
    with socketserver.TCPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_port_in_use_names_another(home: Path, taken: int) -> None:
    done = chimera("ui", "--port", str(taken), cwd=home)
    assert done.returncode == 2
    assert f"port {taken}: Address already in use" in done.stderr
    assert f"--port {taken + 1}" in done.stderr
