"""The history: every published period side by side, what each says differently from the one before, model calls.

In: what each period published (facts, its view). Out: one view, rendered as index.html and index.md. Periods are
compared through facts of one key; what a difference means is said by the facts of change, not here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chimera_pipeline import periods, wording
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact
from chimera_pipeline.report import conditions, page
from chimera_pipeline.report.markdown import escape
from chimera_pipeline.wording import Scale, scale_for

DIFFERENCES = 12
"""So many of the latest reports are shown against the one before; older ones are compared with `chimera compare`."""
MOST_LINES = 60
MOST_ENTRIES = 200
"""Of what appeared, changed or went; the rest is counted, and `chimera compare` tells it."""
_CALLS = (
    ("throughput_tokens_per_s", "throughput", "tokens/s"),
    ("ttft_s", "TTFT", "s"),
    ("total_duration_s", "total duration", "s"),
    ("prompt_tokens", "prompt tokens", "tokens"),
    ("output_tokens", "tokens generated", "tokens"),
)
Key = tuple[str, ...]


@dataclass(frozen=True)
class Published:
    """What a period published: its facts (those that are `compared` will do) and the view of its report."""

    period: str
    facts: Sequence[Fact]
    view: Mapping[str, Any]
    count: int | None = None
    """How many facts there are, where `facts` are not all of them."""

    @cached_property
    def printed(self) -> frozenset[str]:
        """The ids of the facts that its report prints."""
        return frozenset(entry["id"] for entry in self.view["appendix"])


def build(published: Sequence[Published]) -> dict[str, Any]:
    """The view of the history over all periods; the report over everything is listed, but is no period."""
    by_kind: dict[str, list[Published]] = {}
    for one in published:
        if one.period != periods.ALL:
            by_kind.setdefault(periods.kind_of(one.period), []).append(one)
    return {
        "whole": [_about(one) for one in published if one.period == periods.ALL],
        "kinds": [_kind(kind, sorted(found, key=lambda one: one.period)) for kind, found in sorted(by_kind.items())],
    }


def _kind(kind: str, found: list[Published]) -> dict[str, Any]:
    names = periods.between(found[0].period, found[-1].period)
    by_name = {one.period: one for one in found}
    lines = _lines(names, by_name)
    pairs = list(itertools.pairwise(found))[-DIFFERENCES:]
    return {
        "kind": kind,
        "periods": [_about(by_name[name]) if name in by_name else {"period": name, "missing": True} for name in names],
        "names": names,
        "lines": lines[:MOST_LINES],
        "more_lines": max(len(lines) - MOST_LINES, 0),
        "differences": [_difference(before, after) for before, after in reversed(pairs)],
        "calls": _calls(names, by_name),
    }


def _about(one: Published) -> dict[str, Any]:
    title = one.view["title"]
    return {
        "period": one.period,
        "missing": False,
        "verdict": one.view["summary"]["verdict"],
        "first": title["first_measured_at"],
        "last": title["last_measured_at"],
        "health": [{"what": entry["what"], "count": entry["count"]} for entry in one.view["overview"]["health"]],
        "facts": len(one.facts) if one.count is None else one.count,
    }


def compared(fact: Fact) -> bool:
    """Whether a fact is held against another period."""
    return _told(fact) or _tested(fact)


def _tested(fact: Fact) -> bool:
    return fact.kind == "change" and fact.statistic == "ratio"


def _told(fact: Fact) -> bool:
    """Means and single values of metrics with a direction; the rest of the facts are in the reports."""
    metric = vocabulary.metrics().get(fact.metric)
    level = fact.kind in ("level", "quality") and fact.statistic in ("mean", "sample", "total_over_total")
    return level and metric is not None and metric.better != "none"


def _key(fact: Fact) -> Key:
    return fact.metric, fact.entity, fact.condition, fact.statistic, fact.unit


def _levels(one: Published) -> dict[Key, Fact]:
    return {_key(fact): fact for fact in one.facts if _told(fact)}


def _link(one: Published, fact: Fact) -> str:
    """Where a fact stands in its report: at its own anchor where the report prints it."""
    return f"{one.period}/report.html#{fact.id if fact.id in one.printed else 'appendix'}"


def _lines(names: Sequence[str], by_name: Mapping[str, Published]) -> list[dict[str, Any]]:
    """A line a series of a headline metric or TTFT that two periods or more have measured."""
    levels = {name: _levels(one) for name, one in by_name.items()}
    keys = {key for found in levels.values() for key in found if _headline(key)}
    order = list(vocabulary.metrics())
    out = []
    for key in sorted(keys, key=lambda key: (order.index(key[0]), key)):
        facts = [levels.get(name, {}).get(key) for name in names]
        known = [fact for fact in facts if fact is not None]
        if len(known) < 2:
            continue
        unit = scale_for(key[4], (fact.value for fact in known))
        values = [_value(by_name[name], fact, unit) if fact else None for name, fact in zip(names, facts, strict=True)]
        metric = vocabulary.metric(key[0])
        out.append(
            {
                "metric": metric.label,
                "better": metric.better,
                "unit": unit.name,
                "entity": key[1],
                "condition": key[2],
                "values": values,
                "numbers": [value["number"] if value else None for value in values],
            }
        )
    return out


def _headline(key: Key) -> bool:
    phase = conditions.phase(key[2])[0]
    return key[3] == "mean" and ((vocabulary.metric(key[0]).headline and not phase) or key[0] == "ttft_s")


def _value(one: Published, fact: Fact, unit: Scale) -> dict[str, Any]:
    interval = "" if fact.ci_low is None or fact.ci_high is None else (
        f"{unit.number(fact.ci_low)} to {unit.number(fact.ci_high)}"
    )  # fmt: skip
    return {
        "period": one.period,
        "text": unit.number(fact.value),
        "number": unit.of(fact.value),
        "n": fact.n,
        "interval": interval,
        "link": _link(one, fact),
    }


def _difference(before: Published, after: Published) -> dict[str, Any]:
    """Facts of one report against those of the one before: appeared, changed, gone."""
    old, new = _levels(before), _levels(after)
    verdicts: dict[Key, Fact] = {
        (fact.metric, fact.entity, fact.condition): fact for fact in after.facts if _tested(fact)
    }
    changed = [key for key in new if key in old and new[key].value != old[key].value]
    appeared, gone = [key for key in new if key not in old], [key for key in old if key not in new]
    told = {key: _verdict(verdicts.get(key[:3]), before.period) for key in changed}
    clear = ("regression", "improvement")
    return {
        "period": after.period,
        "before": before.period,
        "counts": {"appeared": len(appeared), "gone": len(gone), "changed": len(changed)},
        "appeared": [_entry(after, new[key]) for key in appeared[:MOST_ENTRIES]],
        "gone": [_entry(before, old[key]) for key in gone[:MOST_ENTRIES]],
        "changed": [
            _entry(after, new[key]) | {"was": _entry(before, old[key]), "verdict": told[key]}
            for key in _first(changed, lambda key: told[key] not in clear)
        ],
        "same": sum(1 for key in new if key in old) - len(changed),
    }


def _first(keys: list[Key], late: Callable[[Key], bool]) -> list[Key]:
    """All keys in their order; where they are too many, those that are not `late` first."""
    return keys if len(keys) <= MOST_ENTRIES else sorted(keys, key=late)[:MOST_ENTRIES]


def _verdict(fact: Fact | None, before: str) -> str:
    """What the tested comparison says; nothing where the reports are not of neighbouring periods."""
    if fact is None or fact.baseline != before:
        return "not tested"
    return (fact.verdict or "").replace("_", " ")


def _entry(one: Published, fact: Fact) -> dict[str, Any]:
    return {
        "metric": vocabulary.metric(fact.metric).label,
        "statistic": fact.statistic.replace("_", " "),
        "entity": fact.entity,
        "condition": fact.condition,
        "value": wording.quantity(fact.value, fact.unit),
        "n": "not stated" if fact.n is None else str(fact.n),
        "link": _link(one, fact),
    }


def _calls(names: Sequence[str], by_name: Mapping[str, Published]) -> list[dict[str, Any]]:
    """The model calls of each report over the periods: measurements of the pipeline itself, never of an artifact."""
    runs = [by_name[name].view["run"].get("llm") if name in by_name else None for name in names]
    out = []
    for key, label, unit in _CALLS:
        found = [run.get(key) if run else None for run in runs]
        if any(value is not None for value in found):
            shown = [None if value is None else wording.number(float(value)) for value in found]
            out.append({"metric": label, "unit": unit, "numbers": found, "values": shown})
    return out


def to_html(view: Mapping[str, Any]) -> str:
    """index.html: the history as one offline document."""
    return page.render_template("history.html.j2", view=view)


def to_markdown(view: Mapping[str, Any]) -> str:
    """index.md: the periods with their verdicts; the differences are in index.html."""
    lines = ["# Reports", ""]
    lines += [f"- [{escape(one['period'])}]({one['period']}/report.md): everything measured" for one in view["whole"]]
    for kind in view["kinds"]:
        for one in kind["periods"]:
            told = "no report" if one["missing"] else escape(one["verdict"])
            name = escape(one["period"]) if one["missing"] else f"[{escape(one['period'])}]({one['period']}/report.md)"
            lines.append(f"- {name}: {told}")
    return "\n".join([*lines, ""])
