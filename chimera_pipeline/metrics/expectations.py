"""What is expected of a report period from the periods before it: volume, freshness, null share, quantile drift.

In: `measurements` and `series`. Out: frames with the expectations on them, every bound taken from earlier periods.
Plain pandas: `history` asks Great Expectations whether they hold. Nothing here looks at a clock.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from chimera_pipeline import periods
from chimera_pipeline.contracts import vocabulary

MIN_PERIODS = 3
"""A period is held against at least so many earlier ones; fewer say nothing about what is usual."""
MIN_VALUES = 5
"""Quantiles are taken of at least so many values."""
MAX_DRIFTS = 500
"""At most so many metrics of entities are watched for drift, those with the most values first."""
VOLUME_FACTOR = 2.0
NULL_MARGIN = 0.05
SPARSE = 0.5
"""A field that is absent in more than this share of the records of some earlier period is not expected at all."""
QUANTILES = (0.25, 0.5, 0.75)
_CENTRES = ("sample", "mean", "median")
_TABLE_OF_FAMILY = {
    "requests": "llm_requests",
    "serving": "serving_runs",
    "timings": "timings",
    "throughputs": "throughputs",
    "evaluations": "evaluations",
    "system": "system_samples",
}
_IDENTITY = ("model", "quantization", "engine", "hardware")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation by its Great Expectations type and arguments; `subject` says what it is about."""

    type: str
    subject: str
    kwargs: Mapping[str, Any]


@dataclass(slots=True)
class Batch:
    """A frame of the period and what is expected of it. `suite`: volume, freshness, completeness or drift."""

    suite: str
    table: str
    frame: pd.DataFrame
    expectations: list[Expectation] = field(default_factory=list)


def earlier_periods(measurements: pd.DataFrame, period: str, limit: int) -> list[str]:
    """Up to `limit` periods before `period` that hold dated measurements, latest first; [] for "all"."""
    dated = measurements.loc[measurements["period"].notna(), "measured_at"]
    if period == periods.ALL or dated.empty:
        return []
    kind, (start, _) = periods.kind_of(period), periods.bounds(period)
    earlier = dated[dated < start].drop_duplicates()
    names = {f"{at.year:04d}" if kind == "year" else periods.period_of(at.to_pydatetime(), kind) for at in earlier}
    return sorted(names, key=lambda name: periods.bounds(name)[0], reverse=True)[:limit]


def plan(measurements: pd.DataFrame, series: pd.DataFrame, *, period: str, limit: int) -> list[Batch]:
    """Every batch of `period` with its expectations; [] where fewer than MIN_PERIODS earlier periods hold any."""
    names = earlier_periods(measurements, period, limit)
    if len(names) < MIN_PERIODS:
        return []
    rows = measurements[measurements["period"].notna() & (measurements["status"] == "ok")]
    rows = rows.merge(series[["series_id", "family", "entity", "tool", *_IDENTITY]], on="series_id", how="left")
    now = _within(rows, period)
    past = {name: found for name in names if len(found := _within(rows, name))}
    if now.empty or len(past) < MIN_PERIODS:
        return []
    batches = [_volume(now, past), *_freshness(now, past, period, rows["measured_at"].max())]
    batches += [*_completeness(now, past), *_drift(now, past)]
    return [batch for batch in batches if batch.expectations]


def _within(rows: pd.DataFrame, period: str) -> pd.DataFrame:
    start, end = periods.bounds(period)
    return rows[(rows["measured_at"] >= start) & (rows["measured_at"] < end)]


def _volume(now: pd.DataFrame, past: Mapping[str, pd.DataFrame]) -> Batch:
    """Rows, series and files: between half the least and twice the most of the earlier periods."""
    batch = Batch("volume", "measurements", now[["series_id", "artifact_path"]])
    low, high = _factor([len(rows) for rows in past.values()])
    kwargs = {"min_value": low, "max_value": high}
    batch.expectations.append(Expectation("ExpectTableRowCountToBeBetween", "rows", kwargs))
    for column, words in (("series_id", "series"), ("artifact_path", "files")):
        low, high = _factor([rows[column].nunique() for rows in past.values()])
        batch.expectations.append(
            Expectation("ExpectColumnUniqueValueCountToBeBetween", words,
                        {"column": column, "min_value": low, "max_value": high})
        )  # fmt: skip
    return batch


def _factor(counts: list[int]) -> tuple[int, int]:
    return math.ceil(min(counts) / VOLUME_FACTOR), math.floor(max(counts) * VOLUME_FACTOR)


def _freshness(
    now: pd.DataFrame, past: Mapping[str, pd.DataFrame], period: str, newest: pd.Timestamp
) -> Iterator[Batch]:
    """The longest silence: at most twice the longest of the earlier periods, and a day at least.

    A period that is over (something was measured after it) is silent until its end; one that is not, until its last
    measurement.
    """
    longest = max(_silences(rows, name, newest).max() for name, rows in past.items())
    bound = max(VOLUME_FACTOR * float(longest), 86400.0)
    batch = Batch("freshness", "measurements", pd.DataFrame({"silence_s": _silences(now, period, newest)}))
    kwargs = {"column": "silence_s", "max_value": bound}
    batch.expectations.append(Expectation("ExpectColumnMaxToBeBetween", "longest silence in seconds", kwargs))
    yield batch


