"""kill -9 at instants over the whole of `chimera run`: reports are of one run, and the next run comes to the same."""

from __future__ import annotations

import collections
import os
import shutil
from pathlib import Path

from chimera_pipeline import atomic
from tests import corpus
from tests.hostile import kills, stages

KILLS = 200 if os.environ.get("EXHAUSTIVE") else 6
"""How often a run is killed; 200 times with EXHAUSTIVE=1."""


def files(root: Path, base: float) -> None:
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


def test_a_run_that_is_killed_leaves_one_generation_and_the_next_one_comes_to_the_facts_of_a_quiet_one(
    tmp_path: Path,
) -> None:
    root, out, earlier, quiet = (tmp_path / name for name in ("root", "out", "earlier", "quiet"))
    files(root, 50.0)
    assert kills.warmed(root, earlier) == 0
    files(root, 70.0)
    shutil.copytree(earlier, quiet)
    needed = kills.processor_time(kills.started(root, quiet))
    both = kills.Generations(stages.published(earlier), stages.published(quiet))
    assert both.differing(earlier), "the files did not change the facts"
    assert both.wrong(earlier) == both.wrong(quiet) == both.differing(quiet) == []
    found: collections.Counter[str] = collections.Counter()
    for number, (share, rest) in enumerate(kills.instants(KILLS, 7)):
        took: float | None = needed
        while took is not None:  # a run that ended first was shorter than the one before: the same share of this one
            needed = min(needed, took)
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(earlier, out)
            took = kills.killed_after(kills.started(root, out), share * needed, rest)
            rest /= 2
        where = f"kill {number}, after {share:.3f} of {needed:.3f} s"
        assert both.wrong(out) == [], where
        found[" and ".join(sorted(both.kinds(out)))] += 1
        assert kills.ended(kills.started(root, out)) == 0, where
        assert both.differing(out) == [], where
        assert both.wrong(out) == [], where
        atomic.sweep(out, older_than_s=-1.0)
        assert stages.broken(out) == [], where
        if number % 10 == 9:
            print(f"{number + 1} of {KILLS} kills of a run of {needed:.2f} s: {dict(found)}", flush=True)
    print(f"{KILLS} kills of a run of {needed:.2f} s: {dict(found)}")
    assert sum(found.values()) == KILLS
    assert len(found) >= 2, "all instants came to the same state"
