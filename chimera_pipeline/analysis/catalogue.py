"""What can be asked about in one run, and which proved statements answer a typed query.

In: statements and facts. Out: closed sets of metrics, entities, conditions and options, and statements. No model here.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chimera_pipeline import redact
from chimera_pipeline.analysis.menu import Aliases, ranked
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact, Statement

RETURNED = 8
_MOST_CHOICES = 16


class QueryKind(StrEnum):
    """What can be asked."""

    COMPARE = "compare"
    BREAKDOWN = "breakdown"
    OUTLIERS = "outliers"
    TREND = "trend"
    FORBIDS = "forbids"
    DEPLOY = "deploy"
    WHERE_TIME_GOES = "where_time_goes"
    NEXT_RUN = "next_run"


_KINDS = {
    QueryKind.COMPARE: frozenset({"compare", "rank", "trade_off", "change"}),
    QueryKind.BREAKDOWN: frozenset({"sensitivity", "deploy", "trade_off", "compare", "change", "level"}),
    QueryKind.OUTLIERS: frozenset({"cold_vs_warm"}),
    QueryKind.TREND: frozenset({"change"}),
    QueryKind.FORBIDS: frozenset({"gap", "cannot_conclude", "quality"}),
    QueryKind.DEPLOY: frozenset({"deploy", "trade_off", "rank"}),
    QueryKind.WHERE_TIME_GOES: frozenset({"decomposition", "cold_vs_warm", "sensitivity"}),
    QueryKind.NEXT_RUN: frozenset({"next_run", "cannot_conclude"}),
}


@dataclass(frozen=True, slots=True)
class Query:
    """One typed query with real names; None where the kind does not use the field."""

    kind: QueryKind
    metric: str
    a: str | None = None
    b: str | None = None
    condition: str | None = None
    option: str | None = None

    def told(self) -> str:
        """The query as a person would ask it."""
        metric = vocabulary.metric(self.metric).label
        of = f" of {self.a}" if self.a else ""
        under = f" ({self.condition})" if self.condition else ""
        return {
            QueryKind.COMPARE: f"How does {metric}{of} compare with {self.b}{under}?",
            QueryKind.BREAKDOWN: f"What does {self.option} do to {metric}{under}?",
            QueryKind.OUTLIERS: f"What stands out in {metric}{under}?",
            QueryKind.TREND: f"What changed over time in {metric}{of}{under}?",
            QueryKind.FORBIDS: f"What do the gaps forbid to conclude about {metric}{under}?",
            QueryKind.DEPLOY: f"Which configuration to deploy, by {metric}{under}?",
            QueryKind.WHERE_TIME_GOES: f"Where does the time go in {metric}{under}?",
            QueryKind.NEXT_RUN: f"Which measurement of {metric} to make next{under}?",
        }[self.kind]


Run = Callable[[Query], Sequence[Statement]]


@dataclass(slots=True)
class Catalogue:
    """What can be asked about in this run, by short ids, and the statements that answer."""

    statements: Sequence[Statement]
    facts: Mapping[str, Fact]
    aliases: Aliases
    metrics: tuple[str, ...] = ()
    entities: dict[str, str] = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    @classmethod
    def of(cls, statements: Sequence[Statement], facts: Mapping[str, Fact], aliases: Aliases) -> Catalogue:
        """The catalogue of `statements`; facts without a statement are not asked about."""
        named_by = [facts[name] for item in ranked(statements) for name in item.fact_ids if name in facts]
        known = {
            name
            for name, metric in vocabulary.metrics().items()
            if metric.better != "none" and metric.family != "inventory"
        }
        behind = [fact for fact in named_by if fact.metric in known]
        entities = _commonest(fact.entity for fact in behind)
        conditions = _commonest(fact.condition for fact in behind if fact.condition)
        named = re.findall(r"[a-z_]{2,24}", " ".join(fact.condition for fact in behind))
        return cls(
            statements,
            facts,
            aliases,
            tuple(_commonest(fact.metric for fact in behind)),
            {alias: name for name in entities if (alias := aliases.alias(name))},
            {f"C{i}": name for i, name in enumerate(conditions, start=1)},
            tuple(sorted(set(named) & redact.OPTION_KEYS))[:_MOST_CHOICES],
        )

    def lines(self) -> list[str]:
        """What may be asked about, for a prompt."""
        of_metric = Counter(
            metric for item in self.statements for metric in {fact.metric for fact in self.behind(item)}
        )
        out = ["Metrics: " + ", ".join(f"{name} ({of_metric[name]} statements)" for name in self.metrics)]
        out.append("Entities: " + ", ".join(self.entities))
        out += [f"{short}: {self.aliases.mask(text)}" for short, text in self.conditions.items()]
        if self.options:
            out.append("Options: " + ", ".join(self.options))
        return out

    def behind(self, statement: Statement) -> list[Fact]:
        """The facts of a statement."""
        return [self.facts[name] for name in statement.fact_ids if name in self.facts]

    def answer(self, query: Query) -> list[Statement]:
        """The proved statements that answer, code's ranking first, at most `RETURNED`."""
        found = [item for item in ranked(self.statements) if self._answers(query, item)]
        if query.kind is QueryKind.BREAKDOWN and query.option:
            found = _by_value(found, query.option)
        return found[:RETURNED]

    def _answers(self, query: Query, item: Statement) -> bool:
        behind = [fact for fact in self.behind(item) if fact.metric == query.metric]
        if query.kind is QueryKind.FORBIDS:
            of_the_store = not any(fact.metric in self.metrics for fact in self.behind(item))
            return item.kind in _KINDS[query.kind] and (bool(behind) or of_the_store)
        if not behind or (query.condition and all(fact.condition != query.condition for fact in behind)):
            return False
        named = {fact.entity for fact in behind}
        if query.kind is QueryKind.BREAKDOWN:
            option = re.escape(query.option or "")
            swept = item.kind == "sensitivity" and re.search(rf"\b{option}\b", item.text) is not None
            return (swept or f"{query.option}=" in item.text) and item.kind in _KINDS[query.kind]
        if query.kind is QueryKind.COMPARE:
            both = {query.a, query.b} <= named and item.kind in _KINDS[query.kind]
            known = {fact.entity for fact in self.facts.values() if fact.metric == query.metric}
            levels = {query.a, query.b} <= known and item.kind == "level" and bool(named & {query.a, query.b})
            return both or levels
        if query.kind is QueryKind.TREND:
            return item.kind in _KINDS[query.kind] and query.a in named
        return item.kind in _KINDS[query.kind]


def _by_value(found: Sequence[Statement], option: str) -> list[Statement]:
    """Statements dealt in turn by the value that the option has in them; none where it never varies."""
    groups: dict[str, list[Statement]] = {}
    for item in found:
        values = re.findall(rf"\b{re.escape(option)}=([^\s,)]+)", item.text)
        groups.setdefault(" ".join(sorted(set(values))), []).append(item)
    if len(groups) < 2:
        return []
    rows = itertools.zip_longest(*groups.values())
    return [item for row in rows for item in row if item is not None]


def _commonest(names: Iterable[str]) -> list[str]:
    counted = Counter(names)
    return sorted(counted, key=lambda name: (-counted[name], name))[:_MOST_CHOICES]
