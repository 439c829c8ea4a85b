"""The view model: everything that a report shows, in reading order, with a label on each number.

The renderers (`markdown`, `page`, `report.json`) only lay it out. Labels F1, F2, ... are given in order of first
appearance; the appendix lists each with its fact and sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from chimera_pipeline import periods, wording
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.errors import ChimeraError
from chimera_pipeline.records import Fact, Slot, Statement
from chimera_pipeline.report import bounds, conditions, store_parts
from chimera_pipeline.report.charts import choose
from chimera_pipeline.report.charts.model import Material
from chimera_pipeline.report.overview import merged, overview
from chimera_pipeline.report.store_parts import records

SCHEMA_VERSION = "1.0"
DETAIL_METRICS = ("load_s", "prompt_eval_s", "eval_s", "compile_s", "system")
_SHOWN = ("mean", "total_over_total", "p90", "p95", "p99")
_LEVELS_SHOWN = "the extremes of each statistic, then those over most values, then by name"
_COMPARISONS_SHOWN = "of each verdict the same number at most, the largest ratios first"


@dataclass(frozen=True, slots=True)
class Part:
    """Text, or a printed number with the label of its fact."""

    text: str
    label: str | None = None


Sentence = tuple[Part, ...]


@dataclass(slots=True)
class Labels:
    """Gives facts their labels in order of first appearance."""

    facts: Mapping[str, Fact]
    given: dict[str, str] = field(default_factory=dict)

    def of(self, fact_id: str) -> str:
        """The label of a fact. Raises ChimeraError for an id that is no fact of the period."""
        if fact_id not in self.facts:
            raise ChimeraError(f"statement cites {fact_id}, which is no fact of this period")
        return self.given.setdefault(fact_id, f"F{len(self.given) + 1}")

    def sentence(self, statement: Statement) -> Sentence:
        """A statement with its numbers labelled."""
        return tuple(
            Part(part.text, self.of(part.fact_id)) if isinstance(part, Slot) else Part(part) for part in statement.parts
        )


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a report is made of. `analysis` and `brief` are the JSON values of their assets; `run` holds what
    differs between equal runs: instants, ids, durations, model calls. `points` are the measurements behind facts."""

    period: str
    facts: list[Fact]
    statements: list[Statement]
    analysis: Mapping[str, Any]
    brief: Mapping[str, Any]
    artifacts: pd.DataFrame
    gaps: pd.DataFrame
    quarantine: pd.DataFrame
    series: pd.DataFrame
    run: Mapping[str, Any]
    reproducibility: Mapping[str, str]
    points: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    title: str = "Founders report"


def build(inputs: Inputs) -> dict[str, Any]:
    """The view as plain data: every section of the contract, in order."""
    labels = Labels({fact.id: fact for fact in inputs.facts})
    statements = {statement.id: statement for statement in inputs.statements}
    view: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "title": _title(inputs),
        "summary": _summary(inputs, statements, labels),
        "overview": overview(inputs.facts, statements, inputs.analysis, labels.of),
        "ingestion": _ingestion(inputs, labels),
        "brief": _brief(inputs, statements, labels),
        "performance": _performance(inputs, _series(inputs.series), labels),
        "charts": choose.charts(Material(inputs.facts, inputs.points, _series(inputs.series), labels.of)),
        **_comparisons(inputs, labels),
        "findings": _told(inputs, statements, labels, caveats=False),
        "caveats": _told(inputs, statements, labels, caveats=True),
        "questions": _questions(inputs, statements, labels),
        "narrative": dict(inputs.analysis["narrative"]),
        "recommendations": merged(inputs.analysis["recommendations"]),
        **store_parts.gaps(inputs.gaps, inputs.facts, labels.of),
        **store_parts.quarantine(inputs.quarantine),
        "workflow": store_parts.workflow(inputs.artifacts),
        "method": METHOD,
        "environment": store_parts.environment(inputs.series),
        "reproducibility": dict(inputs.reproducibility),
        "personas": list(inputs.analysis.get("personas", [])),
        "run": dict(inputs.run),
    }
    view["appendix"] = _appendix(inputs.facts, labels)
    return view


def _series(series: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(row["series_id"]): row for row in records(series)}


