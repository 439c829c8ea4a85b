"""The first agent's material: what is there, folder by folder and type by type, and what is missing.

In: facts about the store, the artifacts' paths, formats and times, and the folders that must hold files. Out:
proved statements for the agent to choose among, and those that it hands to the second agent.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chimera_pipeline.analysis.model import Analysis
from chimera_pipeline.records import BENCHMARK_FORMATS, Fact, Slot, Statement

HANDED_OVER = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """One artifact as the collector sees it: relative path, format, time of the last modification."""

    path: str
    format: str
    modified_at: dt.datetime | None = None


def coverage(artifacts: Iterable[Seen], expected_dirs: Sequence[str]) -> dict[str, int]:
    """Benchmark files under each expected folder, subfolders included; 0 where there are none."""
    paths = [item.path for item in artifacts if item.format in BENCHMARK_FORMATS]
    folders = [folder.strip("/") for folder in expected_dirs]
    return {folder: sum(path.startswith(f"{folder}/") for path in paths) for folder in folders}


def statements(
    facts: Sequence[Fact], files: Sequence[Seen], store: Sequence[Seen], expected_dirs: Sequence[str]
) -> list[Statement]:
    """Statements about coverage by the whole store; of the period's `files` counts by type with the latest
    modification; and gaps."""
    counts = {fact.condition: fact for fact in facts if fact.kind == "inventory" and fact.metric == "files"}
    out: list[Statement] = []
    if "" in counts:
        out.append(_of("quality", ["The store holds ", Slot(counts[""].id, counts[""].text), "."], 5.0))
    for name in sorted({item.format for item in files}):
        fact = counts.get(f"{name} files")
        if fact is not None:
            latest = max((i.modified_at for i in files if i.format == name and i.modified_at), default=None)
            when = f", last modified {latest.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC" if latest else ""
            shown = f"{fact.value:.0f} {name} file{'' if fact.value == 1 else 's'}"
            out.append(_of("inventory", [Slot(fact.id, shown), f"{when}."], 4.0 + min(fact.value, 99) / 100))
    for folder, count in coverage(store, expected_dirs).items():
        if count:
            out.append(_of("inventory", [f"The expected folder {folder}/ holds benchmark files."], 3.0))
        else:
            text = f"The expected folder {folder}/ holds no benchmark file."
            out.append(_of("gap", [text], 6.0, always=True))
    for fact in facts:
        if fact.kind == "gap" and fact.metric == "telemetry_gaps":
            noun = "gap" if fact.value == 1 else "gaps"
            parts: list[str | Slot] = [
                Slot(fact.id, f"{fact.value:.0f}"),
                f" telemetry {noun} of kind “{fact.condition}”.",
            ]
            out.append(_of("gap", parts, 2.0 + min(fact.value, 99) / 100))
    return out


def handed_over(analysis: Analysis, offered: Sequence[Statement]) -> list[Statement]:
    """What the second agent receives: the statements that the first one told, at most eight."""
    by_id = {item.id: item for item in offered}
    return [by_id[chosen.statement_id] for chosen in analysis.chosen[:HANDED_OVER]]


def _of(kind: str, parts: Sequence[str | Slot], weight: float, *, always: bool = False) -> Statement:
    fact_ids = tuple(part.fact_id for part in parts if isinstance(part, Slot))
    text = "".join(part if isinstance(part, str) else part.text for part in parts)
    digest = hashlib.sha256(f"collector|{text}|{fact_ids}".encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return Statement(f"sc_{digest}", kind, tuple(parts), fact_ids, round(weight, 6), always)
