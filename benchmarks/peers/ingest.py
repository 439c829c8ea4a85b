"""The ingest stages alone, without Dagster: inventory, readings, settled tables and measurements, checked and written.

python benchmarks/peers/ingest.py FOLDER OUT
"""

import resource
import sys
import time
from pathlib import Path


def main() -> None:
    """Print seconds and memory after each stage."""
    # here, as in the command: a process that reads runs this file again, and needs none of them
    from chimera_pipeline import settings
    from chimera_pipeline.orchestration import steps
    from chimera_pipeline.orchestration.lake import Lake
    from chimera_pipeline.orchestration.measured import Measured
    from chimera_pipeline.orchestration.settled import Settled

    chosen = settings.load(artifacts=sys.argv[1], out=Path(sys.argv[2]))
    lake = Lake(chosen.out)
    started = time.perf_counter()

    def done(stage: str) -> None:
        nonlocal started
        now = time.perf_counter()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{stage:10} {now - started:7.2f} s {memory:6} MB", file=sys.stderr)
        started = now

    inventory = steps.take_inventory(chosen, now=time.time())
    done("inventory")
    steps.read_new(chosen, inventory)
    done("readings")
    settled = Settled(chosen, lake, inventory, now=time.time())
    for name, frame in settled.frames.items():
        lake.write_frame(name, frame)
    settled.keep()
    done("settled")
    measured = Measured(chosen, lake, settled.frames["artifacts"])
    measured.keep()
    done("measured")


if __name__ == "__main__":
    main()
