"""From what a claim is about to the facts that can decide it: metric, entity, unit, statistic and condition in turn.

A selection always says at which step it became empty, because that decides between contradicted and unsupported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chimera_pipeline.audit import measures, words
from chimera_pipeline.audit.facts_view import EXACT, Conditions, FactView, conditions_of
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.lexicon import EntityRef, Lexicon, MetricRef
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.phrases import parts

LEVELS = frozenset({"level", "quality", "inventory", "gap"})


class Stage(StrEnum):
    """How far a link got."""

    FOUND = "found"
    NO_METRIC = "no metric is named"
    NO_FACT = "no fact has this metric"
    NO_ENTITY = "no entity is named"
    UNKNOWN_ENTITY = "no fact knows this entity"
    NOT_FOR_ENTITY = "no fact has this metric for this entity"
    UNIT = "the unit is of another kind"
    STATISTIC = "no fact has this statistic"
    CONDITION = "no fact has this condition"


@dataclass(frozen=True, slots=True)
class Selection:
    """`facts` that can decide the claim; `near` are those of the same metric and entity."""

    stage: Stage
    facts: tuple[FactView, ...] = ()
    near: tuple[FactView, ...] = ()


_COUNTERS = (
    ("memory", ("memory", "vram", "ram", "mem")),
    ("power", ("power", "watt", "watts")),
    ("temperature", ("temperature", "temp")),
    ("utilization", ("utilization", "utilisation", "util", "load", "usage")),
    ("clock", ("clock", "frequency")),
)


def _counter(text: str) -> tuple[str | None, str | None]:
    found = set(text.lower().replace("_", " ").split())
    kind = next((name for name, names in _COUNTERS if found & set(names)), None)
    device = "gpu" if found & {"gpu", "vram", "video", "device", "cuda"} else "cpu" if "cpu" in found else None
    return device, kind


def _same_counter(ref: MetricRef, fact: FactView) -> bool:
    if ref.phrase in {"system", "system telemetry"}:
        return True
    device, kind = _counter(ref.phrase)
    other_device, other = _counter(f"{fact.phrase} {fact.condition}")
    return kind is not None and kind == other and (device is None or other_device is None or device == other_device)


def _same_score(ref: MetricRef, fact: FactView) -> bool:
    if ref.phrase in {"score", "quality", "quality score", "eval score"}:
        return True
    named = f"{fact.phrase} {fact.condition}".lower().replace("_", " ").split()
    wanted = "accuracy" if ref.phrase == "accurate" else ref.phrase
    return all(
        any(word.startswith(part[:3]) and part.startswith(word[:3]) for word in named) for part in wanted.split()
    )


def _head(phrase: str) -> str:
    """What kind of thing a metric is: "latency" of "end-to-end latency under load"."""
    return re.split(r" (?:under|of|per) ", phrase.lower())[0].rsplit(" ", 1)[-1]


_STATISTIC_WORDS = frozenset(
    word
    for phrases in (*words.STATISTICS.values(), *words.PHASES.values())
    for text in phrases
    for word in text.split()
)


def _same_words(phrase: str, metric: str) -> bool:
    """True where a fact's metric is the phrase with words for statistic or phase around it."""
    stated = [part.text for part in parts(metric)]
    wanted = [part.text for part in parts(phrase)]
    return bool(wanted) and set(wanted) <= set(stated) and set(stated) - set(wanted) <= _STATISTIC_WORDS


