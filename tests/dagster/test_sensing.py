"""What the sensors decide: which changes have settled, under which key, which periods are due, and small cursors."""

from __future__ import annotations

import dataclasses
import json

import pytest

from chimera_pipeline import settings as settings_module
from chimera_pipeline.contracts import tables
from chimera_pipeline.inventory.store import Store
from chimera_pipeline.orchestration import ingests, sensing
from chimera_pipeline.orchestration.ingests import Ingest
from chimera_pipeline.records import Artifact, Format
from chimera_pipeline.settings import Settings

T0 = 1_760_000_000.0


def entry(path: str, at: float = T0, size: int = 10) -> Artifact:
    return Artifact(path, size, int(at * 1e9), None, Format.CSV)


class Folder:
    """A root under the sensor's eye: looks every 30 s, and ingests when told."""

    def __init__(self) -> None:
        self.files: dict[str, Artifact] = {}
        self.known: dict[str, Artifact] = {}
        self.ingest = Ingest()
        self.cursor: str | None = None
        self.now = T0
        self.basis = "v1"

    def put(self, path: str, size: int = 10, at: float | None = None) -> None:
        self.files[path] = entry(path, self.now + 1 if at is None else at, size)

    def look(self) -> sensing.Look:
        self.now += 30
        seen = sensing.look(
            list(self.files.values()), self.known, self.ingest, basis=self.basis, cursor=self.cursor, now=self.now
        )
        self.cursor = seen.cursor
        return seen

    def read(self, seen: sensing.Look, *, ends_well: bool = True) -> None:
        for path, found in self.files.items():
            if found.mtime_ns / 1e9 <= seen.looked_at:
                self.known[path] = found
        self.known = {path: found for path, found in self.known.items() if path in self.files}
        if ends_well:
            self.ingest = dataclasses.replace(
                self.ingest, generation=self.ingest.generation + 1, basis=self.basis,
                manifest=ingests.manifest_of(self.known),
            )  # fmt: skip


def launched(folder: Folder) -> sensing.Look:
    """Look until something is launched."""
    for _ in range(3):
        seen = folder.look()
        if seen.key:
            return seen
    raise AssertionError(seen.reason)


def test_a_file_is_read_when_it_is_the_same_for_two_looks() -> None:
    folder = Folder()
    folder.put("a.csv")
    assert "two looks" in folder.look().reason
    folder.put("a.csv", size=20)
    assert "a.csv" in folder.look().reason
    seen = folder.look()
    assert seen.key
    folder.read(seen)
    assert "nothing changed" in folder.look().reason


def test_a_size_that_grows_under_an_old_time_is_no_settled_file() -> None:
    folder = Folder()
    folder.put("a.csv", at=T0 - 999)
    folder.look()
    folder.put("a.csv", size=20, at=T0 - 999)
    assert folder.look().key is None
    assert folder.look().key


def test_a_file_that_is_written_all_the_time_keeps_no_other_waiting() -> None:
    folder = Folder()
    folder.put("a.csv")
    folder.put("log.csv")
    folder.look()
    folder.put("log.csv", size=20)
    seen = folder.look()
    assert seen.key
    assert "1 more wait" in seen.reason
    folder.read(seen)
    assert set(folder.known) == {"a.csv"}
    for size in (30, 40):
        folder.put("log.csv", size=size)
        assert folder.look().key is None


def test_one_batch_has_one_key_and_a_file_that_returns_to_old_bytes_has_another() -> None:
    folder = Folder()
    keys = []
    for at in (T0 + 1, T0 + 100, T0 + 1, T0 + 100):
        folder.files["a.csv"] = entry("a.csv", at)
        folder.now = max(folder.now, T0 + 200)
        seen = launched(folder)
        twin = sensing.look(
            list(folder.files.values()), folder.known, folder.ingest, basis="v1",
            cursor=json.dumps(json.loads(folder.cursor or "{}") | {"launched": None}), now=folder.now + 1,
        )  # fmt: skip
        assert twin.key == seen.key, "a look that is repeated after a crash must lead to the same run"
        keys.append(seen.key)
        folder.read(seen)
    assert len(set(keys)) == 4


def test_a_batch_whose_run_failed_is_not_launched_for_ever_and_the_next_file_starts_it_again() -> None:
    folder = Folder()
    folder.put("a.csv")
    seen = launched(folder)
    folder.read(seen, ends_well=False)
    again = launched(folder)
    assert again.key != seen.key, "the manifest was replaced and the measurements were not: once more"
    folder.read(again, ends_well=False)
    quiet = folder.look()
    assert (quiet.key, quiet.earlier) == (None, again.key)
    folder.put("b.csv")
    assert launched(folder).key not in (seen.key, again.key)


