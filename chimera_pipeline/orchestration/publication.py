"""Publishing a report: one view, its renderings, the gate, and the files of the period, each whole or not at all.

A report that the auditor does not pass is kept as `report.md.rejected` beside the previous one, which stays.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from chimera_pipeline import atomic, periods
from chimera_pipeline.analysis import statements
from chimera_pipeline.audit import GateResult, facts_from_frame, facts_of_store, gate
from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.orchestration.agents import collected_statements
from chimera_pipeline.orchestration.compare import aliases
from chimera_pipeline.orchestration.lake import Lake, to_json
from chimera_pipeline.orchestration.material import Material
from chimera_pipeline.orchestration.withholding import marked, without_offences
from chimera_pipeline.report import checks_page, comment, history, markdown, page
from chimera_pipeline.report import view as report_view

REJECTED = "report.md.rejected"


def view_of(material: Material) -> dict[str, Any]:
    """The view model of the report."""
    return report_view.build(
        report_view.Inputs(
            period=material.period,
            facts=material.facts,
            statements=[
                *statements.build(material.facts),
                *collected_statements(material.facts, material.artifacts, material.brief["expected_dirs"]),
            ],
            analysis=material.analysis,
            brief=material.brief,
            artifacts=material.files,
            gaps=material.gaps,
            quarantine=material.quarantine,
            series=material.series,
            run={
                **material.run,
                "llm": material.analysis.get("llm"),
                "gaps": material.analysis.get("gaps", []),
            },
            reproducibility=material.reproducibility,
            points=material.points,
        )
    )


def judged(material: Material, view: Mapping[str, Any]) -> tuple[str, GateResult]:
    """The Markdown of the whole report, and what the gate says of it."""
    rendered = markdown.render(view)
    result = gate(
        rendered.text,
        facts_from_frame(facts_room.to_frame(material.facts)),
        rendered.numbers,
        aliases(material.series),
        store=facts_of_store(material.artifacts, material.gaps, view["run"]),
    )
    return rendered.text, result


def publish(lake: Lake, material: Material) -> dict[str, Any]:
    """Write report.md, report.html, report.json and facts.json of the period, or the rejected Markdown alone.

    Returns where they are and what the gate says (`refused`: the reason, or None).
    """
    view = view_of(material)
    text, result = judged(material, view)
    withheld: list[str] = []
    if not result.passed:
        less, withheld = without_offences(material, view, text, result)
        if withheld:
            view = view_of(less)
            text, result = judged(less, view)
    folder = lake.report_folder(material.period)
    if result.passed:
        if withheld and lake.table_path("claims", material.period).is_file():
            lake.write_frame("claims", marked(lake.read_frame("claims", material.period), withheld), material.period)
        atomic.write_bytes(folder / "facts.json", facts_room.to_json(material.facts))
        atomic.write_bytes(folder / "report.json", to_json(view))
        atomic.write_text(folder / "report.html", page.render(view))
        atomic.write_text(folder / "founders.html", page.render_founders(view))
        atomic.write_text(folder / "pr-comment.md", comment.render(view))
        atomic.write_text(folder / "report.md", text)
        (folder / REJECTED).unlink(missing_ok=True)
    else:
        atomic.write_text(folder / REJECTED, text)
    return {
        "period": material.period,
        "md": str(folder / "report.md"),
        "html": str(folder / "report.html"),
        "json": str(folder / "report.json"),
        "numbers": len(view["appendix"]),
        "withheld": withheld,
        "refused": refusal(lake, material.period, result),
        "audit": _counts(result),
        "durations_s": dict(material.run["durations_s"]),
    }


def refusal(lake: Lake, period: str, result: GateResult) -> str | None:
    """What a user is told of a refused report: which, why, what is left and what to do."""
    if result.passed:
        return None
    folder = lake.report_folder(period)
    kept = "the previous report stays" if (folder / "report.md").is_file() else "there is no earlier report"
    return (
        f"the report of period {period} fails its own audit and is not published ({len(result.offences)} places): "
        f"{result.reason}. It is kept as {folder / REJECTED}; {kept}. The tables under {lake.out / 'tables'} "
        f"are complete (chimera facts --out {lake.out} lists them). This is a defect of chimera_pipeline: "
        "please report it with the lines above"
    )


def _counts(result: GateResult) -> dict[str, Any]:
    verdicts = Counter(str(claim.verdict) for claim in result.audit.claims)
    return {
        "claims": len(result.audit.claims),
        "numbers": result.audit.numbers,
        **{name: verdicts.get(name, 0) for name in ("supported", "unsupported", "contradicted")},
        "passed": result.passed,
        "first": list(result.offences[:20]),
    }


def publish_checks(lake: Lake, period: str) -> None:
    """Write checks.html: every check that concerns the period, those of the whole store included, failed ones first."""
    frame = lake.read_table("checks")
    rows = tables.records(frame[frame["period"].isin([period, periods.ALL])])
    atomic.write_text(lake.report_folder(period) / "checks.html", checks_page.render(rows, period))


def write_history(lake: Lake) -> dict[str, Any]:
    """Write reports/index.html, index.md and history.json over every published period; returns the list."""
    published = [
        history.Published(
            period, facts_room.from_frame(lake.read_frame("facts", period)), lake.read_report(period)
        )
        for period in lake.reports()
    ]  # fmt: skip
    view = history.build(published)
    folder = lake.out / "reports"
    atomic.write_bytes(folder / "history.json", to_json(view))
    atomic.write_text(folder / "index.html", history.to_html(view))
    atomic.write_text(folder / "index.md", history.to_markdown(view))
    return {"reports": [{"period": one.period, "md": f"{one.period}/report.md"} for one in published]}
