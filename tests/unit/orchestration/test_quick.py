"""A command over files that did not change is answered from its last run, without opening or importing anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chimera_pipeline import settings as settings_module
from chimera_pipeline.inventory import changes, scan
from chimera_pipeline.inventory.store import FOLDER, QUICK, VERSION, Store
from chimera_pipeline.orchestration import quick, unchanged

ARGUMENTS = ["run", "in", "--out", "out", "--llm", "none", "--json"]


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a run has ended."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "in" / "b.json").write_text("{}")
    for suffix in ("md", "html", "json"):
        (tmp_path / f"report.{suffix}").write_text("report")
    remember()
    return tmp_path


def remember() -> None:
    chosen = settings_module.load(artifacts="in", out=Path("out"), llm="none")
    root = scan.open_root("in")
    with Store(chosen.out) as store:
        store.replace_manifest(changes.take_stock(root, scan.scan(root), {}, max_bytes=1000))
    report = {"period": "all", **{suffix: f"report.{suffix}" for suffix in ("md", "html", "json")}}
    result = {"reports": [report], "durations_s": {"total": 9.0, "report": 4.0}, "facts": 3, "llm": None}
    before, sys.argv = sys.argv, ["chimera", *ARGUMENTS]
    try:
        unchanged.remember(chosen, {"period": "all", "strict": False}, result)
    finally:
        sys.argv = before


def test_the_same_command_over_the_same_files_gives_the_last_result(
    ran: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quick.answered(ARGUMENTS)
    said = json.loads(capsys.readouterr().out)
    assert said["facts"] == 3
    assert said["durations_s"]["report"] == 0.0


def grown() -> None:
    Path("in/b.json").write_text("{ }")


def touched() -> None:
    os.utime("in/b.json", ns=(1, 1))


def added() -> None:
    Path("in/c.md").write_text("")


def removed() -> None:
    Path("in/b.json").unlink()


def unpublished() -> None:
    Path("report.html").unlink()


def configured() -> None:
    Path("chimera.toml").write_text("trust_file_times = true\n")


@pytest.mark.parametrize("change", [grown, touched, added, removed, unpublished, configured])
def test_any_change_takes_the_long_way(ran: Path, change: Callable[[], None]) -> None:
    change()
    assert not quick.answered(ARGUMENTS)


def test_an_environment_setting_or_another_flag_takes_the_long_way(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not quick.answered([*ARGUMENTS, "--strict"])
    assert not quick.answered(["run", "in", "--out", "out", "--llm", "auto", "--json"])
    assert not quick.answered(["run", "--help"])
    monkeypatch.setenv("CHIMERA_TRUST_FILE_TIMES", "1")
    assert not quick.answered(ARGUMENTS)


def test_how_it_is_told_is_no_other_command(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert quick.answered(["run", "in", "--out", "out", "--llm", "none", "-q"])
    assert capsys.readouterr().out == "report.md\n"
    assert quick.answered(["run", "in", "--quiet", "--out", "out", "--json", "--llm", "none"])


def test_a_file_that_waits_for_the_next_run_takes_the_long_way(ran: Path) -> None:
    with Store(Path("out")) as store:
        known = list(store.manifest().values())
    waiting = scan.replace(known[0], skip_reason="still_writing")
    with Store(Path("out")) as store:
        store.replace_manifest([waiting, *known[1:]])
    chosen = settings_module.load(artifacts="in", out=Path("out"), llm="none")
    unchanged.remember(chosen, {"period": "all", "strict": False}, {"reports": [], "llm": None})
    assert not quick.answered(ARGUMENTS)


def test_files_that_come_back_after_another_run_take_the_long_way(ran: Path) -> None:
    with Store(Path("out")) as store:
        store.replace_manifest(store.manifest().values())
    assert not quick.answered(ARGUMENTS)


def test_links_and_our_own_output_below_the_root_do_not_hide_a_standstill(ran: Path) -> None:
    os.symlink("b.json", "in/link.json")
    with Store(Path("in/mine")):
        pass
    remember()
    assert quick.answered(ARGUMENTS)


def test_it_names_the_file_that_the_store_is_in() -> None:
    assert quick._STORE.parts == (FOLDER, f"store-v{VERSION}.sqlite")
    assert quick._MARKER == scan.OUT_MARKER
    assert quick.KEY == QUICK


def test_nothing_is_imported_and_no_artifact_is_opened(ran: Path) -> None:
    watch = (
        "import sys; opened = [];"
        "sys.addaudithook(lambda name, given: opened.append(str(given[0])) if name == 'open' else None);"
        "from chimera_pipeline.orchestration import quick;"
        f"assert quick.answered({ARGUMENTS!r});"
        "assert not {'typer', 'pydantic', 'pandas', 'dagster', 'yaml'} & set(sys.modules);"
        "assert not [path for path in opened if path.startswith('in') or '/in/' in path], opened"
    )
    done = subprocess.run([sys.executable, "-c", watch], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
