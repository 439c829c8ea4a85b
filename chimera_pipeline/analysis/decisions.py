"""Statements that serve a decision: where the time goes, which option matters, what to deploy, what is left open.

In: the facts of one period. Out: pieces (kind, parts, weight) of statements; `statements` gives them ids. Values
are put side by side only where they were measured under one condition, or differ in a single option.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chimera_pipeline import wording
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact, Slot

Piece = tuple[str, list[str | Slot], float]
SIGNIFICANT = 0.05
MOST_ON_A_LADDER = 8
_RATES = ("decode_tokens_per_s", "output_tokens_per_s")
_TAILS = (("p99", "p99"), ("p95", "p95"), ("max", "max"))
_PHASES = ("warm", "cold", "phase unknown")
_PARTS = {"load_share": "Model load", "prompt_eval_share": "Prompt evaluation"}
_SHARE_OF = "variance_share of "
_OPTION = re.compile(r"[A-Za-z_.]+=\S+\Z")


def pieces(facts: Sequence[Fact]) -> Iterator[Piece]:
    """Every statement of this module."""
    yield from _shares(facts)
    yield from _sensitivities(facts)
    yield from _fronts(facts)
    yield from _ladders(facts)
    yield from _first_places(facts)
    yield from _first_calls(facts)
    yield from _open(facts)


def arms(fact: Fact) -> tuple[str, str, str]:
    """(name and own condition of the arm of a comparison, the same of its baseline, condition of both)."""
    entity, _, rest = (fact.baseline or "").partition(" (")
    ours, theirs = fact.condition.split(", "), rest.removesuffix(")").split(", ")
    both = [word for word in ours if word in theirs]
    mine = ", ".join(word for word in ours if word and word not in both)
    yours = ", ".join(word for word in theirs if word and word not in both)
    shared = f" ({', '.join(both)})" if both and both != [""] else ""
    return f"{fact.entity} ({mine})" if mine else fact.entity, f"{entity} ({yours})" if yours else entity, shared


def apart(fact: Fact) -> frozenset[str]:
    """The options in which the arms of a comparison differ."""
    _, _, rest = (fact.baseline or "").partition(" (")
    words = set(fact.condition.split(", ")) ^ set(rest.removesuffix(")").split(", "))
    return frozenset(word.split("=")[0] for word in words if _OPTION.match(word))


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the cells of one sweep say of its options, by a metric: facts of those that move it and of those that do
    not beyond noise. The F tests of one sweep share its level (Bonferroni)."""

    entity: str
    metric: str
    series_ids: frozenset[str]
    moving: tuple[Fact, ...]
    still: tuple[Fact, ...]

    def doubts(self, fact: Fact) -> bool:
        """Whether a comparison over these cells tells options apart that the cells themselves do not."""
        named = {_SHARE_OF + option for option in apart(fact)}
        inside = fact.metric == self.metric and self.series_ids.issuperset(fact.series_ids)
        return inside and any(one.statistic in named for one in self.still)


