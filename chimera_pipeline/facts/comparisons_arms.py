"""Arms: the values of one series in one metric and phase, and what tells two arms apart.

In: tables `measurements` and `series`. Out: `Arm`s, and the keys in which two arms differ. What else stands between
them is in `comparisons_confounds`. The statistics are in `comparisons_shift`, the pairing in `comparisons_match`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.contracts.vocabulary import Metric
from chimera_pipeline.facts import ids
from chimera_pipeline.facts.rows import Array, Rows, Texts

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
STATISTICS = ("sample", "mean", "std", "stderr", "min", "max")
_NUMBER = re.compile(r"\d+")
_FAR = 2**62
_HIGHER = re.compile(r"acc|exact_match|\bem\b|f1|bleu|rouge|pass@|score|recall|precision|mcc|win_rate", re.IGNORECASE)
_LOWER = re.compile(r"perplexity|ppl|bits_per_byte|loss|\bwer\b|\bcer\b|error|brier", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """Values in file order with the rows that they stand in; or `stated` (mean, sd, n) of a tool.

    `phase` is cold, warm or unknown where the metric keeps phases apart, else "". `own_runs` and `own_items` name run
    and item of each value where they are not those of its row. `lengths` are the medians of prompt and output tokens of
    the same requests.
    """

    series: Mapping[str, Any]
    metric: Metric
    unit: str
    phase: str
    values: Array
    rows: Rows
    own_runs: Texts | None = None
    own_items: Texts | None = None
    stated: tuple[float, float, int] | None = None
    stated_note: str = ""
    first_call_inside: bool = False
    lengths: Mapping[str, float] | None = None

    @property
    def runs(self) -> Texts:
        """The run of each value."""
        return self.rows["run_id"] if self.own_runs is None else self.own_runs

    @property
    def items(self) -> Texts:
        """The prompt or item of each value, None where unknown."""
        return self.rows["item"] if self.own_items is None else self.own_items

    @property
    def cold(self) -> npt.NDArray[np.bool_]:
        """Whether each value is of a cold call."""
        return self.rows.are("phase", "cold")

    @property
    def load_known(self) -> bool:
        """Whether the rows tell cold calls from warm ones."""
        return not self.rows.are("phase", "unknown").any()

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the measurements behind the arm stand."""
        return ids.sources(self.rows)

    def files(self) -> dict[str, tuple[int, Place, Place]]:
        """File -> (how many of the values it holds, the first and the last place of one in it)."""
        at = np.where(self.rows.known("measured_at"), self.rows.codes("measured_at"), 0)
        order, file = _orders(self.rows), self.rows.keys("artifact_path", "artifact_sha256")
        sorting = np.lexsort((order, at, file))
        rows, at, order, file = self.rows.take(sorting), at[sorting], order[sorting], file[sorting]
        breaks = np.flatnonzero(np.diff(file))
        lows, highs = np.r_[0, breaks + 1], np.r_[breaks, file.size - 1]
        first = rows.take(lows)
        names = zip(first["artifact_path"].tolist(), first["artifact_sha256"].tolist(), strict=True)
        ends = (list(zip(at[ends].tolist(), order[ends].tolist(), strict=True)) for ends in (lows, highs))
        spans = zip((highs - lows + 1).tolist(), *ends, strict=True)
        return {f"{path}@{sha256}": span for (path, sha256), span in zip(names, spans, strict=True)}

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


Place = tuple[int, int]
"""An instant in microseconds, 0 where unknown, and a place in a file."""


def arms_of(measurements: pd.DataFrame | Rows, series: pd.DataFrame) -> dict[Key, Arm]:
    """Every arm with a direction, by (series_id, metric, unit, phase)."""
    known = {str(row["series_id"]): row for row in records(series)}
    every = Rows.of(measurements)
    ok = every.take(every.are("status", "ok") & every.are("series_id", *known))
    lengths = _lengths(ok)
    directed = [name for name, metric in vocabulary.metrics().items() if metric.better != "none"]
    rows = ok.take(ok.are("metric", *directed, "quality") & ok.are("statistic", *STATISTICS))
    rows = rows.take(np.lexsort((_orders(rows), rows.codes("artifact_path"))))
    out: dict[Key, Arm] = {}
    for (series_id, name, unit), part in rows.groups("series_id", "metric", "unit"):
        for arm in _cut(known[series_id], vocabulary.metric(name), unit, part):
            if arm.better != "none":
                out[series_id, name, unit, arm.phase] = _with_lengths(arm, lengths)
    return out


