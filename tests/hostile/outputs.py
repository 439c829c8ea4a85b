"""Everything a run leaves behind, as text: what a search for planted texts must not find anything in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """(where, text) of every file under `folder`; databases and Parquet files decoded, all else byte by byte."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = str(path.relative_to(folder))
        raw = path.read_bytes()
        yield name, raw.decode("latin-1")
        yield name, raw.decode("utf-16-le", "ignore")
        if raw.startswith(b"SQLite format 3\0"):
            yield from _rows(name, path)
        elif path.suffix == ".parquet":
            table = pq.read_table(path)
            yield name, f"{table.schema} {table.schema.metadata}"
            for row in table.to_pylist():
                yield name, repr(list(row.values()))


def _rows(name: str, path: Path) -> Iterator[tuple[str, str]]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as base:
        base.text_factory = lambda raw: raw.decode("utf-8", "replace")
        tables = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            for row in base.execute(f'SELECT * FROM "{quoted}"'):
                cells = [cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell) for cell in row]
                yield f"{name}:{table}", " ".join(cells)
    base.close()
