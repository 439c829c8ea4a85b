"""`chimera doctor`: each line in its good and its bad states, against real servers, folders and files."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from chimera_pipeline.analysis.providers import embedded
from chimera_pipeline.orchestration.doctor import examination, folders, machine
from chimera_pipeline.orchestration.doctor.line import Line, Status
from chimera_pipeline.settings import Settings
from tests import corpus
from tests.doubles.ollama_server import DIGEST, OllamaServer
from tests.e2e.test_cli import chimera

NOBODY = "127.0.0.1:1"
"""A port that nothing listens on."""
LINES = {
    "settings", "chimera_pipeline", "python", "packages", "extras", "schemas", "artifacts", "out", "disk", "profile",
    "DAGSTER_HOME", "ollama", "embedded model", "gpu", "port 3000", "clock", "locale",
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with results in `data`, and an environment without settings."""
    corpus.tree(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("CHIMERA_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OLLAMA_HOST", NOBODY)
    # hashing 250 MB of weights is the business of one test
    monkeypatch.setenv("CHIMERA_LLM", "none")
    return tmp_path


def examined(**flags: str | Path) -> dict[str, Line]:
    """The lines of an examination by name; each that is not well says what to do."""
    lines = examination.examine(flags)
    assert [line.check for line in lines if (line.status is Status.OK) != (not line.fix)] == []
    return {line.check: line for line in lines}


def seen(line: Line) -> tuple[str, str]:
    return line.status.value, line.fix


def test_the_command_prints_every_line_with_its_fix_and_leaves_nothing_behind(tmp_path: Path) -> None:
    corpus.tree(tmp_path / "data")
    done = chimera("doctor", "data", cwd=tmp_path, OLLAMA_HOST=NOBODY)
    assert done.returncode == 0, done.stdout
    assert "\033[" not in done.stdout
    assert "\nwarn  ollama: offline at http://127.0.0.1:1" in done.stdout
    assert "\n      fix: ollama serve" in done.stdout
    assert f"sha256 {embedded.DEFAULT.sha256[:12]} as pinned" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(" 0 fail")
    told = json.loads(chimera("doctor", "data", "--json", cwd=tmp_path, OLLAMA_HOST=NOBODY).stdout)
    assert told["schema_version"] == "1.0"
    assert {line["check"] for line in told["checks"]} == LINES
    assert {line["status"] for line in told["checks"]} == {"ok", "warn"}
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_line_that_fails_is_exit_code_2(here: Path) -> None:
    done = chimera("doctor", "nowhere", "--llm", "none", cwd=here)
    assert done.returncode == 2
    assert "FAIL" not in done.stderr
    assert "fail  artifacts: nowhere: no such folder or file\n      fix: give a folder" in done.stdout


def test_wrong_settings_are_a_line_and_the_rest_is_still_looked_at(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "chimera.toml").write_text('perod = "month"\n')
    monkeypatch.setattr(embedded, "content", lambda weights: iter(()))
    lines = examined()
    assert lines["settings"].status is Status.FAIL
    assert "chimera.toml: perod is no setting; did you mean 'period'?" in lines["settings"].found
    assert set(lines) >= LINES - {"model"}
    (here / "chimera.toml").write_text('model = "m"\n')
    assert "chimera.toml, CHIMERA_LLM" in examined()["settings"].found


def test_packages_outside_their_bounds_and_half_an_extra_are_named(
    here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    for name, version in (("pandas", "3.1.0"), ("xllamacpp", "2020.1")):
        folder = site / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(site)
    lines = examined()
    assert lines["package pandas"].status is Status.FAIL
    assert "3.1.0, needs" in lines["package pandas"].found
    assert "packages" not in lines
    assert lines["extra llamacpp"].status is Status.WARN
    assert lines["extra llamacpp"].fix == "pip install 'chimera-pipeline[llamacpp]'"


def test_artifacts_that_are_missing_empty_or_shut(here: Path) -> None:
    assert examined(artifacts="data")["artifacts"].found == "data: 11 files, 11 of them csv, json or markdown"
    assert examined()["artifacts"].status is Status.WARN  # the default folder: a newcomer has not said which
    assert examined(artifacts="s3x://bucket")["artifacts"].status is Status.FAIL
    (here / "empty").mkdir()
    assert seen(examined(artifacts="empty")["artifacts"])[0] == "warn"
    (here / "data" / "link.csv").symlink_to(here / "nowhere")
    assert "1 cannot be read (link.csv: symlink)" in examined(artifacts="data")["artifacts"].found


def test_an_output_folder_that_cannot_be_written(here: Path) -> None:
    assert examined(out=here / "a" / "b")["out"].found.startswith(f"{here / 'a' / 'b'}, to be made (")
    line = examined(out="/proc/nowhere")["out"]
    assert line.status is Status.FAIL
    assert "(proc)" in line.found
    assert examined(out="/dev/shm/out")["out"].fix == "put --out on a disk to keep the reports"
    assert list(here.glob(".chimera*")) == []


def test_the_file_system_is_the_one_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"none / ext4 rw 0 0\nhost:/x {tmp_path}/a\\040b nfs4 rw 0 0\nnone {tmp_path}/c tmpfs rw 0 0\n")
    assert folders.file_system(tmp_path / "a b" / "out", mounts) == "nfs4"
    assert folders.file_system(tmp_path / "a", mounts) == "ext4"
    assert folders.file_system(tmp_path / "c", mounts) == "tmpfs"
    assert folders.file_system(tmp_path, tmp_path / "none") == "unknown"


def test_little_room_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "FEW_BYTES", 2**60)
    assert examined()["disk"].status is Status.WARN
    monkeypatch.setattr(folders, "LEAST_BYTES", 2**60)
    assert examined()["disk"].status is Status.FAIL


