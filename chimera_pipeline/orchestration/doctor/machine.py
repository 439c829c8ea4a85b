"""The rest of the machine: ports, clock, character encoding."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import chimera_pipeline
from chimera_pipeline.orchestration.doctor.folders import nearest
from chimera_pipeline.orchestration.doctor.line import Line, fail, ok, warn
from chimera_pipeline.settings import Settings

UI_PORT = 3000
MOST_SKEW_S = 2.0
"""Between this clock and the file system's: more of it and a file that was just written seems old, or of tomorrow."""


def ports(_: Settings, port: int = UI_PORT) -> Iterator[Line]:
    """The port of the Dagster UI is free, or a Dagster UI is what listens there."""
    name = f"port {port}"
    problem = taken(port)
    if problem is None:
        yield ok(name, "free, for the Dagster UI")
        return
    version = _webserver(port)
    if version is not None:
        yield ok(name, f"a Dagster UI runs there ({version})")
    else:
        yield warn(name, problem, f"chimera ui --port {port + 1}")


def taken(port: int) -> str | None:
    """Why nothing can listen on that port of loopback; None where it is free."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def _webserver(port: int) -> str | None:
    """The version that a Dagster webserver on that port states; None where something else answers."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}/server_info", timeout=2) as answer:
            found = json.loads(answer.read(4096))
        return str(found["dagster_webserver_version"])[:20]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def clock(settings: Settings) -> Iterator[Line]:
    """This clock is not behind the files of this program, and agrees with the file system under `out`."""
    now = time.time()
    shown = dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    written = Path(chimera_pipeline.__file__).stat().st_mtime
    if now < written - 86_400:
        yield fail("clock", f"{shown} is before this program was installed", "set it: results would be of tomorrow")
        return
    skew = _skew(nearest(settings.out))
    if skew is not None and abs(skew) > MOST_SKEW_S:
        yield warn(
            "clock",
            f"{shown}; the file system of {settings.out} is {skew:+.0f} s off",
            "set both by NTP; until then settle_seconds must be larger than that",
        )
    else:
        yield ok("clock", shown)


def _skew(folder: Path) -> float | None:
    """Seconds that the clock of the file system is ahead of ours; None where no file can be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".chimera-doctor-") as probe:
            probe.write(b"probe")
            probe.flush()
            return os.fstat(probe.fileno()).st_mtime - time.time()
    except OSError:
        return None


def locale(_: Settings) -> Iterator[Line]:
    """Text goes out as UTF-8; whether it may be coloured."""
    encodings = {"stdout": sys.stdout.encoding, "file names": sys.getfilesystemencoding()}
    colours = "off (NO_COLOR)" if os.environ.get("NO_COLOR") else "on a terminal"
    other = [f"{what} is {found}" for what, found in encodings.items() if found.lower() not in ("utf-8", "utf8")]
    if other:
        yield warn("locale", ", ".join(other), "export LC_ALL=C.UTF-8 (or PYTHONUTF8=1)")
    else:
        yield ok("locale", f"UTF-8; colours {colours}")
