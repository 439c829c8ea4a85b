"""The output folder: where tables, reports and intermediate values lie, and how they are read and published.

Parquet and JSON only; every file appears whole or not at all, and the files of a report all at once.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from chimera_pipeline import atomic
from chimera_pipeline.contracts import tables
from chimera_pipeline.inventory.store import FOLDER, alone

WHOLE = "part-0"
"""Part name of tables that are not partitioned."""
HEAD_ROWS = 100


class Lake:
    """Reads and publishes what a run leaves under `out`."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def table_path(self, name: str, part: str = WHOLE) -> Path:
        """The file of one part of a table (or of an intermediate frame)."""
        folder = self.out / "tables" if name in tables.TABLES else self.out / FOLDER / "assets"
        return folder / name / f"{part}.parquet"

    def value_path(self, name: str, part: str) -> Path:
        """The file of one JSON value."""
        return self.out / FOLDER / "assets" / name / f"{part}.json"

    def report_folder(self, period: str) -> Path:
        """The folder of a period's report."""
        return self.out / "reports" / period

    def write_frame(self, name: str, frame: pd.DataFrame, part: str = WHOLE) -> Path:
        """Publish a frame as Parquet."""
        path = self.table_path(name, part)
        atomic.refuse_links(path.parent, path.parent.parent)
        with atomic.publish(path) as stream:
            pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), stream, compression="zstd")
        return path

    @contextlib.contextmanager
    def writing(self, name: str, part: str = WHOLE) -> Iterator[Writer]:
        """Publish frames that follow each other as one Parquet file when the block ends without error."""
        path = self.table_path(name, part)
        atomic.refuse_links(path.parent, path.parent.parent)
        with atomic.publish(path) as stream:
            writer = Writer(name, path, stream)
            yield writer
            writer.close()

    def write_frames(self, name: str, frames: Iterable[pd.DataFrame], part: str = WHOLE) -> Writer:
        """Publish frames that follow each other as one file, each a row group; one frame as `write_frame` does it."""
        with self.writing(name, part) as writer:
            for frame in frames:
                writer.write(frame)
        return writer

    def passing(self, name: str) -> Passing:
        """A table whose rows lie in order of their artifact, to be gone through."""
        return Passing(self.table_path(name))

    def read_frame(self, name: str, part: str = WHOLE, columns: list[str] | None = None) -> pd.DataFrame:
        """One part of a table, or some columns of it. Raises FileNotFoundError."""
        frame: pd.DataFrame = pq.read_table(self.table_path(name, part), columns=columns).to_pandas()
        return frame

    def rows(self, name: str, part: str = WHOLE) -> int | None:
        """How many rows a published part holds, from its footer; None where there is no such part."""
        path = self.table_path(name, part)
        return int(pq.read_metadata(path).num_rows) if path.is_file() else None

    def read_table(self, name: str) -> pd.DataFrame:
        """Every part of a table; empty with its columns where there is none."""
        parts = atomic.listed(self.table_path(name).parent, "*.parquet")
        frames = [pq.read_table(path).to_pandas() for path in parts]
        filled = [frame for frame in frames if len(frame)]
        if not filled:
            return tables.frame(name)
        whole: pd.DataFrame = pd.concat(filled, ignore_index=True)
        return whole

    def write_value(self, name: str, value: Any, part: str) -> Path:
        """Publish a JSON value."""
        path = self.value_path(name, part)
        atomic.refuse_links(path.parent, path.parent.parent)
        atomic.write_bytes(path, to_json(value))
        return path

    def read_value(self, name: str, part: str) -> Any:
        """One JSON value. Raises FileNotFoundError."""
        return json.loads(self.value_path(name, part).read_bytes())

    def write_report(self, period: str, files: Mapping[str, bytes], *, without: Collection[str] = ()) -> None:
        """Publish the files of a period's report together; those named in `without` go, all others stay."""
        atomic.refuse_links(self.out / "reports", self.report_folder(period))
        atomic.replace_folder(self.report_folder(period), files, without=without)

    def write_index(self, files: Mapping[str, bytes]) -> None:
        """Publish the files over all reports. Who calls it holds `index_lock`."""
        atomic.refuse_links(self.out / "reports")
        atomic.replace_files(self.out / "reports", files)

    def index_lock(self) -> contextlib.AbstractContextManager[None]:
        """Runs report side by side, one a period, and each writes the index."""
        (self.out / FOLDER).mkdir(parents=True, exist_ok=True)
        return alone(self.out, "index")

    def read_report(self, period: str) -> Any:
        """The published view of a period's report. Raises FileNotFoundError."""
        return json.loads((self.report_folder(period) / "report.json").read_bytes())

    def reports(self) -> list[str]:
        """Periods that have a published report, in order. A link beside them (latest -> 2025-11) is none."""
        found = (path.parent for path in atomic.listed(self.out / "reports", "*/report.json"))
        return sorted(folder.name for folder in found if not folder.is_symlink())


