"""Facts read for the auditor: rows of the table `facts`, objects of `facts.json`, and facts as they are made."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from chimera_pipeline.audit import measures
from chimera_pipeline.audit.facts_view import Conditions, Describer, FactView, conditions_of, statistic_name
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.numerals import fraction_of
from chimera_pipeline.contracts import tables, vocabulary
from chimera_pipeline.errors import UsageError
from chimera_pipeline.records import Fact

if TYPE_CHECKING:
    import pandas as pd


def _fraction(value: Any) -> Fraction | None:
    if value is None or isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if value != value:
        return None
    try:
        return fraction_of(value)
    except (ValueError, TypeError):
        return None


def _count(value: Any) -> int | None:
    if type(value) is int:
        return value
    found = _fraction(value)
    return int(found) if found is not None and found.denominator == 1 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class _Words:
    """What the words of a fact say; facts by the thousand have the same ones."""

    key: str
    phrase: str
    statistic: str | None
    condition: str
    conditions: Conditions
    measure: Measure


def _words(describer: Describer, metric: str, statistic: str | None, condition: str, unit: str) -> _Words:
    key, phrase, named, conditions = describer.describe(metric)
    return _Words(
        key=_by_status(key, condition),
        phrase=phrase,
        statistic=statistic_name(statistic) or named,
        condition=condition or " ".join(sorted(value or key for key, value in conditions)),
        conditions=conditions | conditions_of(condition) if conditions else conditions_of(condition),
        measure=measures.parse(unit) or Measure(unit, Fraction(1), ((unit.lower(), 1),)),
    )


def _by_status(key: str, condition: str) -> str:
    """Counts of requests by status are metrics of their own."""
    if key != "requests":
        return key
    words_of = set(re.findall(r"[a-z]+", condition.lower()))
    if words_of & {"failed", "failures"}:
        return "requests_failed"
    return "requests_ok" if words_of & {"succeeded", "ok", "completed"} else key


def facts_from_rows(
    rows: Iterable[Mapping[str, Any]], metrics: Mapping[str, vocabulary.Metric] | None = None
) -> list[FactView]:
    """Facts from plain rows in either form: rows of the table or objects of `facts.json`, taken one by one.

    A row that carries no number is left out.
    """
    describer = Describer(metrics if metrics is not None else vocabulary.metrics())
    known: dict[tuple[str, str | None, str, str], _Words] = {}
    found = []
    for number, row in enumerate(rows, start=1):
        value, metric = _fraction(row.get("value")), _text(row.get("metric"))
        if value is None or metric is None:
            continue
        unit, condition = _text(row.get("unit")) or "", _text(row.get("condition")) or ""
        asked = metric, _text(row.get("statistic")), condition, unit
        told = known.get(asked) or known.setdefault(asked, _words(describer, *asked))
        found.append(_view(row, told, number, metric, value, unit))
    return found


def _view(row: Mapping[str, Any], told: _Words, number: int, metric: str, value: Fraction, unit: str) -> FactView:
    sources = row.get("sources")
    held = (
        sources if isinstance(sources, tuple) else json.dumps(sources) if isinstance(sources, list) else _text(sources)
    )
    return FactView(
        id=str(row.get("id") or f"fact-{number}"),
        metric=metric,
        key=told.key,
        phrase=told.phrase,
        statistic=told.statistic,
        entity=_text(row.get("entity")) or "",
        condition=told.condition,
        conditions=told.conditions,
        value=value,
        unit=unit,
        measure=told.measure,
        n=_count(row.get("n")),
        sd=_fraction(row.get("sd")),
        ci_low=_fraction(row.get("ci_low")),
        ci_high=_fraction(row.get("ci_high")),
        kind=_text(row.get("kind")) or "level",
        baseline=_text(row.get("baseline")),
        effect=_fraction(row.get("effect")),
        verdict=_text(row.get("verdict")),
        p_value=_fraction(row.get("p_value")),
        q_value=_fraction(row.get("q_value")),
        period=_text(row.get("period")),
        sources=held,
        text=_text(row.get("text")) or "",
    )


def facts_from_json(document: Any, metrics: Mapping[str, vocabulary.Metric] | None = None) -> list[FactView]:
    """Facts from a parsed `facts.json`: {facts: [...]} or a bare list. Raises UsageError."""
    rows = document.get("facts") if isinstance(document, Mapping) else document
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise UsageError('expected an object {"facts": [{"metric": ..., "value": ...}, ...]}')
    return facts_from_rows(rows, metrics)


def facts_from_records(facts: Iterable[Fact], metrics: Mapping[str, vocabulary.Metric] | None = None) -> list[FactView]:
    """Facts as the room `facts` makes them, of which nothing is copied but the numbers, made exact."""
    names = [field.name for field in fields(Fact)]
    values_of = operator.attrgetter(*names)
    return facts_from_rows((dict(zip(names, values_of(fact), strict=True)) for fact in facts), metrics)


def facts_from_frame(frame: pd.DataFrame, metrics: Mapping[str, vocabulary.Metric] | None = None) -> list[FactView]:
    """Facts from the table `facts`."""
    columns = tables.lists(frame)
    rows = zip(*columns.values(), strict=True)
    return facts_from_rows((dict(zip(columns, row, strict=True)) for row in rows), metrics)
