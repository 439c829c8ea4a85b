"""Every request of a publication fails once, its process is killed, its run meets a bucket that is not there: whoever
reads the copy sees one generation, and the next publication completes it.
"""

# ruff: noqa: F811 - fixtures are imported
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chimera_pipeline import cli
from chimera_pipeline.errors import ChimeraError, InputError
from chimera_pipeline.inventory import bucket_client
from chimera_pipeline.orchestration import published_copy
from chimera_pipeline.orchestration.assembly import build_definitions
from chimera_pipeline.settings import Settings
from tests import corpus
from tests.doubles.copies import (  # noqa: F401 - fixtures
    PREFIX,
    URI,
    bucket,
    chosen,
    current,
    generations,
    proxy,
    server,
    texts,
    written,
)
from tests.doubles.s3_server import Proxy

pytestmark = pytest.mark.slow


def test_every_request_may_fail_once_and_a_reader_sees_one_generation(
    bucket: Any, chosen: Settings, proxy: Proxy
) -> None:
    published_copy.publish(chosen)
    number = 0
    while True:
        number += 1
        how = (500, 403, 0)[number % 3]
        written(chosen.out, {"reports/2025-10/report.md": f"october {number}", "reports/new.md": f"new {number}"})
        before, count = current(bucket), iter(range(1, 10_000))
        proxy.meet = lambda method, path, n=number, c=count, h=how: h if next(c) == n else None  # type: ignore[misc]
        failed = None
        try:
            done = published_copy.publish(chosen)
        except ChimeraError as error:
            failed = error
        met = next(count) > number
        proxy.meet = lambda method, path: None
        if failed is not None:
            assert current(bucket)["generation"] == before["generation"], number
            assert failed.exit_code == 74
            still = f"the copy is still generation {before['generation']}"
            assert ("the copy there is as it was" if number == 1 else still) in str(failed)
            assert f"chimera publish --out {chosen.out}" in str(failed)
            done = published_copy.publish(chosen)
        assert current(bucket)["generation"] == done["generation"]
        assert texts(bucket)["reports/2025-10/report.md"] == f"october {number}"
        if not met:
            break
    assert number > 12


