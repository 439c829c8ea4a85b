"""What the two agents are told of a period: its files and its gaps, and the folders of the whole store."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from chimera_pipeline import settings
from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.orchestration import agents
from chimera_pipeline.orchestration.lake import Lake

JUNE, JULY = pd.Timestamp("2025-06-03T10:00:00Z"), pd.Timestamp("2025-07-04T10:00:00Z")


def _gap(path: str, kind: str) -> dict:
    return {
        "kind": kind, "table": "requests", "field": "ttft_s", "subject": path, "severity": "warning", "count": 1,
        "artifacts": f'["{path}"]', "consequence": "no TTFT", "remedy": "record it",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("period", "files", "latest", "kinds"),
    [
        ("2025-06", 1, JUNE, {"missing_field": 1}),
        ("2025-07", 1, JULY, {"few_samples": 1}),
        ("all", 2, JULY, {"missing_field": 1, "few_samples": 1}),
    ],
)
def test_a_period_tells_of_its_own_files_and_gaps(
    period: str, files: int, latest: pd.Timestamp, kinds: dict[str, int], tmp_path: Path
) -> None:
    lake = Lake(tmp_path)
    paths = ("june/a.csv", "july/b.csv")
    dated = {"artifact_path": paths, "measured_at": [JUNE, JULY], "period": ["2025-06", "2025-07"]}
    lake.write_frame("measurements", pd.DataFrame(dated))
    artifacts = tables.frame(
        "artifacts",
        [
            {
                "path": path,
                "format": "csv",
                "status": "ok",
                "modified_at": at,
                "size_bytes": 1,
                "rows_ok": 1,
                "rows_failed": 0,
            }
            for path, at in zip(paths, (JUNE, JULY), strict=True)
        ],
    )
    gaps = tables.frame("telemetry_gaps", [_gap(paths[0], "missing_field"), _gap(paths[1], "few_samples")])
    concerned, found = agents.concerned(lake, artifacts, gaps, period)
    facts = list(facts_room.coverage.inventory_facts(concerned, found, period=period))
    chosen = settings.load(artifacts=str(tmp_path), out=tmp_path, llm="none", expected_dirs=("june", "may"))
    told = agents.brief(chosen, lake, facts, artifacts, gaps, period=period)
    assert told["by_type"] == {"csv": {"files": files, "latest": latest.isoformat()}}
    assert told["gaps_by_kind"] == kinds
    texts = [one.text for one in agents.collected_statements(facts, artifacts, concerned, ("june", "may"))]
    assert f"{files} csv file{'s' * (files > 1)}, last modified {latest:%Y-%m-%d %H:%M:%S} UTC." in texts
    assert "The expected folder june/ holds benchmark files." in texts, "coverage is that of the whole store"
    assert "The expected folder may/ holds no benchmark file." in texts
