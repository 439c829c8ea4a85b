"""Statements: sentences that code has proved from facts. In: the facts of one period. Out: `Statement`s, ranked.

A statement says only what its facts hold: no cause, no direction that a test did not give, no average of one.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

from chimera_pipeline import wording
from chimera_pipeline.analysis import decisions
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact, Slot, Statement

_ABOUT_COMPARISONS = {"regression", "improvement", "no_clear_difference", "equivalent"}
_CHANGE_WEIGHT = {"regression": 9.0, "improvement": 7.0, "equivalent": 2.0, "no_clear_difference": 2.0}
_COMPARE_WEIGHT = {"regression": 3.5, "improvement": 3.5, "equivalent": 2.0, "no_clear_difference": 1.5}


def build(facts: Iterable[Fact]) -> list[Statement]:
    """Every statement that the facts prove, the weightiest first; ties by id."""
    facts = list(facts)
    found: dict[str, Statement] = {}
    for statement in (
        *_quality(facts),
        *_levels(facts),
        *_phases(facts),
        *_ranks(facts),
        *_comparisons(facts),
        *_gaps(facts),
        *_limits(facts),
        *(_statement(*piece) for piece in decisions.pieces(facts)),
    ):
        found.setdefault(statement.id, statement)
    return sorted(found.values(), key=lambda statement: (-statement.weight, statement.id))


def _statement(kind: str, parts: Iterable[str | Slot], weight: float, *, always: bool = False) -> Statement:
    parts = tuple(parts)
    fact_ids = tuple(dict.fromkeys(part.fact_id for part in parts if isinstance(part, Slot)))
    text = "".join(part if isinstance(part, str) else part.text for part in parts)
    digest = hashlib.sha256(f"{kind}|{text}|{','.join(fact_ids)}".encode()).hexdigest()[:10]
    return Statement(f"st_{digest}", kind, parts, fact_ids, round(weight, 6), always)


def extent(fact: Fact) -> str:
    """A fact's value with n, spread and interval, as printed: `102.2 tokens/s (n=5, sd 0.9070, ...)`."""
    scale = wording.scale_in_text(fact.unit, fact.value)
    notes = [f"n={fact.n}" if fact.n is not None else "n not stated"]
    sd = fact.sd if fact.statistic == "mean" else None
    notes += wording.spread(scale, sd, fact.ci_low, fact.ci_high)
    return f"{scale.quantity(fact.value)} ({', '.join(notes)})"


def about(fact: Fact) -> str:
    """Entity and condition: `gemma3:latest (prompt suite)`."""
    return f"{fact.entity} ({fact.condition})" if fact.condition else fact.entity


def _is_sweep(fact: Fact) -> bool:
    return len(fact.series_ids) > 1


def _headline(fact: Fact) -> bool:
    metric = vocabulary.metrics().get(fact.metric)
    return metric is not None and metric.headline


def _levels(facts: list[Fact]) -> Iterator[Statement]:
    """One sentence a series for its mean; reported means say so."""
    for fact in facts:
        if fact.kind not in ("level", "quality") or fact.statistic != "mean" or fact.condition.startswith("cold"):
            continue
        metric = vocabulary.metric(fact.metric)
        if metric.better == "none" and fact.kind != "quality":
            continue
        weight = (2.0 if metric.headline else 1.0) + math.log10(1 + (fact.n or 1)) + (0.5 if fact.ci_low else 0.0)
        weight -= 0.5 if fact.condition.startswith("warm") else 0.0
        weight -= 1.0 if fact.grade == "reported" else 0.0
        reported = ", as the tool reports it" if fact.grade == "reported" else ""
        yield _statement(
            "level",
            [f"Mean {metric.label} of {about(fact)} is ", Slot(fact.id, extent(fact)), f"{reported}."],
            weight,
        )


