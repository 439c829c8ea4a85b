"""`chimera run` with a renderer that prints wrong numbers: nothing is published, and the user learns what and why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from tests import corpus

BROKEN = r"""
import re
from chimera_pipeline.report import markdown
sound = markdown.numbers
markdown.numbers = lambda value: re.sub(r"^(\d+[.]\d+)", r"9\1", sound(value))
from chimera_pipeline.cli import main
main()
"""


def test_a_run_whose_report_is_refused_exits_with_3_and_says_which_sentence_and_why(tmp_path: Path) -> None:
    corpus.tree(tmp_path / "data")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CHIMERA_", "DAGSTER_"))}
    command = ["run", "data", "--llm", "none", "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, *command],
        cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "is contradicted" in done.stderr
    assert "report.md.rejected" in done.stderr
    folder = tmp_path / "out/reports/all"
    assert sorted(path.name for path in folder.iterdir()) == ["checks.html", "report.md.rejected"]
    assert len(pd.read_parquet(tmp_path / "out/tables/facts")) > 0
    checks = pd.read_parquet(tmp_path / "out/tables/checks")
    (check,) = checks[checks["expectation"] == "audit"].to_dict("records")
    assert (check["passed"], check["severity"]) == (False, "ERROR")
    assert json.loads(check["observed"])["contradicted"] > 0
