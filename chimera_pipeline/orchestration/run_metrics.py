"""Numbers about the run itself, under stable keys so that the Plots tab draws them over time."""

import re
from collections.abc import Sequence
from typing import Any

import dagster as dg

from chimera_pipeline.analysis import gpu
from chimera_pipeline.analysis.calls import unexplained_s
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


def stage_seconds(instance: dg.DagsterInstance) -> dict[str, float]:
    """Wall seconds of each stage before the report, from the latest run of each of its steps."""
    out: dict[str, float] = {}
    runs: dict[str, dict[str, float]] = {}
    for step, (stage, asset) in _STAGES.items():
        event = instance.get_latest_materialization_event(dg.AssetKey(asset))
        if event is None:
            continue
        if event.run_id not in runs:
            runs[event.run_id] = {
                found.step_key: found.end_time - found.start_time
                for found in instance.get_run_step_stats(event.run_id)
                if found.start_time is not None and found.end_time is not None
            }
        out[stage] = round(out.get(stage, 0.0) + runs[event.run_id].get(step, 0.0), 4)
    return out


def report_seconds(instance: dg.DagsterInstance) -> float:
    """Wall seconds of the latest run of the step that publishes the report."""
    event = instance.get_latest_materialization_event(dg.AssetKey("report"))
    if event is None:
        return 0.0
    for step in instance.get_run_step_stats(event.run_id):
        if step.step_key == "report" and step.start_time is not None and step.end_time is not None:
            return round(step.end_time - step.start_time, 4)
    return 0.0


def of_facts(facts: Sequence[Fact]) -> dict[str, Any]:
    """How many facts, and the headline levels by entity."""
    out: dict[str, Any] = {"facts": len(facts)}
    for fact in facts:
        if (fact.metric, fact.statistic) in _PLOTTED and len(out) < MAX_PLOTTED and len(fact.series_ids) == 1:
            out[_key(fact.metric, fact.entity, fact.condition)] = fact.value
    for fact in facts:
        if fact.metric == "files" and fact.condition == "status quarantined":
            out["quarantined_files"] = fact.value
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
    return out


def of_report(published: dict[str, Any]) -> dict[str, Any]:
    """Where the report lies and how many numbers it prints."""
    return {
        "report": dg.MetadataValue.path(published["html"]),
        "markdown": dg.MetadataValue.path(published["md"]),
        "numbers_with_source": published["numbers"],
        **{f"seconds_{stage}": seconds for stage, seconds in published["durations_s"].items()},
    }
