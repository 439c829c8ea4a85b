"""Arms: the values of one series in one metric and phase, and what tells two arms apart.

In: tables `measurements` and `series`. Out: `Arm`s, the keys in which two arms differ, and the confounds that
weaken a comparison of them. The statistics are in `comparisons_shift`, the pairing in `comparisons_match`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.contracts.vocabulary import Metric
from chimera_pipeline.facts.statistics import Array

IDENTITY = (
    "family",
    "definition",
    "model",
    "quantization",
    "engine",
    "hardware",
    "workload",
    "suite",
    "tool",
    "case",
)
LENGTH_RATIO = 1.1
_NUMBER = re.compile(r"\d+")
_HIGHER = re.compile(
    r"acc|exact_match|\bem\b|f1|bleu|rouge|pass@|score|recall|precision|mcc|win_rate", re.IGNORECASE
)
_LOWER = re.compile(r"perplexity|ppl|bits_per_byte|loss|\bwer\b|\bcer\b|error|brier", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """Values in file order with the run, item and coldness of each; or `stated` (mean, sd, n) of a tool.

    `phase` is cold, warm or unknown where the metric keeps phases apart, else "". `lengths` are the medians
    of prompt and output tokens of the same requests.
    """

    series: Mapping[str, Any]
    metric: Metric
    unit: str
    phase: str
    values: Array
    runs: tuple[str, ...]
    items: tuple[str | None, ...]
    cold: tuple[bool, ...]
    rows: pd.DataFrame
    stated: tuple[float, float, int] | None = None
    stated_note: str = ""
    first_call_inside: bool = False
    lengths: Mapping[str, float] | None = None

    @property
    def name(self) -> str:
        """Entity and condition, the phase in front where it matters."""
        words = ", ".join(filter(None, [self.phase, str(self.series["condition"] or "")]))
        return f"{self.series['entity']} ({words})" if words else str(self.series["entity"])

    @property
    def better(self) -> str:
        """lower, higher or none; of a quality score by the name of the task's metric."""
        if self.metric.name != "quality":
            return self.metric.better
        case = str(self.series.get("case") or "")
        if _LOWER.search(case):
            return "lower"
        return "higher" if _HIGHER.search(case) else "none"


Key = tuple[str, str, str, str]


def arms_of(measurements: pd.DataFrame, series: pd.DataFrame) -> dict[Key, Arm]:
    """Every arm with a direction, by (series_id, metric, unit, phase)."""
    known = {str(row["series_id"]): row for row in records(series)}
    ok = measurements[(measurements["status"] == "ok") & measurements["series_id"].isin(list(known))]
    lengths = _lengths(ok)
    out: dict[Key, Arm] = {}
    for (series_id, name, unit), rows in ok.groupby(["series_id", "metric", "unit"], sort=True):
        metric = vocabulary.metric(str(name))
        for arm in _cut(known[str(series_id)], metric, str(unit), rows):
            if arm.better != "none":
                key = (str(series_id), metric.name, str(unit), arm.phase)
                out[key] = _with_lengths(arm, lengths)
    return out


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _cut(series: Mapping[str, Any], metric: Metric, unit: str, rows: pd.DataFrame) -> Iterable[Arm]:
    samples = rows[rows["statistic"] == "sample"]
    if samples.empty:
        reported = _reported(series, metric, unit, rows)
        if reported is not None:
            yield reported
    elif metric.phase == "split":
        for phase, part in samples.groupby("phase", sort=True):
            yield _arm(series, metric, unit, str(phase), part)
    else:
        yield _arm(series, metric, unit, "", samples)


def _arm(
    series: Mapping[str, Any], metric: Metric, unit: str, phase: str, rows: pd.DataFrame, **more: Any
) -> Arm:
    order = rows["locator"].map(_place)
    rows = rows.iloc[np.lexsort((order.to_numpy(), rows["artifact_path"].to_numpy(dtype=str)))]
    return Arm(
        series=series,
        metric=metric,
        unit=unit,
        phase=phase,
        values=rows["value"].to_numpy(dtype=np.float64),
        runs=tuple(rows["run_id"]),
        items=tuple(None if pd.isna(item) else str(item) for item in rows["item"]),
        cold=tuple((rows["phase"] == "cold").tolist()),
        rows=rows,
        **more,
    )


def _place(locator: str) -> int:
    found = _NUMBER.search(locator)
    return int(found.group()) if found else 0


def _reported(series: Mapping[str, Any], metric: Metric, unit: str, rows: pd.DataFrame) -> Arm | None:
    """One stated mean with its spread, or several as the values of as many runs; None without a mean."""
    means = rows[rows["statistic"] == "mean"]
    if means.empty:
        return None
    if len(means) > 1:
        arm = _arm(series, metric, unit, "", means)
        places = tuple(
            f"{path}#{at}" for path, at in zip(arm.rows["artifact_path"], arm.rows["locator"], strict=True)
        )
        return _arm(series, metric, unit, "", means.assign(run_id=list(places)))
    stated = {str(row["statistic"]): row for row in records(rows)}
    found, note = _stated(stated)
    inside = first_call_inside(
        float(stated["mean"]["value"]),
        *(float(stated[name]["value"]) if name in stated else math.nan for name in ("std", "min", "max")),
    )
    return _arm(
        series, metric, unit, "", means, stated=found, stated_note=note, first_call_inside=inside is not None
    )


