"""Writes the commit that a wheel or sdist is built of into it, as chimera_pipeline/COMMIT; `chimera --version` says it.

Without git or outside a checkout nothing is written; a wheel that is built from an sdist takes the file along.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface):
    """Found by hatchling through `[tool.hatch.build.hooks.custom]`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the file to what is built; an editable install asks git itself."""
        self._folder: str | None = None
        if version == "editable" or not (Path(self.root) / ".git").exists():
            return
        command = ["git", "-C", self.root, "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError):
            return
        self._folder = tempfile.mkdtemp()
        file = Path(self._folder) / "COMMIT"
        file.write_text(done.stdout, encoding="utf-8")
        build_data["force_include"][str(file)] = "chimera_pipeline/COMMIT"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The file is in what was built; its folder can go."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
