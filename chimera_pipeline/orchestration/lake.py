"""The output folder: where tables, reports and intermediate values lie, and how they are read and published.

Parquet and JSON only; every file appears whole or not at all, and the files of a report all at once.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

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
GROUP_ROWS = 20_000
"""Rows of a frame that are written at once: of facts some 30 MB."""


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
        """Publish a frame as Parquet; one of many rows a row group at a time, so that it is not there twice."""
        if len(frame) > GROUP_ROWS and name in tables.TABLES:
            with self.writing(name, part) as writer:
                for group in _groups(frame):
                    writer.write(group)
            return writer.path
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
        with atomic.publish(path) as stream, contextlib.closing(Writer(name, path, stream)) as writer:
            yield writer

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

    def write_report(self, period: str, files: Mapping[str, atomic.Data], *, without: Collection[str] = ()) -> None:
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
        self.name, self.path, self.rows = name, path, 0
        # said once for all row groups: one in which a column is empty tells no type
        self._schema = pa.Table.from_pandas(tables.frame(name), schema=_types(name), preserve_index=False).schema
        self.head = self._schema.empty_table().to_pandas()
        self._writer = pq.ParquetWriter(stream, self._schema, compression="zstd")

    def write(self, frame: pd.DataFrame) -> None:
        """Write the next rows as a row group."""
        self.append(self.converted(frame))

    def converted(self, frame: pd.DataFrame) -> pa.Table:
        """Rows as `append` takes them."""
        return pa.Table.from_pandas(frame, schema=self._schema, preserve_index=False)

    def append(self, rows: pa.Table) -> None:
        """Write the next rows, of this frame or of a table that was written so, as a row group."""
        if rows.num_rows:
            if not self.rows:
                self.head = rows.slice(0, HEAD_ROWS).to_pandas()
            self.rows += rows.num_rows
            self._writer.write_table(rows)

    def close(self) -> None:
        """Write what is still to be written."""
        self._writer.close()


def _groups(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for low in range(0, len(frame), GROUP_ROWS):
        yield frame.iloc[low : low + GROUP_ROWS]


def _types(table: str) -> pa.Schema:
    """The column types of a table."""
    types = {
        "object": pa.string(), "float64": pa.float64(), "Int64": pa.int64(), "int64": pa.int64(), "bool": pa.bool_(),
        "boolean": pa.bool_(), "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
    }  # fmt: skip
    return pa.schema([(name, types[dtype]) for name, dtype in tables.columns(table).items()])


def to_json(value: Any) -> bytes:
    """JSON for people: indented, ending in a newline, keys in the order given."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
