"""Multi-agent summaries (csv): scenario, options of agents a and b, speedup, efficiency in percent,
throughput_delta and ttft_delta_ms of each run.

They are derived from runs that the file names but does not hold: summaries, kept as reported where no
rows explain them.
"""

from __future__ import annotations

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, number
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, SummaryRow

_STATISTICS = {
    "speedup": ("agent_speedup:mean", None),
    "efficiency": ("agent_efficiency:mean", "percent"),
    "throughput_delta": ("agent_throughput_delta:mean", None),
    "ttft_delta_ms": ("agent_ttft_delta_s:mean", "ms"),
}
_OPTIONS = tuple(f"agent_{agent}_{name}" for agent in "ab" for name in ("num_gpu", "num_ctx", "temperature"))


def matches(document: Document) -> bool:
    """A csv with scenario, speedup, efficiency and the options of two agents."""
    table = document.try_csv()
    return table is not None and {"scenario", "speedup", "efficiency", "agent_a_num_gpu"} <= set(table.header)


def read(document: Document) -> Reading:
    """One summary a csv row."""
    reading = Reading(kind="agent_speedups", tool="agent-runs")
    for locator, cells in document.csv.records():
        stats = {}
        try:
            for source, (target, unit) in _STATISTICS.items():
                value = number(cells.get(source), None if unit == "percent" else unit, locator=locator, field=source)
                if value is not None:
                    stats[target] = (value / 100 if unit == "percent" else value, 0.0)
        except ArtifactError as refused:
            reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)
            continue
        options = config({key: cells.get(key) or None for key in _OPTIONS})
        where = {f"config.{key}": value for key, value in options.items()}
        where |= {"suite": "multi_agent", "workload": redact.name(cells["scenario"])}
        reading.summaries.append(SummaryRow("serving_runs", where, stats, locator))
        reading.records_ok += 1
    return reading


READER = Reader("agent-speedups", 1, matches, read, signs=Signs(columns=("agent_a_num_gpu",)))
