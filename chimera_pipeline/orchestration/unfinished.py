"""What a run that was cut off leaves behind: finished by who may write, refused as a base for facts, said to readers.

`tables/unfinished.json` stands from before the first table of an ingest is written until the last one is: while it is
there, tables of two ingests may lie side by side. Reports are published whole; the tables of their period come first,
so a report that is being made anew carries the mark of `staleness` until it is there. Imports nothing heavy.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from chimera_pipeline import atomic
from chimera_pipeline.errors import ChimeraError, InputError
from chimera_pipeline.inventory.store import sole_writer
from chimera_pipeline.orchestration import staleness

MARK = "unfinished.json"


def begin(out: Path, tables: Collection[str]) -> None:
    """Say that an ingest has yet to write `tables`; none: that it has come to its end."""
    if not tables:
        _mark(out).unlink(missing_ok=True)
        return
    names = sorted(tables)
    reason = (
        f"the tables under {out / 'tables'} are of two ingests: one began and has not written {', '.join(names)}. "
        "Wait for it, or run it again: chimera run ARTIFACTS, or ingest_job"
    )
    atomic.write_text(_mark(out), json.dumps({"tables": names, "reason": reason}, indent=2) + "\n")


def refuse(out: Path, needed: Collection[str]) -> None:
    """Raises InputError where an ingest did not come to write one of the `needed` tables: the others are newer."""
    left = _left(out)
    if left and set(needed) & set(left["tables"]):
        raise InputError(left["reason"])


def finish(out: Path, periods: Collection[str] | None = None) -> None:
    """Finish what killed runs had decided to publish: of `periods`, or all of it and the index over them.

    Who calls it holds the locks of what it finishes.
    """
    for folder in _undone(out):
        if periods is None or folder.name in periods:
            atomic.finish(folder)


def told(out: Path, period: str | None = None) -> list[str]:
    """What a reader has to know of the tables, and of the report of `period`. Publications that a killed run had
    decided are finished first, where no run is at work."""
    notes = []
    if _undone(out):
        try:
            with sole_writer(out):
                finish(out)
        except ChimeraError as error:
            notes.append(f"a publication has been decided and is not finished: {error}")
    left = _left(out)
    if left:
        notes.append(left["reason"])
    why = staleness.reason(out, period) if period else None
    return [*notes, *([f"the report of {period} is not of the newest tables: {why}"] if why else [])]


def _undone(out: Path) -> list[Path]:
    reports = out / "reports"
    return [folder for folder in (reports, *atomic.listed(reports, "*")) if atomic.unfinished(folder)]


def _left(out: Path) -> dict[str, str] | None:
    try:
        found: dict[str, str] = json.loads(_mark(out).read_bytes())
    except FileNotFoundError:
        return None
    return found


def _mark(out: Path) -> Path:
    return out / "tables" / MARK
