"""Which code is this: what --version and the report say."""

import re
import subprocess
from pathlib import Path

from chimera_pipeline import __version__, versions

ROOT = Path(__file__).resolve().parents[2]


def test_the_line_names_version_python_and_dagster() -> None:
    assert re.fullmatch(
        rf"chimera_pipeline {re.escape(__version__)} \((no commit|[0-9a-f]+\+?)\), Python 3\.[\d.]+, dagster 1\.[\d.]+",
        versions.line(),
    )


def test_in_a_checkout_the_commit_is_the_one_that_git_names() -> None:
    if not (ROOT / ".git").exists():
        built = ROOT / "chimera_pipeline" / "COMMIT"
        assert versions.commit() == (built.read_text("utf-8").strip() if built.is_file() else None)
        return
    head = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    found = versions.commit()
    assert found is not None
    assert head.startswith(found.rstrip("+"))
