"""What an analysis is: the choice, how it came about, and every call, query and refusal on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chimera_pipeline.analysis.providers.protocol import ModelInfo
from chimera_pipeline.analysis.recommendations import Recommendation
from chimera_pipeline.records import Claim, Gap, Row, Slot

ANSWERS = 3
"""How many statements of the answer to a query a report prints."""


class Mode(StrEnum):
    """How the narrative came about. Only `DETERMINISTIC` needs no model."""

    SELECT = "select"
    ASK = "ask"
    PROSE = "prose"
    DETERMINISTIC = "deterministic"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A statement that is told, its role (headline, support, caveat) and who chose it (model or code)."""

    statement_id: str
    role: str
    by: str = "model"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to get an answer: what was asked for, how much was offered, and what was wrong, as codes."""

    step: str
    number: int
    offered: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """A typed query that the model asked, the statements that code returned, and the query in words."""

    round: int
    kind: str
    arguments: Mapping[str, str]
    statement_ids: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A published sentence of mode prose: parts as in `Statement`, and the statements that it tells."""

    parts: tuple[str | Slot, ...]
    statement_ids: tuple[str, ...]
    fact_ids: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a model does with one menu in three orders: the places and the statements that it picked."""

    digest: str | None
    verdict: str
    places: tuple[int, ...] = ()
    picks: tuple[str, ...] = ()

    @property
    def reads(self) -> bool:
        """Whether the choice followed content, not position."""
        return self.verdict == "content"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `chosen` statements that the model chose, `shared` are among code's own first `chosen`."""

    chosen: int
    shared: int
    total: int

    @property
    def note(self) -> str:
        """The agreement as a sentence."""
        return f"chose {self.chosen} of {self.total}; {self.shared} of them rank in code's top {self.chosen}"


@dataclass(slots=True)
class Analysis:
    """The result of one agent. Deterministic analyses carry the reason; every analysis is publishable.

    `chosen` is in the order of telling. `sentences` is filled in mode prose only: they tell the statements
    they name, and the rest of `chosen` is told as it is. `dropped` counts refused prose by code; `left_out`
    what the persona's word limit cut. `calls` are rows of `llm_calls`; `gaps` is what the calls themselves
    showed to be missing.
    """

    agent: str
    mode: Mode
    reason: str
    profile: str
    persona: str
    chosen: tuple[Chosen, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    claims: tuple[Claim, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    offered: int = 0
    total: int = 0
    agreement: Agreement | None = None
    model: ModelInfo | None = None
    probe: Probe | None = None
    ties_only: bool = False
    attempts: tuple[Attempt, ...] = ()
    queries: tuple[QueryRecord, ...] = ()
    dropped: dict[str, int] = field(default_factory=dict)
    left_out: int = 0
    calls: tuple[Row, ...] = ()
    gaps: tuple[Gap, ...] = ()
    gpu_samples: tuple[Row, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about how this came about, a sentence each."""
        out = [self.reason] if self.reason else []
        if self.offered:
            out.append(f"{self.offered} of {self.total} statements offered")
        if self.agreement is not None:
            out.append(self.agreement.note)
        if self.ties_only:
            out.append("the model follows position more than content, so it only decided between equals")
        if self.left_out:
            out.append(f"{self.left_out} statements left out to stay within the word limit of the persona")
        removed = sum(self.dropped.values())
        if removed:
            out.append(f"{removed} sentence{'' if removed == 1 else 's'} of the model removed")
        return tuple(out)
