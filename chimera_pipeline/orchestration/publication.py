"""Publishing a report: one view, its renderings, the gate, and the files of the period, all of one run at any time.

A report that the auditor does not pass is kept as `report.md.rejected` beside the previous one, which stays.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chimera_pipeline import periods
from chimera_pipeline.analysis import statements
from chimera_pipeline.atomic import Data
from chimera_pipeline.audit import GateResult, facts_from_records, facts_of_store, gate
from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.orchestration import staleness
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
                *collected_statements(
                    material.facts, material.artifacts, material.files, material.brief["expected_dirs"]
                ),
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
    shown = {row["path"] for row in view["workflow"]["files"]}
    result = gate(
        rendered.text,
        facts_from_records(material.facts),
        rendered.numbers,
        aliases(material.series),
        store=facts_of_store(material.artifacts[material.artifacts["path"].isin(shown)], material.gaps, view["run"]),
    )
    return rendered.text, result


@dataclass(frozen=True, slots=True)
class Made:
    """A report that has been written and judged, and not been published."""

    material: Material
    view: dict[str, Any]
    text: str
    result: GateResult
    withheld: list[str]
    """Sentences that the gate did not pass and that were taken out."""

    @property
    def audit(self) -> dict[str, Any]:
        """What the gate counted."""
        return _counts(self.result)


def made(material: Material) -> Made:
    """The report of the material; sentences that the gate does not pass are taken out where that is enough."""
    view = view_of(material)
    text, result = judged(material, view)
    withheld: list[str] = []
    if not result.passed:
        less, withheld = without_offences(material, view, text, result)
        if withheld:
            view = view_of(less)
            text, result = judged(less, view)
    return Made(material, view, text, result, withheld)


def publish(lake: Lake, report: Made) -> dict[str, Any]:
    """Publish every file of the period together, or the rejected Markdown alone.

    Returns where they are and what the gate says (`refused`: the reason, or None).
    """
    material, view, result = report.material, report.view, report.result
    period = material.period
    folder = lake.report_folder(period)
    page_of_checks: dict[str, Data] = {"checks.html": checks_page.render(_checks(lake, period), period).encode()}
    if result.passed:
        if report.withheld and lake.table_path("claims", period).is_file():
            lake.write_frame("claims", marked(lake.read_frame("claims", period), report.withheld), period)
        files: dict[str, Data] = {
            "facts.json": facts_room.to_json(material.facts),
            "report.json": to_json(view),
            "report.html": page.render(view).encode(),
            "founders.html": page.render_founders(view).encode(),
            "pr-comment.md": comment.render(view).encode(),
            "report.md": report.text.encode(),
        }
        lake.write_report(period, files | page_of_checks, without=(REJECTED, staleness.MARK))
    else:
        lake.write_report(period, {REJECTED: report.text.encode()} | page_of_checks)
    return {
        "period": period,
        "md": str(folder / "report.md"),
        "html": str(folder / "report.html"),
        "json": str(folder / "report.json"),
        "numbers": len(view["appendix"]),
        "withheld": report.withheld,
        "refused": refusal(lake, period, result),
        "audit": report.audit,
        "durations_s": dict(material.run["durations_s"]),
    }


def _checks(lake: Lake, period: str) -> list[dict[str, Any]]:
    """Every check that concerns the period, those of the whole store included."""
    frame = lake.read_table("checks")
    return tables.records(frame[frame["period"].isin([period, periods.ALL])])


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


def write_history(lake: Lake) -> dict[str, Any]:
    """Write reports/index.html, index.md and history.json over every published period; returns the list."""
    with lake.index_lock():
        published = [_published(lake, period) for period in lake.reports()]
        view = history.build(published)
        lake.write_index(
            {
                "history.json": to_json(view),
                "index.html": history.to_html(view).encode(),
                "index.md": history.to_markdown(view).encode(),
            }
        )
    return {"reports": [{"period": one.period, "md": f"{one.period}/report.md"} for one in published]}


def _published(lake: Lake, period: str) -> history.Published:
    """What the index needs of a period: over everything there is nothing to compare, and no fact is read."""
    count, view = lake.rows("facts", period), lake.read_report(period)
    if period == periods.ALL:
        return history.Published(period, (), view, count)
    facts = facts_room.Facts.read(lake.table_path("facts", period))
    return history.Published(period, [fact for fact in facts if history.compared(fact)], view, count)
