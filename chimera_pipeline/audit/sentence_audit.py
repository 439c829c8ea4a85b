"""One sentence held against the facts: its numbers by role, then its directions and superlatives.

Values and comparisons are judged in `judging` and `comparing`; this decides which question each claim asks of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from chimera_pipeline.audit import measures, operands, words
from chimera_pipeline.audit.binding import BoundNumber, Frame, bind, groups
from chimera_pipeline.audit.comparing import Comparer, orientation
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.judging import Judge, Ruling, compare, contradicted, says, supported, unsupported
from chimera_pipeline.audit.lexicon import EntityRef, Lexicon, MetricRef
from chimera_pipeline.audit.linking import FactIndex
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.numerals import decimal_of
from chimera_pipeline.audit.phrases import parts
from chimera_pipeline.audit.reading import N_NOUNS, Number, Reading, Token
from chimera_pipeline.audit.results import CheckedClaim, Verdict
from chimera_pipeline.audit.rivals import LIMIT, ValueIndex, rival
from chimera_pipeline.audit.roles import Role, before_after, roles

_TIME_VERB = re.compile(r"\b(?:takes?|took|taking|needs?|needed|requires?|required|lasts?|lasted|finish\w*|complet\w+|runs?|ran) (?:in |only |just |for |about |roughly |around |approximately |~ |over |under |more than |less than |at least |nearly |almost |≈ |a |an |<S> |<C> )*$")
_TIME = (("[time]", 1),)
_UNNAMED_METRIC = re.compile(
    r"\b(?:the|its|an?|our|their|whose) (?:<[SC]> )*((?:[a-z]+ ){1,3})(?:of|for|on|from) (?:the )?<E> (?:<[SC]> )*(?:is|was|were|are|reached|came to|stood at|amounts? to|amounted to|hit|:|=)"
)
_NEUTRAL = frozenset(
    ["value", "result", "results", "figure", "number", "numbers", "output", "case", "performance", "speed", "rest", "measurement", "measured", "run", "runs", "model", "total", "observed", "recorded", "reported", "overall", "first", "second", "single", "only", "best", "latest", "new", "final", "actual", "reading", "benchmark", "test", "series", "tests", "results'", "system", "engine", "kernel", "request", "requests"]
)
_PLAIN_ADJECTIVES = frozenset(
    ["total", "different", "distinct", "result", "data", "input", "source", "separate", "individual", "more", "other", "such", "unique", "further", "additional", "such", "available", "existing", "new", "old", "raw", "valid", "good", "whole", "full", "overall", "various", "several", "artifact", "artefact", "local", "remaining", "successful", "independent", "consecutive", "repeated", "sequential", "timed", "single", "identical", "these", "those", "same"]
)
_EVERY = re.compile(r"\b(?:all|every|each|both|none of|no)(?: of)?(?: the| these| our| tested| \w+)? (?:other )?(?:models?|kernels?|variants?|entities|systems|engines|backends?|configurations?|candidates)\b[^.;]*$")
_NO_DIRECTION = frozenset(["up", "down", "above", "below", "additional", "extra", "over", "under"])
_COMPARATIVE = re.compile(r"[a-z]{3,}er")
_NOT_COMPARATIVE = frozenset(["other", "rather", "either", "neither", "number", "her", "never", "over", "under", "after", "however", "computer", "server", "layer", "user", "her", "per", "paper", "order"])


@dataclass(slots=True)
class Draft:
    """A claim before it is written down."""

    number: Number | None
    frame: Frame
    kind: str
    comparator: str
    ruling: Ruling
    printed: str


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

    def claims(self, reading: Reading, text: str, line: int, scope: Frame) -> list[CheckedClaim]:
        """Every claim of a sentence."""
        _mark_extremes(reading)
        operands.mark_verbs(reading)
        reading.refresh()
        bound = bind(reading, scope, self.index.fits)
        for item in bound:
            self._settle_metric(reading, item, scope)
        work = _Work(self, reading, bound, roles(reading, bound), scope)
        return [self.written(draft, text, line) for draft in work.drafts()]

    def _settle_metric(self, reading: Reading, item: BoundNumber, scope: Frame) -> None:
        """Metric and conditions of a count from its noun; of a rate from its unit; of a duration from its verb."""
        number, frame = item.number, item.frame
        if number.noun and (number.measure is None or number.measure.kind == "unit"):
            frame = self._counted(reading, item, frame)
        own = frame.metric is not None and "metric" not in frame.inherited
        if frame.metric is not None and frame.metric.keys[0] in {"requests", "files"} and number.measure is not None and not number.noun:
            own, frame = False, replace(frame, metric=None)
        if own or number.measure is None:
            item.frame = frame
            return
        before, _ = before_after(reading, item.at)
        if frame.metric is None or (scope.metric is not None and frame.metric == scope.metric):
            if number.measure.dimension == _TIME and _TIME_VERB.search(before):
                frame = replace(frame, metric=MetricRef("time taken", ("time_s", "total_s", "serving_e2e_s")))
        if frame.metric is None and number.measure.kind == "unit" and not _names_unknown_metric(reading):
            metric = self._by_unit(number.measure, frame.entity) or self._only_one(number.measure, frame)
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

    def _only_one(self, measure: Measure, frame: Frame) -> MetricRef | None:
        """The only metric of the entity that has the named statistic in this unit."""
        if frame.statistic is None or frame.entity is None or not frame.entity.known:
            return None
        statistic = self.resolved(frame).statistic
        facts = self.index.by_entity.get(frame.entity.names[0], ())
        keys = {f.key: f.phrase for f in facts if f.statistic == statistic and f.measure.agrees(measure)}
        if statistic in words.SPREADS:
            keys = {f.key: f.phrase for f in facts if f.sd is not None and f.measure.agrees(measure)}
        return MetricRef(*next((phrase, (key,)) for key, phrase in keys.items())) if len(keys) == 1 else None

    def _counted(self, reading: Reading, item: BoundNumber, frame: Frame) -> Frame:
        noun = item.number.noun.split(" ")
        near = [reading.tokens[at] for at in item.post[:4] if reading.tokens[at].kind == "M"]
        metric = near[0].metric if near and near[0].metric else self._metric_of_noun(noun[-1])
        if frame.metric is not None and "metric" not in frame.inherited and not near and noun[-1] in N_NOUNS | {"token", "request"}:
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
            if word not in _PLAIN_ADJECTIVES and not word.endswith(("ed", "ing", "sed")) and not any(word in name for name in own)
        ]
        return frame.with_conditions([(word, "") for word in unknown])

    def _metric_of_noun(self, noun: str) -> MetricRef:
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
        found, reason = (), ruling.reason
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
            entity=names[0] if len(names) == 1 else frame.entity.text if frame.entity else fact.entity if fact else None,
            condition=", ".join(f"{key}={value}" if value and key != "phase" else value or key for key, value in frame.conditions),
            kind=draft.kind,
            comparator=draft.comparator,
            verdict=ruling.verdict,
            reason=reason,
            fact_id=fact.id if fact else None,
            source=fact.source if fact else None,
            rivals=found,
        )


def _names_unknown_metric(reading: Reading) -> bool:
    match = _UNNAMED_METRIC.search(reading.form)
    return match is not None and not set(match.group(1).split()) & _NEUTRAL


_RUN_WORDS = N_NOUNS | {"response", "reply", "start", "step", "configuration"}


def _mark_extremes(reading: Reading) -> None:
    """ "The slowest warm request" is a statistic of an entity, not a superlative among entities."""
    tokens = reading.tokens
    for at, token in enumerate(tokens):
        if token.kind != "W" or token.text not in words.SUPERLATIVES or token.text in {"most", "least", "top"}:
            continue
        for follow in tokens[at + 1 : at + 4]:
            last = re.findall(r"[a-z]+", follow.text.lower())
            if follow.kind in "WC" and last and measures.singular(last[-1]) in _RUN_WORDS:
                token.kind = "S"
                token.statistic = {"up": "max", "down": "min"}.get(words.SUPERLATIVES[token.text], words.SUPERLATIVES[token.text])
                break
            if follow.kind not in "CW":
                break


class _Work:
    """The claims of one sentence, in order."""

    def __init__(
        self, auditor: SentenceAuditor, reading: Reading, bound: list[BoundNumber], found: dict[int, Role], scope: Frame
    ) -> None:
        self.auditor, self.reading, self.bound, self.roles, self.scope = auditor, reading, bound, found, scope
        self.places = operands.strip_groups(reading, groups(reading.tokens))
        self.ruled: dict[int, Draft] = {}
        self.used: set[int] = set()
        self.superlative_at = _superlatives(reading)

    def drafts(self) -> list[Draft]:
        """Numbers first by what they depend on, then directions and superlatives; numbers in reading order."""
        first = {"level", "part", "whole", "range_low", "range_high", "bound_low", "bound_high", "sum"}
        for item in self.bound:
            if self.roles[item.at].kind in first:
                self._number(item)
        for item in self.bound:
            if self.roles[item.at].kind not in first:
                self._number(item)
        drafts = [self.ruled[item.at] for item in self.bound if item.at in self.ruled]
        return [*drafts, *self._trend(), *self._directions(), *self._superlative_claims()]

    def _number(self, item: BoundNumber) -> None:
        role = self.roles[item.at]
        item.frame = self.auditor.resolved(item.frame)
        if self._is_no_claim(item, role):
            return
        ruling = self._ruling(item, role)
        kind = {"part": "count", "whole": "count", "spread_of": "spread", "ci_low": "interval", "ci_high": "interval",
                "ci_half": "interval"}.get(role.kind, role.kind.split("_")[0])  # fmt: skip
        if role.kind == "level" and item.number.noun and item.number.measure is None:
            kind = "count"
        self.ruled[item.at] = Draft(item.number, item.frame, kind, role.comparator, ruling, item.number.text)

    def _is_no_claim(self, item: BoundNumber, role: Role) -> bool:
        """A small whole number without unit, counted noun or metric ("3 areas") measures nothing."""
        number = item.number
        plain = number.measure is None and not number.noun and re.fullmatch(r"\d{1,2}", number.text)
        if role.kind == "ratio" and number.text.isalpha() and not any(token.kind == "M" for token in self.reading.tokens):
            _, after = before_after(self.reading, item.at)
            return re.match(r"\s*(?:as|that)\b", after) is None
        if role.kind == "level" and number.text.isalpha() and number.measure is None:
            return item.frame.metric is None or not self.auditor.index.of_metric(item.frame.metric)
        if role.kind != "level" or not plain:
            return False
        before, after = before_after(self.reading, item.at)
        if item.frame.metric is None:
            counts = re.match(r"\s*(?:\w+ ){0,2}?\w+s\b", after) is not None and len(number.text) > 1
            return not counts and (not re.search(r"(?:[:=]|is|was|of)\s*$", before) or re.match(r"\s*[a-z]", after) is not None)
        named = any(self.reading.tokens[at].kind in "MSC" for at in (*item.pre, *item.post))
        alone = re.fullmatch(r"[\s*:(|=-]*", before) and re.fullmatch(r"[\s*.)|]*", after)
        if re.match(r"\s*(?!and\b|or\b|for\b|with\b|on\b|at\b|in\b|to\b|while\b|but\b|versus\b|vs\b|against\b|compared\b|per\b)[a-z]{3,}", after):
            return len(number.text) == 1
        return not (named or alone or re.search(r"(?:[:=(]|is|was|of)\s*$", before))

    def _linked(self, item: BoundNumber) -> list[FactView]:
        """Facts of the value that a count, spread or interval speaks of: the nearest one before, else after."""
        order = self.bound.index(item)
        candidates = [*reversed(self.bound[:order]), *self.bound[order + 1 :]]
        for other in candidates:
            draft = self.ruled.get(other.at)
            if draft is not None and draft.kind == "level" and draft.ruling.fact is not None:
                return [draft.ruling.fact]
        return []

    def _ruling(self, item: BoundNumber, role: Role) -> Ruling:
        judge, number, frame = self.auditor.judge, item.number, item.frame
        if role.kind == "level":
            return self._level(item, role)
        if role.kind in {"range_low", "range_high", "bound_low", "bound_high"}:
            kind, which = role.kind.split("_")
            return judge.range_end(number, frame, which, strict=kind == "range")
        if role.kind == "n":
            return judge.runs(number, self._linked(item), role.comparator, frame)
        if role.kind in {"spread", "spread_of"}:
            return judge.spread(number, frame, self._linked(item), plus_minus=role.kind == "spread_of", comparator=role.comparator)
        if role.kind in {"ci_low", "ci_high", "ci_half"}:
            return judge.interval(number, role.kind, self._linked(item))
        if role.kind in {"part", "whole"}:
            return self._share_count(item, role)
        if role.kind == "sum":
            return self._sum(item, role)
        if role.kind == "share":
            return self._share(item, role)
        return self._derived(item, role)

    def _level(self, item: BoundNumber, role: Role) -> Ruling:
        judge, number, frame = self.auditor.judge, item.number, item.frame
        if number.noun.split(" ")[-1:] == ["model"] and number.measure is None:
            same = number.printed.holds(Fraction(len(self.auditor.lexicon.entities)))
            return supported("the facts know as many entities") if same else unsupported("no fact counts models")
        if self.superlative_at and frame.entity is None and frame.metric is not None and frame.statistic != "max":
            sense = words.SUPERLATIVES.get(self.reading.tokens[self.superlative_at[0]].text, "best")
            facts = self.auditor.index.of_metric(frame.metric)
            better = orientation(facts[0], self.auditor.index) if facts else 0
            sign = {"up": 1, "down": -1, "best": better, "worst": -better}[sense]
            across = judge._across(number, frame, "max" if sign > 0 else "min") if sign else None
            if across is not None:
                return across
        named = self._listed_entities(item) or self._quantified(item)
        rulings = [judge.level(number, replace(frame, entity=entity, inherited=frame.inherited - {"entity"}), role.comparator) for entity in named]
        if not rulings:
            rulings = [judge.level(number, frame, role.comparator)]
            self.auditor.levels.append((number, frame))
        order = {Verdict.SUPPORTED: 0, Verdict.UNSUPPORTED: 1, Verdict.CONTRADICTED: 2}
        return max(rulings, key=lambda ruling: order[ruling.verdict])

    def _listed_entities(self, item: BoundNumber) -> list[EntityRef]:
        """ "A and B both decode above 90": every one of them is meant."""
        tokens = self.reading.tokens
        entities = [at for at in item.pre if tokens[at].kind == "E"]
        if len(entities) < 2 or len([other for other in self.bound if other.group == item.group]) > 1:
            return []
        texts = {tokens[at].text for at in item.pre if tokens[at].kind in "WP"}
        joined = all(
            {tokens[at].text for at in range(first + 1, second)} <= {",", "and", "as", "well", "both", "the", "nor", "or"}
            for first, second in zip(entities, entities[1:], strict=False)
        )
        if not joined or texts & {"between", "together", "combined", "than", "difference"}:
            return []
        return [entity for at in entities if (entity := tokens[at].entity) is not None]

    def _quantified(self, item: BoundNumber) -> list[EntityRef]:
        """ "All models stay above 40": every entity that has the metric."""
        before, _ = before_after(self.reading, item.at)
        if not _EVERY.search(before) or any(self.reading.tokens[at].kind == "E" for at in item.pre) or item.frame.metric is None:
            return []
        names = {fact.entity for fact in self.auditor.index.of_metric(item.frame.metric)}
        return [EntityRef(name, (name,)) for name in sorted(names)]

    def _share_count(self, item: BoundNumber, role: Role) -> Ruling:
        """ "3 of 24 requests failed": the whole is the total, the part what the sentence says of it."""
        part, whole = (item, self._at(role.partner)) if role.kind == "part" else (self._at(role.partner), item)
        if part is None or whole is None:
            return unsupported("no whole is named")
        noun = whole.number.noun.split(" ")[-1] if whole.number.noun else "request"
        total = self.auditor._metric_of_noun(noun)
        leading = [token.condition for token in self.reading.tokens[: part.at] if token.kind == "C"]
        frame = replace(whole.frame, statistic=None, conditions=()).with_conditions(leading)
        if role.kind == "part":
            tokens = [token for token in self.reading.tokens[part.at :] if token.kind in "MC"]
            metric = next((token.metric for token in tokens if token.metric and token.metric.keys != total.keys), None)
            conditions = [token.condition for token in tokens if token.kind == "C"]
            mine = replace(frame, metric=metric or total).with_conditions(conditions)
            return self.auditor.judge.level(Number(part.number.printed, part.number.readings, part.number.text), mine, role.comparator)
        ruling = self.auditor.judge.level(Number(item.number.printed, item.number.readings, item.number.text), replace(frame, metric=total), "eq")
        if ruling.verdict is Verdict.SUPPORTED:
            return ruling
        return self._total_by_parts(item, part) or ruling

    def _total_by_parts(self, whole: BoundNumber, part: BoundNumber) -> Ruling | None:
        """The whole as n of the part's fact, or as requests that succeeded plus those that failed."""
        draft = self.ruled.get(part.at)
        fact = draft.ruling.fact if draft else None
        if fact is None:
            return None
        index = self.auditor.index
        both = [f for key in ("requests_ok", "requests_failed") for f in index.levels.get(key, {}).get(fact.entity, ()) if f.conditions == fact.conditions]
        if len(both) == 2:
            total = sum((f.value for f in both), Fraction(0))
            if whole.number.printed.holds(total):
                return supported(" + ".join(f.printed for f in both), fact)
            return contradicted(f"{' + '.join(f.printed for f in both)} = {int(total)}", fact)
        if fact.n is not None and fact.n != fact.value:
            told = f"n={fact.n} for {fact.described()}"
            return supported(told, fact) if whole.number.printed.holds(Fraction(fact.n)) else contradicted(told, fact)
        return None

    def _at(self, place: int | None) -> BoundNumber | None:
        return next((item for item in self.bound if item.at == place), None)

    def _sum(self, item: BoundNumber, role: Role) -> Ruling:
        entities = [token.entity for token in self.reading.tokens if token.entity is not None]
        frames = [replace(item.frame, entity=entity, inherited=frozenset()) for entity in dict.fromkeys(entities)]
        return self.auditor.comparer.total(item.number, frames, role.comparator)

    def _share(self, item: BoundNumber, role: Role) -> Ruling:
        tokens = self.reading.tokens
        begin, end = operands.clause(self.reading, self.places, item.at)
        left = [at for at in self.places[begin:end] if at < item.at]
        right = [at for at in self.places[begin:end] if at > item.at]
        first, second = operands._frame(tokens, left), operands._frame(tokens, right, first_entity=True)
        counted = self._share_of_requests(item, role, right)
        if counted is not None:
            return counted
        known = Frame(entity=self.scope.entity, conditions=())
        a = Frame(first.metric or second.metric, first.statistic or second.statistic, first.entity or second.entity, first.conditions).filled(known)
        b = Frame(second.metric or first.metric, second.statistic or first.statistic, second.entity or first.entity, second.conditions).filled(known)
        if a.metric is None:
            a, b = replace(a, metric=self.scope.metric), replace(b, metric=self.scope.metric)
        if (a.metric == b.metric and a.entity == b.entity and not (a.conditions or b.conditions)) or b.metric is None:
            return self.auditor.judge.level(item.number, item.frame, role.comparator) if item.frame.metric else unsupported("no operands are named")
        return self.auditor.comparer.share(item.number, role.comparator, a, b)

    def _share_of_requests(self, item: BoundNumber, role: Role, right: list[int]) -> Ruling | None:
        """ "12.5 % of the requests failed": failed requests over all requests."""
        texts = " ".join(self.reading.tokens[at].text.lower() for at in right)
        match = re.search(r"\b(?:requests?|calls?)\b.*\b(fail\w*|succe\w*|complet\w*|ok)\b|\b(failed|successful)\b", texts)
        if match is None:
            return None
        failed = "fail" in match.group()
        index, entity = self.auditor.index, item.frame.entity
        names = [entity.names[0]] if entity and entity.known else [name for name in index.by_entity if index.is_global(name)] or list(index.by_entity)
        for name in names:
            part = index.levels.get("requests_failed" if failed else "requests_ok", {}).get(name, [])
            other = index.levels.get("requests_ok" if failed else "requests_failed", {}).get(name, [])
            whole = [fact.value for fact in index.levels.get("requests", {}).get(name, []) if not fact.conditions]
            whole = whole or [part[0].value + other[0].value] if part and other else whole
            if part and whole and whole[0]:
                exact = part[0].value / whole[0]
                outcome = compare(item.number.printed.scaled(Fraction(1, 100)), exact, role.comparator)
                told = f"{part[0].printed} of {int(whole[0])}"
                return supported(told, part[0]) if outcome else contradicted(f"{told}: {float(100 * exact):.4g} %", part[0])
        return unsupported("no fact counts requests")

    def _word_near(self, item: BoundNumber) -> int:
        """The place of the directed word that goes with a derived number, else the number's own."""
        tokens = self.reading.tokens
        order = self.bound.index(item)
        stop = self.bound[order + 1].at if order + 1 < len(self.bound) else len(tokens)
        for at in range(item.at + 1, min(stop, item.at + 7)):
            if tokens[at].kind == "W" and tokens[at].text in words.UP | words.DOWN | words.BETTER | words.WORSE:
                return at
            if tokens[at].text in {"of", "that", "as"} and at <= item.at + 2:
                break
        begin = self.bound[order - 1].at if order else -1
        for at in range(item.at - 1, begin, -1):
            if tokens[at].kind == "W" and tokens[at].text in operands.DIRECTED - {"over", "above", "below", "more", "less", "up", "under"}:
                return at
        return item.at

    def _derived(self, item: BoundNumber, role: Role) -> Ruling:
        """Ratio, percent or difference between two operands."""
        word_at = self._word_near(item)
        level = self._as_level(item, role)
        if level is not None:
            return level
        self.used.add(word_at)
        sides = self._sides(item, word_at)
        if sides is None:
            return self._from_numbers(item, role, word_at)
        sides = operands.Sides(
            tuple(self._in_scope(frame) for frame in sides.left), tuple(self._in_scope(frame) for frame in sides.right),
            sides.word, sides.word_at, sides.others, sides.ordered)  # fmt: skip
        item.frame = replace(sides.left[0], inherited=frozenset())
        if sides.others:
            return unsupported("the second operand is not named")
        ruling = self.auditor.comparer.ratio(item.number, role.comparator, sides, role.kind)
        if ruling.verdict is Verdict.UNSUPPORTED and ruling.reason in {"no metric is named", "no second operand is named"}:
            other = self._from_numbers(item, role, word_at)
            return other if other.verdict is not Verdict.UNSUPPORTED else ruling
        return ruling

    def _as_level(self, item: BoundNumber, role: Role) -> Ruling | None:
        """ "a speedup of 1.8x" where facts have speedup as a metric."""
        metric = item.frame.metric
        if metric is None or item.number.measure is None or not self.auditor.index.of_metric(metric):
            return None
        if role.kind == "ratio" and self.auditor.index.fits(metric, item.number.measure):
            return self.auditor.judge.level(item.number, item.frame, role.comparator)
        return None

    def _in_scope(self, frame: Frame) -> Frame:
        """A side with metric and entity from the rest of the sentence or from what it stands under."""
        if frame.metric is None:
            metrics = [token.metric for token in self.reading.tokens if token.metric is not None]
            statistic = next((token.statistic for token in self.reading.tokens if token.kind == "S"), None)
            metric = metrics[0] if metrics else None
            if metric is None:
                rated = next((item.frame.metric for item in self.bound if item.frame.metric and self.roles[item.at].kind == "level"), None)
                metric = rated or self.scope.metric
            frame = replace(frame, metric=metric, statistic=frame.statistic or statistic)
        if frame.statistic is None and any(token.kind == "S" and token.statistic == "mean" and token.text.lower() == "on average" for token in self.reading.tokens):
            frame = replace(frame, statistic="mean")
        return frame.filled(Frame(entity=self.scope.entity)).with_conditions(self.scope.conditions)

    def _sides(self, item: BoundNumber, word_at: int) -> operands.Sides | None:
        reading, places = self.reading, self.places
        if item.group >= 0:
            return None
        previous = None
        for other in self.bound:
            if other.at < item.at and self.roles[other.at].kind in {"ratio", "percent", "difference"} and other.group < 0:
                previous = operands.around(reading, places, self._word_near(other), previous) or previous
        pair = self._between_two(item)
        if pair is not None:
            return pair
        if word_at != item.at:
            return operands.around(reading, places, word_at, previous)
        return self._times_of(item, previous)

    def _between_two(self, item: BoundNumber) -> operands.Sides | None:
        """ "the difference ... between A and B is N"."""
        tokens = self.reading.tokens
        begin = next((at for at in self.places if tokens[at].text == "between"), None)
        if begin is None or not re.search(r"\b(?:difference|gap|delta|ratio|distance|factor)\b", self.reading.form):
            return None
        after = [at for at in self.places if at > begin]
        joint = next((at for at in after if tokens[at].text == "and"), None)
        if joint is None:
            return None
        stop = next((at for at in after if at > joint and tokens[at].text in {"is", "was", "of", "amounts", "comes", ",", "reaches"}), len(tokens))
        left = [at for at in after if at < joint]
        right = [at for at in after if joint < at < stop]
        rest = [at for at in self.places if at < begin or at >= stop]
        shared = operands._frame(tokens, rest)
        first, second = operands._frame(tokens, left), operands._frame(tokens, right)
        first = Frame(first.metric or second.metric, first.statistic or second.statistic, first.entity, first.conditions).filled(shared)
        second = Frame(second.metric or first.metric, second.statistic or first.statistic, second.entity, second.conditions).filled(shared)
        return operands.Sides((first,), (second,), "", item.at, ordered=False)

    def _times_of(self, item: BoundNumber, previous: operands.Sides | None) -> operands.Sides | None:
        """ "N times as fast as B", "N times that of B", "twice the ... of B"."""
        reading = self.reading
        _, after = before_after(reading, item.at)
        found = re.match(r"\s*as (\w+|<[A-Z]>)(?: (?:<[MSC]>|\w+)){0,4}? as\b", after)
        if found:
            sides = operands.around(reading, self.places, item.at, previous)
            if sides is not None and found.group(1) in {"fast", "quick", "quickly"}:
                return replace(sides, word="fast")
            return sides
        if not re.match(r"\s*(?:the|that|those|of|its|what)\b", after):
            return operands.around(reading, self.places, item.at, previous)
        begin, end = operands.clause(reading, self.places, item.at)
        left = [at for at in self.places[begin:end] if at < item.at]
        right = [at for at in self.places[begin:end] if at > item.at]
        return operands._sides(reading.tokens, left, right, previous, "", item.at, others=False)

    def _from_numbers(self, item: BoundNumber, role: Role, word_at: int) -> Ruling:
        """Operands given as two values of the sentence ("from 1.8 s to 0.14 s, a drop of 92 %", "98 vs 71 tok/s")."""
        facts: list[FactView] = []
        places: list[int] = []
        for other in self.bound:
            draft = self.ruled.get(other.at)
            if draft is None or draft.kind not in {"level", "range", "bound"}:
                continue
            if draft.ruling.fact is None or draft.ruling.verdict is not Verdict.SUPPORTED:
                continue
            facts.append(draft.ruling.fact)
            places.append(other.at)
        if len(facts) != 2 or facts[0].measure.dimension != facts[1].measure.dimension or facts[0] is facts[1]:
            return unsupported("no second operand is named")
        between = self.reading.form[self.reading.offsets[places[0]] : self.reading.offsets[places[1]]]
        turned = re.search(r"\b(?:to|→)\b|→", between) is not None
        first, second = (facts[1], facts[0]) if turned else (facts[0], facts[1])
        word = self.reading.tokens[word_at].text if word_at != item.at else ""
        sides = operands.Sides((Frame(),), (Frame(),), word, word_at, ordered=turned)
        return self.auditor.comparer.measured(item.number, role.comparator, sides, role.kind, (first, second))

    def _trend(self) -> list[Draft]:
        """ "fell from A to B": the two values must lie that way round."""
        match = re.search(r"\b(fell|falls|drops?|dropped|decreased|decreases|declined|shrank|lowers|lowered|reduces|reduced|cuts|rose|rises|increased|increases|grew|grows|climbed|jumped|raises|raised|lifts|lifted)\b(?:(?!<N)[^.;])*\bfrom\b", self.reading.form)
        if match is None:
            return []
        at = self.reading.index_at(match.start())
        values = [item for item in self.bound if item.at > at and self.roles[item.at].kind in {"level", "range_low", "range_high"}][:2]
        if len(values) < 2 or values[0].number.measure != values[1].number.measure:
            return []
        change = values[1].number.printed.value - values[0].number.printed.value
        up = match.group(1) in {"rose", "rises", "increased", "increases", "grew", "grows", "climbed", "jumped", "raises", "raised", "lifts", "lifted"}
        if change == 0 or (change > 0) == up:
            return []
        return [Draft(None, values[0].frame, "direction", "eq", contradicted("the values lie the other way round"), match.group(1))]

    def _directions(self) -> list[Draft]:
        found: list[Draft] = []
        tokens, previous = self.reading.tokens, None
        for at, token in enumerate(tokens):
            directed = token.kind == "W" and token.text in (operands.DIRECTED | operands.VERBS) - _NO_DIRECTION
            if not directed and self._unknown_comparative(at):
                found.append(Draft(None, Frame(), "direction", "eq", unsupported("no fact measures this"), token.text))
                continue
            if not directed or at in self.used or self._belongs_to_number(at):
                continue
            draft, previous = self._direction(at, previous)
            if draft is not None:
                found.append(draft)
        return found

    def _belongs_to_number(self, at: int) -> bool:
        tokens = self.reading.tokens
        after = tokens[at + 1 : at + 5]
        if any(token.kind == "N" for token in after[:3]) and not any(token.kind == "E" for token in after[:2]):
            return True
        if tokens[at].text in operands.VERBS and any(token.text == "by" for token in after):
            return any(item.at > at and self.roles[item.at].kind in {"percent", "difference", "ratio"} for item in self.bound)
        return any(
            self.roles[item.at].kind in {"percent", "difference", "ratio"} and 0 < at - item.at < 6 for item in self.bound
        )

    def _unknown_comparative(self, at: int) -> bool:
        """ "cheaper than NAME", "more reliable than NAME": compared, but by nothing that is measured."""
        tokens = self.reading.tokens
        word = tokens[at].text.lower()
        plain = tokens[at].kind in "WM" and _COMPARATIVE.fullmatch(word) and word not in _NOT_COMPARATIVE | operands.DIRECTED
        following = [token.text for token in tokens[at + 1 : at + 4]]
        if not plain or following[:1] != ["than"] or at in self.used or any(self.used):
            return False
        return any(token.kind == "E" for token in tokens[:at]) and any(token.kind == "E" for token in tokens[at + 2 : at + 5])

    def _direction(self, at: int, previous: operands.Sides | None) -> tuple[Draft | None, operands.Sides | None]:
        reading, tokens = self.reading, self.reading.tokens
        if at not in self.places:
            return None, previous
        sides = operands.around(reading, self.places, at, previous)
        word = tokens[at].text
        nobody = self._nobody_is(sides, at)
        if nobody is not None:
            return nobody, sides
        if sides is None or not self._names_operands(sides):
            return None, previous
        sides = operands.Sides(
            tuple(self._in_scope(frame) for frame in sides.left), tuple(self._in_scope(frame) for frame in sides.right),
            sides.word, sides.word_at, sides.others)  # fmt: skip
        metric = sides.left[0].metric
        if metric is None and word in words.UP | words.DOWN and word not in {"higher", "lower", "greater", "larger", "smaller", "longer", "shorter", "sooner", "earlier"}:
            return None, previous
        negated = re.search(r"\b(?:not|never|no|hardly|n't|isn't|wasn't|doesn't|nor)(?: \w+){0,2} $", reading.form[: reading.offsets[at]]) is not None
        frame = sides.left[0]
        if sides.others:
            sense = "up" if word in words.UP else "down" if word in words.DOWN else "best" if word in words.BETTER else "worst"
            ruling = self.auditor.comparer.superlative(frame, sense, 1, negated=negated)
            return Draft(None, frame, "superlative", "eq", ruling, word), sides
        ruling = self.auditor.comparer.direction(sides, negated=negated)
        return Draft(None, frame, "direction", "ne" if negated else "eq", ruling, word), sides

    def _nobody_is(self, sides: operands.Sides | None, at: int) -> Draft | None:
        """ "No model is faster than A": A is the fastest."""
        before = self.reading.form[: self.reading.offsets[at]]
        if sides is None or sides.right[0].entity is None or not re.search(r"\b(?:no (?:other )?\w+|none|nothing|nobody)\b[^.;,]*$", before):
            return None
        if re.search(r"<E>[^.;,]*$", before):
            return None
        word = self.reading.tokens[at].text
        sense = "up" if word in words.UP else "down" if word in words.DOWN else "best" if word in words.BETTER else "worst"
        frame = self._in_scope(sides.right[0])
        return Draft(None, frame, "superlative", "eq", self.auditor.comparer.superlative(frame, sense, 1, negated=False), word)

    @staticmethod
    def _names_operands(sides: operands.Sides) -> bool:
        if sides.others:
            return any(frame.entity for frame in sides.left)
        left, right = sides.left[0], sides.right[0]
        if sides.explicit and sides.word:
            return True
        if left.entity is None and right.entity is None:
            return bool(left.conditions and right.conditions and left.conditions != right.conditions)
        return (left.entity, left.conditions, left.statistic, left.metric) != (right.entity, right.conditions, right.statistic, right.metric)

    def _superlative_claims(self) -> list[Draft]:
        found = []
        sense = "best"
        tokens = self.reading.tokens
        for at in self.superlative_at:
            word = tokens[at].text
            begin, end = operands.clause(self.reading, self.places, at) if at in self.places else (0, 0)
            places = list(self.places[begin:end])
            frame, among = self._superlative_frame(at, places)
            if frame is None:
                continue
            rank = 1
            if word == "followed":
                rank = 2
            elif word in _RANKS:
                rank = {"second": 2, "third": 3, "fourth": 4}.get(tokens[at + 1].text, 1)
            elif (at and tokens[at - 1].text in {"-", "second", "third"}) or (at > 1 and tokens[at - 1].text == "-"):
                named = tokens[at - 1].text if tokens[at - 1].text != "-" else tokens[at - 2].text
                rank = {"second": 2, "third": 3, "fourth": 4}.get(named, 1)
            negated = re.search(r"\b(?:not|never|n't|isn't|wasn't|hardly)(?: \w+){0,2} $", self.reading.form[: self.reading.offsets[at]]) is not None
            last = at + 1 < len(tokens) and tokens[at + 1].text == "last"
            sense = sense if word == "followed" else words.SUPERLATIVES.get(word) or ("worst" if last else "best")
            ruling = self.auditor.comparer.superlative(frame, sense, rank, negated=negated, among=among)
            found.append(Draft(None, frame, "superlative", "ne" if negated else "eq", ruling, word))
        return found

    def _superlative_frame(self, at: int, places: list[int]) -> tuple[Frame | None, list[str]]:
        tokens = self.reading.tokens
        word = tokens[at].text
        before = [place for place in places if place < at]
        after = [place for place in places if place > at]
        if word == "followed":
            before = []
        among = self._among(places)
        entities = [place for place in before if tokens[place].kind == "E" and place not in among]
        later = [place for place in after if tokens[place].kind == "E" and place not in among]
        entity = tokens[entities[-1]].entity if entities else tokens[later[0]].entity if later else None
        metrics = [place for place in after if tokens[place].kind == "M"] or [place for place in before if tokens[place].kind == "M"]
        metric = tokens[metrics[0]].metric if metrics else self.scope.metric
        if metric is None:
            metric = next((item.frame.metric for item in self.bound if item.frame.metric and self.roles[item.at].kind == "level"), None)
        statistics = [tokens[place].statistic for place in places if tokens[place].kind == "S"]
        conditions = [tokens[place].condition for place in places if tokens[place].kind == "C"]
        if metric is None and words.SUPERLATIVES.get(word) not in {"best", "worst"}:
            return None, []
        if metric is None and word in {"best", "worst", "top"}:
            return None, []
        if entity is None:
            return None, []
        names = [name for place in among for name in (tokens[place].entity.names if tokens[place].entity else ())]  # type: ignore[union-attr]
        return Frame(metric, statistics[0] if statistics else None, entity).with_conditions(conditions), names

    def _among(self, places: list[int]) -> list[int]:
        """Entities of an "among A, B and C" that limit a superlative."""
        tokens = self.reading.tokens
        start = next((place for place in places if tokens[place].text in {"among", "between"}), None)
        if start is None:
            return []
        found = []
        for place in places:
            if place <= start:
                continue
            if tokens[place].kind == "E":
                found.append(place)
            elif tokens[place].text not in {",", "and", "or", "the"}:
                break
        return found if len(found) > 1 else []