def test_a_request_that_fails_for_a_moment_is_tried_again(
    bucket: Any, chosen: Settings, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    bucket_client.client.cache_clear()
    tries: dict[str, int] = {}

    def twice(method: str, path: str) -> int | None:
        tries[path] = tries.get(path, 0) + 1
        return 503 if method == "PUT" and path.endswith("/2025-10/report.md") and tries[path] < 3 else None

    proxy.meet = twice
    published_copy.publish(chosen)
    assert max(tries.values()) == 3
    proxy.meet = lambda method, path: 503 if method == "PUT" else None
    written(chosen.out, {"reports/index.html": "never there"})
    proxy.seen.clear()
    with pytest.raises(InputError, match="cannot be written"):
        published_copy.publish(chosen)
    assert len([path for method, path in proxy.seen if path.endswith("/.chimera-out")]) == 3
    proxy.meet = lambda method, path: None
    assert texts(bucket)["reports/index.html"] == "index"


KILLED = """
import sys
from pathlib import Path
from chimera_pipeline import settings
from chimera_pipeline.orchestration import published_copy
published_copy.publish(settings.load(artifacts="in", out=Path(sys.argv[1]), publish_to=sys.argv[2]))
"""


def test_a_publisher_killed_between_objects_and_pointer_is_completed_by_the_next(
    bucket: Any, chosen: Settings, proxy: Proxy
) -> None:
    before = published_copy.publish(chosen)
    written(chosen.out, {"reports/2025-10/report.md": "october, corrected"})
    at_pointer: list[str] = []

    def wait(method: str, path: str) -> int | None:
        if method == "PUT" and path.endswith("/current.json"):
            at_pointer.append(path)
            time.sleep(3)
            return 0
        return None

    proxy.meet = wait
    killed = subprocess.Popen([sys.executable, "-c", KILLED, str(chosen.out), URI], env=os.environ.copy())
    deadline = time.monotonic() + 60
    while not at_pointer and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait(20)
    assert at_pointer
    proxy.meet = lambda method, path: None
    assert current(bucket)["generation"] == before["generation"]
    assert len(generations(bucket)) == 2
    done = published_copy.publish(chosen)
    assert (done["uploaded"], done["copied"]) == (0, 0)  # all of it is there already
    assert texts(bucket)["reports/2025-10/report.md"] == "october, corrected"


def chimera(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """The exit code of the command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["chimera", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    corpus.tree(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("CHIMERA_PUBLISH_TO", URI)
    return tmp_path


def test_a_run_publishes_fails_with_what_to_do_and_the_command_completes_it(
    home: Path, bucket: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = ("run", "data", "--llm", "none", "--out", "out", "--json")
    assert chimera(monkeypatch, *running) == 0
    printed, said = capsys.readouterr()
    published = json.loads(printed)["published"]
    assert published["uri"] == URI
    assert f"published as generation {published['generation']} in {URI}" in said
    there = {path: (home / "out" / path).read_text() for path in ("reports/all/report.md", "reports/index.html")}
    assert {path: text for path, text in texts_of(bucket).items() if path in there} == there
    assert len(texts_of(bucket)) == published["objects"] > 25
    corpus.write(home / "data", {"late.csv": "a,b\n1,2\n"})
    proxy.meet = lambda method, path: 403 if method == "PUT" else None
    assert chimera(monkeypatch, *running) == 74
    said = capsys.readouterr().err
    assert f"the copy is still generation {published['generation']}" in said
    assert "chimera publish --out out" in said
    assert "Traceback" not in said
    assert "late.csv" in (home / "out/reports/all/report.md").read_text()
    assert current(bucket)["generation"] == published["generation"]
    proxy.meet = lambda method, path: None
    assert chimera(monkeypatch, "publish", "--out", "out") == 0
    assert capsys.readouterr().out == f"{URI}/current.json\n"
    assert "late.csv" in texts_of(bucket)["reports/all/report.md"]


def texts_of(bucket: Any) -> dict[str, str]:
    return {
        one["path"]: bucket.Object(f"{PREFIX}/{one['key']}").get()["Body"].read().decode("utf-8", "replace")
        for one in current(bucket)["objects"]
    }


def test_a_run_whose_copy_failed_is_not_taken_for_a_run_that_ended_well(
    home: Path, bucket: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = ("run", "data", "--llm", "none", "--out", "out", "-q")
    proxy.meet = lambda method, path: 403 if path.endswith("/current.json") and method == "PUT" else None
    assert chimera(monkeypatch, *running) == 74
    proxy.meet = lambda method, path: None
    assert chimera(monkeypatch, *running) == 0
    assert (home / "out/reports/all/report.md").read_text() == texts_of(bucket)["reports/all/report.md"]


def test_the_copy_is_an_asset_with_what_it_took_and_its_failure_is_its_own(
    home: Path, bucket: Any, proxy: Proxy
) -> None:
    chosen = published_copy_settings(home)
    definitions = build_definitions(settings=chosen)
    repository = definitions.get_repository_def()
    with dg.instance_for_test() as instance:
        assert repository.get_job("ingest_job").execute_in_process(instance=instance).success
        job = repository.get_job("report_job")
        done = job.execute_in_process(instance=instance, partition_key="2025-10")
        assert done.success
        event = instance.get_latest_materialization_event(dg.AssetKey("published_copy"))
        assert event is not None
        assert event.asset_materialization is not None
        metadata = event.asset_materialization.metadata
        assert metadata["generation"].value == current(bucket)["generation"]
        assert metadata["uploaded"].value == len(current(bucket)["objects"])
        assert metadata["dagster/uri"].value == f"{URI}/current.json"
        proxy.meet = lambda method, path: 403 if method == "PUT" else None
        failed = job.execute_in_process(instance=instance, partition_key="2025-10", raise_on_error=False)
        assert not failed.success
        broken = [event.step_key for event in failed.all_events if event.is_step_failure]
        assert broken == ["published_copy"]
        (said,) = [event.event_specific_data.error for event in failed.all_events if event.is_step_failure]
        assert "chimera publish --out" in str(said)
        proxy.meet = lambda method, path: None
    published_copy.publish(chosen)
    assert "reports/2025-10/report.md" in texts_of(bucket)


def published_copy_settings(home: Path) -> Settings:
    from chimera_pipeline import settings as settings_module

    return settings_module.load(artifacts=str(home / "data"), out=home / "out", llm="none")
