"""Files added, corrected and deleted in any order lead to the tables of a run from nothing, byte for byte."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.orchestration import steps
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.settings import Settings
from tests import corpus

NOW = 1_790_000_000.0


def _twin(rows: list[dict[str, object]]) -> str:

    kept = (
        "prompt_index",
        "ttft_s",
        "tokens_s",
        "load_s",
        "prompt_eval_s",
        "eval_s",
        "prompt_eval_count",
        "eval_count",
    )
    return json.dumps({"model": "tiny:1b", "results": [{key: row[key] for key in kept} for row in rows]})


SUITE = corpus.suite()
CONTENTS = (
    corpus.csv_text(SUITE, corpus.REQUEST_COLUMNS),
    corpus.csv_text(SUITE[:3], corpus.REQUEST_COLUMNS),
    corpus.csv_text(corpus.suite("other:2b", 80.0), corpus.REQUEST_COLUMNS),
    corpus.csv_text([*SUITE, corpus.failed()], corpus.REQUEST_COLUMNS),
    corpus.csv_text(SUITE, [name for name in corpus.REQUEST_COLUMNS if name != "model"]),
    corpus.suite_summary(SUITE),
    corpus.compile_json(),
    corpus.COMPILE_MD,
    _twin(SUITE),
    '{"model": "tiny:1b", "results": [{"ttft_s": 1.0,',
    "",
)
NAMES = (
    "a/suite_runs.csv",
    "a/suite_summary.json",
    "b/suite_runs.csv",
    "b/tiny_1b_sweep.csv",
    "c.json",
    "c.md",
    "z.csv",
)
WRITES = st.tuples(st.sampled_from(NAMES), st.sampled_from(CONTENTS))
REMOVALS = st.tuples(st.sampled_from(NAMES), st.none())
RUNS = st.just(("", None))


def tables(root: Path, out: Path) -> dict[str, bytes]:
    """Every table of a run over `root`, as the bytes of its published file."""
    chosen = Settings(artifacts=str(root), out=out, expected_dirs=["a", "d"])
    inventory = steps.take_inventory(chosen, now=NOW)
    steps.read_new(chosen, inventory)
    settled = steps.settle_store(chosen, inventory, now=NOW)
    frames: dict[str, pd.DataFrame] = {**settled, "measurements": melt(settled)}
    lake = Lake(out)
    return {name: lake.write_frame(name, frame).read_bytes() for name, frame in frames.items()}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(st.one_of(WRITES, WRITES, REMOVALS, RUNS), min_size=4, max_size=14))
def test_any_history_of_files_leads_to_the_tables_of_a_run_from_nothing(history: list[tuple[str, str | None]]) -> None:
    with tempfile.TemporaryDirectory() as home:
        root, out = Path(home) / "artifacts", Path(home) / "out"
        root.mkdir()
        for step, (name, content) in enumerate(history):
            path = root / name
            if not name:
                tables(root, out)
            elif content is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
                os.utime(path, ns=(1_759_400_000_000_000_000 + step,) * 2)
        after = tables(root, out)
        anew = tables(root, Path(home) / "anew")
        assert {name for name in after if after[name] != anew[name]} == set()


def test_a_corrected_file_replaces_what_it_said_and_a_deleted_one_takes_it_away(tmp_path: Path) -> None:
    root, out = tmp_path / "artifacts", tmp_path / "out"
    corpus.write(root, {"a.csv": CONTENTS[0], "b.csv": CONTENTS[2]})
    tables(root, out)
    read = lambda: pd.read_parquet(out / "tables/measurements")  # noqa: E731
    assert set(read()["artifact_path"]) == {"a.csv", "b.csv"}
    corrected = CONTENTS[0].replace("50.0", "51.0")
    (root / "a.csv").write_text(corrected)
    (root / "b.csv").unlink()
    tables(root, out)
    rows = read()
    assert set(rows["artifact_path"]) == {"a.csv"}
    assert 51.0 in set(rows.loc[rows["metric"] == "decode_tokens_per_s", "value"])
