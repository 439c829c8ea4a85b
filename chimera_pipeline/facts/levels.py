"""Level facts: how large a metric is in one series, with n, spread and interval where n allows.

Samples are summarised here; what a tool reports of samples it kept to itself stays `reported`, and several
reported runs are compared as runs. Cold and warm are apart; one sample is never an average.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.contracts.vocabulary import Metric
from chimera_pipeline.facts import ids, statistics, statistics_runs
from chimera_pipeline.facts.rows import Array, Rows, Texts
from chimera_pipeline.facts.statistics import Interval
from chimera_pipeline.records import Fact

SEED = 20_250_101
QUANTILES = (0.9, 0.95, 0.99)
MIN_INTERVAL = 5
_SHAPES = ("mean", "median", "min", "max")
_NAMES = {
    "sample": "one",
    "total_over_total": "total-over-total",
    "between_run_sd": "sd between runs of",
    "within_run_sd": "sd within runs of",
}
_NEVER_POOLED = ("p50", "p90", "p95", "p99")


def level_facts(measurements: pd.DataFrame | Rows, series: pd.DataFrame, *, period: str) -> Iterator[Fact]:
    """Every level fact of `measurements` (rows of one period, or of all)."""
    known = {row["series_id"]: row for row in series.to_dict("records")}
    every = Rows.of(measurements)
    ok = every.take(every.are("status", "ok") & ~every.are("statistic", "count"))
    rates = _rate_parts(ok)
    samples = [
        _Sample.of(About(known[series_id], series_id, vocabulary.metric(metric), unit, period), rows)
        for (series_id, metric, unit), rows in ok.groups("series_id", "metric", "unit")
    ]
    # all at once: series that are columns of the same files have runs of the same lengths, and share their draws
    intervals = iter(over_runs([rows for sample in samples for _, rows in sample.phases]))
    for sample in samples:
        parts = rates.get(sample.about.series_id)
        for condition, of_phase in sample.phases:
            yield from sample_facts(sample.about, condition, of_phase, parts, over_runs=next(intervals))
        if not sample.phases:
            yield from _reported(sample.about, sample.rows)


def over_runs(parts: Sequence[Rows]) -> list[Interval | None]:
    """For each part the interval of its mean over runs; None where runs are few or of one value each."""
    samples = [statistics_runs.by_run(rows["value"], rows.codes("run_id")) for rows in parts]
    repeated = [groups if len(groups) < len(rows) else [] for groups, rows in zip(samples, parts, strict=True)]
    return statistics_runs.run_intervals(repeated, seed=SEED)


class About:
    """What the facts of one series in one metric and unit share."""

    def __init__(self, series: Any, series_id: str, metric: Metric, unit: str, period: str) -> None:
        self.series, self.series_id, self.metric, self.unit, self.period = (
            series,
            series_id,
            metric,
            unit,
            period,
        )
        self.entity = str(series["entity"])

    def fact(
        self,
        statistic: str,
        value: float,
        n: int | None,
        sources: tuple[str, ...],
        grade: str,
        phase: str = "",
        **more: Any,
    ) -> Fact:
        """One fact; `phase` goes in front of the series' own condition."""
        condition = ", ".join(filter(None, [phase, str(self.series["condition"] or "")]))
        return Fact(
            id="",
            kind="quality" if self.metric.name == "quality" else "level",
            metric=self.metric.name,
            statistic=statistic,
            entity=self.entity,
            condition=condition,
            value=float(value),
            unit=self.unit,
            n=n,
            period=self.period,
            grade=grade,
            text=_text(self, statistic, value, n, condition, more),
            series_ids=(self.series_id,),
            sources=sources,
            **more,
        )


def _text(about: About, statistic: str, value: float, n: int | None, condition: str, more: dict[str, Any]) -> str:
    scale = wording.scale_in_text(about.unit, value)
    extent = [f"n={n}" if n is not None else "n unknown"]
    extent += wording.spread(scale, more.get("sd"), more.get("ci_low"), more.get("ci_high"))
    where = f" ({condition})" if condition else ""
    name = _NAMES.get(statistic, statistic)
    shown = scale.quantity(value)
    return f"{name} {about.metric.label} of {about.entity}{where}: {shown}, {', '.join(extent)}"


def _phases(rows: Rows, metric: Metric) -> Iterator[tuple[str, Rows]]:
    """(phase words, rows) to summarise apart: see `phase` in schemas/metrics.yaml."""
    if not len(rows):
        return
    found = {phase for (phase,), _ in rows.groups("phase")}
    apart = [(phase, rows.where("phase", phase)) for phase in ("cold", "warm", "unknown") if phase in found]
    if metric.phase == "split":
        for phase, part in apart:
            yield ("phase unknown" if phase == "unknown" else phase), part
        return
    yield "", rows
    if metric.phase == "shown" and {"cold", "warm"} <= found:
        for phase, part in apart:
            yield phase, part


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Rows of one series, metric and unit, and those of them that are samples, by (phase words, rows)."""

    about: About
    rows: Rows
    phases: tuple[tuple[str, Rows], ...]

    @classmethod
    def of(cls, about: About, rows: Rows) -> _Sample:
        return cls(about, rows, tuple(_phases(rows.where("statistic", "sample"), about.metric)))


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Output tokens and decode times of the same requests, with the phase of each."""

    phases: Texts
    tokens: Array
    times: Array


