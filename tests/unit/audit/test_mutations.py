"""A true report with one thing changed at a time: the auditor must notice.

Numbers, units, names, direction words, statistic words and phases are changed in place; a mutant is caught when the
report is no longer supported.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from chimera_pipeline.audit import AuditResult, FactView, Verdict, audit
from chimera_pipeline.audit.facts_read import facts_from_rows

HERE = Path(__file__).parent
SEED = 20_250_101
NAMES = ("nova3:latest", "nova3:1b-q8", "orca2:7b-chat-q4_0", "mistral:7b")
SWAPS = {
    "direction": {
        "faster": "slower",
        "slower": "faster",
        "lower": "higher",
        "more": "less",
        "less": "more",
        "shorter": "longer",
        "highest": "lowest",
        "lowest": "highest",
    },
    "statistic": {
        "mean": "median",
        "Mean": "Median",
        "median": "mean",
        "maximum": "minimum",
        "minimum": "maximum",
        "averaged": "had a median of",
        "Peak": "Mean",
        "SD": "Max",
        "sd": "max",
    },
    "phase": {"cold": "warm", "warm": "cold", "Warm": "Cold"},
    "unit": {"tok/s": "ms", "ms": "s", "s": "ms", "GB": "MB", "%": "x", "x": "%"},
}
# Changed sentences that are true all the same.
STILL_TRUE = (
    "orca2:7b-chat-q4_0 is slower than nova3:1b-q8 in cold TTFT",
    "nova3:latest is slower than nova3:1b-q8 in warm TTFT",
)


@dataclass(frozen=True)
class Mutant:
    kind: str
    what: str
    line: int
    text: str


@pytest.fixture(scope="module")
def facts() -> list[FactView]:
    return facts_from_rows(yaml.safe_load((HERE / "sentences.yaml").read_text(encoding="utf-8"))["facts"]["lab"])


@pytest.fixture(scope="module")
def report() -> str:
    return (HERE / "true_report.md").read_text(encoding="utf-8")


def _changed_number(text: str, rng: random.Random) -> str:
    """The number with its leading digit changed, or one digit more for small whole numbers."""
    first = next(index for index, char in enumerate(text) if char in "123456789")
    other = rng.choice([digit for digit in "123456789" if digit != text[first]])
    return text[:first] + other + text[first + 1 :]


def mutants(report: str) -> Iterator[Mutant]:
    """Every mutant of the report, in order."""
    rng = random.Random(SEED)
    for match in re.finditer(r"(?<![\w.:-])\d+(?:\.\d+)?(?![\w:-]*-\d\d|\d)", report):
        if "Date" in report[report.rfind("\n", 0, match.start()) : match.start()]:
            continue
        yield _mutant("number", report, match, _changed_number(match.group(), rng))
    for name in NAMES[:3]:
        for match in re.finditer(re.escape(name), report):
            yield _mutant("name", report, match, rng.choice([other for other in NAMES if other != name]))
    for kind, swaps in SWAPS.items():
        for word, other in swaps.items():
            for match in re.finditer(rf"(?<![\w/]){re.escape(word)}(?![\w/])", report):
                if kind == "unit" and not re.search(r"(?:\d ?|\(|\| )$", report[: match.start()]):
                    continue
                yield _mutant(kind, report, match, other)


def _mutant(kind: str, report: str, match: re.Match[str], other: str) -> Mutant:
    text = report[: match.start()] + other + report[match.end() :]
    return Mutant(kind, f"{match.group()} -> {other}", report.count("\n", 0, match.start()) + 1, text)


def test_the_report_itself_is_supported(report: str, facts: list[FactView]) -> None:
    result = audit(report, facts)
    assert [claim for claim in result.claims if claim.verdict is not Verdict.SUPPORTED] == []
    assert result.numbers == 49


@pytest.mark.slow
def test_99_percent_of_the_mutants_are_caught(report: str, facts: list[FactView]) -> None:
    found = list(mutants(report))
    found = [mutant for mutant in found if not any(sentence in mutant.text for sentence in STILL_TRUE)]
    missed = [mutant for mutant in found if _passes(audit(mutant.text, facts))]
    kinds = {kind: sum(mutant.kind == kind for mutant in found) for kind in ("number", "name", *SWAPS)}
    print(f"{len(found)} mutants {kinds}, {len(missed)} missed: {[(m.kind, m.what, m.line) for m in missed]}")
    assert min(kinds.values()) >= 5
    assert len(missed) / len(found) <= 0.01, [(m.kind, m.what, m.line) for m in missed]


def _passes(result: AuditResult) -> bool:
    return result.verdict is Verdict.SUPPORTED
