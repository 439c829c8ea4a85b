"""Speed and memory from a thousand files to a hundred thousand, as ratios against peers in the same run.

    python benchmarks/scale.py                          everything; takes hours on a laptop
    python benchmarks/scale.py --sizes 1000 --stages --large --unchanged        the cold run at one size
    python benchmarks/scale.py --sizes --stages 10000 --large --unchanged       the ingest stages at one size

Corpora are made by `corpus.py` and kept under --work. Peer and pipeline take turns; each number is the median of
--rounds. Seconds are wall time and processor time of the whole process, its children included; on a machine that
others use as well only processor time and its ratio mean something. Memory is the largest resident size of the
largest process.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import corpus

PEERS = Path(__file__).parent / "peers"
PYTHON = sys.executable
CHIMERA = [PYTHON, "-m", "chimera_pipeline"]


@dataclass(frozen=True)
class Cost:
    """Wall seconds, processor seconds and megabytes of one process."""

    wall: float
    cpu: float
    memory: float


def run(command: Sequence[str]) -> Cost:
    """Run a command to its end. Raises where it fails."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{errors.read().decode()[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def medians(costs: Sequence[Cost]) -> Cost:
    """The median of each."""
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "memory")))


def against(rounds: int, peer: Callable[[], Cost], ours: Callable[[], Cost]) -> tuple[Cost, Cost]:
    """Medians of both, taking turns."""
    found: tuple[list[Cost], list[Cost]] = ([], [])
    for _ in range(rounds):
        found[0].append(peer())
        found[1].append(ours())
    return medians(found[0]), medians(found[1])


def line(what: str, peer: Cost, ours: Cost) -> None:
    """One row of the table."""
    print(
        f"| {what} | {peer.wall:.2f} / {peer.cpu:.2f} / {peer.memory:.0f} | {ours.wall:.2f} / {ours.cpu:.2f} / "
        f"{ours.memory:.0f} | {ours.wall / peer.wall:.2f} | {ours.cpu / peer.cpu:.2f} | "
        f"{ours.memory / peer.memory:.2f} |",
        flush=True,
    )


class Bench:
    """The corpora and outputs of one run of the benchmark."""

    def __init__(self, work: Path, rounds: int) -> None:
        self.work, self.rounds = work, rounds
        self.out = work / "out"

    def corpus(self, files: int) -> Path:
        """The corpus of so many files, made where it is missing."""
        folder = self.work / f"files-{files}"
        marker = self.work / f"files-{files}.done"
        if not marker.exists():
            corpus.write(folder, files)
            marker.touch()
        return folder

    def cold(self, folder: Path) -> Cost:
        """A first run over a folder."""
        shutil.rmtree(self.out, ignore_errors=True)
        return run([*CHIMERA, "run", str(folder), "--llm", "none", "--out", str(self.out), "-q"])

    def ingest(self, folder: Path) -> Cost:
        """The ingest stages alone over a folder."""
        shutil.rmtree(self.out, ignore_errors=True)
        return run([PYTHON, str(PEERS / "ingest.py"), str(folder), str(self.out)])

    def stages(self, files: int) -> None:
        """The ingest stages alone."""
        folder, parquet = self.corpus(files), str(self.work / "bare.parquet")

        def bare() -> Cost:
            return run([PYTHON, str(PEERS / "bare.py"), str(folder), parquet])

        line(f"ingest stages, {files} files : bare", *against(self.rounds, bare, lambda: self.ingest(folder)))

    def large(self, megabytes: int) -> None:
        """One csv that is too large to hold."""
        path = self.work / f"large-{megabytes}.csv"
        if not path.exists():
            corpus.write_large(path, megabytes * 1_000_000)

        def duck() -> Cost:
            return run([PYTHON, str(PEERS / "duck.py"), str(path)])

        def ours() -> Cost:
            return run([PYTHON, str(PEERS / "large.py"), str(path), str(self.out)])

        line(f"one csv of {megabytes} MB : DuckDB", *against(self.rounds, duck, ours))

    def at(self, files: int) -> None:
        """Cold run at one size, and what follows a finished run."""
        folder = self.corpus(files)

        def naive() -> Cost:
            return run([PYTHON, str(PEERS / "naive.py"), str(folder)])

        line(f"cold run, {files} files : naive", *against(self.rounds, naive, lambda: self.cold(folder)))
        again = [*CHIMERA, "run", str(folder), "--llm", "none", "--out", str(self.out), "-q"]

        def stat() -> Cost:
            return run([PYTHON, str(PEERS / "stat.py"), str(folder)])

        scanned, still = against(self.rounds, stat, lambda: run(again))
        line(f"unchanged run, {files} files : scan and stat", scanned, still)
        new = folder / "new"
        new.mkdir(exist_ok=True)
        for path, text in corpus.files(10, seed=7):
            (new / Path(path).name).write_text(text)
        cost = run(again)
        shutil.rmtree(new)
        line(f"10 new files in {files} : unchanged run", still, cost)

    def unchanged(self, files: int) -> None:
        """The unchanged run at a size whose first run takes too long here: its state is prepared, not run."""
        folder = self.corpus(files)
        shutil.rmtree(self.out, ignore_errors=True)
        command = ["run", str(folder), "--llm", "none", "--out", str(self.out), "-q"]
        run([PYTHON, str(PEERS / "finished.py"), str(folder), str(self.out), *command])

        def stat() -> Cost:
            return run([PYTHON, str(PEERS / "stat.py"), str(folder)])

        line(
            f"unchanged run, {files} files : scan and stat",
            *against(self.rounds, stat, lambda: run([*CHIMERA, *command])),
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--stages", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--large", type=int, nargs="*", default=[250])
    parser.add_argument("--unchanged", type=int, nargs="*", default=[100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "chimera-scale")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(given.work, given.rounds)
    print("| what : peer | peer s / cpu s / MB | chimera s / cpu s / MB | x wall | x cpu | x memory |")
    print("|---|---|---|---|---|---|")
    for files in given.unchanged:
        bench.unchanged(files)
    for megabytes in given.large:
        bench.large(megabytes)
    for files in given.stages:
        bench.stages(files)
    for files in given.sizes:
        bench.at(files)


if __name__ == "__main__":
    main()
