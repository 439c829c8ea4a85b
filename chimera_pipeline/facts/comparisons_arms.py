"""Arms: the values of one series in one metric and phase, and what tells two arms apart.

In: tables `measurements` and `series`. Out: `Arm`s, and the keys in which two arms differ. What else stands between
them is in `comparisons_confounds`. The statistics are in `comparisons_shift`, the pairing in `comparisons_match`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.contracts.vocabulary import Metric
from chimera_pipeline.facts import ids
from chimera_pipeline.facts.rows import Rows
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
STATISTICS = ("sample", "mean", "std", "stderr", "min", "max")
_NUMBER = re.compile(r"\d+")
_HIGHER = re.compile(r"acc|exact_match|\bem\b|f1|bleu|rouge|pass@|score|recall|precision|mcc|win_rate", re.IGNORECASE)
_LOWER = re.compile(r"perplexity|ppl|bits_per_byte|loss|\bwer\b|\bcer\b|error|brier", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """Values in file order with the run, item and coldness of each; or `stated` (mean, sd, n) of a tool.

    `phase` is cold, warm or unknown where the metric keeps phases apart, else "". `files` has for each value its file,
    and its instant and place in it, by which the values of one file are in order. `load_known` says whether the rows
    tell cold calls from warm ones. `lengths` are the medians of prompt and output tokens of the same requests.
    """

    series: Mapping[str, Any]
    metric: Metric
    unit: str
    phase: str
    values: Array
    runs: tuple[str, ...]
    items: tuple[str | None, ...]
    cold: tuple[bool, ...]
    files: tuple[tuple[str, tuple[int, int]], ...]
    table: Rows
    places: tuple[int, ...]
    stated: tuple[float, float, int] | None = None
    stated_note: str = ""
    first_call_inside: bool = False
    lengths: Mapping[str, float] | None = None
    load_known: bool = True

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the measurements behind the arm stand."""
        return ids.sources(self.rows)

    @property
    def rows(self) -> Rows:
        """The measurements behind the arm."""
        return self.table.take(np.array(self.places, dtype=np.intp))

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


class _Row(NamedTuple):
    """A measurement, as much of it as an arm needs; `place` is its row in the frame, `order` in its file.

    `at` is its instant in microseconds, 0 where unknown.
    """

    statistic: str
    value: float
    run_id: str
    item: str | None
    phase: str
    path: str
    sha256: str
    locator: str
    n: int | None
    ddof: int | None
    order: int
    at: int
    place: int


def arms_of(measurements: pd.DataFrame, series: pd.DataFrame) -> dict[Key, Arm]:
    """Every arm with a direction, by (series_id, metric, unit, phase)."""
    known = {str(row["series_id"]): row for row in records(series)}
    ok = measurements[(measurements["status"] == "ok") & measurements["series_id"].isin(list(known))]
    lengths = _lengths(ok)
    directed = [name for name, metric in vocabulary.metrics().items() if metric.better != "none"]
    frame = ok[ok["metric"].isin([*directed, "quality"]) & ok["statistic"].isin(STATISTICS)]
    out: dict[Key, Arm] = {}
    table = Rows.of(frame, ids.PLACE)
    for (series_id, name, unit), rows in sorted(_grouped(frame).items()):
        for arm in _cut(known[series_id], vocabulary.metric(name), unit, rows, table):
            if arm.better != "none":
                out[series_id, name, unit, arm.phase] = _with_lengths(arm, lengths)
    return out


def _cells(column: Any) -> list[Any]:
    """The values of a column with None for null."""
    values: list[Any] = column.astype("object").where(column.notna(), None).tolist()
    return values


def _grouped(frame: pd.DataFrame) -> dict[tuple[str, str, str], list[_Row]]:
    """(series, metric, unit) -> its rows in the order of the files."""
    columns = [
        "statistic",
        "value",
        "run_id",
        "item",
        "phase",
        "artifact_path",
        "artifact_sha256",
        "locator",
        "n",
        "ddof",
    ]
    cells = [_cells(frame[name]) for name in columns]
    keys = zip(*(frame[name].tolist() for name in ("series_id", "metric", "unit")), strict=True)
    instants = _instants(frame["measured_at"])
    groups: dict[tuple[str, str, str], list[_Row]] = defaultdict(list)
    for place, (key, row, at) in enumerate(zip(keys, zip(*cells, strict=True), instants, strict=True)):
        groups[key].append(_Row._make((*row, _place(row[7]), at, place)))
    for rows in groups.values():
        rows.sort(key=lambda row: (row.path, row.order))
    return groups


def _instants(column: Any) -> list[int]:
    known = column.notna()
    found: list[int] = column.astype("datetime64[us, UTC]").astype("int64").where(known, 0).tolist()
    return found


def _place(locator: str) -> int:
    found = _NUMBER.search(locator)
    return int(found.group()) if found else 0


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _cut(series: Mapping[str, Any], metric: Metric, unit: str, rows: list[_Row], table: Rows) -> Iterable[Arm]:
    samples = [row for row in rows if row.statistic == "sample"]
    if not samples:
        yield from _reported(series, metric, unit, rows, table)
        return
    phases = sorted({row.phase for row in samples}) if metric.phase == "split" else [""]
    for phase in phases:
        part = [row for row in samples if phase in ("", row.phase)]
        yield _arm(series, metric, unit, part, table, phase=phase)


def _arm(series: Mapping[str, Any], metric: Metric, unit: str, rows: list[_Row], table: Rows, **more: Any) -> Arm:
    return Arm(
        series=series,
        metric=metric,
        unit=unit,
        values=np.array([row.value for row in rows], dtype=np.float64),
        items=tuple(row.item for row in rows),
        cold=tuple(row.phase == "cold" for row in rows),
        files=tuple((f"{row.path}@{row.sha256}", (row.at, row.order)) for row in rows),
        load_known=all(row.phase != "unknown" for row in rows),
        table=table,
        places=tuple(row.place for row in rows),
        **{"runs": tuple(row.run_id for row in rows), "phase": "", **more},
    )


def _reported(series: Mapping[str, Any], metric: Metric, unit: str, rows: list[_Row], table: Rows) -> Iterable[Arm]:
    """One stated mean with its spread, or several as the values of as many runs; nothing without a mean."""
    means = [row for row in rows if row.statistic == "mean"]
    if len(means) > 1:
        runs = tuple(f"{row.path}#{row.locator}" for row in means)
        yield _arm(series, metric, unit, means, table, runs=runs)
    elif means:
        stated = {row.statistic: row for row in rows}
        found, note = _stated(stated)
        spread = (stated[name].value if name in stated else math.nan for name in ("std", "min", "max"))
        inside = first_call_inside(means[0].value, *spread) is not None
        yield _arm(series, metric, unit, means, table, stated=found, stated_note=note, first_call_inside=inside)


def _stated(rows: Mapping[str, _Row]) -> tuple[tuple[float, float, int] | None, str]:
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


def _lengths(ok: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    """(series, prompt_tokens or output_tokens, phase; "" for all phases) -> median."""
    wanted = ok[ok["metric"].isin(["prompt_tokens", "output_tokens"]) & (ok["statistic"] == "sample")]
    out: dict[tuple[str, str, str], float] = {}
    for keys in (["series_id", "metric"], ["series_id", "metric", "phase"]):
        medians = wanted.groupby(keys, sort=False)["value"].median()
        for key, value in zip(medians.index, medians.tolist(), strict=True):
            out[key if len(key) == 3 else (*key, "")] = float(value)
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
