"""All facts of one period, from the tables of the whole store; the table `facts` and `facts.json`."""

from __future__ import annotations

import dataclasses
import json
import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from chimera_pipeline import periods
from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import coverage, decompositions, ids, levels, steady
from chimera_pipeline.facts.comparisons import compare_within
from chimera_pipeline.facts.comparisons_arms import arms_of
from chimera_pipeline.facts.comparisons_text import comparison_facts
from chimera_pipeline.facts.decompositions_sweeps import sensitivity_facts
from chimera_pipeline.facts.goodput import goodput_facts
from chimera_pipeline.facts.history import dated
from chimera_pipeline.facts.history_facts import history_facts, period_facts
from chimera_pipeline.facts.rankings import ranking_facts
from chimera_pipeline.facts.rankings_fronts import front_facts
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.records import Fact

SCHEMA_VERSION = "1.0"
_LISTS = ("series_ids", "sources")
"""Fields of a fact that are lists; JSON in the table."""


def facts_of(
    tables_by_name: Mapping[str, Any], *, period: str, limits: Mapping[str, float] | None = None
) -> list[Fact]:
    """Every fact of `period` ("all" or a period's name) with its id, in a fixed order.

    Needs tables measurements (a frame or `Rows`), series, artifacts and telemetry_gaps. `limits` are the longest times
    in seconds that a request may take, by metric; without them there is no goodput.
    """
    every = Rows.of(tables_by_name["measurements"])
    measurements = in_period(every, period)
    series = tables_by_name["series"]
    artifacts, gaps = of_period(tables_by_name["artifacts"], tables_by_name["telemetry_gaps"], measurements, period)
    found: list[Fact] = []
    found += levels.level_facts(measurements, series, period=period)
    found += steady.steady_facts(measurements, series, period=period)
    found += coverage.sweep_facts(measurements, series, period=period)
    found += coverage.request_facts(measurements, period=period)
    found += coverage.inventory_facts(artifacts, gaps, period=period)
    arms = arms_of(measurements, series)
    found += comparison_facts(compare_within(measurements, series, arms=arms, period=period))
    found += decompositions.ttft_shares(measurements, series, period=period)
    found += decompositions.first_call_facts(measurements, series, period=period)
    found += sensitivity_facts(measurements, series, arms=arms, period=period)
    found += ranking_facts(measurements, series, arms=arms, period=period)
    found += front_facts(measurements, series, arms=arms, period=period)
    found += goodput_facts(measurements, series, limits or {}, period=period)
    found += _changes(every, series, period)
    return ids.assign(found)


def _changes(measurements: Rows, series: pd.DataFrame, period: str) -> Iterable[Fact]:
    """Steps in the history, and the period against the one before."""
    yield from history_facts(measurements, series, period=period)
    if period != periods.ALL:
        yield from period_facts(measurements, series, period=period)


def in_period(measurements: pd.DataFrame | Rows, period: str) -> Rows:
    """The dated rows of `period`; every row for "all"."""
    return Rows.of(measurements) if period == periods.ALL else dated(measurements, period)


def of_period(
    artifacts: pd.DataFrame, gaps: pd.DataFrame, measurements: pd.DataFrame | Rows, period: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Artifacts and gaps that concern the period: all of them, or those with measurements in it."""
    if period == periods.ALL:
        return artifacts, gaps
    rows = in_period(measurements, period)
    paths = set(rows.table.texts["artifact_path"][np.unique(rows.codes("artifact_path"))].tolist())
    concerned = gaps["artifacts"].map(lambda text: bool(paths.intersection(json.loads(text))))
    return artifacts[artifacts["path"].isin(paths)], gaps[concerned.astype(bool)]


def to_frame(facts: Iterable[Fact]) -> pd.DataFrame:
    """Table `facts`."""
    facts = list(facts)
    columns = {field.name: [getattr(fact, field.name) for fact in facts] for field in dataclasses.fields(Fact)}
    for name in _LISTS:
        written: dict[tuple[str, ...], str] = {}
        columns[name] = [written.get(value) or written.setdefault(value, json.dumps(value)) for value in columns[name]]
    return tables.frame_of_columns("facts", columns, len(facts))


def from_frame(frame: pd.DataFrame) -> list[Fact]:
    """The facts of table `facts`."""
    columns = tables.lists(frame)
    read: dict[str, tuple[str, ...]] = {}  # facts of one sample share their places
    for name in _LISTS:
        columns[name] = [read.get(text) or read.setdefault(text, tuple(json.loads(text))) for text in columns[name]]
    for name in ("n", "ddof"):
        columns[name] = [None if value is None else int(value) for value in columns[name]]
    return list(map(Fact, *(columns[field.name] for field in dataclasses.fields(Fact))))


def to_json(facts: Iterable[Fact]) -> bytes:
    """`facts.json`: schema_version and every fact with the fields that it has."""
    import orjson

    names = [field.name for field in dataclasses.fields(Fact)]
    values_of = operator.attrgetter(*names)
    entries = [
        {name: value for name, value in zip(names, values_of(fact), strict=True) if value is not None} for fact in facts
    ]
    return orjson.dumps(
        {"schema_version": SCHEMA_VERSION, "facts": entries},
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )
