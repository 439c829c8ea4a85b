"""The tables: names, columns and dtypes from `schemas/tables/*.yaml`, and frames that have exactly those.

Validation with pandera is in `validation`, so that reading a column list does not import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chimera_pipeline.contracts import schemas
from chimera_pipeline.errors import ContractError

if TYPE_CHECKING:
    import pandas as pd

METRIC_TABLES = (
    "llm_requests",
    "serving_runs",
    "timings",
    "throughputs",
    "evaluations",
    "system_samples",
)
EXTRAS = "extra_statistics"
SETTLED_TABLES = (
    "artifacts", "series", *METRIC_TABLES, EXTRAS, "coverage", "model_aliases", "telemetry_gaps", "quarantine",
)  # fmt: skip
TABLES = (*SETTLED_TABLES, "measurements", "checks", "facts", "claims", "llm_calls")
_PANDAS_DTYPE = {"str": "object"}


@lru_cache(maxsize=64)
def document(table: str) -> dict[str, Any]:
    """The YAML document of `table`. Raises ContractError for an unknown table."""
    if table not in TABLES:
        raise ContractError(f"table {table!r} is not one of {', '.join(TABLES)}")
    loaded: dict[str, Any] = schemas.load(schemas.folder() / "tables" / f"{table}.yaml")
    return loaded


def columns(table: str) -> dict[str, str]:
    """Column name -> pandas dtype, in order. Text columns are `object` with None for null."""
    spec = document(table)["columns"]
    return {name: _PANDAS_DTYPE.get(entry["dtype"], entry["dtype"]) for name, entry in spec.items()}


def description(table: str) -> str:
    """What a row of `table` is."""
    return str(document(table)["description"])


def column_descriptions(table: str) -> dict[str, str]:
    """Column name -> description."""
    return {name: str(entry["description"]) for name, entry in document(table)["columns"].items()}


def frame(table: str, rows: Iterable[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """A DataFrame of `rows` with exactly the columns and dtypes of `table`; absent keys are null."""
    rows = list(rows)
    return frame_of_columns(table, {name: [row.get(name) for row in rows] for name in columns(table)}, len(rows))


def frame_of_columns(table: str, data: Mapping[str, Any], length: int) -> pd.DataFrame:
    """A DataFrame with exactly the columns and dtypes of `table` from column lists or Series."""
    import pandas as pd

    index = pd.RangeIndex(length)
    out = {}
    for name, dtype in columns(table).items():
        values = data.get(name)
        out[name] = _nulls(dtype, index) if values is None else _typed(values, dtype, index)
    return pd.DataFrame(out, index=index, copy=False)


def without_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose columns of categories are `object` again, with None for null."""
    import numpy as np
    import pandas as pd

    out: dict[str, Any] = {}
    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype):
            held: Any = frame[name].array
            words = np.array([*held.categories, None], dtype=object)
            out[str(name)] = pd.Series(words[held.codes], index=frame.index, dtype="object")
    return frame.assign(**out) if out else frame


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as dicts, with None for every kind of null."""
    columns = lists(frame)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def lists(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The columns of a frame as lists, with None for every kind of null."""
    return {str(name): _plain(frame[name]) for name in frame.columns}


def _plain(column: pd.Series[Any]) -> list[Any]:
    """The values of a column as Python has them, with None for every kind of null."""
    import numpy as np

    values = column.astype("object").to_numpy(dtype=object, copy=True)
    values[column.isna().to_numpy()] = None
    if column.dtype == "object":
        return [value.item() if isinstance(value, np.generic) else value for value in values]
    found: list[Any] = values.tolist()
    return found


def _nulls(dtype: str, index: pd.RangeIndex) -> Any:
    """A column without a value; one that cannot be null is refused as `_typed` refuses it."""
    import numpy as np
    import pandas as pd

    if dtype == "object":
        return pd.Series(np.full(len(index), None, dtype=object), index=index)
    nulls = {"float64": float("nan"), "Int64": pd.NA, "boolean": pd.NA}
    if dtype in nulls:
        return pd.Series(nulls[dtype], index=index, dtype=dtype)
    return _typed([None] * len(index), dtype, index)


def _typed(values: Any, dtype: str, index: pd.RangeIndex) -> Any:
    import numpy as np
    import pandas as pd

    if dtype.startswith("datetime64"):
        if isinstance(values, pd.Series) and isinstance(values.dtype, pd.DatetimeTZDtype):
            known: Any = values
            return known.astype(dtype)
        parsed = pd.to_datetime(pd.Series(values, index=index, dtype="object"), utc=True, format="ISO8601")
        typed: Any = parsed
        return typed.astype(dtype)
    if dtype == "object":
        if isinstance(values, list):
            held = np.empty(len(values), dtype=object)
            held[:] = values
        else:
            held = pd.Series(values, index=index, dtype="object").to_numpy(copy=True)
        if pd.api.types.infer_dtype(held, skipna=False) != "string":  # a quicker answer than which are null
            held[pd.isna(held)] = None
        return pd.Series(held, index=index, dtype="object", copy=False)
    return pd.Series(values, index=index, dtype=dtype)
