"""Agent comparison runs: [{run_number, baseline_results{metrics{aggregate_metrics}, start_time, ...},
chimera_results{...}}].

Each agent of a run made a few requests and the file keeps their aggregate: one load-test point an agent.
The report text and the findings inside are fiction; only counts and timings of `aggregate_metrics` are
read. `performance_delta` repeats them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, extra, pointer
from chimera_pipeline.readers.loadtest import checked, dated, distribution, fail, is_failed, mapping, whole
from chimera_pipeline.readers.names import model_name
from chimera_pipeline.readers.reader import ANY, Reader, Signs
from chimera_pipeline.records import Reading, Row


def _agents(value: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(JSON pointer, agent, its result) of every agent of every run."""
    runs = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
    for index, run in enumerate(runs):
        base = pointer(index) if isinstance(value, list) else ""
        for key, result in mapping(run).items():
            metrics = mapping(mapping(result).get("metrics"))
            if str(key).endswith("_results") and isinstance(metrics.get("aggregate_metrics"), dict):
                yield base + pointer(key), str(key).removesuffix("_results"), result


def matches(document: Document) -> bool:
    """Runs whose agents carry aggregate metrics of their requests."""
    return any(
        "total_requests" in result["metrics"]["aggregate_metrics"] for _, _, result in _agents(document.try_json())
    )


def read(document: Document) -> Reading:
    """One row of `serving_runs` an agent; a run of the file, with all its agents, counts as its agents do."""
    reading = Reading(kind="agent_runs", tool="agent-runs")
    for locator, agent, result in _agents(document.json):
        try:
            reading.add("serving_runs", _row(reading, locator, agent, result))
        except ArtifactError as refused:
            reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
    return reading


def _row(reading: Reading, base: str, agent: str, result: dict[str, Any]) -> Row:
    metrics = result["metrics"]
    found = metrics["aggregate_metrics"]
    locator = base + "/metrics/aggregate_metrics"
    row: Row = {
        "locator": locator,
        "suite": "agent_run",
        "model": model_name(metrics.get("model")),
        "config": config({**mapping(metrics.get("configuration")), "agent_type": metrics.get("agent_type") or agent}),
        "status": "ok",
        "requests_ok": whole(reading, found.get("total_requests"), locator=locator, field="total_requests"),
    }
    dated(reading, row, result.get("start_time"), locator=locator)
    if is_failed(row) or found.get("average_tokens_per_second") == 0:
        row["requests_ok"] = 0
        return fail(row)
    row["duration_s"] = checked(reading, result.get("execution_time"), "s", locator=locator, field="execution_time")
    n = row["requests_ok"]
    stats = {"mean": found.get("average_ttft_ms"), "p95": found.get("p95_ttft_ms")}
    distribution(reading, row, "ttft", {k: v for k, v in stats.items() if v is not None}, "ms", n=n, locator=locator)
    for source, metric, statistic, unit in (
        ("average_tokens_per_second", "decode_tokens_per_s", "mean", None),
        ("p95_tokens_per_second", "decode_tokens_per_s", "p95", None),
        ("total_duration_ms", "serving_e2e_s", "sum", "ms"),
        ("total_tokens_generated", "serving_output_tokens", "sum", None),
    ):
        where = f"{locator}/{source}"
        value = checked(reading, found.get(source), unit, locator=where, field=source)
        extra(reading, row, metric, statistic, value, n=n, locator=where)
    return row


READER = Reader("agent-runs", 1, matches, read, signs=Signs(keys=(ANY,)))
