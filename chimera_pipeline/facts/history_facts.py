"""History in words: facts of steps, of all lines without one together, of a period against the one before, and of gaps.

In: tables `measurements` (the whole store) and `series`. Out: facts of kind change, and of kind gap where a
period has nothing before it. What changed at a step is told beside it, never as its cause.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from chimera_pipeline import periods, wording
from chimera_pipeline.facts import ids
from chimera_pipeline.facts.comparisons_arms import records
from chimera_pipeline.facts.comparisons_text import comparison_facts
from chimera_pipeline.facts.comparisons_verdict import ALPHA, INSUFFICIENT, NO_DIFFERENCE
from chimera_pipeline.facts.history import History, Step, dated, falls_in, histories, period_changes, series_in
from chimera_pipeline.facts.history_changes import FEWEST
from chimera_pipeline.facts.history_lines import Line
from chimera_pipeline.facts.history_null import SEED
from chimera_pipeline.facts.rows import Rows, instant
from chimera_pipeline.records import Fact

NAMED = 5
"""How many quiet lines are named; all are in the fact's series."""


def history_facts(
    measurements: pd.DataFrame | Rows,
    series: pd.DataFrame,
    *,
    period: str = periods.ALL,
    alpha: float = ALPHA,
    seed: int = SEED,
) -> list[Fact]:
    """Facts of kind change: a fact for each step that falls into `period`, and one for all quiet lines of a metric.

    A line is quiet where no step of the period was found in it; lines too short to tell are counted apart.
    """
    out: list[Fact] = []
    quiet: dict[tuple[str, str], list[History]] = defaultdict(list)
    for history in histories(measurements, series, period=period, alpha=alpha, seed=seed):
        inside = [step for step in history.steps if falls_in(history.line.at[step.split], period)]
        out += [_step_fact(history, step, period) for step in inside]
        if not inside:
            verdict = INSUFFICIENT if history.found.p is None else NO_DIFFERENCE
            quiet[history.line.metric.name, verdict].append(history)
    return out + [_quiet_fact(members, verdict, period) for (_, verdict), members in sorted(quiet.items())]


def _step_fact(history: History, step: Step, period: str) -> Fact:
    line, shift = history.line, step.shift
    ratio = shift.ratio
    day = line.at[step.split].date().isoformat()
    last = line.at[step.split - 1].date().isoformat()
    rows = line.rows_between(step.start, step.end)
    return Fact(
        id="",
        kind="change",
        metric=line.metric.name,
        statistic=f"step at run {step.split + 1}",
        entity=line.entity,
        condition=line.condition,
        value=ratio if ratio is not None else shift.difference,
        unit="ratio" if ratio is not None else line.unit,
        n=step.end - step.start,
        period=period,
        grade="computed",
        text=_step_text(history, step, day),
        series_ids=tuple(dict.fromkeys(str(row["series_id"]) for row in line.series)),
        sources=ids.sources(rows),
        ci_low=shift.interval.low if shift.interval else None,
        ci_high=shift.interval.high if shift.interval else None,
        ci_method=shift.interval.method if shift.interval else None,
        ci_scope="between_runs" if shift.interval else None,
        verdict=step.verdict,
        baseline=f"{step.split - step.start} runs up to {last}",
        effect=ratio,
        p_value=history.found.p,
        q_value=history.q,
    )


def _step_text(history: History, step: Step, day: str) -> str:
    line, shift = history.line, step.shift
    before = float(pd.Series(line.values[step.start : step.split]).median())
    after = float(pd.Series(line.values[step.split : step.end]).median())
    name, size = ("shift", shift.difference) if shift.ratio is None else ("ratio", shift.ratio)
    levels = f"from {wording.quantity(before, line.unit)} to {wording.quantity(after, line.unit)}"
    place = f"at run {step.split + 1} of {line.values.size} ({day})"
    counts = f"n={step.end - step.split} and n={step.split - step.start} runs"
    parts = [
        f"{_subject(line)} stepped {levels} {place}, {name} {wording.number(size)}",
        f"{counts}, q = {wording.number(history.q or 0.0, 2)}",
        f"{step.verdict.replace('_', ' ')} ({step.reason})",
    ]
    if step.changed:
        parts.append(f"changed together: {', '.join(step.changed)}")
    return "; ".join(parts)