def test_new_readers_read_everything_again() -> None:
    folder = Folder()
    folder.put("a.csv")
    folder.read(launched(folder))
    folder.basis = "v2"
    assert launched(folder).key


def test_a_removed_file_is_a_change_and_an_empty_root_is_a_lost_mount() -> None:
    folder = Folder()
    folder.put("a.csv")
    folder.put("b.csv")
    folder.read(launched(folder))
    del folder.files["b.csv"]
    folder.read(launched(folder))
    assert set(folder.known) == {"a.csv"}
    folder.files.clear()
    for _ in range(3):
        seen = folder.look()
        assert seen.key is None
        assert "lost mount" in seen.reason


def test_a_time_in_the_future_does_not_wait_for_it() -> None:
    folder = Folder()
    folder.put("a.csv", at=T0 + 10**8)
    assert launched(folder).key


def test_the_cursor_stays_small_and_a_foreign_one_counts_as_none() -> None:
    folder = Folder()
    for number in range(8000):
        folder.put(f"{number}.csv")
    folder.look()
    assert len(folder.cursor or "") < 100_000
    seen = folder.look()
    assert seen.reason.startswith("8000 changes")
    folder.read(seen)
    folder.look()
    assert len(folder.cursor or "") < 200
    for cursor in ("nonsense", '{"version": 1, "last": "x"}', "[]"):
        folder.cursor = cursor
        assert folder.look().key is None


@pytest.fixture
def chosen(tmp_path: object) -> Settings:
    return settings_module.load(out=tmp_path)


def measured(**values: float) -> dict[str, str]:
    rows = [
        {"period": f"2025-{name[1:]}", "value": value, "metric": "ttft_s", "artifact_path": "a.csv"}
        for name, value in values.items()
    ]
    return ingests.fingerprints(tables.frame("measurements", rows))


def always(_: str) -> bool:
    return True


def test_periods_are_due_when_their_measurements_changed_and_once(chosen: Settings) -> None:
    ingest = ingests.record(chosen, measured(m01=1.0, m02=2.0))
    first = sensing.due(ingest, kind="month", cursor=None, exists=always)
    assert [name for name, _ in first.periods] == ["2025-01", "2025-02"]
    assert not sensing.due(ingest, kind="month", cursor=first.cursor, exists=always).periods
    assert ingests.record(chosen, measured(m01=1.0, m02=2.0)) == ingest, "the same again is no new generation"
    second = sensing.due(
        ingests.record(chosen, measured(m01=1.0, m02=3.0)), kind="month", cursor=first.cursor, exists=always
    )
    assert [name for name, _ in second.periods] == ["2025-02"]
    back = sensing.due(
        ingests.record(chosen, measured(m01=1.0, m02=2.0)), kind="month", cursor=second.cursor, exists=always
    )
    assert [name for name, _ in back.periods] == ["2025-02"]
    keys = [key for due in (first, second, back) for _, key in due.periods]
    assert len(set(keys)) == len(keys), "Dagster remembers run keys for ever: each change needs its own"
    gone = sensing.due(ingests.record(chosen, measured(m01=1.0)), kind="month", cursor=back.cursor, exists=always)
    assert [name for name, _ in gone.periods] == ["2025-02"]


def test_periods_are_capped_per_tick_and_none_is_lost(chosen: Settings) -> None:
    periods = {f"{2000 + year}-{month:02d}": ("x", 1) for year in range(10) for month in range(1, 13)}
    ingest = Ingest(store="s", generation=1, kind="month", periods=periods)
    found: list[str] = []
    cursor = None
    for expected in (50, 50, 20, 0):
        due = sensing.due(ingest, kind="month", cursor=cursor, exists=always)
        assert len(due.periods) == expected
        found += [name for name, _ in due.periods]
        cursor = due.cursor
        assert len(cursor) < 200
    assert found == sorted(periods)


def test_a_period_that_no_report_is_made_of_is_told_and_a_new_store_starts_over(chosen: Settings) -> None:
    ingest = ingests.record(chosen, measured(m01=1.0, m02=2.0))
    due = sensing.due(ingest, kind="month", cursor=None, exists=lambda name: name == "2025-02")
    assert [name for name, _ in due.periods] == ["2025-02"]
    assert "2025-01" in due.reason
    other = dataclasses.replace(ingest, store="another")
    assert len(sensing.due(other, kind="month", cursor=due.cursor, exists=always).periods) == 2
    assert "week" in sensing.due(ingest, kind="week", cursor=None, exists=always).reason
    assert "nothing has been ingested" in sensing.due(Ingest(), kind="month", cursor=None, exists=always).reason


def test_the_last_ingest_is_kept_in_the_store(chosen: Settings) -> None:
    kept = ingests.record(chosen, measured(m01=1.0))
    with Store(chosen.out) as store:
        assert ingests.last(store) == kept
