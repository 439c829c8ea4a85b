"""Parts of the view that come from tables of the store instead of facts: gaps, quarantine, files, environment.

In: frames as tables `telemetry_gaps`, `quarantine`, `artifacts` and `series`. Out: plain data, long lists bounded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.records import Fact
from chimera_pipeline.report import bounds

_FILE = ["path", "format", "status", "reason", "detail", "rows_ok", "rows_failed", "tool", "sha256"]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON values."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    for row in rows:
        if isinstance(row.get("artifacts"), str):
            row["artifacts"] = json.loads(row["artifacts"])
    return rows


def gaps(frame: pd.DataFrame, facts: Iterable[Fact], label: Callable[[str], str]) -> dict[str, Any]:
    """The gaps; where there are very many, their number of each kind and the ones that concern most places."""
    kept = bounds.portion(frame["kind"].tolist(), bounds.GAPS, (-frame["count"]).tolist())
    rows = records(frame.iloc[kept])
    for row in rows:
        row["artifacts"] = row["artifacts"][: bounds.SOURCES_OF_ONE]
    counted = [
        {"kind": fact.condition, "count": wording.number(fact.value), "label": label(fact.id)}
        for fact in facts
        if fact.kind == "gap" and fact.metric == "telemetry_gaps" and len(kept) < len(frame)
    ]
    rule = "of each kind the same number at most, first those in most places"
    note = bounds.note(len(kept), len(frame), rule, "All of them stand in table `telemetry_gaps`")
    return {"gaps": rows, "gap_counts": counted, "gaps_note": note}


def quarantine(frame: pd.DataFrame) -> dict[str, Any]:
    """What was refused; of each reason the first places where there are very many."""
    kept = bounds.portion(frame["reason"].tolist(), bounds.REFUSED)
    rule = "of each reason the same number at most"
    note = bounds.note(len(kept), len(frame), rule, "`chimera quarantine` lists all of them")
    return {"quarantine": records(frame.iloc[kept]), "quarantine_note": note}


def workflow(artifacts: pd.DataFrame) -> dict[str, Any]:
    """Files analysed by type with the latest modification, and the files with what became of them."""
    by_type = []
    for name, part in artifacts.groupby("format", sort=True):
        latest = part["modified_at"].max()
        by_type.append({"format": name, "files": len(part), "latest": None if pd.isna(latest) else latest.isoformat()})
    kept = bounds.portion(artifacts["status"].tolist(), bounds.FILES)
    rule = "of each status the same number at most, by path"
    where = "All of them stand in table `artifacts`; `chimera explain` takes each path"
    return {
        "by_type": by_type,
        "files": records(artifacts[_FILE].iloc[kept]),
        "files_note": bounds.note(len(kept), len(artifacts), rule, where),
    }


def environment(series: pd.DataFrame) -> list[dict[str, str]]:
    """What the files state of hardware, software and models."""
    rows = []
    for name in ("hardware", "engine", "tool", "model", "quantization"):
        found = sorted({str(value) for value in series[name].dropna()})
        rows.append({"name": name, "value": bounds.names(found) if found else "unknown: no file states it"})
    return rows
