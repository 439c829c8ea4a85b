"""Which fact a mark such as [F12] stands for: read from the report's own list of labels and fact ids.

A list is any table whose rows begin with a label and hold the id of a known fact in a cell of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from chimera_pipeline.audit.blocks import Block
from chimera_pipeline.audit.facts_view import FactView

LABEL = re.compile(r"[A-Z]{1,3}\d{1,6}")
_MARK = re.compile(r"\[([A-Z]{1,3}\d{1,6})\]")


def label_of_link(target: str) -> str:
    """The label that a link within a page leads to: `F12` of `#F12`; nothing for any other target."""
    label = target.removeprefix("#")
    return label if target.startswith("#") and LABEL.fullmatch(label) else ""


class Citations:
    """Label -> fact, and the facts that a text cites."""

    def __init__(self, blocks: Iterable[Block], facts: Sequence[FactView]) -> None:
        self.by_id: Mapping[str, FactView] = {fact.id: fact for fact in facts}
        self.labels: dict[str, FactView] = {}
        for block in blocks:
            if block.table is None or len(block.cells) < 2 or not LABEL.fullmatch(block.cells[0].strip()):
                continue
            fact = next((self.by_id[cell] for cell in map(_id, block.cells[1:]) if cell in self.by_id), None)
            if fact is not None:
                self.labels.setdefault(block.cells[0].strip(), fact)

    def of_row(self, cells: Sequence[str]) -> FactView | None:
        """The one fact that a row cites: by a fact id, else by a single mark in a cell of its own."""
        for cell in map(_id, cells):
            if cell in self.by_id:
                return self.by_id[cell]
        cited = [label for cell in cells for label in [_MARK.fullmatch(cell.strip())] if label]
        return self.labels.get(cited[0].group(1)) if len(cited) == 1 else None

    def of_text(self, text: str) -> dict[int, FactView]:
        """The facts that a sentence cites, by the places of their marks."""
        marks = ((mark.start(), mark.group(1)) for mark in _MARK.finditer(text))
        return {start: self.labels[label] for start, label in marks if label in self.labels}


def _id(cell: str) -> str:
    """The fact id that a cell holds or begins with."""
    return cell.strip().strip("`").replace("\\", "").partition(" ")[0]
