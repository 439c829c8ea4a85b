"""Alerts against a real endpoint on loopback: one message an incident, none twice, none lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chimera_pipeline import settings as settings_module
from chimera_pipeline.definitions import build_definitions
from chimera_pipeline.errors import SettingsError
from chimera_pipeline.orchestration import alerting
from chimera_pipeline.settings import Settings

# apprise imports it on Python 3.11 and 3.12
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Endpoint:
    """Keeps what is posted to it; answers `status`."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if endpoint.status == 200:
                    endpoint.messages.append(body)
                self.send_response(endpoint.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server.server_address[1]}/alerts"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(5)


@pytest.fixture
def chosen(tmp_path: Path, endpoint: Endpoint) -> Settings:
    return settings_module.load(
        artifacts=str(tmp_path), out=tmp_path / "out", alerts=[endpoint.url], ui_url="http://ui.test"
    )


@dg.op
def breaks() -> None:
    try:
        raise ValueError("disk of node 7 is full")
    except ValueError as error:
        raise RuntimeError("could not write") from error


@dg.job
def broken_job() -> None:
    breaks()


def tick(chosen: Settings, instance: Any, cursor: str | None) -> str:
    (sensor,) = alerting.sensors(chosen)
    result: Any = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor))
    return str(result.cursor)


def fail(instance: Any, **tags: str) -> None:
    assert not broken_job.execute_in_process(instance=instance, raise_on_error=False, tags=tags).success


def test_alerts_are_off_until_somebody_is_named(tmp_path: Path, chosen: Settings) -> None:
    silent = settings_module.load(artifacts=str(tmp_path), out=tmp_path / "out")
    names = {one.name for one in build_definitions(settings=silent).get_repository_def().sensor_defs}
    assert "alerts" not in names
    found = build_definitions(settings=chosen).get_repository_def().get_sensor_def("alerts")
    assert found.default_status is dg.DefaultSensorStatus.RUNNING


def test_a_failed_run_is_one_message_with_its_innermost_reason_and_a_link(chosen: Settings, endpoint: Endpoint) -> None:
    with dg.instance_for_test() as instance:
        fail(instance)
        cursor = tick(chosen, instance, None)
        assert endpoint.messages == [], "what failed before alerts were switched on is not told"
        fail(instance, **{"dagster/will_retry": "true"})
        fail(instance, **{"dagster/partition": "2025-10"})
        cursor = tick(chosen, instance, cursor)
        cursor = tick(chosen, instance, cursor)
        (message,) = endpoint.messages
        assert message["title"] == "chimera: broken_job of 2025-10 failed"
        assert "disk of node 7 is full" in message["message"]
        run = instance.get_runs(limit=1)[0]
        assert f"http://ui.test/runs/{run.run_id}" in message["message"]


def test_a_message_that_is_refused_is_sent_later_and_those_that_went_are_not_sent_again(
    chosen: Settings, endpoint: Endpoint
) -> None:
    with dg.instance_for_test() as instance:
        cursor = tick(chosen, instance, None)
        fail(instance)
        endpoint.status = 503
        cursor = tick(chosen, instance, cursor)
        assert endpoint.messages == []
        endpoint.status = 200
        cursor = tick(chosen, instance, cursor)
        tick(chosen, instance, cursor)
        assert len(endpoint.messages) == 1


def materialized(instance: Any, asset: str, partition: str | None = None, **metadata: Any) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition, metadata=metadata))


def test_regressions_are_told_once_a_period_and_again_when_others_stand(chosen: Settings, endpoint: Endpoint) -> None:
    with dg.instance_for_test() as instance:
        cursor = tick(chosen, instance, None)
        for which in ("aa", "aa", "bb"):
            materialized(
                instance, "report", "2025-10", regressions=2, top_regression="TTFT rose 40 %", regression_set=which
            )
            cursor = tick(chosen, instance, cursor)
        materialized(instance, "report", "2025-11", regressions=0, top_regression="none", regression_set="cc")
        tick(chosen, instance, cursor)
        assert [message["title"] for message in endpoint.messages] == ["chimera: 2 regressions in 2025-10"] * 2
        assert "TTFT rose 40 %" in endpoint.messages[0]["message"]


def test_quarantine_is_told_when_it_rises_above_the_threshold(chosen: Settings, endpoint: Endpoint) -> None:
    with dg.instance_for_test() as instance:
        cursor = tick(chosen, instance, None)
        for share in (0.1, 0.5, 0.6, 0.1, 0.5):
            materialized(instance, "quarantine", share_of_files=share, top_reason="a.json: bad_json: ends early")
            cursor = tick(chosen, instance, cursor)
        assert len(endpoint.messages) == 2
        assert "50%" in endpoint.messages[0]["title"]
        assert "ends early" in endpoint.messages[0]["message"]


def test_an_address_that_is_none_of_apprise_is_refused(tmp_path: Path) -> None:
    wrong = settings_module.load(artifacts=str(tmp_path), out=tmp_path / "out", alerts=["nonsense"])
    with pytest.raises(SettingsError, match="entry 1 is no Apprise URL"):
        alerting.sender(wrong)
    assert "nonsense" not in wrong.model_dump_json()
