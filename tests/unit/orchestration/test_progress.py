"""What a run does is told to whoever listens, and to nobody else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from chimera_pipeline.orchestration import progress
from tests import corpus

ROOT = Path(__file__).resolve().parents[3]


def test_a_listener_hears_only_within_its_block() -> None:
    heard: list[str] = []
    progress.tell("before")
    with progress.heard_by(heard.append):
        progress.tell("reading 2 files")
    progress.tell("after")
    assert heard == ["reading 2 files"]


def test_a_terminal_sees_the_stages_and_stdout_only_the_path(tmp_path: Path) -> None:
    corpus.tree(tmp_path / "data")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "chimera_pipeline.cli", "run", "data", "--llm", "none"]
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment
    ) as run:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        assert run.stdout is not None
        assert run.stdout.read() == "chimera-out/reports/all/report.md\n"
    os.close(ours)
    for stage in (b"taking stock", b"settling", b"computing the facts of all", b"auditing it"):
        assert stage in shown
