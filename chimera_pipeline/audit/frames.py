"""What a claim is about, as far as the text says, and a number with its window of the sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from chimera_pipeline.audit.lexicon import EntityRef, MetricRef
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.tokens import Number, Token

Fits = Callable[[MetricRef, Measure | None], bool]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a claim is about, as far as the text says. `inherited` lists what the sentence itself does not name."""

    metric: MetricRef | None = None
    statistic: str | None = None
    entity: EntityRef | None = None
    conditions: tuple[tuple[str, str], ...] = ()
    inherited: frozenset[str] = frozenset()

    def with_conditions(self, more: Sequence[tuple[str, str]]) -> Frame:
        """The frame with conditions added for keys that it does not have."""
        have = {key for key, _ in self.conditions}
        added = tuple(pair for pair in more if pair[0] not in have)
        return replace(self, conditions=self.conditions + added) if added else self

    def filled(self, other: Frame) -> Frame:
        """The frame with everything that it lacks taken from `other`."""
        return Frame(
            self.metric or other.metric,
            self.statistic or other.statistic,
            self.entity or other.entity,
            self.conditions,
            self.inherited,
        ).with_conditions(other.conditions)


@dataclass(slots=True)
class BoundNumber:
    """A number with its windows (places of tokens) and its frame; `group` is its parenthesis, -1 for none."""

    at: int
    number: Number
    pre: list[int]
    post: list[int]
    group: int = -1
    frame: Frame = field(default_factory=Frame)


def places_of(tokens: Sequence[Token], places: Sequence[int], kinds: str, since: int = -1) -> list[int]:
    """The places after `since` whose token is of one of the `kinds`."""
    return [at for at in places if at > since and tokens[at].kind in kinds]


def last_of(tokens: Sequence[Token], places: Sequence[int], kind: str) -> int | None:
    """The last place whose token is of `kind`."""
    found = places_of(tokens, places, kind)
    return found[-1] if found else None
