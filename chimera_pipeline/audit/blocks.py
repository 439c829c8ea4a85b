"""A report as blocks in reading order: passages and table rows, each with its line and the texts it stands under.

`markdown_blocks` and `html_blocks` make them; nothing here knows which. Splitting a passage into sentences is here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table's header cells; `scope` are the texts it stands under, nearest last."""

    header: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A passage (`cells` empty) or a table row. `line` counts from 1; `scope` runs from outer to inner."""

    text: str
    line: int
    scope: tuple[str, ...]
    paragraph: int
    table: Table | None = None
    cells: tuple[str, ...] = ()
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as written, with the line it begins in."""

    text: str
    line: int


_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|approx|ca|cf|etc|resp|fig|figs|no|nr|sec|eq|al|incl|max|min|avg|dev|std|z\.b|bzw|dr|mr|ms|inc|st|vol|"
    r"est|p|pp|c|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec)|\b[A-Za-z])\.$",
    re.IGNORECASE,
)
_END = re.compile(
    r"[.!?](?:[\"'”’)\]*_`]*)(?=\s+)|\n(?=\s*(?:\*\*[^*\n]{1,60}:?\*\*:?|[A-Z][\w ()/-]{1,40}:\s))|(?:  |\\)\n"
)


def sentences(text: str, line: int) -> Iterator[Sentence]:
    """The sentences of a passage that begins in `line`."""
    begin = 0
    for match in _END.finditer(text):
        end = match.end()
        if match.group()[0] in ".!?" and not _ends(text, match.start(), end):
            continue
        yield from _sentence(text, begin, end, line)
        begin = end
    yield from _sentence(text, begin, len(text), line)


def _ends(text: str, mark: int, end: int) -> bool:
    if text[mark] != ".":
        return True
    head = text[: mark + 1]
    after = text[end:].lstrip()
    if _ABBREVIATION.search(head[-8:]) and not re.search(r"\b(?:ms|s|min|max|st|p|no|c)\.$", head[-6:], re.IGNORECASE):
        return False
    if re.search(r"(?:^|[\s(])(?:vs|approx|ca|c|no|fig|p|pp)\.$", head[-9:], re.IGNORECASE):
        return False
    if re.search(r"(?:^|\n)[\s*_#>(]*\d{1,3}\.$", head):
        return False
    return not (after[:1].islower() and not re.match(r"[a-z][\w.-]*[:\d]", after) and re.search(r"\b\w{1,4}\.$", head)
                and not re.search(r"(?:\d|\b(?:s|ms|us|it|gb|mb|tok))\.$", head, re.IGNORECASE))  # fmt: skip


def _sentence(text: str, begin: int, end: int, line: int) -> Iterator[Sentence]:
    piece = text[begin:end]
    stripped = piece.strip().rstrip("\\")
    if stripped:
        offset = begin + len(piece) - len(piece.lstrip())
        yield Sentence(" ".join(stripped.split()), line + text.count("\n", 0, offset))


_SUBJECT = re.compile(
    r"^\W*(?:models?|model name|models? tested|entity|series|system under test|engine|backend|kernel|subject|"
    r"candidate)\W*[:=]\W*(.+)$",
    re.IGNORECASE,
)


def subject_of(text: str) -> str | None:
    """What a line such as "**Model:** NAME" declares as the subject of what follows."""
    match = _SUBJECT.match(text.strip())
    return match.group(1) if match else None


class ScopeStack:
    """The texts a block stands under: title block, headings, list items and lead-ins."""

    def __init__(self, outer: tuple[str, ...] = ()) -> None:
        self._outer = outer
        self._headings: list[tuple[int, str]] = []
        self._subjects: list[tuple[int, str]] = []
        self._lead: str | None = None
        self._pseudo: str | None = None
        self.items: list[str] = []

    def heading(self, level: int, text: str) -> None:
        """Open the section `text`; sections of the same or a deeper level close."""
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._subjects = [(at, name) for at, name in self._subjects if at < level]
        self._headings.append((level, text))
        self._lead = self._pseudo = None

    def passage(self, text: str) -> None:
        """Note what a passage leaves behind: a subject, a bold line as heading, or a lead-in that ends with a colon."""
        subject = subject_of(text)
        if subject and not self.items:
            level = self._headings[-1][0] if self._headings else 0
            self._subjects = [(at, name) for at, name in self._subjects if at != level] + [(level, subject)]
            return
        plain = text.strip()
        if re.fullmatch(r"(?:\*\*|__)[^*]+(?:\*\*|__):?", plain):
            self._pseudo, self._lead = plain, None
        elif plain.endswith((":", ":**", "：")):
            self._lead = plain
        else:
            self._lead = None

    def current(self) -> tuple[str, ...]:
        """The texts above the present place, outer first."""
        texts = list(self._outer)
        for level in sorted({level for level, _ in (*self._headings, *self._subjects)}):
            texts += [text for at, text in self._headings if at == level]
            texts += [text for at, text in self._subjects if at == level]
        texts += [text for text in (self._pseudo, self._lead) if text]
        return tuple(texts + self.items)

    def close_lead(self) -> None:
        """Forget the lead-in: the list or table it announced has ended."""
        self._lead = None