def _rate_parts(ok: Rows) -> dict[str, Parts]:
    """For each series the output tokens and decode times of the same requests, side by side."""
    wanted = ok.take(ok.are("metric", "output_tokens", "eval_s") & ok.are("statistic", "sample"))
    requests, found = wanted.wide(("series_id", "artifact_path", "locator", "phase"), ("output_tokens", "eval_s"))
    tokens, times = found["output_tokens"], found["eval_s"]
    both = np.flatnonzero(~np.isnan(tokens) & ~np.isnan(times))
    requests, tokens, times = requests.take(both), tokens[both], times[both]
    out, low = {}, 0
    for (series_id,), part in requests.groups("series_id"):
        mine = slice(low, low := low + len(part))
        out[series_id] = Parts(part["phase"], tokens[mine], times[mine])
    return out


def sample_facts(
    about: About, phase: str, rows: Rows, parts: Parts | None = None, *, over_runs: Interval | None
) -> Iterator[Fact]:
    """Mean, extremes, median and the quantiles that n supports; one sample is told as that.

    Where runs repeat, the run is the unit of replication: from 5 runs on the mean has an interval over runs, and the
    spread between runs stands apart from that within them. `over_runs` is that interval; `parts` are output tokens and
    decode times of the same requests, for the rate over all work.
    """
    values, sources = rows["value"], ids.sources(rows)
    n = len(values)
    if n == 1:
        yield about.fact("sample", values[0], 1, sources, "insufficient", phase)
        return
    found = statistics.summary(values)
    more: dict[str, Any] = {"sd": found.sd, "ddof": found.ddof}
    runs = rows.codes("run_id")
    count = np.unique(runs).size
    apart = 1 < count < n
    interval = over_runs or (statistics.mean_interval(values, seed=SEED) if n >= MIN_INTERVAL else None)
    if interval is not None:
        more |= {
            "ci_low": interval.low,
            "ci_high": interval.high,
            "ci_method": interval.method,
            "ci_scope": "between_runs" if over_runs or count == n else "within_run",
        }
    yield about.fact("mean", found.mean, n, sources, "from_samples", phase, **more)
    yield about.fact("min", found.min, n, sources, "from_samples", phase)
    yield about.fact("max", found.max, n, sources, "from_samples", phase)
    if n >= 3:
        yield about.fact("median", found.median, n, sources, "from_samples", phase)
    for p in QUANTILES:
        if statistics.quantile_supported(p, n):
            yield about.fact(f"p{p * 100:g}", statistics.quantile(values, p), n, sources, "from_samples", phase)
    spread = statistics_runs.spread(values, runs) if apart else None
    if spread is not None:
        yield about.fact("between_run_sd", spread.between_sd, n, sources, "computed", phase)
        yield about.fact("within_run_sd", spread.within_sd, n, sources, "computed", phase)
    if about.metric.name == "decode_tokens_per_s" and parts is not None:
        yield from _total_over_total(about, phase, n, sources, parts)


def _total_over_total(about: About, phase: str, n: int, sources: tuple[str, ...], parts: Parts) -> Iterator[Fact]:
    kept = parts.phases == phase if phase else np.ones(len(parts.phases), dtype=bool)
    if np.count_nonzero(kept) == n:
        value = statistics.total_over_total(parts.tokens[kept], parts.times[kept])
        yield about.fact("total_over_total", value, n, sources, "computed", phase)


def _reported(about: About, rows: Rows) -> Iterator[Fact]:
    """What the tool states of samples it kept: one run as reported; several runs as runs."""
    means = rows.where("statistic", "mean")
    if len(means) > 1:
        yield from _over_runs(about, rows, means)
        return
    spread = rows.where("statistic", "std", "stderr")
    stds = rows.where("statistic", "std")
    for (statistic,), part in rows.groups("statistic"):
        if statistic in ("std", "stderr") or len(part) != 1:
            continue
        n, value = _count(part["n"][0]), float(part["value"][0])
        more: dict[str, Any] = {}
        if statistic == "mean" and len(spread) == len(stds) == 1:
            more = {"sd": float(stds["value"][0]), "ddof": _count(stds["ddof"][0])}
        shown = str(statistic)
        if statistic in _SHAPES and n == 1:
            shown, more = "sample", {}
            if len(rows) > 1 and statistic != "mean":
                continue
        yield about.fact(shown, value, n, ids.sources(part), "reported", **more)


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


def _over_runs(about: About, rows: Rows, means: Rows) -> Iterator[Fact]:
    """Run means summarised as runs; extremes carry over; percentiles of runs are never averaged."""
    values, sources = means["value"], ids.sources(means)
    found = statistics.summary(values)
    more: dict[str, Any] = {"sd": found.sd, "ddof": found.ddof}
    interval = statistics.mean_interval(values, seed=SEED) if len(values) >= MIN_INTERVAL else None
    if interval is not None:
        more |= {"ci_low": interval.low, "ci_high": interval.high, "ci_method": interval.method}
        more["ci_scope"] = "between_runs"
    yield about.fact("mean", found.mean, len(values), sources, "computed", "over run means", **more)
    for statistic in ("min", "max"):
        extremes = rows.where("statistic", statistic)
        if len(extremes) == len(means):
            value = float(getattr(extremes["value"], statistic)())
            yield about.fact(statistic, value, len(extremes), ids.sources(extremes), "computed", "over runs")
    for statistic in ("median", *_NEVER_POOLED):
        stated = rows.where("statistic", statistic)
        for i in range(len(stated)):
            part, where = stated.take(np.array([i])), f"run {i + 1} of {len(means)}"
            value, n = float(part["value"][0]), _count(part["n"][0])
            yield about.fact(statistic, value, n, ids.sources(part), "reported", where)