def _phases(facts: list[Fact]) -> Iterator[Statement]:
    """Cold beside warm TTFT of one series, never pooled."""
    by_key: dict[tuple[str, str, tuple[str, ...]], dict[str, Fact]] = defaultdict(dict)
    for fact in facts:
        if fact.kind == "level" and fact.metric == "ttft_s" and fact.statistic in ("sample", "mean"):
            phase, _, rest = fact.condition.partition(", ")
            by_key[fact.entity, rest, fact.series_ids if len(fact.series_ids) == 1 else ()][phase] = fact
    for (entity, rest, _), found in sorted(by_key.items()):
        cold, warm = found.get("cold"), found.get("warm")
        if cold is None or warm is None or (cold.n == 1 and warm.n == 1):
            continue
        where = f" ({rest})" if rest else ""
        yield _statement(
            "cold_vs_warm",
            [
                f"TTFT of {entity}{where}: {_call(cold)} cold ",
                Slot(cold.id, extent(cold)),
                f", {_call(warm)} warm ",
                Slot(warm.id, extent(warm)),
                "; the two are not pooled.",
            ],
            3.0 + math.log10(max(cold.value / warm.value, 1.0)) if warm.value > 0 else 3.0,
        )


def _call(fact: Fact) -> str:
    return "mean" if fact.statistic == "mean" else "a single call"


def _ranks(facts: list[Fact]) -> Iterator[Statement]:
    """Means of the models that one suite measured alike, listed from high to low. No winner is claimed."""
    groups: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        whole = fact.statistic == "mean" and not fact.condition.startswith(("warm", "cold", "phase"))
        if fact.kind == "level" and whole and _headline(fact) and not _is_sweep(fact):
            groups[fact.metric, fact.condition].append(fact)
    for (metric, condition), members in sorted(groups.items()):
        if len({fact.entity for fact in members}) < 2 or len(members) > 12:
            continue
        if vocabulary.metric(metric).family not in ("requests", "serving"):
            continue
        members.sort(key=lambda fact: (-fact.value, fact.entity))
        if members[-1].value <= 0:
            continue
        parts: list[str | Slot] = [
            f"Measured mean {vocabulary.metric(metric).label}, {condition or 'same condition'}: "
        ]
        for position, fact in enumerate(members):
            parts += ["; " if position else "", f"{fact.entity} ", Slot(fact.id, _short(fact))]
        noise = max((fact.sd or 0.0) / fact.value for fact in members)
        yield _statement("rank", [*parts, "."], 6.0 + 0.1 * len(members) - noise)


def _short(fact: Fact) -> str:
    return f"{wording.quantity(fact.value, fact.unit)} (n={fact.n})"


def _comparisons(facts: list[Fact]) -> Iterator[Statement]:
    for fact in facts:
        if fact.kind in ("comparison", "change"):
            verdict = fact.verdict or ""
            if verdict == "insufficient" and fact.kind == "comparison" and "would settle it" in fact.text:
                continue  # `decisions` tells it as the next run to make
            weight = (_CHANGE_WEIGHT if fact.kind == "change" else _COMPARE_WEIGHT).get(verdict, 0.5)
            if fact.kind == "comparison" and verdict in ("regression", "improvement"):
                weight += min(abs(math.log(fact.effect)), 2.0) if fact.effect and fact.effect > 0 else 0.0
                weight += 1.5 if _serves(fact) else 0.0
            kind = "compare" if fact.kind == "comparison" else "change"
            if verdict not in _ABOUT_COMPARISONS:
                kind = "cannot_conclude"
            yield _statement(kind, [*_comparison(fact), "."], weight)


def _comparison(fact: Fact) -> list[str | Slot]:
    """What was compared, the ratio with its interval, and the verdict; conditions that both arms share stand once."""
    if fact.statistic != "ratio" or fact.effect is None or not fact.baseline:
        quiet = {
            "lines_without_step": ("no step is found in ", " of history"),
            "lines_too_short": ("too few runs to find a step in ", " of history"),
        }
        if fact.statistic in quiet:
            before, after = quiet[fact.statistic]
            count = Slot(fact.id, wording.count(int(fact.value), "line"))
            label = vocabulary.metric(fact.metric).label
            return [f"{label[:1].upper()}{label[1:]}: {before}", count, after]
        return [Slot(fact.id, fact.text.rstrip("."))]
    mine, yours, shared = decisions.arms(fact)
    metric = vocabulary.metric(fact.metric)
    start = f"{metric.label[:1].upper()}{metric.label[1:]} of {mine} against {yours}{shared}: "
    if fact.verdict not in _ABOUT_COMPARISONS or fact.ci_low is None or fact.ci_high is None:
        verdict = (fact.verdict or "undecided").replace("_", " ")
        return [start, Slot(fact.id, f"ratio {wording.number(fact.effect)}"), f", {verdict}"]
    interval = f"{wording.number(fact.ci_low)} to {wording.number(fact.ci_high)}"
    q = f", q = {wording.number(fact.q_value, 2)}" if fact.q_value is not None else ""
    scope = " in this run" if fact.ci_scope == "within_run" else ""
    ratio = f"ratio {wording.number(fact.effect)} (95 % interval {interval}{q})"
    return [start, Slot(fact.id, ratio), f", {_direction(fact, metric.better, metric.unit)}{scope}"]


