"""A real S3 server on loopback (moto), and a proxy before it that lets requests fail, wait or be watched."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from moto.server import ThreadedMotoServer

KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
Meet = Callable[[str, str], int | None]
"""Method and path of a request -> the status that it is refused with, 0 to break the connection, None to forward it."""


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of a server without buckets."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


class Proxy:
    """Use as a context manager. `meet` decides of each request; `seen` holds them all."""

    def __init__(self, behind: str, meet: Meet = lambda method, path: None) -> None:
        self.meet = meet
        self.seen: list[tuple[str, str]] = []
        self.most_under_way = 0
        self._under_way = 0
        self._lock = threading.Lock()
        target = behind.removeprefix("http://")
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                length = int(self.headers["Content-Length"] or 0)
                if self.headers["Expect"]:
                    self.send_response_only(100)
                    self.end_headers()
                data = self.rfile.read(length) if length else None
                with double._lock:
                    double.seen.append((self.command, self.path))
                    double._under_way += 1
                    double.most_under_way = max(double.most_under_way, double._under_way)
                try:
                    self._answer(double.meet(self.command, self.path), data)
                finally:
                    with double._lock:
                        double._under_way -= 1

            def _answer(self, status: int | None, data: bytes | None) -> None:
                if status == 0:
                    self.close_connection = True
                    return
                if status is not None:
                    self._send(status, {"Content-Type": "application/xml"}, b"<Error><Code>Injected</Code></Error>")
                    return
                connection = http.client.HTTPConnection(target, timeout=60)
                connection.request(self.command, self.path, body=data, headers=dict(self.headers))
                got = connection.getresponse()
                body = got.read()
                self._send(got.status, dict(got.getheaders()), body)
                connection.close()

            def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response_only(status)
                dropped = ("content-length", "connection", "transfer-encoding")
                kept = {name: value for name, value in headers.items() if name.lower() not in dropped}
                size = headers.get("Content-Length", str(len(body))) if self.command == "HEAD" else str(len(body))
                for name, value in {**kept, "Content-Length": size}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward  # noqa: N815 - names of the protocol

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
