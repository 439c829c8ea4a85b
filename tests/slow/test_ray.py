"""The pipeline on a Ray cluster of machines with addresses of their own, one with a (declared) GPU, two of which die.

Each machine is a network namespace: Ray listens on every interface that it sees, whatever it is told. The cluster asks
for a token, as a cluster in production does. What is lost on purpose: the process that reads a chunk, the process of
the model step, and the whole GPU node in the middle of the next model step.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from benchmarks import corpus
from chimera_pipeline.orchestration import spread
from tests.doubles.machines import Machines, cannot

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
FILES = spread.PAYS_FROM
PERIOD = "2025-10"
RETRY_DELAY_S = 8
PATIENCE_S = 150
"""Longest wait for one thing to happen: five times what it takes on two busy cores."""
MODEL = """
import sys, time
from pathlib import Path
from tests.doubles.ollama_server import OllamaServer, first_of_each
folder = Path(sys.argv[1])
def answer(body):
    (folder / "asked").touch()
    while (folder / "hold").exists():
        time.sleep(0.2)
    return first_of_each(body)
with OllamaServer(answer=answer, port=11434):
    time.sleep(3600)
"""


@dataclass
class Cluster:
    """A Ray head and its nodes, the Dagster instance that they share, and the folder of everything."""

    machines: Machines
    folder: Path
    environment: dict[str, str]
    instance: dg.DagsterInstance
    head: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.time)

    def start_head(self) -> None:
        """The head takes no step that asks for a CPU."""
        self.head = self.addresses["head"] = self.machines.add("head")
        place = ["--head", "--port", "6379", "--dashboard-host", self.head, "--temp-dir", self.folder / "r"]
        self._ray("head", *place, "--num-cpus", "0", "--num-gpus", "0")

    def start_node(self, name: str, gpus: int) -> None:
        """A node with a CPU; with a model server of its own where it has a GPU."""
        self.addresses[name] = self.machines.add(name)
        if gpus:
            self.machines.start(name, [sys.executable, "-c", MODEL, self.folder / name], self.environment)
            (self.folder / name).mkdir()
        self._ray(name, "--address", f"{self.head}:6379", "--num-cpus", "1", "--num-gpus", str(gpus))

    def _ray(self, name: str, *arguments: str | Path) -> None:
        here = ["--node-ip-address", self.addresses[name], "--object-store-memory", "100000000"]
        command = [BIN / "ray", "start", *arguments, *here, "--disable-usage-stats", "--block"]
        self.machines.start(name, command, self.environment)

    def wait_for(self, what: str, happened: Callable[[], Any]) -> Any:
        """What `happened` gives once that is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := happened()):
            if time.monotonic() > deadline:
                said = "\n".join(f"-- {name}: {self.machines.said(name)[-3000:]}" for name in self.addresses)
                pytest.fail(f"not within {PATIENCE_S} s: {what}\n{said}\n{self.story()}")
            time.sleep(0.3)
        return found

    def wait_until_up(self, name: str) -> None:
        """Until a machine says that its part of the cluster runs."""
        self.wait_for(f"{name} is up", lambda: "Ray runtime started" in self.machines.said(name))

    def launch(self, job: str, tags: dict[str, str], **more: str) -> subprocess.Popen[bytes]:
        """What a user types, on the head, with the settings only there: nodes have none of their own."""
        command = [BIN / "dagster", "job", "execute", "-m", "chimera_pipeline.definitions", "-j", job]
        return self.machines.start(
            "head", [*command, "--tags", json.dumps(tags)], {**self.environment, **self.settings(), **more}
        )

    def settings(self) -> dict[str, str]:
        """The settings of the run, in the environment."""
        return {
            "DAGSTER_HOME": str(self.folder / "dagster"),
            "RAY_ADDRESS": f"{self.head}:6379",
            "CHIMERA_ENGINE": "ray",
            "CHIMERA_ARTIFACTS": str(self.folder / "artifacts"),
            "CHIMERA_OUT": str(self.folder / "ray"),
            "CHIMERA_LLM": "ollama",
            "CHIMERA_HISTORY_PERIODS": "0",
            "CHIMERA_RETRY_DELAY_S": str(RETRY_DELAY_S),
        }

    def events(self, kind: dg.DagsterEventType, step: str | None = None) -> list[dg.DagsterEvent]:
        """The events of a kind of the newest run, of one step or of all."""
        runs = self.instance.get_runs(limit=1)
        found = [one.dagster_event for one in self.instance.all_logs(runs[0].run_id, of_type=kind)] if runs else []
        return [event for event in found if event is not None and step in (None, event.step_key)]

    def story(self) -> str:
        """What the newest run says of itself, for people."""
        said = []
        for run in self.instance.get_runs(limit=1):
            for one in self.instance.all_logs(run.run_id):
                said.append(f"{one.timestamp - self.began:7.1f} s  {one.step_key or ''}: {one.user_message}")
        return "\n".join(said) or "no run"

    def step_process(self, name: str, step: str) -> int:
        """The process that executes a step on a machine."""

        def found() -> int | None:
            for pid in self.machines.processes(name, "dagster", "execute_step"):
                if _environment(pid).get("DAGSTER_RUN_STEP_KEY") == step and not _is_shell(pid):
                    return pid
            return None

        pid: int = self.wait_for(f"{step} runs on {name}", found)
        return pid