class FactIndex:
    """Facts by metric and entity, and the questions that linking asks of them."""

    def __init__(self, facts: Sequence[FactView], lexicon: Lexicon) -> None:
        self.facts = facts
        self.lexicon = lexicon
        self.levels: dict[str, dict[str, list[FactView]]] = defaultdict(lambda: defaultdict(list))
        self.comparisons: dict[str, list[FactView]] = defaultdict(list)
        self.by_entity: dict[str, list[FactView]] = defaultdict(list)
        self._by_text: dict[str, list[FactView]] = defaultdict(list)
        self._asked: dict[tuple[MetricRef, str | None], list[FactView]] = {}
        self._overall: dict[MetricRef, tuple[list[FactView], int]] = {}
        self._worded: dict[str, list[FactView]] = {}
        self._dimensions: dict[MetricRef, frozenset[measures.Dimension] | None] = {}
        for fact in facts:
            if fact.kind in LEVELS:
                self.levels[fact.key][fact.entity].append(fact)
                self.by_entity[fact.entity].append(fact)
                self._by_text[fact.metric].append(fact)
            else:
                self.comparisons[fact.key].append(fact)

    def is_global(self, entity: str) -> bool:
        """True for names that stand for the whole store."""
        return entity.lower() in words.GLOBAL_ENTITIES

    def dimensions(self, ref: MetricRef) -> frozenset[measures.Dimension] | None:
        """The dimensions in which `ref` can be stated; None where nothing is known of it."""
        if ref not in self._dimensions:
            found: set[measures.Dimension] = set()
            for key in ref.keys:
                for group in self.levels.get(key, {}).values():
                    found.update(fact.measure.dimension for fact in group if self._means(ref, fact))
                metric = self.lexicon.metrics.get(key)
                measure = measures.parse(metric.unit) if metric and metric.unit != "as stated" else None
                if measure:
                    found.add(measure.dimension)
            self._dimensions[ref] = frozenset(found) if found else None
        return self._dimensions[ref]

    def fits(self, ref: MetricRef, measure: Measure | None) -> bool:
        """True where a number with this unit can be a value of the metric."""
        if measure is not None and measure.kind in {"times", "points"}:
            return self._is_ratio(ref)
        if measure is None:
            return True
        known = self.dimensions(ref)
        if known is None:
            return not (
                measure.kind == "percent"
                and self.levels.get(ref.keys[0]) is None
                and ref.keys[0] not in words.OTHER_METRICS
            )
        return measure.dimension in known

    def _is_ratio(self, ref: MetricRef) -> bool:
        return any(
            fact.measure.kind == "times" or fact.unit.lower() in {"ratio", "x"}
            for key in ref.keys
            for group in self.levels.get(key, {}).values()
            for fact in group
        )

    def _means(self, ref: MetricRef, fact: FactView) -> bool:
        if fact.key == "system":
            return _same_counter(ref, fact)
        return fact.key != "quality" or _same_score(ref, fact)

    def of_metric(self, ref: MetricRef, entity: str | None = None) -> list[FactView]:
        """Level facts of the metric, of one entity or of all. A generic word also means longer names that end in it."""
        asked = (ref, entity)
        if asked not in self._asked:
            self._asked[asked] = self._of_metric(ref, entity)
        return self._asked[asked]

    def _of_metric(self, ref: MetricRef, entity: str | None) -> list[FactView]:
        found: list[FactView] = []
        for key in ref.keys:
            groups = self.levels.get(key, {})
            for group in groups.values() if entity is None else [groups.get(entity, [])]:
                found += [fact for fact in group if self._means(ref, fact)]
        if not found and _counter(ref.phrase)[1] == "memory":
            near = self.by_entity.get(entity, []) if entity else [fact for fact in self.facts if fact.kind in LEVELS]
            found = [fact for fact in near if _counter(fact.phrase)[1] == "memory" and _same_counter(ref, fact)]
        if ref.phrase == "benchmark files":
            found = [fact for fact in found if _is_whole(fact)] or found
        last = ref.phrase.split(" ")[-1]
        if not found:
            found = [fact for fact in self._by_words(ref) if entity is None or fact.entity == entity]
        if not found:
            found = [fact for fact in self._tests(ref.phrase) if entity is None or fact.entity == entity]
        if not found and ref.phrase in words.GENERIC | {"decode"}:
            pool: Iterable[FactView] = (
                self.by_entity.get(entity, ()) if entity else (f for f in self.facts if f.kind in LEVELS)
            )
            found = [fact for fact in pool if _head(fact.phrase) == last]
        return found

    def _tests(self, phrase: str) -> list[FactView]:
        """Rates of tests whose names stand for the phrase (pp512: prompt processing)."""
        prefix = next((name for name, phrases in words.TEST_NAMES.items() if phrase in phrases), None)
        rates = (fact for group in self.levels.get("rate", {}).values() for fact in group) if prefix else ()
        return [
            fact
            for fact in rates
            if any(re.fullmatch(rf"{prefix}\s?\d+", text) for pair in fact.conditions for text in pair)
        ]

    def _by_words(self, ref: MetricRef) -> list[FactView]:
        """Facts whose metric is written with the words of the phrase."""
        if ref.phrase not in self._worded:
            self._worded[ref.phrase] = [
                fact for text, facts in self._by_text.items() if _same_words(ref.phrase, text) for fact in facts
            ]
        return self._worded[ref.phrase]

    def select(self, frame: Frame, measure: Measure | None, *, any_statistic: bool = False) -> Selection:
        """The facts that can decide a level claim with this frame and unit."""
        if frame.metric is None:
            return Selection(Stage.NO_METRIC)
        stage, near = self._of_entity(frame.metric, frame.entity, inherited="entity" in frame.inherited)
        if stage is Stage.NO_ENTITY and frame.entity is None and len(frame.conditions) > 1:
            there = under(self.of_metric(frame.metric), frame.conditions)
            stage, near = (Stage.FOUND, there) if len({fact.entity for fact in there}) == 1 else (stage, near)
        if stage is not Stage.FOUND:
            return Selection(stage)
        if measure is not None:
            fitting = [
                fact for fact in near if fact.measure.agrees(measure) or _agrees_per(frame.metric, fact, measure)
            ]
            if not fitting:
                return Selection(Stage.UNIT, near=tuple(near))
            near = fitting
        kept = near if any_statistic else [fact for fact in near if statistic_fits(frame.statistic, fact)]
        if not kept:
            return Selection(Stage.STATISTIC, near=tuple(near))
        kept = narrowed(kept, frame.conditions)
        if not kept:
            others = narrowed(near, frame.conditions)
            if others:
                return Selection(Stage.STATISTIC, near=tuple(others))
            return Selection(Stage.CONDITION, near=tuple(near))
        return Selection(Stage.FOUND, tuple(kept), tuple(near))

    def _of_entity(self, ref: MetricRef, entity: EntityRef | None, *, inherited: bool) -> tuple[Stage, list[FactView]]:
        if entity is not None and not entity.names and not inherited:
            return Stage.UNKNOWN_ENTITY, []
        every = self.of_metric(ref)
        if not every:
            return Stage.NO_FACT, []
        if ref not in self._overall:
            overall = [fact for fact in every if self.is_global(fact.entity)]
            self._overall[ref] = (overall, len({fact.entity for fact in every}))
        whole, entities = self._overall[ref]
        if entity is not None:
            if not entity.known:
                if entity.names:
                    return Stage.NO_ENTITY, []
                return (Stage.FOUND, whole) if whole else (Stage.UNKNOWN_ENTITY, [])
            found = self.of_metric(ref, entity.names[0])
            if found:
                return Stage.FOUND, found
            return (Stage.FOUND, whole) if whole and inherited else (Stage.NOT_FOR_ENTITY, [])
        if whole:
            return Stage.FOUND, whole
        return (Stage.FOUND, every) if entities == 1 else (Stage.NO_ENTITY, [])


