"""Which code is this: version, commit, and what it runs on."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

from chimera_pipeline import __version__

PACKAGE = "chimera-pipeline"
"""The name of the distribution."""


def line() -> str:
    """For `chimera --version`."""
    return (
        f"chimera_pipeline {this()}, Python {sys.version.split()[0]}, dagster {importlib.metadata.version('dagster')}"
    )


def this() -> str:
    """Version and commit of this package."""
    return f"{__version__} ({commit() or 'no commit'})"


def commit() -> str | None:
    """The commit of the checkout, else the one that was built or installed, `+` marking changes; None: not known."""
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / ".git").exists():
        return _of_checkout(checkout)
    built = Path(__file__).with_name("COMMIT")
    if built.is_file():
        return built.read_text(encoding="utf-8").strip() or None
    try:
        origin = importlib.metadata.distribution(PACKAGE).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    found = json.loads(origin or "{}").get("vcs_info", {}).get("commit_id")
    return str(found)[:12] if found else None


def _of_checkout(folder: Path) -> str | None:
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