def _stated(rows: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[float, float, int] | None, str]:
    """(mean, sd with ddof 1, n), or None with what is missing."""
    mean, n = rows["mean"], rows["mean"]["n"]
    if pd.isna(n):
        return None, "the number of runs behind the mean is not stated"
    count = int(n)
    if "stderr" in rows:
        return (float(mean["value"]), float(rows["stderr"]["value"]) * math.sqrt(count), count), ""
    if "std" not in rows:
        return None, "no standard deviation is stated"
    sd = float(rows["std"]["value"])
    if count > 1 and (pd.isna(rows["std"]["ddof"]) or int(rows["std"]["ddof"]) == 0):
        sd *= math.sqrt(count / (count - 1))
    return (float(mean["value"]), sd, count), ""


def first_call_inside(mean: float, sd: float, low: float, high: float) -> tuple[int, float] | None:
    """(fewest calls, mean without the slowest) where one call makes up nearly all spread of a stated mean.

    With one slow call M among n, n >= (M - min) / (mean - min), and M explains (M - mean)² n / (n - 1) of
    the sum of squares n sd². Flagged where that is 90 % or more and M is 3 means or more: the pattern of a
    warm-up call that was counted in.
    """
    if not all(map(math.isfinite, (mean, sd, low, high))) or mean <= low or sd <= 0 or high < 3 * mean:
        return None
    calls = math.ceil((high - low) / (mean - low) - 1e-9)
    explained = (high - mean) ** 2 / ((calls - 1) * sd**2)
    if calls < 3 or explained < 0.9:
        return None
    return calls, (calls * mean - high) / (calls - 1)


def _lengths(ok: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    wanted = ok[ok["metric"].isin(["prompt_tokens", "output_tokens"]) & (ok["statistic"] == "sample")]
    out: dict[tuple[str, str, str], float] = {}
    for (series_id, metric), rows in wanted.groupby(["series_id", "metric"]):
        out[str(series_id), str(metric), ""] = float(rows["value"].median())
        for phase, part in rows.groupby("phase"):
            out[str(series_id), str(metric), str(phase)] = float(part["value"].median())
    return out


def _with_lengths(arm: Arm, lengths: Mapping[tuple[str, str, str], float]) -> Arm:
    found = {}
    for name in ("prompt_tokens", "output_tokens"):
        value = lengths.get((str(arm.series["series_id"]), name, arm.phase))
        if value is not None:
            found[name] = value
    return dataclasses.replace(arm, lengths=found)


def identity(row: Mapping[str, Any], *without: str) -> tuple[str, ...]:
    """The identity of a series as text, but for its options and the keys `without`."""
    return tuple(str(row[key]) for key in IDENTITY if key not in without)


def differing(base: Mapping[str, Any], head: Mapping[str, Any]) -> tuple[str, ...]:
    """The identity keys in which two series differ; options as `config.<name>`."""
    found = [key for key in IDENTITY if _plain(base.get(key)) != _plain(head.get(key))]
    left, right = json.loads(base["config"] or "{}"), json.loads(head["config"] or "{}")
    found += [
        f"config.{key}" for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key)
    ]
    return tuple(found)


def _plain(value: Any) -> Any:
    return None if value is None or value != value else value


def confounds(base: Arm, head: Arm, *, same_items: bool) -> tuple[list[str], list[str]]:
    """(keys that make the arms not comparable, caveats that only weaken)."""
    keys, caveats = [], []
    if base.phase != head.phase:
        keys.append(f"phase ({base.phase} against {head.phase})")
    elif all(base.cold) != all(head.cold):
        keys.append("phase (cold against warm)")
    if base.unit != head.unit:
        keys.append("unit")
    if base.first_call_inside or head.first_call_inside:
        keys.append("a first call counted into the mean")
    if base.metric.name in ("eval_s", "total_s") and _lengths_differ(base, head, "output_tokens"):
        keys.append("output length")
    prompts_count = base.metric.name in ("ttft_s", "prompt_eval_s", "total_s") and not same_items
    if prompts_count and _lengths_differ(base, head, "prompt_tokens"):
        keys.append("prompt length")
    if _one_after_the_other(base, head):
        caveats.append("the arms were measured one after the other, not interleaved")
    if not (_plain(base.series.get("hardware")) or _plain(head.series.get("hardware"))):
        caveats.append("no hardware is recorded")
    return keys, caveats


def _lengths_differ(base: Arm, head: Arm, name: str) -> bool:
    a, b = (base.lengths or {}).get(name), (head.lengths or {}).get(name)
    if a is None or b is None or min(a, b) <= 0:
        return False
    return max(a, b) / min(a, b) > LENGTH_RATIO


def _one_after_the_other(base: Arm, head: Arm) -> bool:
    paths = set(base.rows["artifact_path"])
    if paths != set(head.rows["artifact_path"]) or len(paths) != 1 or min(len(base.rows), len(head.rows)) < 2:
        return False
    a, b = base.rows["locator"].map(_place), head.rows["locator"].map(_place)
    return bool(a.max() < b.min() or b.max() < a.min())
