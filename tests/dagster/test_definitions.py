"""The pipeline as Dagster sees it: graph, groups, checks that turn red, partitions, sensors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from chimera_pipeline import settings as settings_module
from chimera_pipeline.contracts import tables
from chimera_pipeline.contracts.tables import SETTLED_TABLES
from chimera_pipeline.definitions import build_definitions
from chimera_pipeline.metrics.settle import Part, Settling
from chimera_pipeline.orchestration import checks, partitions
from chimera_pipeline.orchestration.automation import INGEST, PERIODIC
from chimera_pipeline.settings import Settings
from tests import corpus

GRAPH = {
    "raw_inventory": ("inventory", set()),
    "readings": ("inventory", {"raw_inventory"}),
    **{table: ("metrics", {"raw_inventory", "readings"}) for table in SETTLED_TABLES},
    "measurements": (
        "metrics",
        {
            "llm_requests", "serving_runs", "timings", "throughputs", "evaluations", "system_samples",
            "extra_statistics", "artifacts", "series",
        },
    ),
    "facts": ("facts", {"measurements", "series", "artifacts", "telemetry_gaps"}),
    "collector_brief": ("analysis", {"facts", "measurements", "artifacts", "telemetry_gaps"}),
    "analysis": ("analysis", {"facts", "measurements", "artifacts", "telemetry_gaps", "collector_brief"}),
    "report": (
        "report",
        {"facts", "measurements", "analysis", "collector_brief", "artifacts", "series", "telemetry_gaps", "quarantine"},
    ),
    "report_history": ("report", {"report"}),
}  # fmt: skip


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    corpus.tree(tmp_path / "data")
    return settings_module.load(artifacts=str(tmp_path / "data"), out=tmp_path / "out", llm="none")


@pytest.mark.parametrize("period", ["all", "month", "week", "day", "quarter"])
def test_the_asset_graph_is_that_of_the_contract(chosen: Settings, period: str) -> None:
    graph = build_definitions(settings=chosen, period=period).resolve_asset_graph()
    found = {
        key.path[-1]: (graph.get(key).group_name, {parent.path[-1] for parent in graph.get(key).parent_keys})
        for key in graph.get_all_asset_keys()
    }
    assert found == GRAPH
    partitioned = {key.path[-1] for key in graph.get_all_asset_keys() if graph.get(key).partitions_def is not None}
    assert partitioned == (set() if period == "all" else set(PERIODIC))


def test_every_asset_is_described_owned_and_versioned(chosen: Settings) -> None:
    graph = build_definitions(settings=chosen).resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners == {"team:performance"} or list(node.owners) == ["team:performance"]
        assert node.code_version
        assert node.kinds
    for name in ("collector_brief", "analysis"):
        assert graph.get(dg.AssetKey(name)).pools == {"gpu"}


def test_the_definitions_have_jobs_sensors_and_schedule(chosen: Settings) -> None:
    repository = build_definitions(settings=chosen).get_repository_def()
    assert {"ingest_job", "report_job"} <= set(repository.job_names)
    assert {sensor.name for sensor in repository.sensor_defs} == {"new_artifacts", "changed_periods"}
    assert [schedule.name for schedule in repository.schedule_defs] == ["period_report"]


def materialize(chosen: Settings, names: tuple[str, ...], period: str, key: str | None, instance: Any) -> Any:
    definitions = build_definitions(settings=chosen, period=period)
    return dg.materialize(
        list(definitions.assets or ()),
        selection=dg.AssetSelection.assets(*names),
        resources=definitions.resources,
        instance=instance,
        partition_key=key,
        raise_on_error=False,
    )


def test_a_partition_is_materialized_with_its_metadata_and_checks(chosen: Settings) -> None:
    with dg.instance_for_test() as instance:
        ingest = materialize(chosen, INGEST, "month", None, instance)
        assert ingest.success
        evaluations = ingest.get_asset_check_evaluations()
        assert {check.asset_key.path[-1] for check in evaluations} == {*SETTLED_TABLES, "measurements"}
        assert {check.check_name for check in evaluations if not check.passed} == {checks.GAPS}
        done = materialize(chosen, PERIODIC, "month", "2025-10", instance)
        assert done.success
        event = instance.get_latest_materialization_event(dg.AssetKey("llm_requests"))
        assert event is not None
        assert event.asset_materialization is not None
        metadata = event.asset_materialization.metadata
        assert metadata["dagster/row_count"].value == 12
        assert "dagster/column_schema" in metadata
        facts = instance.get_latest_materialization_event(dg.AssetKey("facts"))
        assert facts is not None
        assert facts.asset_materialization is not None
        assert facts.asset_materialization.partition == "2025-10"
        assert any(key.startswith("decode_tokens_per_s") for key in facts.asset_materialization.metadata)
    report = json.loads((chosen.out / "reports/2025-10/report.json").read_text())
    assert report["title"]["period"] == "2025-10"
    kept = pd.read_parquet(chosen.out / "tables/checks")
    assert set(kept.loc[~kept["passed"], "expectation"]) == {checks.GAPS}
    assert not set(kept["expectation"]) & {checks.ROW_COUNT, checks.FRESHNESS}


def test_a_broken_table_fails_its_check_and_stops_what_is_downstream(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Settling.__iter__

    def broken(settling: Settling) -> Iterator[Part]:
        for part in whole(settling):
            yield replace(part, frames=part.frames | {"timings": part.frames["timings"].assign(mean_s=-1.0)})

    monkeypatch.setattr(Settling, "__iter__", broken)
    with dg.instance_for_test() as instance:
        result = materialize(chosen, INGEST, "all", None, instance)
        assert not result.success
        severe = dg.AssetCheckSeverity.ERROR
        evaluations = result.get_asset_check_evaluations()
        failed = [check for check in evaluations if not check.passed and check.severity is severe]
        assert [check.asset_key.path[-1] for check in failed] == ["timings"]
        rows = failed[0].metadata["first"].value
        assert rows[0]["artifact_path"] == "october/compile.json"
        assert rows[0]["locator"].startswith("/backends/")
        assert instance.get_latest_materialization_event(dg.AssetKey("measurements")) is None


def test_an_artifact_that_comes_in_two_chunks_breaks_the_contract(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Settling.__iter__

    def twice(settling: Settling) -> Iterator[Part]:
        part = next(iter(whole(settling)))
        yield part
        none = dict.fromkeys(part.frames, 0)
        again = [replace(chunk, rows=none | {"artifacts": chunk.rows["artifacts"]}) for chunk in part.chunks]
        frames = {name: frame if name == "artifacts" else frame.head(0) for name, frame in part.frames.items()}
        yield Part(frames, again)

    monkeypatch.setattr(Settling, "__iter__", twice)
    with dg.instance_for_test() as instance:
        result = materialize(chosen, INGEST, "all", None, instance)
        severe = dg.AssetCheckSeverity.ERROR
        failed = [
            check for check in result.get_asset_check_evaluations() if not check.passed and check.severity is severe
        ]
        assert [check.asset_key.path[-1] for check in failed] == ["artifacts"]


def test_the_report_is_audited_and_the_check_turns_red_on_a_claim_that_does_not_hold(chosen: Settings) -> None:
    with dg.instance_for_test() as instance:
        assert materialize(chosen, INGEST, "all", None, instance).success
        done = materialize(chosen, PERIODIC, "all", None, instance)
        audited = [check for check in done.get_asset_check_evaluations() if check.check_name == checks.AUDIT]
        assert [check.passed for check in audited] == [True], audited[0].metadata["first"]
        assert audited[0].metadata["claims"].value > 50
    found = {
        "claims": 3, "numbers": 3, "supported": 2, "unsupported": 1, "contradicted": 0, "passed": False,
        "first": ["line 1: 9: wrong"],
    }  # fmt: skip
    red = checks.audit_result(found)
    assert not red.passed
    assert red.severity is dg.AssetCheckSeverity.ERROR
    assert checks.audit_result(found | {"passed": True}).passed


@pytest.mark.parametrize("table", tables.TABLES)
def test_the_contract_check_of_each_table_turns_red(table: str) -> None:
    whole = tables.frame(table)
    assert checks.contract_result(table, whole).passed
    assert not checks.contract_result(table, whole.rename(columns={whole.columns[0]: "other"})).passed


@pytest.mark.parametrize(
    ("kind", "key", "name"),
    [("month", "2025-10", "2025-10"), ("day", "2025-10-08", "2025-10-08"), ("week", "2025-10-06", "2025-W41"),
     ("quarter", "2025-10-01", "2025-Q4"), ("year", "2025", "2025")],
)  # fmt: skip
def test_partition_keys_and_period_names_are_one_to_one(kind: str, key: str, name: str) -> None:
    assert partitions.name_of(key, kind) == name
    assert partitions.key_of(name) == key
    assert key in partitions.definition(kind, "2025-01-01").get_partition_keys()


def sensor(definitions: dg.Definitions, name: str) -> Any:
    return definitions.get_repository_def().get_sensor_def(name)


def tick(definitions: dg.Definitions, name: str, cursor: str | None, instance: Any) -> Any:
    context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=definitions)
    return sensor(definitions, name).evaluate_tick(context)


def test_new_files_launch_one_ingest_once_they_have_settled(chosen: Settings) -> None:
    definitions = build_definitions(settings=chosen)
    with dg.instance_for_test() as instance:
        first = tick(definitions, "new_artifacts", None, instance)
        assert not first.run_requests
        assert "two looks" in first.skip_message
        second = tick(definitions, "new_artifacts", first.cursor, instance)
        assert len(second.run_requests) == 1
        third = tick(definitions, "new_artifacts", second.cursor, instance)
        assert "nothing changed" in third.skip_message
        corpus.write(Path(chosen.artifacts), {"late.csv": "a,b\n1,2\n"})
        fourth = tick(definitions, "new_artifacts", second.cursor, instance)
        fifth = tick(definitions, "new_artifacts", fourth.cursor, instance)
        assert fifth.run_requests[0].run_key != second.run_requests[0].run_key


def test_a_root_that_cannot_be_read_is_no_empty_folder(chosen: Settings) -> None:
    gone = chosen.model_copy(update={"artifacts": str(Path(chosen.artifacts) / "gone")})
    with dg.instance_for_test() as instance:
        skipped = tick(build_definitions(settings=gone), "new_artifacts", "{}", instance)
        assert "cannot be read" in skipped.skip_message


def test_changed_measurements_launch_the_periods_they_belong_to(chosen: Settings) -> None:
    definitions = build_definitions(settings=chosen)
    with dg.instance_for_test() as instance:
        assert materialize(chosen, INGEST, "month", None, instance).success
        first = tick(definitions, "changed_periods", None, instance)
        assert [request.partition_key for request in first.run_requests] == ["2025-10", "2025-11"]
        again = tick(definitions, "changed_periods", first.cursor, instance)
        assert not again.run_requests
        late = corpus.csv_text(corpus.suite("late:3b", 20.0), corpus.REQUEST_COLUMNS)
        corpus.write(Path(chosen.artifacts), {"late.csv": late})
        assert materialize(chosen, INGEST, "month", None, instance).success
        late_tick = tick(definitions, "changed_periods", first.cursor, instance)
        assert [request.partition_key for request in late_tick.run_requests] == ["2025-10"]
