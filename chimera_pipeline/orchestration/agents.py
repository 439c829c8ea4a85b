"""The two agents as the assets call them, and their results as JSON values.

The collector tells what is there; the analyst chooses findings and recommendations. Both go through
`analysis.analyse`, with the provider that the settings lead to.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from chimera_pipeline import periods
from chimera_pipeline.analysis import collector, probe, profiles, recommendations, statements
from chimera_pipeline.analysis.analyse import analyse as analyse_statements
from chimera_pipeline.analysis.model import ANSWERS, Analysis, Mode, Probe
from chimera_pipeline.analysis.providers.breaker import Circuits
from chimera_pipeline.analysis.providers.choose import Choice, Where, choose
from chimera_pipeline.analysis.providers.protocol import ModelError
from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.inventory.store import FOLDER
from chimera_pipeline.orchestration import call_record
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.records import Fact, Gap, Slot, Statement
from chimera_pipeline.settings import Settings

CIRCUITS = Circuits()
"""A server that is down is asked once for all agents and periods of a process."""


def brief(
    settings: Settings,
    lake: Lake,
    facts: Sequence[Fact],
    artifacts: pd.DataFrame,
    gaps: pd.DataFrame,
    *,
    period: str,
) -> dict[str, Any]:
    """Directory coverage of the store; of the period counts by type with the latest modification, and gaps."""
    files, gaps = concerned(lake, artifacts, gaps, period)
    proved = collected_statements(facts, artifacts, files, settings.expected_dirs)
    result, choice = _run(settings, lake, proved, [], facts, agent="collector", period=period)
    by_type = {
        str(name): {"files": len(part), "latest": part["modified_at"].max().isoformat()}
        for name, part in files.groupby("format", sort=True)
    }
    return {
        "period": period,
        "folders": sorted({path.split("/")[0] + "/" for path in artifacts["path"] if "/" in path}),
        "expected_dirs": list(settings.expected_dirs),
        "by_type": by_type,
        "gaps_by_kind": {str(kind): int(size) for kind, size in gaps.groupby("kind").size().items()},
        "statement_ids": [one.id for one in collector.handed_over(result, proved)],
        **_told(settings, result, choice),
    }


def concerned(
    lake: Lake, artifacts: pd.DataFrame, gaps: pd.DataFrame, period: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The artifacts and gaps that concern the period, by what was measured in it."""
    if period == periods.ALL:
        return artifacts, gaps
    dated = lake.read_frame("measurements", columns=["artifact_path", "measured_at", "period"])
    return facts_room.of_period(artifacts, gaps, dated, period)


def collected_statements(
    facts: Sequence[Fact], artifacts: pd.DataFrame, files: pd.DataFrame, expected_dirs: Sequence[str]
) -> list[Statement]:
    """What the collector may tell: coverage by all artifacts; of `files` counts by type and the latest modification."""
    return collector.statements(facts, _seen(files), _seen(artifacts), expected_dirs)


def _seen(artifacts: pd.DataFrame) -> list[collector.Seen]:
    return [collector.Seen(row["path"], row["format"], row["modified_at"]) for row in tables.records(artifacts)]


def analyse(
    settings: Settings,
    lake: Lake,
    facts: Sequence[Fact],
    artifacts: pd.DataFrame,
    gaps: pd.DataFrame,
    collected: Mapping[str, Any],
    *,
    period: str,
) -> dict[str, Any]:
    """Findings, recommendations, claims and model calls of one period."""
    _, gaps = concerned(lake, artifacts, gaps, period)
    proved = statements.build(facts)
    offers = recommendations.offer(facts, [Gap(**row | _paths(row)) for row in tables.records(gaps)])
    result, choice = _run(settings, lake, proved, offers, facts, agent="analyst", period=period)
    value = _told(settings, result, choice)
    calls = [*collected["calls"], *value["calls"]]
    samples = [*collected["gpu_samples"], *value["gpu_samples"]]
    return {
        **value,
        "findings": _findings(result, proved, collected),
        "recommendations": [
            {"text": entry.text.rstrip("."), "because": entry.because} for entry in result.recommendations
        ],
        "personas": [*collected["personas"], *value["personas"]],
        "calls": calls,
        "gaps": call_record.distinct([*collected["gaps"], *value["gaps"]]),
        "llm": call_record.summary(value["model"], value["profile"], calls, samples),
        "claims": [
            {
                "period": claim.period,
                "text": claim.text,
                "statement_ids": json.dumps(claim.statement_ids),
                "fact_ids": json.dumps(claim.fact_ids),
                "status": claim.status,
                "reason": claim.reason,
            }
            for claim in result.claims
        ],
    }


