"""What to do next: sentences written by code, each offered only where its precondition holds.

In: the facts and gaps of a period. Out: recommendations with the facts and gaps they rest on, most pressing
first. A rule never guesses a cause; it asks for the measurement or the step that the evidence calls for.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chimera_pipeline.analysis.decisions import arms, sweeps
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact, Gap

_SEVERITY = {"error": 3.0, "warning": 2.0, "info": 1.0}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An action, why it is due, and its evidence. `gaps` holds (kind, subject, field) of each gap."""

    id: str
    text: str
    because: str
    fact_ids: tuple[str, ...] = ()
    gaps: tuple[tuple[str, str, str], ...] = ()
    artifacts: tuple[str, ...] = ()
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class GapRule:
    """An action for gaps of a kind (and of some fields, where given)."""

    kind: str
    text: str
    because: str
    fields: tuple[str, ...] = ()


GAP_RULES = (
    GapRule(
        "no_warmup_info",
        "Record the load duration of each request, so that cold and warm requests can be told apart.",
        "cold and warm requests cannot be told apart where no load duration is recorded",
    ),
    GapRule(
        "no_timestamp",
        "Write an ISO 8601 time with its zone into each record, so that it can enter periods and changes.",
        "undated records enter no period, change or trend",
    ),
    GapRule(
        "naive_timestamp",
        "Write times with their zone, so that measurements near a boundary fall into the right period.",
        "the zone of these times had to be assumed",
    ),
    GapRule(
        "no_hardware",
        "Record device and driver with the results, so that machines are never mixed up.",
        "results cannot be compared across machines where the device is unknown",
    ),
    GapRule(
        "no_dispersion",
        "Record every sample, or at least the standard deviation, so that differences can be tested.",
        "neither an interval nor a test is possible from a mean alone",
    ),
    GapRule(
        "few_samples",
        "Record how many runs each statistic rests on, and repeat those that rest on few.",
        "a mean without a sufficient number of samples carries no weight",
    ),
    GapRule(
        "failed_requests",
        "Find out why requests failed and repeat them; a series with failures describes the survivors only.",
        "failed requests enter no mean",
    ),
    GapRule(
        "missing_directory",
        "Check why an expected folder holds no benchmark files.",
        "an expected folder is missing or empty",
    ),
    GapRule(
        "missing_period",
        "Measure in each period, or say that none was due, so that silence is not read as stability.",
        "a period between two others holds no measurement",
    ),
    GapRule(
        "grid_hole",
        "Complete the sweep: some combinations of its options were never measured.",
        "the grid of options has holes",
    ),
    GapRule(
        "unexplained_time",
        "Record the missing phases of a request: its stated parts do not add up to its total.",
        "a part of the total time is not accounted for",
    ),
    GapRule(
        "inconsistent",
        "Check how the tool computes its figures: some contradict others of the same record.",
        "stated figures contradict one another",
    ),
    GapRule(
        "out_of_range",
        "Check the measurements that lie outside what is possible; they were not used.",
        "some values are no measurements",
    ),
    GapRule(
        "no_gpu_used",
        "Make the GPU visible to the model server, or set num_gpu to 0: a GPU was asked for and not used.",
        "a GPU was asked for and the CPU served",
    ),
)
_MOST_WINNERS = 4
_SERVING = ("ttft_s", "decode_tokens_per_s", "output_tokens_per_s", "total_s")
_FIELD_KINDS = ("missing_field", "null_field")


def offer(facts: Iterable[Fact], gaps: Iterable[Gap]) -> list[Recommendation]:
    """Every recommendation whose precondition holds, the most pressing first; ties by id."""
    facts, gaps = list(facts), list(gaps)
    found = [entry for rule in _FACT_RULES for entry in rule(facts)]
    gap_facts = {fact.condition: fact.id for fact in facts if fact.kind == "gap"}
    for rule in GAP_RULES:
        members = [g for g in gaps if g.kind == rule.kind and (not rule.fields or g.field in rule.fields)]
        if members:
            found.append(_of_gaps(rule.kind, rule.text, rule.because, members, gap_facts))
    by_remedy: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps:
        if gap.kind in _FIELD_KINDS and gap.field and gap.remedy:
            by_remedy.setdefault((gap.field, gap.remedy), []).append(gap)
    for (field, remedy), members in by_remedy.items():
        text = remedy[:1].upper() + remedy[1:].rstrip(".") + "."
        found.append(_of_gaps(f"field-{field}", text, members[0].consequence, members, gap_facts))
    return sorted(found, key=lambda item: (-item.weight, item.id))


def _of_gaps(name: str, text: str, because: str, members: Sequence[Gap], gap_facts: dict[str, str]) -> Recommendation:
    severity = max(_SEVERITY.get(gap.severity, 1.0) for gap in members)
    spread = min(1.0, sum(gap.count for gap in members) / 100)
    kinds = dict.fromkeys(gap.kind.replace("_", " ") for gap in members)
    return Recommendation(
        id=f"gap-{name}",
        text=text,
        because=because,
        fact_ids=tuple(gap_facts[kind] for kind in kinds if kind in gap_facts),
        gaps=tuple((gap.kind, gap.subject, gap.field or "") for gap in members),
        artifacts=tuple(sorted({path for gap in members for path in gap.artifacts})),
        weight=severity + spread,
    )


def _label(fact: Fact) -> str:
    metric = vocabulary.metrics().get(fact.metric)
    return metric.label if metric else fact.metric.replace("_", " ")


