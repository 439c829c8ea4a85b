"""What is kept of earlier ingests changes nothing: after any history of files tables are those of a first run."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import corpus
from tests.ingested import Ingested, chosen, same
from tests.slow.test_incremental_truth import CONTENTS, NAMES, SUITE

MORE_NAMES = (
    *NAMES,
    "a/log-one.csv",
    "a/log-two.csv",
    "d/x.csv",
    "k/run_270m_base.csv",
    "k/run_270m_sweep.csv",
    "y.json",
)


def part_of_a_log(first: int) -> str:
    """Four requests of a log, at times after each other, of prompts that no other part has."""
    rows = corpus.suite("tiny:1b", 55.0 + first / 7)[:4]
    for place, row in enumerate(rows):
        row["timestamp"] = f"2025-10-02T12:{first + place:02}:00+00:00"
        row["prompt_text"] = f"prompt {first + place} of the log"
    return corpus.csv_text(rows, corpus.REQUEST_COLUMNS)


MORE = (
    *CONTENTS,
    part_of_a_log(0),
    part_of_a_log(4),
    corpus.csv_text(corpus.suite("m2:2b", 50.0), corpus.REQUEST_COLUMNS),
    corpus.suite_summary(corpus.suite("m2:2b", 50.0)),
    corpus.csv_text(corpus.suite("late:1b", 70.0, timestamp="2027-03-02T12:00:00+00:00"), corpus.REQUEST_COLUMNS),
)
WRITES = st.tuples(st.just("write"), st.sampled_from(MORE_NAMES), st.sampled_from(range(len(MORE))))
REMOVALS = st.tuples(st.just("remove"), st.sampled_from(MORE_NAMES), st.none())
MOVES = st.tuples(st.sampled_from(["copy", "move"]), st.sampled_from(MORE_NAMES), st.sampled_from(MORE_NAMES))
STEPS = st.lists(st.one_of(WRITES, WRITES, WRITES, REMOVALS, MOVES), min_size=1, max_size=4)


def change(root: Path, what: str, name: str, how: int | str | None, at: int) -> None:
    """One step of a history."""
    path = root / name
    if what == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MORE[how])  # type: ignore[index]
        os.utime(path, ns=(1_759_400_000_000_000_000 + at,) * 2)
    elif what == "remove":
        path.unlink(missing_ok=True)
    elif path.exists() and name != how:
        other = root / str(how)
        other.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copy2 if what == "copy" else shutil.move)(path, other)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(STEPS, min_size=2, max_size=6))
def test_any_history_leads_at_each_step_to_what_a_run_from_nothing_says(
    history: list[list[tuple[str, str, int | str | None]]],
) -> None:
    with tempfile.TemporaryDirectory() as home:
        root = Path(home) / "artifacts"
        corpus.write(root, {f"s/{n}.csv": CONTENTS[2].replace("80.", f"{80 + n}.") for n in range(4)})
        at = 0
        for number, some in enumerate([[], *history]):
            for what, name, how in some:
                at += 1
                change(root, what, name, how, at)
            # the clock goes on: what was of the future is not, at some step
            now = 1_790_000_000.0 + number * 10_000_000.0
            kept = Ingested(chosen(root, Path(home) / "out"), now=now, usual=1)
            anew = Ingested(
                chosen(root, Path(home) / f"anew-{number}"), now=now, rows=random.Random(number).choice((1, 60))
            )
            assert anew.settled == len(anew.places)
            same(kept, anew)


NAMELESS = [name for name in corpus.REQUEST_COLUMNS if name != "model"]
M2, M3 = (corpus.suite(model, 50.0) for model in ("m2:2b", "m3:3b"))
SWEEP = corpus.csv_text([{**row, "ttft_s": 1.5 + n} for n, row in enumerate(M2[:6])], NAMELESS)
FEWER = [{key: row[key] for key in row if key not in ("load_s", "prompt_eval_s", "eval_s")} for row in SUITE]
SCENES: dict[str, list[dict[str, str | None]]] = {
    "a lender states another model, and goes": [
        {"k/run_270m_base.csv": corpus.csv_text(M2, corpus.REQUEST_COLUMNS), "k/run_270m_sweep.csv": SWEEP},
        {"k/run_270m_base.csv": corpus.csv_text(M3, corpus.REQUEST_COLUMNS)},
        {"k/run_270m_base.csv": None},
    ],
    "a twin brings fields, states others, and goes": [
        {"m/fewer.json": json.dumps({"results": FEWER})},
        {"a/log.csv": corpus.csv_text(SUITE, NAMELESS)},
        {"a/log.csv": corpus.csv_text([{**row, "load_s": 0.3} for row in SUITE], NAMELESS)},
        {"a/log.csv": None},
    ],
    "a larger file comes to a subset and a copy to it, and both go": [
        {"n/part.csv": corpus.csv_text(SUITE[:4], corpus.REQUEST_COLUMNS)},
        {"z.csv": corpus.csv_text(SUITE, corpus.REQUEST_COLUMNS)},
        {"a/copy.csv": corpus.csv_text(SUITE, corpus.REQUEST_COLUMNS)},
        {"z.csv": None},
        {"a/copy.csv": None},
    ],
    "rows come that explain a summary, and go": [
        {"b/summary.json": corpus.suite_summary(SUITE)},
        {"c/log.csv": corpus.csv_text(SUITE, corpus.REQUEST_COLUMNS)},
        {"c/log.csv": None},
    ],
    "a log gets another part, and loses it": [
        {"l/log-one.csv": part_of_a_log(0)},
        {"l/log-two.csv": part_of_a_log(4)},
        {"l/log-two.csv": None},
    ],
}


@pytest.mark.parametrize("scene", SCENES)
def test_what_one_file_decides_of_another_settles_that_anew(tmp_path: Path, scene: str) -> None:
    root = tmp_path / "data"
    touched = 0
    for number, step in enumerate(SCENES[scene]):
        for name, text in step.items():
            if text is None:
                (root / name).unlink()
            else:
                corpus.write(root, {name: text})
        kept = Ingested(chosen(root, tmp_path / "out"), usual=1)
        touched += number and kept.settled > len([text for text in step.values() if text])
        same(kept, Ingested(chosen(root, tmp_path / f"anew-{number}"), usual=1))
    assert touched, "no step changed more than its own files: nothing was decided of another"


def grown(root: Path) -> None:
    """Forty files of a kind, each with numbers of its own."""
    texts = {}
    for n in range(40):
        rows = corpus.suite(f"m{n % 5}:1b", 60.0 + n / 3)
        texts[f"{n % 7}/run-{n}.csv"] = corpus.csv_text(rows, corpus.REQUEST_COLUMNS)
    corpus.write(root, texts)


def test_a_new_file_has_no_more_settled_than_the_chunks_beside_it(tmp_path: Path) -> None:
    root, out = tmp_path / "data", tmp_path / "out"
    grown(root)
    first = Ingested(chosen(root, out))
    assert first.settled == first.melted == len(first.places) > 10
    again = Ingested(chosen(root, out))
    assert again.settled == again.melted == 0
    same(again, first)
    corpus.write(root, {"3/new.csv": corpus.csv_text(corpus.suite("new:1b", 33.0), corpus.REQUEST_COLUMNS)})
    more = Ingested(chosen(root, out))
    assert 1 <= more.settled == more.melted <= 4
    same(more, Ingested(chosen(root, tmp_path / "anew")))


@pytest.mark.parametrize("broken", ["timings", "artifacts", "quarantine", "llm_requests"])
def test_a_table_that_is_not_as_it_was_left_keeps_nothing(tmp_path: Path, broken: str) -> None:
    root, out = tmp_path / "data", tmp_path / "out"
    grown(root)
    first = Ingested(chosen(root, out))
    path = first.lake.table_path(broken)
    at = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))
    again = Ingested(chosen(root, out))
    assert again.settled == len(again.places)
    assert again.melted == 0
    same(again, first)


def test_without_tables_everything_is_made_anew(tmp_path: Path) -> None:
    root, out = tmp_path / "data", tmp_path / "out"
    grown(root)
    first = Ingested(chosen(root, out))
    frames = first.frames()
    shutil.rmtree(out / "tables")
    again = Ingested(chosen(root, out))
    assert again.settled == again.melted == len(again.places)
    assert json.dumps(again.measured.fingerprints()) == json.dumps(first.measured.fingerprints())
    assert all(again.frames()[name].equals(frame) for name, frame in frames.items())


def test_a_time_that_was_refused_is_asked_again_and_one_that_was_believed_is_too(tmp_path: Path) -> None:
    root, out = tmp_path / "data", tmp_path / "out"
    late = corpus.suite("late:1b", 70.0, timestamp="2027-03-02T12:00:00+00:00")
    corpus.write(root, {"late.csv": corpus.csv_text(late, corpus.REQUEST_COLUMNS)})
    before, after = 1_790_000_000.0, 1_810_000_000.0
    for now, settled in ((before, 1), (before, 1), (after, 1), (after, 0), (before, 1)):
        kept = Ingested(chosen(root, out), now=now)
        assert kept.settled == settled
        same(kept, Ingested(chosen(root, tmp_path / f"anew-{now}"), now=now))
        rows = kept.frames_of("llm_requests")
        assert rows["measured_at"].isna().all() == (now == before)


def test_other_settings_of_the_measurements_keep_the_settled_tables_alone(tmp_path: Path) -> None:
    root, out = tmp_path / "data", tmp_path / "out"
    grown(root)
    Ingested(chosen(root, out))
    by_quarter = chosen(root, out).model_copy(update={"period": "quarter"})
    found = Ingested(by_quarter)
    assert (found.settled, found.melted) == (0, len(found.places))
    anew = chosen(root, tmp_path / "anew").model_copy(update={"period": "quarter"})
    same(found, Ingested(anew))
