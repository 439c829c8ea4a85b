"""Which addresses may be asked: http(s), loopback by default, other hosts only where the configuration says.

Link-local and metadata addresses are refused whatever the configuration says. A name is resolved once and the
address is pinned, so that it cannot change between the check and the call.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from chimera_pipeline import addresses, redact
from chimera_pipeline.analysis.providers.protocol import Failure, ModelError

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked peer: scheme, host as named, pinned addresses, port and base path."""

    scheme: str
    host: str
    addresses: tuple[str, ...]
    port: int
    path: str = ""

    @property
    def shown(self) -> str:
        """The address for people, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{redact.printable(host)}:{self.port}"


def endpoint(
    url: str,
    *,
    default_port: int,
    allowed_hosts: Sequence[str] = (),
    resolve: Resolve | None = None,
) -> Endpoint:
    """The endpoint that `url` names: a URL, `host:port`, `host` or `:port`. Raises ModelError."""
    scheme, host, port, path = _split(url, default_port)
    try:
        found = (resolve or _resolve)(host, port)
    except OSError as error:
        raise ModelError(Failure.OFFLINE, f"the host {redact.printable(host)[:80]} cannot be resolved") from error
    checked = tuple(_checked(address, host, allowed_hosts) for address in found)
    if not checked:
        raise ModelError(Failure.OFFLINE, f"the host {redact.printable(host)[:80]} has no address")
    return Endpoint(scheme, host, checked, port, path)


def _split(url: str, default_port: int) -> tuple[str, str, int, str]:
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ModelError(Failure.ADDRESS_REFUSED, "the model address is no URL") from error
    if parts.scheme not in ("http", "https"):
        raise ModelError(Failure.ADDRESS_REFUSED, "the model address must be http or https")
    host = parts.hostname or "127.0.0.1"
    if host in ("0.0.0.0", "::"):  # what a server listens on; it is asked on loopback
        host = "127.0.0.1"
    if port is None:
        port = default_port if "://" not in url else {"http": 80, "https": 443}[parts.scheme]
        port = default_port if parts.scheme == "http" else port
    return parts.scheme, host, port, parts.path.rstrip("/")


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _checked(address: str, host: str, allowed_hosts: Sequence[str]) -> str:
    shown = redact.printable(host)[:80]
    if addresses.forbidden(address):
        raise ModelError(Failure.ADDRESS_REFUSED, f"{shown} is a link-local, metadata or multicast address")
    if not addresses.loopback(address) and host not in allowed_hosts:
        raise ModelError(
            Failure.ADDRESS_REFUSED,
            f"{shown} is not this machine; add it to the allowed hosts to send statements there",
        )
    return address