def _regressions(facts: Sequence[Fact]) -> Iterable[Recommendation]:
    """Regressions over time; within a period one arm is slower than another, which is no regression."""
    for fact in facts:
        if fact.kind == "change" and fact.verdict == "regression":
            yield Recommendation(
                id=f"confirm-{fact.id}",
                text=f"Repeat the {_label(fact)} runs of {fact.entity} before acting on the regression.",
                because="a regression stands that no further run has confirmed",
                fact_ids=(fact.id,),
                weight=5.0,
            )


def _winners(facts: Sequence[Fact]) -> Iterable[Recommendation]:
    """The arms that lost to none and won somewhere, at most `_MOST_WINNERS`; of the options of one sweep, one, and
    none that the cells of the sweep do not tell apart from noise."""
    split = sweeps(facts)
    won: dict[tuple[str, str], dict[str, dict[str, Fact]]] = defaultdict(lambda: defaultdict(dict))
    for fact in facts:
        if fact.kind == "comparison" and fact.verdict in ("regression", "improvement") and fact.effect:
            if any(sweep.doubts(fact) for sweep in split):
                continue
            mine, yours, shared = arms(fact)
            winner, loser = (mine, yours) if fact.verdict == "improvement" else (yours, mine)
            won[fact.metric, shared][winner][loser] = fact
    found = []
    for (_, shared), by_winner in won.items():
        lost = {loser for losers in by_winner.values() for loser in losers}
        found += [_winner(name, shared, losers) for name, losers in by_winner.items() if name not in lost]
    told: set[str] = set()
    for item, sweep in sorted(found, key=lambda pair: (-pair[0].weight, pair[0].id)):
        if len(told) < _MOST_WINNERS and (key := sweep or item.id) not in told:
            told.add(key)
            yield item


def _winner(name: str, shared: str, losers: Mapping[str, Fact]) -> tuple[Recommendation, str]:
    """The recommendation, and the model whose options were swept where it is about options of one model."""
    behind = list(losers.values())
    gain = max(abs(math.log(fact.effect or 1.0)) for fact in behind)
    entity = name.partition(" (")[0]
    sweep = all(loser.partition(" (")[0] == entity for loser in losers)
    label = _label(behind[0])
    item = Recommendation(
        id=f"prefer-{behind[0].id}",
        text=f"By {label}, prefer {name} over {_joined(sorted(losers))}{shared}, and repeat the run to confirm it.",
        because=f"{label} differs clearly within this run, and the spread between runs is unknown",
        fact_ids=tuple(fact.id for fact in behind),
        weight=3.2 + min(gain, 2.0) / 2 + (1.0 if behind[0].metric in _SERVING else 0.0),
    )
    return item, entity if sweep else ""


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]


def _insufficient(facts: Sequence[Fact]) -> Iterable[Recommendation]:
    """The comparison that further runs would decide first, and the rest of them together."""
    found = [f for f in facts if f.kind == "comparison" and f.verdict == "insufficient"]
    open_ones = sorted(
        (f for f in found if "would settle it" in f.text), key=lambda f: (f.metric not in _SERVING, f.id)
    )
    for fact in open_ones[:1]:
        mine, yours, shared = arms(fact)
        yield Recommendation(
            id="next-run",
            text=f"Measure next: {_label(fact)} of {mine} against {yours}{shared}, with further runs of each.",
            because="this comparison is open only for want of runs",
            fact_ids=tuple(one.id for one in open_ones),
            weight=3.3,
        )
    rest = [fact for fact in found if fact not in open_ones]
    if rest:
        yield Recommendation(
            id="repeat-insufficient",
            text="Repeat the runs that were compared: with so few samples no test can reach a verdict.",
            because="comparisons rest on too few samples for a verdict",
            fact_ids=tuple(fact.id for fact in rest),
            weight=2.6,
        )


def _single_runs(facts: Sequence[Fact]) -> Iterable[Recommendation]:
    found = [f for f in facts if f.kind == "level" and f.ci_scope == "within_run"]
    if found:
        yield Recommendation(
            id="repeat-runs",
            text="Repeat whole runs, not only requests: the intervals at hand hold within one run.",
            because="the spread between runs is unknown where only one run was made",
            fact_ids=tuple(fact.id for fact in found),
            weight=2.2,
        )


def _single_samples(facts: Sequence[Fact]) -> Iterable[Recommendation]:
    metrics = vocabulary.metrics()
    found = [f for f in facts if f.kind == "level" and f.n == 1 and f.metric in metrics and metrics[f.metric].headline]
    if found:
        yield Recommendation(
            id="repeat-single",
            text="Repeat what was measured once: a single sample has neither spread nor interval.",
            because="some series hold a single sample",
            fact_ids=tuple(fact.id for fact in found),
            weight=2.0,
        )


def _cold_starts(facts: Sequence[Fact]) -> Iterable[Recommendation]:
    levels = [f for f in facts if f.kind == "level" and f.metric == "ttft_s" and f.value > 0]
    warm = {(f.entity, f.condition.removeprefix("warm")): f for f in levels if f.condition.startswith("warm")}
    pairs = [
        (cold, warm[key])
        for cold in levels
        if cold.condition.startswith("cold")
        and (key := (cold.entity, cold.condition.removeprefix("cold"))) in warm
        and cold.value > 2 * warm[key].value
    ]
    if pairs:
        yield Recommendation(
            id="keep-loaded",
            text="Keep the model loaded where the first answer matters: cold calls wait for it far longer.",
            because="cold TTFT is well above the warm one",
            fact_ids=tuple(dict.fromkeys(fact.id for pair in pairs for fact in pair)),
            weight=3.0,
        )


_FACT_RULES: tuple[Callable[[Sequence[Fact]], Iterable[Recommendation]], ...] = (
    _regressions,
    _winners,
    _insufficient,
    _single_runs,
    _single_samples,
    _cold_starts,
)
