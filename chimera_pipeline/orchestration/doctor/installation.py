"""Interpreter, packages against the bounds of this package, extras, schemas."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from chimera_pipeline import versions
from chimera_pipeline.contracts import schemas as schemas_room
from chimera_pipeline.contracts import tables
from chimera_pipeline.errors import ChimeraError
from chimera_pipeline.orchestration.doctor.line import Line, fail, ok, warn
from chimera_pipeline.settings import Settings

_NEWEST_TRIED = (3, 14)
_NOT_FOR_USERS = frozenset({"dev"})


def interpreter(_: Settings) -> Iterator[Line]:
    """This package and the Python that runs it."""
    yield ok("chimera_pipeline", versions.this())
    python = ".".join(str(part) for part in sys.version_info[:3])
    wanted = _requires_python()
    if not wanted.contains(python, prereleases=True):
        yield fail("python", f"{python}, needs {wanted}", "install it in a Python 3.11 to 3.14")
    elif sys.version_info[:2] > _NEWEST_TRIED:
        newest = ".".join(str(part) for part in _NEWEST_TRIED)
        yield warn("python", f"{python} is newer than {newest}, the newest that was tried", f"use Python {newest}")
    else:
        yield ok("python", f"{python} (needs {wanted}) at {sys.executable}")


def packages(_: Settings) -> Iterator[Line]:
    """What the package needs, each within its bounds."""
    needed = [one for one in _requirements() if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = {one.name: said for one in needed if (said := _outside(one))}
    for name, said in wrong.items():
        yield fail(f"package {name}", said, "install again: pip install --upgrade chimera-pipeline, or make report")
    if not needed:
        yield warn(
            "packages",
            "chimera-pipeline is not installed here: its bounds are unknown",
            "install it: pip install chimera-pipeline; or run make report in a checkout",
        )
    elif not wrong:
        dagster = importlib.metadata.version("dagster")
        yield ok("packages", f"{len(needed)} within their bounds, dagster {dagster}")


def extras(_: Settings) -> Iterator[Line]:
    """Which extras are whole; one that is there in part only is told."""
    try:
        names = importlib.metadata.metadata(versions.PACKAGE).get_all("Provides-Extra") or []
    except importlib.metadata.PackageNotFoundError:
        return
    there, absent = [], []
    for name in sorted(set(names) - _NOT_FOR_USERS):
        wanted = [one for one in _requirements() if one.marker and _only_in(one, name)]
        problems = {one.name: said for one in wanted if (said := _outside(one))}
        if not problems:
            there.append(name)
        elif len(problems) == len(wanted):
            absent.append(name)
        else:
            said = "; ".join(f"{package}: {problem}" for package, problem in problems.items())
            yield warn(f"extra {name}", f"in part only: {said}", f"pip install 'chimera-pipeline[{name}]'")
    without = f"; not installed: {', '.join(absent)}" if absent else ""
    yield ok("extras", f"{', '.join(there) or 'none'}{without}")


def schemas(_: Settings) -> Iterator[Line]:
    """The contracts that came with the package can be loaded."""
    try:
        for table in tables.TABLES:
            tables.columns(table)
    except ChimeraError as error:
        yield fail("schemas", str(error), "install the package again")
    else:
        yield ok("schemas", f"{len(tables.TABLES)} tables in {schemas_room.folder().name}/")


def _requirements() -> list[Requirement]:
    try:
        return [Requirement(line) for line in importlib.metadata.requires(versions.PACKAGE) or []]
    except importlib.metadata.PackageNotFoundError:
        return []


def _requires_python() -> SpecifierSet:
    try:
        return SpecifierSet(importlib.metadata.metadata(versions.PACKAGE)["Requires-Python"])
    except importlib.metadata.PackageNotFoundError:
        return SpecifierSet(">=3.11")


def _only_in(one: Requirement, extra: str) -> bool:
    assert one.marker is not None
    return one.marker.evaluate({"extra": extra}) and not one.marker.evaluate({"extra": ""})


def _outside(one: Requirement) -> str | None:
    """What is wrong with an installed package; None where it is within its bounds."""
    try:
        found = importlib.metadata.version(one.name)
    except importlib.metadata.PackageNotFoundError:
        return f"missing, needs {one.specifier}"
    return None if one.specifier.contains(found, prereleases=True) else f"{found}, needs {one.specifier}"
