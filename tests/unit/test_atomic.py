from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from chimera_pipeline import atomic
from chimera_pipeline.errors import InputError


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(f"{atomic.PREFIX}*")]


def test_a_file_appears_whole_in_a_folder_that_did_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.md"
    atomic.write_text(path, "first\r\nsecond µ\n")
    assert path.read_bytes() == "first\r\nsecond µ\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert left_behind(tmp_path) == []


def test_nothing_is_seen_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    atomic.write_bytes(path, b"old")
    with atomic.publish(path) as stream:
        stream.write(b"ne")
        stream.flush()
        assert path.read_bytes() == b"old"
        (temporary,) = left_behind(tmp_path)
        assert temporary.startswith(".")
        stream.write(b"w")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_inside_leaves_the_old_file_and_no_temporary(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "facts.json"
    atomic.write_bytes(path, b"old")

    def write() -> None:
        with atomic.publish(path) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_bytes() == b"old"
    assert left_behind(tmp_path) == []


def test_a_full_disk_is_an_input_error_that_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    with pytest.raises(InputError, match=r"cannot write .*facts\.json: No space left"), atomic.publish(path):
        raise OSError(28, "No space left on device")
    assert left_behind(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="cannot write"):
        atomic.write_bytes(tmp_path / "file" / "below.json", b"")


def test_a_folder_in_the_way_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        atomic.write_bytes(tmp_path / "report", b"x")
    assert left_behind(tmp_path) == []


def test_only_old_temporaries_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    now = 1_000_000.0
    for name, age in (
        (f"{atomic.PREFIX}old", 4000.0),
        (f"{atomic.PREFIX}new", 10.0),
        ("part.parquet", 9999.0),
    ):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (now - age, now - age))
    assert atomic.sweep(tmp_path, now=now) == 1
    assert sorted(path.name for path in folder.iterdir()) == [f"{atomic.PREFIX}new", "part.parquet"]
    assert atomic.sweep(tmp_path / "missing") == 0