def test_sources_and_profiles_of_ones_own(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIMERA_PROFILE", "basline")
    assert "did you mean 'baseline'?" in examined()["profile"].found
    monkeypatch.setenv("CHIMERA_PROFILE", "baseline")
    monkeypatch.setenv("CHIMERA_SOURCES", "sources")
    assert examined()["sources"].status is Status.FAIL
    (here / "sources").mkdir()
    assert examined()["sources"].found == "0 of your own in sources"
    (here / "sources" / "mine.yaml").write_text("tool: mine\n")
    assert "mine.yaml:1" in examined()["sources"].found


@pytest.mark.parametrize(
    ("home", "config", "check", "status", "said"),
    [
        ("relative", None, "DAGSTER_HOME", "fail", "no absolute path"),
        ("{here}/nowhere", None, "DAGSTER_HOME", "fail", "no such folder"),
        ("{here}", None, "DAGSTER_HOME", "warn", "has no dagster.yaml"),
        ("{here}", "a: [", "DAGSTER_HOME", "fail", "not YAML"),
        ("{here}", "- a", "storage", "fail", "expected keys"),
        ("{here}", "telemetry: {enabled: false}", "storage", "ok", "SQLite"),
        ("{here}", "storage: {postgres: {postgres_url: {env: NOT_SET}}}", "postgres", "fail", "NOT_SET: not set"),
        ("{here}", "storage: {postgres: {postgres_url: 'no url'}}", "postgres", "fail", "is no URL"),
    ],
)
def test_the_instance_of_dagster(
    here: Path, monkeypatch: pytest.MonkeyPatch, home: str, config: str | None, check: str, status: str, said: str
) -> None:
    if config is not None:
        (here / "dagster.yaml").write_text(config)
    monkeypatch.setenv("DAGSTER_HOME", home.format(here=here))
    line = examined()[check]
    assert line.status.value == status
    assert said in line.found


def test_a_database_that_does_not_answer_is_named_without_its_password(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(here))
    (here / "dagster.yaml").write_text("storage: {postgres: {postgres_url: {env: DAGSTER_POSTGRES_URL}}}\n")
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql+psycopg2://user:geheim17@127.0.0.1:1/db")
    line = examined()["postgres"]
    assert line.status is Status.FAIL
    assert line.found.startswith("db at 127.0.0.1:1: connection to server at")
    told = examination.as_text(examination.examine({}), color=False) + json.dumps(examination.as_json([line]))
    assert "geheim17" not in told
    (here / "dagster.yaml").write_text("storage: {postgres: {postgres_url: 'postgresql://u:geheim17@127.0.0.1:1/d'}}\n")
    lines = examination.examine({})
    assert ("postgres", "dagster.yaml holds a password") in {(line.check, line.found) for line in lines}
    assert "geheim17" not in examination.as_text(lines, color=False)


@pytest.mark.parametrize(
    ("values", "check", "status", "said"),
    [
        ({"ENGINE": "ray"}, "engine", "fail", "dagster_ray is not installed|RAY_ADDRESS is not set"),
        ({"ENGINE": "k8s"}, "engine", "ok", "k8s"),
        ({"ALERTS": '["json://127.0.0.1:1"]'}, "alerts", "ok", "1 addresses"),
        ({"LLM": "llamacpp", "GGUF": "no.gguf"}, "embedded model", "warn", "no.gguf: no such file"),
        ({"LLM": "openai"}, "model", "warn", "needs a base URL"),
    ],
)
def test_what_the_settings_ask_for_is_there(
    here: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, str], check: str, status: str, said: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"CHIMERA_{name}", value)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    line = examined()[check]
    assert line.status.value == status
    assert any(words in line.found for words in said.split("|"))


