"""The two agents as the assets call them: the collector's brief and the analyst's choice, as JSON values."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from chimera_pipeline.analysis import narrative, statements
from chimera_pipeline.contracts import tables
from chimera_pipeline.records import Fact, Gap
from chimera_pipeline.settings import Settings


def brief(
    settings: Settings, facts: Sequence[Fact], artifacts: pd.DataFrame, gaps: pd.DataFrame, *, period: str
) -> dict[str, Any]:
    """Directory coverage, counts by type with the latest modification, and gaps."""
    folders = sorted({path.split("/")[0] + "/" for path in artifacts["path"] if "/" in path})
    by_type = {
        str(name): {"files": len(part), "latest": part["modified_at"].max().isoformat()}
        for name, part in artifacts.groupby("format", sort=True)
    }
    return {
        "period": period,
        "folders": folders,
        "expected_dirs": list(settings.expected_dirs),
        "by_type": by_type,
        "gaps": {str(kind): int(size) for kind, size in gaps.groupby("kind").size().items()},
        "calls": [],
    }


def analyse(
    settings: Settings, facts: Sequence[Fact], gaps: pd.DataFrame, collected: dict[str, Any], *, period: str
) -> dict[str, Any]:
    """Findings, recommendations and claims of one period."""
    proved = statements.build(facts)
    value = narrative.deterministic(proved, gaps_of(gaps), why=f"the setting llm is {settings.llm}")
    by_id = {statement.id: statement for statement in proved}
    value["claims"] = [
        {
            "period": period,
            "text": by_id[choice["statement_id"]].text,
            "statement_ids": json.dumps([choice["statement_id"]]),
            "fact_ids": json.dumps(by_id[choice["statement_id"]].fact_ids),
            "status": "supported",
        }
        for choice in value["findings"]
    ]
    return value


def gaps_of(frame: pd.DataFrame) -> list[Gap]:
    """Gaps from table `telemetry_gaps`."""
    return [Gap(**row | {"artifacts": tuple(json.loads(row["artifacts"]))}) for row in tables.records(frame)]
