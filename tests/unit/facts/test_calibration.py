"""The published calibration, held to a small seeded run of the bench, and the goals it must meet."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from chimera_pipeline.facts.comparisons_verdict import benjamini_hochberg
from chimera_pipeline.facts.history_changes import search

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = ROOT / "benchmarks" / "calibration.py"
    spec = importlib.util.spec_from_file_location("calibration", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def published(section: str, *key: str) -> dict[str, str]:
    """A row of the tables in docs/statistics.md by its first cells: column -> cell."""
    text = (ROOT / "docs" / "statistics.md").read_text("utf-8")
    part = text.partition(f"### {section}")[2].partition("\n###")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"]
    (row,) = [row for row in rows if tuple(row[: len(key)]) == key]
    return dict(zip(rows[0], row, strict=True))


@pytest.mark.parametrize("noise", ["Gaussian", "heavy tails (t, 3 df)", "bimodal"])
def test_published_rates_on_single_series_hold_in_a_small_run(bench: ModuleType, noise: str) -> None:
    shown = published("One series", noise, "20")["ours"].split(" / ")
    for place, step in ((0, 0.0), (2, 0.02), (3, 0.05)):
        rate = float(shown[place])
        found = float((bench.ours(bench.draw(noise, 150, 20, step, seed=1)) <= 0.05).mean())
        spread = np.sqrt(max(rate * (1 - rate), 0.01) * (1 / 150 + 1 / 800))
        assert abs(found - rate) <= 4 * spread, (step, rate, found)


def test_a_null_family_rarely_raises_any_alarm(bench: ModuleType) -> None:
    assert bench.any_alarm("Gaussian", 20, 50, 40, seed=2) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40)


def test_false_discoveries_of_a_mixed_family_stay_few(bench: ModuleType) -> None:
    rate, found = bench.mixed("Gaussian", 50, 8)["ours"]
    assert rate <= 0.12
    assert found >= 0.9


def test_every_published_null_family_keeps_to_five_percent() -> None:
    text = (ROOT / "docs" / "statistics.md").read_text("utf-8")
    part = text.partition("### All-null families")[2].partition("\n###")[0]
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|.* ([\d.]+) \|$", part, re.MULTILINE)
    assert len(rows) == 125
    repeats = {"1": 800, "3": 400, "10": 400, "100": 150, "1000": 40}
    over = [
        (noise, points, size, float(rate))
        for noise, points, size, rate in rows
        if float(rate) > 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats[size])
    ]
    assert over == []


def test_the_search_is_the_same_for_the_same_seed(bench: ModuleType) -> None:
    values = list(bench.draw("Gaussian", 5, 40))
    assert search(values) == search(values)
    assert benjamini_hochberg([]).size == 0
