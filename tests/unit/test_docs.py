"""The documents are held to the code."""

from __future__ import annotations

import re
from pathlib import Path

from chimera_pipeline.errors import Reason

ROOT = Path(__file__).resolve().parents[2]


def test_every_reason_code_has_its_section_and_no_section_is_left_over() -> None:
    text = (ROOT / "docs/reason-codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == [reason.value for reason in Reason]


def test_every_room_of_the_package_is_in_the_architecture() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    folders = [path for path in (ROOT / "chimera_pipeline").iterdir() if path.is_dir()]
    rooms = {path.name for path in folders if path.name != "__pycache__"}
    assert rooms == set(re.findall(r"^- \*\*(\w+)\*\*:", text, re.MULTILINE)) | {"contracts"}
