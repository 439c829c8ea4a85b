"""The folders of a run: artifacts that can be listed, an output folder that can be written and locked, own files."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chimera_pipeline.errors import ChimeraError
from chimera_pipeline.inventory import scan
from chimera_pipeline.orchestration.agents import profile_of
from chimera_pipeline.orchestration.doctor.line import Line, fail, ok, warn
from chimera_pipeline.orchestration.steps import reader_version
from chimera_pipeline.records import BENCHMARK_FORMATS
from chimera_pipeline.settings import Settings

LEAST_BYTES = 200 * 2**20
"""Below it a run fails sooner or later: tables, reports and the store of a small folder take some MiB."""
FEW_BYTES = 2 * 2**30
"""Below it the store of many thousand files may not fit, nor the embedded model."""
_LEAST_FILES = 1_000
_REMOTE = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "fuse.")
_PASSING = ("tmpfs", "ramfs")


def artifacts(settings: Settings) -> Iterator[Line]:
    """The root of the result files: there, listed, and how much of it is of a kind that can be read."""
    shown = settings.artifacts
    asked = "artifacts" in settings.model_fields_set
    try:
        found = scan.scan(scan.open_root(shown, settings.s3_http_hosts))
    except ChimeraError as error:
        told = fail if asked else warn
        yield told("artifacts", str(error), "give a folder, a file or a URI: chimera run FOLDER")
        return
    benchmark = sum(artifact.format in BENCHMARK_FORMATS for artifact in found)
    refused = [artifact for artifact in found if artifact.skip_reason is not None]
    counted = f"{shown}: {len(found)} files, {benchmark} of them csv, json or markdown"
    if refused:
        first = refused[0]
        said = f"{counted}; {len(refused)} cannot be read ({first.path}: {first.skip_reason})"
        yield warn("artifacts", said, "see docs/reason-codes.md; chimera explain PATH says more after a run")
    elif not benchmark:
        yield warn("artifacts", counted, "give the folder that holds the result files: chimera run FOLDER")
    else:
        yield ok("artifacts", counted)


def out(settings: Settings) -> Iterator[Line]:
    """The output folder, or the nearest folder above it that is there: writable, locks hold, room is left."""
    folder = nearest(settings.out)
    kind = file_system(folder)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".chimera-doctor-") as probe:
            probe.write(b"probe")
            os.fsync(probe.fileno())
            fcntl.flock(probe.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        said = f"{settings.out}: cannot be written or locked in {folder.resolve()} ({kind}): {error.strerror}"
        yield fail("out", said, "give a folder that you may write: --out FOLDER")
        return
    where = f"{settings.out} ({kind})" if folder == settings.out else f"{settings.out}, to be made ({kind})"
    if kind.startswith(_REMOTE):
        fix = "one machine: put --out on a local disk; several: a file system whose locks hold between machines"
        yield warn("out", f"{where} is reached over a network or through FUSE", fix)
    elif kind.startswith(_PASSING):
        yield warn("out", f"{where} is gone after a restart", "put --out on a disk to keep the reports")
    else:
        yield ok("out", where)
    yield from _room(folder)


def own_files(settings: Settings) -> Iterator[Line]:
    """Sources and profiles of the user's own."""
    try:
        profile = profile_of(settings)
    except ChimeraError as error:
        yield fail("profile", str(error), "chimera profiles list")
    else:
        yield ok("profile", f"{settings.profile} ({profile.description})")
    if settings.sources is None:
        return
    try:
        reader_version(settings)
    except ChimeraError as error:
        yield fail("sources", str(error), "docs/howto/add-a-source.md; chimera explain FILE drafts a source")
    else:
        count = sum(1 for path in settings.sources.iterdir() if path.suffix in (".yaml", ".yml"))
        yield ok("sources", f"{count} of your own in {settings.sources}")


def _room(folder: Path) -> Iterator[Line]:
    free = shutil.disk_usage(folder).free
    nodes = os.statvfs(folder)
    shown, fix = f"{free // 2**20:,} MiB free", f"free space under {folder.resolve()}, or give another --out"
    if free < LEAST_BYTES:
        yield fail("disk", shown, fix)
    elif nodes.f_files and nodes.f_favail < _LEAST_FILES:
        yield fail("disk", f"{shown}, but only {nodes.f_favail} more files (inodes)", fix)
    elif free < FEW_BYTES:
        yield warn("disk", shown, fix)
    else:
        yield ok("disk", shown)


def nearest(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there."""
    return next(folder for folder in (path, *path.parents, Path()) if folder.exists())


def file_system(folder: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The type of the file system that holds `folder`; "unknown" where the machine does not tell."""
    if not mounts.is_file():
        return "unknown"
    here = folder.resolve()
    found = [line.split()[1:3] for line in mounts.read_text("utf-8", "replace").splitlines()]
    # of two mounts on one point the later one is seen; \040 is a blank in a path
    over = [(point.replace("\\040", " "), kind) for point, kind in found]
    holding = [(len(Path(point).parts), order, kind) for order, (point, kind) in enumerate(over)
               if here.is_relative_to(point)]  # fmt: skip
    return max(holding)[2] if holding else "unknown"
