"""Numbers about the run itself, under stable keys so that the Plots tab draws them over time."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline import redact
from chimera_pipeline.analysis import gpu
from chimera_pipeline.analysis.calls import unexplained_s
from chimera_pipeline.orchestration import checks, metadata
from chimera_pipeline.orchestration import published_copy as copy
from chimera_pipeline.records import Fact

_STAGES = {
    "raw_inventory": ("inventory", "raw_inventory"),
    "readings": ("ingest", "readings"),
    "settle": ("ingest", "artifacts"),
    "measurements": ("ingest", "measurements"),
    "facts": ("analysis", "facts"),
    "collector_brief": ("analysis", "collector_brief"),
    "analysis": ("analysis", "analysis"),
}
"""Step -> its stage, and an asset that it makes."""
_PLOTTED = (("decode_tokens_per_s", "mean"), ("ttft_s", "mean"), ("time_s", "mean"))
MAX_PLOTTED = 40
MAX_CHARTED = 20


def stage_seconds(instance: dg.DagsterInstance, *, report: bool = False) -> dict[str, float]:
    """Wall seconds of each stage before the report, from the latest run of each of its steps; with `report` of the
    report as well. A stage without a run is not there.
    """
    stages = _STAGES | ({"report": ("report", "report")} if report else {})
    keys = [dg.AssetKey(asset) for _, asset in stages.values()]
    made = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization.run_id
        for record in instance.get_asset_records(keys)
        if record.asset_entry.last_materialization is not None
    }
    spent = {
        (run_id, found.step_key): found.end_time - found.start_time
        for run_id in sorted(set(made.values()))
        for found in instance.get_run_step_stats(run_id)
        if found.start_time is not None and found.end_time is not None
    }
    out: dict[str, float] = {}
    for (step, (stage, _)), key in zip(stages.items(), keys, strict=True):
        if key in made:
            out[stage] = round(out.get(stage, 0.0) + spent.get((made[key], step), 0.0), 4)
    return out


def of_settled(table: str, settled: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Counts that are worth a line in the Plots tab."""
    if table == "quarantine":
        return _of_quarantine(settled[table], settled["artifacts"])
    counted = {"artifacts": "status", "telemetry_gaps": "severity"}.get(table)
    return {} if counted is None else _counts(counted, settled[table][counted])


def _counts(word: str, values: "pd.Series[Any]") -> dict[str, Any]:
    return {_key(word, str(name)): int(size) for name, size in values.value_counts().items()}


def _of_quarantine(quarantine: pd.DataFrame, artifacts: pd.DataFrame) -> dict[str, Any]:
    files, share = checks.quarantined(artifacts)
    first = quarantine.iloc[0] if len(quarantine) else None
    top = "" if first is None else f"{first['artifact_path']}: {first['reason']}: {first['detail']}"
    return {
        "quarantined_files": files,
        "quarantined_places": len(quarantine),
        "share_of_files": share,
        "top_reason": redact.value(top),
        **_counts("reason", quarantine["reason"]),
    }


def of_measurements(series: int, undated: int, by_period: Mapping[str, int]) -> dict[str, Any]:
    """How many measurements, of how many series, and how they spread over periods."""
    rows = {name: float(by_period[name]) for name in sorted(by_period)[-24:]}
    return {"series": series, "undated": undated, "by_period": metadata.chart(rows, "measurements")}


def of_facts(facts: Sequence[Fact]) -> dict[str, Any]:
    """How many facts, and the headline levels by entity."""
    out: dict[str, Any] = {"facts": len(facts)}
    for fact in facts:
        if (fact.metric, fact.statistic) in _PLOTTED and len(out) < MAX_PLOTTED and len(fact.series_ids) == 1:
            out[_key(fact.metric, fact.entity, fact.condition)] = fact.value
    for fact in facts:
        if fact.metric == "files" and fact.condition == "status quarantined":
            out["quarantined_files"] = fact.value
    rates = {
        " ".join(filter(None, (fact.entity, fact.condition))): fact.value
        for fact in facts
        if (fact.metric, fact.statistic) == _PLOTTED[0] and len(fact.series_ids) == 1
    }
    if rates:
        out["throughput"] = metadata.chart(dict(list(rates.items())[:MAX_CHARTED]), "tokens/s")
    return out


