"""Ids and sources of facts: an id follows from what a fact says, a source leads back to rows of a file."""

from __future__ import annotations

import dataclasses
import hashlib
import operator
from collections.abc import Iterable

import pandas as pd

from chimera_pipeline.errors import ChimeraError
from chimera_pipeline.facts import places
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.records import Fact

_BUT_ID = operator.attrgetter(*[field.name for field in dataclasses.fields(Fact)][1:])


def assign(facts: Iterable[Fact]) -> list[Fact]:
    """The facts with their ids, in a fixed order.

    Facts with one key and one value are one fact. Where values differ nothing may choose between them: each then
    names the place it comes from in its condition. Raises ChimeraError where even that does not tell them apart.
    """
    by_key: dict[bytes, list[Fact]] = {}
    for fact in facts:  # each is named as it comes: of facts by the hundred thousand there is never a second copy
        digest = _digest(fact)
        by_key.setdefault(digest, []).append(_named(fact, digest))
    out: dict[str, Fact] = {}
    for digest in list(by_key):
        found = by_key.pop(digest)
        if len({fact.value for fact in found}) > 1:
            found = [_named(fact, _digest(fact)) for fact in map(_with_place, found)]
        for named in found:
            before = out.setdefault(named.id, named)
            if before.value != named.value:
                raise ChimeraError(f"two values for one fact: {before.text} / {named.text}")
    return sorted(
        out.values(), key=lambda fact: (fact.kind, fact.entity, fact.metric, fact.condition, fact.statistic, fact.id)
    )


def _named(fact: Fact, digest: bytes) -> Fact:
    return Fact("f_" + digest.hex()[:12], *_BUT_ID(fact))


def _digest(fact: Fact) -> bytes:
    return hashlib.sha256(_key(fact).encode()).digest()


def _key(fact: Fact) -> str:
    series = ",".join(fact.series_ids)
    return "|".join(
        (fact.period, fact.kind, fact.metric, fact.statistic, fact.entity, fact.condition, series, fact.baseline or "")
    )


def _with_place(fact: Fact) -> Fact:
    place = fact.sources[0].rpartition("@")[0] if fact.sources else "no source"
    condition = ", ".join(filter(None, [fact.condition, f"in {place}"]))
    return dataclasses.replace(fact, condition=condition, text=f"{fact.text} (in {place})")


def sources(rows: pd.DataFrame | Rows) -> tuple[str, ...]:
    """`path#places@hash` for each artifact behind `rows`; consecutive places are ranges (`row 1-5`)."""
    return places.sources(Rows.of(rows, places.PLACE))
