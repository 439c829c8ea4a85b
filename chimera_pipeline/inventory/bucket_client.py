"""The one client of object storage: which endpoint may be asked, over what, and within which bounds (extra `s3`).

The endpoint comes from the usual environment and profile. It is http(s), named without user and password, never
link-local, metadata or multicast, by name neither: every connection resolves through the same rule. Without TLS only
loopback and the hosts of the setting `s3_http_hosts` are asked. Redirects are not followed. Libraries are imported
here, and this module only where it is used.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import aiohttp
import fsspec
from aiobotocore.httpsession import AIOHTTPSession  # type: ignore[import-untyped]
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from fsspec.asyn import sync

from chimera_pipeline import addresses
from chimera_pipeline.errors import InputError, UsageError

CONCURRENCY = 16
"""Requests under way at a time."""
ATTEMPTS = 4
"""Of one request, the first included, where AWS_MAX_ATTEMPTS does not say otherwise; the pause between doubles."""
LEAST_BYTES_PER_S = 65_536
PATIENCE_S = 120.0
"""A transfer may take this long, and as long as its bytes need at the least rate."""
LISTING_S = 1800.0
ERRORS = (OSError, BotoCoreError, ClientError, aiohttp.ClientError)
"""What the client raises; a deadline that passed is an OSError."""
T = TypeVar("T")


class Refused(OSError):
    """A name leads to an address that is not asked; to the client it is a host that cannot be reached."""


class Resolver(AbstractResolver):
    """Names to addresses that may be asked."""

    def __init__(self) -> None:
        self.loopback_only = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`. Raises OSError, of which Refused is one."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        out: list[ResolveResult] = []
        for kind, _, proto, _, (address, at, *_rest) in found:
            if why := refusal(str(address), loopback_only=self.loopback_only):
                raise Refused(f"{host} is at {address}, {why}")
            out.append(
                ResolveResult(
                    hostname=host,
                    host=str(address),
                    port=int(at),
                    family=kind,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return out

    async def close(self) -> None:
        """Nothing is held."""


class _Session:
    """A session of aiohttp that follows no redirect; aiobotocore leaves the default, which follows ten."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def request(self, *arguments: Any, **named: Any) -> Any:
        return await self._inner.request(*arguments, **{**named, "allow_redirects": False})


class NoRedirects(AIOHTTPSession):  # type: ignore[misc]
    """aiobotocore's session over `_Session`."""

    async def _get_session(self, proxy_url: str | None) -> _Session:
        return _Session(await super()._get_session(proxy_url))


@lru_cache(maxsize=4)
def client(http_hosts: tuple[str, ...] = ()) -> Any:
    """The file system of s3, its endpoint checked. One a process: it keeps its connections. Raises UsageError."""
    resolver = Resolver()
    files = fsspec.filesystem(
        "s3",
        skip_instance_cache=True,
        use_listings_cache=False,
        config_kwargs={
            "retries": {"total_max_attempts": int(os.environ.get("AWS_MAX_ATTEMPTS") or ATTEMPTS), "mode": "standard"},
            "connect_timeout": 10,
            "read_timeout": 60,
            "max_pool_connections": CONCURRENCY,
            "connector_args": {"resolver": resolver},
            "http_session_cls": NoRedirects,
        },
    )
    files.retries = 1  # botocore retries already; the two would multiply
    try:
        asked = sync(files.loop, files.set_session).meta.endpoint_url
    except ValueError as error:  # botocore's word for an endpoint that is no URL
        raise UsageError("the endpoint of s3 (AWS_ENDPOINT_URL) is no URL; give https://HOST:PORT") from error
    resolver.loopback_only = check(asked, http_hosts)
    return files


def check(url: str, http_hosts: Sequence[str] = ()) -> bool:
    """Hold an endpoint against the rules; whether it may only ever lead to loopback. Raises UsageError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError("the endpoint of s3 (AWS_ENDPOINT_URL) is no URL; give https://HOST:PORT") from error
    shown = _shown(parts)
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"the endpoint of s3 is {shown}; give https://HOST:PORT")
    if parts.username is not None or parts.password is not None:
        said = "holds a user or password; keys belong in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise UsageError(f"the endpoint of s3 ({shown}) {said}")
    plain = parts.scheme == "http" and host not in http_hosts
    for address in _addresses(host, port or 0):
        if why := refusal(address, loopback_only=plain):
            raise UsageError(f"the endpoint of s3 ({shown}) is at {address}, {why}")
    return plain


def refusal(address: str, *, loopback_only: bool) -> str | None:
    """Why an address is not asked; None where it may be."""
    if addresses.forbidden(address):
        return "a link-local, metadata or multicast address, which is never asked"
    if loopback_only and not addresses.loopback(address):
        return "which is not this machine: use https, or name the host in the setting s3_http_hosts"
    return None


def within(files: Any, work: Coroutine[Any, Any, T], size: int = 0) -> T:
    """The result of one transfer of `size` bytes. Raises TimeoutError where it takes longer than it may."""
    limit = PATIENCE_S + size / LEAST_BYTES_PER_S

    async def bounded() -> T:
        return await asyncio.wait_for(work, limit)

    found: T = sync(files.loop, bounded)
    return found


def code(error: BaseException) -> str:
    """The error code of the service, from the error or what it came from."""
    for one in (error, error.__cause__, error.__context__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""


def said(error: BaseException) -> str:
    """The first line of an error, cut."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def explained(what: str, error: Exception, *, bucket: str, doing: str) -> Exception:
    """`error` as what a user is told: `what` is the URI, `doing` what could not be done ("listed", "written")."""
    found = code(error)
    if isinstance(error, FileNotFoundError) or found in ("NoSuchBucket", "404"):
        return UsageError(f"{what}: no such bucket ({bucket})")
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"):
        return UsageError(f"{what}: no credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    where = f" at {os.environ['AWS_ENDPOINT_URL']}" if os.environ.get("AWS_ENDPOINT_URL") else ""
    return InputError(f"{what}{where}: cannot be {doing}: {said(_refused(error) or error)}")


def _refused(error: BaseException | None) -> Refused | None:
    """The refusal that an error of the client came from."""
    while error is not None and not isinstance(error, Refused):
        error = error.__cause__ or error.__context__
    return error


def _addresses(host: str, port: int) -> list[str]:
    """What a name stands for now; nothing where that is not known, which the first request will say."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _shown(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
