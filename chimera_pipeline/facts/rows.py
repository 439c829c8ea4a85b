"""Rows of measurements as codes and numbers: what many small cuts of one large table are made on.

In: a table `measurements`, as a frame or as Parquet parts. Text is held once for each distinct value, in sorted order,
and a row holds its place in that order in as few bytes as do; a cut is the places of its rows and copies nothing else.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer]
Texts = npt.NDArray[np.object_]
COLUMNS = (
    "series_id", "metric", "statistic", "value", "unit", "n", "ddof", "phase", "status", "measured_at", "period",
    "run_id", "item", "artifact_sha256", "artifact_path", "locator",
)  # fmt: skip
"""The columns that facts are made of."""
COUNTS = ("n", "ddof")
NUMBERS = ("value", "measured_at", *COUNTS)
UNKNOWN = -1
"""The code of null text, and a null n or ddof."""
NO_INSTANT = np.iinfo(np.int64).min
"""A null instant, which sorts before all others."""
_MOST = 2**62


class Table:
    """Columns of equal length. Text: codes into `texts[name]`; instants: UTC microseconds; others: their numbers."""

    __slots__ = ("columns", "kept", "size", "texts")

    def __init__(self, columns: Mapping[str, npt.NDArray[Any]], texts: Mapping[str, Texts]) -> None:
        self.columns, self.texts = columns, texts
        self.size = len(next(iter(columns.values()))) if columns else 0
        self.kept: dict[str, Any] = {}
        """What is worked out once for the whole table, by who works it out."""


class Rows:
    """Rows of a table; `rows[name]` is an array of values, null text and null n and ddof being None."""

    __slots__ = ("_places", "table")

    def __init__(self, table: Table, places: Codes | None = None) -> None:
        self.table = table
        self._places = places

    @classmethod
    def of(cls, rows: pd.DataFrame | Rows, names: Sequence[str] = COLUMNS) -> Rows:
        """The columns `names` of a frame, as far as it has them; rows as they are."""
        if isinstance(rows, Rows):
            return rows
        columns: dict[str, npt.NDArray[Any]] = {}
        texts: dict[str, Texts] = {}
        for name in names:
            if name not in rows:
                continue
            column: Any = rows[name]
            if name == "value":
                columns[name] = column.to_numpy(dtype=np.float64)
            elif name == "measured_at":
                columns[name] = column.to_numpy(dtype="datetime64[us]").astype(np.int64)
            elif name in COUNTS:
                columns[name] = shortest(column.astype("Int64").fillna(UNKNOWN).to_numpy(dtype=np.int64))
            else:
                codes, found = pd.factorize(column, sort=True)
                columns[name], texts[name] = shortest(codes), np.asarray(found, dtype=object)
        return cls(Table(columns, texts))

    @classmethod
    def read(cls, path: Path, names: Sequence[str] = COLUMNS, *, series: Collection[str] | None = None) -> Rows:
        """The columns `names` of a published table, a row group at a time, text never as an object a row; where
        `series` are given, the rows of these alone.

        Raises FileNotFoundError.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        texts = [name for name in names if name not in NUMBERS]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            columns = {name: _Filling(name, file.metadata.num_rows) for name in names}
            for group in range(file.num_row_groups):
                read = file.read_row_group(group, columns=list(names), use_threads=False)
                if series is not None:
                    wanted = pa.array(sorted(series), pa.string())
                    read = read.filter(pc.is_in(read.column("series_id").cast(pa.string()), value_set=wanted))
                for name in names:
                    columns[name].take(read.column(name))
        done = {name: columns.pop(name).done() for name in names}
        pa.default_memory_pool().release_unused()  # what row groups were unpacked in is as large as the rows kept
        found = {name: distinct for name, (_, distinct) in done.items() if distinct is not None}
        return cls(Table({name: held for name, (held, _) in done.items()}, found))

    def let_go(self) -> None:
        """Give back the memory of the whole table, whoever still holds rows of it: there are none from now on."""
        nothing = {name: np.empty(0, column.dtype) for name, column in self.table.columns.items()}
        self.table.columns, self.table.texts, self.table.size = nothing, {}, 0
        self.table.kept.clear()
        self._places = None

    @property
    def places(self) -> Codes:
        """Where the rows stand in their table."""
        return np.arange(self.table.size, dtype=_place(self.table.size)) if self._places is None else self._places

    def __len__(self) -> int:
        return self.table.size if self._places is None else len(self._places)

    def codes(self, name: str) -> Codes:
        """The codes of a text column, in the order of its texts; of others the numbers themselves."""
        column = self.table.columns[name]
        return column if self._places is None else column[self._places]

    def code(self, name: str, text: str) -> int:
        """The code of a text, or one that no row has."""
        texts = self.table.texts[name]
        place = int(np.searchsorted(texts, text)) if len(texts) else 0
        return place if place < len(texts) and texts[place] == text else len(texts)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        codes = self.codes(name)
        if name in ("value", "measured_at"):
            return codes
        if name in COUNTS:
            counts = codes.astype(object)
            counts[codes == UNKNOWN] = None
            return counts
        texts = self.table.texts[name]
        if not len(texts):
            return np.full(len(codes), None, dtype=object)
        found = texts[codes]
        found[codes == UNKNOWN] = None
        return found

    def are(self, name: str, *texts: str) -> npt.NDArray[np.bool_]:
        """For each row whether its text is one of `texts`."""
        wanted = np.zeros(len(self.table.texts[name]) + 2, dtype=bool)  # the last two: no such text, and null
        wanted[[self.code(name, text) for text in texts]] = True
        wanted[-2:] = False
        found: npt.NDArray[np.bool_] = wanted[self.codes(name)]
        return found

    def known(self, name: str) -> npt.NDArray[np.bool_]:
        """For each row whether it has a text, or an instant."""
        found: npt.NDArray[np.bool_] = self.codes(name) != (NO_INSTANT if name == "measured_at" else UNKNOWN)
        return found

    def take(self, chosen: npt.NDArray[Any] | slice) -> Rows:
        """The rows at these places among the rows, or those where a mask holds."""
        return Rows(self.table, self.places[chosen])

    def where(self, name: str, *texts: str) -> Rows:
        """The rows whose text is one of `texts`; these rows themselves where all are."""
        kept = self.are(name, *texts)
        return self if kept.all() else self.take(kept)

    @staticmethod
    def joined(parts: Iterable[Rows]) -> Rows:
        """The rows of all parts of one table, one after the other."""
        found = list(parts)
        return Rows(found[0].table, np.concatenate([part.places for part in found]))

    def in_table_order(self) -> Rows:
        """The same rows in the order of their table."""
        return Rows(self.table, np.sort(self.places))

    def keys(self, *names: str) -> npt.NDArray[np.int64]:
        """One number for each row, equal and ordered as the texts of `names` together are."""
        key = np.zeros(len(self), dtype=np.int64)
        span = 1
        for name in names:
            size = len(self.table.texts[name]) + 1
            if span * size > _MOST:
                _, key = np.unique(key, return_inverse=True)
                span = len(self)
            key *= size
            key += self.codes(name)
            key += 1
            span *= size
        return key

    def groups(self, *names: str) -> Iterator[tuple[tuple[str, ...], Rows]]:
        """(texts of `names`, their rows in the order of the rows), in the order of the texts."""
        columns = [(self.table.texts[name], self.table.columns[name]) for name in names]
        for part in self.parts(self.keys(*names)):
            first = part._places[0]  # type: ignore[index]
            yield tuple(texts[column[first]] for texts, column in columns), part

    def parts(self, key: npt.NDArray[Any]) -> Iterator[Rows]:
        """The rows of each distinct number of `key`, in the order of the numbers."""
        order = np.argsort(key, kind="stable")
        key = key[order]
        edges = [0, *(np.flatnonzero(key[1:] != key[:-1]) + 1).tolist(), len(order)]
        places = self.places[order]
        del key, order  # as large as half the table, and the parts are used one by one
        for low, high in itertools.pairwise(edges):
            if high > low:
                yield Rows(self.table, places[low:high])

    def wide(self, index: Sequence[str], metrics: Sequence[str]) -> tuple[Rows, dict[str, Array]]:
        """(a row for each distinct `index`, in its order; for each metric its first value there or NaN)."""
        keys, firsts, number = np.unique(self.keys(*index), return_index=True, return_inverse=True)
        metric, value = self.codes("metric"), self.codes("value")
        found = {}
        for name in metrics:
            mine = np.flatnonzero(metric == self.code("metric", name))[::-1]  # backwards, so that the first one stays
            found[name] = np.full(keys.size, np.nan)
            found[name][number[mine]] = value[mine]
        return self.take(firsts), found