def _told(
    inputs: Inputs, statements: Mapping[str, Statement], labels: Labels, *, caveats: bool
) -> list[list[dict[str, str | None]]]:
    """The chosen statements that are caveats, or that are not."""
    return [
        _plain(_sentence(choice, statements, labels))
        for choice in inputs.analysis["findings"]
        if (choice["role"] == "caveat") is caveats
    ]


def _questions(inputs: Inputs, statements: Mapping[str, Statement], labels: Labels) -> list[dict[str, Any]]:
    """What a model asked, and the answers: a statement in full, or the number of the finding that tells it."""
    told = [entry for entry in inputs.analysis["findings"] if entry["role"] != "caveat"]
    place = {
        name: number
        for number, entry in enumerate(told, start=1)
        for name in (entry["statement_ids"] if "parts" in entry else [entry["statement_id"]])
    }
    out = []
    for question in inputs.analysis.get("questions", ()):
        known = [name for name in question["statement_ids"] if name in statements]
        out.append(
            {
                "text": question["text"],
                "findings": sorted({place[name] for name in known if name in place}),
                "sentences": [_plain(labels.sentence(statements[name])) for name in known if name not in place],
            }
        )
    return out


def _sentence(choice: Mapping[str, Any], statements: Mapping[str, Statement], labels: Labels) -> Sentence:
    """A chosen statement, or a sentence that a model wrote around proved numbers, with its labels."""
    if "parts" not in choice:
        return labels.sentence(statements[choice["statement_id"]])
    return tuple(
        Part(part["text"], labels.of(part["fact_id"]) if part["fact_id"] else None) for part in choice["parts"]
    )


def _plain(sentence: Sentence) -> list[dict[str, str | None]]:
    return [{"text": part.text, "label": part.label} for part in sentence]


def _title(inputs: Inputs) -> dict[str, Any]:
    used = inputs.artifacts[inputs.artifacts["status"].isin(["ok", "partial"])]
    dated = used[used["time_source"].isin(["content", "filename"])]
    first, last = dated["first_measured_at"].min(), dated["last_measured_at"].max()
    if inputs.period != periods.ALL:
        start, end = periods.bounds(inputs.period)
        inside = dated[(dated["last_measured_at"] >= start) & (dated["first_measured_at"] < end)]
        first = max(inside["first_measured_at"].min(), pd.Timestamp(start))
        last = min(inside["last_measured_at"].max(), pd.Timestamp(end) - pd.Timedelta(microseconds=1))
    model = inputs.analysis.get("model") or {}
    return {
        "text": inputs.title,
        "period": inputs.period,
        "first_measured_at": _day(first),
        "last_measured_at": _day(last),
        "undated_artifacts": int(len(used) - len(dated)),
        "profile": inputs.analysis.get("profile", "none"),
        "model": model.get("model", "no model"),
        "configuration": model.get("options", {}),
    }


def _day(at: Any) -> str | None:
    return None if pd.isna(at) else str(at.date().isoformat())


def _summary(inputs: Inputs, statements: Mapping[str, Statement], labels: Labels) -> dict[str, Any]:
    """Verdict, change against the previous period, and the one or two statements that lead."""
    chosen = inputs.analysis["findings"]
    leading = [entry for entry in chosen if entry["role"] == "headline"][:2]
    leading += [entry for entry in chosen if entry["role"] == "caveat"][:1]
    sentences = [_plain(_sentence(entry, statements, labels)) for entry in leading]
    if not any(fact.kind == "level" for fact in inputs.facts):
        text = "No measurement was found: the files hold none, or none that a reader knows."
        sentences.insert(0, [{"text": text, "label": None}])
    return {"verdict": _verdict(inputs), "sentences": sentences}


def _verdict(inputs: Inputs) -> str:
    changes = [fact for fact in inputs.facts if fact.kind == "change"]
    verdicts = {fact.verdict for fact in changes}
    if inputs.period == "all":
        if "regression" in verdicts:
            return "A regression stands in the history of the runs."
        return "This report covers everything measured; it has no previous period to be compared with."
    if "regression" in verdicts:
        return "A regression stands against the previous period."
    if "improvement" in verdicts:
        return "An improvement stands against the previous period; no regression does."
    if changes:
        return "No regression stands against the previous period."
    return "No series of this period was also measured in the previous one; there is no change to report."


