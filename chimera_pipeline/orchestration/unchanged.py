"""Has anything changed since the last run? Answered from the manifest, before Dagster or pandas is imported.

What counts: every name, size and time under the root, the settings, the program's and the schemas' versions, and
that what was published is still there.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from chimera_pipeline import __version__
from chimera_pipeline.contracts import schemas
from chimera_pipeline.inventory import changes, scan
from chimera_pipeline.inventory.store import FOLDER, LAST_RUN, QUICK, VERSION, Store
from chimera_pipeline.orchestration import quick
from chimera_pipeline.records import Artifact
from chimera_pipeline.settings import Settings


def fingerprint(settings: Settings, options: dict[str, Any]) -> str:
    """A hash of everything but the artifacts that a run's outputs follow from."""
    digest = hashlib.sha256(__version__.encode())
    digest.update(settings.model_dump_json(exclude={"artifacts", "out", "workers"}).encode())
    digest.update(repr(sorted(options.items())).encode())
    digest.update(str(scan.open_root(settings.artifacts, settings.s3_http_hosts)).encode("utf-8", "surrogateescape"))
    folders = [schemas.folder()] + ([settings.sources] if settings.sources else [])
    files = sorted(path for folder in folders for path in folder.rglob("*.yaml"))
    for path in [*files, *filter(None, [settings.profiles])]:
        digest.update(path.read_bytes() if path.is_file() else b"")
    digest.update(os.environ.get("OLLAMA_HOST", "").encode())
    return digest.hexdigest()


def last_run(settings: Settings, options: dict[str, Any]) -> dict[str, Any] | None:
    """The result of the last run where it still holds, else None."""
    if not (settings.out / FOLDER / f"store-v{VERSION}.sqlite").is_file():
        return None
    with Store(settings.out) as store:
        kept = store.get(LAST_RUN)
        if not kept or kept["fingerprint"] != fingerprint(settings, options):
            return None
        known = store.manifest()
    # another run may have taken stock since, and not have come to its report
    if kept.get("manifest") != _digest(known):
        return None
    if not changes.unchanged(scan.scan(scan.open_root(settings.artifacts, settings.s3_http_hosts)), known):
        return None
    result: dict[str, Any] = kept["result"]
    published = [Path(report[name]) for report in result["reports"] for name in ("md", "html", "json")]
    return result if all(path.is_file() for path in published) else None


def remember(settings: Settings, options: dict[str, Any], result: dict[str, Any]) -> None:
    """Keep the result of a run that has ended well, and what tells the same command over the same files.

    One whose model failed is made again: the model may be back.
    """
    asked = settings.llm in ("ollama", "openai", "llamacpp") or result["llm"] is not None
    if asked and result["narrative"]["mode"] == "deterministic":
        return
    with Store(settings.out) as store:
        kept = {"fingerprint": fingerprint(settings, options), "manifest": _digest(store.manifest()), "result": result}
        store.put(LAST_RUN, kept)
        store.put(QUICK, _quick(settings, store))


def _digest(manifest: dict[str, Artifact]) -> str:
    return hashlib.sha256(repr(sorted(manifest.items())).encode("utf-8", "surrogatepass")).hexdigest()


def _quick(settings: Settings, store: Store) -> dict[str, Any] | None:
    """None where a file waits for the next run, or where more than a folder of files has to be looked at."""
    root = scan.open_root(settings.artifacts, settings.s3_http_hosts)
    known = store.stamps()
    if not isinstance(root, scan.FolderRoot) or root.only or settings.sources or settings.profiles:
        return None
    if any(reason in changes.RETRY for *_, reason in known.values()):
        return None
    return {
        "command": quick.command_key(sys.argv[1:]),
        "folder": str(root.folder),
        "files": quick.stock_key((path, stamp[0], stamp[1]) for path, stamp in known.items()),
    }
