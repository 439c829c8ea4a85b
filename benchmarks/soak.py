"""Soak: a writer adds, corrects, truncates and deletes result files while the store is ingested again and again.

    python benchmarks/soak.py --minutes 30

The ingest is the one that the sensor launches: inventory, reading, settling, measurements and facts, published whole.
Prints resident memory, open descriptors, size of the store and seconds a run over time, and at the end the growth of
memory over the second half. Exit code 1 where descriptors grew, or memory by more than a tenth, or where the last
state is not that of a quiet run.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chimera_pipeline.inventory.store import sole_writer
from chimera_pipeline.orchestration.lake import Lake
from tests import corpus
from tests.hostile import stages

FILES = 60


def write(root: Path, stop: threading.Event, seed: int = 11) -> None:
    """One change every 50 ms or so: a new file, a corrected one, a half one, one line more, one file less."""
    draw = random.Random(seed)
    while not stop.is_set():
        path = root / f"week{draw.randrange(4)}" / f"runs{draw.randrange(FILES // 4)}.csv"
        path.parent.mkdir(exist_ok=True)
        text = corpus.csv_text(corpus.suite(f"m{draw.randrange(6)}:1b", draw.uniform(20, 80)), corpus.REQUEST_COLUMNS)
        kind = draw.randrange(10)
        if kind == 0:
            path.unlink(missing_ok=True)
        elif kind == 1:
            path.write_text(text[: draw.randrange(len(text))])
        elif kind == 2:
            with path.open("a") as stream:
                stream.write(text.split("\n", 1)[1])
        else:
            path.write_text(text)
        stop.wait(draw.uniform(0.01, 0.1))


def ingest(root: Path, out: Path) -> None:
    """What the sensor's job does, in this process."""
    with sole_writer(out):
        tables = stages.tables_of(root, out)
        lake = Lake(out)
        for name, frame in tables.items():
            lake.write_frame(name, frame)
        (out / "facts.json").write_bytes(stages.facts_of(tables))


def resident() -> float:
    """Resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> int:
    """Run the soak and judge it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as home:
        root, out = Path(home) / "root", Path(home) / "out"
        root.mkdir()
        stop = threading.Event()
        writer = threading.Thread(target=write, args=(root, stop), daemon=True)
        writer.start()
        end = time.monotonic() + 60 * minutes
        seen: list[tuple[float, int, float]] = []
        print("minute  rss MiB  descriptors  store KiB  s a run")
        while time.monotonic() < end:
            started = time.monotonic()
            ingest(root, out)
            seconds = time.monotonic() - started
            seen.append((resident(), len(os.listdir("/proc/self/fd")), seconds))
            if len(seen) % 10 == 1:
                store = sum(path.stat().st_size for path in (out / ".chimera").rglob("*") if path.is_file()) / 1024
                at = minutes - (end - time.monotonic()) / 60
                print(f"{at:6.1f}  {seen[-1][0]:7.1f}  {seen[-1][1]:11d}  {store:9.0f}  {seconds:7.2f}", flush=True)
        stop.set()
        writer.join()
        ingest(root, out)
        ingest(root, Path(home) / "quiet")
        same = (out / "facts.json").read_bytes() == (Path(home) / "quiet" / "facts.json").read_bytes()
        return judge(seen, same)


def judge(seen: list[tuple[float, int, float]], same: bool) -> int:
    """Compare the two halves after the first fifth, in which caches fill."""
    settled = seen[len(seen) // 5 :]
    first, last = settled[: len(settled) // 2], settled[len(settled) // 2 :]
    memory = [statistics.median(row[0] for row in half) for half in (first, last)]
    open_files = [max(row[1] for row in half) for half in (first, last)]
    print(f"{len(seen)} runs; median rss {memory[0]:.1f} then {memory[1]:.1f} MiB ({memory[1] / memory[0] - 1:+.1%})")
    print(f"most descriptors {open_files[0]} then {open_files[1]}; last facts equal a quiet run: {same}")
    return int(not same or memory[1] > 1.1 * memory[0] or open_files[1] > open_files[0])


if __name__ == "__main__":
    sys.exit(main())
