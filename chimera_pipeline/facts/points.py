"""The points behind facts: what a chart may draw of a fact beside its value.

In: facts, tables `measurements` (the whole store) and `series`. Out: for a level its single measurements, for a
line of history its runs. Points are given only where they are exactly as many as the fact's n, so a drawing can
never show other rows than those that the fact rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from chimera_pipeline.facts import build, ids
from chimera_pipeline.facts.history_lines import Line, beside, lines_of
from chimera_pipeline.facts.places import PLACE
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.records import Fact

MOST = 60
"""A level with more samples gives no points: its interval and extremes tell more than a cloud."""
_TOLD = ("phase", *PLACE)
_PHASES = {"": None, "cold": "cold", "warm": "warm", "phase unknown": "unknown"}


def points_of(
    facts: Iterable[Fact], measurements: pd.DataFrame | Rows, series: pd.DataFrame, *, period: str
) -> dict[str, dict[str, Any]]:
    """fact id -> {points: [{value, source, phase | at, n}], changes: [{before_run, what}]}."""
    facts, measurements = list(facts), Rows.of(measurements)
    return dict(_of_levels(facts, build.in_period(measurements, period), series)) | dict(
        _of_lines(facts, measurements, series)
    )


def series_of(facts: Iterable[Fact], series: pd.DataFrame) -> set[str]:
    """The series whose measurements `points_of` asks for: of levels over few samples, and of lines of history with
    all that could stand in one line with them."""
    levels: set[str] = set()
    lines: set[str] = set()
    for fact in facts:
        if _few(fact):
            levels.update(fact.series_ids)
        elif _line(fact):
            lines.update(fact.series_ids)
    return levels | beside(lines, series)


def _few(fact: Fact) -> bool:
    """Whether a fact is a mean over so few samples that they are points."""
    whole = fact.statistic == "mean" and fact.grade == "from_samples" and len(fact.series_ids) == 1
    return whole and fact.n is not None and fact.n <= MOST


def _line(fact: Fact) -> bool:
    return fact.kind == "change" and fact.statistic.startswith("step")


def _of_levels(facts: list[Fact], measurements: Rows, series: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    ok = measurements.take(measurements.are("status", "ok") & measurements.are("statistic", "sample"))
    groups = dict(ok.groups("series_id", "metric", "unit"))
    conditions = dict(zip(series["series_id"], series["condition"].fillna(""), strict=True))
    for fact in facts:
        if not _few(fact):
            continue
        rows = groups.get((fact.series_ids[0], fact.metric, fact.unit))
        if rows is None:
            continue
        phase = _phase(fact.condition, conditions.get(fact.series_ids[0], ""))
        rows = rows if phase is None else rows.where("phase", phase)
        if len(rows) == fact.n:
            yield fact.id, {"points": list(_points(rows)), "changes": []}


def _phase(condition: str, own: str) -> str | None:
    """The phase that a fact's condition puts in front of its series' own condition."""
    for words, phase in _PHASES.items():
        if condition == ", ".join(filter(None, [words, own])):
            return phase
    return None


def _points(rows: Rows) -> Iterator[dict[str, Any]]:
    for value, phase, path, sha256, locator in zip(
        rows["value"].tolist(), *(rows[name] for name in _TOLD), strict=True
    ):
        yield {"value": value, "phase": phase, "source": f"{path}#{locator}@{str(sha256)[:12]}"}


def _of_lines(facts: list[Fact], measurements: Rows, series: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    wanted = [fact for fact in facts if _line(fact)]
    if not wanted:
        return
    lines = {_line_key(line): line for line in lines_of(measurements, series)}
    drawn: dict[int, dict[str, Any]] = {}
    for fact in wanted:
        line = lines.get((fact.metric, fact.condition, fact.series_ids))
        if line is not None and (fact.statistic != "steps" or fact.n == line.values.size):
            yield fact.id, drawn.setdefault(id(line), _drawn(line))


def _line_key(line: Line) -> tuple[str, str, tuple[str, ...]]:
    return line.metric.name, line.condition, tuple(dict.fromkeys(str(row["series_id"]) for row in line.series))


def _drawn(line: Line) -> dict[str, Any]:
    """The runs of a line in order of time, and where its identity changed."""
    points = []
    for i, (value, at) in enumerate(zip(line.values.tolist(), line.at, strict=True)):
        rows = line.rows_between(i, i + 1)
        points.append({"value": value, "at": at.isoformat(), "n": len(rows), "source": "; ".join(ids.sources(rows))})
    changes = [
        {"before_run": i + 1, "what": ", ".join(line.changed_at(i))}
        for i in range(1, len(points))
        if line.series[i - 1]["series_id"] != line.series[i]["series_id"]
    ]
    return {"unit": line.unit, "points": points, "changes": changes}