def _ingestion(inputs: Inputs, labels: Labels) -> list[dict[str, Any]]:
    rows = []
    for fact in inputs.facts:
        if fact.kind == "inventory" and fact.metric == "files":
            what = fact.condition or "all files"
            rows.append({"what": what, "count": wording.number(fact.value), "label": labels.of(fact.id)})
    order = {"all files": 0, "benchmark files (csv, json and markdown)": 1}
    return sorted(rows, key=lambda row: (order.get(row["what"], 2), row["what"].startswith("status"), row["what"]))


def _brief(inputs: Inputs, statements: Mapping[str, Statement], labels: Labels) -> list[list[dict[str, str | None]]]:
    """What the collector tells of the files."""
    return [_plain(labels.sentence(statements[statement_id])) for statement_id in inputs.brief["statement_ids"]]


def _performance(inputs: Inputs, series: Mapping[str, Any], labels: Labels) -> list[dict[str, Any]]:
    """One table a metric: series, value, n, spread, interval. Details (load, compile, ...) come last."""
    groups = _levels(inputs.facts)
    names = list(vocabulary.metrics())
    ordered = sorted(groups, key=lambda key: (key[0] in DETAIL_METRICS, names.index(key[0]), key[1]))
    most = bounds.share(map(len, groups.values()), bounds.LEVELS, bounds.FEWEST_ROWS)
    where = {key: bounds.listed(inputs.period, f"--metric {key[0]}") for key in ordered}
    return [_metric_table(key, groups[key], most, where[key], series, labels) for key in ordered]


def _levels(facts: Iterable[Fact]) -> dict[tuple[str, str], list[Fact]]:
    """The levels that have a row in section 2, by metric and unit."""
    swept = {
        series_id
        for fact in facts
        if fact.kind == "level" and fact.statistic == "mean" and len(fact.series_ids) > 1
        for series_id in fact.series_ids
    }
    groups: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        metric = vocabulary.metrics().get(fact.metric)
        if fact.kind not in ("level", "quality") or metric is None:
            continue
        if metric.better == "none" and metric.name not in ("quality", "system"):
            continue
        single = fact.statistic == "sample" and not (swept & set(fact.series_ids))
        reported = fact.grade == "reported" and fact.statistic in (*_SHOWN, "median")
        if single or reported or (fact.statistic in _SHOWN and not _inner_sweep(fact, swept)):
            groups.setdefault((fact.metric, fact.unit), []).append(fact)
    return groups


def _inner_sweep(fact: Fact, swept: set[str]) -> bool:
    return len(fact.series_ids) == 1 and fact.series_ids[0] in swept


def _metric_table(
    key: tuple[str, str], facts: list[Fact], most: int, where: str, series: Mapping[str, Any], labels: Labels
) -> dict[str, Any]:
    metric = vocabulary.metric(key[0])
    shown = bounds.levels(facts, most)
    rows = [
        {
            "group": str(series[fact.series_ids[0]]["suite"] or "").replace("_", " "),
            "entity": fact.entity,
            "condition": fact.condition,
            "n": "not stated" if fact.n is None else str(fact.n),
            "sd": wording.number(fact.sd) if fact.sd is not None else "",
            **_shown(fact),
            "grade": fact.grade.replace("_", " "),
            "label": labels.of(fact.id),
        }
        for fact in sorted(shown, key=lambda f: (f.entity, f.condition, f.statistic))
    ]
    better = {"lower": "lower is better", "higher": "higher is better", "none": ""}[metric.better]
    return {
        "metric": metric.name,
        "label": metric.label,
        "unit": key[1],
        "better": better,
        "definition": metric.definition,
        "detail": metric.name in DETAIL_METRICS,
        "main": metric.headline or metric.name == "ttft_s",
        "note": bounds.note(len(shown), len(facts), _LEVELS_SHOWN, where),
        "rows": rows,
    }


def _interval(fact: Fact) -> str:
    if fact.ci_low is None or fact.ci_high is None:
        return ""
    return f"{wording.number(fact.ci_low)} to {wording.number(fact.ci_high)}"