def _direction(fact: Fact, better: str, unit: str) -> str:
    """The verdict in the metric's own words: a shorter time is faster, a higher rate is higher."""
    if fact.verdict in ("regression", "improvement"):
        if unit == "s":
            return "faster" if fact.verdict == "improvement" else "slower"
        return "higher" if (fact.verdict == "improvement") == (better == "higher") else "lower"
    return {"equivalent": "equivalent", "no_clear_difference": "no clear difference"}.get(fact.verdict or "", "")


def _serves(fact: Fact) -> bool:
    return _headline(fact) and vocabulary.metric(fact.metric).family in ("requests", "serving")


def _quality(facts: list[Fact]) -> Iterator[Statement]:
    """What the store is made of: always said."""
    counts = {(fact.metric, fact.condition): fact for fact in facts if fact.kind == "inventory"}
    total, failed = counts.get(("requests", "all requests")), counts.get(("requests", "failed"))
    if total is not None and failed is not None and failed.value > 0:
        yield _statement(
            "quality",
            [Slot(failed.id, wording.number(failed.value)), " of ", Slot(total.id, wording.number(total.value)),
             " requests failed; they enter no mean."],
            6.0,
            always=True,
        )  # fmt: skip
    for condition, sentence in (
        ("status duplicate", " repeat measurements of another file and are counted once."),
        ("status derived", " summarise rows of the store itself and are not counted again."),
        ("status quarantined", " could not be used and are in quarantine."),
        ("status unrecognised", " are in a format that no reader knows; nothing is guessed from them."),
    ):
        fact = counts.get(("files", condition))
        if fact is not None and fact.value > 0:
            shown = wording.count(int(fact.value), "file")
            if fact.value == 1:
                sentence = _singular(sentence)
            yield _statement("quality", [Slot(fact.id, shown), sentence], 1.5, always=True)


def _singular(sentence: str) -> str:
    for plural, singular in (
        (" repeat ", " repeats "), (" are counted", " is counted"), (" summarise ", " summarises "),
        (" are not counted", " is not counted"), (" are in ", " is in "),
        ("guessed from them", "guessed from it"),
    ):  # fmt: skip
        sentence = sentence.replace(plural, singular)
    return sentence


def _gaps(facts: list[Fact]) -> Iterator[Statement]:
    for fact in facts:
        if fact.kind == "gap" and fact.metric == "telemetry_gaps":
            noun = "telemetry gap" if fact.value == 1 else "telemetry gaps"
            yield _statement(
                "gap",
                [Slot(fact.id, wording.number(fact.value)), f" {noun} of kind “{fact.condition}”."],
                0.8 + 0.1 * math.log10(1 + fact.value),
                always=True,
            )


def _limits(facts: list[Fact]) -> Iterator[Statement]:
    """What cannot be concluded: single measurements."""
    single = [f for f in facts if f.kind == "level" and f.statistic == "sample" and _headline(f) and not _is_sweep(f)]
    entities: dict[str, list[Fact]] = defaultdict(list)
    for fact in single:
        if not fact.condition.startswith(("cold", "warm")):
            entities[fact.entity].append(fact)
    means = {f.entity for f in facts if f.kind == "level" and f.statistic == "mean" and _headline(f)}
    for entity, found in sorted(entities.items()):
        if entity not in means and len(found) == 1:
            fact = found[0]
            label = vocabulary.metric(fact.metric).label
            yield _statement(
                "cannot_conclude",
                [f"Only one {label} of {about(fact)} was measured, ", Slot(fact.id, extent(fact)),
                 ": a single sample is no average."],
                1.2,
            )  # fmt: skip
