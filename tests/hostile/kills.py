"""`chimera run`, killed at instants drawn by a seed; what may be found afterwards, and what the next run comes to."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from chimera_pipeline import atomic, cli
from chimera_pipeline.contracts.tables import SETTLED_TABLES
from chimera_pipeline.orchestration import staleness, unfinished
from tests.hostile import stages

RENDERINGS = ("report.md", "report.html", "report.json")
Found = dict[str, bytes]


def command(root: Path, out: Path) -> int:
    """Run the whole command in this process; its exit code."""
    os.environ.pop("DAGSTER_HOME", None)
    sys.argv = ["chimera", "run", str(root), "--out", str(out), "--llm", "none", "-q"]
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


def warmed(root: Path, out: Path) -> int:
    """Run the command once in this process, so that children hold all that it imports and builds; its exit code."""
    handler, arguments = signal.getsignal(signal.SIGTERM), sys.argv
    code = command(root, out)
    signal.signal(signal.SIGTERM, handler)
    sys.argv = arguments
    gc.collect()
    gc.freeze()
    return code


def started(root: Path, out: Path) -> int:
    """The process id of a child that runs the whole command."""
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            code = command(root, out)
        os._exit(code)
    return child


def ended(child: int) -> int:
    """The exit code of a child; negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@dataclass(frozen=True)
class Generations:
    """What the run before published, and what an uninterrupted run publishes now."""

    old: Found
    new: Found

    def table(self, found: Found, name: str) -> str:
        """Of which of the two a file is: old, new, either (they are equal) or neither."""
        was, now, here = self.old.get(name), self.new.get(name), found.get(name)
        if was == now == here:
            return "either"
        return "old" if here == was else "new" if here == now else "neither"

    def wrong(self, out: Path) -> list[str]:
        """What must not be there after a kill, a sentence each."""
        found = {name: data for name, data in stages.published(out).items() if "/.chimera" not in name}
        names = (found.keys() | self.old.keys() | self.new.keys()) - {f"tables/{unfinished.MARK}"}
        ages = {name: self.table(found, name) for name in sorted(names) if name.startswith("tables/")}
        said = [f"{name} is of no run" for name, age in ages.items() if age == "neither"]
        ingest = {ages[f"tables/{table}/part-0.parquet"] for table in (*SETTLED_TABLES, "measurements")}
        if {"old", "new"} <= ingest and f"tables/{unfinished.MARK}" not in found:
            said.append("tables of two ingests, and nothing says so")
        said += self._reports(out, found)
        facts = self.table(found, "reports/all/facts.json")
        if (ages["tables/facts/all.parquet"], facts) == ("new", "old") and staleness.reason(out, "all") is None:
            said.append("the report is older than its facts, and nothing says so")
        return said + [f"left behind: {one}" for one in stages.broken(out) if atomic.PREFIX not in one]

    def _reports(self, out: Path, found: Found) -> list[str]:
        """A report tells its run: every rendering names one run, and the facts beside them are that run's."""
        if atomic.unfinished(out / "reports/all"):
            return ["the files of the report were moved one by one: no folders were exchanged"]
        run = json.loads(found["reports/all/report.json"])["run"]["run_id"]
        silent = [name for name in RENDERINGS if run.encode() not in found[f"reports/all/{name}"]]
        said = [f"{name} is of another run than report.json" for name in silent]
        age = "old" if run.encode() in self.old["reports/all/report.json"] else "new"
        if self.table(found, "reports/all/facts.json") not in (age, "either"):
            said.append(f"report.json is {age} and facts.json is not")
        return said

    def kinds(self, out: Path) -> set[str]:
        """Which generations the tables and the report are of, in words."""
        found = stages.published(out)
        tables = {self.table(found, name) for name in self.new if name.startswith("tables/")} - {"either"}
        report = self.table(found, "reports/all/facts.json")
        return {f"tables {'+'.join(sorted(tables))}", f"report {report}"}

    def differing(self, out: Path) -> list[str]:
        """Which tables and facts are not those of an uninterrupted run."""
        found = {name: data for name, data in stages.published(out).items() if "/.chimera" not in name}
        names = {name for name in found.keys() | self.new.keys() if name.endswith((".parquet", "facts.json"))}
        marks = [name for name in found if name.endswith((unfinished.MARK, staleness.MARK))]
        return sorted(name for name in names if found.get(name) != self.new.get(name)) + marks


def spent(child: int) -> float | None:
    """Processor time of a child in seconds; None where it has ended."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return None if fields[0] == "Z" else (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processor_time(child: int) -> float:
    """Processor time that a child has taken when it ends well, in seconds."""
    _, status, used = os.wait4(child, 0)
    assert status == 0, f"the run ended with {os.waitstatus_to_exitcode(status)}"
    return used.ru_utime + used.ru_stime


def killed_after(child: int, seconds: float, rest: float) -> float | None:
    """Kill a child once it took so much processor time, and `rest` seconds later. None where it was still at work, else
    the processor time that it took.

    A machine that is busy with other things draws a run out, and the instants with it.
    """
    while (taken := spent(child)) is not None and taken < seconds:
        time.sleep(0.004)
    time.sleep(rest)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    return None if os.waitstatus_to_exitcode(status) == -signal.SIGKILL else used.ru_utime + used.ru_stime


def instants(number: int, seed: int) -> list[tuple[float, float]]:
    """`number` instants over a run, in any order: a share of it, one drawn from each of as many equal parts, and a rest
    in seconds that is finer than the clock of the kernel."""
    draw = random.Random(seed)
    drawn = [((part + draw.random()) / number, draw.uniform(0, 0.015)) for part in range(number)]
    draw.shuffle(drawn)
    return drawn
