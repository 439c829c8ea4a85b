"""Finds and loads the YAML files under `schemas/` (beside the package in a checkout, inside it in a wheel)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from chimera_pipeline.errors import ContractError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@lru_cache(maxsize=1)
def folder() -> Path:
    """The folder `schemas/`. Raises ContractError where it is missing."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "schemas", package.parent / "schemas"):
        if (candidate / "metrics.yaml").is_file():
            return candidate
    raise ContractError(f"schemas/metrics.yaml is neither in {package} nor beside it; reinstall the package")


def load(path: Path) -> Any:
    """The parsed YAML of `path`. Raises ContractError naming file and line."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - the C build of SafeLoader
    except (OSError, yaml.YAMLError) as error:
        raise ContractError(f"{path.name}: {error}") from error
