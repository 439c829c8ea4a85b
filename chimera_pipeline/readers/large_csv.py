"""A csv too large to hold as rows, summed up by DuckDB: one row of statistics for each identity that the file names.

In: an open descriptor of the file, and the reader that claims its first lines and says which columns are what
(`Reader.flat`). Out: a `Reading` with statistics (count, mean, std, min, max, median, p90, p95, p99) of each number
instead of its rows, each with its n; failed and broken rows are counted and the first of them named, as in a small
file. Every cell is read as text, so that what counts as a number is what counts elsewhere. Memory is bounded by
`MEMORY`, whatever the size.
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import BLANK, NUMBER, extra
from chimera_pipeline.readers.reader import Flat, Reader, Sign
from chimera_pipeline.records import Format, Reading, Row
from chimera_pipeline.settings import Limits
from chimera_pipeline.units import canonical

HEAD = 1 << 18
"""Bytes from which the reader, the header and the delimiter are told."""
MEMORY = "512MB"
MOST_GROUPS = 10_000
_NAMED = 100
_SPACE = " \t\n\r\v\f"
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
    """The statistics of the whole file. Raises ArtifactError: no csv, or its rows are no samples."""
    table = first.csv
    flat = None if reader.flat is None else reader.flat(table.header)
    if flat is None or not flat.numbers:
        said = (
            f"is over limits.max_file_bytes ({limits.max_file_bytes}) and is read row by row as {reader.name}: "
            f"split it into smaller files, or raise the limit where memory allows (about 20 times the size of the file)"
        )
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


def _shows(sign: Sign, cell: str) -> str:
    """Whether a row shows the sign of a failure, as conditions compare (`source_file.comparable`)."""
    text = f"trim({cell}, {_text(_SPACE)})"
    numbers = sorted(value for value in sign.values if isinstance(value, float))
    texts = sorted(value for value in sign.values if isinstance(value, str))
    tests = [f"coalesce(TRY_CAST({cell} AS DOUBLE) = {value!r}, false)" for value in numbers]
    tests += [f"lower({text}) = {_text(value)}" for value in texts]
    tests += [f"{text} = ''"] if None in sign.values else []
    blank = str(None in sign.values).lower()
    shown = f"CASE WHEN {cell} IS NULL THEN {blank} ELSE {' OR '.join(tests)} END"
    return f"NOT {shown}" if sign.others else shown


@dataclass(frozen=True, slots=True)
class _Query:
    """The rows of a file as SQL: k* tell groups apart, t* are cells and d* their values, `failed` shows a sign."""

    keys: list[str]
    flat: Flat
    rows: str

    @classmethod
    def of(cls, lake: _Lake, flat: Flat) -> _Query:
        keys = [column for column in lake.header if column in flat.by]
        picked = [f"{lake.cell(column)} AS k{i}" for i, column in enumerate(keys)]
        picked.append(f"{lake.cell(flat.time) if flat.time else 'NULL'} AS stamp")
        picked += [
            f"{lake.cell(column.name)} AS t{i}, TRY_CAST({lake.cell(column.name)} AS DOUBLE) AS d{i}"
            for i, column in enumerate(flat.numbers)
        ]
        signs = [_shows(sign, lake.cell(sign.column)) for sign in flat.failed]
        picked.append(f"{' OR '.join(signs) or 'false'} AS failed")
        where = f" WHERE {lake.cell(flat.only[0])} = {_text(flat.only[1])}" if flat.only else ""
        return cls(keys, flat, f"SELECT {', '.join(picked)} FROM {{source}}{where}")

    def groups(self, *more: str) -> str:
        """What rows are put together by."""
        return ", ".join([*(f"k{i}" for i in range(len(self.keys))), "failed", *more])

    def plain(self) -> str:
        """The statistics of each group, and whether all its cells are what they look like: a few odd ones decide.

        Cheaper than judging every cell. A cell that DuckDB takes for a number and `fields.number` does not has an
        underscore, two signs (and a value below 0) or over 40 characters, or is not finite; one that it does not take
        is counted.
        """
        odd = ["coalesce(min(stamp) LIKE ' %', false)"]
        for i, column in enumerate(self.flat.numbers):
            odd += [f"count(t{i}) <> count(d{i})", f"coalesce(max(strlen(t{i})) > 40, false)"]
            odd += [f"coalesce(bool_or(contains(t{i}, '_')), false)", f"coalesce(min(d{i}) < 0, false)"]
            odd += [f"coalesce(NOT isfinite({edge}(d{i})), false)" for edge in ("min", "max")]
            if column.whole:
                odd.append(f"coalesce(bool_or(d{i} <> floor(d{i})), false)")
        return self._summed(self.rows, "d", "false AS bad", f"{' OR '.join(odd)} AS odd")

    def strict(self) -> str:
        """The statistics of each group with every cell judged; rows with a bad one are in groups of their own."""
        return self._summed(self.judged(), "v", "bad", "false AS odd")

    def judged(self) -> str:
        """The rows with values v*, null for what is no plain number, and whether a row has such a cell: `bad`."""
        values = []
        for i, column in enumerate(self.flat.numbers):
            fits = f"regexp_full_match(trim(t{i}, {_text(_SPACE)}), {_text(NUMBER)}) AND isfinite(d{i})"
            fits += f" AND strlen(t{i}) <= 40" + (f" AND d{i} = floor(d{i})" if column.whole else "")
            values.append(f"CASE WHEN {fits} THEN d{i} END AS v{i}")
        bad = " OR ".join(
            f"CASE WHEN v{i} IS NULL THEN {_filled(f't{i}')} ELSE false END" for i in range(len(self.flat.numbers))
        )
        bad = f"NOT failed AND ({bad})" if self.flat.failed_unread else bad
        return f"SELECT *, {bad} AS bad FROM (SELECT *, {', '.join(values)} FROM ({self.rows}))"

    def _summed(self, rows: str, value: str, bad: str, odd: str) -> str:
        # one quantile of several points: each quantile function keeps all values of its own
        quantiles = f"quantile_cont({{0}}, {list(_QUANTILES.values())})"
        formulas = ["count({0})", *(formula for _, formula in _STATISTICS), quantiles]
        wanted = [formula.format(f"{value}{i}") for i in range(len(self.flat.numbers)) for formula in formulas]
        grouped = self.groups("bad") if bad == "bad" else self.groups()
        picked = ", ".join([grouped, *([] if bad == "bad" else [bad]), odd, "min(stamp)", "count(*)", *wanted])
        return f"SELECT {picked} FROM ({rows}) GROUP BY {grouped} ORDER BY {grouped} LIMIT {4 * MOST_GROUPS + 1}"


def _summed(lake: _Lake, reader: Reader, flat: Flat, first: Document) -> Reading:
    query = _Query.of(lake, flat)
    width = len(query.keys)
    found = lake.rows(query.plain())
    if any(group[width + 2] for group in found):
        found = lake.rows(query.strict())
    if len({group[:width] for group in found}) > MOST_GROUPS:
        said = f"more than {MOST_GROUPS} combinations of {', '.join(query.keys)}: split the file, or drop such a column"
        raise ArtifactError(Reason.TOO_MANY_ROWS, said)
    reading = Reading(kind=flat.kind, tool=reader.read(first).tool or reader.name)
    for group in found:
        keys, (failed, bad, _, at, count, *stated) = group[:width], group[width:]
        if failed and not bad:
            reading.records_failed += count
        elif not bad:
            reading.records_ok += count
            _add(reading, reader, flat, lake.header, dict(zip(query.keys, keys, strict=True)), at, stated)
    _name_broken(reading, lake)
    if any(group[width + 1] for group in found):
        _name_bad_cells(reading, lake, query)
    return reading


def _add(
    reading: Reading,
    reader: Reader,
    flat: Flat,
    header: list[str],
    keys: dict[str, Any],
    at: str | None,
    stated: list[Any],
) -> None:
    """The statistics of one group, under the identity that the reader gives a row with its cells."""
    cells = {column: str(key) for column, key in keys.items() if key is not None}
    cells |= {flat.only[0]: flat.only[1]} if flat.only else {}
    stamp = {flat.time: at.strip()} if at and flat.time else {}
    identity = _identity(reader, flat, header, cells | stamp)
    if identity is None or (stamp and identity.get("measured_at") is None):
        reading.reject(Reason.BAD_TIME, f"{flat.time} of the first row is no instant", value=redact.value(at))
        identity = _identity(reader, flat, header, cells)
    if identity is None:
        said = f"rows of {', '.join(cells) or 'the file'} name no identity that {reader.name} reads"
        return reading.reject(Reason.UNEXPECTED_SHAPE, said)
    identity |= {"locator": "all rows", "status": "ok"}
    width = 2 + len(_STATISTICS)
    names = [*(statistic for statistic, _ in _STATISTICS), *_QUANTILES]
    for i, column in enumerate(flat.numbers):
        n, *values, quantiles = stated[i * width : (i + 1) * width]
        for statistic, value in zip(names, [*values, *(quantiles or [None] * len(_QUANTILES))], strict=True):
            ddof = 1 if statistic == "std" else None
            converted = value if value is None or column.unit is None else canonical(value, column.unit)
            extra(reading, identity, column.metric, statistic, converted, n=n, ddof=ddof, locator="all rows")


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


def _name_bad_cells(reading: Reading, lake: _Lake, query: _Query) -> None:
    """Name the first cells that are no numbers, by column."""
    for i, column in enumerate(query.flat.numbers):
        where = f"bad AND v{i} IS NULL AND {_filled(f't{i}')}"
        asked = f"SELECT t{i}, count(*) FROM ({query.judged()}) WHERE {where} GROUP BY 1 ORDER BY 1 LIMIT {_NAMED}"
        for cell, count in lake.rows(asked):
            shown = redact.value(cell, column.name)
            times = f" in {count} rows" if count > 1 else ""
            said = f"{column.name} is {shown!r}{times}, expected a plain {'whole ' if column.whole else ''}number"
            reading.reject(Reason.BAD_NUMBER, said, locator=f"column {column.name}", value=shown)
