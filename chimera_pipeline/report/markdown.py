"""The Markdown rendering, for GitHub: no raw HTML, text of artifacts escaped, each number with its label.

Every number that the report prints is marked while the template runs and counted by line afterwards, so that the gate
can tell whether the auditor saw all of them. Text that is quoted (details of readers, thresholds) is set as code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from chimera_pipeline import redact
from chimera_pipeline.report import model_metrics

_SPECIAL = re.compile(r"([\\`*\[\]<>|~])")
_RISKY = re.compile(r"[\\`*\[\]<>|~&_]")
_FIGURES = re.compile(r"(?<![\w.`=-])(?:\w+=)?\d+(?:\.\d+)?(?: of \d+)?(?! of \d|[\w-]|\.\d)")
_EDGE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_NUMBER = re.compile(
    r"(?:(?<=\bn=)|(?<![\w.=:/#@-]))[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"
    r"(?![\w]|[-:/]\d|\.\d)(?!\s?%\s(?:confidence )?interval)"
)
_COUNT = re.compile(r"(?<=\bn=)\d[\d,]*\b")
_MARK = "\ue001"
"""Stands behind each printed number until the lines are counted; a private character that text cannot bring along."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The report as Markdown, and how many numbers it prints in each line (from 1)."""

    text: str
    numbers: Mapping[int, int]


def render(view: Mapping[str, Any]) -> Rendered:
    """The report as Markdown, ending in one newline."""
    text = _environment(view).get_template("report.md.j2").render(view=view)
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    counts = Counter({line: row.count(_MARK) for line, row in enumerate(text.split("\n"), start=1) if _MARK in row})
    return Rendered(text.replace(_MARK, ""), counts)


def told(view: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> str:
    """A sentence of `view` as `render` prints it."""
    return _sentences(view)(parts).replace(_MARK, "")


def escape(value: Any) -> str:
    """Text that Markdown shows as it is, on one line."""
    text = redact.printable(str(value)).replace(_MARK, "")
    if _RISKY.search(text) is None:
        return text
    text = _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;"))
    return _EDGE.sub(r"\\_", text)


def code(value: Any) -> str:
    """Text that is quoted, not asserted, as inline code; nothing for blank text."""
    text = redact.printable(str(value)).replace(_MARK, "").replace("`", "'").replace("|", "\\|").strip()
    return f"`{text}`" if text else ""


def numbers(value: Any) -> str:
    """A cell that is a number, or an interval of two."""
    return _escaped(_marked(str(value)))


def _sentences(view: Mapping[str, Any]) -> Callable[[Sequence[Mapping[str, Any]]], str]:
    """The filter that prints a sentence with its labels: `102.2 tokens/s (n=5) [F1]`."""
    names = {
        entry["label"]: [entry["columns"][name] for name in ("entity", "condition", "baseline")]
        for entry in view["appendix"]
    }

    def sentence(parts: Sequence[Mapping[str, Any]]) -> str:
        return "".join(
            f"{_escaped(_marked(part['text'], names[part['label']]))} [{part['label']}]"
            if part.get("label")
            else _escaped(_COUNT.sub(rf"\g<0>{_MARK}", part["text"]))
            for part in parts
        )

    return sentence


def block(text: str) -> str:
    """Text of several lines as a code block; its fence is longer than any run of backticks inside."""
    lines = [redact.printable(line) for line in text.split("\n")]
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *lines, fence])


def figures_as_code(text: str) -> str:
    """A sentence about the run or the method: its figures are set as code, since they are no facts of artifacts."""
    return _FIGURES.sub(r"`\g<0>`", escape(text))


def _escaped(text: str) -> str:
    return _MARK.join(escape(piece) for piece in text.split(_MARK))


def _marked(text: str, names: Sequence[str] = ()) -> str:
    """`text` with a mark behind each number; digits of names, of a word (p99) or of an option are none."""
    hidden = [match.span() for name in names if name for match in re.finditer(re.escape(name), text)]
    for match in reversed(list(_NUMBER.finditer(text))):
        if not any(start <= match.start() < end for start, end in hidden):
            text = text[: match.end()] + _MARK + text[match.end() :]
    return text


def _environment(view: Mapping[str, Any]) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("chimera_pipeline.report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["md"] = escape
    environment.filters["code"] = code
    environment.filters["numbers"] = numbers
    environment.filters["sentence"] = _sentences(view)
    environment.filters["block"] = block
    environment.filters["about_run"] = figures_as_code
    environment.filters["run_metrics"] = model_metrics.rows
    environment.filters["model_calls"] = model_metrics.calls
    environment.globals["call_heads"] = model_metrics.CALL_HEADS
    environment.globals["audited_metrics"] = model_metrics.FIGURES
    return environment
