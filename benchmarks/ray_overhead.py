"""What spreading chunks over Ray costs on one machine, and what it gains where cores allow: 2 and 4 workers.

    python benchmarks/ray_overhead.py [--files 3000] [--rounds 5] [--workers 2 4]

The same chunks are read in this process, by as many processes, and by as many Ray tasks, in turns; each number is the
median of --rounds. A start of Ray counts connecting to a cluster that is up, as a step does. Chunks of nothing show
the overhead alone. Ray listens on every interface, so all of it happens in a network namespace of its own: needs root
and util-linux.
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
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chimera_pipeline.orchestration import reading, spread

ALONE = "CHIMERA_BENCH_ALONE"
PORT = "6379"


def nothing(chunk: Any) -> int:
    """A chunk on which no work is done."""
    return len(chunk.artifacts)


def timed(engine: spread.Spread, work: Callable[[Any], Any], chunks: list[reading.Chunk]) -> float:
    """Wall seconds until the last chunk is back."""
    started = time.perf_counter()
    count = sum(1 for _ in engine.map(work, iter(chunks)))
    assert count == len(chunks)
    return time.perf_counter() - started


def cluster(workers: int, folder: Path) -> subprocess.Popen[bytes]:
    """A head with so many CPUs, once it is up."""
    ray = Path(sys.executable).with_name("ray")
    place = ["--node-ip-address", "127.0.0.1", "--port", PORT, "--temp-dir", str(folder), "--num-cpus", str(workers)]
    command = [str(ray), "start", "--head", "--block", "--disable-usage-stats", *place]
    process = subprocess.Popen(
        [*command, "--include-dashboard", "false", "--object-store-memory", "200000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if b"--block" in line:
            return process
    raise SystemExit("ray start ended")


def measure(folder: Path, files: int, rounds: int, workers: list[int]) -> None:
    """Print a table."""
    # here, since every process that reads runs this file again: what it imports would count as the cost of spreading
    import corpus

    from chimera_pipeline import settings
    from chimera_pipeline.orchestration import reading, spread, steps
    from chimera_pipeline.orchestration.ray_tasks import RayTasks

    corpus.write(folder / "artifacts", files)
    chosen = settings.load(artifacts=str(folder / "artifacts"), out=folder / "out", llm="none").portable()
    artifacts = steps.artifacts_of(steps.take_inventory(chosen, now=time.time()))
    chunks = [
        reading.Chunk(chosen, tuple(artifacts[start : start + steps.CHUNK]))
        for start in range(0, len(artifacts), steps.CHUNK)
    ]
    os.environ["RAY_ADDRESS"] = f"127.0.0.1:{PORT}"
    print(f"{files} files in {len(chunks)} chunks, {len(os.sched_getaffinity(0))} cores, medians of {rounds}")
    print("| workers | in process, s | processes, s | Ray, s | Ray to in process | Ray, chunks of nothing, s |")
    print("|---|---|---|---|---|---|")
    for count in workers:
        head = cluster(count, folder / f"r{count}")
        ways: list[tuple[spread.Spread, Callable[[Any], Any]]] = [
            (spread.InProcess(), reading.read_chunk),
            (spread.Processes(count), reading.read_chunk),
            (RayTasks(), reading.read_chunk),
            (RayTasks(), nothing),
        ]
        for engine, work in ways:  # imports and file cache
            timed(engine, work, chunks[:1])
        found = [[timed(engine, work, chunks) for engine, work in ways] for _ in range(rounds)]
        alone, processes, ray, empty = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"| {count} | {alone:.2f} | {processes:.2f} | {ray:.2f} | {ray / alone:.2f} | {empty:.2f} |", flush=True)
        head.terminate()
        head.communicate()


def main() -> None:
    """Go into a namespace, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    chosen = parser.parse_args()
    if ALONE not in os.environ:
        space = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        command = [*space, sys.executable, *sys.argv]
        raise SystemExit(subprocess.run(command, env={**os.environ, ALONE: "1"}).returncode)
    del os.environ[ALONE]  # variables of this prefix are settings
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # short: the paths of Ray's sockets lie below it
    folder = Path(tempfile.mkdtemp(prefix="cr", dir="/tmp"))
    try:
        measure(folder, chosen.files, chosen.rounds, chosen.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
