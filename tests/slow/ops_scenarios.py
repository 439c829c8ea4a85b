"""What both storages must stand: files, a slow model, and what is asked of a run that was killed."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests import corpus
from tests.doubles.ollama_server import OllamaServer, first_of_each
from tests.slow.ops_deployment import Deployment, wait_for

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]


class SlowModel:
    """A model server whose answers take `delay_s`; it has no model while that is None, so that rules choose."""

    def __init__(self, server: OllamaServer) -> None:
        self.server = server
        self.delay_s: float | None = None
        server.answer = self._answer
        self.set(None)

    def set(self, delay_s: float | None) -> None:
        self.delay_s = delay_s
        self.server.mode = "404" if delay_s is None else "good"

    def _answer(self, body: dict[str, Any]) -> str:
        self.server.stopped.wait(self.delay_s or 0.0)
        return first_of_each(body)


def slow_model() -> Iterator[SlowModel]:
    """The body of a fixture."""
    with OllamaServer() as server:
        yield SlowModel(server)


def months(folder: Path, names: list[str], base: float = 50.0) -> None:
    """A suite of five requests in each month, of rates that no other month has."""
    for name in names:
        rows = corpus.suite("tiny:1b", base + int(name[-2:]) / 8, timestamp=f"{name}-02T12:00:00+00:00")
        corpus.write(folder, {f"{name}/runs.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})


def published(out: Path) -> dict[str, str]:
    """Hash of what equal input must give byte for byte: facts.json, and report.json without `run`."""
    found = {}
    for path in sorted(out.glob("reports/*/facts.json")):
        found[f"{path.parent.name}/facts"] = hashlib.sha256(path.read_bytes()).hexdigest()
        report = json.loads(path.with_name("report.json").read_text())
        report.pop("run")
        found[f"{path.parent.name}/report"] = hashlib.sha256(json.dumps(report).encode()).hexdigest()
    return found


def facts_of(found: dict[str, str]) -> dict[str, str]:
    """The facts among what was published: a model server that comes and goes changes who chose, and no number."""
    return {name: digest for name, digest in found.items() if name.endswith("/facts")}


def whole(out: Path) -> None:
    """No published file is half: JSON parses, Markdown and HTML end."""
    for path in out.glob("reports/*/*.json"):
        json.loads(path.read_text())
    for path in out.glob("reports/*/report.html"):
        assert path.read_text().rstrip().endswith("</html>"), path
    assert not list(out.glob("tables/*/.tmp*"))


def ingest(deployment: Deployment) -> None:
    """Run ingest_job as an operator does."""
    assert deployment.wait_run(deployment.launch("ingest_job")) == "SUCCESS"


def the_pool_is_never_shared(deployment: Deployment, model: SlowModel, names: list[str]) -> None:
    """Two runs side by side: their steps in pool gpu do not overlap, although their other steps may."""
    model.set(1.0)
    try:
        runs = [deployment.launch("report_job", name) for name in names]
        assert [deployment.wait_run(run, 240) for run in runs] == ["SUCCESS"] * len(runs)
    finally:
        model.set(None)
    times = [deployment.step_times(run) for run in runs]
    spans = [deployment.run(run) for run in runs]
    assert spans[1]["startTime"] < spans[0]["endTime"], "the runs were not side by side: nothing was shown"
    held = sorted(one[step] for one in times for step in ("collector_brief", "analysis"))
    lengths = [end - start for start, end in held]
    assert max(lengths) > 0.9, f"the model was not asked: {lengths}"
    for (_, end), (start, _) in itertools.pairwise(held):
        assert start >= end, f"two steps held the pool at once: {held}"


def in_the_pool(deployment: Deployment, partition: str, **tags: str) -> str:
    """Launch a report and wait until its step holds the pool."""
    run = deployment.launch("report_job", partition, **tags)
    wait_for("a step in the pool", lambda: [s for s in deployment.held_slots("gpu") if s["runId"] == run])
    return run


def freed(deployment: Deployment, run: str, within_s: float = 60.0) -> None:
    """The run holds no slot, within a minute."""
    wait_for("the slot", lambda: not [s for s in deployment.held_slots("gpu") if s["runId"] == run], timeout_s=within_s)


def retried(deployment: Deployment, run: str) -> str:
    """The status of the automatic retry of a run."""

    def child() -> str | None:
        found = [one["runId"] for one in deployment.runs() if one["tags"].get("dagster/parent_run_id") == run]
        return found[0] if found else None

    return deployment.wait_run(str(wait_for("the retry", child, timeout_s=90)))


def kill(pid: int) -> None:
    """kill -9."""
    os.kill(pid, signal.SIGKILL)


def one_run_per_batch(deployment: Deployment) -> None:
    """No two runs answer to one key, retries aside."""
    keys = [
        run["tags"]["dagster/run_key"]
        for run in deployment.runs()
        if "dagster/run_key" in run["tags"] and "dagster/parent_run_id" not in run["tags"]
    ]
    assert len(keys) == len(set(keys)), keys


def slowly(path: Path, text: str, until: Callable[[], bool]) -> None:
    """Write `text` piece by piece, again and again from the start of the last row, until told to end; then whole."""
    head, _, tail = text.rstrip("\n").rpartition("\n")
    path.write_text(head + "\n")
    while not until():
        path.write_text(head + "\n" + tail[: 1 + int(time.monotonic() * 2) % max(1, len(tail) - 2)])
        time.sleep(0.3)
    path.write_text(text)
