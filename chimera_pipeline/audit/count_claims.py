"""Counts that are parts of a whole: "3 of 24 requests failed", "12.5 % of the requests failed"."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from chimera_pipeline.audit.frames import BoundNumber
from chimera_pipeline.audit.judging import Ruling, compare, contradicted, supported, unsupported
from chimera_pipeline.audit.lexicon import MetricRef
from chimera_pipeline.audit.results import Verdict
from chimera_pipeline.audit.roles import Role
from chimera_pipeline.audit.sentence_state import SentenceState
from chimera_pipeline.audit.tokens import Number


def share_count(state: SentenceState, item: BoundNumber, role: Role) -> Ruling:
    """ "3 of 24 requests failed": the whole is the total, the part what the sentence says of it."""
    part, whole = (item, state.at(role.partner)) if role.kind == "part" else (state.at(role.partner), item)
    if part is None or whole is None:
        return unsupported("no whole is named")
    noun = whole.number.noun.split(" ")[-1] if whole.number.noun else "request"
    total = state.auditor.metric_of_noun(noun)
    leading = [token.condition for token in state.reading.tokens[: part.at] if token.kind == "C"]
    frame = replace(whole.frame, statistic=None, conditions=()).with_conditions(leading)
    if role.kind == "part":
        beyond = next((other.at for other in state.bound if other.at > max(part.at, whole.at)), None)
        tokens = [token for token in state.reading.tokens[part.at : beyond] if token.kind in "MC"]
        if part.group >= 0:  # "8 % of the requests failed (2 of 25)": what the parenthesis explains
            tokens += [token for token in reversed(state.reading.tokens[: part.at]) if token.kind == "M"]
        metric = next((token.metric for token in tokens if token.metric and token.metric.keys != total.keys), None)
        conditions = [token.condition for token in tokens if token.kind == "C"]
        mine = replace(frame, metric=metric or total).with_conditions(conditions)
        return state.auditor.judge.level(
            Number(part.number.printed, part.number.readings, part.number.text), mine, role.comparator
        )
    ruling = state.auditor.judge.level(
        Number(item.number.printed, item.number.readings, item.number.text), replace(frame, metric=total), "eq"
    )
    if ruling.verdict is Verdict.SUPPORTED:
        return ruling
    return _total_by_parts(state, item, part) or ruling


def _total_by_parts(state: SentenceState, whole: BoundNumber, part: BoundNumber) -> Ruling | None:
    """The whole as n of the part's fact, or as requests that succeeded plus those that failed."""
    draft = state.ruled.get(part.at)
    fact = draft.ruling.fact if draft else None
    if fact is None:
        return None
    index = state.auditor.index
    both = [
        f
        for key in ("requests_ok", "requests_failed")
        for f in index.levels.get(key, {}).get(fact.entity, ())
        if f.conditions == fact.conditions
    ]
    if len(both) == 2:
        total = sum((f.value for f in both), Fraction(0))
        if whole.number.printed.holds(total):
            return supported(" + ".join(f.printed for f in both), fact)
        return contradicted(f"{' + '.join(f.printed for f in both)} = {int(total)}", fact)
    if fact.n is not None and fact.n != fact.value:
        told = f"n={fact.n} for {fact.described()}"
        return supported(told, fact) if whole.number.printed.holds(Fraction(fact.n)) else contradicted(told, fact)
    return None


def share_of_counts(state: SentenceState, item: BoundNumber, role: Role) -> Ruling | None:
    """ "12 of 800 requests failed (1.5 %)": the share of the two counts before it, where both have a fact."""
    for part in (other for other in state.bound if other.at < item.at and state.roles[other.at].kind == "part"):
        drafts = [state.ruled.get(part.at), state.ruled.get(state.roles[part.at].partner or -1)]
        facts = [draft.ruling.fact for draft in drafts if draft is not None and draft.ruling.fact is not None]
        if (
            len(facts) != 2
            or not facts[1].value
            or {draft.ruling.verdict for draft in drafts if draft} != {Verdict.SUPPORTED}
        ):
            continue
        partner = state.at(state.roles[part.at].partner)
        whole = facts[1].value if facts[1] is not facts[0] or partner is None else partner.number.printed.value
        exact = facts[0].value / whole
        outcome = compare(item.number.printed.scaled(Fraction(1, 100)), exact, role.comparator)
        told = f"{facts[0].printed} of {int(whole)}: {float(100 * exact):.4g} %"
        return supported(told, facts[0]) if outcome else contradicted(told, facts[0])
    return None


def share_of_requests(state: SentenceState, item: BoundNumber, role: Role, right: list[int]) -> Ruling | None:
    """ "12.5 % of the requests failed": failed requests over all requests."""
    texts = " ".join(state.reading.tokens[at].text.lower() for at in right)
    return request_share(state, item, role, texts)


def _stated_rate(state: SentenceState, item: BoundNumber, name: str) -> MetricRef | None:
    """A metric of the entity that is called success rate, failure rate or error rate."""
    names = {name, "error rate"} if name == "failure rate" else {name}
    entity = item.frame.entity
    facts = state.auditor.index.by_entity.get(entity.names[0], []) if entity and entity.known else []
    for fact in facts:
        if any(fact.phrase.lower().endswith(wanted) for wanted in names):
            return MetricRef(fact.phrase, (fact.key,))
    return None


def request_share(state: SentenceState, item: BoundNumber, role: Role, texts: str) -> Ruling | None:
    """A share of requests that failed or succeeded, as the words in `texts` say; None where they say neither."""
    match = re.search(r"\b(?:requests?|calls?)\b.*\b(fail\w*|succe\w*|complet\w*|ok)\b|\b(failed|successful)\b", texts)
    if match is None:
        return None
    failed = "fail" in match.group()
    stated = _stated_rate(state, item, "failure rate" if failed else "success rate")
    if stated is not None:
        return state.auditor.judge.level(item.number, replace(item.frame, metric=stated), role.comparator)
    index, entity = state.auditor.index, item.frame.entity
    names = (
        [entity.names[0]]
        if entity and entity.known
        else [name for name in index.by_entity if index.is_global(name)] or list(index.by_entity)
    )
    for name in names:
        part = index.levels.get("requests_failed" if failed else "requests_ok", {}).get(name, [])
        other = index.levels.get("requests_ok" if failed else "requests_failed", {}).get(name, [])
        whole = [fact.value for fact in index.levels.get("requests", {}).get(name, []) if not fact.conditions]
        whole = whole or [part[0].value + other[0].value] if part and other else whole
        if whole and whole[0] and other and not part:
            part = [replace(other[0], value=whole[0] - other[0].value)]
        if part and whole and whole[0]:
            exact = part[0].value / whole[0]
            outcome = compare(item.number.printed.scaled(Fraction(1, 100)), exact, role.comparator)
            told = f"{part[0].printed} of {int(whole[0])}"
            return supported(told, part[0]) if outcome else contradicted(f"{told}: {float(100 * exact):.4g} %", part[0])
    return unsupported("no fact counts requests")
