"""One sentence held against the facts: its numbers by role, then its directions and superlatives.

Values and comparisons are judged in `judging` and `comparing`; this decides which question each claim asks of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from chimera_pipeline.audit import (
    direction_claims,
    number_claims,
    operands,
    stated_comparisons,
    superlative_claims,
    words,
)
from chimera_pipeline.audit.better import orientation
from chimera_pipeline.audit.binding import bind
from chimera_pipeline.audit.comparing import Comparer
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import BoundNumber, Frame
from chimera_pipeline.audit.judging import Judge
from chimera_pipeline.audit.lexicon import EntityRef, Lexicon, MetricRef
from chimera_pipeline.audit.linking import FactIndex, under
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.numerals import decimal_of
from chimera_pipeline.audit.phrases import parts
from chimera_pipeline.audit.results import CheckedClaim, Rival, Verdict
from chimera_pipeline.audit.rivals import LIMIT, ValueIndex, rival
from chimera_pipeline.audit.roles import before_after, between, roles
from chimera_pipeline.audit.sentence_state import Draft, SentenceState
from chimera_pipeline.audit.tokens import N_NOUNS, Number, Reading
from chimera_pipeline.audit.told import told_by_fact
from chimera_pipeline.audit.windows import groups

_TIME_VERB = re.compile(
    r"\b(?:takes?|took|taking|needs?|needed|requires?|required|lasts?|lasted|finish\w*|"
    r"complet\w+|runs?|ran) (?:in |only |just |for |about |roughly |around |approximately |~ |"
    r"over |under |more than |less than |longer than |shorter than |at least |nearly |almost |≈ |a |an |<S> |<C> )*$"
)
_TIME = (("[time]", 1),)
_NONE: Mapping[int, FactView] = MappingProxyType({})
_UNNAMED_METRIC = re.compile(
    r"\b(?:the|its|an?|our|their|whose) (?:<[SC]> )*((?:[a-z]+ ){1,3})(?:of|for|on|from) (?:the )?<E> (?:<[SC]> )*"
    r"(?:is|was|were|are|reached|came to|stood at|amounts? to|amounted to|hit|:|=)"
)
_LABELLED = re.compile(
    r"^(?:<[ECSX]>|[,()\[\]/-]|on|with|at|and|the|\s)*<E>(?:<[ECSX]>|[,()\[\]/-]|on|with|at|and|the|\s)*[:=–—] *$"
)
_EXTREME = re.compile(r"(?:<S>(?: [:=])?|\brange (?:(?:of|from|:|=) )?(?:<N> (?:to|-|–))?) ?$")
_MADE = re.compile(r"\b(?:generat|produc|emit|writ|wrote|return)\w*\b[^.;,]*$")
_NAMED_CASE = re.compile(r"(?:(?<!of )(?<!of the )<E> \(|\b(?:fastest|slowest|quickest)\b[^.;,]* (?:at|with|in)) ?$")
_NEUTRAL = frozenset(
    [
        "value",
        "result",
        "results",
        "figure",
        "number",
        "numbers",
        "output",
        "case",
        "performance",
        "speed",
        "rest",
        "measurement",
        "measured",
        "run",
        "runs",
        "model",
        "total",
        "observed",
        "recorded",
        "reported",
        "overall",
        "first",
        "second",
        "single",
        "only",
        "best",
        "latest",
        "new",
        "final",
        "actual",
        "reading",
        "benchmark",
        "test",
        "series",
        "tests",
        "results'",
        "system",
        "engine",
        "kernel",
        "request",
        "requests",
    ]
)
_PLAIN_ADJECTIVES = frozenset(
    [
        "total",
        "different",
        "distinct",
        "result",
        "data",
        "input",
        "source",
        "separate",
        "individual",
        "more",
        "other",
        "such",
        "unique",
        "further",
        "additional",
        "such",
        "available",
        "existing",
        "new",
        "old",
        "raw",
        "valid",
        "good",
        "whole",
        "full",
        "overall",
        "various",
        "several",
        "artifact",
        "artefact",
        "local",
        "remaining",
        "successful",
        "independent",
        "consecutive",
        "repeated",
        "sequential",
        "timed",
        "single",
        "identical",
        "these",
        "those",
        "same",
    ]
)


class SentenceAuditor:
    """Audits sentences against one set of facts."""

    def __init__(self, facts: Sequence[FactView], lexicon: Lexicon, *, rivals: bool = True) -> None:
        self.lexicon = lexicon
        self.index = FactIndex(facts, lexicon)
        self.judge = Judge(self.index)
        self.comparer = Comparer(self.index)
        self.values = ValueIndex(facts)
        self.levels: list[tuple[Number, Frame]] = []
        self._rivals = rivals

    def claims(
        self, reading: Reading, text: str, line: int, scope: Frame, marks: Mapping[int, FactView] = _NONE
    ) -> list[CheckedClaim]:
        """Every claim of a sentence; `marks` are the places of its citations with the facts that they stand for."""
        cited = tuple(dict.fromkeys(marks.values()))
        told = told_by_fact(reading, cited)
        superlative_claims.mark_extremes(reading)
        operands.mark_verbs(reading)
        reading.refresh()
        bound = bind(reading, scope, self.index.fits)
        for item in bound:
            self._settle_metric(reading, item, scope)
        _settle_gapped(reading, bound)
        for item, spread in pairwise(bound):
            if item.frame.entity is None and re.fullmatch(r"\s*±\s*", between(reading, item.at, spread.at)):
                item.frame = replace(item.frame, entity=spread.frame.entity)
        state = SentenceState(
            self,
            reading,
            bound,
            roles(reading, bound),
            scope,
            operands.strip_groups(reading, groups(reading.tokens)),
            superlative_claims.places_of(reading),
            stated_comparisons.cited(reading, cited)
            or (stated_comparisons.stated(reading, self.index) if self.index.comparisons else None),
            cited,
            marks,
        )
        drafts = [
            *number_claims.drafts(state),
            *direction_claims.trend(state),
            *direction_claims.directions(state),
            *superlative_claims.superlatives(state),
        ]
        return [self.written(draft, text, line) for draft in (*told, *drafts)]

    def _settle_metric(self, reading: Reading, item: BoundNumber, scope: Frame) -> None:
        """Metric and conditions of a count from its noun; of a rate from its unit; of a duration from its verb."""
        number, frame = item.number, item.frame
        if number.noun and (number.measure is None or number.measure.kind == "unit"):
            frame = self._counted(reading, item, frame)
        own = frame.metric is not None and "metric" not in frame.inherited
        if frame.metric is None and not number.noun:
            frame = replace(frame, metric=self.by_condition(frame, number.measure))
        if (
            frame.metric is not None
            and frame.metric.keys[0] in {"requests", "files"}
            and number.measure is not None
            and not number.noun
        ):
            own, frame = False, replace(frame, metric=None)
        if own and frame.metric is not None and number.measure is not None and frame.metric.phrase in {"rate", "speed"}:
            known = self.index.of_metric(
                frame.metric, frame.entity.names[0] if frame.entity and frame.entity.known else None
            )
            frame = (
                frame if known else replace(frame, metric=self._by_unit(number.measure, frame.entity) or frame.metric)
            )
        if own or number.measure is None:
            item.frame = frame
            return
        before, _ = before_after(reading, item.at)
        from_scope = scope.metric is not None and frame.metric == scope.metric
        if frame.metric is None or from_scope:
            lasts = number.measure.dimension == _TIME and _TIME_VERB.search(before) is not None
            if lasts:
                frame = replace(frame, metric=MetricRef("time taken", ("time_s", "total_s", "serving_e2e_s")))
        if frame.metric is None and number.measure.kind == "unit" and not _names_unknown_metric(reading):
            metric = self.by_unit_alone(number.measure, frame)
            told = _LABELLED.search(before) or (
                _NAMED_CASE.search(before) and not any(t.metric for t in reading.tokens)
            )
            if metric is None and told and number.measure.dimension == _TIME:
                metric = self._case_time(frame)
            frame = replace(frame, metric=metric)
        item.frame = frame

    def _by_unit(self, measure: Measure, entity: EntityRef | None) -> MetricRef | None:
        known = self.lexicon.by_unit.get(measure.dimension)
        if known is not None or len(measure.dimension) < 2:
            return known
        keys = {
            fact.key: fact.phrase
            for group in self.index.by_entity.values()
            for fact in group
            if fact.measure.dimension == measure.dimension
        }
        return MetricRef(*next((phrase, (key,)) for key, phrase in keys.items())) if len(keys) == 1 else None

    def by_condition(self, frame: Frame, measure: Measure | None) -> MetricRef | None:
        """The metric that a named task stands for ("78 % on HellaSwag"), where it stands for one only."""
        atoms = {pair for pair in frame.conditions if not pair[1]}
        if not atoms:
            return None
        keys = {
            fact.key: fact.phrase
            for group in self.index.by_entity.values()
            for fact in group
            if atoms & fact.conditions and (measure is None or fact.measure.agrees(measure))
        }
        return MetricRef(*next((phrase, (key,)) for key, phrase in keys.items())) if len(keys) == 1 else None

    def by_unit_alone(self, measure: Measure | None, frame: Frame) -> MetricRef | None:
        """The metric of a number that has a unit and perhaps a statistic, and no other word for what it measures."""
        if measure is None or measure.kind != "unit":
            return None
        return self._by_unit(measure, frame.entity) or self._only_one(measure, frame)

    def _only_one(self, measure: Measure, frame: Frame) -> MetricRef | None:
        """The only metric of the entity that has the named statistic in this unit; of a timed case its time."""
        if frame.statistic is None or (frame.entity is not None and not frame.entity.known):
            return None
        statistic = self.resolved(frame).statistic
        facts: Sequence[FactView] = self.index.by_entity.get(frame.entity.names[0], ()) if frame.entity else ()
        if frame.entity is None and len(frame.conditions) > 1:
            facts = under([fact for group in self.index.by_entity.values() for fact in group], frame.conditions)
            facts = facts if len({fact.entity for fact in facts}) == 1 else ()
        keys = {f.key: f.phrase for f in facts if f.statistic == statistic and f.measure.agrees(measure)}
        if statistic in words.SPREADS:
            keys = {f.key: f.phrase for f in facts if f.sd is not None and f.measure.agrees(measure)}
        if "time_s" in keys:
            keys = {"time_s": keys["time_s"]}
        return MetricRef(*next((phrase, (key,)) for key, phrase in keys.items())) if len(keys) == 1 else None

    def _case_time(self, frame: Frame) -> MetricRef | None:
        """The time of a timed case, for "NAME (CUDA): 53.4 µs"."""
        facts = self.index.by_entity.get(frame.entity.names[0], ()) if frame.entity and frame.entity.known else ()
        return next((MetricRef(fact.phrase, (fact.key,)) for fact in facts if fact.key == "time_s"), None)

    def ranged_metric(self, frame: Frame, measure: Measure | None) -> MetricRef | None:
        """The only metric of which the entity has a minimum and a maximum in this unit ("ranged from A to B")."""
        if frame.entity is None or not frame.entity.known or measure is None:
            return None
        facts = [fact for fact in self.index.by_entity.get(frame.entity.names[0], ()) if fact.measure.agrees(measure)]
        ends = [{fact.key: fact.phrase for fact in facts if fact.statistic == name} for name in ("min", "max")]
        keys = {key: phrase for key, phrase in ends[0].items() if key in ends[1]}
        return MetricRef(*next((phrase, (key,)) for key, phrase in keys.items())) if len(keys) == 1 else None

    def _counted(self, reading: Reading, item: BoundNumber, frame: Frame) -> Frame:
        noun = item.number.noun.split(" ")
        near = [reading.tokens[at] for at in item.post[:4] if reading.tokens[at].kind == "M"]
        made = noun[-1] == "token" and _MADE.search(before_after(reading, item.at)[0]) is not None
        metric = (
            near[0].metric if near and near[0].metric else self.metric_of_noun("output token" if made else noun[-1])
        )
        if (
            frame.metric is not None
            and "metric" not in frame.inherited
            and not near
            and noun[-1] in N_NOUNS | {"token", "request"}
        ):
            own_dimensions = self.index.dimensions(frame.metric)
            if item.number.measure is not None and own_dimensions and item.number.measure.dimension in own_dimensions:
                return frame
            if item.number.measure is not None:
                return frame
        frame = replace(frame, metric=metric, inherited=frame.inherited - {"metric"}, statistic=None)
        own = {reading.tokens[at].text.lower() for at in (*item.pre, *item.post) if reading.tokens[at].kind in "CMES"}
        unknown = [
            word
            for word in noun[:-1]
            if word not in _PLAIN_ADJECTIVES
            and not word.endswith(("ed", "ing", "sed"))
            and not any(word in name for name in own)
        ]
        return frame.with_conditions([(word, "") for word in unknown])

    def metric_of_noun(self, noun: str) -> MetricRef:
        hit = self.lexicon.meaning(parts(noun + "s"), 0) or self.lexicon.meaning(parts(noun), 0)
        if hit is not None and isinstance(hit[1].value, MetricRef):
            return hit[1].value
        return MetricRef(noun, (noun,))

    def resolved(self, frame: Frame) -> Frame:
        """The frame with best and worst turned into minimum or maximum by the metric's direction."""
        if frame.statistic not in {"best", "worst"} or frame.metric is None:
            return frame
        facts = self.index.of_metric(frame.metric)
        better = orientation(facts[0], self.index) if facts else 0
        if better == 0:
            return replace(frame, statistic="max" if frame.statistic == "worst" else "min")
        highest = (better > 0) == (frame.statistic == "best")
        return replace(frame, statistic="max" if highest else "min")

    def written(self, draft: Draft, text: str, line: int) -> CheckedClaim:
        """The claim with its rivals."""
        number, frame, ruling = draft.number, draft.frame, draft.ruling
        fact = ruling.fact
        found: tuple[Rival, ...] = ()
        reason = ruling.reason
        if self._rivals and number is not None and ruling.verdict is not Verdict.SUPPORTED:
            others = [item for item in self.values.carrying(number) if fact is None or item.id != fact.id]
            found = tuple(rival(item, f"same number: {item.described()}") for item in others[:LIMIT])
            telling = ruling.verdict is Verdict.UNSUPPORTED or len(number.text.strip("+-0.,")) > 3
            if others and telling and "the number is" not in reason:
                note = self.values.note(others[0])
                reason += f"; the number is the {others[0].described()}" + (f" ({note})" if note else "")
            elif fact is not None and fact.n == 1:
                note = self.values.note(fact)
                reason += f" ({note})" if "failed" in note else ""
        names = frame.entity.names if frame.entity else ()
        return CheckedClaim(
            text=text,
            line=line,
            printed=draft.printed,
            value=decimal_of(number.printed.value) if number is not None else None,
            unit=number.measure.text if number and number.measure else number.noun if number else "",
            metric=fact.key if fact else (frame.metric.keys[0] if frame.metric else None),
            statistic=frame.statistic,
            entity=names[0]
            if len(names) == 1
            else frame.entity.text
            if frame.entity
            else fact.entity
            if fact
            else None,
            condition=", ".join(
                f"{key}={value}" if value and key != "phase" else value or key for key, value in frame.conditions
            ),
            kind=draft.kind,
            comparator=draft.comparator,
            verdict=ruling.verdict,
            reason=reason,
            fact_id=fact.id if fact else None,
            sources=fact.sources if fact else None,
            rivals=found,
        )


def _settle_gapped(reading: Reading, bound: Sequence[BoundNumber]) -> None:
    """ "A ran in 1.2 s, B in 3.4 s", "A: 1.2 s (min 1.1)": the second number is of the metric of the first."""
    settled: BoundNumber | None = None
    for item in bound:
        before, _ = before_after(reading, item.at)
        gapped = re.search(r"(?:[,;)]|\band) (?:and )?<E> (?:in|at|with|needs|only|:)? ?$", before) is not None
        bare = item.group >= 0 and item.number.measure is None and not item.number.noun
        if bare and settled is not None and _EXTREME.search(before):
            item.number.measure = settled.number.measure
        same = settled is not None and item.number.measure == settled.number.measure
        if item.frame.metric is None and (gapped or item.group >= 0) and same and settled is not None:
            statistic = settled.frame.statistic if item.group < 0 else None
            item.frame = replace(item.frame, metric=settled.frame.metric, statistic=item.frame.statistic or statistic)
        if item.frame.metric is not None and item.number.measure is not None and item.group < 0:
            settled = item


def _names_unknown_metric(reading: Reading) -> bool:
    match = _UNNAMED_METRIC.search(reading.form)
    return match is not None and not set(match.group(1).split()) & _NEUTRAL
