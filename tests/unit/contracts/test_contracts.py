"""The contracts: tables have exactly their columns, every rule turns red on a broken twin, missing fields are gaps."""

from __future__ import annotations

import pandas as pd
import pytest

from chimera_pipeline.contracts import checks, schemas, tables, validation, vocabulary
from chimera_pipeline.contracts.tables import METRIC_TABLES
from chimera_pipeline.errors import ContractError

REQUIRED = [
    (kind, field)
    for kind in validation.kinds()
    for field in validation.requirement(kind).required  # type: ignore[union-attr]
]


@pytest.mark.parametrize("table", tables.TABLES)
def test_an_empty_table_has_its_columns_and_keeps_its_contract(table: str) -> None:
    frame = tables.frame(table)
    assert list(frame.columns) == list(tables.columns(table))
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == tables.columns(table)
    assert validation.failures(table, frame).empty


@pytest.mark.parametrize("table", tables.TABLES)
def test_every_column_is_described(table: str) -> None:
    assert all(text.strip() for text in tables.column_descriptions(table).values())


@pytest.mark.parametrize("table", tables.TABLES)
def test_a_table_without_one_of_its_columns_fails_its_contract(table: str) -> None:
    for column in tables.columns(table):
        failures = validation.failures(table, tables.frame(table).drop(columns=column))
        assert column in set(failures["failure_case"])


@pytest.mark.parametrize("table", METRIC_TABLES)
def test_negative_measurements_fail_the_contract(table: str) -> None:
    for name, dtype in tables.columns(table).items():
        if dtype == "float64" and name not in ("value",):
            frame = tables.frame(table, [{name: -1.0}])
            failures = validation.failures(table, frame)
            assert ((failures["column"] == name) & failures["check"].str.startswith("greater_than")).any(), name


@pytest.mark.parametrize(("kind", "field"), REQUIRED)
def test_each_required_field_that_is_missing_or_null_is_found(kind: str, field: str) -> None:
    wanted = validation.requirement(kind)
    assert wanted is not None
    full = pd.DataFrame({name: [1.0, 1.0] for name in wanted.required})
    clean = validation.telemetry_failures(kind, full)
    assert not clean["gap"].isin(["missing_field", "null_field"]).any()
    missing = validation.telemetry_failures(kind, full.drop(columns=field))
    assert ("missing_field", field) in set(zip(missing["gap"], missing["field"], strict=True))
    holed = full.assign(**{field: [1.0, None]})
    null = validation.telemetry_failures(kind, holed)
    assert ("null_field", field, 1) in set(zip(null["gap"], null["field"], null["index"], strict=True))
    assert validation.field_meaning(field)["remedy"]


@pytest.mark.parametrize("kind", [k for k in validation.kinds() if validation.requirement(k).checks])  # type: ignore[union-attr]
def test_each_cross_field_rule_turns_red(kind: str) -> None:
    wanted = validation.requirement(kind)
    assert wanted is not None
    for rule in wanted.checks:
        names = {value for key, value in rule.items() if key in ("numerator", "denominator", "result")}
        names |= set(rule.get("terms", ()))
        frame = pd.DataFrame({name: [2.0] for name in {*names, *wanted.required}})
        frame[rule["result"]] = 77.0
        found = validation.telemetry_failures(kind, frame)
        assert ("inconsistent", rule["result"]) in set(zip(found["gap"], found["field"], strict=True))


def test_ordered_turns_red_through_the_yaml_of_a_table() -> None:
    frame = tables.frame("timings", [{"min_s": 2.0, "mean_s": 1.0, "max_s": 3.0}])
    assert validation.failures("timings", frame)["check"].str.startswith("ordered(low=min_s, high=mean_s").any()


def test_every_rule_named_in_yaml_is_registered() -> None:
    named = {rule["check"] for kind in validation.kinds() for rule in validation.requirement(kind).checks}  # type: ignore[union-attr]
    for table in tables.TABLES:
        named |= {rule["options"]["check_name"] for rule in tables.document(table).get("checks", ())}
    assert named <= set(checks.REGISTERED)


def test_every_metric_is_complete_and_its_unit_is_canonical() -> None:
    for metric in vocabulary.metrics().values():
        assert metric.better in ("lower", "higher", "none")
        assert metric.plausible[0] < metric.plausible[1]
        assert metric.words
        assert not metric.name.endswith("_s") or metric.unit.endswith("s"), metric.name


def test_an_unknown_table_or_metric_is_named() -> None:
    with pytest.raises(ContractError, match="not one of"):
        tables.columns("nothing")
    with pytest.raises(ContractError, match=r"metrics\.yaml"):
        vocabulary.metric("nothing")


def test_the_schemas_are_found_beside_the_package() -> None:
    assert (schemas.folder() / "telemetry.yaml").is_file()
