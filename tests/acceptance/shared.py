"""Where the sample files lie that are not part of this project, and how a test says that they are absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data beside the checkout")


def oracle() -> dict[str, Any]:
    """What is true of each sample file, computed independently."""
    loaded: dict[str, Any] = json.loads((DATA / "ORACLE.json").read_text(encoding="utf-8"))
    return loaded