def _agrees_per(ref: MetricRef, fact: FactView, measure: Measure) -> bool:
    """ "Energy per token: 1.87 J": the metric's name carries the rest of the unit."""
    if " per " not in f" {ref.phrase} " or "/" not in fact.unit:
        return False
    whole = measures.parse(f"{measure.text}/{fact.unit.split('/', 1)[1]}")
    return whole is not None and whole.agrees(fact.measure)


def statistic_fits(claimed: str | None, fact: FactView) -> bool:
    """True where the fact's statistic can be what the claim calls it."""
    stated = fact.statistic
    if claimed is None:
        return stated is None or stated in words.CENTRAL or (stated == "max" and _counter(fact.phrase)[1] == "memory")
    if stated == claimed or (claimed in {"sample", "value"} and stated in {None, "sample", "value"}):
        return True
    single = stated in {None, "sample", "value"}
    if claimed == "total":
        rate = dict(fact.measure.dimension).get("[time]", 0) < 0
        return single or stated in {"sum", "count", "total_over_total"} or (rate and stated in words.CENTRAL)
    if claimed == "mean" or claimed in words.AVERAGES:
        return single and (claimed == "mean" or fact.n == 1)
    if is_percentile(claimed) or claimed in {"median"}:
        return single and fact.n == 1
    return claimed in {"min", "max"} and single and fact.n == 1


