"""Runs of several machines on one output folder: one writes, the others are told, and nothing is ever mixed.

Each machine is a network namespace of its own; what they share is the folder, and its locks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import corpus
from tests.doubles.machines import Machines, cannot

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
NAMES = ("a", "b", "c")
PATIENCE_S = 180


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    corpus.write(folder / "artifacts", 60)
    return folder


@pytest.fixture
def machines(home: Path) -> Iterator[Machines]:
    if why := cannot():
        pytest.skip(why)
    with Machines(home) as made:
        for name in NAMES:
            made.add(name)
        yield made


def start(machines: Machines, name: str, home: Path, out: str) -> subprocess.Popen[bytes]:
    """`chimera run` over the shared artifacts into a shared folder, on one machine."""
    (home / f"{name}.log").write_bytes(b"")
    command = [BIN / "chimera", "run", home / "artifacts", "--llm", "none", "--out", home / out]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "CHIMERA_WORKERS": "1"}
    return machines.start(name, command, environment)


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def facts_and_tables(out: Path) -> dict[str, bytes]:
    """What equal input makes equal, byte by byte."""
    timed = ("llm_calls", "checks")
    tables = {path for path in (out / "tables").rglob("*.parquet") if path.relative_to(out).parts[1] not in timed}
    return {str(path.relative_to(out)): path.read_bytes() for path in {*tables, out / "reports/all/facts.json"}}


@pytest.fixture(scope="module")
def quiet(home: Path) -> dict[str, bytes]:
    """What one machine alone makes of the artifacts."""
    command = [BIN / "chimera", "run", home / "artifacts", "--llm", "none", "--out", home / "quiet", "-q"]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
    return facts_and_tables(home / "quiet")


def test_of_runs_that_start_at_once_one_writes_and_the_others_are_told(
    home: Path, quiet: dict[str, bytes], machines: Machines
) -> None:
    runs = {name: start(machines, name, home, "at-once") for name in NAMES}
    codes = {name: run.wait(PATIENCE_S) for name, run in runs.items()}
    assert set(codes.values()) <= {0, 74}
    assert 0 in codes.values()
    for name in (name for name, code in codes.items() if code == 74):
        assert "another run is writing to" in machines.said(name)
        assert "wait for it or give another --out" in machines.said(name)
        assert "Traceback" not in machines.said(name)
    assert facts_and_tables(home / "at-once") == quiet
    again = start(machines, "b", home, "at-once")
    assert again.wait(PATIENCE_S) == 0
    assert "nothing changed" in machines.said("b")


def test_a_machine_that_is_lost_in_mid_run_leaves_a_store_that_another_one_takes_over(
    home: Path, quiet: dict[str, bytes], machines: Machines
) -> None:
    start(machines, "a", home, "taken-over")
    store = home / "taken-over" / ".chimera" / "assets" / "readings" / "part-0.parquet"
    wait_for(store.is_file)  # the inventory is taken, the files are read, the tables are not there
    for pid in machines.processes("a", "chimera", "run"):
        os.kill(pid, signal.SIGSTOP)
    refused = start(machines, "b", home, "taken-over")
    assert refused.wait(PATIENCE_S) == 74
    assert "another run is writing to" in machines.said("b")
    machines.lose("a")
    assert start(machines, "c", home, "taken-over").wait(PATIENCE_S) == 0, machines.said("c")
    assert facts_and_tables(home / "taken-over") == quiet


def test_an_interrupted_machine_frees_the_store_at_once(
    home: Path, quiet: dict[str, bytes], machines: Machines
) -> None:
    run = start(machines, "a", home, "interrupted")
    lock = home / "interrupted" / ".chimera" / "store-v2.sqlite"
    wait_for(lock.is_file)
    for pid in machines.processes("a", "chimera", "run"):
        os.kill(pid, signal.SIGTERM)
    assert run.wait(PATIENCE_S) == 130
    assert start(machines, "b", home, "interrupted").wait(PATIENCE_S) == 0
    assert facts_and_tables(home / "interrupted") == quiet
