"""A run that was cut off: no facts of tables of two ingests, readers are told, what was decided is finished."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chimera_pipeline import atomic, cli, periods
from chimera_pipeline import settings as settings_module
from chimera_pipeline.contracts import tables
from chimera_pipeline.errors import InputError
from chimera_pipeline.inventory.store import LAST_RUN, Store, alone, sole_writer
from chimera_pipeline.orchestration import steps, unchanged
from chimera_pipeline.orchestration.lake import Lake
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


def written(out: Path) -> None:
    """Something of everything that a run writes."""
    lake = Lake(out)
    with sole_writer(out), Store(out):
        lake.write_value("analysis", {}, "all")
        lake.write_frame("facts", tables.frame("facts"), "all")
        with lake.writing("measurements") as writer:
            writer.write(tables.frame("measurements"))
        lake.write_report("all", {"report.md": b"x"})
        lake.write_index({"index.md": b"x"})


@pytest.mark.parametrize(
    "place", ["tables", "tables/facts", "tables/measurements", "reports", "reports/all", ".chimera",
              ".chimera/assets", ".chimera-out", ".chimera/store-v2.sqlite", ".chimera/lock"]
)  # fmt: skip
def test_nothing_is_written_through_a_link_in_the_output_folder(tmp_path: Path, place: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = out / place
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere / "made" if "." in place.rpartition("/")[2] or place.endswith("lock") else elsewhere)
    with pytest.raises(InputError, match=r"link|symbolic"):
        written(out)
    assert list(elsewhere.iterdir()) == []


def test_a_link_beside_the_reports_is_no_period(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_report("2025-11", {"report.json": b"{}"})
    (tmp_path / "reports/latest").symlink_to("2025-11")
    assert lake.reports() == ["2025-11"]
    lake.write_report("2025-11", {"report.json": b"[]"})
    assert (tmp_path / "reports/latest/report.json").read_bytes() == b"[]"
