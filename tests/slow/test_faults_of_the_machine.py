"""Faults as machines have them: a full disk, a folder that may not be written, a file that
may not be read, files that grow, vanish and change while they are read, a user who gives up."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from chimera_pipeline import atomic
from chimera_pipeline.errors import ChimeraError, InputError
from tests import corpus
from tests.hostile import stages

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="platform: needs root to mount and to become another user")


def files(root: Path, base: float = 50.0) -> None:
    corpus.write(
        root,
        {
            "a.csv": corpus.csv_text(corpus.suite(base=base), corpus.REQUEST_COLUMNS),
            "b.json": corpus.compile_json(),
            "bad.json": "{",
        },
    )
    for path in root.rglob("*"):
        os.utime(path, (1_700_000_000 + base, 1_700_000_000 + base))


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@needs_root
def test_a_full_disk_leaves_what_was_published_before(tmp_path: Path) -> None:
    root = tmp_path / "root"
    files(root)
    with mounted(tmp_path / "small", "size=3m") as small:
        out = small / "out"
        stages.run(root, out)
        old = stages.published(out)
        files(root, base=80.0)
        filler = small / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as stream:
            while True:
                stream.write(b"x" * 4096)
        with pytest.raises(ChimeraError, match=r"(?i)no space|full|cannot write") as raised:
            stages.run(root, out)
        assert raised.value.exit_code == 74
        assert stages.published(out) == old
        filler.unlink()
        stages.run(root, out)
        new = stages.published(out)
    stages.run(root, tmp_path / "roomy")
    assert new == stages.published(tmp_path / "roomy")


@needs_root
def test_a_disk_that_may_not_be_written_is_said_and_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "root"
    files(root)
    with mounted(tmp_path / "disk", "size=8m") as disk:
        stages.run(root, disk / "out")
        old = stages.published(disk / "out")
        files(root, base=80.0)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = command("run", str(root), "--out", str(disk / "out"), "--llm", "none", cwd=tmp_path)
        assert done.returncode == 74, done.stderr
        assert "Traceback" not in done.stderr
        assert str(disk) in done.stderr
        assert stages.published(disk / "out") == old


@needs_root
def test_a_file_that_may_not_be_read_is_one_row(tmp_path: Path) -> None:
    root = tmp_path / "root"
    files(root)
    (root / "closed").mkdir()
    corpus.write(root, {"secret.csv": "x,y\n1,2\n", "closed/in.csv": "x,y\n1,2\n"})
    (root / "secret.csv").chmod(0)
    (root / "closed").chmod(0)
    out = tmp_path / "out"
    out.mkdir()
    for path in (tmp_path, out, root, *tmp_path.parents):
        if path.stat().st_uid == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    os.chown(out, NOBODY, NOBODY)
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            stages.run(root, out)
            code = 0
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    rows = pd.read_parquet(out / "tables/artifacts").set_index("path")
    for path in ("secret.csv", "closed"):
        assert rows.loc[path, "reason"] == "permission_denied"
        assert "permission denied" in rows.loc[path, "detail"].lower()
    assert rows.loc["a.csv", "status"] == "ok"


def test_files_that_grow_vanish_and_change_end_in_the_facts_of_a_quiet_run(tmp_path: Path) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    files(root)
    stop = threading.Event()
    text = corpus.csv_text(corpus.suite("busy:1b", 30.0), corpus.REQUEST_COLUMNS)

    def write() -> None:
        draw = random.Random(3)
        while not stop.is_set():
            path = root / f"busy{draw.randrange(6)}.csv"
            match draw.randrange(4):
                case 0:
                    path.unlink(missing_ok=True)
                case 1:
                    with path.open("a") as stream:
                        stream.write(text[: draw.randrange(len(text))])
                case 2:
                    path.write_text(text.replace("busy", f"busy{draw.randrange(99)}"))
                case _:
                    with path.open("r+") if path.exists() else path.open("w") as stream:
                        stream.truncate(draw.randrange(200))
            stop.wait(draw.uniform(0, 0.002))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(6):
            stages.run(root, out)
            assert stages.broken(out) == []
            good = pd.read_parquet(out / "tables/measurements")
            assert (good["artifact_path"] == "a.csv").sum() > 20
    finally:
        stop.set()
        writer.join()
    stages.run(root, out)
    stages.run(root, tmp_path / "quiet")
    assert stages.published(out) == stages.published(tmp_path / "quiet")


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chimera_pipeline.cli", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_gives_up_is_told_what_was_kept_and_nothing_is_half(tmp_path: Path, number: int) -> None:
    files(tmp_path / "root")
    for i in range(60):
        rows = corpus.suite(f"m{i}:1b", 20.0 + i)
        corpus.write(tmp_path / "root", {f"more/{i}.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})
    arguments = [sys.executable, "-m", "chimera_pipeline.cli", "run", "root", "--llm", "none", "--json"]
    process = subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    store = tmp_path / "chimera-out/tables/artifacts/part-0.parquet"
    deadline = time.monotonic() + 120
    while not store.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    started = time.monotonic()
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert time.monotonic() - started < 30
    assert "interrupted" in said
    assert "kept" in said
    assert "Traceback" not in said
    assert printed == ""
    assert stages.broken(tmp_path / "chimera-out") == []
    done = command("run", "root", "--llm", "none", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["artifacts"]["by_status"]["ok"] == 62


def test_temporaries_of_a_killed_run_are_swept_by_the_next(tmp_path: Path) -> None:
    files(tmp_path / "root")
    out = tmp_path / "out"
    stages.run(tmp_path / "root", out)
    for place in ("tables/facts", "reports/all", ".chimera"):
        stale = out / place / f"{atomic.PREFIX}stale"
        stale.write_bytes(b"half")
        os.utime(stale, (1_000_000_000, 1_000_000_000))
    stages.run(tmp_path / "root", out)
    assert not list(out.rglob(f"{atomic.PREFIX}*"))


def test_a_store_that_is_no_database_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    files(tmp_path / "root")
    stages.run(tmp_path / "root", tmp_path / "out")
    (database,) = (tmp_path / "out/.chimera").glob("store-*.sqlite")
    database.write_bytes(b"not a database" * 100)
    with pytest.raises(InputError, match="cannot write the store"):
        stages.run(tmp_path / "root", tmp_path / "out")
