"""Rows of tables about the store and the run: files with their records, gaps with their places, stages, model calls.

Such a row is known by a header that names the figure word for word; its cells must name the thing word for word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from chimera_pipeline.audit import measures
from chimera_pipeline.audit.blocks import Block
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.judging import Ruling, best, contradicted, says, supported, unsupported
from chimera_pipeline.audit.lexicon import EntityRef
from chimera_pipeline.audit.numerals import Style, numerals
from chimera_pipeline.audit.sentence_state import Draft
from chimera_pipeline.audit.store_view import FIELD, METRICS
from chimera_pipeline.audit.tokens import Number

_UNESCAPED = re.compile(r"\\([^\w\s]|_)")


def unescaped(cell: str) -> str:
    """The text of a cell as Markdown shows it: without backslashes, entities and emphasis."""
    plain = cell.strip().strip("*`").strip()
    if "\\" in plain:
        plain = _UNESCAPED.sub(r"\1", plain)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") if "&" in plain else plain


class StoreRows:
    """Judges rows about the store by the facts of `store_view`."""

    def __init__(self, facts: Sequence[FactView]) -> None:
        self._facts: dict[tuple[str, str], list[FactView]] = defaultdict(list)
        for fact in facts:
            self._facts[fact.metric, fact.entity.lower()].append(fact)

    def drafts(self, block: Block, style: Style) -> list[Draft] | None:
        """The claims of a row; None where its table is about something else."""
        assert block.table is not None
        headers = [re.sub(r"\s*[(\[].*?[)\]]\s*$", "", unescaped(cell)).lower() for cell in block.table.header]
        if not METRICS & set(headers):
            return None
        cells = [unescaped(cell).lower() for cell in block.cells[: len(headers)]]
        found: list[Draft] = []
        for header, title, cell in zip(headers, block.table.header, cells, strict=False):
            if header not in METRICS:
                continue
            for number in numerals(cell, style=style) if numerals(cell)[:1] and numerals(cell)[0].start == 0 else ():
                unit = measures.scan(cell, number.end) or measures.scan(unescaped(title).rsplit("(", 1)[-1], 0)
                stated = Number(number.printed, (number.printed,), number.text, unit[0] if unit else None)
                ruling, name = self._ruling(stated, header, cells)
                frame = Frame(entity=EntityRef(name, (name,)))
                kind = "count" if unit is None else "level"
                found.append(Draft(stated, frame, kind, "eq", ruling, number.text))
        return found

    def _ruling(self, number: Number, metric: str, cells: Sequence[str]) -> tuple[Ruling, str]:
        """The verdict, and the name of the thing that the row is about."""
        named = [(cell, fact) for cell in cells for fact in self._facts.get((metric, cell), ())]
        about = [fact for _, fact in named if all(part in cells for part in _pieces(fact.condition))]
        name = named[0][0] if named else cells[0]
        if not about:
            return unsupported(f"no table states {metric} of {name}"), name
        fitting = [fact for fact in about if number.measure is None or fact.measure.agrees(number.measure)]
        if not fitting:
            return contradicted(f"the unit conflicts: {says(about[0])}", about[0]), name
        outcome, fact = best(number, fitting, "eq", lambda item: item.value)
        assert fact is not None
        return (supported(says(fact), fact) if outcome else contradicted(says(fact), fact)), name


def _pieces(condition: str) -> list[str]:
    return [piece.lower() for piece in condition.split(FIELD, 1) if piece]
