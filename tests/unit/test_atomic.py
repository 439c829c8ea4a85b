from __future__ import annotations

import contextlib
import functools
import os
import stat
import threading
from pathlib import Path
from typing import Any

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


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def shown(folder: Path) -> dict[str, str]:
    """Without what begins with a dot: no reader looks at that."""
    return {name: text for name, text in contents(folder).items() if not name.startswith(".")}


def no_exchange(one: Path, other: Path) -> None:
    raise OSError(22, "Invalid argument")


@pytest.fixture(params=["exchanged", "moved one by one"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param != "exchanged":
        monkeypatch.setattr(atomic, "exchange", no_exchange)
    return str(request.param)


def test_the_files_of_a_folder_are_replaced_together_and_others_stay(tmp_path: Path, either_way: str) -> None:
    folder = tmp_path / "reports" / "all"
    atomic.replace_folder(folder, {"report.md": b"old", "facts.json": b"old"})
    folder.chmod(0o750)
    (folder / "notes").mkdir()
    (folder / "notes/mine.txt").write_text("kept")
    (folder / "elsewhere").symlink_to("/nowhere")
    (folder / "report.md.rejected").write_text("goes")
    atomic.replace_folder(folder, {"report.md": b"new", "facts.json": b"new"}, without=("report.md.rejected", "absent"))
    assert contents(folder) == {"report.md": "new", "facts.json": "new", "notes/mine.txt": "kept"}
    assert os.readlink(folder / "elsewhere") == "/nowhere"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert stat.S_IMODE((folder / "report.md").stat().st_mode) == 0o644
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["all"]


def test_this_file_system_exchanges(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a/x").touch()
    atomic.exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b/x").exists()


class Killed(BaseException):
    """Stands for kill -9: nothing that comes after it is done."""


class Calls:
    """Lets `n` - 1 calls through and none after."""

    def __init__(self, n: int) -> None:
        self.n, self.count = n, 0

    def counted(self, real: Any, *arguments: Any, **named: Any) -> Any:
        self.count += 1
        if self.count >= self.n:
            raise Killed
        return real(*arguments, **named)


FILES = ("facts.json", "report.json", "report.md")
CALLS = ("open", "fsync", "replace", "rename", "mkdir", "unlink", "link", "listdir", "rmdir")


@pytest.mark.parametrize("known", [True, False], ids=["there before", "new"])
def test_whoever_is_killed_at_any_call_leaves_one_generation_which_the_next_one_finishes(
    tmp_path: Path, either_way: str, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    old, new = (dict.fromkeys(FILES, word) for word in ("old", "new"))
    seen = set()
    for n in range(1, 200):
        folder = tmp_path / str(n) / "all"
        folder.mkdir(parents=True) if known else folder.parent.mkdir(parents=True)
        if known:
            for name in FILES:
                (folder / name).write_text("old")
            (folder / "stale.json").write_text("goes")
        calls = Calls(n)
        with monkeypatch.context() as patched, contextlib.suppress(Killed):
            for name in CALLS:
                patched.setattr(os, name, functools.partial(calls.counted, getattr(os, name)))
            patched.setattr(atomic, "exchange", functools.partial(calls.counted, atomic.exchange))
            atomic.replace_folder(folder, dict.fromkeys(FILES, b"new"), without=("stale.json",))
        halves = atomic.unfinished(folder)
        seen.add(halves)
        if not halves:
            assert shown(folder) in ({**old, "stale.json": "goes"} if known else {}, new), n
        atomic.finish(folder)
        assert shown(folder) in ({**old, "stale.json": "goes"} if known else {}, new), n
        assert atomic.sweep(folder.parent, older_than_s=-1.0) <= 1
        assert left_behind(folder.parent) == []
        atomic.replace_folder(folder, dict.fromkeys(FILES, b"newer"), without=("stale.json",))
        assert contents(folder) == dict.fromkeys(FILES, "newer")
        if calls.count < n:
            break
    else:
        pytest.fail("never came to an end")
    assert n > 10
    assert seen == {False} if either_way == "exchanged" or not known else seen == {False, True}


def test_what_a_reader_sees_while_a_folder_is_replaced_is_one_generation(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    names = [f"{i}.txt" for i in range(4)]
    atomic.replace_folder(folder, dict.fromkeys(names, b"0"))
    stop, mixed, looks = threading.Event(), [], 0

    def read() -> None:
        nonlocal looks
        while not stop.is_set():
            held = os.open(folder, os.O_RDONLY)
            try:
                found = set()
                for name in names:
                    with contextlib.closing(os.fdopen(os.open(name, os.O_RDONLY, dir_fd=held))) as stream:
                        found.add(stream.read())
                looks += 1
                if len(found) > 1:
                    mixed.append(found)
            except FileNotFoundError:  # the generation that was opened has been removed
                pass
            finally:
                os.close(held)

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(20):
        atomic.replace_folder(folder, dict.fromkeys(names, str(i).encode()))
    stop.set()
    reader.join()
    assert mixed == []
    assert looks > 0


def test_files_of_a_folder_that_holds_more_are_finished_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "all").mkdir()
    atomic.replace_files(tmp_path, {"index.html": b"old", "history.json": b"old"})
    real = os.replace

    def replace(source: Any, target: Any, **named: Any) -> None:
        if Path(target).name == "index.html":
            raise OSError(5, "Input/output error")
        real(source, target, **named)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        with pytest.raises(InputError, match="cannot write"):
            atomic.replace_files(tmp_path, {"index.html": b"new", "history.json": b"new"})
    assert atomic.unfinished(tmp_path)
    atomic.finish(tmp_path)
    assert contents(tmp_path) == {"index.html": "new", "history.json": "new"}
    assert not atomic.unfinished(tmp_path)


def test_a_planted_list_of_what_goes_reaches_nothing_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    staged = tmp_path / "all" / atomic.STAGED
    staged.mkdir(parents=True)
    (staged / ".leaving").write_text('["../precious", "/etc/hostname", ".."]')
    with contextlib.suppress(InputError):
        atomic.finish(tmp_path / "all")
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_publication_that_cannot_be_staged_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "all"
    atomic.replace_folder(folder, {"a": b"old"})
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InputError, match=r"cannot write .*all: No space left"):
        atomic.replace_folder(folder, {"a": b"new"})
    assert contents(tmp_path) == {"all/a": "old"}