def test_a_model_server_and_its_models(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIMERA_LLM", "ollama")
    with OllamaServer(models=("gemma3:latest", "phi4:14b")) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        lines = examined()
        assert lines["ollama"].found == f"http://{server.host}: gemma3:latest, phi4:14b"
        assert lines["model"].found == f"gemma3:latest (Q4_K_M, {DIGEST[:12]})"
        missing = examined(model="llama4:8b")["model"]
        assert seen(missing) == ("warn", "ollama pull llama4:8b")
        assert "embedded model" not in lines
        assert all(path.startswith("/api/") for path in server.paths)
    line = examined()["ollama"]
    assert line.status is Status.WARN
    assert line.fix.startswith("ollama serve")
    monkeypatch.setenv("OLLAMA_HOST", "192.0.2.7:11434")
    assert "192.0.2.7 is not this machine" in examined()["ollama"].found


def test_a_model_file_that_was_changed_is_found_out(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIMERA_LLM", "llamacpp")
    monkeypatch.setattr(embedded, "content", lambda weights: iter([b"other"]))
    line = examined()["embedded model"]
    assert line.status is Status.WARN
    assert hashlib.sha256(b"other").hexdigest()[:12] in line.found
    assert line.fix.startswith("install it again")


NVML = """
NVML_ERROR_LIBRARY_NOT_FOUND, NVML_ERROR_DRIVER_NOT_LOADED = 12, 9
class NVMLError(Exception):
    value = {value}
    def __str__(self): return "Driver/library version mismatch"
class Memory: total = 80 * 2**30
def nvmlInit():
    if {value}: raise NVMLError
def nvmlShutdown(): pass
def nvmlSystemGetDriverVersion(): return "580.65"
def nvmlDeviceGetCount(): return 1
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetName(handle): return b"NVIDIA H100"
def nvmlDeviceGetMemoryInfo(handle): return Memory
"""


@pytest.mark.parametrize(
    ("value", "status", "said"),
    [
        (0, "ok", "NVIDIA H100, 80 GiB, driver 580.65"),
        (12, "ok", "no NVIDIA GPU seen; none is needed"),
        (18, "warn", "NVML: Driver/library version mismatch"),
    ],
)
def test_what_nvml_sees(
    here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: int, status: str, said: str
) -> None:
    (tmp_path / "nvml").mkdir()
    (tmp_path / "nvml" / "pynvml.py").write_text(NVML.format(value=value))
    monkeypatch.syspath_prepend(tmp_path / "nvml")
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    line = examined()["gpu"]
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    assert (line.status.value, line.found) == (status, said)


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server on loopback that answers every GET with the parameter."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(request.param)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    ("answering", "status", "said"),
    [
        (b'{"dagster_webserver_version": "1.13.27"}', "ok", "a Dagster UI runs there (1.13.27)"),
        (b"<html>hello", "warn", "Address already in use"),
        (b"[]", "warn", "Address already in use"),
    ],
    indirect=["answering"],
)
def test_a_port_that_is_taken(here: Path, answering: int, status: str, said: str) -> None:
    (line,) = machine.ports(Settings(), port=answering)
    assert (line.status.value, line.found) == (status, said)
    assert (line.fix == f"chimera ui --port {answering + 1}") == (status == "warn")


def test_a_free_port() -> None:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port = tried.getsockname()[1]
    (line,) = machine.ports(Settings(), port=port)
    assert line.status is Status.OK


def test_a_clock_of_the_past_and_one_that_disagrees_with_the_file_system(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examined()["clock"].status is Status.OK
    clock = machine.time.time
    monkeypatch.setattr(machine.time, "time", lambda: clock() - 60)
    assert "+60 s off" in examined()["clock"].found
    monkeypatch.setattr(machine.time, "time", lambda: 1e9)
    assert examined()["clock"].status is Status.FAIL


def test_a_terminal_that_is_no_utf_8_and_no_color(here: Path) -> None:
    done = chimera("doctor", "--llm", "none", "--json", cwd=here, PYTHONIOENCODING="latin-1", NO_COLOR="1")
    line = next(line for line in json.loads(done.stdout)["checks"] if line["check"] == "locale")
    assert line["status"] == "warn"
    assert "stdout is latin-1" in line["found"] or "stdout is iso" in line["found"]
    done = chimera("doctor", "--llm", "none", cwd=here, NO_COLOR="1", PYTHONUTF8="1")
    assert "locale: UTF-8; colours off (NO_COLOR)" in done.stdout


def test_a_check_that_breaks_hides_no_other(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_usage(_: Path) -> None:
        raise RuntimeError("odd machine")

    monkeypatch.setattr(folders.shutil, "disk_usage", disk_usage)
    lines = examined()
    assert lines["out"].found == "RuntimeError: odd machine"
    assert lines["locale"].status is Status.OK


def test_colours_mark_the_status() -> None:
    text = examination.as_text([Line("a", Status.FAIL, "b", "c")], color=True)
    assert text.startswith("\033[31mfail\033[0m  a: b\n")