def _orders(rows: Rows) -> npt.NDArray[np.int64]:
    """For each row its place in its file: the first number of its locator."""
    found = rows.table.kept.get("orders")
    if found is None:
        numbers = (_NUMBER.search(locator) for locator in rows.table.texts["locator"].tolist())
        read = [min(int(number.group()), _FAR) if number else 0 for number in numbers]
        found = rows.table.kept["orders"] = np.array(read, dtype=np.int64)
    orders: npt.NDArray[np.int64] = found[rows.codes("locator")]
    return orders


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _cut(series: Mapping[str, Any], metric: Metric, unit: str, rows: Rows) -> Iterable[Arm]:
    samples = rows.where("statistic", "sample")
    if not len(samples):
        yield from _reported(series, metric, unit, rows)
        return
    for (phase,), part in samples.groups("phase") if metric.phase == "split" else [(("",), samples)]:
        yield Arm(series, metric, unit, phase, part["value"], part)


def _reported(series: Mapping[str, Any], metric: Metric, unit: str, rows: Rows) -> Iterable[Arm]:
    """One stated mean with its spread, or several as the values of as many runs; nothing without a mean."""
    means = rows.where("statistic", "mean")
    values = means["value"]
    if len(means) > 1:
        runs = means["artifact_path"] + "#" + means["locator"]
        yield Arm(series, metric, unit, "", values, means, own_runs=runs)
    elif len(means):
        stated = {row.statistic: row for row in _cells(rows)}
        found, note = _stated(stated)
        spread = (stated[name].value if name in stated else math.nan for name in ("std", "min", "max"))
        inside = first_call_inside(float(values[0]), *spread) is not None
        yield Arm(series, metric, unit, "", values, means, stated=found, stated_note=note, first_call_inside=inside)


class _Cell(NamedTuple):
    """One statistic that a tool states."""

    statistic: str
    value: float
    n: int | None
    ddof: int | None


def _cells(rows: Rows) -> Iterable[_Cell]:
    return map(_Cell, *(rows[name].tolist() for name in _Cell._fields))


def _stated(rows: Mapping[str, _Cell]) -> tuple[tuple[float, float, int] | None, str]:
    """(mean, sd with ddof 1, n), or None with what is missing. An unstated ddof is taken as 0 (the wider sd)."""
    mean = rows["mean"]
    if mean.n is None:
        return None, "the number of runs behind the mean is not stated"
    count = int(mean.n)
    if "stderr" in rows:
        return (mean.value, rows["stderr"].value * math.sqrt(count), count), ""
    if "std" not in rows:
        return None, "no standard deviation is stated"
    sd = rows["std"].value
    if count > 1 and not rows["std"].ddof:
        sd *= math.sqrt(count / (count - 1))
    return (mean.value, sd, count), ""


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


def _lengths(ok: Rows) -> dict[tuple[str, str, str], float]:
    """(series, prompt_tokens or output_tokens, phase; "" for all phases) -> median."""
    wanted = ok.take(ok.are("metric", "prompt_tokens", "output_tokens") & ok.are("statistic", "sample"))
    out: dict[tuple[str, str, str], float] = {}
    for names in (("series_id", "metric"), ("series_id", "metric", "phase")):
        for key, part in wanted.groups(*names):
            series_id, metric, phase = (*key, "")[:3]
            out[series_id, metric, phase] = float(np.median(part["value"]))
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
    found = [key for key in IDENTITY if plain(base.get(key)) != plain(head.get(key))]
    left, right = json.loads(base["config"] or "{}"), json.loads(head["config"] or "{}")
    found += [f"config.{key}" for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key)]
    return tuple(found)


def plain(value: Any) -> Any:
    """The value, None where it is null."""
    return None if value is None or value != value else value
