"""A csv too large to hold as rows, summed up by DuckDB: one row of statistics for each identity that the file names.

In: an open descriptor of the file, and the reader that claims its first lines. Out: a `Reading` with statistics
(count, mean, std, min, max, median, p90, p95, p99) of each number instead of its rows, each with its n; failed and
broken rows are counted and the first of them named, as in a small file. Every cell is read as text, so that what
counts as a number is what counts elsewhere. Memory is bounded by `MEMORY`, whatever the size.
"""

from __future__ import annotations

import csv
import io
import os
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import BLANK, extra
from chimera_pipeline.readers.reader import Flat, Reader
from chimera_pipeline.records import Format, Reading, Row
from chimera_pipeline.settings import Limits

HEAD = 1 << 18
"""Bytes from which the reader, the header and the delimiter are told."""
MEMORY = "512MB"
MOST_GROUPS = 10_000
_NAMED = 100
_STATISTICS = (
    ("mean", "avg({0})"),
    ("std", "stddev_samp({0})"),
    ("min", "min({0})"),
    ("max", "max({0})"),
)
_QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def head(descriptor: int, limits: Limits) -> Document:
    """The first whole lines, for the matchers. Raises ArtifactError where there is no line end in them."""
    data = os.pread(descriptor, HEAD, 0)
    end = data.rfind(b"\n") + 1
    if not end:
        raise ArtifactError(Reason.LINE_TOO_LONG, f"the first line is over {HEAD} bytes", locator="line 1")
    return Document(data[:end], Format.CSV, limits)


def read(descriptor: int, reader: Reader, first: Document, limits: Limits) -> Reading:
    """The statistics of the whole file. Raises ArtifactError for a file that is no csv."""
    flat = reader.flat
    table = first.csv
    if flat is None:
        said = f"is over limits.max_file_bytes ({limits.max_file_bytes}), and {reader.name} is read row by row"
        raise ArtifactError(Reason.TOO_LARGE, said)
    line = first.text.lstrip("\r\n").split("\n", 1)[0]
    lake = _Lake(descriptor, table.header, max(",;\t", key=line.count), limits)
    try:
        return _summed(lake, reader, flat, first)
    finally:
        lake.close()


class _Lake:
    """DuckDB over one file: every column as text, what does not fit the header set aside."""

    def __init__(self, descriptor: int, header: list[str], delimiter: str, limits: Limits) -> None:
        import duckdb

        self.header = header
        self._database = duckdb.connect(":memory:")
        self._error = duckdb.Error
        for setting in (f"memory_limit='{MEMORY}'", "temp_directory=''", "preserve_insertion_order=false"):
            self._database.execute(f"SET {setting}")
        columns = ", ".join(f"{_text(f'c{i}')}: 'VARCHAR'" for i in range(len(header)))
        # through the descriptor: a name could be a pattern, and the file that was checked is the file that is read
        self._source = (
            f"read_csv('/dev/fd/{descriptor}', columns={{{columns}}}, delim={_text(delimiter)}, quote='\"', "
            f"escape='\"', header=true, auto_detect=false, store_rejects=true, rejects_table='broken', "
            f"max_line_size={limits.max_line_bytes})"
        )

    def close(self) -> None:
        """Let go of the memory."""
        self._database.close()

    def cell(self, column: str) -> str:
        """The column as SQL."""
        return f"c{self.header.index(column)}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to a query over {source}. Raises ArtifactError."""
        try:
            return self._database.execute(query.replace("{source}", self._source)).fetchall()
        except self._error as error:
            said = str(error).splitlines()[0]
            reason = Reason.BAD_ENCODING if "utf" in said.lower() else Reason.UNEXPECTED_SHAPE
            raise ArtifactError(reason, redact.printable(said)[:200]) from None

    def broken(self) -> tuple[int, list[tuple[Any, ...]]]:
        """How many rows do not fit the header, and (line, what is wrong) of the first."""
        count = self.rows("SELECT count(DISTINCT line) FROM broken")[0][0]
        return count, self.rows(f"SELECT DISTINCT line, error_type::VARCHAR FROM broken ORDER BY line LIMIT {_NAMED}")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _filled(cell: str) -> str:
    """Whether a cell holds something, as `fields.number` sees it; most are empty, and cost nothing."""
    words = ", ".join(_text(word) for word in sorted(BLANK))
    return f"CASE WHEN {cell} IS NULL THEN false ELSE lower(trim({cell})) NOT IN ({words}) END"


def _summed(lake: _Lake, reader: Reader, flat: Flat, first: Document) -> Reading:
    numbers = {source: metric for source, metric in flat.numbers.items() if source in lake.header}
    by = [column for column in lake.header if column in flat.by]
    rows = _rows(lake, flat, list(numbers), by)
    # one quantile of several points: each quantile function keeps all values of its own
    quantiles = f"quantile_cont({{0}}, {list(_QUANTILES.values())})"
    formulas = ["count({0})", *(formula for _, formula in _STATISTICS), quantiles]
    used = ", ".join(f"CASE WHEN ok THEN v{i} END AS u{i}" for i in range(len(numbers)))  # cheaper than filters
    wanted = [formula.format(f"u{i}") for i in range(len(numbers)) for formula in formulas]
    groups = ", ".join(f"k{i}" for i in range(max(1, len(by))))
    counts = ", ".join(f"count(*) FILTER (WHERE {flag})" for flag in ("ok", "failed", "bad"))
    found = lake.rows(
        f"SELECT {groups}, min(stamped) FILTER (WHERE ok), {counts}, {', '.join(wanted)} "
        f"FROM (SELECT *, {used} FROM ({rows})) "
        f"GROUP BY {groups} ORDER BY {groups} LIMIT {MOST_GROUPS + 1}"
    )
    if len(found) > MOST_GROUPS:
        raise ArtifactError(Reason.TOO_MANY_ROWS, f"more than {MOST_GROUPS} combinations of {', '.join(by)}")
    reading = Reading(kind=flat.kind, tool=reader.read(first).tool or reader.name)
    for group in found:
        _add(reading, reader, flat, lake.header, by, list(numbers.values()), group)
    _name_broken(reading, lake)
    if any(group[max(1, len(by)) + 3] for group in found):
        _name_bad_cells(reading, lake, list(numbers), rows)
    return reading


