"""The inventory sees every entry, opens only regular files under the root, and knows what changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chimera_pipeline.errors import ArtifactError, InputError, Reason, StoreBusy, UsageError
from chimera_pipeline.inventory import changes, scan
from chimera_pipeline.inventory.names import raw_name
from chimera_pipeline.inventory.opening import read_artifact
from chimera_pipeline.inventory.store import Store, StoredReading, sole_writer
from chimera_pipeline.records import Artifact, Format


def stock(folder: Path, known: dict[str, Artifact] | None = None, **more: float) -> dict[str, Artifact]:
    root = scan.open_root(str(folder))
    found = changes.take_stock(root, scan.scan(root), known or {}, max_bytes=10_000, **more)
    return {artifact.path: artifact for artifact in found}


def test_every_entry_gets_a_row_with_its_format(tmp_path: Path) -> None:
    for name in ("a.csv", "b/c.json", "b/d.md", "b/e.txt", "f.bin", "g.JSONL"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = stock(tmp_path)
    assert {path: artifact.format for path, artifact in found.items()} == {
        "a.csv": Format.CSV, "b/c.json": Format.JSON, "b/d.md": Format.MARKDOWN, "b/e.txt": Format.TEXT,
        "f.bin": Format.OTHER, "g.JSONL": Format.JSONL,
    }  # fmt: skip
    assert all(artifact.sha256 for artifact in found.values())


def test_links_and_special_files_are_named_and_never_opened(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("secret,1\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.csv").symlink_to(outside)
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.json")
    found = stock(root)
    assert {path: artifact.skip_reason for path, artifact in found.items()} == {
        "link.csv": Reason.SYMLINK, "loop": Reason.SYMLINK, "pipe.json": Reason.NOT_REGULAR,
    }  # fmt: skip
    assert all(artifact.sha256 is None for artifact in found.values())
    with pytest.raises(ArtifactError) as refused:
        read_artifact(root, "link.csv", max_bytes=100)
    assert refused.value.reason is Reason.SYMLINK


def test_a_link_in_a_folder_on_the_way_does_not_lead_out_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.csv").write_text("x,y\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(tmp_path / "outside")
    with pytest.raises(ArtifactError) as refused:
        read_artifact(root, "folder/a.csv", max_bytes=100)
    assert refused.value.reason is Reason.SYMLINK


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_bytes(b"x" * 10_001)
    assert stock(tmp_path)["big.csv"].skip_reason is Reason.TOO_LARGE


def test_a_name_outside_utf8_is_shown_escaped_and_still_opened(tmp_path: Path) -> None:
    with open(os.path.join(os.fsencode(tmp_path), b"bad_\xff.csv"), "wb") as stream:
        stream.write(b"a,b\n")
    found = stock(tmp_path)
    assert list(found) == ["bad_\\xff.csv"]
    assert found["bad_\\xff.csv"].sha256 is not None


def test_unchanged_files_keep_their_hash_and_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    first = stock(tmp_path)
    marked = {path: Artifact(a.path, a.size_bytes, a.mtime_ns, "kept", a.format) for path, a in first.items()}
    assert stock(tmp_path, marked)["a.csv"].sha256 == "kept"
    assert changes.unchanged(scan.scan(scan.open_root(str(tmp_path))), marked)
    (tmp_path / "a.csv").write_text("xy")
    assert stock(tmp_path, marked)["a.csv"].sha256 != "kept"
    assert not changes.unchanged(scan.scan(scan.open_root(str(tmp_path))), marked)


def test_an_added_or_a_removed_file_is_a_change(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    known = stock(tmp_path)
    (tmp_path / "b.csv").write_text("x")
    assert not changes.unchanged(scan.scan(scan.open_root(str(tmp_path))), known)
    (tmp_path / "b.csv").unlink()
    assert changes.unchanged(scan.scan(scan.open_root(str(tmp_path))), known)
    (tmp_path / "a.csv").unlink()
    assert not changes.unchanged(scan.scan(scan.open_root(str(tmp_path))), known)


def test_a_young_file_waits_until_it_has_settled(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    os.utime(tmp_path / "a.csv", ns=(10**18, 10**18))
    waiting = stock(tmp_path, settle_seconds=5.0, now=10**9 + 1.0)
    assert waiting["a.csv"].skip_reason is Reason.STILL_WRITING
    assert not changes.unchanged(scan.scan(scan.open_root(str(tmp_path))), waiting)
    assert stock(tmp_path, waiting, settle_seconds=5.0, now=10**9 + 6.0)["a.csv"].sha256 is not None


def test_our_own_output_folder_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    with Store(tmp_path / "out"):
        pass
    (tmp_path / "out" / "table.csv").write_text("x")
    assert list(stock(tmp_path)) == ["a.csv"]


def test_a_missing_root_and_an_unknown_scheme_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        scan.open_root(str(tmp_path / "missing"))
    with pytest.raises(UsageError, match="ftp://"):
        scan.open_root("ftp://host/folder")


def test_a_root_that_cannot_be_listed_is_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        scan.open_root(str(tmp_path))


def test_a_file_that_grows_while_read_is_left_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x")
    real = os.read

    def grow(descriptor: int, size: int) -> bytes:
        path.write_text("xyz")
        return real(descriptor, size)

    monkeypatch.setattr(os, "read", grow)
    with pytest.raises(ArtifactError) as refused:
        read_artifact(tmp_path, "a.csv", max_bytes=100)
    assert refused.value.reason is Reason.STILL_WRITING


def test_the_store_keeps_manifest_and_readings(tmp_path: Path) -> None:
    artifact = Artifact("a.csv", 1, 2, "h", Format.CSV)
    with Store(tmp_path) as store:
        store.replace_manifest([artifact])
        store.add_readings("v1", [StoredReading(name, "tool", "kind", "ok", 1, 0, b"{}") for name in ("h", "old")])
        store.forget_readings("v1", {"h"})
        store.put("key", {"a": 1})
    with Store(tmp_path) as store:
        assert store.manifest() == {"a.csv": artifact}
        assert store.listed("v1") == [("h", "tool", "kind", "ok", 1, 0)]
        assert store.payloads("v1", ["h", "old"]) == {"h": b"{}"}
        assert store.known_readings("v2") == set()
        assert store.get("key") == {"a": 1}


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with sole_writer(tmp_path), pytest.raises(StoreBusy, match="another run"), sole_writer(tmp_path):
        pass
    with sole_writer(tmp_path):
        pass


def test_no_two_names_are_shown_alike(tmp_path: Path) -> None:
    names = [b"\xff.csv", b"\\xff.csv", b"\\x5cxff.csv", b"\\\\xff.csv", b"\\xzz.csv", b"\\x5c.csv"]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as stream:
            stream.write(name)
    shown = stock(tmp_path)
    assert len(shown) == len(names)
    found = {raw_name(path): read_artifact(tmp_path, path, max_bytes=100)[0] for path in shown}
    assert found == {name: name for name in names}


def test_a_time_that_no_table_can_hold_is_the_nearest_that_it_can(tmp_path: Path) -> None:
    for name, ns in (("late.csv", 10**19), ("early.csv", -(10**19))):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, ns=(ns, ns))
    found = stock(tmp_path)
    assert all(abs(artifact.mtime_ns) < 2**63 and artifact.sha256 for artifact in found.values())
    assert changes.unchanged(scan.scan(scan.open_root(str(tmp_path))), found)


def test_the_marker_of_an_output_folder_does_not_hide_the_root(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / scan.OUT_MARKER).touch()
    assert "a.csv" in stock(tmp_path)
