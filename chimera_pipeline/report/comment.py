"""The pull-request comment: the founders' screen as short Markdown, the numbers with the labels of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chimera_pipeline.report.markdown import escape


def render(view: Mapping[str, Any]) -> str:
    """The comment as Markdown, ending in one newline."""
    return "\n".join(_lines(view)) + "\n"


def _lines(view: Mapping[str, Any]) -> Iterator[str]:
    overview = view["overview"]
    yield f"## {escape(view['title']['text'])}: {escape(view['title']['period'])}"
    yield ""
    yield f"**{escape(view['summary']['verdict'])}**"
    if overview["changes"]:
        yield ""
    for change in overview["changes"]:
        yield f"- **{escape(change['verdict'])}**: {escape(change['text'])} [{change['label']}]"
    if overview["more_changes"]:
        yield "- more in the report, under comparisons and regressions"
    yield from _numbers(overview["key_numbers"])
    yield ""
    yield (
        "Data: "
        + ", ".join(f"{one['count']} {escape(one['what'])} [{one['label']}]" for one in overview["health"])
        + "."
    )
    if overview["actions"]:
        yield ""
        yield "What to do next:"
        yield ""
    for i, entry in enumerate(overview["actions"], start=1):
        yield f"{i}. {escape(entry['text'])} ({escape(entry['because'])})"
    yield ""
    yield "Labels lead to the appendix of `report.md`; `report.html` shows everything with charts."


def _numbers(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield "| Series | Condition | Metric | Value | n | 95 % interval | Source |"
    yield "| --- | --- | --- | ---: | ---: | --- | --- |"
    for row in rows:
        interval = f"{row['low']} to {row['high']}" if row["low"] else ""
        unit = f" {row['unit']}" if row["unit"] else ""
        yield (
            f"| {escape(row['entity'])} | {escape(row['condition'])} | {row['statistic']} {escape(row['metric'])} "
            f"| {row['value']}{escape(unit)} | {row['n']} | {interval} | [{row['label']}] |"
        )
