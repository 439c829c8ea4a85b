"""What a figure is made of: cold TTFT as load and prompt evaluation; stated means that count a first call in.

In: tables `measurements` and `series`. Out: facts. Shares are sums over sums of the same requests, so that
they add up; what the parts leave unexplained is named. Sensitivities are in `decompositions_sweeps`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.facts import ids
from chimera_pipeline.facts.comparisons_arms import first_call_inside, records
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.facts.statistics import ratio_interval
from chimera_pipeline.records import Fact

PARTS = {"load_s": "model load", "prompt_eval_s": "prompt evaluation"}
TOLERANCE = 0.01


def ttft_shares(measurements: pd.DataFrame, series: pd.DataFrame, *, period: str = "all") -> Iterator[Fact]:
    """The shares of load and prompt evaluation in cold TTFT, by series, over requests that state all."""
    known = {str(row["series_id"]): row for row in records(series)}
    rows = measurements[
        (measurements["status"] == "ok")
        & (measurements["statistic"] == "sample")
        & (measurements["phase"] == "cold")
        & measurements["metric"].isin(["ttft_s", *PARTS])
        & measurements["series_id"].isin(list(known))
    ]
    keys = ["series_id", "phase", "artifact_path", "locator"]
    wide = rows.pivot_table(index=keys, columns="metric", values="value", aggfunc="first")
    if not {"ttft_s", *PARTS} <= set(wide.columns):
        return
    wide = wide.dropna().query("ttft_s > 0").reset_index()
    for (series_id, phase), part in wide.groupby(["series_id", "phase"], sort=True):
        behind = rows[(rows["series_id"] == series_id) & (rows["phase"] == phase)]
        yield from _shares(known[str(series_id)], str(phase), part, ids.sources(behind), period)


def _shares(
    series: Mapping[str, Any], phase: str, part: pd.DataFrame, sources: tuple[str, ...], period: str
) -> Iterator[Fact]:
    total = math.fsum(part["ttft_s"].tolist())
    sums = {name: math.fsum(part[name].tolist()) for name in PARTS}
    rest = (total - sum(sums.values())) / total
    note = f"; {wording.percent(rest)} of it is in neither" if abs(rest) > TOLERANCE else ""
    about = _name(series)
    for name, words in PARTS.items():
        interval = ratio_interval(part[name].to_numpy(), part["ttft_s"].to_numpy())
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
            n=len(part),
            period=period,
            grade="computed",
            text=f"{wording.percent(share)} of the {phase} TTFT of {about} is {words}, n={len(part)}{note}",
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


def first_call_facts(measurements: pd.DataFrame, series: pd.DataFrame, *, period: str = "all") -> Iterator[Fact]:
    """Stated means whose spread is nearly all one slow call, with the mean that is left without it."""
    known = {str(row["series_id"]): row for row in records(series)}
    wanted = measurements[
        (measurements["status"] == "ok")
        & measurements["statistic"].isin(["mean", "std", "min", "max"])
        & measurements["series_id"].isin(list(known))
    ]
    keys = ["series_id", "metric", "unit", "artifact_path", "locator"]
    every = Rows.of(wanted, (*keys, "artifact_sha256", "statistic", "value"))
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, key in enumerate(zip(*(every[name].tolist() for name in keys), strict=True)):
        groups[key].append(place)
    for series_id, metric, unit, path, locator in sorted(key for key, places in groups.items() if len(places) >= 4):
        rows = every.take(np.array(groups[series_id, metric, unit, path, locator]))
        stated = dict(zip(rows["statistic"].tolist(), rows["value"].tolist(), strict=True))
        if len(stated) < 4:
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
