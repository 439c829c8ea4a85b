"""The sample files against an independent count of each, as `python -m tests.acceptance.oracle` prints it."""

from __future__ import annotations

import pytest

from tests.acceptance import oracle as command
from tests.acceptance.oracle_disputes import DISPUTES
from tests.acceptance.shared import needs_data
from tests.acceptance.world import world

pytestmark = [needs_data, pytest.mark.shared]

# Files whose rows the oracle does not know (null), with the rows found and why they are right.
UNKNOWN = {
    "chimera/reports/llama3/ollama_benchmark_summary.md": (8, "rows of its two tables"),
    "chimera/reports/ollama/ollama_benchmark_summary.md": (8, "an exact copy of the one above"),
    "chimera/reports/quantization/quantization_report.md": (4, "as many as its json twin has"),
    "tools/ci-bench-fixtures/github-action-benchmark/issue16_output.txt": (2, "its two benchmarks"),
}


@pytest.fixture(scope="module")
def found() -> list[command.Comparison]:
    return [one for one, _ in command.comparisons()]


def test_every_figure_of_every_claimed_file_agrees_or_is_disputed_with_a_proof(found: list[command.Comparison]) -> None:
    assert command.open_disputes(found) == []
    assert len(found) > 140
    assert sum(len(one.compared) for one in found) > 3000


def test_a_wrong_figure_and_an_idle_dispute_are_told(found: list[command.Comparison]) -> None:
    wrong = command.Comparison("some/file.json")
    wrong.note("mean", 2.0, 2.0 * (1 + 1e-6))
    wrong.note("median", 2.0, 2.0)
    assert set(wrong.differs) == {"mean"}
    told = command.open_disputes([wrong])
    assert told[0] == "some/file.json: mean: not explained"
    assert len(told) == 1 + len(DISPUTES)


def test_rows_that_the_oracle_does_not_know_are_known_here(found: list[command.Comparison]) -> None:
    unknown = [one.path for one in found if "rows" in one.unknown]
    assert set(unknown) == set(UNKNOWN)
    for path in unknown:
        row = world().artifacts.loc[path]
        assert (row["rows_ok"], row["rows_failed"]) == (UNKNOWN[path][0], 0), path
