"""What a figure is made of: cold TTFT as load and prompt evaluation; stated means that count a first call in.

In: tables `measurements` and `series`. Out: facts. Shares are sums over sums of the same requests, so that
they add up; what the parts leave unexplained is named. Sensitivities are in `decompositions_sweeps`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.facts import ids
from chimera_pipeline.facts.comparisons_arms import first_call_inside, records
from chimera_pipeline.facts.rows import Array, Rows
from chimera_pipeline.facts.statistics import ratio_interval
from chimera_pipeline.records import Fact

PARTS = {"load_s": "model load", "prompt_eval_s": "prompt evaluation"}
TOLERANCE = 0.01
_STATED = ("mean", "std", "min", "max")
_ONE = ("series_id", "metric", "unit", "artifact_path", "locator")


def ttft_shares(measurements: pd.DataFrame | Rows, series: pd.DataFrame, *, period: str = "all") -> Iterator[Fact]:
    """The shares of load and prompt evaluation in cold TTFT, by series, over requests that state all."""
    known = {str(row["series_id"]): row for row in records(series)}
    every = Rows.of(measurements)
    rows = every.take(
        every.are("status", "ok")
        & every.are("statistic", "sample")
        & every.are("phase", "cold")
        & every.are("metric", "ttft_s", *PARTS)
        & every.are("series_id", *known)
    )
    behind = {series_id: part for (series_id,), part in rows.groups("series_id")}
    requests, times = rows.wide(("series_id", "artifact_path", "locator"), ("ttft_s", *PARTS))
    stated = (times["ttft_s"] > 0) & ~np.isnan(np.sum([times[name] for name in PARTS], axis=0))
    requests, times = requests.take(stated), {name: column[stated] for name, column in times.items()}
    low = 0
    for (series_id,), part in requests.groups("series_id"):
        mine = slice(low, low := low + len(part))
        found = {name: column[mine] for name, column in times.items()}
        yield from _shares(known[series_id], "cold", found, ids.sources(behind[series_id]), period)


def _shares(
    series: Mapping[str, Any], phase: str, part: Mapping[str, Array], sources: tuple[str, ...], period: str
) -> Iterator[Fact]:
    total, n = math.fsum(part["ttft_s"].tolist()), part["ttft_s"].size
    sums = {name: math.fsum(part[name].tolist()) for name in PARTS}
    rest = (total - sum(sums.values())) / total
    note = f"; {wording.percent(rest)} of it is in neither" if abs(rest) > TOLERANCE else ""
    about = _name(series)
    for name, words in PARTS.items():
        interval = ratio_interval(part[name], part["ttft_s"])
        share = sums[name] / total
        yield Fact(
            id="",
            kind="level",
            metric="ttft_s",
            statistic=f"{name.removesuffix('_s')}_share",
            entity=str(series["entity"]),
            condition=_condition(series, phase),
            value=share,
            unit="ratio",
            n=n,
            period=period,
            grade="computed",
            text=f"{wording.percent(share)} of the {phase} TTFT of {about} is {words}, n={n}{note}",
            series_ids=(str(series["series_id"]),),
            sources=sources,
            ci_low=interval.low if interval else None,
            ci_high=interval.high if interval else None,
            ci_method=interval.method if interval else None,
            ci_scope="within_run" if interval else None,
        )


def _condition(series: Mapping[str, Any], phase: str = "") -> str:
    return ", ".join(filter(None, [phase, str(series["condition"] or "")]))


def _name(series: Mapping[str, Any]) -> str:
    condition = str(series["condition"] or "")
    return f"{series['entity']} ({condition})" if condition else str(series["entity"])


def first_call_facts(measurements: pd.DataFrame | Rows, series: pd.DataFrame, *, period: str = "all") -> Iterator[Fact]:
    """Stated means whose spread is nearly all one slow call, with the mean that is left without it."""
    known = {str(row["series_id"]): row for row in records(series)}
    every = Rows.of(measurements)
    kept = every.are("status", "ok") & every.are("statistic", *_STATED) & every.are("series_id", *known)
    stating = every.take(kept)
    _, which, count = np.unique(stating.keys(*_ONE), return_inverse=True, return_counts=True)
    for (series_id, metric, unit, _, _), rows in stating.take(count[which] >= len(_STATED)).groups(*_ONE):
        stated = dict(zip(rows["statistic"].tolist(), rows["value"].tolist(), strict=True))
        if len(stated) < len(_STATED):
            continue
        found = first_call_inside(stated["mean"], stated["std"], stated["min"], stated["max"])
        if found is None:
            continue
        calls, without = found
        about = known[series_id]
        mean, slowest, rest = (wording.quantity(v, unit) for v in (stated["mean"], stated["max"], without))
        yield Fact(
            id="",
            kind="quality",
            metric=metric,
            statistic="mean_without_slowest",
            entity=str(about["entity"]),
            condition=_condition(about),
            value=without,
            unit=unit,
            n=calls - 1,
            period=period,
            grade="computed",
            text=(
                f"the stated mean of {_name(about)}, {mean}, counts one call of {slowest} in, as a first "
                f"call would be; the others average {rest} (at least {calls} calls)"
            ),
            series_ids=(series_id,),
            sources=ids.sources(rows),
        )
