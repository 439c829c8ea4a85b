"""What the store as a whole lacks: periods, samples, time that nothing accounts for, GPUs that did no work, and words
that stand for different measurements.

In: entries that count, dated and with their series. Out: gaps, each with consequence and remedy.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from chimera_pipeline import periods
from chimera_pipeline.contracts import definitions
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Gap, GapKind, Row

_Group = tuple[str, str]
"""A tool and its suite."""
MIN_REGULAR = 3
"""A tool is missed in a period when it measured in at least so many others, and in half of its span."""
FEW = 3
UNEXPLAINED_SHARE = 0.1
UNEXPLAINED_S = 0.1
_PARTS = ("load_s", "prompt_eval_s", "eval_s")
_LAYERS = ("num_gpu", "n_gpu_layers", "ngl", "gpu_layers")


class StoreWide:
    """What the store as a whole lacks, as its files go by."""

    def __init__(self) -> None:
        self._days: dict[str, set[str]] = defaultdict(set)
        self._samples: dict[_Group, Counter[str]] = defaultdict(Counter)
        self._sampled: dict[_Group, set[str]] = defaultdict(set)
        self._on_cpu: dict[str, dict[str, int]] = defaultdict(dict)
        self._meanings: dict[tuple[str, str], dict[str, frozenset[str]]] = defaultdict(dict)

    def look_at(self, entry: Entry) -> Iterator[Gap]:
        """Take the next entry that counts; yields the gaps of this file alone."""
        tool = entry.reading.tool or "unknown"
        # in UTC, of which a period holds whole days
        self._days[tool] |= {
            row["measured_at"][:10]
            for _, row in entry.all_rows()
            if row["measured_at"] and row["time_source"] in ("content", "filename")
        }
        for row in entry.rows.get("llm_requests", ()):
            if row.get("status", "ok") == "ok":
                group = (tool, str(row.get("suite") or "requests"))
                self._samples[group][row["series_id"]] += 1
                self._sampled[group].add(entry.path)
        on_cpu = sum(_on_cpu(row) for _, row in entry.all_rows())
        if on_cpu:
            self._on_cpu[tool][entry.path] = on_cpu
        for measured, means in _meanings(entry).items():
            self._meanings[measured][entry.path] = means
        yield from _unexplained_time(entry)
        yield from _idle(entry)

    def told(self) -> dict[str, Any]:
        """All of it as plain values, for `add`."""
        return {
            "days": {tool: sorted(days) for tool, days in self._days.items()},
            "samples": [[*group, series, sorted(self._sampled[group])] for group, series in self._samples.items()],
            "on_cpu": self._on_cpu,
            "meanings": [
                [*measured, {path: sorted(means) for path, means in files.items()}]
                for measured, files in self._meanings.items()
            ],
        }

    def add(self, told: dict[str, Any]) -> None:
        """Take what others were told."""
        for tool, days in told["days"].items():
            self._days[tool].update(days)
        for tool, suite, series, paths in told["samples"]:
            self._samples[tool, suite].update(series)
            self._sampled[tool, suite].update(paths)
        for tool, counts in told["on_cpu"].items():
            self._on_cpu[tool].update(counts)
        for word, model, files in told["meanings"]:
            self._meanings[word, model].update({path: _one(frozenset(means)) for path, means in files.items()})

    def gaps(self, *, period: str) -> Iterator[Gap]:
        """The gaps of all files together; `period` is the kind of report period."""
        yield from _missing_periods(self._days, period)
        yield from _few_samples(self._samples, self._sampled)
        for tool, counts in sorted(self._on_cpu.items()):
            yield _unused(f"{tool} without GPU layers", "config", counts, "these rows ran without a layer on the GPU")
        yield from _not_comparable(self._meanings)


def _missing_periods(days: Mapping[str, set[str]], kind: str) -> Iterator[Gap]:
    """Periods in which a tool that measures regularly measured nothing."""
    seen = {
        tool: {periods.period_of(dt.datetime.fromisoformat(f"{day}T00:00:00+00:00"), kind) for day in found}
        for tool, found in days.items()
        if found
    }
    for tool, found in sorted(seen.items()):
        ordered = sorted(found, key=lambda name: periods.bounds(name)[0])
        first, last = ordered[0], ordered[-1]
        span = periods.between(first, last)
        if len(found) < MIN_REGULAR or 2 * len(found) < len(span):
            continue
        for name in span:
            if name not in found:
                yield Gap(
                    kind=GapKind.MISSING_PERIOD,
                    table="measurements",
                    field="measured_at",
                    subject=f"{tool} in {name}",
                    severity="warning",
                    consequence=f"{tool} measured in {len(found)} of {len(span)} periods from {first} to {last}, not "
                    f"in {name}: a change there shows only in the period after it",
                    remedy=f"add the result files of {name}, or run {tool} in every period",
                )


def _few_samples(samples: Mapping[_Group, Counter[str]], paths: Mapping[_Group, set[str]]) -> Iterator[Gap]:
    """Configurations with so few samples that no interval and no test is possible."""
    for group, series in sorted(samples.items()):
        few = sum(count < FEW for count in series.values())
        if few:
            yield Gap(
                kind=GapKind.FEW_SAMPLES,
                table="llm_requests",
                field="n",
                subject=f"{group[1].replace('_', ' ')} of {group[0]}",
                artifacts=tuple(sorted(paths[group])),
                count=few,
                severity="warning",
                consequence=f"{few} of {len(series)} configurations have fewer than {FEW} samples: they carry no "
                "interval and no test, and what stands out among them may be chance",
                remedy="repeat each configuration at least 5 times",
            )


def _unexplained_time(entry: Entry) -> Iterator[Gap]:
    """Requests whose end-to-end time is longer than load, prompt evaluation and decode together."""
    total = lost = 0.0
    count = 0
    for row in entry.rows.get("llm_requests", ()):
        values = [row.get(name) for name in ("total_s", *_PARTS)]
        if row.get("status", "ok") != "ok" or any(value is None for value in values):
            continue
        whole, *parts = (float(value) for value in values if value is not None)
        rest = whole - sum(parts)
        if rest > max(UNEXPLAINED_SHARE * whole, UNEXPLAINED_S):
            count, total, lost = count + 1, total + whole, lost + rest
    if count:
        yield Gap(
            kind=GapKind.UNEXPLAINED_TIME,
            table="llm_requests",
            field="total_s",
            subject=entry.path,
            artifacts=(entry.path,),
            count=count,
            severity="warning",
            consequence=f"{lost:.3g} s of {total:.3g} s of these requests are neither load nor prompt evaluation "
            "nor decode: no statement says where they went",
            remedy="measure queueing, network and client time beside the server's durations",
        )


def _idle(entry: Entry) -> Iterator[Gap]:
    """A GPU whose utilization was zero throughout."""
    idle = [
        float(row["value"])
        for row in entry.rows.get("system_samples", ())
        if row.get("metric") == "gpu_utilization" and row.get("value") is not None
    ]
    if len(idle) >= FEW and max(idle) == 0:
        yield _unused(entry.path, "gpu_utilization", {entry.path: len(idle)}, "the GPU idled in every sample")


def _on_cpu(row: Row) -> bool:
    """No layer was given to a GPU, and nothing says that the row is about a CPU."""
    config: dict[str, Any] | None = row.get("config")
    if not config:
        return False
    layers = [config[name] for name in _LAYERS if isinstance(config.get(name), int | float)]
    named = f"{row.get('hardware') or ''} {row.get('device') or ''}".lower()
    return bool(layers) and max(layers) == 0 and "cpu" not in named


def _unused(subject: str, field: str, counts: dict[str, int], what: str) -> Gap:
    return Gap(
        kind=GapKind.NO_GPU_USED,
        table="system_samples" if field == "gpu_utilization" else "measurements",
        field=field,
        subject=subject,
        artifacts=tuple(sorted(counts)),
        count=sum(counts.values()),
        severity="info",
        consequence=f"{what}: the numbers are those of the CPU, and say nothing about a GPU",
        remedy="check that the work under test reaches the GPU, or name the CPU as the hardware",
    )


def _meanings(entry: Entry) -> dict[tuple[str, str], frozenset[str]]:
    """(word, model) -> the ways in which a file measures it."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for model, metric, definition in sorted(set(_measured(entry)), key=str):
        for word, known in definitions.words().items():
            match = [one for one in known if one.metric == metric and one.covers(entry.reading.tool, definition)]
            if match:
                found[word, model].add(match[0].means)
    return {measured: _one(frozenset(means)) for measured, means in found.items()}


