"""A finished report of our own, changed in one place at a time: the gate sees what a reader would be misled by.

Numbers of the whole document are changed, and names, statistics, units and directions, each drawn with a seed; with
EXHAUSTIVE=1 every number is.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chimera_pipeline.audit import FactView, facts_from_frame, facts_of_store, gate
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.orchestration import publication
from chimera_pipeline.report import markdown
from tests import corpus
from tests.material import material

NUMBER = re.compile(
    r"(?:(?<=\bn=)|(?<![\w.=:/#@`-]))\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?![\w`]|[-:/]\d|\.\d| %? ?interval| % interval)"
)
WORDS = (
    ("| mean |", "| median |"), ("| p90 |", "| p99 |"), ("| min |", "| max |"), ("mean warm", "median warm"),
    ("tokens/s (n", "tokens/min (n"), (" s (n=", " ms (n="), ("| s |", "| ms |"), ("| tokens/s |", "| requests/s |"),
    ("tiny:1b |", "tiny:2b |"), ("tiny:1b (", "tiny:3b ("), ("| cold", "| warm"), ("| warm", "| cold"),
    ("mean cold", "mean warm"), ("**better**", "**worse**"), ("faster in", "slower in"), ("higher in", "lower in"),
)  # fmt: skip
SHARE = 0.99


class Report:
    """The report of the small corpus, with all that the gate needs."""

    def __init__(self, folder: Path) -> None:
        corpus.tree(folder / "data")
        made = material(folder / "data", folder / "out")
        view = publication.view_of(made)
        rendered = markdown.render(view)
        self.text, self.numbers = rendered.text, rendered.numbers
        self.facts: list[FactView] = facts_from_frame(facts_room.to_frame(made.facts))
        self.store = facts_of_store(made.artifacts, made.gaps, view["run"])

    def passes(self, text: str) -> bool:
        return gate(text, self.facts, self.numbers, store=self.store).passed


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return Report(tmp_path_factory.mktemp("report"))


def changed_numbers(report: Report) -> Iterator[str]:
    """Every number of a line that prints numbers, its first digit changed."""
    lines = report.text.split("\n")
    for line in sorted(report.numbers):
        for match in NUMBER.finditer(lines[line - 1]):
            quoted = lines[line - 1][: match.start()].count("`") % 2  # what a reader said of a file, word for word
            if match.start() == 0 or quoted:  # at the start: the number of a list item
                continue
            digit = next(at for at in range(*match.span()) if lines[line - 1][at].isdigit())
            old = lines[line - 1]
            new = old[:digit] + str(int(old[digit]) % 9 + 1) + old[digit + 1 :]
            yield "\n".join([*lines[: line - 1], new, *lines[line:]])


def changed_words(report: Report, rng: random.Random) -> Iterator[str]:
    """Names, units, statistics and directions in lines that print numbers, up to six places of each."""
    for old, new in WORDS:
        places = [match.start() for match in re.finditer(re.escape(old), report.text)]
        places = [at for at in places if report.text.count("\n", 0, at) + 1 in report.numbers]
        for at in rng.sample(places, min(6, len(places))):
            yield report.text[:at] + new + report.text[at + len(old) :]


def test_the_report_itself_passes(report: Report) -> None:
    assert report.passes(report.text)


def test_a_changed_number_anywhere_in_the_document_is_refused(report: Report) -> None:
    mutants = list(changed_numbers(report))
    assert len(mutants) >= 0.95 * sum(report.numbers.values())
    drawn = random.Random(4).sample(mutants, len(mutants) if os.environ.get("EXHAUSTIVE") else min(60, len(mutants)))
    missed = [_difference(report.text, mutant) for mutant in drawn if report.passes(mutant)]
    print(f"{len(drawn)} of {len(mutants)} changed numbers, {len(missed)} missed: {missed}")
    assert len(missed) <= (1 - SHARE) * len(drawn), missed


def test_a_changed_name_unit_statistic_or_direction_is_refused(report: Report) -> None:
    mutants = list(changed_words(report, random.Random(5)))
    missed = [_difference(report.text, mutant) for mutant in mutants if report.passes(mutant)]
    print(f"{len(mutants)} changed words, {len(missed)} missed: {missed}")
    assert len(mutants) >= 30
    assert len(missed) <= (1 - SHARE) * len(mutants), missed


def _difference(old: str, new: str) -> str:
    return next(b for a, b in zip(old.split("\n"), new.split("\n"), strict=True) if a != b)[:200]
