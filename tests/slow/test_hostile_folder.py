"""A folder of hostile and good files through the command as a user runs it, under limits on time and memory, with a
model server on loopback: the good numbers are those of the good files alone, every hostile file has its row, and
nothing that was planted in a file is found in any output."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests import corpus
from tests.doubles.ollama_server import MODEL, OllamaServer
from tests.hostile import outputs
from tests.hostile.entries import Entry, Maker, build, entries
from tests.unit.readers.samples import collected

SEED = 20251123
SECONDS = 240  # of processor time: how long that takes depends on who else computes
BYTES = 6 * 2**30  # of address space: numerical libraries map far more than they use
RESIDENT = 1536 * 2**20


@dataclass(frozen=True)
class Ran:
    """A finished run: its folder, what it printed, and the request bodies that the model server got."""

    home: Path
    printed: str
    bodies: str
    peak_bytes: int
    root_before: dict[str, tuple[int, int]]

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.home / "out/tables" / name)


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))


def chimera(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CHIMERA_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-m", "chimera_pipeline.cli", *arguments],
        cwd=home, env=kept | environment, capture_output=True, timeout=900, check=False, preexec_fn=bounded,
    )  # fmt: skip


def good(folder: Path) -> None:
    """Result files of every format, each as its tool writes it."""
    corpus.tree(folder)
    (folder / "broken.json").unlink()
    for number, sample in enumerate(collected()):
        suffix = {"markdown": "md", "text": "txt", "other": "dat"}.get(sample.format.value, sample.format.value)
        corpus.write(folder, {f"samples/{number:03}/{sample.reader}.{suffix}": sample.data})
    steady(folder)


def steady(folder: Path) -> None:
    """Times that do not depend on when the test runs: they stand in the tables."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (1_760_000_000, 1_760_000_000))


def listed(folder: Path) -> dict[str, tuple[int, int]]:
    return {os.fsencode(p).decode("latin-1"): (p.lstat().st_size, p.lstat().st_mtime_ns) for p in folder.rglob("*")}


def ran(home: Path, make: Callable[[Path], None]) -> Ran:
    make(home / "root")
    before = listed(home / "root")
    with OllamaServer() as server:
        done = chimera(
            home, "run", "root", "--out", "out", "--llm", "ollama", "--model", MODEL, "-v", "--json",
            OLLAMA_HOST=server.host,
        )  # fmt: skip
        bodies = json.dumps(server.bodies, ensure_ascii=False)
    assert done.returncode == 0, done.stderr[-3000:]
    printed = done.stdout + done.stderr
    for arguments in (("quarantine",), ("quarantine", "--json"), ("facts",), ("explain", "50.0")):
        told = chimera(home, *arguments, "--out", "out")
        assert told.returncode == 0, told.stderr[-2000:]
        printed += told.stdout + told.stderr
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return Ran(home, printed.decode("utf-8", "surrogateescape"), bodies, peak, before)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(tmp_path_factory.mktemp("alone"), lambda root: good(root / "good"))


@pytest.fixture(scope="module")
def made() -> list[Entry]:
    return entries(SEED)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, made: list[Entry]) -> Ran:
    def make(root: Path) -> None:
        good(root / "good")
        build(root, made)

    return ran(tmp_path_factory.mktemp("mixed"), make)


def test_every_hostile_file_has_the_row_it_should_have(mixed: Ran, made: list[Entry]) -> None:
    assert len(made) >= 100
    rows = mixed.table("artifacts").set_index("path")
    told = {entry.shown: (rows.loc[entry.shown, "status"], rows.loc[entry.shown, "reason"]) for entry in made}
    wrong = [f"{e}: {told[e.shown]}" for e in made if told[e.shown] != (e.status, e.reason)]
    assert not wrong, "\n".join(wrong)
    refused = rows[rows["status"].isin(["quarantined", "skipped", "partial"])]
    assert refused["detail"].str.len().gt(5).all()


def test_every_refused_file_is_in_quarantine_with_a_sentence(mixed: Ran, made: list[Entry]) -> None:
    rows = mixed.table("quarantine")
    listed = set(rows["artifact_path"])
    missing = [str(e) for e in made if e.status in ("quarantined", "partial", "skipped") and e.shown not in listed]
    assert not missing, "\n".join(missing)
    assert rows["detail"].str.len().gt(5).all()


def test_good_files_have_the_same_numbers_to_the_bit(alone: Ran, mixed: Ran) -> None:
    def measured(run: Ran) -> pd.DataFrame:
        frame = run.table("measurements")
        frame = frame[frame["artifact_path"].str.startswith("good/")]
        return frame.sort_values(list(frame.columns), ignore_index=True)

    assert len(measured(alone)) > 500
    pd.testing.assert_frame_equal(measured(alone), measured(mixed), check_exact=True)


def test_good_files_have_the_same_facts_to_the_bit(alone: Ran, mixed: Ran) -> None:
    def levels(run: Ran) -> dict[str, dict[str, object]]:
        facts = json.loads((run.home / "out/reports/all/facts.json").read_text())["facts"]
        own = [f for f in facts if f["kind"] == "level" and f["statistic"] != "rank"]  # a rank is among all files
        return {f["id"]: f for f in own if all("good/" in source for source in f["sources"])}

    expected, found = levels(alone), levels(mixed)
    assert len(expected) > 200
    assert {key: found.get(key) for key in expected} == expected


def test_time_and_memory_are_bounded(mixed: Ran) -> None:
    assert mixed.peak_bytes < RESIDENT


def test_no_command_hidden_in_a_name_or_a_content_ran(mixed: Ran) -> None:
    assert not list(mixed.home.rglob("pwned"))
    assert not (mixed.home / "escaped.csv").exists()


def test_nothing_under_the_root_was_touched(mixed: Ran) -> None:
    assert listed(mixed.home / "root") == mixed.root_before


def planted() -> list[str]:
    maker = Maker(SEED)
    needles = []
    for text in maker.free_texts:
        needles += [text, text.replace(" ", "_"), text[:24]]
    for text in maker.secrets:
        needles += [text, text[-12:]] if "@" not in text else [text, text[text.index("bob:") + 4 : text.index("@")]]
    return needles


def test_nothing_planted_is_found_in_any_output(mixed: Ran) -> None:
    needles = planted()
    assert len(mixed.bodies) > 1000
    places = [("printed", mixed.printed), ("request bodies", mixed.bodies), *outputs.texts(mixed.home / "out")]
    assert any("event_logs" in where for where, _ in places)
    assert any(where.endswith(".html") for where, _ in places)
    found = {f"{where}: {needle}" for where, text in places for needle in needles if needle in text}
    assert not found, "\n".join(sorted(found)[:30])


def test_the_search_finds_what_is_there(mixed: Ran) -> None:
    name = "gemma3" if "gemma3" in mixed.bodies else "tiny:1b"
    kinds = {Path(where.split(":")[0]).suffix for where, text in outputs.texts(mixed.home / "out") if name in text}
    assert {".parquet", ".sqlite", ".md", ".html", ".json"} <= kinds


def test_what_is_printed_holds_no_control_character(mixed: Ran) -> None:
    odd = {char for char in mixed.printed if unicodedata.category(char) in {"Cc", "Cf", "Cs"}} - {"\n"}
    assert not odd


def test_names_do_not_become_markup_in_the_page(mixed: Ran) -> None:
    page = (mixed.home / "out/reports/all/report.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "<script>alert" not in page
    assert "javascript:" not in page.replace("](javascript:", "")