def _subject(line: Line) -> str:
    where = f" ({line.condition})" if line.condition else ""
    return f"{line.metric.label} of {line.entity}{where}"


def _quiet_fact(members: Sequence[History], verdict: str, period: str) -> Fact:
    """The lines of one metric in which no step was found, or that are too short to tell: how many and which."""
    metric = members[0].line.metric
    runs = [history.line.values.size for history in members]
    p = [history.found.p for history in members if history.found.p is not None]
    q = [history.q for history in members if history.q is not None]
    lone = members[0].line if len(members) == 1 else None
    return Fact(
        id="",
        kind="change",
        metric=metric.name,
        statistic="lines_without_step" if p else "lines_too_short",
        entity=lone.entity if lone else "artifacts",
        condition=lone.condition if lone else wording.count(len(members), "line"),
        value=float(len(members)),
        unit="lines",
        n=sum(runs),
        period=period,
        grade="computed" if p else "insufficient",
        text=_quiet_text(members, runs, q),
        series_ids=tuple(sorted({str(row["series_id"]) for history in members for row in history.line.series})),
        sources=ids.sources(Rows.joined(history.line.rows for history in members)),
        verdict=verdict,
        p_value=min(p, default=None),
        q_value=min(q, default=None),
    )


def _quiet_text(members: Sequence[History], runs: Sequence[int], q: Sequence[float]) -> str:
    extent = wording.count(runs[0], "run") if min(runs) == max(runs) else f"{min(runs)} to {max(runs)} runs"
    names = list(dict.fromkeys(history.line.entity for history in members))
    listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    label, lines = members[0].line.metric.label, wording.count(len(members), "line")
    if q:
        return f"{label}: no step found in {lines} of {extent} (smallest q = {wording.number(min(q), 2)}): {listed}"
    return f"{label}: {lines} of {extent} too short for a step to be found, {FEWEST} runs would allow it: {listed}"


def period_facts(
    measurements: pd.DataFrame | Rows, series: pd.DataFrame, *, period: str, alpha: float = ALPHA
) -> list[Fact]:
    """Facts of kind change against the period before, and of kind gap where nothing was measured then."""
    changes = period_changes(measurements, series, period=period, alpha=alpha)
    out = [dataclasses.replace(fact, kind="change") for fact in comparison_facts(changes)]
    return out + list(first_or_gap(measurements, series, period=period))


def first_or_gap(measurements: pd.DataFrame | Rows, series: pd.DataFrame, *, period: str) -> Iterator[Fact]:
    """Series of `period` without a measurement in the period before: their first period, or after a gap."""
    if period == periods.ALL:
        return
    before = periods.previous(period)
    now, then = dated(measurements, period), dated(measurements, before)
    start, _ = periods.bounds(period)
    every = Rows.of(measurements)
    earlier = every.take(every.known("period") & every.known("measured_at") & (every["measured_at"] < instant(start)))
    latest = {series_id: rows["measured_at"].max() for (series_id,), rows in earlier.groups("series_id")}
    names = {str(row["series_id"]): row for row in records(series)}
    for (series_id,), rows in now.take(~now.are("series_id", *series_in(then))).groups("series_id"):
        last = latest.get(series_id)
        day = None if last is None else pd.Timestamp(last, unit="us").date().isoformat()
        seen = "measured for the first time" if day is None else f"last measured on {day}"
        yield _gap_fact(names[series_id], rows, period, f"no measurement in {before}: {seen}")


def _gap_fact(series: Mapping[str, Any], rows: Rows, period: str, text: str) -> Fact:
    entity, condition = str(series["entity"]), str(series["condition"] or "")
    where = f" ({condition})" if condition else ""
    return Fact(
        id="",
        kind="gap",
        metric=str(rows["metric"][0]),
        statistic="count",
        entity=entity,
        condition=condition,
        value=0.0,
        unit="measurements",
        n=0,
        period=period,
        grade="computed",
        text=f"{entity}{where} has {text}",
        series_ids=(str(series["series_id"]),),
        sources=ids.sources(rows),
        baseline=periods.previous(period),
    )
