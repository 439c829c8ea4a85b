"""How many facts there are at once: what is counted here is what a run over 100,000 files has to hold."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chimera_pipeline import atomic
from chimera_pipeline.audit import audit, facts_from_frame, facts_from_records
from chimera_pipeline.facts import build, ids, points
from chimera_pipeline.facts.rows import COLUMNS, Rows
from chimera_pipeline.orchestration.lake import GROUP_ROWS, Lake
from chimera_pipeline.records import Fact
from tests.unit.facts.test_comparisons import a_series, frames, values_of


class Watched(Fact):
    """A fact that can be seen to go."""

    __slots__ = ("__weakref__",)


def facts(count: int) -> Iterator[Fact]:
    for i in range(count):
        yield Watched(
            id="", kind="level", metric="total_s", statistic="mean", entity=f"m{i % 7}", condition=f"run {i}",
            value=1.5 + i, unit="s", n=3, period="all", grade="reported", text=f"mean of m{i}: {i} s, n=3",
            series_ids=("s_1",), sources=(f"runs/{i % 5}.json#row 1-3@0123456789ab",), sd=0.25, ddof=1,
        )  # fmt: skip


def test_ids_are_given_to_facts_one_by_one() -> None:
    alive: list[weakref.ref[Fact]] = []
    most = 0

    def watched() -> Iterator[Fact]:
        nonlocal most
        for fact in facts(500):
            alive.append(weakref.ref(fact))
            yield fact
            most = max(most, sum(one() is not None for one in alive))

    assert len(ids.assign(watched())) == 500
    assert most <= 2


def test_facts_of_one_key_and_other_values_are_told_apart_whatever_stands_between_them() -> None:
    one, other, third = facts(3)
    again = Fact(**{name: getattr(one, name) for name in Fact.__slots__} | {"value": 9.0, "sources": other.sources})
    found = ids.assign([one, other, again, third, again])
    assert len(found) == len({fact.id for fact in found}) == 4
    assert sorted(fact.condition for fact in found if fact.condition.startswith("run 0")) == [
        "run 0, in runs/0.json#row 1-3", "run 0, in runs/1.json#row 1-3",
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2000, 2001, 4100])
def test_facts_json_is_made_as_it_is_written_and_is_the_same_to_the_byte(count: int, tmp_path: Path) -> None:
    import orjson

    found = ids.assign(facts(count))
    taken = 0

    def counted() -> Iterator[Fact]:
        nonlocal taken
        for fact in found:
            taken += 1
            yield fact

    ahead = []
    written = 0
    for part in build.to_json(counted()):
        written += part.count(b'"id": ')
        ahead.append(taken - written)
    assert set(ahead) == {0}, "facts are taken before they are spelled"
    atomic.replace_folder(tmp_path / "all", {"facts.json": build.to_json(found)})
    entries = [{name: getattr(one, name) for name in Fact.__slots__ if getattr(one, name) is not None} for one in found]
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    whole = orjson.dumps({"schema_version": build.SCHEMA_VERSION, "facts": entries}, option=options)
    assert (tmp_path / "all" / "facts.json").read_bytes() == whole


def test_a_table_of_many_facts_is_written_and_read_in_row_groups_and_equal_texts_are_held_once(tmp_path: Path) -> None:
    lake, found = Lake(tmp_path), ids.assign(facts(GROUP_ROWS + 500))
    path = lake.write_frame("facts", build.to_frame(found), "all")
    assert pq.ParquetFile(path).num_row_groups == 2
    read = build.Facts.read(path)
    assert read == found == build.from_frame(lake.read_frame("facts", "all"))
    for name, distinct in (("entity", 7), ("metric", 1), ("sources", 5), ("series_ids", 1)):
        assert len({id(getattr(fact, name)) for fact in read}) == distinct, name


def test_the_auditor_and_its_claims_hold_the_places_of_a_fact_and_spell_them_when_asked() -> None:
    found = build.Facts(ids.assign(facts(3)))
    seen = facts_from_records(found)
    assert [one.sources is fact.sources for one, fact in zip(seen, found, strict=True)] == [True] * 3
    of_frame = facts_from_frame(build.to_frame(found))
    assert [json.loads(str(one.sources)) for one in of_frame] == [list(fact.sources) for fact in found]
    text = "The mean total time of m1 (run 1) was 2.5 s."
    claims = [audit(text, views, chances=False).claims for views in (seen, of_frame)]
    (one,), (other,) = claims
    assert (
        (one.verdict, one.source) == (other.verdict, other.source) == ("supported", json.dumps(list(found[1].sources)))
    )
    assert one.sources is next(view.sources for view in seen if view.id == one.fact_id)


def measured(tmp_path: Path) -> tuple[pd.DataFrame, pd.DataFrame, Path]:
    rows = values_of("a", [1.0, 2.0, 3.0], path="a.csv") + values_of("b", [float(i) for i in range(90)], path="b.csv")
    measurements, series = frames(rows, [a_series(name) for name in ("a", "b")])
    path = tmp_path / "part-0.parquet"
    pq.write_table(pa.Table.from_pandas(measurements, preserve_index=False), path, row_group_size=20)
    return measurements, series, path


def test_a_report_reads_the_rows_that_it_draws_and_draws_the_same(tmp_path: Path) -> None:
    measurements, series, path = measured(tmp_path)
    found = ids.assign(build.levels.level_facts(measurements, series, period="all"))
    drawn = points.series_of(found, series)
    few = Rows.read(path, series=drawn)
    assert len(few) == 3
    assert set(few["series_id"]) == drawn
    told = points.points_of(found, few, series, period="all")
    assert told
    assert told == points.points_of(found, Rows.read(path), series, period="all")
    assert len(Rows.read(path, series=())) == 0


def test_rows_that_are_let_go_are_held_by_nobody(tmp_path: Path) -> None:
    rows = Rows.read(measured(tmp_path)[2])
    column, part = weakref.ref(rows.table.columns["value"]), rows.take(np.arange(5))
    ids.sources(rows)
    rows.let_go()
    assert column() is None
    assert not rows.table.kept
    assert len(rows) == 0
    assert set(rows.table.columns) == set(COLUMNS)
    assert part.table is rows.table
