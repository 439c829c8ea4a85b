"""Nobody is led elsewhere: which addresses may be asked, a name that changes its mind, a redirect, an open port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chimera_pipeline.analysis.providers import transport
from chimera_pipeline.analysis.providers.endpoint import endpoint
from chimera_pipeline.analysis.providers.protocol import Deadlines, Failure, ModelError

ROOT = Path(__file__).resolve().parents[2]
QUICK = Deadlines(connect_s=2.0, first_token_s=2.0, idle_s=2.0, total_s=4.0, max_bytes=10_000)


class Server:
    """A server on loopback that answers with a status and counts who asked."""

    def __init__(self, status: int = 200, location: str | None = None) -> None:
        self.hosts: list[str | None] = []
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                double.hosts.append(self.headers["Host"])
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe",
     "fd00:ec2::254", "fe80::1%eth0", "100.100.100.200", "0.0.0.0", "224.0.0.1", "ff02::1"],
)  # fmt: skip
def test_metadata_and_link_local_are_refused_even_where_the_host_is_allowed(address: str) -> None:
    with pytest.raises(ModelError) as refused:
        endpoint("http://gpu-box", default_port=1, allowed_hosts=["gpu-box"], resolve=lambda *_: [address])
    assert refused.value.kind is Failure.ADDRESS_REFUSED


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"])
def test_other_ways_to_write_the_metadata_address_are_refused(host: str) -> None:
    with pytest.raises(ModelError) as refused:
        endpoint(f"http://{host}/", default_port=1, allowed_hosts=[host])
    assert refused.value.kind in (Failure.ADDRESS_REFUSED, Failure.OFFLINE)


@pytest.mark.parametrize("address", ["10.0.0.7", "192.168.1.2", "8.8.8.8", "fd12::1", "2001:db8::1"])
def test_any_other_host_must_be_named_in_the_settings(address: str) -> None:
    with pytest.raises(ModelError):
        endpoint("http://gpu-box", default_port=1, resolve=lambda *_: [address])
    named = endpoint("http://gpu-box", default_port=1, allowed_hosts=["gpu-box"], resolve=lambda *_: [address])
    assert named.addresses == (address,)


def test_a_name_is_resolved_once_and_its_address_is_the_one_that_is_asked(server: Server) -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    peer = endpoint(
        f"http://rebinding.invalid:{server.port}", default_port=1, allowed_hosts=["rebinding.invalid"],
        resolve=lambda *_: next(answers),
    )  # fmt: skip
    for _ in range(2):
        with transport.request(peer, "GET", "/", QUICK) as response:
            assert response.status == 200
    assert server.hosts == [f"rebinding.invalid:{server.port}"] * 2


def test_a_redirect_is_not_followed(server: Server) -> None:
    luring = Server(302, f"http://127.0.0.1:{server.port}/")
    try:
        with pytest.raises(ModelError) as refused:
            transport.request(endpoint(f"127.0.0.1:{luring.port}", default_port=1), "GET", "/", QUICK)
    finally:
        luring.stop()
    assert refused.value.kind is Failure.REDIRECT
    assert server.hosts == []
    assert str(server.port) not in str(refused.value)


def test_the_webserver_is_opened_on_loopback_and_nowhere_else(tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "chimera_pipeline.cli", "ui", "--host", "0.0.0.0"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "DAGSTER_HOME": str(tmp_path)},
    )  # fmt: skip
    assert asked.returncode == 2
    assert "--host" in re.sub(r"\x1b\[[0-9;]*m", "", asked.stderr)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = [line for line in makefile.splitlines() if "dagster dev" in line]
    assert "-h 127.0.0.1" in line
    source = (ROOT / "chimera_pipeline/cli/commands.py").read_text(encoding="utf-8")
    assert re.findall(r'"-h", "([^-"]+)"', source) == ["127.0.0.1"]
