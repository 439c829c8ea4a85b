"""Errors that a newcomer is likely to meet in the first hour: one line that says what to do, the right exit code.

The table in docs/howto/troubleshooting.md is the list: what stands there is typed here, and what it promises is seen.
"""

from __future__ import annotations

import http.server
import re
import shlex
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import corpus
from tests.e2e.test_cli import chimera

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "troubleshooting.md"
ROW = re.compile(r"^\| `((?:\w+=\S+ )?chimera[^`]*)` \| (\d+) \| `([^`]+)` \| (.+) \|$", re.MULTILINE)
ERRORS = ROW.findall(PAGE.read_text("utf-8"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A newcomer's folder: results, a broken file, a report, facts that are none; no run yet."""
    corpus.tree(tmp_path / "data")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text('{"results": [{"ttft_s": 0.1', encoding="utf-8")
    (tmp_path / "report.md").write_text("TTFT was 0.1 s.\n", encoding="utf-8")
    (tmp_path / "half.json").write_text('{"facts": [', encoding="utf-8")
    (tmp_path / "other.json").write_text('{"results": []}', encoding="utf-8")
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "mine.yaml").write_text("tool: mine\n", encoding="utf-8")
    return tmp_path


def test_the_page_lists_twenty_errors_and_more_each_with_what_to_do() -> None:
    text = PAGE.read_text("utf-8")
    table = text[text.index("## Errors of the first hour") : text.index("## It works, and")]
    assert len(ERRORS) == table.count("\n| `") >= 20
    assert {int(code) for _, code, *_ in ERRORS} == {2, 3, 4, 74}


@pytest.mark.parametrize(("typed", "code", "said", "remedy"), ERRORS, ids=[typed for typed, *_ in ERRORS])
def test_an_error_of_the_first_hour(home: Path, typed: str, code: str, said: str, remedy: str) -> None:
    words = shlex.split(typed)
    environment = dict(word.split("=", 1) for word in words[: words.index("chimera")])
    done = chimera(*words[words.index("chimera") + 1 :], cwd=home, **environment)
    text = " ".join(done.stderr.replace("│", " ").split())
    assert done.returncode == int(code), text
    assert said in text
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 7
    assert remedy


@pytest.mark.parametrize("arguments", [["facts"], ["quarantine"], ["explain", "x.csv"], ["audit", "report.md"]])
def test_before_the_first_run_every_command_says_so(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "report.md").write_text("TTFT was 0.1 s.\n", encoding="utf-8")
    done = chimera(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "run: chimera run ARTIFACTS" in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "report.md"]


def test_a_wrong_profile_is_said_before_anything_is_read(home: Path) -> None:
    done = chimera("run", "data", "--profile", "fast", cwd=home)
    assert done.returncode == 2
    assert list(home.rglob("*.parquet")) == []


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
