"""The Markdown rendering, for GitHub: no raw HTML, text of artifacts escaped, each number with its label."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from chimera_pipeline import redact
from chimera_pipeline.report import model_metrics

_SPECIAL = re.compile(r"([\\`*\[\]<>|~])")
_FIGURES = re.compile(r"(?<![\w.`-])\d+(?: of \d+)?(?![\w.-])")
_EDGE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def render(view: Mapping[str, Any]) -> str:
    """The report as Markdown, ending in one newline."""
    text = _environment().get_template("report.md.j2").render(view=view)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def escape(value: Any) -> str:
    """Text that Markdown shows as it is, on one line."""
    text = redact.printable(str(value))
    text = _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;"))
    return _EDGE.sub(r"\\_", text)


def sentence(parts: Sequence[Mapping[str, Any]]) -> str:
    """A sentence with its labels: `102.2 tokens/s (n=5) [F1]`."""
    return "".join(escape(part["text"]) + (f" [{part['label']}]" if part.get("label") else "") for part in parts)


def block(text: str) -> str:
    """Text of several lines as a code block; its fence is longer than any run of backticks inside."""
    lines = [redact.printable(line) for line in text.split("\n")]
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *lines, fence])


def figures_as_code(text: str) -> str:
    """A sentence about the run itself: its figures are set as code, since they are no facts of artifacts."""
    return _FIGURES.sub(r"`\g<0>`", escape(text))


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("chimera_pipeline.report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["md"] = escape
    environment.filters["block"] = block
    environment.filters["sentence"] = sentence
    environment.filters["about_run"] = figures_as_code
    environment.filters["run_metrics"] = model_metrics.rows
    environment.filters["model_calls"] = model_metrics.calls
    environment.globals["call_heads"] = model_metrics.CALL_HEADS
    return environment
