"""Commands that answer from what was published: facts, compare, audit, quarantine, explain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from chimera_pipeline import settings, wording
from chimera_pipeline.cli.app import app
from chimera_pipeline.cli.options import AsJson, FailOnRegression, Out, Period, examples, flag, reports
from chimera_pipeline.cli.output import may_color, readable, say
from chimera_pipeline.errors import RegressionFound, UsageError


@app.command(
    epilog=examples(
        "chimera facts",
        "chimera facts --period 2025-10 --json",
        "chimera facts --metric ttft_s                     # every fact of one metric",
        "chimera facts --kind comparison --kind change",
    )
)
def facts(
    out: Out = None,
    period: Period = "all",
    metric: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only facts of this metric.")] = None,
    kind: Annotated[list[str] | None, typer.Option(metavar="KIND", help="Only facts of this kind.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the facts of a period."""
    path = readable(out, period) / "reports" / period / "facts.json"
    if not path.is_file():
        there = f"; reports are there of {', '.join(sorted(found))}" if (found := reports(path.parents[2])) else ""
        raise UsageError(f"{path} is not there; run: chimera run ARTIFACTS --period {period}{there}")
    text = path.read_text(encoding="utf-8")
    if as_json and not metric and not kind:
        print(text, end="")
        return
    document = json.loads(text)
    kept = document["facts"]
    for name, wanted in (("metric", metric), ("kind", kind)):
        if not wanted:
            continue
        known = {fact[name] for fact in document["facts"]}
        for unknown in (one for one in wanted if one not in known):
            near = wording.did_you_mean(unknown, known)
            raise UsageError(f"no fact of period {period} has {name} {unknown}{near}")
        kept = [fact for fact in kept if fact[name] in wanted]
    if as_json:
        print(json.dumps({**document, "facts": kept}, indent=2))
        return
    for fact in kept:
        say(f"{fact['id']}  {fact['text']}")


@app.command(
    epilog=examples(
        "chimera compare before/ after/",
        "chimera compare 2025-09 2025-10 --out reports",
        "chimera compare before/ after/ --markdown --fail-on-regression",
    )
)
def compare(
    base: Annotated[str, typer.Argument(metavar="BASE", help="Folder, file or period to compare with.")],
    head: Annotated[str, typer.Argument(metavar="HEAD", help="Folder, file or period that is compared.")],
    out: Out = None,
    as_json: AsJson = False,
    markdown: Annotated[bool, flag("--markdown", help="Print a pull-request summary.")] = False,
    fail_on_regression: FailOnRegression = False,
) -> None:
    """Compare two sets of results, series by series: like with like only."""
    from chimera_pipeline.facts import comparisons_summary, comparisons_text
    from chimera_pipeline.facts.comparisons import regression_stands
    from chimera_pipeline.orchestration.compare import compare as compare_sides

    found = compare_sides(settings.load(out=out), base, head)
    if as_json:
        print(json.dumps(comparisons_text.as_json(found), indent=2))
    elif markdown:
        print(comparisons_summary.as_markdown(found, base=base, head=head), end="")
    else:
        print("\n".join(comparisons_summary.as_lines(found)))
    if fail_on_regression and regression_stands(found):
        raise RegressionFound("a regression stands")


@app.command(
    epilog=examples(
        "chimera audit report.md                      # against chimera-out",
        "chimera audit report.md --facts facts.json   # facts of your own",
        "chimera audit report.md --github             # for a pull request",
    )
)
def audit(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="Report in Markdown or HTML.")],
    out: Out = None,
    period: Annotated[str | None, typer.Option(metavar="PERIOD", help="Period whose facts count.")] = None,
    facts_file: Annotated[
        Path | None, typer.Option("--facts", metavar="FILE", help="A facts file in place of a run.")
    ] = None,
    as_json: AsJson = False,
    github: Annotated[bool, flag("--github", help="Print annotations for GitHub.")] = False,
) -> None:
    """Hold each claim of a report against the facts: supported, contradicted or unsupported."""
    from chimera_pipeline.audit import output
    from chimera_pipeline.orchestration.auditing import audit_file

    folder = settings.load(out=out).out if facts_file else readable(out, period)
    result = audit_file(report, out=folder, facts=facts_file, period=period)
    if as_json:
        print(json.dumps(output.to_json(result), indent=2))
    elif github:
        print(output.to_github(result, str(report)))
    else:
        print(output.to_text(result, color=may_color()))
    if output.exit_code(result):
        raise typer.Exit(output.exit_code(result))


@app.command(epilog=examples("chimera quarantine", "chimera quarantine --out reports --json"))
def quarantine(out: Out = None, as_json: AsJson = False) -> None:
    """List what was refused, and why."""
    from chimera_pipeline.orchestration import answers

    rows = answers.quarantine(readable(out))
    if as_json:
        print(json.dumps({"schema_version": "1.0", "quarantine": rows}, indent=2))
        return
    for row in rows:
        place = f" {row['locator']}" if row["locator"] else ""
        say(f"{row['artifact_path']}{place}: {row['reason']}: {row['detail']}")
    if not rows:
        print("nothing is in quarantine")


@app.command(
    epilog=examples(
        "chimera explain results/run1.csv   # why the file was used, or not",
        "chimera explain f_1e5d0e522474     # where a fact comes from",
        "chimera explain 102.2              # which facts and rows have it",
    )
)
def explain(
    subject: Annotated[
        str, typer.Argument(metavar="PATH|FACT_ID|NUMBER", help="A file's path, a fact's id, or a number.")
    ],
    out: Out = None,
) -> None:
    """Tell the story of a file, a fact or a number."""
    from chimera_pipeline.orchestration import answers

    for line in answers.explain(readable(out), subject):
        say(line)
