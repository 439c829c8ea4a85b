"""The last step of reading: what of a reading later stages may see, whatever its reader let through.

Texts of rows are held to `redact.held`; numbers that nothing can be computed with are refused with their place. Nearly
every table is clean: its values are looked at together, and row by row only where one of them is not.
"""

from __future__ import annotations

import math
import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import Reason
from chimera_pipeline.records import Reading, Row

# What squares, cubes and sums of it a double can hold; nothing that is measured comes near.
_SMALLEST, _LARGEST = 1e-60, 1e60
_WHOLE = 2**62
# Places, instants and pointers: of what no sentence and no secret can be made.
_FEW = 4
"""Fewer rows than this for each set of columns are looked at one by one."""
_PLAIN = re.compile(r"(?:row|line) \d{1,9}|[\d:T.+-]{10,40}|(?:/(?:[a-z]{0,30}|\d{1,9}))+")


def clear(reading: Reading) -> None:
    """Clear every row of `reading` in place; a number that is refused is None and a rejection."""
    for table, rows in reading.rows.items():
        if _is_clean(rows):
            continue
        taken = {id(row) for row in rows if _clear_row(row, reading)}
        if table == "measurements" and taken:  # the value is all that such a row has
            reading.rows[table] = [row for row in rows if id(row) not in taken]
    for summary in reading.summaries:
        for key, value in summary.where.items():
            summary.where[key] = _held(value)


def _is_clean(rows: list[Row]) -> bool:
    """Whether clearing would change nothing in these rows; a column at a time, in rows that have the same columns."""
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(row), []).append(row)
    if len(alike) * _FEW > len(rows):
        return False
    columns = (column for some in alike.values() for column in zip(*map(dict.values, some), strict=True))
    return all(map(_is_clean_column, columns))


def _is_clean_column(values: tuple[Any, ...]) -> bool:
    if type(values[0]) is float and set(map(type, values)) == {float}:
        # all in range; of a column with a NaN there is no sum
        if min(values) >= _SMALLEST and max(values) <= _LARGEST and math.isfinite(sum(values)):
            return True
        return all(map(_is_usable, values))
    try:
        distinct = set(values)
    except TypeError:
        if set(map(type, values)) == {dict}:
            return _are_clean_options([options for options in values if options])
        return all(map(_is_clean_value, values))
    # in a set an int hides an equal float, which may be beyond what an int can be
    return all(_is_clean_value(v) and (type(v) is str or v is None or abs(v) < _WHOLE) for v in distinct) or all(
        map(_is_clean_value, values)
    )


def _are_clean_options(objects: list[dict[str, Any]]) -> bool:
    values = [value for options in objects for value in options.values() if type(value) is not float]
    if {dict, list} & set(map(type, values)):
        return all(map(_is_clean_value, objects))
    return all(map(_is_clean_value, set().union(values, *objects)))


def _is_clean_value(value: Any) -> bool:
    kind = type(value)
    if kind is str or kind is dict:
        return not value or bool(_held(value) == value)
    return _is_usable(value) if kind is float or kind is int else True


def _clear_row(row: Row, reading: Reading) -> bool:
    """Clear one row; True where a number was refused."""
    taken = False
    for key, value in row.items():
        kind = type(value)
        if kind is str or kind is dict:
            row[key] = _held(value)
        elif (kind is float or kind is int) and not _is_usable(value):
            row[key], taken = None, True
            place = row.get("locator")
            reading.reject(Reason.OUT_OF_RANGE, f"{place}: {key} is beyond every measurement", locator=place)
    return taken


def _held(value: Any) -> Any:
    """The value with every text in it held, keys of mappings as well."""
    if type(value) is str:
        return value if _PLAIN.fullmatch(value) else redact.held(value)
    if type(value) is dict:
        return {_held(key): _held(item) for key, item in value.items()}
    return value if type(value) is not int or _fits(value) else None


def _is_usable(value: float) -> bool:
    return _fits(value) if type(value) is int else not value or _SMALLEST <= abs(value) <= _LARGEST


def _fits(value: float) -> bool:
    return bool(-(2**63) <= value < 2**63)