def _run(
    settings: Settings,
    lake: Lake,
    proved: Sequence[Statement],
    offers: Sequence[recommendations.Recommendation],
    facts: Sequence[Fact],
    *,
    agent: str,
    period: str,
) -> tuple[Analysis, Choice]:
    profile = profile_of(settings)
    there = dataclasses.replace(where(settings), circuits=CIRCUITS)
    choice = choose(settings.llm, settings.model or profile.model, there)
    try:
        result = analyse_statements(
            proved,
            offers,
            provider=choice.provider,
            profile=profile,
            agent=agent,
            unavailable=choice.why,
            facts={fact.id: fact for fact in facts},
            period=period,
            probe=_known_probe(lake, choice),
        )
    finally:
        if choice.provider is not None:
            choice.provider.close()
    if result.probe is not None and result.probe.digest:
        lake.write_value("probe", probe.to_json(result.probe), _name(result.probe.digest))
    return result, choice


def profile_of(settings: Settings, name: str | None = None) -> profiles.Profile:
    """The profile of the settings (or the one called `name`), with the seed of the settings where they state one."""
    return profiles.load(name or settings.profile, settings.profiles, seed=settings.seed)


def where(settings: Settings) -> Where:
    """Where models may be found, from the settings and OLLAMA_HOST."""
    return Where(
        cache=_cache(settings),
        ollama_host=os.environ.get("OLLAMA_HOST"),
        openai_url=settings.openai_url,
        openai_key=settings.openai_key.get_secret_value() if settings.openai_key else None,
        allowed_hosts=settings.llm_hosts,
        gguf=settings.gguf,
    )


def _cache(settings: Settings) -> Path:
    """Where the embedded model is put together: the user's cache folder, so that it is done once; else the output."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chimera_pipeline"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return settings.out / FOLDER / "models"
    return folder if os.access(folder, os.W_OK) else settings.out / FOLDER / "models"


def _name(digest: str) -> str:
    return "".join(char for char in digest if char.isalnum())[-24:]


def _known_probe(lake: Lake, choice: Choice) -> Probe | None:
    """What is known of this model from an earlier run."""
    if choice.provider is None:
        return None
    try:
        digest = choice.provider.describe().digest
    except ModelError:
        return None
    stored = None
    if digest and lake.value_path("probe", _name(digest)).is_file():
        stored = probe.from_json(lake.read_value("probe", _name(digest)))
    return probe.known(digest, stored)


def _findings(result: Analysis, proved: Sequence[Statement], collected: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is told, in order: the model's own sentences first, then the statements that they do not tell."""
    told = {statement_id for sentence in result.sentences for statement_id in sentence.statement_ids}
    out: list[dict[str, Any]] = [
        {"role": "headline" if not position else "support", "parts": _parts(sentence.parts),
         "statement_ids": list(sentence.statement_ids)}
        for position, sentence in enumerate(result.sentences)
    ]  # fmt: skip
    for chosen in result.chosen:
        if chosen.statement_id not in told:
            role = "support" if out and chosen.role == "headline" else chosen.role
            out.append({"role": role, "statement_id": chosen.statement_id})
    return out


def _parts(parts: Sequence[str | Slot]) -> list[dict[str, str | None]]:
    return [
        {"text": part, "fact_id": None} if isinstance(part, str) else {"text": part.text, "fact_id": part.fact_id}
        for part in parts
    ]


def _told(settings: Settings, result: Analysis, choice: Choice) -> dict[str, Any]:
    """How an agent's result came about, in a form that is the same for the same choice."""
    deterministic = result.mode is Mode.DETERMINISTIC
    called = bool(result.calls)
    if deterministic:
        lead = f"Chosen by rule among {result.total} proved statements, by effect and reliability"
        reason = f"{lead}; {result.reason}." if result.reason else f"{lead}."
    else:
        model = result.model.name if result.model else "a model"
        notes = "; ".join(result.notes)
        reason = f"Chosen by {model} from proved statements, mode {result.mode.value}: {notes}. {choice.why}."
    profile = profile_of(settings)
    return {
        "narrative": {"mode": result.mode.value, "reason": reason, "why": result.reason or choice.why},
        "profile": result.profile if called else "none",
        "model": call_record.model(result, profile) if called else None,
        "personas": [{"name": getattr(profile, result.agent).name, "text": result.persona}] if called else [],
        "calls": call_record.plain(result.calls),
        "gpu_samples": call_record.plain(result.gpu_samples),
        "gaps": call_record.plain([dataclasses.asdict(gap) for gap in result.gaps]),
        "questions": [
            {
                "text": query.text,
                "kind": query.kind,
                "arguments": dict(query.arguments),
                "round": query.round,
                "statement_ids": list(query.statement_ids[:ANSWERS]),
            }
            for query in result.queries
        ],
    }


def _paths(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"artifacts": tuple(json.loads(row["artifacts"]))}