_RANKS = frozenset(["rank", "ranks", "ranked", "comes", "came", "placed", "places", "finishes", "finished"])


def _superlatives(reading: Reading) -> list[int]:
    """Places of words that set one above all others."""
    found = []
    tokens = reading.tokens
    for at, token in enumerate(tokens):
        if token.kind == "W" and token.text in _RANKS and at + 1 < len(tokens) and tokens[at + 1].text in {"first", "second", "third", "fourth", "last"}:
            found.append(at)
            continue
        if token.kind == "W" and token.text in _WINS and _wins_alone(tokens, at):
            found.append(at)
            continue
        if token.text == "followed" and [item.text for item in tokens[at + 1 : at + 2]] == ["by"] and found:
            found.append(at)
            continue
        if token.kind != "W" or token.text not in words.SUPERLATIVES:
            continue
        before = tokens[at - 1].text if at else ""
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if following is not None and following.text == "of" and token.text in {"most", "best", "top", "worst", "least"}:
            continue
        if before == "at" or (following is not None and following.text in {"likely", "recent", "recently", "practice", "practices", "case", "common", "importantly", "notably", "notable", "significant", "part"}):
            continue
        if token.text in {"most", "least"}:
            ahead = tokens[at + 1 : at + 4]
            if not any(item.kind == "M" for item in ahead):
                continue
        found.append(at)
    return found


_WINS = frozenset(["leads", "lead", "tops", "topped", "wins", "won", "winner", "champion", "dominates", "leader"])


def _wins_alone(tokens: Sequence[Token], at: int) -> bool:
    """ "A leads in throughput", "the winner in throughput is A": no second name right after the word."""
    ahead = tokens[at + 1 : at + 4]
    if any(token.kind in "EN" for token in ahead[:2]) and tokens[at].text not in {"winner", "leader", "champion"}:
        return False
    return any(token.kind == "M" for token in tokens)


def trailing_says(fact: FactView) -> str:
    """What a fact says."""
    return says(fact)


def is_name(token: Token) -> bool:
    """True for tokens that name something."""
    return token.kind in "EMSC"
