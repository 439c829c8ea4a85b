"""History in words: facts of steps, of lines without one, of a period against the one before, and of gaps.

In: tables `measurements` (the whole store) and `series`. Out: facts of kind change, and of kind gap where a
period has nothing before it. What changed at a step is told beside it, never as its cause.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from chimera_pipeline import periods, wording
from chimera_pipeline.facts import ids
from chimera_pipeline.facts.comparisons_arms import records
from chimera_pipeline.facts.comparisons_text import comparison_facts
from chimera_pipeline.facts.comparisons_verdict import ALPHA, INSUFFICIENT, NO_DIFFERENCE
from chimera_pipeline.facts.history import History, Step, dated, falls_in, histories, period_changes
from chimera_pipeline.facts.history_changes import FEWEST
from chimera_pipeline.facts.history_lines import Line
from chimera_pipeline.facts.history_null import SEED
from chimera_pipeline.records import Fact


def history_facts(
    measurements: pd.DataFrame,
    series: pd.DataFrame,
    *,
    period: str = periods.ALL,
    alpha: float = ALPHA,
    seed: int = SEED,
) -> list[Fact]:
    """Facts of kind change: the steps that fall into `period`, and lines without one."""
    out: list[Fact] = []
    for history in histories(measurements, series, period=period, alpha=alpha, seed=seed):
        inside = [step for step in history.steps if falls_in(history.line.at[step.split], period)]
        out += [_step_fact(history, step, period) for step in inside] or [_quiet_fact(history, period)]
    return out


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


def _quiet_fact(history: History, period: str) -> Fact:
    """A line in which no step of the period was found, or that is too short to tell."""
    line, found = history.line, history.found
    runs = wording.count(found.n, "run")
    if found.p is None:
        more = FEWEST - found.n
        verdict, text = INSUFFICIENT, f"{runs} are too few to find a step; {more} more would allow it"
    else:
        verdict, text = NO_DIFFERENCE, f"no step in {runs} (p = {wording.number(found.p, 2)})"
    return Fact(
        id="",
        kind="change",
        metric=line.metric.name,
        statistic="steps",
        entity=line.entity,
        condition=line.condition,
        value=0.0,
        unit="steps",
        n=found.n,
        period=period,
        grade="insufficient" if found.p is None else "computed",
        text=f"{_subject(line)}: {text}",
        series_ids=tuple(dict.fromkeys(str(row["series_id"]) for row in line.series)),
        sources=ids.sources(line.rows()),
        verdict=verdict,
        p_value=found.p,
        q_value=history.q,
    )


def period_facts(measurements: pd.DataFrame, series: pd.DataFrame, *, period: str, alpha: float = ALPHA) -> list[Fact]:
    """Facts of kind change against the period before, and of kind gap where nothing was measured then."""
    changes = period_changes(measurements, series, period=period, alpha=alpha)
    out = [dataclasses.replace(fact, kind="change") for fact in comparison_facts(changes)]
    return out + list(first_or_gap(measurements, series, period=period))


def first_or_gap(measurements: pd.DataFrame, series: pd.DataFrame, *, period: str) -> Iterator[Fact]:
    """Series of `period` without a measurement in the period before: their first period, or after a gap."""
    if period == periods.ALL:
        return
    before = periods.previous(period)
    now, then = dated(measurements, period), dated(measurements, before)
    start, _ = periods.bounds(period)
    earlier = measurements[measurements["period"].notna() & (measurements["measured_at"] < start)]
    latest = earlier.groupby("series_id")["measured_at"].max()
    names = {str(row["series_id"]): row for row in records(series)}
    for key, rows in now[~now["series_id"].isin(list(then["series_id"]))].groupby("series_id"):
        series_id = str(key)
        last = latest.get(series_id)
        seen = "measured for the first time" if last is None else f"last measured on {last.date().isoformat()}"
        yield _gap_fact(names[series_id], rows, period, f"no measurement in {before}: {seen}")


def _gap_fact(series: Mapping[str, Any], rows: pd.DataFrame, period: str, text: str) -> Fact:
    entity, condition = str(series["entity"]), str(series["condition"] or "")
    where = f" ({condition})" if condition else ""
    return Fact(
        id="",
        kind="gap",
        metric=str(rows["metric"].iloc[0]),
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
