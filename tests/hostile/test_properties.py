"""Properties of the whole way from files to facts: what must not matter does not matter."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import build
from chimera_pipeline.inventory import scan
from chimera_pipeline.metrics.settle import settle
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.readers import registry
from chimera_pipeline.records import Artifact, Reading
from chimera_pipeline.settings import Limits
from tests import corpus
from tests.hostile import stages

RATES = st.floats(1.0, 500.0)


def settled(files: dict[str, str | bytes], order: random.Random | None = None) -> dict[str, pd.DataFrame]:
    """The settled tables of files that are not on disk."""
    entries: list[tuple[Artifact, Reading | None]] = []
    for path, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        form = scan.format_of(path)
        artifact = Artifact(path, len(data), 1_700_000_000_000_000_000, f"{hash(data):x}", form)
        entries.append((artifact, registry.read(data, form, Limits())))
    if order is not None:
        order.shuffle(entries)
    return settle(entries)


def requests(base: float, model: str = "tiny:1b") -> str:
    return corpus.csv_text(corpus.suite(model, base), corpus.REQUEST_COLUMNS)


FILES = {
    "a.csv": requests(50.0),
    "copy.csv": requests(50.0),
    "b.csv": requests(30.0, "mid:3b"),
    "c/compile.json": corpus.compile_json(),
    "c/compile.md": corpus.COMPILE_MD,
    "summary.json": corpus.suite_summary(corpus.suite()),
    "notes.md": "# Notes\n",
    "broken.json": "{",
}


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_files_does_not_matter(seed: int) -> None:
    expected = settled(dict(FILES))
    for name, frame in settled(dict(FILES), random.Random(seed)).items():
        keys = [key for key in ("artifact_path", "path", "locator") if key in frame]
        by = {"by": keys, "ignore_index": True} if keys else {"by": list(frame.columns), "ignore_index": True}
        pd.testing.assert_frame_equal(frame.sort_values(**by), expected[name].sort_values(**by), check_exact=True)


@settings(max_examples=10, deadline=None)
@given(
    junk=st.dictionaries(
        st.from_regex(r"junk/[a-z]{1,8}\.(csv|json|jsonl|md|yaml|txt|dat)", fullmatch=True),
        st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
        max_size=5,
    )
)
def test_junk_never_changes_a_good_number(junk: dict[str, bytes]) -> None:
    def numbers(found: dict[str, pd.DataFrame]) -> pd.DataFrame:
        rows = found["llm_requests"]
        return rows[~rows["artifact_path"].str.startswith("junk/")].reset_index(drop=True)

    alone, mixed = settled(dict(FILES)), settled({**FILES, **junk})
    pd.testing.assert_frame_equal(numbers(alone), numbers(mixed), check_exact=True)
    assert set(junk) <= set(mixed["artifacts"]["path"])


@settings(max_examples=6, deadline=None)
@given(rates=st.lists(RATES, min_size=4, max_size=30, unique=True), data=st.data())
def test_a_csv_that_is_split_in_two_has_the_same_pooled_facts(rates: list[float], data: st.DataObject) -> None:
    rows = [
        corpus.request(
            prompt_index=i, prompt_text=f"p{i}", tokens_s=rate, eval_s=100 / rate,
            timestamp=f"2025-10-02T12:{i // 60:02}:{i % 60:02}+00:00",
        )
        for i, rate in enumerate(rates)
    ]  # fmt: skip
    cut = data.draw(st.integers(1, len(rows) - 1))
    whole = {"whole.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)}
    parts = {
        "one.csv": corpus.csv_text(rows[:cut], corpus.REQUEST_COLUMNS),
        "two.csv": corpus.csv_text(rows[cut:], corpus.REQUEST_COLUMNS),
    }
    assert pooled(parts) == pooled(whole)


def pooled(files: dict[str, str]) -> dict[tuple[Any, ...], Any]:
    """(metric, statistic) -> (value, n) of the decode rates over all phases, from files on disk.

    Without the spread between and within runs: two files are two runs, and one file is one.
    """
    with tempfile.TemporaryDirectory() as home:
        corpus.write(Path(home) / "root", dict(files))
        facts = json.loads(stages.facts_of(stages.tables_of(Path(home) / "root", Path(home) / "out")))["facts"]
    chosen = [f for f in facts if f["metric"] == "decode_tokens_per_s" and f["kind"] == "level"]
    chosen = [f for f in chosen if f["statistic"] not in ("between_run_sd", "within_run_sd")]
    return {(f["statistic"], f["condition"].split(",")[-1]): (f["value"], f["n"]) for f in chosen if f["n"]}


CELLS: dict[str, st.SearchStrategy[Any]] = {
    "float64": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "Int64": st.none() | st.integers(-(2**53), 2**53),
    "object": st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
}


@settings(max_examples=10, deadline=None)
@given(table=st.sampled_from(["timings", "evaluations", "throughputs"]), data=st.data())
def test_what_is_written_as_parquet_is_read_back(table: str, data: st.DataObject) -> None:
    columns = {name: CELLS[dtype] for name, dtype in tables.columns(table).items() if dtype in CELLS}
    rows = data.draw(st.lists(st.fixed_dictionaries(columns), max_size=4))
    frame = tables.frame(table, rows)
    with tempfile.TemporaryDirectory() as home:
        lake = Lake(Path(home))
        lake.write_frame(table, frame)
        found = lake.read_frame(table)
    assert list(found.columns) == list(frame.columns)
    for name in frame:
        assert found[name].astype("object").where(found[name].notna(), None).tolist() == (
            frame[name].astype("object").where(frame[name].notna(), None).tolist()
        )


def test_facts_written_and_read_back_are_the_same_facts() -> None:
    with tempfile.TemporaryDirectory() as home:
        corpus.tree(Path(home) / "root")
        found = build.facts_of(stages.tables_of(Path(home) / "root", Path(home) / "out"), period="all")
    assert build.from_frame(build.to_frame(found)) == found
    assert len(found) > 50
