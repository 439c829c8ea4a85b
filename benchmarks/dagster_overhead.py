"""What Dagster costs: the stages of one report called directly, against the same stages as assets, in one process.

    python benchmarks/dagster_overhead.py [ARTIFACTS] [--repeats N]

Both sides are warm (everything imported, readings kept), take turns, and write to folders of their own. Prints the
median wall and CPU seconds of each side, their ratio, and where the difference goes.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import datetime as dt
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chimera_pipeline import settings as settings_module
from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.facts import points
from chimera_pipeline.metrics import history
from chimera_pipeline.orchestration import agents, checks, publication, run, steps
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.orchestration.material import Material
from chimera_pipeline.orchestration.measured import Measured
from chimera_pipeline.orchestration.settled import Settled
from chimera_pipeline.settings import Settings


def direct(settings: Settings) -> None:
    """Every stage of a report over everything, with its checks, tables and files; no Dagster."""
    lake = Lake(settings.out)
    inventory = steps.take_inventory(settings, now=time.time())
    lake.write_frame("raw_inventory", inventory)
    lake.write_frame("readings", steps.read_new(settings, inventory))
    stage = Settled(settings, lake, inventory, now=time.time())
    settled = stage.frames
    for name, frame in settled.items():
        lake.write_frame(name, frame)
    stage.keep()
    measured = Measured(settings, lake, settled["artifacts"])
    measured.keep()
    long = lake.read_frame("measurements")
    found = facts_room.facts_of({**settled, "measurements": long}, period="all")
    frame = facts_room.to_frame(found)
    checks.contract_result("facts", frame)
    lake.write_frame("facts", frame, "all")
    gaps, artifacts = settled["telemetry_gaps"], settled["artifacts"]
    brief = agents.brief(settings, lake, found, artifacts, gaps, period="all")
    lake.write_value("collector_brief", brief, "all")
    analysis = agents.analyse(settings, lake, found, artifacts, gaps, brief, period="all")
    lake.write_frame("claims", tables.frame("claims", analysis.pop("claims")), "all")
    lake.write_frame("llm_calls", tables.frame("llm_calls", analysis["calls"]), "all")
    lake.write_value("analysis", analysis, "all")
    usual = history.check_rows(long, settled["series"], period="all", limit=settings.history_periods)
    checks.keep_rows(lake, "history-all", usual)
    files, concerned = facts_room.of_period(artifacts, gaps, long, "all")
    report = publication.made(
        Material(
            period="all", facts=found, analysis=analysis, brief=brief, artifacts=artifacts, files=files,
            series=settled["series"], gaps=concerned, quarantine=settled["quarantine"],
            points=points.points_of(found, long, settled["series"], period="all"),
            reproducibility=steps.reproducibility(settings, artifacts, "all"),
            run={"run_id": "bench", "generated_at": dt.datetime.now(dt.UTC).isoformat(), "durations_s": {}},
        ),
    )  # fmt: skip
    publication.publish(lake, report)
    publication.write_history(lake)


def under_dagster(settings: Settings) -> None:
    """The same through `chimera run`'s own way: assets, instance and events."""
    run.execute(settings)


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


@contextlib.contextmanager
def folders(artifacts: str) -> Iterator[tuple[Settings, Settings]]:
    """Settings of the two sides."""
    with tempfile.TemporaryDirectory() as scratch:
        yield tuple(  # type: ignore[misc]
            settings_module.load(artifacts=artifacts, out=Path(scratch) / name, llm="none") for name in ("a", "b")
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifacts", nargs="?", default="examples/artifacts")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="say which functions under Dagster take the time")
    options = parser.parse_args()
    sides: dict[str, list[tuple[float, float]]] = {"direct": [], "dagster": []}
    with folders(options.artifacts) as (one, two):
        first = {"direct": timed(lambda: direct(one)), "dagster": timed(lambda: under_dagster(two))}
        for _ in range(options.repeats):
            sides["direct"].append(timed(lambda: direct(one)))
            sides["dagster"].append(timed(lambda: under_dagster(two)))
        if options.profile:
            profile = cProfile.Profile()
            profile.runcall(under_dagster, two)
            pstats.Stats(profile).sort_stats("cumulative").print_stats(60)
    middle = {
        name: tuple(statistics.median(column) for column in zip(*times, strict=True)) for name, times in sides.items()
    }
    for name, (wall, cpu) in middle.items():
        print(f"{name:8} wall {wall:7.3f} s  cpu {cpu:7.3f} s  (first: {first[name][0]:.3f} s)")
    extra = [middle["dagster"][i] - middle["direct"][i] for i in (0, 1)]
    ratios = [middle["dagster"][i] / middle["direct"][i] for i in (0, 1)]
    print(f"ratio    wall {ratios[0]:7.2f}    cpu {ratios[1]:7.2f}    Dagster adds {extra[0]:.3f} s wall")


if __name__ == "__main__":
    main()
