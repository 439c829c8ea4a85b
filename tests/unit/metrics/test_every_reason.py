"""Each reason code from a file, through inventory, readers and settling; a code without a case fails."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.inventory.opening import read_artifact
from chimera_pipeline.orchestration import steps
from chimera_pipeline.settings import Limits, Settings
from tests import corpus

HEADER = ",".join(corpus.REQUEST_COLUMNS)
ROW = corpus.csv_text(corpus.suite(), corpus.REQUEST_COLUMNS)


def reasons(root: Path, **settings: object) -> set[str]:
    """Every reason that a run over `root` states, of files and of places in them."""
    with tempfile.TemporaryDirectory() as out:
        chosen = Settings(artifacts=str(root), out=Path(out), **settings)  # type: ignore[arg-type]
        inventory = steps.take_inventory(chosen, now=time.time())
        steps.read_new(chosen, inventory)
        settled = steps.settle_store(chosen, inventory, now=time.time())
    return {*settled["artifacts"]["reason"].dropna(), *settled["quarantine"]["reason"].dropna()}


def of(name: str, content: str | bytes, **settings: object) -> Callable[[Path], set[str]]:
    """The reasons that one file gives."""
    return lambda root: reasons(corpus.write(root, {name: content}), **settings)


def several(files: dict[str, str | bytes]) -> Callable[[Path], set[str]]:
    """The reasons that several files give."""
    return lambda root: reasons(corpus.write(root, files))


def limited(name: str, content: str, **limits: int) -> Callable[[Path], set[str]]:
    """The reasons of a file under limits of its own."""
    return of(name, content, limits=Limits(**limits))


def link(root: Path) -> set[str]:
    corpus.write(root, {"there.csv": ROW})
    (root / "here.csv").symlink_to(root / "there.csv")
    return reasons(root)


def pipe(root: Path) -> set[str]:
    root.mkdir(exist_ok=True)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(os.path.relpath(root / "a.json"))
        return reasons(root)


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """As nobody, where the tests run as root: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def closed(_: Path) -> set[str]:
    with tempfile.TemporaryDirectory() as folder:
        root = corpus.write(Path(folder), {"a.csv": ROW})
        root.chmod(0o755)
        (root / "a.csv").chmod(0)
        out = root / "out"
        out.mkdir(mode=0o777)
        out.chmod(0o777)
        with unprivileged():
            chosen = Settings(artifacts=str(root), out=out)
            inventory = steps.take_inventory(chosen, now=time.time())
            settled = steps.settle_store(chosen, inventory, now=time.time())
    return set(settled["quarantine"]["reason"])


def unreadable(_: Path) -> set[str]:
    """A regular file whose read fails: the memory of this process at address 0."""
    with pytest.raises(ArtifactError) as refused:
        read_artifact(Path(f"/proc/{os.getpid()}"), "mem", max_bytes=100)
    return {str(refused.value.reason)}


def gone(root: Path) -> set[str]:
    """Listed, and deleted before it is opened: a listing that is late by one file."""
    with pytest.raises(ArtifactError) as refused:
        read_artifact(root, "was-here.csv", max_bytes=100)
    return {str(refused.value.reason)}


def ours(root: Path) -> set[str]:
    facts = {"schema_version": "1.0", "facts": [{"id": "f_1", "grade": "computed", "text": "5 files"}]}
    return of("facts.json", json.dumps(facts))(root)


def rows(**changed: object) -> str:
    return corpus.csv_text([*corpus.suite(), corpus.request(**changed)], corpus.REQUEST_COLUMNS)


def subset() -> dict[str, str | bytes]:
    every = [corpus.request(prompt_index=n, prompt_text=f"p{n}", tokens_s=40.0 + n, eval_s=100 / (40.0 + n),
                            timestamp=f"2025-10-02T12:00:{n:02d}+00:00") for n in range(6)]  # fmt: skip
    texts = [corpus.csv_text(part, corpus.REQUEST_COLUMNS) for part in (every, every[:3])]
    return {"all.csv": texts[0], "some.csv": texts[1]}


