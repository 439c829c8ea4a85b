"""What a founder reads first: key numbers, what changed, what to do, and how good the data are. Facts only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from chimera_pipeline import wording
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact, Statement
from chimera_pipeline.report import conditions
from chimera_pipeline.wording import scale_for

KEY_NUMBERS = 6
CHANGES = 4
ACTIONS = 3
LEADERS = 3
_CLEAR = {"regression": 0, "improvement": 1}
_HEALTH = (
    ("files", "benchmark files (csv, json and markdown)", "benchmark files"),
    ("files", "with measurements that are used", "used"),
    ("files", "status duplicate", "duplicate"),
    ("files", "status derived", "derived"),
    ("files", "status quarantined", "quarantined"),
    ("files", "status unrecognised", "unrecognised"),
    ("requests", "all requests", "requests"),
    ("requests", "failed", "requests failed"),
)


def overview(
    facts: Sequence[Fact],
    statements: Mapping[str, Statement],
    analysis: Mapping[str, Any],
    label: Callable[[str], str],
) -> dict[str, Any]:
    """Key numbers, changes, actions and health; each number with the label of its fact."""
    changes = [fact for fact in facts if fact.kind == "change"]
    clear = sorted(
        (fact for fact in changes if fact.verdict in _CLEAR),
        key=lambda fact: (_CLEAR[str(fact.verdict)], not vocabulary.metric(fact.metric).headline, fact.id),
    )
    actions = merged(analysis["recommendations"])
    return {
        "key_numbers": [_number(fact, changes, label) for fact in _chosen(facts, statements, analysis)],
        "leaders": [_leader(fact, label) for fact in _leading(facts)],
        "changes": [_change(fact, label) for fact in clear[:CHANGES]],
        "more_changes": max(len(clear) - CHANGES, 0),
        "actions": actions[:ACTIONS],
        "more_actions": max(len(actions) - ACTIONS, 0),
        "health": [_health(fact, words, label) for fact, words in _counted(facts)],
    }


def merged(recommendations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Recommendations in their order, equal ones once."""
    out: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in recommendations:
        out.setdefault((entry["text"], entry["because"]), dict(entry))
    return list(out.values())


def _chosen(facts: Sequence[Fact], statements: Mapping[str, Statement], analysis: Mapping[str, Any]) -> list[Fact]:
    """Means that the leading findings cite; then means of headline metrics and warm TTFT, most values first."""
    by_id = {fact.id: fact for fact in facts}
    cited: list[str] = []
    for entry in analysis["findings"]:
        if entry["role"] == "headline":
            statement = statements.get(entry.get("statement_id") or "")
            cited += statement.fact_ids if statement else entry.get("fact_ids", [])
    first = [by_id[fact_id] for fact_id in dict.fromkeys(cited) if fact_id in by_id and _is_key(by_id[fact_id])]
    rest = sorted(
        (fact for fact in facts if _is_key(fact) and fact not in first),
        key=lambda fact: (
            not vocabulary.metric(fact.metric).headline, fact.ci_low is None, -(fact.n or 0), fact.entity, fact.id,
        ),
    )  # fmt: skip
    rest = _one_each(rest, first)
    latency = [fact for fact in rest if fact.metric == "ttft_s"][:2]
    kept = (first + [fact for fact in rest if fact not in latency])[: KEY_NUMBERS - len(latency)]
    return kept + latency


def _leading(facts: Sequence[Fact]) -> list[Fact]:
    """First places of rankings: headline metrics before latency, the larger fields first."""
    found = [fact for fact in facts if fact.statistic == "rank" and fact.value == 1 and fact.grade != "insufficient"]
    order = list(vocabulary.metrics())
    found.sort(key=lambda fact: (order.index(fact.metric), -(fact.n or 0), fact.id))
    return found[:LEADERS]


def _leader(fact: Fact, label: Callable[[str], str]) -> dict[str, str]:
    return {"text": conditions.brief(fact.text, [fact.condition]), "about": fact.condition, "label": label(fact.id)}


def _one_each(facts: Sequence[Fact], first: Sequence[Fact]) -> list[Fact]:
    """Each entity once a metric, before any is shown twice."""
    seen = {(fact.entity, fact.metric) for fact in first}
    new: list[Fact] = []
    again: list[Fact] = []
    for fact in facts:
        (again if (fact.entity, fact.metric) in seen else new).append(fact)
        seen.add((fact.entity, fact.metric))
    return new + again


def _is_key(fact: Fact) -> bool:
    """A mean of one series of a headline metric over all phases, or its warm TTFT."""
    metric = vocabulary.metrics().get(fact.metric)
    if fact.kind not in ("level", "quality") or metric is None or fact.statistic != "mean":
        return False
    phase = conditions.phase(fact.condition)[0]
    alone = len(fact.series_ids) == 1 and (fact.n or 0) > 1
    return alone and ((metric.headline and not phase) or (fact.metric == "ttft_s" and phase == "warm"))


def _number(fact: Fact, changes: Sequence[Fact], label: Callable[[str], str]) -> dict[str, Any]:
    metric = vocabulary.metric(fact.metric)
    unit = scale_for(fact.unit, [fact.value])
    found: dict[str, Any] = {
        "metric": metric.label,
        "statistic": fact.statistic,
        "entity": fact.entity,
        "condition": fact.condition,
        "value": unit.number(fact.value),
        "unit": unit.name,
        "n": fact.n,
        "low": None if fact.ci_low is None else unit.number(fact.ci_low),
        "high": None if fact.ci_high is None else unit.number(fact.ci_high),
        "better": metric.better,
        "label": label(fact.id),
        "change": None,
    }
    for change in changes:
        same = (change.metric, change.entity, change.condition) == (fact.metric, fact.entity, fact.condition)
        if same and change.statistic == "ratio" and change.unit == "ratio":
            found["change"] = _change(change, label)
    return found


def _change(fact: Fact, label: Callable[[str], str]) -> dict[str, Any]:
    return {
        "verdict": (fact.verdict or "").replace("_", " "),
        "metric": vocabulary.metric(fact.metric).label,
        "entity": fact.entity,
        "against": fact.baseline or "",
        "ratio": wording.number(fact.value) if fact.unit == "ratio" else None,
        "low": None if fact.ci_low is None else wording.number(fact.ci_low),
        "high": None if fact.ci_high is None else wording.number(fact.ci_high),
        "text": fact.text,
        "label": label(fact.id),
    }


def _counted(facts: Sequence[Fact]) -> list[tuple[Fact, str]]:
    found = {(fact.metric, fact.condition): fact for fact in facts if fact.kind == "inventory"}
    return [(found[metric, condition], words) for metric, condition, words in _HEALTH if (metric, condition) in found]


def _health(fact: Fact, words: str, label: Callable[[str], str]) -> dict[str, Any]:
    return {"what": words, "count": wording.number(fact.value), "label": label(fact.id)}