def _silences(rows: pd.DataFrame, period: str, newest: pd.Timestamp) -> pd.Series[float]:
    start, end = (pd.Timestamp(at) for at in periods.bounds(period))
    stops = [end] if newest >= end else []
    at = [start, *sorted(pd.Timestamp(at) for at in rows["measured_at"].unique()), *stops]
    return pd.Series([(b - a).total_seconds() for a, b in itertools.pairwise(at)], dtype="float64")


def _completeness(now: pd.DataFrame, past: Mapping[str, pd.DataFrame]) -> Iterator[Batch]:
    """Null share of each field that the records of a tool carry, against the highest of the earlier periods."""
    tools = now.groupby(["family", "tool"], sort=True)
    for (family, tool), rows in tools:
        before = [
            _records(part)
            for found in past.values()
            if len(part := found[(found["family"] == family) & (found["tool"] == tool)])
        ]
        if len(before) < MIN_PERIODS:
            continue
        columns = sorted({str(name) for frame in before for name in frame})
        frame = _records(rows).reindex(columns=columns)
        batch = Batch("completeness", _TABLE_OF_FAMILY[str(family)], frame)
        for name in columns:
            worst = max(1.0 - frame[name].notna().mean() if name in frame else 1.0 for frame in before)
            if worst <= SPARSE:
                kwargs = {"column": name, "mostly": round(max(0.0, 1.0 - worst - NULL_MARGIN), 9)}
                batch.expectations.append(Expectation("ExpectColumnValuesToNotBeNull", f"{name} of {tool}", kwargs))
        yield batch


def _records(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a record (file and place), a column for each metric, and those of its identity."""
    rows = rows[rows["metric"] != "requests"]  # the count of a record, not a field of it
    keys = [rows["artifact_path"], rows["locator"]]
    names = rows["metric"] + rows["statistic"].map(lambda word: "" if word == "sample" else f" {word}")
    wide = rows["value"].groupby([*keys, names]).first().unstack()
    identity = rows.groupby(["artifact_path", "locator"], sort=True)[list(_IDENTITY)].first()
    return wide.join(identity).reset_index(drop=True)


def _drift(now: pd.DataFrame, past: Mapping[str, pd.DataFrame]) -> Iterator[Batch]:
    """Quantiles of each entity's metrics, every value relative to the median of its own series in earlier periods.

    Relative values can be pooled over the series of an entity, so that a change of mix is no drift. A quantile may lie
    one range of its earlier values, and the practical threshold of the metric, beyond that range.
    """
    before = {name: _centres(rows) for name, rows in past.items()}
    medians = pd.concat(before.values()).groupby("key")["value"].median()
    found = _relative(_centres(now), medians)
    history = [_relative(rows, medians) for rows in before.values()]
    sizes = found.groupby("pair").size()
    watched = sizes[sizes >= MIN_VALUES].sort_values(ascending=False, kind="stable").head(MAX_DRIFTS)
    columns, expectations = {}, []
    for pair in sorted(watched.index):
        values = [part for rows in history if len(part := rows.loc[rows["pair"] == pair, "ratio"]) >= MIN_VALUES]
        if len(values) < MIN_PERIODS:
            continue
        metric = vocabulary.metric(pair[0])
        quantiles = pd.DataFrame([part.quantile(QUANTILES, interpolation="nearest").to_numpy() for part in values])
        low, high = quantiles.min(), quantiles.max()
        spread = (high - low) + metric.practical_threshold
        column = f"{pair[0]} of {pair[1]}"
        columns[column] = found.loc[found["pair"] == pair, "ratio"].reset_index(drop=True)
        ranges = {
            "quantiles": list(QUANTILES),
            "value_ranges": [[float(a), float(b)] for a, b in zip(low - spread, high + spread, strict=True)],
        }
        kwargs = {"column": column, "quantile_ranges": ranges}
        subject = f"{column}, relative to earlier periods"
        expectations.append(Expectation("ExpectColumnQuantileValuesToBeBetween", subject, kwargs))
    yield Batch("drift", "measurements", pd.DataFrame(columns), expectations)


def _centres(rows: pd.DataFrame) -> pd.DataFrame:
    """Values that have a better direction, with the key of what may be pooled and the (metric, entity) they tell of."""
    known = vocabulary.metrics()
    directed = {name for name, metric in known.items() if metric.better != "none"}
    kept = rows[rows["statistic"].isin(_CENTRES) & rows["metric"].isin(directed)]
    phases = [phase if known[name].phase == "split" else "" for name, phase in zip(
        kept["metric"], kept["phase"], strict=True)]  # fmt: skip
    keys = list(zip(kept["series_id"], kept["metric"], kept["statistic"], phases, strict=True))
    pairs = list(zip(kept["metric"], kept["entity"], strict=True))
    return pd.DataFrame({"key": keys, "pair": pairs, "value": kept["value"].to_numpy()})


def _relative(rows: pd.DataFrame, medians: pd.Series[float]) -> pd.DataFrame:
    reference = rows["key"].map(medians)
    known = reference.notna() & (reference > 0)
    return rows[known].assign(ratio=rows.loc[known, "value"] / reference[known])
