"""Machines for tests: network namespaces with addresses of their own on one bridge, none of it seen by the host.

The first machine holds the bridge. What runs on a machine is killed by `lose`, all at once and with -9, and by
leaving the context. Needs root and iproute2.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def cannot() -> str | None:
    """Why there can be no machines here; None where there can."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "platform: needs root and iproute2 for network namespaces"
    name = f"probe{secrets.token_hex(2)}"
    found = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if found.returncode:
        return f"platform: network namespaces are not allowed here ({found.stderr.strip()})"
    _ip("netns", "del", name)
    return None


class Machines:
    """Use as a context manager; `add` makes a machine and gives its address."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._tag = f"cr{secrets.token_hex(2)}"
        self._bridge = ""
        self._alive: list[str] = []
        self._made = 0
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Machines:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._alive):
            self.lose(name)
        for process in self._started:
            process.wait()

    def add(self, name: str) -> str:
        """A machine on the same network as the others."""
        space = self._space(name)
        self._made += 1
        address = f"10.231.7.{self._made}"
        _ip("netns", "add", space)
        self._alive.append(name)
        _inside(space, "ip", "link", "set", "lo", "up")
        if not self._bridge:
            self._bridge = space
            _inside(space, "ip", "link", "add", "lan", "type", "bridge")
            _inside(space, "ip", "address", "add", f"{address}/24", "dev", "lan")
            _inside(space, "ip", "link", "set", "lan", "up")
            return address
        port = f"port{self._made}"
        _ip("link", "add", port, "netns", self._bridge, "type", "veth", "peer", "name", "eth0", "netns", space)
        _inside(self._bridge, "ip", "link", "set", port, "master", "lan", "up")
        _inside(space, "ip", "address", "add", f"{address}/24", "dev", "eth0")
        _inside(space, "ip", "link", "set", "eth0", "up")
        return address

    def start(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a command on a machine; what it says goes to `<logs>/<name>.log`."""
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self._space(name), *command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def said(self, name: str) -> str:
        """What the commands of a machine said."""
        return (self._logs / f"{name}.log").read_text("utf-8", "replace")

    def processes(self, name: str, *words: str) -> list[int]:
        """The processes of a machine whose command line holds all of `words`."""
        found = []
        for pid in _inside_pids(self._space(name)):
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if all(word in line for word in words):
                    found.append(pid)
        return found

    def lose(self, name: str) -> None:
        """Kill everything on a machine with -9 and take it off the network."""
        space = self._space(name)
        deadline = time.monotonic() + 30
        while (pids := _inside_pids(space)) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        _ip("netns", "del", space)
        self._alive.remove(name)

    def _space(self, name: str) -> str:
        return f"{self._tag}-{name}"


def _inside_pids(space: str) -> list[int]:
    found = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def _inside(space: str, *command: str) -> None:
    _ip("netns", "exec", space, *command)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