UPLOAD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import boto3
folder, client = Path(sys.argv[1]), boto3.client("s3")
client.create_bucket(Bucket="results")
files = [path for path in folder.rglob("*") if path.is_file()]
def put(path):
    client.put_object(Bucket="results", Key=f"runs/{path.relative_to(folder)}", Body=path.read_bytes())
with ThreadPoolExecutor(8) as pool:
    list(pool.map(put, files))
print("uploaded", len(files), flush=True)
"""
"""Every file below a folder, to a bucket."""


def write_artifacts(folder: Path) -> None:
    """As many files as are spread: one in seven with measurements, but for request logs, the others short notes."""
    for number, (name, text) in enumerate(corpus.files(FILES)):
        measured = number % 7 == 0 and "requests" not in name
        path = folder / (name if measured else f"notes/{number:05d}.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if measured else f"# Note {number}\n", encoding="utf-8")


def _environment(pid: int) -> dict[str, str]:
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace")
        return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)
    return {}


def _is_shell(pid: int) -> bool:
    return os.readlink(f"/proc/{pid}/exe").endswith(("sh", "dash", "bash"))


def _reachable() -> set[str]:
    """What listens on the interfaces of this machine, loopback left out."""
    listed = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {address for line in listed if not (address := line.split()[3]).startswith(("127.", "[::1]"))}


def _tables(out: Path) -> dict[str, bytes]:
    """Every table, byte by byte; but for calls and the report's own check, which hold times of the run itself."""
    found = {str(path.relative_to(out)): path.read_bytes() for path in (out / "tables").rglob("*.parquet")}
    return {
        name: data for name, data in found.items() if not name.startswith(("tables/llm_calls", "tables/checks/report-"))
    }


def _without_file_times(path: Path) -> pd.DataFrame:
    """A table without the times that are those of a file: an object has the time at which it was put there."""
    frame = pd.read_parquet(path)
    if "time_source" in frame:
        times = [name for name in ("measured_at", "period") if name in frame]
        frame[times] = frame[times].mask(frame["time_source"] == "mtime")
    return frame


