"""Facts, points and a view made by hand: small enough that every drawn place can be checked."""

from __future__ import annotations

from typing import Any

import pandas as pd

from chimera_pipeline.contracts import tables
from chimera_pipeline.records import Fact
from chimera_pipeline.report import view

HOSTILE = "<script>alert(1)</script>](javascript:alert(1))`|\"'&\u202egnp.exe"


def fact(**changed: Any) -> Fact:
    """A mean decode throughput of five requests of one series."""
    values: dict[str, Any] = {
        "id": "f_000000000001", "kind": "level", "metric": "decode_tokens_per_s", "statistic": "mean",
        "entity": "tiny:1b", "condition": "prompt suite", "value": 50.0, "unit": "tokens/s", "n": 5, "period": "all",
        "grade": "from_samples", "text": "mean decode throughput of tiny:1b (prompt suite): 50 tokens/s, n=5",
        "series_ids": ("s_1",), "sources": ("a/run.csv#row 1-5@aaaaaaaaaaaa",), "sd": 1.5, "ddof": 1,
        "ci_low": 48.0, "ci_high": 52.0, "ci_method": "t", "ci_scope": "within_run",
    }  # fmt: skip
    return Fact(**values | changed)


def bare(**changed: Any) -> Fact:
    """A fact without spread and interval."""
    return fact(
        **{"sd": None, "ddof": None, "ci_low": None, "ci_high": None, "ci_method": None, "ci_scope": None} | changed
    )


def series(*rows: dict[str, Any]) -> pd.DataFrame:
    """Table `series`, with what these tests leave out."""
    plain = {
        "series_id": "s_1", "family": "requests", "definition": "d", "entity": "tiny:1b", "condition": "prompt suite",
        "suite": "prompt_suite", "tool": "ollama-script", "config": "{}", "aliases": "[]", "model": "tiny:1b",
    }  # fmt: skip
    return tables.frame("series", [plain | row for row in rows] or [plain])


def built(facts: list[Fact], **changed: Any) -> dict[str, Any]:
    """The view of a report over these facts."""
    artifact = {
        "path": "a/run.csv", "size_bytes": 10, "modified_at": pd.Timestamp("2025-01-02", tz="UTC"), "sha256": "a" * 64,
        "format": "csv", "tool": "ollama-script", "status": "ok", "rows_ok": 5, "rows_failed": 0,
        "first_measured_at": pd.Timestamp("2025-01-01", tz="UTC"), "time_source": "content",
        "last_measured_at": pd.Timestamp("2025-01-01", tz="UTC"),
    }  # fmt: skip
    values: dict[str, Any] = {
        "period": "all", "facts": facts, "statements": [],
        "analysis": {
            "findings": [], "recommendations": [],
            "narrative": {"reason": "By rule.", "why": "none", "mode": "deterministic"},
        },
        "brief": {"statement_ids": []}, "artifacts": tables.frame("artifacts", [artifact]),
        "gaps": tables.frame("telemetry_gaps"), "quarantine": tables.frame("quarantine"), "series": series(),
        "run": {"run_id": "r", "generated_at": "2025-01-03", "durations_s": {}, "llm": None, "gaps": []},
        "reproducibility": {},
    }  # fmt: skip
    return view.build(view.Inputs(**values | changed))
