"""HTTP with bounds on everything: connect, first token, idle, total, bytes. No redirects, proxies or retries.

Every read sets the timeout of the socket to what the clock leaves, so that a peer that drips cannot outlast a
deadline. Built on http.client because the deadlines must change in the middle of a response.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from chimera_pipeline.analysis.providers.endpoint import Endpoint
from chimera_pipeline.analysis.providers.protocol import Clock, Deadlines, Failure, ModelError

_BLOCK = 1 << 16


class _Reader(io.RawIOBase):
    """Reads from a socket, each time with the timeout that the clock leaves."""

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self._sock = sock
        self._clock = clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._clock.remaining())
        try:
            return self._sock.recv_into(buffer)
        except TimeoutError:
            raise self._clock.expired() from None


class _Wire:
    """What http.client takes for a socket: every operation is bounded by the clock."""

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self._sock = sock
        self._clock = clock

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._clock.remaining())
        try:
            self._sock.sendall(data)
        except TimeoutError:
            raise self._clock.expired() from None

    def makefile(self, mode: str) -> io.BufferedReader:
        """What a response is read from."""
        return io.BufferedReader(_Reader(self._sock, self._clock), _BLOCK)

    def close(self) -> None:
        """http.client closes before it has read: the response still needs the socket."""

    def shut(self) -> None:
        """Close the socket."""
        self._sock.close()


class Response:
    """The head of a response, and its body as lines."""

    def __init__(self, wire: _Wire, raw: http.client.HTTPResponse, clock: Clock, max_bytes: int, where: str) -> None:
        self._wire, self._raw, self.clock = wire, raw, clock
        self._max_bytes, self._where = max_bytes, where
        self.status = raw.status
        self.content_type = (raw.headers.get_content_type() or "").lower()

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()
        self._wire.shut()

    def lines(self) -> Iterator[bytes]:
        """Lines of the body as they come, without their newline; the last may lack one. Raises ModelError."""
        rest, size = b"", 0
        while block := self._block():
            size += len(block)
            if size > self._max_bytes:
                raise ModelError(Failure.TOO_LARGE, f"the answer is larger than {self._max_bytes} bytes")
            *whole, rest = (rest + block).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def body(self, most: int = 1 << 20) -> bytes:
        """At most `most` bytes of the body, for errors and small documents. Raises ModelError."""
        out = b""
        while len(out) < most and (block := self._block()):
            out += block
        return out[:most]

    def _block(self) -> bytes:
        try:
            return self._raw.read1(_BLOCK)
        except http.client.IncompleteRead as error:
            raise ModelError(
                Failure.TRUNCATED, f"the connection to {self._where} broke in the middle of the answer"
            ) from error
        except (http.client.HTTPException, ssl.SSLError, OSError, ValueError) as error:
            raise ModelError(
                Failure.TRUNCATED, f"the connection to {self._where} failed in the middle of the answer"
            ) from error


def request(
    peer: Endpoint,
    method: str,
    path: str,
    deadlines: Deadlines,
    *,
    payload: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Send one request and read the head of its response. The caller closes it. Raises ModelError."""
    clock = Clock(deadlines)
    wire = _Wire(_connected(peer, clock), clock)
    clock.connected()
    body = None if payload is None else json.dumps(payload, ensure_ascii=True).encode("ascii")
    connection = http.client.HTTPConnection(peer.host, peer.port)
    connection.sock = wire
    sent = {"Accept": "application/json", "Connection": "close", **(headers or {})}
    if body is not None:
        sent["Content-Type"] = "application/json"
    try:
        connection.request(method, peer.path + path, body=body, headers=sent)
        raw = connection.getresponse()
    except ModelError:
        wire.shut()
        raise
    except ConnectionError as error:  # RemoteDisconnected is one
        wire.shut()
        raise ModelError(Failure.EMPTY, f"{peer.shown} closed the connection without an answer") from error
    except (http.client.HTTPException, OSError, ValueError) as error:
        wire.shut()
        raise ModelError(Failure.NOT_JSON, f"{peer.shown} does not answer in HTTP") from error
    if 300 <= raw.status < 400:
        raw.close()
        wire.shut()
        raise ModelError(
            Failure.REDIRECT, f"{peer.shown} redirects elsewhere (status {raw.status}), which is not followed"
        )
    return Response(wire, raw, clock, deadlines.max_bytes, peer.shown)


def _connected(peer: Endpoint, clock: Clock) -> socket.socket:
    problem: OSError | None = None
    for address in peer.addresses:
        try:
            sock = socket.create_connection((address, peer.port), timeout=clock.remaining())
        except TimeoutError:
            raise clock.expired() from None
        except OSError as error:
            problem = error
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if peer.scheme == "http":
            return sock
        try:
            return ssl.create_default_context().wrap_socket(sock, server_hostname=peer.host)
        except (ssl.SSLError, OSError) as error:
            sock.close()
            raise ModelError(Failure.OFFLINE, f"no TLS connection to {peer.shown}") from error
    reason = "connection refused" if isinstance(problem, ConnectionRefusedError) else "not reachable"
    raise ModelError(Failure.OFFLINE, f"offline at {peer.shown} ({reason})")


def document(response: Response, where: str) -> Any:
    """The JSON body of a small document. Raises ModelError."""
    return parse(response.body(), where)


def parse(data: bytes, where: str) -> Any:
    """`data` as JSON; says whether it is an HTML page, undecodable or no JSON. Raises ModelError."""
    if not data.strip():
        raise ModelError(Failure.EMPTY, f"{where} sent an empty answer")
    if data.lstrip()[:1] == b"<":
        raise ModelError(Failure.HTML_PAGE, f"got an HTML page from {where}: is this a model server?")
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ModelError(Failure.BAD_ENCODING, f"{where} sent bytes that are not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(Failure.NOT_JSON, f"{where} sent something that is not JSON") from error
