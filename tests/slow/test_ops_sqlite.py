"""The deployment of `dagster_home/` for real: files dropped, backfills, kills, the pool, and what the UI shows."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from chimera_pipeline import settings as settings_module
from chimera_pipeline.orchestration.run import execute
from tests import corpus
from tests.slow import ops_scenarios as scenarios
from tests.slow.ops_deployment import ROOT, Deployment, wait_for
from tests.slow.ops_scenarios import MONTHS, SlowModel

EXHAUSTIVE = bool(os.environ.get("EXHAUSTIVE"))
"""All of it: the daemon killed twice, and the whole year backfilled a second time."""
ASSETS = ["facts", "collector_brief", "analysis", "report"]


@pytest.fixture(scope="module")
def model() -> Iterator[SlowModel]:
    yield from scenarios.slow_model()


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, model: SlowModel) -> Iterator[Deployment]:
    home = tmp_path_factory.mktemp("sqlite")
    environment = {"OLLAMA_HOST": model.server.host, "CHIMERA_LLM": "ollama"}
    with Deployment(home, environment=environment) as made:
        yield made


def statuses(deployment: Deployment) -> dict[str, str]:
    path = deployment.out / "tables" / "artifacts"
    if not list(path.glob("*.parquet")):
        return {}
    frame = pd.read_parquet(path)
    return dict(zip(frame["path"], frame["status"], strict=True))


def test_dropped_files_become_reports_and_a_corrected_one_its_period_again(deployment: Deployment) -> None:
    deployment.start_sensor("new_artifacts")
    deployment.start_sensor("changed_periods")
    done = threading.Event()
    late = corpus.csv_text(corpus.suite("late:3b", 20.0, timestamp="2025-02-03T08:00:00+00:00"), corpus.REQUEST_COLUMNS)
    writer = threading.Thread(
        target=scenarios.slowly, args=(deployment.data / "slow.csv", late, done.is_set), daemon=True
    )
    writer.start()
    try:
        scenarios.months(deployment.data, ["2025-01"])
        january = deployment.out / "reports" / "2025-01" / "facts.json"
        wait_for("the report of January", january.is_file, timeout_s=180)
        assert statuses(deployment)["2025-01/runs.csv"] == "ok"
        assert statuses(deployment).get("slow.csv", "skipped") == "skipped", "a half-written file was read"
    finally:
        done.set()
        writer.join(10)
    february = deployment.out / "reports" / "2025-02" / "facts.json"
    wait_for("the report of February", february.is_file, timeout_s=180)
    assert statuses(deployment)["slow.csv"] == "ok"
    before = january.read_bytes()
    scenarios.months(deployment.data, ["2025-01"], base=70.0)
    wait_for("January again", lambda: january.read_bytes() != before, timeout_s=180)
    wait_for("all runs", deployment.settled)
    reports = [run["tags"]["dagster/partition"] for run in deployment.runs("report_job")]
    assert sorted(reports) == ["2025-01", "2025-01", "2025-02"]
    assert {run["status"] for run in deployment.runs()} == {"SUCCESS"}
    scenarios.one_run_per_batch(deployment)
    assert any("two looks" in (tick["skipReason"] or "") for tick in deployment.ticks("new_artifacts", 200))


def test_a_daemon_killed_between_evaluation_and_launch_leaves_one_run_per_batch(deployment: Deployment) -> None:
    deployment.start_sensor("new_artifacts")
    deployment.start_sensor("changed_periods")
    for number in range(2 if EXHAUSTIVE else 1):
        known = len(deployment.runs("ingest_job"))
        scenarios.months(deployment.data, [f"2025-{3 + number:02d}"])
        wait_for("the run of the batch", lambda known=known: len(deployment.runs("ingest_job")) > known, every_s=0.05)
        deployment.kill("daemon")
        deployment.start("daemon")
        name = f"2025-{3 + number:02d}"
        path = deployment.out / "reports" / name / "facts.json"
        wait_for(f"the report of {name}", path.is_file, timeout_s=240)
    wait_for("all runs", deployment.settled, timeout_s=180)
    scenarios.one_run_per_batch(deployment)


def test_a_backfill_of_a_year_equals_twelve_single_runs_and_a_second_changes_nothing(
    deployment: Deployment, model: SlowModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.stop_sensor("new_artifacts")
    deployment.stop_sensor("changed_periods")
    scenarios.months(deployment.data, MONTHS)
    scenarios.ingest(deployment)
    shutil.rmtree(deployment.out / "reports")
    found = []
    for asked in (MONTHS, MONTHS if EXHAUSTIVE else MONTHS[:2]):
        backfill = deployment.backfill(ASSETS, asked)
        wait_for(
            "the backfill", lambda b=backfill: deployment.backfill_status(b).startswith("COMPLETED"), timeout_s=420
        )
        assert deployment.backfill_status(backfill) == "COMPLETED_SUCCESS"
        mine = [run for run in deployment.runs() if run["tags"].get("dagster/backfill") == backfill]
        assert sorted(run["tags"]["dagster/partition"] for run in mine) == asked
        found.append(scenarios.published(deployment.out))
    assert len(found[0]) == 24
    assert found[0] == found[1]
    monkeypatch.setenv("OLLAMA_HOST", model.server.host)
    chosen = settings_module.load(artifacts=str(deployment.data), out=tmp_path / "single", llm="ollama")
    execute(chosen, period="month")  # one run a month, one after the other, without queue and daemon
    assert scenarios.published(tmp_path / "single") == found[0]


def test_two_runs_never_share_the_pool(deployment: Deployment, model: SlowModel) -> None:
    scenarios.the_pool_is_never_shared(deployment, model, ["2025-05", "2025-06"])


def test_a_killed_run_frees_its_slot_and_its_retry_completes(deployment: Deployment, model: SlowModel) -> None:
    before = scenarios.published(deployment.out)
    model.set(20.0)
    run = scenarios.in_the_pool(deployment, "2025-07")
    scenarios.kill(deployment.worker(run))
    model.set(None)
    assert deployment.wait_run(run, 60) == "FAILURE"
    scenarios.freed(deployment, run)
    scenarios.whole(deployment.out)
    assert scenarios.published(deployment.out) == before
    assert scenarios.retried(deployment, run) == "SUCCESS"
    assert scenarios.facts_of(scenarios.published(deployment.out)) == scenarios.facts_of(before)


def test_five_thousand_files_at_once_are_one_batch(deployment: Deployment) -> None:
    known = len(deployment.runs("ingest_job"))
    text = json.dumps({"colour": "blue"})
    for number in range(5000):
        path = deployment.data / "many" / f"{number:05d}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("blue", f"blue {number}"))
    deployment.start_sensor("new_artifacts")
    wait_for("the files", lambda: len(statuses(deployment)) >= 5000, timeout_s=240)
    deployment.stop_sensor("new_artifacts")
    wait_for("all runs", deployment.settled)
    assert len(deployment.runs("ingest_job")) == known + 1
    ticks = deployment.ticks("new_artifacts", 20)
    assert {tick["status"] for tick in ticks} <= {"SUCCESS", "SKIPPED"}
    assert max(tick["endTimestamp"] - tick["timestamp"] for tick in ticks if tick["endTimestamp"]) < 30


def test_the_pages_of_the_ui_show_trends_checks_and_lineage(deployment: Deployment, tmp_path: Path) -> None:
    """Needs at least five materializations of facts: the backfills and runs above made them."""
    from playwright.sync_api import sync_playwright

    folder = ROOT / "build" / "ui" if (ROOT / "build").is_dir() else tmp_path
    pages: dict[str, tuple[str, list[str]]] = {
        "graph": ("/asset-groups", ["facts", "report"]),
        "facts_plots": ("/assets/facts?view=overview", ["decode_tokens_per_s"]),
        "quarantine": ("/assets/quarantine?view=overview", ["quarantined_files"]),
        "checks": ("/assets/artifacts?view=checks", ["contract", "freshness"]),
        "report": ("/assets/report?view=overview", ["numbers_with_source", "Executive summary"]),
        "lineage": ("/assets/measurements?view=lineage", ["measurements"]),
    }
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 1400})
        for name, (address, words) in pages.items():
            page.goto(deployment.url + address)
            for word in words:
                page.get_by_text(word).first.wait_for(timeout=60_000)
            if name == "facts_plots":
                _plots(page)
            page.screenshot(path=str(folder / f"{name}.png"))
        browser.close()


def _plots(page: Any) -> None:
    """Change the overview's table of metadata to plots, and count the points drawn."""
    page.get_by_role("button", name="Plots").or_(page.get_by_text("Plots", exact=True)).first.click()
    page.locator("canvas").first.wait_for(timeout=60_000)
