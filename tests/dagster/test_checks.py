"""Each asset check, passing on sound data and failing on its broken twin; and what a check that blocks leaves."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chimera_pipeline import settings as settings_module
from chimera_pipeline.contracts import tables
from chimera_pipeline.definitions import build_definitions
from chimera_pipeline.metrics.settle import Part, Settling
from chimera_pipeline.orchestration import checks, staleness
from chimera_pipeline.orchestration.automation import INGEST, PERIODIC
from chimera_pipeline.orchestration.lake import Lake
from tests import corpus

NOW = dt.datetime(2025, 11, 20, tzinfo=dt.UTC)


def settled(statuses: list[str], *, severity: str = "warning", newest: str | None = "2025-11-05") -> dict[str, Any]:
    artifacts = [
        {"path": f"{number}.csv", "format": "csv", "status": status, "time_source": "content" if newest else "none",
         "size_bytes": 1, "rows_ok": 1, "rows_failed": 0, "last_measured_at": newest and f"{newest}T00:00:00+00:00"}
        for number, status in enumerate(statuses)
    ]  # fmt: skip
    refused = [entry for entry in artifacts if entry["status"] == "quarantined"]
    quarantine = [
        {"artifact_path": one["path"], "reason": "bad_json", "detail": f"line 3 of {one['path']}"} for one in refused
    ]
    gaps = [{"kind": "missing_field", "subject": "a", "severity": severity, "artifacts": '["0.csv"]', "count": 1}]
    return {
        "artifacts": tables.frame("artifacts", artifacts),
        "quarantine": tables.frame("quarantine", quarantine),
        "telemetry_gaps": tables.frame("telemetry_gaps", gaps),
    }


def answer(name: str, found: dict[str, Any], max_age_days: float | None = 45.0) -> dg.AssetCheckResult:
    results = checks.quality_results(found, most_quarantined=0.25, max_age_days=max_age_days, now=NOW)
    return next(result for result in results if result.check_name == name)


def test_a_large_share_of_quarantined_files_is_told_with_the_first_twenty() -> None:
    sound = answer(checks.QUARANTINE_SHARE, settled(["ok"] * 3 + ["quarantined"]))
    assert (sound.passed, sound.metadata["share"].value) == (True, 0.25)
    broken = answer(checks.QUARANTINE_SHARE, settled(["ok"] + ["quarantined"] * 30))
    assert not broken.passed
    assert broken.severity is dg.AssetCheckSeverity.WARN
    first: Any = broken.metadata["first"].value
    assert len(first) == 20
    assert first[0]["artifact_path"] == "1.csv"
    assert "line 3" in first[0]["detail"]


def test_a_gap_that_is_an_error_is_told_with_its_files() -> None:
    assert answer(checks.GAPS, settled(["ok"])).passed
    broken = answer(checks.GAPS, settled(["ok"], severity="error"))
    assert not broken.passed
    first: Any = broken.metadata["first"].value
    assert first[0]["artifacts"] == '["0.csv"]'


def test_old_measurements_and_undated_ones_are_not_fresh() -> None:
    assert answer(checks.FRESHNESS, settled(["ok"])).passed
    assert not answer(checks.FRESHNESS, settled(["ok"], newest="2025-09-05")).passed
    assert not answer(checks.FRESHNESS, settled(["ok"], newest=None)).passed
    assert answer(checks.FRESHNESS, settled(["ok"], newest="2025-09-05"), max_age_days=None).passed


@pytest.mark.parametrize(("rows", "before", "passed"), [(5, None, True), (5, 10, True), (4, 10, False), (0, 0, True)])
def test_a_table_that_lost_most_of_its_rows_is_told(rows: int, before: int | None, passed: bool) -> None:
    assert checks.row_count_result("timings", rows, before).passed is passed


@pytest.mark.parametrize("kind", ["month", "week"])
def test_checks_of_partitioned_assets_carry_their_partitions(kind: str) -> None:
    graph = build_definitions(period=kind).resolve_asset_graph()
    partitioned = {key.path[-1] for key in graph.get_all_asset_keys() if graph.get(key).partitions_def is not None}
    found = {(key.asset_key.path[-1], graph.get(key).partitions_def is not None) for key in graph.asset_check_keys}
    assert found
    assert all((table in partitioned) is carried for table, carried in found)


@pytest.fixture
def published(tmp_path: Path) -> tuple[Any, Lake, Any]:
    corpus.tree(tmp_path / "data")
    chosen = settings_module.load(artifacts=str(tmp_path / "data"), out=tmp_path / "out", llm="none")
    with dg.instance_for_test() as instance:
        assert materialize(chosen, INGEST, None, instance).success
        assert materialize(chosen, PERIODIC, "2025-10", instance).success
        yield chosen, Lake(chosen.out), instance


def materialize(chosen: Any, names: tuple[str, ...], key: str | None, instance: Any) -> Any:
    definitions = build_definitions(settings=chosen)
    return dg.materialize(
        list(definitions.assets or ()), selection=dg.AssetSelection.assets(*names), resources=definitions.resources,
        instance=instance, partition_key=key, raise_on_error=False,
    )  # fmt: skip


def files(chosen: Any) -> dict[str, bytes]:
    folder = chosen.out / "reports" / "2025-10"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != staleness.MARK}


def test_a_check_that_blocks_keeps_the_report_and_marks_it_until_things_are_right(
    published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, lake, instance = published
    before = files(chosen)
    whole = Settling.__iter__

    def broken(settling: Settling) -> Iterator[Part]:
        for part in whole(settling):
            yield replace(part, frames=part.frames | {"timings": part.frames["timings"].assign(mean_s=-1.0)})

    lake.table_path("quarantine").unlink()  # what was settled before is carried over: no row would be settled
    with monkeypatch.context() as patched:
        patched.setattr(Settling, "__iter__", broken)
        assert not materialize(chosen, INGEST, None, instance).success
    assert files(chosen) == before
    assert staleness.reason(lake.out, "2025-10") == "checks failed: contract of timings"
    assert json.loads((lake.report_folder("2025-10") / staleness.MARK).read_text())["cause"] == "ingest"
    assert materialize(chosen, INGEST, None, instance).success
    assert staleness.reason(lake.out, "2025-10") is None
    assert files(chosen) == before


def test_facts_that_break_their_contract_block_the_report_of_their_period_alone(
    published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chimera_pipeline.facts import build as facts_room

    chosen, lake, instance = published
    assert materialize(chosen, PERIODIC, "2025-11", instance).success
    before = files(chosen)
    whole = facts_room.to_frame
    with monkeypatch.context() as patched:
        patched.setattr(facts_room, "to_frame", lambda facts: whole(facts).assign(grade="guessed"))
        done = materialize(chosen, PERIODIC, "2025-10", instance)
    assert not done.success
    assert files(chosen) == before
    assert staleness.reason(lake.out, "2025-10") == "checks failed: contract of facts"
    assert staleness.reason(lake.out, "2025-11") is None
    assert materialize(chosen, PERIODIC, "2025-10", instance).success
    assert staleness.reason(lake.out, "2025-10") is None
