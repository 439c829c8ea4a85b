"""docs/modes.md is what the program prints from the examples."""

from __future__ import annotations

from pathlib import Path

from benchmarks import report_modes

ROOT = Path(__file__).parents[2]


def test_the_page_of_the_three_modes_is_current() -> None:
    shown = (ROOT / "docs" / "modes.md").read_text(encoding="utf-8")
    assert report_modes.page(str(ROOT / "examples" / "artifacts")) == shown, (
        "run: python benchmarks/report_modes.py --write docs/modes.md"
    )
