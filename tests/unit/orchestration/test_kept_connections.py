"""The record of a run: written over a connection a database, read by whoever opens the folder as Dagster does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from chimera_pipeline import periods, settings
from chimera_pipeline.orchestration import run
from chimera_pipeline.orchestration.automation import INGEST, PERIODIC
from tests import corpus


@pytest.fixture
def counted() -> Iterator[Counter[str]]:
    """What SQLAlchemy does meanwhile: connections opened, statements run, statements compiled."""
    seen: Counter[str] = Counter()

    def connected(*_: Any) -> None:
        seen["connections"] += 1

    def executed(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        seen["statements"] += 1
        compiled = context is not None and context.compiled is not None
        seen["compiled"] += compiled and context.cache_hit.name == "CACHE_MISS"

    event.listen(Engine, "connect", connected)
    event.listen(Engine, "before_cursor_execute", executed)
    yield seen
    event.remove(Engine, "connect", connected)
    event.remove(Engine, "before_cursor_execute", executed)


def told(home: Path) -> tuple[list[str], dict[str, Any], list[Any], dict[str, Any]]:
    """What Dagster's own storages find under `home`: statuses, events, assets with metadata, and checks."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = instance.get_runs()
        events = Counter(entry.dagster_event_type for one in runs for entry in instance.all_logs(one.run_id))
        keys = sorted(instance.all_asset_keys())
        made: dict[str, Any] = {}
        for key in keys:
            last = instance.get_latest_materialization_event(key)
            found = None if last is None else last.asset_materialization
            assert found is not None, key
            made[key.to_user_string()] = {
                "metadata": sorted(found.metadata),
                "schema": found.metadata.get("dagster/column_schema"),
                "lineage": found.metadata.get("dagster/column_lineage"),
                "tags": sorted(found.tags or ()),
            }
        checks = sorted(
            (str(check.asset_key), check.check_name, check.passed)
            for one in runs
            for entry in instance.all_logs(one.run_id)
            if (check := entry.asset_check_evaluation) is not None
        )
        statuses = sorted(one.status.value for one in runs)
        records = {record.asset_entry.asset_key.to_user_string() for record in instance.get_asset_records(keys)}
        assert records == set(made)
    return statuses, dict(events), checks, made


def test_a_run_opens_each_database_a_few_times_and_compiles_each_statement_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: Counter[str]
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    data = corpus.tree(tmp_path / "data")
    chosen = settings.load(artifacts=str(data), out=tmp_path / "out", llm="none")
    run.execute(chosen)
    counted.clear()
    run.execute(chosen)
    assert counted["statements"] > 500
    assert counted["connections"] <= 25
    assert counted["compiled"] <= 60
    home = tmp_path / "out" / ".chimera" / "dagster"
    assert not list(home.rglob("*-wal")), "every connection is closed when the run ends"


def test_the_record_is_the_one_that_dagster_writes_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    data = corpus.tree(tmp_path / "data")
    names = (*INGEST, *PERIODIC)
    homes = []
    for kept in (True, False):
        chosen = settings.load(artifacts=str(data), out=tmp_path / f"out-{kept}", llm="none")
        home = chosen.out / ".chimera" / "dagster"
        homes.append(home)
        if kept:
            with run._instance(chosen) as instance:
                run._materialize(chosen, instance, periods.ALL, None, names)
            continue
        home.mkdir(parents=True)
        (home / "dagster.yaml").write_text(run._OWN_INSTANCE)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            run._materialize(chosen, instance, periods.ALL, None, names)
    ours, theirs = map(told, homes)
    assert ours[0] == ["SUCCESS"]
    assert ours == theirs
