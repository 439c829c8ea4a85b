"""Our own reports pass our own gate: whole folders, and random subsets of other people's files, many of them odd."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from chimera_pipeline.orchestration import publication
from chimera_pipeline.orchestration.lake import Lake
from tests.material import material

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
SUBSETS = 36 if os.environ.get("EXHAUSTIVE") else 18
"""How many random subsets of other people's files: 36 with EXHAUSTIVE=1."""


def refused(artifacts: Path, out: Path) -> list[str]:
    """What the gate says against the report over `artifacts`."""
    made = material(artifacts, out)
    published = publication.publish(Lake(out), publication.made(made))
    assert published["audit"]["numbers"] > 0
    assert (out / "reports/all/report.md").is_file() is published["audit"]["passed"]
    return list(published["audit"]["first"])


@pytest.mark.parametrize("folder", ["examples/artifacts", "examples/synthetic_history"])
def test_a_report_over_the_examples_is_published(folder: str, tmp_path: Path) -> None:
    if not (ROOT / folder).is_dir():
        pytest.skip(f"{folder} is not here")
    assert refused(ROOT / folder, tmp_path) == []


@pytest.mark.parametrize("folder", [".", "chimera", "chimera_extra", "chimera_extra/chimera_sweep", "tools"])
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")
def test_a_report_over_other_peoples_files_is_published(folder: str, tmp_path: Path) -> None:
    assert refused(SHARED / folder, tmp_path) == []
    if folder == "chimera":  # a large tree: its page stays below the budget of a page
        text = (tmp_path / "reports/all/report.html").read_text()
        assert len(text.encode()) < 500_000
        assert text.count("<figure") >= 12


@pytest.mark.parametrize("seed", range(SUBSETS))
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")
def test_a_report_over_a_random_subset_is_published(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    files = sorted(path for path in SHARED.rglob("*") if path.is_file() and path.suffix != ".py")
    chosen = rng.sample(files, rng.choice((1, 2, 5, 12, 30)))
    for path in chosen:
        copy = tmp_path / "artifacts" / path.relative_to(SHARED)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    assert refused(tmp_path / "artifacts", tmp_path / "out") == []
