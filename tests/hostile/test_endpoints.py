"""Nobody is led elsewhere: which addresses may be asked, a name that changes its mind, a redirect, an open port."""

from __future__ import annotations

import os
import re
import socket
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
from chimera_pipeline.errors import InputError, Reason, UsageError
from chimera_pipeline.inventory import bucket_client, scan

ROOT = Path(__file__).resolve().parents[2]
QUICK = Deadlines(connect_s=2.0, first_token_s=2.0, idle_s=2.0, total_s=4.0, max_bytes=10_000)


class Server:
    """A server on loopback that answers with a status and counts who asked."""

    def __init__(self, status: int = 200, location: str | None = None) -> None:
        self.hosts: list[str | None] = []
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_HEAD(self) -> None:
                self._answer()

            def _answer(self) -> None:
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


# -- bucket endpoints ----------------------------------------------------------------------------


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    bucket_client.client.cache_clear()
    yield monkeypatch
    bucket_client.client.cache_clear()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://169.254.169.254", "never asked"),
        ("http://[::ffff:169.254.169.254]:80", "never asked"),
        ("https://[::ffff:a9fe:a9fe]", "never asked"),
        ("https://[64:ff9b::a9fe:a9fe]", "never asked"),
        ("https://[fd00:ec2::254]", "never asked"),
        ("https://[fe80::1]", "never asked"),
        ("https://2852039166", "never asked"),
        ("https://0xa9fea9fe", "never asked"),
        ("https://0.0.0.0:9000", "never asked"),
        ("http://10.0.0.7:9000", "use https, or name the host in the setting s3_http_hosts"),
        ("http://[2001:db8::1]:9000", "use https"),
        ("ftp://127.0.0.1", "give https://HOST:PORT"),
        ("file:///etc/passwd", "give https://HOST:PORT"),
        ("https://", "give https://HOST:PORT"),
        ("https://127.0.0.1:none", "is no URL"),
        ("https://key:s3cr3t@127.0.0.1", "holds a user or password"),
    ],
)
def test_a_bucket_endpoint_that_leads_elsewhere_is_refused_before_it_is_asked(
    url: str, says: str, keys: pytest.MonkeyPatch
) -> None:
    keys.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(UsageError, match=says) as refused:
        scan.scan(scan.open_root("s3://bucket/prefix"))
    assert "s3cr3t" not in str(refused.value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://127.0.0.1:9000", []),
        ("http://[::1]:9000", []),
        ("http://localhost:9000", []),
        ("https://10.0.0.7", []),
        ("http://10.0.0.7:9000", ["10.0.0.7"]),
    ],
)
def test_loopback_tls_and_named_hosts_are_bucket_endpoints(url: str, hosts: list[str]) -> None:
    bucket_client.check(url, hosts)


def test_the_metadata_address_is_refused_for_buckets_even_where_it_is_named() -> None:
    with pytest.raises(UsageError, match="never asked"):
        bucket_client.check("http://169.254.169.254", ["169.254.169.254"])


def test_the_endpoint_of_a_profile_is_held_against_the_rules_too(keys: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile lab]\nendpoint_url = http://169.254.169.254\n")
    keys.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    keys.setenv("AWS_PROFILE", "lab")
    with pytest.raises(UsageError, match="never asked"):
        scan.scan(scan.open_root("s3://bucket/prefix"))


@pytest.mark.parametrize("later", ["169.254.169.254", "::ffff:169.254.169.254", "10.0.0.7"])
def test_a_bucket_endpoint_whose_name_changes_its_mind_is_not_followed(
    later: str, server: Server, keys: pytest.MonkeyPatch
) -> None:
    real, asked = socket.getaddrinfo, []

    def rebound(host: str, port: int, *rest: object, **named: object) -> object:
        if host != "bucket.rebinding.invalid" and host != "rebinding.invalid":
            return real(host, port, *rest, **named)  # type: ignore[arg-type]
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else later, port, type=socket.SOCK_STREAM)

    keys.setattr(socket, "getaddrinfo", rebound)
    keys.setenv("AWS_ENDPOINT_URL", f"http://rebinding.invalid:{server.port}")
    with pytest.raises(InputError, match=r"never asked|not this machine"):
        scan.scan(scan.open_root("s3://bucket/prefix"))
    assert len(asked) > 1
    assert server.hosts == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_of_a_bucket_endpoint_is_not_followed(status: int, server: Server, keys: pytest.MonkeyPatch) -> None:
    luring = Server(status, f"http://127.0.0.1:{server.port}/")
    keys.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{luring.port}")
    try:
        with pytest.raises(InputError, match="cannot be listed"):
            scan.scan(scan.open_root("s3://bucket/prefix"))
    finally:
        luring.stop()
    assert luring.hosts
    assert server.hosts == []


class BadBucket:
    """A bucket of one object of ten bytes, which comes without end (`endless`) or hardly ever (`drip`)."""

    LISTING = (
        b'<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><KeyCount>1</KeyCount><IsTruncated>false'
        b"</IsTruncated><Contents><Key>p/a.csv</Key><LastModified>2025-10-01T00:00:00.000Z</LastModified>"
        b'<ETag>"e"</ETag><Size>10</Size></Contents></ListBucketResult>'
    )

    def __init__(self, mode: str) -> None:
        self.sent = 0
        self.stopped = threading.Event()
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                if "list-type" in self.path:
                    self.send_header("Content-Length", str(len(double.LISTING)))
                    self.end_headers()
                    self.wfile.write(double.LISTING)
                    return
                self.send_header("ETag", '"e"')
                self.end_headers()
                try:
                    while not double.stopped.wait(0.1 if mode == "drip" else 0):
                        double.sent += self.wfile.write(b"x" * (1 if mode == "drip" else 1 << 16))
                except OSError:
                    pass

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.mark.parametrize(
    ("mode", "reason", "says"),
    [("endless", Reason.STILL_WRITING, "more than 10 bytes came"), ("drip", Reason.IO_ERROR, "too slowly")],
)
def test_an_object_without_end_or_without_haste_is_given_up(
    mode: str, reason: Reason, says: str, keys: pytest.MonkeyPatch
) -> None:
    bad = BadBucket(mode)
    keys.setenv("AWS_ENDPOINT_URL", bad.url)
    keys.setattr(bucket_client, "PATIENCE_S", 0.8)
    try:
        root = scan.open_root("s3://bucket/p")
        (found,) = root.hashed(scan.scan(root), max_bytes=1000, spool=None)
    finally:
        bad.stop()
    assert found.skip_reason is reason
    assert says in str(found.detail)
    assert bad.sent < 64 << 20


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
    source = (ROOT / "chimera_pipeline/cli/tools.py").read_text(encoding="utf-8")
    assert re.findall(r'"-h", "([^-"]+)"', source) == ["127.0.0.1"]