class Writer:
    """A table on its way to the disk. `rows` have passed so far; `head` are the first of them."""

    def __init__(self, name: str, path: Path, stream: BinaryIO) -> None:
        self.name, self.path, self.rows, self.head = name, path, 0, pd.DataFrame()
        self._stream = stream
        self._first: pd.DataFrame | None = None
        self._writer: pq.ParquetWriter | None = None

    def write(self, frame: pd.DataFrame) -> None:
        """Write the next rows as a row group."""
        if not self.rows:
            self.head = tables.without_categories(frame.head(HEAD_ROWS))
        self.rows += len(frame)
        if self._first is None and self._writer is None:
            self._first = frame
        elif len(frame):
            self._append(frame)

    def close(self) -> None:
        """Write what is still to be written. One frame alone is written as it is: where a column is empty, the types
        of the table are needed only for the frames after it."""
        if self._writer is not None:
            self._writer.close()
        elif self._first is not None:
            only = pa.Table.from_pandas(tables.without_categories(self._first), preserve_index=False)
            pq.write_table(only, self._stream, compression="zstd")

    def _append(self, frame: pd.DataFrame) -> None:
        types = _types(self.name)
        waiting = [frame] if self._first is None else [self._first, frame]
        for one in waiting:
            rows = pa.Table.from_pandas(one, schema=types, preserve_index=False)
            if self._writer is None:
                plain = tables.without_categories(one.head(0))
                schema = pa.Table.from_pandas(plain, schema=types, preserve_index=False).schema
                self._writer = pq.ParquetWriter(self._stream, schema, compression="zstd")
            if len(one):
                self._writer.write_table(rows)
        self._first = None


class Passing:
    """A published table whose rows lie in order of `artifact_path`, read a row group at a time."""

    def __init__(self, path: Path) -> None:
        self._path, self._next = path, 0
        self._file = pq.ParquetFile(path)
        self._held = self._file.schema_arrow.empty_table()

    def counts(self) -> pd.Series[int]:
        """How many rows each artifact has."""
        paths = pq.read_table(self._path, columns=["artifact_path"], read_dictionary=["artifact_path"])
        found: pd.Series[int] = paths.column(0).to_pandas().astype("str").value_counts()
        return found

    def upto(self, last: str) -> pd.DataFrame:
        """The next rows, up to those of the artifact `last`; text as categories."""
        found = []
        while True:
            stop = int(np.searchsorted(self._held["artifact_path"].to_numpy(), last, side="right"))
            found.append(self._held.slice(0, stop))
            self._held = self._held.slice(stop)
            if len(self._held) or self._next == self._file.num_row_groups:
                break
            self._held = self._file.read_row_group(self._next)
            self._next += 1
        whole: pd.DataFrame = pa.concat_tables(found).to_pandas(strings_to_categorical=True)
        return whole


def _types(table: str) -> pa.Schema:
    """The column types of a table: a chunk in which a column is empty tells no type."""
    types = {
        "object": pa.string(), "float64": pa.float64(), "Int64": pa.int64(), "int64": pa.int64(), "bool": pa.bool_(),
        "boolean": pa.bool_(), "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
    }  # fmt: skip
    return pa.schema([(name, types[dtype]) for name, dtype in tables.columns(table).items()])


def to_json(value: Any) -> bytes:
    """JSON for people: indented, ending in a newline, keys in the order given."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
