"""Telemetry gaps: what pandera finds missing, and what the store as a whole lacks.

In: entries that count, once rows are dated. Out: `Gap`s, one for each kind x field x file
kind, with the files concerned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from chimera_pipeline.contracts import validation
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Gap, Row

_META = frozenset({"field_sources", "time_source", "time_naive", "series_id", "phase"})
_SEVERITY_ORDER = {"error": 0, "warning": 1, "info": 2}


_Found = dict[tuple[str, str, str], Counter[str]]
"""Kind of file, kind of gap and field -> how often, by path."""


class Telemetry:
    """What files lack of what their kind must carry, and rows that contradict themselves, as files go by."""

    def __init__(self) -> None:
        self._found: _Found = defaultdict(Counter)

    def look_at(self, entries: Iterable[Entry]) -> None:
        """Take the next entries that count; many at once cost little more than one."""
        shapes: dict[tuple[str, tuple[str, ...]], list[tuple[Row, str]]] = defaultdict(list)
        for entry in entries:
            wanted = validation.requirement(entry.reading.kind)
            if wanted is None:
                continue
            ok = [row for row in entry.rows.get(wanted.table, ()) if row.get("status", "ok") == "ok"]
            shapes[wanted.kind, _stated(ok)] += [(row, entry.path) for row in ok]
        for (kind, fields), rows in sorted(shapes.items()):
            if rows:
                _collect(kind, fields, rows, self._found)

    def told(self) -> dict[str, list[Any]]:
        """All of it as plain values, for `add`, by path."""
        out: dict[str, list[Any]] = defaultdict(list)
        for key, counts in self._found.items():
            for path, count in counts.items():
                out[path].append([*key, count])
        return out

    def add(self, told: dict[str, list[Any]]) -> None:
        """Take what others were told."""
        for path, found in told.items():
            for kind, gap, field, count in found:
                self._found[kind, gap, field][path] += count

    def gaps(self) -> list[Gap]:
        """A gap for each kind of file, kind of gap and field."""
        return [_gap(*key, counts) for key, counts in sorted(self._found.items())]


def _stated(rows: list[Row]) -> tuple[str, ...]:
    """The fields that the rows of a file (or twin) state: an instant from a name or a file time is not stated."""
    fields = set().union(*rows) - _META
    if not any(row["time_source"] == "content" for row in rows):
        fields.discard("measured_at")
    return tuple(sorted(fields))


def _collect(
    kind: str,
    fields: tuple[str, ...],
    rows: list[tuple[Row, str]],
    found: _Found,
) -> None:
    asked = validation.asked_fields(kind)
    data = {name: [row.get(name) for row, _ in rows] for name in fields if name in asked}
    if "measured_at" in data:
        data["measured_at"] = [row.get("measured_at") if row["time_source"] == "content" else None for row, _ in rows]
    frame = pd.DataFrame(data, index=range(len(rows)))
    cases = validation.telemetry_failures(kind, frame)
    for gap, field, index in zip(cases["gap"], cases["field"], cases["index"], strict=True):
        where = [rows[int(index)][1]] if pd.notna(index) else [path for _, path in rows]
        found[kind, str(gap), str(field)].update(where)


def _gap(kind: str, gap: str, field: str, counts: Counter[str]) -> Gap:
    meaning = validation.field_meaning(field)
    wanted = validation.requirement(kind)
    if gap == "inconsistent":
        meaning = {
            "severity": "warning",
            "consequence": f"{field} disagrees with the fields it follows from; both are kept as stated",
            "remedy": "check how the tool computes it",
        }
    elif gap == "missing_field":
        gap = meaning.get("kind", gap)
    return Gap(
        kind=gap,
        table=wanted.table if wanted else "",
        field=field,
        subject=kind.replace("_", " "),
        artifacts=tuple(sorted(counts)),
        count=counts.total(),
        severity=meaning["severity"],
        consequence=meaning["consequence"],
        remedy=meaning["remedy"],
    )


def failed_request_gaps(entry: Entry) -> list[Gap]:
    """The gap of a file in which records failed: how many of how many, and the kinds of error."""
    failed = entry.reading.records_failed
    if not failed:
        return []
    kinds = sorted({str(row["error_kind"]) for _, row in entry.all_rows() if row.get("error_kind")})
    total = failed + entry.reading.records_ok
    gap = Gap(
        kind="failed_requests",
        table="llm_requests" if "llm_requests" in entry.rows else "artifacts",
        subject=entry.path,
        artifacts=(entry.path,),
        count=failed,
        severity="error" if failed == total else "warning",
        consequence=f"{failed} of {total} records failed ({', '.join(kinds) or 'unknown'}) and enter no mean",
        remedy="repeat the run",
    )
    return [gap]


def missing_directories(paths: Collection[str], expected: list[str]) -> list[Gap]:
    """Folders of the setting `expected_dirs` that hold no file."""
    return [
        Gap(
            kind="missing_directory",
            table="artifacts",
            subject=folder,
            severity="warning",
            consequence=f"nothing under {folder}/ was evaluated",
            remedy=f"add benchmark files under {folder}/ or take it out of expected_dirs",
        )
        for folder in expected
        if not any(path.startswith(folder.strip("/") + "/") for path in paths)
    ]


def order(gaps: list[Gap]) -> list[Gap]:
    """Gaps in a fixed order: errors first."""
    return sorted(
        gaps,
        key=lambda gap: (
            _SEVERITY_ORDER[gap.severity],
            gap.kind,
            gap.subject,
            gap.field or "",
            gap.artifacts,
        ),
    )
