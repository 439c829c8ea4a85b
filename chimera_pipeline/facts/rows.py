"""Rows of measurements as plain arrays: what many small cuts of one table are made on.

A cut of a DataFrame costs more than the arithmetic on it; thousands of facts are made of a few rows each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

COLUMNS = (
    "statistic", "value", "n", "ddof", "phase", "run_id", "artifact_path", "artifact_sha256", "locator",
)  # fmt: skip


class Rows:
    """Columns of equal length; `rows[name]` is an array, nulls of n and ddof are None, instants UTC microseconds."""

    __slots__ = ("_columns", "_size")

    def __init__(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        self._columns = columns
        self._size = len(next(iter(columns.values())))

    @classmethod
    def of(cls, frame: pd.DataFrame, names: Sequence[str] = COLUMNS) -> Rows:
        """The columns `names` of a table `measurements`."""
        columns: dict[str, npt.NDArray[Any]] = {}
        for name in names:
            column = frame[name]
            if name == "value":
                columns[name] = column.to_numpy(dtype=np.float64)
            elif name == "measured_at":
                columns[name] = column.to_numpy(dtype="datetime64[us]")
            else:
                objects: Any = column.astype("object")
                columns[name] = objects.where(column.notna(), None).to_numpy(dtype=object)
        return cls(columns)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._columns[name]

    def __len__(self) -> int:
        return self._size

    def take(self, places: npt.NDArray[Any]) -> Rows:
        """The rows at `places`, or those where a mask holds."""
        return Rows({name: column[places] for name, column in self._columns.items()})

    @classmethod
    def joined(cls, parts: Iterable[Rows]) -> Rows:
        """The rows of all parts, one after the other."""
        found = list(parts)
        return cls({name: np.concatenate([part[name] for part in found]) for name in found[0]._columns})

    def where(self, name: str, *values: Any) -> Rows:
        """The rows whose column is one of `values`; these rows themselves where all are."""
        column = self._columns[name]
        kept = np.isin(column, values) if len(values) > 1 else column == values[0]
        return self if kept.all() else self.take(kept)

    def groups(self, name: str) -> Iterator[tuple[Any, Rows]]:
        """(value, rows) in the order of the values."""
        for value in sorted(set(self._columns[name].tolist())):
            yield value, self.where(name, value)
