"""The HTML rendering: one offline file without script; every value escaped by the template engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jinja2

from chimera_pipeline import __version__, redact
from chimera_pipeline.report import model_metrics


def render(view: Mapping[str, Any]) -> str:
    """The report as one HTML document."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("chimera_pipeline.report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters["run_metrics"] = model_metrics.rows
    environment.filters["model_calls"] = model_metrics.calls
    environment.globals["call_heads"] = model_metrics.CALL_HEADS
    environment.filters["shown"] = lambda value: redact.printable(str(value))
    text = environment.get_template("report.html.j2").render(view=view, version=__version__)
    return re.sub(r"\n\s*\n+", "\n", text)