def deep(levels: int) -> str:
    return '{"results": ' + "[" * levels + "]" * levels + "}"


CASES: dict[Reason, Callable[[Path], set[str]]] = {
    Reason.SYMLINK: link,
    Reason.NOT_REGULAR: pipe,
    Reason.PERMISSION_DENIED: closed,
    Reason.IO_ERROR: unreadable,
    Reason.VANISHED: gone,
    Reason.STILL_WRITING: of("a.csv", ROW, settle_seconds=3600.0),
    Reason.TOO_LARGE: limited("a.csv", ROW, max_file_bytes=10, max_csv_bytes=10),
    Reason.LINE_TOO_LONG: limited("a.csv", ROW, max_line_bytes=40),
    Reason.TOO_MANY_ROWS: limited("a.csv", ROW, max_rows=2),
    Reason.TOO_MANY_COLUMNS: limited("a.csv", ROW, max_columns=3),
    Reason.TOO_DEEP: of("a.json", deep(100)),
    Reason.TOO_MANY_NODES: limited("a.json", json.dumps({"results": list(range(50))}), max_nodes=10),
    Reason.EMPTY: of("a.json", ""),
    Reason.NOT_TEXT: of("a.json", b'{"results": "\x00"}' ),
    Reason.BAD_ENCODING: of("a.csv", ROW.encode().replace(b"prompt 0", b"pr\xe9mpt 0")),
    Reason.BAD_JSON: of("a.json", '{"results": [1, 2,, 3]}'),
    Reason.BAD_YAML: of("a.yaml", "a: [1, 2\nb: {\n"),
    Reason.DUPLICATE_KEY: of("a.json", '{"model": "a:1b", "model": "b:2b", "results": []}'),
    Reason.NONFINITE_NUMBER: of("a.csv", rows(ttft_s="1e999")),
    Reason.TRUNCATED: of("a.json", '{"model": "tiny:1b", "results": [{"ttft_s": 1.0,'),
    Reason.DUPLICATE_COLUMN: of("a.csv", ROW.replace("eval_s", "load_s", 2)),
    Reason.RAGGED_ROW: of("a.csv", ROW + "2025-10-02T12:00:00+00:00,tiny:1b\n"),
    Reason.BAD_NUMBER: of("a.csv", rows(tokens_s="fast")),
    Reason.BAD_TIME: of("a.csv", rows(timestamp="yesterday")),
    Reason.OUT_OF_RANGE: of("a.csv", rows(ttft_s=-4.0)),
    Reason.UNKNOWN_UNIT: of("a.json", json.dumps({"model": "a:1b", "done": True, "total_duration": 1.5,
                                                   "eval_duration": 1.5, "eval_count": 3})),
    Reason.UNEXPECTED_SHAPE: of("a.csv", "sep\n" * 3 + HEADER + "\n"),
    Reason.ERROR_OUTPUT: of("a.csv", "==ERROR== No kernels were profiled.\n"),
    Reason.NO_MEASUREMENTS: of("a.json", json.dumps({"total_inferences": 0, "raw_metrics": []})),
    Reason.EXACT_COPY: several({"a.csv": ROW, "b.csv": ROW}),
    Reason.TWIN: several({"c.json": corpus.compile_json(), "c.md": corpus.COMPILE_MD}),
    Reason.SUMMARY_OF_ROWS: several({"s_runs.csv": ROW, "s_summary.json": corpus.suite_summary(corpus.suite())}),
    Reason.SUBSET_OF_ROWS: several(subset()),
    Reason.UNKNOWN_FORMAT: of("a.json", '{"colour": "blue"}'),
    Reason.OWN_OUTPUT: ours,
}  # fmt: skip


def test_every_reason_code_has_its_section_and_no_section_is_left_over() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/reason-codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == [reason.value for reason in Reason]


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_each_reason_is_given_by_a_file(reason: Reason, tmp_path: Path) -> None:
    assert reason in CASES, f"no case makes {reason}"
    assert str(reason) in CASES[reason](tmp_path / "root")
