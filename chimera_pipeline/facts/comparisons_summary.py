"""Many comparisons for a reader: a Markdown summary for a pull request, and lines for a terminal.

What changed comes first and in full; what did not is counted, folded and cut, so that a pull request can hold it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from chimera_pipeline import wording
from chimera_pipeline.facts.comparisons_text import ORDER, WORDS, change_words, ordered, sentence
from chimera_pipeline.facts.comparisons_verdict import (
    EQUIVALENT,
    IMPROVEMENT,
    INSUFFICIENT,
    NO_DIFFERENCE,
    NOT_COMPARABLE,
    REGRESSION,
    Comparison,
)

OPEN_ROWS = 20
"""Up to this many decided comparisons stand in one table; beyond, those without a clear difference are folded."""
MOST_ROWS = 60
HEAD = (
    "| verdict | series | metric | base | head | change (95 % interval) | n | q |",
    "|---|---|---|--:|--:|--:|--:|--:|",
)


def as_markdown(comparisons: Sequence[Comparison], *, base: str = "base", head: str = "head") -> str:
    """A summary for a pull request: the verdict in the first line, what changed, and the rest folded."""
    found = ordered(comparisons)
    both = [one for one in found if not one.only_in]
    shared = _shared(both)
    changed = [one for one in both if one.verdict in (REGRESSION, IMPROVEMENT)]
    same = [one for one in both if one.verdict in (NO_DIFFERENCE, EQUIVALENT)]
    undecided = [one for one in both if one.verdict in (INSUFFICIENT, NOT_COMPARABLE)]
    lines = [f"## {title(found)}", "", f"`{_cell(head)}` against `{_cell(base)}`: {counts(found)}.", ""]
    if shared:
        lines += [f"Common to all: {_cell(', '.join(shared))}.", ""]
    if len(changed) + len(same) <= OPEN_ROWS:
        changed, same = [*changed, *same], []
    if changed:
        lines += [*HEAD, *_cut([_row(one, shared) for one in changed], "| {} more are in --json | | | | | | | |"), ""]
    if same:
        rows = _cut([_row(one, shared) for one in same], "| {} more are in --json | | | | | | | |")
        lines += _folded(f"{len(same)} without a clear difference", [*HEAD, *rows])
    if undecided:
        why = _cut([f"- {_cell(sentence(one))}" for one in undecided], "- {} more are in --json")
        lines += _folded(f"Why {len(undecided)} could not be decided", why)
    for side in ("base", "head"):
        names = [f"- {_cell(_series(one, []))}" for one in found if one.only_in == side]
        if names:
            lines += _folded(f"{len(names)} only in the {side}", _cut(names, "- {} more are in --json"))
    return "\n".join(lines)


def as_lines(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Lines for a terminal: the verdict, what changed, and at most `MOST_ROWS` of each other kind."""
    found = ordered(comparisons)
    yield f"{title(found)}: {counts(found)}"
    for verdict in ORDER:
        told = [f"{WORDS[verdict]}: {sentence(one)}" for one in found if one.verdict == verdict and not one.only_in]
        most = len(told) if verdict in (REGRESSION, IMPROVEMENT) else MOST_ROWS
        yield from _cut(told, f"{WORDS[verdict]}: {{}} more are in --json", most)


def title(comparisons: Sequence[Comparison]) -> str:
    """The verdict of all comparisons in a few words."""
    bad = sum(one.verdict == REGRESSION for one in comparisons)
    if bad:
        return f"{wording.count(bad, 'regression')} found"
    decided = any(one.verdict in (IMPROVEMENT, NO_DIFFERENCE, EQUIVALENT) for one in comparisons)
    return "No regression found" if decided else "Nothing could be decided"


def counts(comparisons: Iterable[Comparison]) -> str:
    """How many comparisons have each verdict, and how many series only one side has."""
    found = list(comparisons)
    by_verdict = Counter(one.verdict for one in found if not one.only_in)
    parts = [_number(by_verdict[verdict], WORDS[verdict]) for verdict in ORDER if by_verdict[verdict]]
    for side in ("base", "head"):
        lone = sum(one.only_in == side for one in found)
        parts += [f"{wording.count(lone, 'series', 'series')} only in the {side}"] if lone else []
    return ", ".join(parts) if parts else "no series to compare"


def _number(count: int, words: str) -> str:
    return wording.count(count, words) if words in ("regression", "improvement") else f"{count} {words}"


def _cut(lines: list[str], more: str, most: int = MOST_ROWS) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], more.format(len(lines) - most)]


def _folded(summary: str, lines: list[str]) -> list[str]:
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>", ""]


def _shared(comparisons: Sequence[Comparison]) -> list[str]:
    """The parts of the condition that all series have, where there are two series or more."""
    conditions = {one.condition for one in comparisons}
    if len(conditions) < 2:
        return []
    parts = [set(condition.split(", ")) for condition in conditions]
    return [part for part in next(iter(sorted(conditions))).split(", ") if all(part in found for found in parts)]


def _series(found: Comparison, shared: Sequence[str]) -> str:
    own = ", ".join(part for part in found.condition.split(", ") if part not in shared)
    return f"{found.entity} ({own})" if own else found.entity


def _row(found: Comparison, shared: Sequence[str]) -> str:
    values = [wording.quantity(v, found.unit) if v is not None else "" for v in (found.base_value, found.head_value)]
    q = wording.number(found.q, 2) if found.q is not None else ""
    cells = [
        WORDS[found.verdict],
        _series(found, shared),
        found.label,
        *values,
        change_words(found),
        f"{found.n_base} / {found.n_head}",
        q,
    ]
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    """Text that cannot break a Markdown table or open a tag."""
    for before, after in (("\\", "\\\\"), ("|", "\\|"), ("`", "'"), ("<", "&lt;"), ("\n", " ")):
        text = text.replace(before, after)
    return text