def _readings(out: Path) -> list[tuple[Any, ...]]:
    (store,) = (out / ".chimera").glob("store-*.sqlite")
    with contextlib.closing(sqlite3.connect(store)) as opened:
        return opened.execute("SELECT * FROM readings ORDER BY sha256").fetchall()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Head, a node with a CPU, a node with a CPU and a GPU."""
    pytest.importorskip("ray", reason="needs the extra ray: make slow installs it")
    if why := cannot():
        pytest.skip(why)
    # the paths of Ray's sockets lie below it and may be 107 bytes long
    folder = Path(tempfile.mkdtemp(prefix="cr", dir="/tmp"))
    environment = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(16),
    }
    (folder / "dagster").mkdir()
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", folder / "dagster")
    write_artifacts(folder / "artifacts")
    before = _reachable()
    home = str(folder / "dagster")
    try:
        with Machines(folder) as machines, dg.DagsterInstance.from_config(home) as instance:
            made = Cluster(machines, folder, environment, instance)
            made.start_head()
            made.wait_until_up("head")
            for name, gpus in (("cpu", 0), ("gpu", 1)):
                made.start_node(name, gpus)
                # one after the other: here they share a folder of sockets, and look for free names in it
                made.wait_until_up(name)
            assert _reachable() <= before, "something of the cluster listens on an interface of this machine"
            yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def local(cluster: Cluster) -> Path:
    """The output of the same files, settings and model on one machine, in one process."""
    out = cluster.folder / "local"
    (cluster.folder / "alone").mkdir()
    cluster.machines.add("alone")
    cluster.machines.start("alone", [sys.executable, "-c", MODEL, cluster.folder / "alone"], cluster.environment)
    own = {"CHIMERA_ENGINE": "local", "CHIMERA_OUT": str(out), "DAGSTER_HOME": ""}
    command = [BIN / "chimera", "run", cluster.folder / "artifacts", "--period", PERIOD]
    run = cluster.machines.start("alone", command, {**cluster.environment, **cluster.settings(), **own})
    assert run.wait(PATIENCE_S) == 0, cluster.machines.said("alone")
    return out


@pytest.fixture(scope="module")
def from_outside(cluster: Cluster) -> dict[str, Any]:
    """`chimera run` on a machine that is no node: artifacts in a bucket, chunks read by the cluster, reports copied to
    the bucket. What the command printed, and what the pointer of the copy says.
    """
    address, _ = cluster.machines.add("bucket"), cluster.machines.add("outside")
    server = [sys.executable, "-m", "moto.server", "-H", address, "-p", "5000"]
    cluster.machines.start("bucket", server, cluster.environment)
    cluster.wait_for("the bucket server is up", lambda: "Running on" in cluster.machines.said("bucket"))
    keys = {
        "AWS_ENDPOINT_URL": f"http://{address}:5000",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "CHIMERA_S3_HTTP_HOSTS": json.dumps([address]),
    }
    environment = {**cluster.environment, **keys}
    upload = [sys.executable, "-c", UPLOAD, cluster.folder / "artifacts"]
    assert cluster.machines.start("outside", upload, environment).wait(PATIENCE_S) == 0
    own = {
        "CHIMERA_OUT": str(cluster.folder / "objects"),
        "CHIMERA_LLM": "none",
        "CHIMERA_PUBLISH_TO": "s3://results/copy",
        "DAGSTER_HOME": "",
        "RAY_ADDRESS": f"ray://{cluster.head}:10001",
    }
    command = [BIN / "chimera", "run", "s3://results/runs", "--period", PERIOD]
    run = cluster.machines.start("outside", command, {**environment, **cluster.settings(), **own})
    seen: set[str] = set()

    def ended() -> bool:
        seen.update(name for name in ("cpu", "gpu") if cluster.machines.processes(name, "ray::read_chunk"))
        return run.poll() is not None

    cluster.wait_for("the run from outside has ended", ended)
    assert run.returncode == 0, cluster.machines.said("outside")
    fetch = (
        "import boto3; print(boto3.client('s3').get_object(Bucket='results', Key='copy/current.json')['Body'].read())"
    )
    assert cluster.machines.start("outside", [sys.executable, "-c", fetch], environment).wait(PATIENCE_S) == 0
    return {"said": cluster.machines.said("outside"), "read_on": seen}


@pytest.fixture(scope="module")
def ingested(cluster: Cluster) -> list[str]:
    """`ingest_job` on the cluster; a process is killed while it reads a chunk. The steps that were tried again."""
    run = cluster.launch("ingest_job", {})
    victim, *_ = cluster.wait_for(
        "a chunk is read on cpu", lambda: cluster.machines.processes("cpu", "ray::read_chunk")
    )
    os.kill(victim, signal.SIGKILL)
    assert run.wait(PATIENCE_S) == 0, cluster.story()
    return [str(event.step_key) for event in cluster.events(dg.DagsterEventType.STEP_UP_FOR_RETRY)]


@pytest.fixture(scope="module")
def reported(cluster: Cluster, ingested: list[str]) -> dict[str, dict[str, str]]:
    """`report_job` of a month: the process of one model step is killed, then the node of the next, which another
    node takes the place of. The environments of the two step processes.
    """
    held, seen = cluster.folder / "gpu" / "hold", {}
    held.touch()
    run = cluster.launch("report_job", {"dagster/partition": PERIOD}, RAY_ADDRESS=f"http://{cluster.head}:8265")
    pid = cluster.step_process("gpu", "collector_brief")
    cluster.wait_for("the collector asks the model", (cluster.folder / "gpu" / "asked").exists)
    seen["collector_brief"] = _environment(pid)
    os.kill(pid, signal.SIGKILL)
    held.unlink()
    succeeded = dg.DagsterEventType.STEP_SUCCESS
    cluster.wait_for("the collector is tried again", lambda: cluster.events(succeeded, "collector_brief"))
    held.touch()
    (cluster.folder / "gpu" / "asked").unlink()
    seen["analysis"] = _environment(cluster.step_process("gpu", "analysis"))
    cluster.wait_for("the analyst asks the model", (cluster.folder / "gpu" / "asked").exists)
    cluster.machines.lose("gpu")
    cluster.start_node("gpu2", gpus=1)
    assert run.wait(2 * PATIENCE_S) == 0, cluster.story()
    return seen


def test_chunks_read_by_ray_tasks_give_the_tables_of_one_process_byte_by_byte(
    cluster: Cluster, local: Path, ingested: list[str]
) -> None:
    assert ingested == [], "Ray itself reads a chunk again; the step is not repeated for it"
    assert len(_readings(local)) == FILES
    assert _readings(cluster.folder / "ray") == _readings(local)
    here, there = _tables(cluster.folder / "ray"), _tables(local)
    stored = {name for name in there if name.endswith("part-0.parquet")}
    assert len(stored) > 5
    assert {name for name in stored if here.get(name) != there[name]} == set()


def test_a_run_from_outside_the_cluster_over_a_bucket_gives_what_one_machine_gives(
    cluster: Cluster, local: Path, from_outside: dict[str, Any]
) -> None:
    assert from_outside["read_on"], "no chunk was seen to be read by a node"
    objects = cluster.folder / "objects"
    assert _readings(objects) == _readings(local)
    for name in (name for name in _tables(local) if name.endswith("part-0.parquet") and "/artifacts/" not in name):
        assert_frame_equal(_without_file_times(objects / name), _without_file_times(local / name), obj=name)
    assert "published as generation" in from_outside["said"]
    assert f"reports/{PERIOD}/report.html" in from_outside["said"]


def test_model_steps_run_on_the_node_with_the_gpu_and_see_it(reported: dict[str, dict[str, str]]) -> None:
    assert {step: found.get("CUDA_VISIBLE_DEVICES") for step, found in reported.items()} == {
        "collector_brief": "0",
        "analysis": "0",
    }


def test_a_killed_step_process_and_a_lost_node_are_tried_again_and_the_run_succeeds(
    cluster: Cluster, reported: dict[str, dict[str, str]]
) -> None:
    (newest,) = cluster.instance.get_runs(limit=1)
    assert newest.status is dg.DagsterRunStatus.SUCCESS
    assert cluster.instance.event_log_storage.get_concurrency_info("gpu").active_slot_count == 0
    again = [event.step_key for event in cluster.events(dg.DagsterEventType.STEP_UP_FOR_RETRY)]
    assert set(again) == {"collector_brief", "analysis"}
    assert again.count("collector_brief") == 1


def test_the_report_is_whole_and_says_what_one_machine_says(
    cluster: Cluster, local: Path, reported: dict[str, dict[str, str]]
) -> None:
    here, there = _tables(cluster.folder / "ray"), _tables(local)
    assert here.keys() == there.keys()
    assert {name for name in there if here[name] != there[name]} == set()
    folder = cluster.folder / "ray" / "reports" / PERIOD
    assert {path.name for path in folder.iterdir()} >= {"report.md", "report.html", "report.json", "facts.json"}
    assert json.loads((folder / "report.json").read_text("utf-8"))["narrative"]["mode"] != "deterministic"


def test_no_secret_travels_with_a_step(reported: dict[str, dict[str, str]]) -> None:
    assert reported["analysis"]["CHIMERA_ENGINE"] == "ray"
    assert "CHIMERA_OPENAI_KEY" not in reported["analysis"]
