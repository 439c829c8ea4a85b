"""The page of checks: table `checks` of a period as one offline HTML file, failed checks first.

Great Expectations renders pages of its own, but they load styles and scripts from other hosts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chimera_pipeline.report import page


def render(rows: Iterable[Mapping[str, Any]], period: str) -> str:
    """The page; `rows` are those of table `checks`."""
    ordered = sorted(rows, key=lambda row: (row["passed"], row["suite"], row["table"], row["expectation"]))
    shown = [
        {**row, "observed": _told(row["observed"]), "expected": _told(row["expected"]), "failed": not row["passed"]}
        for row in ordered
    ]
    failed = sum(row["failed"] for row in shown)
    return page.render_template("checks.html.j2", rows=shown, period=period, failed=failed)


def _told(text: str | None) -> str:
    """A JSON object as "name: value" pairs; anything else as it is."""
    try:
        value = json.loads(text or "")
    except ValueError:
        return text or ""
    if not isinstance(value, dict):
        return str(value)
    return "; ".join(f"{name.replace('_', ' ')}: {_brief(item)}" for name, item in value.items())


def _brief(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "[" + ", ".join(_brief(item) for item in value) + "]"
    return json.dumps(value) if isinstance(value, dict) else str(value)
