"""Pandera at work: tables against their contract, rows against the telemetry their kind must carry.

Both come down to lazy failure cases, and one function (`telemetry_failures`) turns those into gap kinds.
Called once per table, or once per kind and shape of file; never once per file.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pandera.io.pandas_io import deserialize_schema

from chimera_pipeline.contracts import checks, clear, schemas, tables
from chimera_pipeline.errors import ContractError

_CASES = ["column", "check", "index", "failure_case"]


@lru_cache(maxsize=64)
def schema(table: str) -> pa.DataFrameSchema:
    """The pandera schema of `table`, from its YAML."""
    checks.register()
    tables.document(table)
    # as pandera's from_yaml, whose parser is the slow one
    built: pa.DataFrameSchema = deserialize_schema(schemas.load(schemas.folder() / "tables" / f"{table}.yaml"))
    return built


def failures(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Failure cases of `frame` against the contract of `table`: columns column, check, index, failure_case.

    Empty where the frame holds. Text may be in categories.
    """
    texts = frozenset(name for name in _texts(table) if name in frame and _holds_text(frame[name]))
    return column_failures(_without_types(table, texts), frame)


def _texts(table: str) -> list[str]:
    return [name for name, dtype in tables.columns(table).items() if dtype == "object"]


def _holds_text(values: pd.Series[Any]) -> bool:
    """Whether every value is text or null, told in one sweep; pandera asks each value on its own."""
    found: Any = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values
    return found.dtype == "object" and pd.api.types.infer_dtype(found, skipna=True) in ("string", "empty")


@lru_cache(maxsize=256)
def _without_types(table: str, known: frozenset[str]) -> pa.DataFrameSchema:
    """The contract of `table` without the type of columns `known` to hold it."""
    whole = schema(table)
    return whole.update_columns({name: {"dtype": None} for name in known if name in whole.columns})


def column_failures(asked: pa.DataFrameSchema, frame: pd.DataFrame) -> pd.DataFrame:
    """Failure cases of `frame` against a schema, or part of one; no row where the frame holds."""
    if clear.holds(asked, frame):
        return pd.DataFrame(columns=_CASES)
    return found_by_pandera(asked, tables.without_categories(frame))[_CASES]


def found_by_pandera(asked: pa.DataFrameSchema, frame: pd.DataFrame) -> pd.DataFrame:
    """All failure cases of a frame as pandera names them; no row where it finds none."""
    try:
        with warnings.catch_warnings():
            # pandera joins failure cases of several dtypes, and pandas says that it will do so otherwise one day
            warnings.filterwarnings("ignore", "The behavior of DataFrame concatenation", FutureWarning)
            asked.validate(frame, lazy=True)
    except SchemaErrors as error:
        return pd.DataFrame(error.failure_cases)
    return pd.DataFrame(columns=_CASES)


@lru_cache(maxsize=64)
def ranges(table: str) -> pa.DataFrameSchema:
    """The numeric columns of `table` with their range checks alone: for rows that are not yet typed."""
    whole = schema(table)
    numeric = [name for name, dtype in tables.columns(table).items() if dtype in ("float64", "Int64")]
    return pa.DataFrameSchema(
        {name: pa.Column("float64", checks=whole.columns[name].checks, nullable=True) for name in numeric}
    )


@lru_cache(maxsize=64)
def orders(table: str) -> tuple[tuple[str, str], ...]:
    """(low, high) of the columns of `table` of which the first may not be above the second."""
    rules = [rule.statistics for rule in schema(table).checks if rule.name == "ordered"]
    return tuple((str(rule["low"]), str(rule["high"])) for rule in rules if rule)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a kind of file must carry, from `schemas/telemetry.yaml`."""

    kind: str
    table: str
    required: tuple[str, ...]
    checks: tuple[dict[str, Any], ...]


@lru_cache(maxsize=1)
def _telemetry() -> dict[str, Any]:
    document: dict[str, Any] = schemas.load(schemas.folder() / "telemetry.yaml")
    return document


@lru_cache(maxsize=256)
def requirement(kind: str) -> Requirement | None:
    """The requirement of `kind`, or None where telemetry.yaml has no entry."""
    entry = _telemetry()["kinds"].get(kind)
    if entry is None:
        return None
    return Requirement(kind, entry["table"], tuple(entry["required"]), tuple(entry.get("checks") or ()))


def kinds() -> tuple[str, ...]:
    """Every kind of file that telemetry.yaml knows."""
    return tuple(_telemetry()["kinds"])


def field_meaning(field: str) -> dict[str, str]:
    """severity, consequence, remedy and (where it has one) gap kind of a missing `field`."""
    default = {
        "severity": "info",
        "consequence": f"no statement can use {field}",
        "remedy": f"record {field} with each record",
    }
    stated: dict[str, str] = _telemetry()["fields"].get(field, {})
    return default | stated


@lru_cache(maxsize=256)
def _telemetry_schema(kind: str) -> pa.DataFrameSchema:
    checks.register()
    wanted = requirement(kind)
    if wanted is None:
        raise ContractError(f"kind {kind!r} is not in schemas/telemetry.yaml")
    rules = []
    for entry in wanted.checks:
        arguments = {key: value for key, value in entry.items() if key != "check"}
        rules.append(getattr(pa.Check, entry["check"])(**arguments, error=entry["check"]))
    return pa.DataFrameSchema(
        {name: pa.Column(nullable=False, required=True) for name in wanted.required},
        checks=rules,
        strict=False,
    )


def asked_fields(kind: str) -> frozenset[str]:
    """The fields that the requirement of `kind` looks at: those that must be there and those of its checks."""
    wanted = requirement(kind)
    if wanted is None:
        return frozenset()
    return frozenset(wanted.required).union(*(_operands(rule) for rule in _telemetry_schema(kind).checks))


GAP_OF_CHECK = {"column_in_dataframe": "missing_field", "not_nullable": "null_field"}


def telemetry_failures(kind: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Failure cases of rows that succeeded, as gap kinds: columns gap, field, index (NA = all rows).

    `frame` holds the rows of artifacts of one kind that carry the same fields; a column that no row has is
    absent. Checks whose columns are absent are not asked.
    """
    wanted = requirement(kind)
    if wanted is None or len(frame) == 0:
        return pd.DataFrame(columns=["gap", "field", "index"])
    found = _telemetry_schema(kind)
    askable = [rule for rule in found.checks if _operands(rule) <= set(frame.columns)]
    asked = pa.DataFrameSchema(found.columns, checks=askable, strict=False)
    cases = column_failures(asked, frame)
    missing = cases["check"] == "column_in_dataframe"
    gaps = pd.DataFrame(
        {
            "gap": cases["check"].map(GAP_OF_CHECK).fillna("inconsistent"),
            "field": cases["failure_case"].where(missing, cases["column"]),
            "index": cases["index"],
        }
    )
    whole_row = gaps["gap"] == "inconsistent"
    results = {rule.name: rule.statistics["result"] for rule in askable}
    gaps.loc[whole_row, "field"] = cases.loc[whole_row, "check"].map(results)
    return gaps.drop_duplicates(ignore_index=True)


def _operands(rule: pa.Check) -> set[str]:
    statistics = rule.statistics or {}
    names = {statistics.get(key) for key in ("numerator", "denominator", "result", "low", "high")}
    return {name for name in names if name} | set(statistics.get("terms") or ())
