"""A run that was cut off: no facts of tables of two ingests, readers are told, what was decided is finished."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from chimera_pipeline import atomic, cli
from chimera_pipeline import settings as settings_module
from chimera_pipeline.definitions import build_definitions
from chimera_pipeline.errors import InputError
from chimera_pipeline.metrics.settle import Settling
from chimera_pipeline.orchestration import staleness, unfinished
from chimera_pipeline.orchestration.automation import INGEST, PERIODIC
from chimera_pipeline.orchestration.compare import side
from chimera_pipeline.orchestration.lake import Lake
from tests import corpus

PERIOD = "2025-10"


class CutOff(Exception):
    """Stands for the end of a run between two writes."""


@pytest.fixture
def chosen(tmp_path: Path) -> settings_module.Settings:
    corpus.tree(tmp_path / "data")
    return settings_module.load(artifacts=str(tmp_path / "data"), out=tmp_path / "out", llm="none")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def materialize(chosen: Any, names: tuple[str, ...], key: str | None, instance: Any) -> Any:
    definitions = build_definitions(settings=chosen, period="month")
    return dg.materialize(
        list(definitions.assets or ()), selection=dg.AssetSelection.assets(*names), resources=definitions.resources,
        instance=instance, partition_key=key, raise_on_error=False,
    )  # fmt: skip


def reason_of(done: Any) -> str:
    (failed,) = [event for event in done.all_events if event.is_step_failure]
    return str(failed.step_failure_data.error.cause or failed.step_failure_data.error)


def notes(*arguments: str) -> str:
    return CliRunner().invoke(cli.app, arguments).stderr


def test_no_facts_are_made_of_tables_of_two_ingests_and_a_report_of_older_tables_says_so(
    chosen: Any, instance: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert materialize(chosen, INGEST, None, instance).success
    assert materialize(chosen, PERIODIC, PERIOD, instance).success
    whole, written = Lake.write_frame, []

    def cut(lake: Lake, name: str, frame: Any, part: str = "part-0") -> Path:
        if name == "series":
            raise CutOff
        written.append(name)
        return whole(lake, name, frame, part)

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "write_frame", cut)
        assert not materialize(chosen, INGEST, None, instance).success
    assert "artifacts" in written
    refused = materialize(chosen, PERIODIC, PERIOD, instance)
    assert not refused.success
    assert "are of two ingests" in reason_of(refused)
    assert not materialize(chosen, ("measurements",), None, instance).success
    assert (chosen.out / "tables" / unfinished.MARK).is_file()
    for command in (["facts", "--period", PERIOD], ["explain", "1"], ["quarantine"]):
        assert "of two ingests" in notes(*command, "--out", str(chosen.out)), command
    with pytest.raises(InputError, match="two ingests"):
        side(chosen, PERIOD)
    assert materialize(chosen, INGEST, None, instance).success
    assert not (chosen.out / "tables" / unfinished.MARK).exists()

    def cut_value(*_: Any) -> Path:
        raise CutOff

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "write_value", cut_value)
        assert not materialize(chosen, PERIODIC, PERIOD, instance).success
    assert staleness.reason(chosen.out, PERIOD) == staleness.BEGUN
    assert "not of the newest tables" in notes("facts", "--period", PERIOD, "--out", str(chosen.out))
    assert materialize(chosen, PERIODIC, PERIOD, instance).success
    assert staleness.reason(chosen.out, PERIOD) is None
    assert notes("facts", "--period", PERIOD, "--out", str(chosen.out)) == ""


def test_a_run_that_is_cut_off_while_it_settles_leaves_the_tables_as_they_were(
    chosen: Any, instance: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert materialize(chosen, INGEST, None, instance).success
    files = sorted((chosen.out / "tables").rglob("*.parquet"))
    before = [path.read_bytes() for path in files]
    whole = Settling.__iter__

    def cut(settling: Settling) -> Iterator[dict[str, Any]]:
        yield next(whole(settling))
        raise CutOff

    with monkeypatch.context() as patched:
        patched.setattr(Settling, "__iter__", cut)
        assert not materialize(chosen, INGEST, None, instance).success
    assert sorted((chosen.out / "tables").rglob("*")) == sorted({*files, *(path.parent for path in files)})
    assert [path.read_bytes() for path in files] == before
    assert materialize(chosen, PERIODIC, PERIOD, instance).success


def test_what_killed_runs_left_aside_is_swept_when_the_store_is_taken(chosen: Any, instance: Any) -> None:
    stale = chosen.out / "reports" / f"{atomic.PREFIX}left"
    stale.mkdir(parents=True)
    (stale / "report.json").write_text("{}")
    os.utime(stale, (1_000_000_000, 1_000_000_000))
    assert Lake(chosen.out).reports() == []
    assert materialize(chosen, ("raw_inventory",), None, instance).success
    assert not stale.exists()
