"""Shares of failed requests, compared by Fisher's exact test: an error rate stands beside every latency.

In: tables `measurements` and `series` of base and head. A series without a failure on either side gives
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.facts import ids
from chimera_pipeline.facts.comparisons_arms import records
from chimera_pipeline.facts.comparisons_shift import Shift
from chimera_pipeline.facts.comparisons_verdict import INSUFFICIENT, Comparison, blank
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.facts.statistics import Interval

Counts = tuple[int, int]


def failure_comparisons(
    base_measurements: pd.DataFrame | Rows,
    base_series: pd.DataFrame,
    head_measurements: pd.DataFrame | Rows,
    head_series: pd.DataFrame,
    *,
    kind: str,
    period: str,
) -> Iterator[Comparison]:
    """The share of failed requests of each series that both sides ran and either side saw fail."""
    base, head = _requests(base_measurements), _requests(head_measurements)
    names = {str(row["series_id"]): row for row in [*records(base_series), *records(head_series)]}
    for series_id in sorted(base.keys() & head.keys() & names.keys()):
        a, b = _counts(base[series_id]), _counts(head[series_id])
        if a[0] + b[0]:
            sources = (*ids.sources(base[series_id]), *ids.sources(head[series_id]))
            yield _comparison(names[series_id], a, b, tuple(dict.fromkeys(sources)), kind, period)


def _requests(measurements: pd.DataFrame | Rows) -> dict[str, Rows]:
    every = Rows.of(measurements)
    rows = every.take(every.are("metric", "requests") & every.are("statistic", "count"))
    return {series_id: part for (series_id,), part in rows.groups("series_id")}


def _counts(rows: Rows) -> Counts:
    """(failed, all)."""
    return int(rows.where("status", "failed")["value"].sum()), int(rows["value"].sum())


def _comparison(
    series: dict[str, Any], base: Counts, head: Counts, sources: tuple[str, ...], kind: str, period: str
) -> Comparison:
    shares = base[0] / base[1], head[0] / head[1]
    p, p_min = fisher(base, head)
    shift = Shift(
        n_base=base[1],
        n_head=head[1],
        p=p,
        p_min=p_min,
        ratio=None,
        difference=shares[1] - shares[0],
        interval=newcombe(base, head, 0.95),
        narrow=newcombe(base, head, 0.9),
        superiority=0.5 + (shares[1] - shares[0]) / 2,
        method="Fisher's exact test",
    )
    fields = blank(vocabulary.metric("requests"))
    fields |= {"label": "failed share of requests", "unit": "ratio", "better": "lower"}
    return Comparison(
        kind=kind,
        **fields,  # type: ignore[arg-type]
        entity=str(series["entity"]),
        condition=str(series["condition"] or ""),
        baseline=str(series["entity"]),
        n_base=base[1],
        n_head=head[1],
        scope="within_run",
        verdict=INSUFFICIENT,
        reason="",
        base_series=str(series["series_id"]),
        head_series=str(series["series_id"]),
        base_value=shares[0],
        head_value=shares[1],
        shift=shift,
        absolute=True,
        sources=sources,
        period=period,
    )


def fisher(base: Counts, head: Counts) -> tuple[float, float]:
    """(two-sided p, smallest p with these margins) for (failed, all) of two arms (Fisher 1935)."""
    failed, total = base[0] + head[0], base[1] + head[1]
    low, high = max(0, failed - base[1]), min(failed, head[1])
    ways = {k: math.comb(head[1], k) * math.comb(base[1], failed - k) for k in range(low, high + 1)}
    every = math.comb(total, failed)
    found = ways[head[0]]
    rarest = min(ways.values())
    p = sum(count for count in ways.values() if count <= found)
    return p / every, sum(count for count in ways.values() if count <= rarest) / every


def newcombe(base: Counts, head: Counts, confidence: float) -> Interval:
    """Interval of a difference of shares from Wilson intervals (Newcombe 1998, Stat. Med. 17:873)."""
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    p1, low1, high1 = wilson(base, z)
    p2, low2, high2 = wilson(head, z)
    low = p2 - p1 - math.hypot(p2 - low2, high1 - p1)
    high = p2 - p1 + math.hypot(high2 - p2, p1 - low1)
    return Interval(low, high, "Newcombe", confidence)


def wilson(counts: Counts, z: float) -> tuple[float, float, float]:
    """A share with Wilson's interval at z sd (Wilson 1927, JASP 22:209)."""
    failed, total = counts
    share = failed / total
    centre = (failed + z * z / 2) / (total + z * z)
    half = z * math.sqrt(share * (1 - share) * total + z * z / 4) / (total + z * z)
    return share, centre - half, centre + half
