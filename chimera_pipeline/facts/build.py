"""All facts of one period, from the tables of the whole store; the table `facts` and `facts.json`."""

from __future__ import annotations

import dataclasses
import itertools
import json
import operator
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
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
_SHARED = ("kind", "metric", "statistic", "entity", "condition", "unit", "period", "grade", "baseline")
"""Texts that many facts have."""
_AT_ONCE = 2000
"""Facts that are spelled as JSON at once."""
_OPENED, _CLOSED = b'{\n  "facts": [', b"\n  ]\n}"


class Facts(list[Fact]):
    """All facts of one period. An asset that asks for them gets no frame beside them."""

    __slots__ = ()

    @classmethod
    def read(cls, path: Path) -> Facts:
        """The facts of a published table, a row group at a time, equal texts held once. Raises FileNotFoundError."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        found, held = cls(), _Held()
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                found += held.facts(file.read_row_group(group, use_threads=False).to_pandas())
        pa.default_memory_pool().release_unused()
        return found


def facts_of(tables_by_name: Mapping[str, Any], *, period: str, limits: Mapping[str, float] | None = None) -> Facts:
    """Every fact of `period` ("all" or a period's name) with its id, in a fixed order.

    Needs tables measurements (a frame or `Rows`), series, artifacts and telemetry_gaps. `limits` are the longest times
    in seconds that a request may take, by metric; without them there is no goodput.
    """
    return Facts(ids.assign(_facts(tables_by_name, period, limits or {})))


def _facts(tables_by_name: Mapping[str, Any], period: str, limits: Mapping[str, float]) -> Iterator[Fact]:
    """The facts without their ids, one after the other."""
    every = Rows.of(tables_by_name["measurements"])
    measurements = in_period(every, period)
    series = tables_by_name["series"]
    artifacts, gaps = of_period(tables_by_name["artifacts"], tables_by_name["telemetry_gaps"], measurements, period)
    yield from levels.level_facts(measurements, series, period=period)
    yield from steady.steady_facts(measurements, series, period=period)
    yield from coverage.sweep_facts(measurements, series, period=period)
    yield from coverage.request_facts(measurements, period=period)
    yield from coverage.inventory_facts(artifacts, gaps, period=period)
    arms = arms_of(measurements, series)
    yield from comparison_facts(compare_within(measurements, series, arms=arms, period=period))
    yield from decompositions.ttft_shares(measurements, series, period=period)
    yield from decompositions.first_call_facts(measurements, series, period=period)
    yield from sensitivity_facts(measurements, series, arms=arms, period=period)
    yield from ranking_facts(measurements, series, arms=arms, period=period)
    yield from front_facts(measurements, series, arms=arms, period=period)
    yield from goodput_facts(measurements, series, limits, period=period)
    yield from _changes(every, series, period)


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


def from_frame(frame: pd.DataFrame) -> Facts:
    """The facts of table `facts`."""
    return Facts(_Held().facts(frame))


class _Held:
    """Texts and places of facts that have been read: most facts share them with others."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._lists: dict[str, tuple[str, ...]] = {}

    def facts(self, frame: pd.DataFrame) -> Iterator[Fact]:
        """The facts of some rows of table `facts`."""
        columns = tables.lists(frame)
        for name in _LISTS:
            columns[name] = [self._lists.get(text) or self._read(text) for text in columns[name]]
        for name in ("n", "ddof"):
            columns[name] = [None if value is None else int(value) for value in columns[name]]
        for name in _SHARED:
            columns[name] = [text and self._texts.setdefault(text, text) for text in columns[name]]
        return map(Fact, *(columns[field.name] for field in dataclasses.fields(Fact)))

    def _read(self, text: str) -> tuple[str, ...]:
        return self._lists.setdefault(text, tuple(self._texts.setdefault(one, one) for one in json.loads(text)))


def to_json(facts: Iterable[Fact]) -> Iterator[bytes]:
    """`facts.json` in parts: schema_version and every fact with the fields that it has."""
    import orjson

    names = [field.name for field in dataclasses.fields(Fact)]
    values_of = operator.attrgetter(*names)
    written = iter(facts)
    between = b""
    yield orjson.dumps({"schema_version": SCHEMA_VERSION, "facts": []}, option=orjson.OPT_INDENT_2)[: -len(b"]\n}")]
    while part := list(itertools.islice(written, _AT_ONCE)):
        entries = [
            {name: value for name, value in zip(names, values_of(fact), strict=True) if value is not None}
            for fact in part
        ]
        yield between + orjson.dumps({"facts": entries}, option=orjson.OPT_INDENT_2)[len(_OPENED) : -len(_CLOSED)]
        between = b","
    yield (b"\n  ]\n}\n" if between else b"]\n}\n")
