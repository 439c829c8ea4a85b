"""The all-clear: a frame that certainly keeps a schema, told in one sweep a column.

Pandera copies the frame and asks each check on its own, which costs most where there is nothing to find. What this
sweep cannot tell, or finds wanting, is pandera's to say: it alone names failure cases.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.engines import pandas_engine

from chimera_pipeline.contracts import checks

_WHOLE = {name: getattr(checks, name) for name in checks.REGISTERED}
_ASKED = frozenset({"greater_than_or_equal_to", "less_than_or_equal_to", "isin"})


def holds(asked: pa.DataFrameSchema, frame: pd.DataFrame) -> bool:
    """Whether `frame` certainly keeps `asked`; False also where only pandera can tell."""
    if not _known(asked) or not frame.columns.is_unique or not _complete(asked, frame):
        return False
    try:
        return all(_column(column, frame[name]) for name, column in asked.columns.items()) and all(
            _all(_WHOLE[rule.name](frame, **rule.statistics)) for rule in asked.checks
        )
    except (TypeError, ValueError, KeyError):  # values of a kind that cannot be compared: pandera names them
        return False


def _complete(asked: pa.DataFrameSchema, frame: pd.DataFrame) -> bool:
    """Whether every column is there, and no other where none may be."""
    there = set(frame.columns)
    return asked.columns.keys() <= there and (not asked.strict or len(there) == len(asked.columns))


def _known(asked: pa.DataFrameSchema) -> bool:
    """Whether a schema asks nothing but what `holds` looks at."""
    plain = asked.index is None and asked.dtype is None and asked.unique is None and asked.strict in (True, False)
    beside = asked.coerce or asked.ordered or asked.parsers or asked.add_missing_columns or asked.drop_invalid_rows
    rules = all(rule.name in _WHOLE and _plain(rule) for rule in asked.checks)
    return plain and not beside and rules and all(map(_known_column, asked.columns.values()))


def _known_column(column: Any) -> bool:
    beside = column.coerce or column.regex or column.parsers or column.drop_invalid_rows or not column.required
    return not beside and all(rule.name in _ASKED and _plain(rule) for rule in column.checks)


def _plain(rule: pa.Check) -> bool:
    """A check of all values at once, of which nulls are no failure and every failure is one."""
    return rule.ignore_na and not (rule.element_wise or rule.groupby or rule.raise_warning)


def _column(column: Any, values: pd.Series[Any]) -> bool:
    if column.dtype is not None and not _same_type(column.dtype, values.dtype):
        return False
    if not column.nullable and not _all_text(values) and values.isna().any():
        return False
    if column.unique and values.duplicated().any():
        return False
    return all(_keeps(rule, values) for rule in column.checks)


def _keeps(rule: pa.Check, values: pd.Series[Any]) -> bool:
    stated: dict[str, Any] = rule.statistics or {}
    if rule.name == "isin":
        found = set(values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values.tolist())
        return {value for value in found if not pd.isna(value)} <= set(stated["allowed_values"])
    beyond = values < stated["min_value"] if rule.name == "greater_than_or_equal_to" else values > stated["max_value"]
    return not beyond.any()


def _all_text(values: pd.Series[Any]) -> bool:
    """Whether every value is text: a quicker answer than which are null."""
    return values.dtype == "object" and pd.api.types.infer_dtype(values, skipna=False) == "string"


@lru_cache(maxsize=256)
def _same_type(wanted: Any, found: Any) -> bool:
    """Whether a column of pandas dtype `found` has the type of the contract; text is known only value by value."""
    if isinstance(wanted, pandas_engine.NpString):
        return False
    return bool(wanted.check(pandas_engine.Engine.dtype(found)))


def _all(kept: pd.Series[Any]) -> bool:
    return bool(kept.fillna(False).all())