@lru_cache(maxsize=1024)
def _one(means: frozenset[str]) -> frozenset[str]:
    """One set for all files that mean the same."""
    return means


def _not_comparable(measured: Mapping[tuple[str, str], Mapping[str, frozenset[str]]]) -> Iterator[Gap]:
    """Models for which files measure one word by different definitions and share none."""
    for (word, model), files in sorted(measured.items()):
        if frozenset.intersection(*files.values()):
            continue
        meanings: dict[str, set[str]] = defaultdict(set)
        for path, stated in files.items():
            for means in stated:
                meanings[means].add(path)
        told = "; ".join(f"{means} ({_some(paths)})" for means, paths in sorted(meanings.items()))
        yield Gap(
            kind=GapKind.NOT_COMPARABLE,
            table="series",
            field=word,
            subject=model,
            artifacts=tuple(sorted(files)),
            count=len(meanings),
            severity="info",
            consequence=f"{word} of {model} is measured in {len(meanings)} ways that are never compared: {told}",
            remedy=f"measure {word} in one way, or compare only what names the same definition",
        )


def _measured(entry: Entry) -> Iterator[tuple[str, str, str | None]]:
    """(model, metric, definition) of every value that a definition could be about."""
    wanted = {one.metric for known in definitions.words().values() for one in known}
    for table, row in entry.all_rows():
        model = row.get("model")
        if model is None or row.get("status", "ok") != "ok":
            continue
        if table == "measurements":
            names: Iterable[str] = [row["metric"]]
        elif table == "serving_runs":
            stated = [name for name in row if row[name] is not None]
            names = [name if name in wanted else f"serving_{name.rpartition('_')[0]}" for name in stated]
        else:
            names = [name for name in row if row[name] is not None]
        for name in names:
            if name in wanted:
                yield str(model), name, row.get("ttft_definition") if name == "ttft_s" else None


def _some(paths: set[str]) -> str:
    ordered = sorted(paths)
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} and {len(ordered) - 1} more"
