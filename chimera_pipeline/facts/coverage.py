"""Facts about the store itself: files by kind and status, records that failed, gaps; and sweeps as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.facts import ids, statistics
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.records import BENCHMARK_FORMATS, Fact

MIN_CONFIGURATIONS = 3


def _count(period: str, metric: str, condition: str, value: int, noun: str, kind: str = "inventory") -> Fact:
    text = f"{wording.count(value, noun)}{', ' + condition if condition else ''}"
    return Fact(
        id="", kind=kind, metric=metric, statistic="count", entity="artifacts", condition=condition, value=float(value),
        unit=noun + "s", n=value, period=period, grade="computed", text=text,
    )  # fmt: skip


def inventory_facts(artifacts: pd.DataFrame, gaps: pd.DataFrame, *, period: str) -> Iterator[Fact]:
    """Counts of files by format and status, of gaps by kind."""
    yield _count(period, "files", "", len(artifacts), "file")
    benchmark = artifacts["format"].isin(BENCHMARK_FORMATS)
    yield _count(period, "files", "benchmark files (csv, json and markdown)", int(benchmark.sum()), "file")
    for name, size in artifacts.groupby("format").size().items():
        yield _count(period, "files", f"{name} files", int(size), "file")
    for name, size in artifacts.groupby("status").size().items():
        yield _count(period, "files", f"status {name}", int(size), "file")
    used = artifacts[artifacts["status"].isin(["ok", "partial"])]
    yield _count(period, "files", "with measurements that are used", len(used), "file")
    for name, size in gaps.groupby("kind").size().items():
        yield _count(period, "telemetry_gaps", str(name).replace("_", " "), int(size), "gap", kind="gap")


def request_facts(measurements: pd.DataFrame | Rows, *, period: str) -> Iterator[Fact]:
    """Requests that succeeded and failed, over all and for each entity in which any failed."""
    rows = Rows.of(measurements).where("metric", "requests")
    if not len(rows):
        return
    for condition, part in (
        ("all requests", rows),
        ("succeeded", rows.where("status", "ok")),
        ("failed", rows.where("status", "failed")),
    ):
        yield Fact(
            id="", kind="inventory", metric="requests", statistic="count", entity="artifacts", condition=condition,
            value=float(len(part)), unit="requests", n=len(part), period=period, grade="computed",
            text=f"{wording.count(len(part), 'request')}, {condition}", sources=ids.sources(part),
        )  # fmt: skip


def sweep_facts(measurements: pd.DataFrame | Rows, series: pd.DataFrame, *, period: str) -> Iterator[Fact]:
    """Sweeps as a whole: a metric over the configurations of one model, suite and machine.

    A mean over configurations describes the sweep, not a configuration; it is named so and carries no interval.
    """
    keys = [
        "family",
        "entity",
        "quantization",
        "engine",
        "hardware",
        "suite",
        "tool",
        "workload",
        "definition",
    ]
    sweeps = series[series["family"] == "requests"]
    every = Rows.of(measurements)
    samples = every.take(every.are("status", "ok") & every.are("statistic", "sample"))
    by_series = {series_id: part for (series_id,), part in samples.groups("series_id")}
    for _, members in sweeps.groupby(keys, dropna=False, sort=True):
        if len(members) < MIN_CONFIGURATIONS:
            continue
        varied = _varied(members["config"])
        found_of = [by_series[series_id] for series_id in members["series_id"] if series_id in by_series]
        if len(found_of) < MIN_CONFIGURATIONS:
            continue
        rows = Rows.joined(found_of).in_table_order()
        for (metric_name,), part in rows.groups("metric"):
            metric = vocabulary.metric(metric_name)
            if metric.better == "none" or metric.phase == "none":
                continue
            for (phase,), found in part.groups("phase") if metric.phase == "split" else [(("",), part)]:
                count = np.unique(found.codes("series_id")).size
                if count >= MIN_CONFIGURATIONS:
                    words = f"across {count} configurations ({', '.join(varied)})"
                    lead = "phase unknown" if phase == "unknown" else phase
                    condition = ", ".join(
                        filter(None, [lead, str(members.iloc[0]["suite"] or "").replace("_", " "), words])
                    )
                    yield from _sweep(members, metric, condition, found, period)


def _varied(configs: pd.Series[str]) -> list[str]:
    loaded = [json.loads(text) for text in configs]
    names = sorted({name for config in loaded for name in config})
    return [name for name in names if len({json.dumps(config.get(name)) for config in loaded}) > 1]


def _sweep(members: pd.DataFrame, metric: vocabulary.Metric, condition: str, rows: Rows, period: str) -> Iterator[Fact]:
    found = statistics.summary(rows["value"])
    entity, sources = str(members.iloc[0]["entity"]), ids.sources(rows)
    for statistic, value in (
        ("mean", found.mean), ("median", found.median), ("min", found.min), ("max", found.max)
    ):  # fmt: skip
        shown = wording.quantity(value, metric.unit)
        yield Fact(
            id="", kind="level", metric=metric.name, statistic=statistic, entity=entity, condition=condition,
            value=value, unit=metric.unit, n=found.n, period=period, grade="from_samples",
            text=f"{statistic} {metric.label} of {entity} ({condition}): {shown}, n={found.n}",
            series_ids=tuple(sorted(members["series_id"])), sources=sources,
            sd=found.sd if statistic == "mean" else None, ddof=found.ddof if statistic == "mean" else None,
        )  # fmt: skip
