"""A run that was cut off: no facts of tables of two ingests, readers are told, what was decided is finished."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chimera_pipeline import atomic, cli, periods
from chimera_pipeline import settings as settings_module
from chimera_pipeline.inventory.store import LAST_RUN, Store, alone, sole_writer
from chimera_pipeline.orchestration import steps, unchanged
from tests import corpus


def test_a_reader_finishes_what_was_decided_unless_a_run_is_at_work(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / periods.ALL
    staged = folder / atomic.STAGED
    staged.mkdir(parents=True)
    (folder / "facts.json").write_text(json.dumps({"facts": [{"id": "a", "text": "old"}]}))
    (staged / "facts.json").write_text(json.dumps({"facts": [{"id": "a", "text": "new"}]}))
    (staged / ".leaving").write_text("[]")
    with sole_writer(tmp_path):
        while_at_work = CliRunner().invoke(cli.app, ["facts", "--out", str(tmp_path)])
    assert "old" in while_at_work.stdout
    assert "another run is writing" in while_at_work.stderr
    after = CliRunner().invoke(cli.app, ["facts", "--out", str(tmp_path)])
    assert "new" in after.stdout
    assert after.stderr == ""
    assert not staged.exists()


def test_two_reports_do_not_write_the_index_at_once(tmp_path: Path) -> None:
    with Store(tmp_path), alone(tmp_path, "index"), pytest.raises(Exception, match="another run"), alone(
        tmp_path, "index", wait_s=0.0
    ):  # fmt: skip
        pytest.fail("held twice")


def test_a_run_that_began_takes_the_answer_of_the_last_one_away(tmp_path: Path) -> None:
    corpus.tree(tmp_path / "data")
    chosen = settings_module.load(artifacts=str(tmp_path / "data"), out=tmp_path / "out", llm="none")
    steps.take_inventory(chosen, now=1_800_000_000.0)
    unchanged.remember(
        chosen, {}, {"llm": None, "narrative": {"mode": "deterministic"}, "reports": []},
    )  # fmt: skip
    with Store(chosen.out) as store:
        assert store.get(LAST_RUN)
    assert unchanged.last_run(chosen, {}) is not None
    steps.take_inventory(chosen, now=1_800_000_000.0)  # of a run with other settings, that is killed hereafter
    assert unchanged.last_run(chosen, {}) is None
