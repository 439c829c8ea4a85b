"""Comparisons in words: facts, sentences and JSON. Summaries of many are in `comparisons_summary`.

Numbers are rounded here and nowhere earlier (through `wording`); no sentence says why something changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from chimera_pipeline import wording
from chimera_pipeline.facts.comparisons_verdict import (
    EQUIVALENT,
    IMPROVEMENT,
    INSUFFICIENT,
    NO_DIFFERENCE,
    NOT_COMPARABLE,
    REGRESSION,
    Comparison,
    regression_stands,
)
from chimera_pipeline.records import Fact

SCHEMA_VERSION = "1.0"
ORDER = (REGRESSION, IMPROVEMENT, NO_DIFFERENCE, EQUIVALENT, INSUFFICIENT, NOT_COMPARABLE)
WORDS = {
    REGRESSION: "regression",
    IMPROVEMENT: "improvement",
    NO_DIFFERENCE: "no clear difference",
    EQUIVALENT: "equivalent",
    INSUFFICIENT: "insufficient",
    NOT_COMPARABLE: "not comparable",
}


def comparison_facts(comparisons: Iterable[Comparison]) -> Iterator[Fact]:
    """A fact for each comparison with two values; value and effect are the ratio where there is one."""
    for found in comparisons:
        if found.base_value is None or found.head_value is None:
            continue
        ratio = _ratio(found)
        statistic, value, unit = ("ratio", ratio, "ratio") if ratio is not None else _shift(found)
        interval = found.shift.interval if found.shift else None
        open_ended = found.verdict in (INSUFFICIENT, NOT_COMPARABLE)
        yield Fact(
            id="",
            kind="comparison",
            metric=found.metric,
            statistic=statistic,
            entity=found.entity,
            condition=found.condition,
            value=value,
            unit=unit,
            n=found.n_base + found.n_head,
            period=found.period,
            grade="insufficient" if open_ended else "computed" if found.grade == "from_samples" else found.grade,
            text=sentence(found),
            series_ids=_series_ids(found),
            sources=found.sources,
            ci_low=interval.low if interval else None,
            ci_high=interval.high if interval else None,
            ci_method=interval.method if interval else None,
            ci_scope=found.scope if interval else None,
            verdict=found.verdict,
            baseline=found.baseline,
            effect=ratio,
            p_value=found.shift.p if found.shift else None,
            q_value=found.q,
        )


def _series_ids(found: Comparison) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{found.base_series},{found.head_series}".strip(",").split(",")))


def _ratio(found: Comparison) -> float | None:
    """The tested ratio; of the two shown values where no test stands behind it."""
    if found.shift is not None:
        return found.shift.ratio
    if found.base_value and found.head_value is not None and found.base_value > 0 and not found.absolute:
        return found.head_value / found.base_value
    return None


def _shift(found: Comparison) -> tuple[str, float, str]:
    assert found.base_value is not None
    assert found.head_value is not None
    value = found.shift.difference if found.shift else found.head_value - found.base_value
    return "shift", value, found.unit


def sentence(found: Comparison) -> str:
    """The comparison as one plain sentence with its verdict, numbers and what weakens it."""
    where = f" ({found.condition})" if found.condition else ""
    if found.only_in:
        return f"{found.label} of {found.entity}{where} is only in the {found.only_in}"
    against = "" if found.baseline == f"{found.entity}{where}" else f" against {found.baseline}"
    start = f"{found.label} of {found.entity}{where}{against}"
    if found.verdict == NOT_COMPARABLE:
        return f"{start}: not comparable, {found.reason}"
    return f"{start}: {'; '.join([*_numbers(found), _ending(found), *found.caveats])}"


def _numbers(found: Comparison) -> Iterator[str]:
    if found.base_value is not None and found.head_value is not None:
        head = wording.quantity(found.head_value, found.unit)
        yield f"{head} against {wording.quantity(found.base_value, found.unit)}"
    test = found.shift
    if test is not None:
        interval = ""
        if test.interval is not None:
            low, high = wording.number(test.interval.low), wording.number(test.interval.high)
            interval = f" (95 % interval {low} to {high})"
        effect = (
            f"ratio {wording.number(test.ratio)}"
            if test.ratio is not None
            else f"shift {wording.number(test.difference)}"
        )
        level = f", q = {wording.number(found.q, 2)}" if found.q is not None else ""
        yield f"{effect}{interval}, p = {wording.number(test.p, 2)}{level}"
    kind = "pairs" if found.paired else "runs" if found.scope == "between_runs" else "values"
    yield f"n={found.n_head} and n={found.n_base} {kind}"


def change_words(found: Comparison) -> str:
    """`+10.0 % (8.1 % to 12 %)`, or nothing."""
    if found.change is None:
        return ""
    sign = "+" if found.change > 0 else ""
    interval = found.relative_interval()
    if interval is None:
        return f"{sign}{wording.percent(found.change)}"
    low, high = wording.percent(interval[0]), wording.percent(interval[1])
    return f"{sign}{wording.percent(found.change)} ({low} to {high})"


def _ending(found: Comparison) -> str:
    here = " in this run" if found.scope == "within_run" and found.verdict not in (INSUFFICIENT,) else ""
    more = f"; about {wording.count(found.more_runs, 'more value')} an arm would settle it" if found.more_runs else ""
    reason = f" ({found.reason})" if found.verdict not in (REGRESSION, IMPROVEMENT) and found.reason else ""
    return f"{WORDS[found.verdict]}{here}{reason}{more}"


def as_json(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """{schema_version, regression, counts{verdict: n}, comparisons[...]} with exact numbers."""
    counts = Counter(found.verdict for found in comparisons)
    return {
        "schema_version": SCHEMA_VERSION,
        "regression": regression_stands(comparisons),
        "counts": {verdict: counts.get(verdict, 0) for verdict in ORDER},
        "comparisons": [_entry(found) for found in ordered(comparisons)],
    }


def ordered(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Regressions first, then by verdict, headline metrics first, larger changes first, then by name."""
    return sorted(
        comparisons,
        key=lambda found: (
            ORDER.index(found.verdict),
            not found.primary,
            -abs(found.change or 0.0),
            found.entity,
            found.condition,
            found.metric,
            found.baseline,
        ),
    )


def _entry(found: Comparison) -> dict[str, Any]:
    test = found.shift
    return {
        "kind": found.kind,
        "metric": found.metric,
        "entity": found.entity,
        "condition": found.condition,
        "baseline": found.baseline,
        "unit": found.unit,
        "better": found.better,
        "verdict": found.verdict,
        "reason": found.reason,
        "primary": found.primary,
        "base": found.base_value,
        "head": found.head_value,
        "n_base": found.n_base,
        "n_head": found.n_head,
        "paired": found.paired,
        "scope": found.scope,
        "grade": found.grade,
        "change": found.change,
        "ratio": test.ratio if test else None,
        "difference": test.difference if test else None,
        "interval": [test.interval.low, test.interval.high] if test and test.interval else None,
        "superiority": test.superiority if test else None,
        "p_value": test.p if test else None,
        "q_value": found.q,
        "family": found.family,
        "method": test.method if test else None,
        "practical_threshold": found.threshold,
        "equivalence_margin": found.margin,
        "more_runs": found.more_runs,
        "differing": list(found.differing),
        "caveats": list(found.caveats),
        "series": {"base": found.base_series, "head": found.head_series},
        "sources": list(found.sources),
        "text": sentence(found),
    }