def sweeps(facts: Iterable[Fact]) -> list[Sweep]:
    """Every sweep whose variance was split, by entity and metric."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.statistic.startswith(_SHARE_OF):
            groups[fact.entity, fact.metric, fact.series_ids].append(fact)
    found = []
    for (entity, metric, series_ids), members in sorted(groups.items()):
        members.sort(key=lambda fact: (-fact.value, fact.statistic))
        moving = [f for f in members if f.p_value is not None and f.p_value * len(members) < SIGNIFICANT]
        still = [f for f in members if f not in moving]
        found.append(Sweep(entity, metric, frozenset(series_ids), tuple(moving), tuple(still)))
    return found


def split_phase(condition: str) -> tuple[str, str]:
    """(phase, the rest) of a condition; phase is "" where it names none."""
    first, _, rest = condition.partition(", ")
    return (first, rest) if first in _PHASES else ("", condition)


def swept(facts: Iterable[Fact]) -> set[str]:
    """Series that are cells of a sweep: what is said of a sweep is said of all of it."""
    cells = [f.series_ids for f in facts if f.statistic in ("mean", "median") and len(f.series_ids) > 1]
    return {series_id for ids in cells for series_id in ids}


def _shares(facts: Sequence[Fact]) -> Iterator[Piece]:
    """What makes up most of a cold TTFT, of series that are no cells of a sweep."""
    cells = swept(facts)
    for fact in facts:
        part = _PARTS.get(fact.statistic)
        if part is None or fact.value <= 0.5 or cells.intersection(fact.series_ids):
            continue
        shown = f"{wording.percent(fact.value)} of the TTFT"
        text = f" of {fact.entity} ({fact.condition}), n={fact.n}."
        yield "decomposition", [f"{part} is ", Slot(fact.id, shown), text], 3.4 + 0.2 * math.log10(fact.n or 1)


def _sensitivities(facts: Sequence[Fact]) -> Iterator[Piece]:
    """One sentence a sweep: on which options a metric depends beyond noise, and on which it does not.

    An option that a comparison of the requests tells apart is not said to have no effect.
    """
    clear = [fact for fact in facts if fact.kind == "comparison" and fact.verdict in ("improvement", "regression")]
    for sweep in sweeps(facts):
        told = {_SHARE_OF + option for fact in clear if sweep.doubts(fact) for option in apart(fact)}
        still = [fact for fact in sweep.still if fact.statistic not in told]
        if not sweep.moving and not still:
            continue
        parts: list[str | Slot] = [f"In its sweep, {vocabulary.metric(sweep.metric).label} of {sweep.entity} "]
        parts += [*_listed("depends on", sweep.moving), "; it " if sweep.moving and still else ""]
        parts += _listed("shows no effect beyond noise of", still)
        yield "sensitivity", [*parts, "."], 4.0 + 2.0 * sweep.moving[0].value if sweep.moving else 3.2


def _listed(words: str, members: Sequence[Fact]) -> list[str | Slot]:
    out: list[str | Slot] = [f"{words} "] if members else []
    for place, fact in enumerate(members):
        joint = "" if not place else " and " if place + 1 == len(members) else ", "
        out += [joint, Slot(fact.id, fact.statistic.removeprefix(_SHARE_OF))]
    return out


def _fronts(facts: Sequence[Fact]) -> Iterator[Piece]:
    """Which of the candidates measured alike are beaten in everything by another."""
    for fact in facts:
        if fact.statistic != "front_size":
            continue
        beaten = re.findall(r"; (.+?) is nowhere worse than (.+?) and somewhere better", fact.text)
        by: dict[str, list[str]] = defaultdict(list)
        for winner, loser in beaten:
            by[winner].append(loser)
        for winner, losers in sorted(by.items()):
            text = f" {winner} dominates {' and '.join(losers)}."
            yield "trade_off", [Slot(fact.id, f"On {fact.condition} together,"), text], 6.0


@dataclass(frozen=True, slots=True)
class _Rung:
    """One candidate for deployment: its rate and the tail of its TTFT, of one phase where the rate is known in it."""

    entity: str
    condition: str
    rate: Fact
    rate_words: str
    tail: Fact
    tail_words: str

    @property
    def words(self) -> str:
        """What the two numbers are: only candidates of which the same is known stand beside each other."""
        return f"{self.rate_words}, {self.tail_words}"


def _ladders(facts: Sequence[Fact]) -> Iterator[Piece]:
    """Candidates from fast to slow with the tail of TTFT beside each, so that any limit on TTFT picks one."""
    rungs = _rungs(facts)
    groups: dict[tuple[str, ...], list[_Rung]] = defaultdict(list)
    for rung in rungs:
        groups["models", rung.rate.metric, rung.words, rung.condition].append(rung)
        for option, rest in _without_each_option(rung.condition):
            groups[option, rung.rate.metric, rung.words, rung.entity, rest].append(rung)
    told: set[frozenset[str]] = set()
    for (by, *_), members in sorted(groups.items()):
        names = {(_own(rung, by)) for rung in members}
        if not 2 <= len(members) <= MOST_ON_A_LADDER or len(names) < len(members):
            continue
        members = _worth_a_place(members)
        key = frozenset(rung.rate.id for rung in members)
        if len(members) > 1 and key not in told:
            told.add(key)
            yield _ladder(by, members)


def _worth_a_place(members: Iterable[_Rung]) -> list[_Rung]:
    """From fast to slow those that some limit picks: a slower one whose tail is no shorter is never the first."""
    found: list[_Rung] = []
    for rung in sorted(members, key=lambda rung: (-rung.rate.value, rung.tail.value, rung.entity, rung.condition)):
        if not found or rung.tail.value < found[-1].tail.value:
            found.append(rung)
    return found


def _ladder(by: str, members: Sequence[_Rung]) -> Piece:
    first = members[0]
    label = vocabulary.metric(first.rate.metric).label
    shared = first.condition if by == "models" else dict(_without_each_option(first.condition))[by]
    about = shared or "measured alike"
    parts: list[str | Slot] = [f"{about[:1].upper()}{about[1:]}, for a limit on TTFT take the first that keeps it: "]
    for place, rung in enumerate(members):
        rate = f"{wording.quantity(rung.rate.value, rung.rate.unit)} ({_n(rung.rate)})"
        tail = f"{wording.quantity(rung.tail.value, rung.tail.unit)} ({_n(rung.tail)})"
        parts += ["; " if place else "", f"{_own(rung, by)} with {rung.rate_words} {label} ", Slot(rung.rate.id, rate)]
        parts += [f" and {rung.tail_words} TTFT ", Slot(rung.tail.id, tail)]
    return "deploy", [*parts, "."], 6.5 + 0.1 * len(members) if by == "models" else 5.6


def _n(fact: Fact) -> str:
    return f"n={fact.n}" if fact.n is not None else "n not stated"


def _own(rung: _Rung, by: str) -> str:
    if by == "models":
        return rung.entity
    option = next(word for word in rung.condition.split(", ") if word.startswith(f"{by}="))
    return f"{rung.entity} ({option})"


def _without_each_option(condition: str) -> Iterator[tuple[str, str]]:
    words = condition.split(", ")
    for place, word in enumerate(words):
        if _OPTION.match(word):
            yield word.split("=")[0], ", ".join([*words[:place], *words[place + 1 :]])


def _rungs(facts: Sequence[Fact]) -> list[_Rung]:
    rates: dict[tuple[str, str], dict[str, Fact]] = defaultdict(dict)
    tails: dict[tuple[str, ...], dict[str, Fact]] = defaultdict(dict)
    cells = swept(facts)
    for fact in facts:
        if fact.kind != "level" or len(fact.series_ids) != 1 or cells.intersection(fact.series_ids):
            continue
        phase, _ = split_phase(fact.condition)
        if fact.metric in _RATES and fact.statistic in ("mean", "sample"):
            rates[fact.series_ids[0], fact.metric].setdefault(phase, fact)
        elif fact.metric == "ttft_s" and phase != "cold" and (fact.n is None or fact.n > 1):
            tails[fact.series_ids].setdefault(fact.statistic, fact)
    out = []
    for (series_id, _), by_phase in sorted(rates.items()):
        found = tails.get((series_id,), {})
        tail = next(((found[name], words) for name, words in _TAILS if name in found), None)
        if tail is None:
            continue
        phase = split_phase(tail[0].condition)[0]
        rate = by_phase.get(phase) or by_phase.get("")
        if rate is not None:
            warm = [" warm" if split_phase(fact.condition)[0] == "warm" else "" for fact in (rate, tail[0])]
            mean = "mean" if rate.statistic == "mean" else "a single"
            condition = split_phase(rate.condition)[1]
            out.append(_Rung(rate.entity, condition, rate, f"{mean}{warm[0]}", tail[0], f"{tail[1]}{warm[1]}"))
    return out


def _first_places(facts: Sequence[Fact]) -> Iterator[Piece]:
    """Who leads a ranking, and whether the lead is told apart from the next."""
    whole = {(f.entity, f.condition, f.metric) for f in facts if f.kind == "level" and f.statistic == "mean"}
    for fact in facts:
        if fact.statistic != "rank" or fact.value != 1 or (fact.entity, fact.condition, fact.metric) not in whole:
            continue
        end = f" ({fact.condition})"
        found = re.search(r", (clearly ahead of|not told apart from) (.+)", fact.text.removesuffix(end))
        if found is None or not fact.text.endswith(end):  # the next one was measured under another condition
            continue
        metric = vocabulary.metric(fact.metric)
        parts: list[str | Slot] = [f"In {metric.label}, {fact.condition}: {fact.entity} is "]
        parts += [Slot(fact.id, found.group(1)), f" {found.group(2)}."]
        yield "rank", parts, 5.0 if metric.family in ("requests", "serving") else 3.0


def _first_calls(facts: Sequence[Fact]) -> Iterator[Piece]:
    """Stated means that hold one slow call, as a first call is."""
    levels = {(f.entity, f.condition, f.metric, f.statistic): f for f in facts if f.kind == "level"}
    for fact in facts:
        key = (fact.entity, fact.condition, fact.metric)
        mean, slowest = levels.get((*key, "mean")), levels.get((*key, "max"))
        if fact.statistic == "mean_without_slowest" and mean is not None and slowest is not None:
            label = vocabulary.metric(fact.metric).label
            parts: list[str | Slot] = [f"The stated mean {label} of {fact.entity} ({fact.condition}) is "]
            parts += [Slot(mean.id, wording.quantity(mean.value, mean.unit)), " and its max "]
            parts += [Slot(slowest.id, wording.quantity(slowest.value, slowest.unit)), ": "]
            yield "quality", [*parts, Slot(fact.id, "one slow call is in the mean"), "."], 2.5


def _open(facts: Sequence[Fact]) -> Iterator[Piece]:
    """Comparisons that no test could decide and that further runs would: the next ones to make."""
    for fact in facts:
        if fact.kind == "comparison" and fact.verdict == "insufficient" and "would settle it" in fact.text:
            metric = vocabulary.metric(fact.metric)
            mine, yours, shared = arms(fact)
            start = f"Left open: {metric.label} of {mine} against {yours}{shared}; "
            parts: list[str | Slot] = [
                start,
                Slot(fact.id, "too few values for a test, and further runs would settle it"),
            ]
            yield "next_run", [*parts, "."], 2.8 if metric.family in ("requests", "serving") else 1.6
