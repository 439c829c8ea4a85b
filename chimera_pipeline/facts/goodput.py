"""Goodput: the share of requests that succeed within every limit of a service level objective.

In: tables `measurements` and `series`, and limits from the settings. Out: facts. Each request is held against the
limits itself, so that a series of which only aggregates are known gives nothing (DistServe, Zhong et al. OSDI 2024).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.facts import ids
from chimera_pipeline.facts.comparisons_arms import records
from chimera_pipeline.facts.comparisons_failures import wilson
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.records import Fact

_Z95 = 1.959963984540054
_KEYS = ["series_id", "artifact_path", "locator", "status"]
_TPOT = ("total_s", "ttft_s", "output_tokens")


def goodput_facts(
    measurements: pd.DataFrame | Rows, series: pd.DataFrame, limits: Mapping[str, float], *, period: str = "all"
) -> Iterator[Fact]:
    """The share of all requests of a series that succeeded within every limit (metric -> longest seconds).

    Failed requests count as misses. Where a successful request lacks a metric that has a limit, the series gives no
    share: a fact names how many requests lack which metric.
    """
    if not limits:
        return
    known = {str(row["series_id"]): row for row in records(series)}
    every = Rows.of(measurements)
    rows = every.take(
        every.are("metric", "requests", *limits, *_TPOT)
        & every.are("statistic", "sample", "count")
        & every.are("series_id", *known)
    )
    asked = {series_id: part for (series_id,), part in rows.where("metric", "requests").groups("series_id")}
    if not asked:
        return
    requests, found = rows.wide(_KEYS, ["requests", *{*limits, *_TPOT}])
    wide = pd.DataFrame(found).assign(series_id=requests["series_id"], ok=requests.are("status", "ok"))
    for series_id, part in _with_tpot(wide[wide["requests"].notna()]).groupby("series_id", sort=True):
        yield _fact(known[str(series_id)], part, asked[str(series_id)], limits, period)


def _with_tpot(wide: pd.DataFrame) -> pd.DataFrame:
    """Time per output token after the first, where the tool does not state it: (total - TTFT) / (tokens - 1).

    A request of one token has none after the first and so keeps any such limit, as in vLLM's serving benchmark.
    """
    after = wide["output_tokens"] - 1
    own = ((wide["total_s"] - wide["ttft_s"]) / after.where(after > 0)).where(after != 0, 0.0)
    stated = wide.get("tpot_s")
    return wide.assign(tpot_s=own if stated is None else stated.fillna(own))


def _fact(
    series: Mapping[str, Any], requests: pd.DataFrame, rows: Rows, limits: Mapping[str, float], period: str
) -> Fact:
    found = requests[list(limits)]
    ok = requests["ok"]
    lacking = {name: int((ok & found[name].isna()).sum()) for name in limits}
    words = " and ".join(
        f"{vocabulary.metric(name).label} up to {wording.quantity(limit, 's')}" for name, limit in limits.items()
    )
    shared: dict[str, Any] = {
        "id": "",
        "entity": str(series["entity"]),
        "condition": ", ".join(filter(None, [str(series["condition"] or ""), words])),
        "n": len(requests),
        "period": period,
        "metric": "requests",
        "series_ids": (str(series["series_id"]),),
        "sources": ids.sources(rows),
    }
    if any(lacking.values()):
        most = max(lacking, key=lambda name: lacking[name])
        text = (
            f"no goodput of {series['entity']} under {words}: {lacking[most]} of {int(ok.sum())} successful requests "
            f"state no {vocabulary.metric(most).label}"
        )
        return Fact(
            kind="gap", statistic="count_without_metric", value=float(lacking[most]), unit="requests",
            grade="insufficient", text=text, **shared,
        )  # fmt: skip
    met = int((ok & (found <= np.array(list(limits.values()))).all(axis=1)).sum())
    share, low, high = wilson((met, len(requests)), _Z95)
    return Fact(
        kind="level", statistic="goodput_share", value=share, unit="ratio", grade="computed",
        text=f"{met} of {len(requests)} requests of {series['entity']} met {words}",
        ci_low=max(0.0, low), ci_high=min(1.0, high), ci_method="Wilson", ci_scope="within_run", **shared,
    )  # fmt: skip