class _Filling:
    """One column of a table while its row groups are read."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._at = name, 0
        wide = {"value": np.float64, "measured_at": np.int64}
        self._held: npt.NDArray[Any] = np.empty(size, dtype=wide.get(name, np.int8))
        self._codes: dict[str, int] = {}

    def take(self, column: Any) -> None:
        """The next rows, an Arrow column."""
        for chunk in column.chunks:
            found = self._numbers(chunk) if self._name in NUMBERS else self._coded(chunk)
            if found.dtype != self._held.dtype:  # a column is never held in more bytes than its values need so far
                found = shortest(found)
                self._held = self._held.astype(np.promote_types(self._held.dtype, found.dtype), copy=False)
            self._held[self._at : self._at + len(chunk)] = found
            self._at += len(chunk)

    def _numbers(self, chunk: Any) -> npt.NDArray[Any]:
        import pyarrow as pa

        if self._name == "value":
            return np.asarray(chunk.cast(pa.float64()).to_numpy(zero_copy_only=False))
        whole = chunk if self._name in COUNTS else chunk.cast(pa.timestamp("us", "UTC"))
        null = NO_INSTANT if self._name == "measured_at" else UNKNOWN
        return np.asarray(whole.cast(pa.int64()).fill_null(null).to_numpy(zero_copy_only=False))

    def _coded(self, chunk: Any) -> npt.NDArray[Any]:
        import pyarrow as pa

        coded = chunk if pa.types.is_dictionary(chunk.type) else chunk.cast(pa.string()).dictionary_encode()
        known = [self._codes.setdefault(text, len(self._codes)) for text in coded.dictionary.to_pylist()]
        places = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
        codes: npt.NDArray[Any] = np.array([*known, UNKNOWN], dtype=np.int32)[places]
        return codes

    def done(self) -> tuple[npt.NDArray[Any], Texts | None]:
        """The column, and its texts in order."""
        held = self._held if self._at == len(self._held) else self._held[: self._at].copy()
        if self._name in NUMBERS:
            return (shortest(held) if self._name in COUNTS else held), None
        texts = sorted(self._codes)
        order = np.empty(len(texts) + 1, dtype=np.int64)
        order[[self._codes[text] for text in texts]] = np.arange(len(texts))
        order[-1] = UNKNOWN
        return shortest(order)[held], np.array(texts, dtype=object)


def _place(size: int) -> type[np.signedinteger[Any]]:
    """What holds a place in a table of this size: the places of many rows are held at once."""
    return np.int32 if size <= np.iinfo(np.int32).max else np.int64


def instant(at: dt.datetime) -> int:
    """An instant as the column measured_at has it."""
    return int(pd.Timestamp(at).as_unit("us").asm8.astype(np.int64))


def shortest(codes: npt.NDArray[Any]) -> Codes:
    """Whole numbers in as few bytes as do."""
    low, high = (int(codes.min()), int(codes.max())) if len(codes) else (0, 0)
    fits = (kind for kind in (np.int8, np.int16, np.int32) if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return codes.astype(next(fits, np.int64))
