"""Measurements as codes: read from Parquet, from frames with text and with categories they are the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import build, ids, levels, statistics, statistics_runs
from chimera_pipeline.facts.places import Locators
from chimera_pipeline.facts.rows import COLUMNS, Rows
from tests.unit.facts.test_comparisons import a_series, frames, values_of


def store() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows with and without item, instant, n and ddof, of files whose names sort unlike their first appearance."""
    rows = values_of("é", [3.0, 1.0, 2.0], path="b.csv", items=["p2", "p1", "p10"])
    rows += values_of("a", [1.0, 5.0], path="a.csv", n=None)
    rows += values_of("Z", [9.0, 0.5], "total_s", path="a.csv", statistic="mean", n=12)
    for row in rows[:2]:
        row |= {"measured_at": None, "period": None}
    rows[-1]["ddof"] = 1
    return frames(rows, [a_series(name) for name in ("é", "a", "Z")])


def same(one: Rows, other: Rows) -> None:
    for name in COLUMNS:
        assert one[name].tolist() == other[name].tolist(), name


@pytest.mark.parametrize("group", [1, 3, 100])
def test_rows_read_from_parquet_are_those_of_the_frame(tmp_path: Path, group: int) -> None:
    measurements, _ = store()
    path = tmp_path / "part-0.parquet"
    pq.write_table(pa.Table.from_pandas(measurements, preserve_index=False), path, row_group_size=group)
    same(Rows.read(path), Rows.of(measurements))
    assert len(Rows.read(path).table.texts["artifact_path"]) == 2


def test_a_column_without_a_value_and_a_table_without_a_row_are_read(tmp_path: Path) -> None:
    measurements, _ = store()
    empty = measurements.assign(item=None)
    for name, frame in (("item.parquet", empty), ("none.parquet", measurements.iloc[:0])):
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / name)
        same(Rows.read(tmp_path / name), Rows.of(frame))


def test_facts_are_the_same_from_frame_categories_and_parquet(tmp_path: Path) -> None:
    measurements, series = store()
    others = {name: tables.frame(name) for name in ("artifacts", "telemetry_gaps")}
    text = [name for name in measurements if measurements[name].dtype == object]
    pq.write_table(pa.Table.from_pandas(measurements, preserve_index=False), tmp_path / "part-0.parquet")
    forms: list[Any] = [
        measurements, measurements.astype(dict.fromkeys(text, "category")), Rows.read(tmp_path / "part-0.parquet"),
    ]  # fmt: skip
    made = [
        b"".join(build.to_json(build.facts_of({"measurements": one, "series": series, **others}, period="all")))
        for one in forms
    ]
    assert made[0] == made[1] == made[2]


def test_keys_order_rows_as_their_texts_do_however_many_texts_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows.of(store()[0])
    names = ("artifact_path", "series_id", "locator")
    wanted = sorted(range(len(rows)), key=lambda i: [rows[name][i] for name in names])
    for most in (2**62, 20):
        monkeypatch.setattr("chimera_pipeline.facts.rows._MOST", most)
        assert np.argsort(rows.keys(*names), kind="stable").tolist() == wanted


def test_a_text_that_no_row_has_is_no_row_s_text() -> None:
    rows = Rows.of(store()[0])
    assert not rows.are("item", "p3", "zzz").any()
    assert rows.are("item", "p1").tolist() == [False, True] + [False] * 5
    assert len(rows.where("series_id", "a", "nobody")) == 2


def test_facts_of_the_same_rows_share_one_tuple_of_sources() -> None:
    rows = Rows.of(store()[0])
    assert ids.sources(rows.take(slice(0, 3))) is ids.sources(rows.take(np.array([2, 1, 0])[::-1]))
    assert ids.sources(rows.take(slice(0, 0))) == ()


def test_locators_are_told_as_ranges_by_kind_in_order_of_appearance() -> None:
    names = ["row 2", "/z", "row 10", "/a/1/b", "row 1", "row 01", "/a/0/b", "row 12345678901", "row 3"]
    told = Locators(names).told(np.arange(len(names), dtype=np.int32).tobytes())
    assert told == "/z;row 12345678901;row 1;row 1-3;row 10;/a/0-1/b"


def test_quantiles_are_those_of_numpy_to_the_last_bit() -> None:
    rng = np.random.default_rng(7)
    for n in (1, 2, 3, 36, 72, 501):
        ordered = np.sort(rng.lognormal(0, 3, n))
        p = np.r_[0, 0.025, 0.5, 0.9, 0.95, 0.975, 0.99, 1, rng.random(50)]
        assert statistics.quantiles_of(ordered, p).tobytes() == np.quantile(ordered, p).tobytes()


def test_samples_that_share_their_draws_have_the_interval_that_each_has_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 7, 24).tolist()
    samples = [[rng.normal(size=size) for size in sizes] for _ in range(3)] + [[rng.normal(size=4)] * 21, []]
    alone = [statistics_runs.hierarchical_bootstrap(groups, seed=5) for groups in samples]
    assert statistics_runs.run_intervals(samples, seed=5) == alone
    monkeypatch.setattr(statistics_runs, "_CELLS", 1)
    monkeypatch.setattr(statistics_runs, "_BLOCK", 1)
    assert statistics_runs.run_intervals(samples, seed=5) == alone


def test_series_that_are_columns_of_the_same_files_share_their_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, files = np.random.default_rng(8), [f"{i:02}.csv" for i in range(20)]
    rows = [
        row
        for name in ("a", "b")
        for path in files
        for row in values_of(name, rng.normal(9, 1, 3), path=path, runs=[path] * 3)
    ]
    drawn: list[int] = []
    alone = statistics_runs._hierarchical

    def counted(samples: Any, *more: Any) -> Any:
        drawn.append(len(samples))
        return alone(samples, *more)

    monkeypatch.setattr(statistics_runs, "_hierarchical", counted)
    found = list(levels.level_facts(*frames(rows, [a_series("a"), a_series("b")]), period="all"))
    assert [fact.ci_scope for fact in found if fact.statistic == "mean"] == ["between_runs"] * 2
    assert drawn == [2]