def is_percentile(statistic: str) -> bool:
    """True for p50, p99.9 and their like."""
    return statistic[:1] == "p" and statistic[1:2].isdigit()


def needs_samples(statistic: str | None) -> bool:
    """True for a statistic that one sample cannot carry."""
    return statistic is not None and (
        statistic in words.AVERAGES or statistic in words.SPREADS or is_percentile(statistic)
    )


def under(facts: Sequence[FactView], conditions: Sequence[tuple[str, str]]) -> list[FactView]:
    """The facts that hold under all the named conditions."""
    known = {key for fact in facts for key, _ in fact.conditions}
    return [fact for fact in facts if all(_condition_fits(key, value, fact, known) for key, value in conditions)]


def narrowed(facts: Sequence[FactView], conditions: Sequence[tuple[str, str]]) -> list[FactView]:
    """The facts under the named conditions; without a name, those without a condition where there are any."""
    kept = under(facts, conditions)
    named = named_keys(conditions)
    for loose in (_no_extra, _no_phase):
        plain = [fact for fact in kept if loose(fact, named)]
        if plain:
            return plain + [fact for fact in kept if fact not in plain and not conditions and _is_whole(fact)]
    return kept


def beyond_name(fact: FactView) -> Conditions:
    """The conditions of a fact without those that repeat a part of its entity's name (backend=jit of conv/jit)."""
    own = fact.entity.lower().split("/")[1:]
    return frozenset(pair for pair in fact.conditions if pair[1].lower() not in own) if own else fact.conditions


def _is_whole(fact: FactView) -> bool:
    """ "101 files": the files of the kinds that benchmarks are written in may be meant as well as all of them."""
    return fact.key == "files" and fact.conditions == {("benchmark", "")}


def named_keys(conditions: Sequence[tuple[str, str]]) -> set[str]:
    """The keys that the conditions speak of."""
    found = {key for key, _ in conditions}
    for key, text in conditions:
        if key == EXACT:
            found |= {stated for stated, _ in conditions_of(text)}
    return found


def _no_extra(fact: FactView, named: set[str]) -> bool:
    return all(key in named for key, _ in fact.conditions)


def _no_phase(fact: FactView, named: set[str]) -> bool:
    return "phase" in named or all(key != "phase" for key, _ in fact.conditions)


def _any_gpu(named: str, stated: str) -> bool:
    """ "On the GPU" holds for whatever programs one."""
    return named == "gpu" and stated in words.ANY_GPU


def _condition_fits(key: str, value: str, fact: FactView, known: set[str]) -> bool:
    stated = dict(fact.conditions)
    if key == EXACT:
        return fact.condition.lower() == value or conditions_of(value) <= fact.conditions
    if key in stated:
        return stated[key] in value.split("|") or _any_gpu(value, stated[key])
    if not value and any(key == other or _any_gpu(key, other) for other in stated.values()):
        return True
    if key == "phase" or not value:
        return False
    return key not in known
