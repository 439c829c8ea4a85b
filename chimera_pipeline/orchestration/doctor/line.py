"""One line of the doctor's answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chimera_pipeline import redact


class Status(StrEnum):
    """`warn`: a run works, with less than it could; `fail`: a run would not."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Line:
    """What was looked at, how it stands, what was found, and what to do (empty where nothing is)."""

    check: str
    status: Status
    found: str
    fix: str = ""


def ok(check: str, found: str) -> Line:
    """Nothing to do."""
    return Line(check, Status.OK, redact.sentence(found))


def warn(check: str, found: str, fix: str) -> Line:
    """A run works, with less than it could."""
    return Line(check, Status.WARN, redact.sentence(found), fix)


def fail(check: str, found: str, fix: str) -> Line:
    """A run would not work."""
    return Line(check, Status.FAIL, redact.sentence(found), fix)