def _key(*words: str) -> str:
    return re.sub(r"[^A-Za-z0-9_./:=-]+", "_", "/".join(word for word in words if word))[:120]


def of_calls(value: dict[str, Any]) -> dict[str, Any]:
    """Model calls behind a value: how many, tokens, seconds, what no part explains, and the device that served."""
    calls = value.get("calls") or []
    out: dict[str, Any] = {"model_calls": len(calls)}
    for name in ("prompt_tokens", "output_tokens", "total_s"):
        found = [call[name] for call in calls if call.get(name) is not None]
        if found:
            out[f"model_{name}"] = float(sum(found))
    rests = [rest for call in calls if (rest := unexplained_s(call)) is not None]
    if rests:
        out["model_unexplained_s"] = sum(rests)
    model = value.get("model")
    if model is not None:
        out |= {"model": model["model"], "device": model["device"] or "not stated"}
        if "num_gpu" in model["options"]:
            out["num_gpu_requested"] = model["options"]["num_gpu"]
    for entry in gpu.summary(value.get("gpu_samples") or ()):
        out[f"{entry['device']}_{entry['metric']}_mean"] = entry["mean"]
    for gap in value.get("gaps") or ():
        out[f"gap_{gap['kind']}"] = gap["count"]
    decoding = [call for call in calls if call.get("eval_s") and call.get("output_tokens")]
    if decoding:
        tokens, seconds = (sum(call[name] for call in decoding) for name in ("output_tokens", "eval_s"))
        out["model_tokens_per_s"] = tokens / seconds
    first = [call["ttft_s"] for call in calls if call.get("ttft_s") is not None]
    if first:
        out["model_ttft_s"] = float(first[-1])
    return out


def of_report(published: dict[str, Any], facts: Sequence[Fact]) -> dict[str, Any]:
    """Where the report lies, how many numbers it prints, which regressions stand, seconds by stage."""
    regressions = [fact for fact in facts if fact.kind == "change" and fact.verdict == "regression"]
    worst = sorted(regressions, key=lambda fact: (-abs(math.log(fact.effect)) if fact.effect else 0.0, fact.id))
    named = "\n".join(sorted(f"{fact.metric}/{fact.entity}/{fact.condition}" for fact in regressions))
    return {
        "regressions": len(regressions),
        "top_regression": worst[0].text if worst else "none",
        "regression_set": hashlib.sha256(named.encode()).hexdigest()[:12],
        "report": dg.MetadataValue.path(published["html"]),
        "markdown": dg.MetadataValue.path(published["md"]),
        "numbers_with_source": published["numbers"],
        "summary": dg.MetadataValue.md(_opening(Path(published["md"]))),
        **{f"seconds_{stage}": seconds for stage, seconds in published["durations_s"].items()},
    }


def of_copy(done: Mapping[str, Any]) -> dict[str, Any]:
    """Where the copy in object storage is, and what it took to bring it there."""
    counts = ("objects", "uploaded", "uploaded_bytes", "copied", "pruned")
    return {
        "dagster/uri": dg.MetadataValue.text(f"{done['uri']}/{copy.POINTER}"),
        "generation": done["generation"],
        **{name: done[name] for name in counts},
        **({"left_undone": done["left_undone"]} if done["left_undone"] else {}),
    }


def _opening(report: Path) -> str:
    """The report up to its first chapter: title and executive summary."""
    if not report.is_file():
        return "Refused by the audit and never published; the check says why."
    return report.read_text(encoding="utf-8").partition("\n## 1.")[0]
