"""The all-clear says of no frame that it keeps a contract when pandera says that it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera_pipeline.contracts import clear, tables, validation

_GOOD = {"float64": 0.5, "Int64": 1, "int64": 1, "boolean": True, "bool": True, "datetime64[us, UTC]": "2025-01-02"}
_ODD = st.sampled_from([
    None, np.nan, pd.NA, pd.NaT, "", "ok", "cold", "nothing of the kind", -1, -0.5, 0, 2, 1e300, np.inf, -np.inf, True,
    b"ok", ("ok",), ["ok"], {"a": 1}, np.float64(-1), np.str_("ok"), pd.Timestamp("2025-01-02"),
])  # fmt: skip


def _kept(table: str, rows: int = 3) -> pd.DataFrame:
    """A frame that keeps the contract of `table`."""
    data: dict[str, list[Any]] = {}
    for name, dtype in tables.columns(table).items():
        column = validation.schema(table).columns[name]
        allowed = [rule.statistics["allowed_values"][0] for rule in column.checks if rule.name == "isin"]
        value = allowed[0] if allowed else _GOOD.get(dtype, "text")
        data[name] = [f"{value}{row}" if column.unique else value for row in range(rows)]
    return tables.frame_of_columns(table, data, rows)


def _asked(table: str, frame: pd.DataFrame) -> list[pa.DataFrameSchema]:
    once = frame.loc[:, ~frame.columns.duplicated()]
    texts = {name for name in validation._texts(table) if name in once and validation._holds_text(once[name])}
    return [validation.schema(table), validation._without_types(table, frozenset(texts))]


@pytest.mark.parametrize("table", tables.TABLES)
def test_a_frame_that_keeps_its_contract_is_cleared_without_pandera(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(validation, "found_by_pandera")
    assert validation.failures(table, _kept(table)).empty
    assert validation.failures(table, tables.frame(table)).empty


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_what_is_cleared_holds_for_pandera(data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(tables.TABLES))
    frame = _kept(table)
    names = st.sampled_from(list(frame.columns))
    for _ in range(data.draw(st.integers(1, 3))):
        name, row, value = data.draw(names), data.draw(st.integers(0, 2)), data.draw(_ODD)
        column = frame[name].astype("object")
        column.iat[row] = value
        keeps_type = data.draw(st.booleans())
        try:
            frame[name] = column.astype(tables.columns(table)[name]) if keeps_type else column
        except (TypeError, ValueError, OverflowError):
            frame[name] = column
    change = data.draw(st.sampled_from(["none", "none", "none", "drop", "add", "double", "category", "empty"]))
    name = data.draw(names)
    if change == "drop":
        frame = frame.drop(columns=name)
    elif change == "add":
        frame["more"] = 1
    elif change == "double":
        frame = pd.concat([frame, frame[[name]]], axis=1)
    elif change == "empty":
        frame = frame.head(0)
    elif change == "category":
        try:
            frame[name] = frame[name].astype("category")
        except (TypeError, ValueError, OverflowError):
            return  # such a value has no category
    for asked in _asked(table, frame):
        if clear.holds(asked, frame):
            assert validation.found_by_pandera(asked, frame).empty


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_cleared_of_telemetry_and_ranges_holds_for_pandera(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(validation.kinds()))
    wanted = validation.requirement(kind)
    assert wanted is not None
    numbers = st.sampled_from([0.0, 1.0, 2.0, 2.0, 2.0, 4.0, -1.0, np.nan, np.inf])
    names = sorted({*validation.asked_fields(kind), *wanted.required})
    frame = pd.DataFrame({name: data.draw(st.lists(numbers, min_size=2, max_size=2)) for name in names})
    for asked in (validation._telemetry_schema(kind), validation.ranges(wanted.table)):
        held = frame.reindex(columns=sorted({*frame.columns, *asked.columns}))
        if clear.holds(asked, held):
            assert validation.found_by_pandera(asked, held).empty


@pytest.mark.parametrize(
    "more",
    [
        {"coerce": True},
        {"unique": ["a"]},
        {"index": pa.Index("int64")},
        {"ordered": True},
        {"checks": pa.Check(lambda frame: frame["a"] > 5)},
        {"columns": {"a": pa.Column("float64", pa.Check.gt(5))}},
        {"columns": {"a": pa.Column("float64", pa.Check.ge(0, element_wise=True))}},
        {"columns": {"a": pa.Column("float64", required=False)}},
        {"columns": {"a": pa.Column("float64", regex=True)}},
    ],
    ids=str,
)
def test_what_the_sweep_does_not_know_is_left_to_pandera(more: dict[str, Any]) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    assert clear.holds(pa.DataFrameSchema({"a": pa.Column("float64")}), frame)
    assert not clear.holds(pa.DataFrameSchema(**{"columns": {"a": pa.Column("float64")}} | more), frame)