def _rows(lake: _Lake, flat: Flat, sources: list[str], by: list[str]) -> str:
    """Each row as SQL: identity k*, instant, cells t*, values v*, and whether it is ok, failed or bad.

    A value is a plain decimal number, as `fields.number` takes it; null for anything else.
    """
    keys = [f"{lake.cell(column)} AS k{i}" for i, column in enumerate(by)] or ["1 AS k0"]
    time, error = (lake.cell(name) if name in lake.header else "NULL" for name in (flat.time, flat.error))
    cells = [f"{lake.cell(source)} AS t{i}, TRY_CAST({lake.cell(source)} AS DOUBLE) AS d{i}" for i, source in
             enumerate(sources)]  # fmt: skip
    numbers = range(len(sources))
    plain = [f"CASE WHEN isfinite(d{i}) AND NOT contains(t{i}, '_') AND strlen(t{i}) <= 40 THEN d{i} END AS v{i}" for i
             in numbers]  # fmt: skip
    zeros = [f"coalesce(v{sources.index(name)} = 0, false)" for name in flat.zero_fails if name in sources]
    failed = " OR ".join([_filled("error"), *zeros])
    bad = " OR ".join(f"CASE WHEN v{i} IS NULL THEN {_filled(f't{i}')} ELSE false END" for i in numbers)
    read = f"SELECT {', '.join(keys)}, trim({time}) AS stamped, {error} AS error, {', '.join(cells)} FROM {{source}}"
    valued = f"SELECT *, {', '.join(plain)} FROM ({read})"
    judged = f"SELECT *, {failed} AS failed, {bad} AS unreadable FROM ({valued})"
    return f"SELECT *, NOT failed AND NOT unreadable AS ok, NOT failed AND unreadable AS bad FROM ({judged})"


def _add(
    reading: Reading,
    reader: Reader,
    flat: Flat,
    header: list[str],
    by: list[str],
    metrics: list[str],
    group: tuple[Any, ...],
) -> None:
    """The statistics of one group, under the identity that the reader gives a row with its cells."""
    keys, (at, ok, failed, _, *stated) = group[: max(1, len(by))], group[max(1, len(by)) :]
    reading.records_ok += ok
    reading.records_failed += failed
    if not ok:
        return
    cells = {column: str(key) for column, key in zip(by, keys, strict=False) if key is not None}
    identity = _identity(reader, flat, header, cells | ({flat.time: str(at)} if at and flat.time in header else {}))
    if identity is None:
        reading.reject(Reason.BAD_TIME, f"{flat.time} of the first row is no instant", value=redact.value(at))
        identity = _identity(reader, flat, header, cells)
    if identity is None:
        said = f"rows of {', '.join(cells) or 'the file'} name no identity that {reader.name} reads"
        return reading.reject(Reason.UNEXPECTED_SHAPE, said)
    identity |= {"locator": "all rows", "status": "ok"}
    width = 2 + len(_STATISTICS)
    names = [*(statistic for statistic, _ in _STATISTICS), *_QUANTILES]
    for i, metric in enumerate(metrics):
        n, *values, quantiles = stated[i * width : (i + 1) * width]
        for statistic, value in zip(names, [*values, *(quantiles or [None] * len(_QUANTILES))], strict=True):
            ddof = 1 if statistic == "std" else None
            extra(reading, identity, metric, statistic, value, n=n, ddof=ddof, locator="all rows")


def _identity(reader: Reader, flat: Flat, header: list[str], cells: dict[str, str]) -> Row | None:
    """What the reader makes of a row with these cells and no numbers; None where it refuses it."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header, [cells.get(column, "") for column in header]])
    rows = reader.read(Document(buffer.getvalue().encode("utf-8", "replace"), Format.CSV)).rows.get(flat.table)
    return rows[0] if rows else None


def _name_broken(reading: Reading, lake: _Lake) -> None:
    """Name the first rows that do not fit the header; the others are counted."""
    count, broken = lake.broken()
    for line, said in broken:
        reading.reject(Reason.RAGGED_ROW, f"line {line}: {str(said).lower()}", locator=f"line {line}")
    if count > len(broken):
        reading.reject(Reason.RAGGED_ROW, f"and {count - len(broken)} more rows do not fit the header")


def _name_bad_cells(reading: Reading, lake: _Lake, sources: list[str], rows: str) -> None:
    """Name the first cells that are no numbers, by column."""
    for i, source in enumerate(sources):
        where = f"bad AND v{i} IS NULL AND {_filled(f't{i}')}"
        query = f"SELECT t{i}, count(*) FROM ({rows}) WHERE {where} GROUP BY 1 ORDER BY 1 LIMIT {_NAMED}"
        for cell, count in lake.rows(query):
            shown = redact.value(cell, source)
            times = f" in {count} rows" if count > 1 else ""
            said = f"{source} is {shown!r}{times}, expected a plain number"
            reading.reject(Reason.BAD_NUMBER, said, locator=f"column {source}", value=shown)
