"""The store's lock: alone or beside others, in the order of arrival, and free when its holder dies."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from chimera_pipeline.errors import StoreBusy
from chimera_pipeline.inventory.store import locked, sole_writer


def test_readers_share_and_a_writer_does_not(tmp_path: Path) -> None:
    with locked(tmp_path, exclusive=False, wait_s=0.0), locked(tmp_path, exclusive=False, wait_s=0.0):
        with pytest.raises(StoreBusy), sole_writer(tmp_path):
            pass
    with sole_writer(tmp_path), pytest.raises(StoreBusy), locked(tmp_path, exclusive=False, wait_s=0.2):
        pass


def test_one_period_has_one_writer(tmp_path: Path) -> None:
    with locked(tmp_path, exclusive=False, wait_s=0.0, periods=["2025-01"]):
        with locked(tmp_path, exclusive=False, wait_s=0.0, periods=["2025-02"]):
            pass
        with pytest.raises(StoreBusy), locked(tmp_path, exclusive=False, wait_s=0.2, periods=["2025-01"]):
            pass


def test_a_writer_that_waits_is_served_before_readers_who_come_later(tmp_path: Path) -> None:
    order: list[str] = []

    def take(name: str, *, exclusive: bool) -> None:
        with locked(tmp_path, exclusive=exclusive, wait_s=20.0):
            order.append(name)

    with locked(tmp_path, exclusive=False, wait_s=0.0):
        writer = threading.Thread(target=take, args=("writer",), kwargs={"exclusive": True})
        writer.start()
        time.sleep(0.3)
        reader = threading.Thread(target=take, args=("reader",), kwargs={"exclusive": False})
        reader.start()
        time.sleep(0.3)
        assert order == []
    writer.join(20)
    reader.join(20)
    assert order == ["writer", "reader"]


def test_the_lock_of_a_process_that_is_killed_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from chimera_pipeline.inventory.store import sole_writer\n"
        "with sole_writer(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with contextlib.closing(holder.stdout):  # type: ignore[arg-type]
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreBusy), sole_writer(tmp_path):
            pass
        holder.kill()
        holder.wait(10)
    with sole_writer(tmp_path):
        pass