def _comparisons(inputs: Inputs, labels: Labels) -> dict[str, Any]:
    order = {"regression": 0, "improvement": 1, "equivalent": 2, "no_clear_difference": 3}
    facts = [fact for fact in inputs.facts if fact.kind in ("comparison", "change")]
    facts.sort(key=lambda fact: (order.get(fact.verdict or "", 9), fact.entity, fact.metric, fact.condition, fact.id))
    shown = bounds.comparisons(facts)
    told = {statement.fact_ids[0]: statement for statement in inputs.statements if len(statement.fact_ids) == 1}
    rows = [
        {
            "kind": fact.kind,
            "entity": fact.entity,
            "metric": vocabulary.metric(fact.metric).label,
            "condition": fact.condition,
            "baseline": fact.baseline,
            "verdict": _shown_verdict(fact),
            "clear": fact.verdict in ("regression", "improvement"),
            "text": told[fact.id].text if fact.id in told else fact.text,
            **_shown(fact),
            **_compared(fact),
            "label": labels.of(fact.id),
        }
        for fact in shown
    ]
    where = bounds.listed(inputs.period, "--kind comparison --kind change")
    return {"comparisons": rows, "comparisons_note": bounds.note(len(shown), len(facts), _COMPARISONS_SHOWN, where)}


def _shown(fact: Fact) -> dict[str, str]:
    """Cells of a fact as they are printed. An average or percentile of one sample is shown as that sample."""
    one = fact.n == 1 and fact.kind in ("level", "quality") and fact.statistic not in ("min", "max")
    return {
        "statistic": "sample" if one else fact.statistic.replace("_", " "),
        "value": wording.number(fact.value),
        "interval": _interval(fact),
        "p_value": "" if fact.p_value is None else wording.number(fact.p_value, 2),
        "q_value": "" if fact.q_value is None else wording.number(fact.q_value, 2),
    }


def _compared(fact: Fact) -> dict[str, str]:
    """What is compared with what, the ratio with its interval; a line of history is told by its own words."""
    subject, differ, about = conditions.against(fact.entity, fact.condition, fact.baseline or "")
    if fact.baseline is None:
        subject, differ, about = f"{fact.entity}: {fact.text.rpartition(': ')[2]}", "", fact.condition
    return {
        "subject": subject,
        "differ": differ,
        "about": about,
        "quantity": wording.quantity(fact.value, fact.unit),
        "n": "" if fact.n is None else str(fact.n),
    }


def _shown_verdict(fact: Fact) -> str:
    """Within a period one arm is better or worse than another; a regression is a matter of time."""
    words = {"regression": "worse", "improvement": "better"} if fact.kind == "comparison" else {}
    return words.get(fact.verdict or "", (fact.verdict or "").replace("_", " "))


def _appendix(facts: Iterable[Fact], labels: Labels) -> list[dict[str, Any]]:
    cited = {fact.id: fact for fact in facts if fact.id in labels.given}
    shared = bounds.share((len(fact.sources) for fact in cited.values()), bounds.SOURCES, bounds.FEWEST_SOURCES)
    most = min(shared, bounds.SOURCES_OF_ONE)
    out = []
    for fact_id, label in labels.given.items():
        fact = cited[fact_id]
        sources = bounds.sources(fact.sources, most)
        out.append(
            {
                "label": label,
                "id": fact.id,
                "text": conditions.once(fact.text, fact.condition, fact.baseline),
                "value": fact.value,
                "unit": fact.unit,
                "n": fact.n,
                "grade": fact.grade,
                "method": fact.ci_method,
                "columns": {
                    "metric": vocabulary.metric(fact.metric).label,
                    "entity": fact.entity,
                    "condition": fact.condition,
                    "baseline": fact.baseline or "",
                    "n": "" if fact.n is None else f"{fact.n:,}",
                    "sd": "" if fact.sd is None else wording.number(fact.sd),
                    **_shown(fact),
                },
                "sources": sources,
                "more_sources": len(fact.sources) - len(sources),
                "whole_sources": sources == list(fact.sources),
            }
        )
    return out


METHOD = (
    "Every artifact is read once and kept with its sha256. A failed record keeps no measurement and enters no mean.",
    "Files with the same bytes, or the same measurements in another format, are counted once; summaries of stored rows "
    "are recomputed and not counted again.",
    "A request is cold when its load time is above 0.5 s and above 5 times the median of its file, "
    "or when model, context or GPU layers changed before it. Cold and warm times are not pooled.",
    "Means carry the sample standard deviation (one degree of freedom less) and, from five values on, a confidence "
    "interval whose method is named with the fact. One sample is shown as one sample, never as an average.",
    "A percentile is computed only where the number of samples supports a two-sided interval of its own; one that "
    "a tool reports is marked as reported.",
    "Series are compared only where metric, unit, statistic and conditions agree.",
)
