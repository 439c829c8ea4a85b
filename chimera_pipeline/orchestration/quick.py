"""The same command over the same files: answered before settings, the command line or any other library is imported.

Standard library only. It holds where command, folder, environment, `chimera.toml`, schemas and version are those of
the last run, and every name, size and time under the root is; whatever else may be the case, the long way decides
(`unchanged`, then the run). Nothing but the list of files is kept for it, as one hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import chimera_pipeline

KEY = "quick"
_PLAIN = frozenset({"--json", "-q", "--quiet"})
_VALUED = frozenset({"--out", "--period", "--llm", "--model", "--profile"})
_MARKER = ".chimera-out"
_STORE = Path(".chimera") / "store-v2.sqlite"


def command_key(arguments: Sequence[str]) -> str:
    """A hash of everything but the artifacts that says what a command does; how it tells of that is no matter."""
    arguments = [word for word in arguments if word not in _PLAIN]
    digest = hashlib.sha256(f"{chimera_pipeline.__version__}\0{Path.cwd()}\0".encode("utf-8", "surrogateescape"))
    digest.update("\0".join(arguments).encode("utf-8", "surrogateescape"))
    for name in sorted(os.environ):
        if name.startswith("CHIMERA_") or name == "OLLAMA_HOST":
            digest.update(f"\0{name}={os.environ[name]}".encode("utf-8", "surrogateescape"))
    config = Path("chimera.toml")
    digest.update(config.read_bytes() if config.is_file() else b"\0")
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "schemas", package.parent / "schemas"):
        for path in sorted(folder.rglob("*.yaml")):
            found = path.stat()
            digest.update(f"\0{path}{found.st_size},{found.st_mtime_ns}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def files_key(folder: str) -> str | None:
    """A hash of every path, size and time under `folder`; None where the long way has to look."""
    pending, lines = [(folder, "")], []
    while pending:
        here, shown = pending.pop()
        try:
            with os.scandir(here) as entries:
                found = list(entries)
            if any(entry.name == _MARKER for entry in found):
                continue
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, f"{shown}{entry.name}/"))
                else:
                    stat = entry.stat(follow_symlinks=False)
                    lines.append(f"{shown}{entry.name}\0{stat.st_size}\0{stat.st_mtime_ns}")
        except OSError:
            return None
    return _hash(lines)


def stock_key(stamps: Iterable[tuple[str, int, int]]) -> str | None:
    """The `files_key` of a manifest's (path, size, time)."""
    return _hash([f"{path}\0{size}\0{mtime_ns}" for path, size, mtime_ns in stamps])


def _hash(lines: list[str]) -> str | None:
    lines.sort()
    try:
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    except UnicodeEncodeError:  # a name outside UTF-8, which the manifest spells otherwise
        return None


def out_of(arguments: Sequence[str]) -> Path | None:
    """The output folder of a plain `run ARTIFACTS [options]`; None where the long way has to parse it."""
    if len(arguments) < 2 or arguments[0] != "run":
        return None
    out = os.environ.get("CHIMERA_OUT")
    rest, places = list(arguments[1:]), 0
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in _VALUED:
            value = value if equals else rest.pop(0) if rest else ""
            out = value if name == "--out" else out
        elif not word.startswith("-"):
            places += 1
        elif word not in _PLAIN:
            return None
    if places != 1 or (out is None and Path("chimera.toml").exists()):
        return None
    return Path(out or "chimera-out")


def last_run(arguments: Sequence[str]) -> dict[str, Any] | None:
    """The result of the last run, where this command over these files would give it again."""
    out = out_of(arguments)
    if out is None or not (out / _STORE).is_file():
        return None
    try:
        with sqlite3.connect(f"{(out / _STORE).resolve().as_uri()}?mode=ro", uri=True) as store:
            row = store.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).fetchone()
            kept = json.loads(row[0]) if row else None
            if not kept or kept["command"] != command_key(arguments) or kept["files"] != files_key(kept["folder"]):
                return None
            last = store.execute("SELECT value FROM meta WHERE key = 'last_run'").fetchone()
    except (OSError, sqlite3.Error, KeyError, ValueError):
        return None
    result: dict[str, Any] = json.loads(last[0])["result"] if last else {}
    published = [report[name] for report in result.get("reports", ()) for name in ("md", "html", "json")]
    return result if published and all(os.path.isfile(path) for path in published) else None  # noqa: PTH113 - quick


def answered(arguments: Sequence[str]) -> bool:
    """Print the result of the last run where it still holds; say whether it did."""
    started = time.perf_counter()
    result = last_run(arguments)
    if result is None:
        return False
    total = time.perf_counter() - started
    if not {"-q", "--quiet"} & set(arguments):
        print(f"nothing changed ({total:.1f} s)", file=sys.stderr)
    if "--json" in arguments:
        result["durations_s"] = {**dict.fromkeys(result["durations_s"], 0.0), "total": total}
        print(json.dumps(result, indent=2))
    else:
        for report in result["reports"]:
            print(report["md"])
    return True
