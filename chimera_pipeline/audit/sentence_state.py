"""What the audit of one sentence shares: its tokens, bound numbers and roles, and the claims judged so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import BoundNumber, Frame
from chimera_pipeline.audit.judging import Ruling
from chimera_pipeline.audit.roles import Role
from chimera_pipeline.audit.tokens import Number, Reading

if TYPE_CHECKING:
    from chimera_pipeline.audit.sentence_audit import SentenceAuditor


@dataclass(slots=True)
class Draft:
    """A claim before it is written down."""

    number: Number | None
    frame: Frame
    kind: str
    comparator: str
    ruling: Ruling
    printed: str


@dataclass(slots=True)
class SentenceState:
    """One sentence at work. `places` are the tokens outside parentheses; `used` the comparing words of numbers."""

    auditor: SentenceAuditor
    reading: Reading
    bound: list[BoundNumber]
    roles: dict[int, Role]
    scope: Frame
    places: list[int]
    superlative_at: list[int]
    stated: FactView | None = None
    cited: tuple[FactView, ...] = ()
    marks: Mapping[int, FactView] = field(default_factory=dict)
    ruled: dict[int, Draft] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)

    def at(self, place: int | None) -> BoundNumber | None:
        """The number at a token's place."""
        return next((item for item in self.bound if item.at == place), None)
