"""What a run spares: looks for garbage, and waits for the disk at each event of its own record."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from chimera_pipeline import garbage, settings
from chimera_pipeline.orchestration import run


def test_a_run_looks_for_garbage_seldom_and_leaves_the_interpreter_as_it_was() -> None:
    before = gc.get_threshold()
    with garbage.looked_for_seldom():
        assert gc.isenabled()
        assert gc.get_threshold()[0] >= 100 * before[0]
    assert gc.get_threshold() == before
    with pytest.raises(KeyError), garbage.looked_for_seldom():
        raise KeyError
    assert gc.get_threshold() == before


def test_only_the_record_of_an_own_run_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with run._instance(settings.load(artifacts=str(tmp_path), out=tmp_path / "out", llm="none")) as instance:
        storage = instance.event_log_storage
        with storage.index_connection() as connection:  # type: ignore[attr-defined]
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 1  # normal: at checkpoints
    with create_engine(f"sqlite:///{tmp_path / 'other.db'}").connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # full
