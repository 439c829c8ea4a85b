"""Commands that look at artifacts and publish: run, backfill, publish, inventory."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Annotated, Any

import typer

from chimera_pipeline import settings, wording
from chimera_pipeline.cli.app import app
from chimera_pipeline.cli.options import (
    Artifacts,
    AsJson,
    FailOnRegression,
    Llm,
    Model,
    Out,
    Period,
    Profile,
    examples,
    flag,
)
from chimera_pipeline.cli.output import note, readable
from chimera_pipeline.errors import ModelRequired, RegressionFound, UsageError


@app.command(
    epilog=examples(
        "chimera run results/                             # one report over all",
        "chimera run results/ --period month --out months # one report a month",
        "chimera run results/ --strict --fail-on-regression   # exit codes 3, 5",
        "chimera run s3://bucket/prefix --llm none --json",
    )
)
def run(
    artifacts: Artifacts,
    out: Out = None,
    period: Period = "all",
    llm: Llm = None,
    model: Model = None,
    profile: Profile = None,
    strict: Annotated[bool, flag("--strict", help="Refuse to report while files are quarantined.")] = False,
    require_llm: Annotated[bool, flag("--require-llm", help="Fail where no model answers.")] = False,
    fail_on_regression: FailOnRegression = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, flag("-q", "--quiet", help="Say nothing on stderr.")] = False,
    verbose: Annotated[bool, flag("-v", "--verbose", help="Say more on stderr.")] = False,
) -> None:
    """Read the results, settle the store, compute facts, and write the report."""
    started = time.perf_counter()
    chosen = settings.load(artifacts=artifacts, out=out, llm=llm.value if llm else None, model=model, profile=profile)
    _check_folders(chosen)
    result, fresh = _run(chosen, period, strict, shown=not quiet)
    if not fresh:
        result["durations_s"] = {
            **dict.fromkeys(result["durations_s"], 0.0),
            "total": time.perf_counter() - started,
        }
    if not quiet:
        _tell(result, fresh, time.perf_counter() - started, verbose)
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        for report in result["reports"]:
            print(report["md"])
    if require_llm and (result["llm"] is None or result["narrative"]["mode"] == "deterministic"):
        raise ModelRequired(f"--require-llm: no model took part ({result['narrative']['reason']})")
    if fail_on_regression and result["regressions"]:
        raise RegressionFound(f"{result['regressions']} regressions stand; see the report")


def _run(chosen: settings.Settings, period: str, strict: bool, *, shown: bool) -> tuple[dict[str, Any], bool]:
    """(result, whether anything had to be done). A run that would change nothing imports neither Dagster nor pandas."""
    from chimera_pipeline.orchestration import unchanged

    options = {"period": period, "strict": strict}
    kept = unchanged.last_run(chosen, options)
    if kept is not None:
        return kept, False
    from chimera_pipeline import periods

    if period not in (periods.ALL, *periods.KINDS):
        periods.bounds(period)
    from chimera_pipeline.orchestration import progress
    from chimera_pipeline.orchestration.run import execute

    with progress.on_terminal() if shown else contextlib.nullcontext():
        result = execute(chosen, period=period, strict=strict)
    unchanged.remember(chosen, options, result)
    return result, True


def _check_folders(chosen: settings.Settings) -> None:
    from chimera_pipeline.inventory.scan import open_root

    root, out = open_root(chosen.artifacts, chosen.s3_http_hosts).folder, chosen.out.resolve()
    if root is not None and (out == root or out in root.parents):
        raise UsageError(f"--out {chosen.out} holds the artifacts; give a folder beside or inside them")


def _tell(result: dict[str, Any], fresh: bool, seconds: float, verbose: bool) -> None:
    if not fresh:
        note(f"nothing changed ({seconds:.1f} s)")
        return
    artifacts, rows = result["artifacts"], result["tables"]
    by_status = ", ".join(f"{n} {name}" for name, n in artifacts["by_status"].items())
    note(
        f"{wording.count(artifacts['total'], 'file')} ({by_status}), "
        f"{rows['measurements']} measurements, {result['facts']} facts, {rows['telemetry_gaps']} gaps "
        f"({seconds:.1f} s)"
    )
    if verbose:
        for stage, spent in result["durations_s"].items():
            note(f"  {stage}: {spent:.2f} s")
    if result.get("published"):
        note(_copied(result["published"]))
    if result["reports"]:
        note(f"next: open {result['reports'][-1]['html']}")


def _copied(done: dict[str, Any]) -> str:
    told = f"{done['objects']} files, {done['uploaded']} uploaded, {done['copied']} copied there"
    left = f"; left for the next time: {done['left_undone']}" if done["left_undone"] else ""
    return f"published as generation {done['generation']} in {done['uri']} ({told}){left}"


@app.command(epilog=examples("chimera backfill results/ --from 2025-01 --to 2025-12 --out reports"))
def backfill(
    artifacts: Artifacts,
    first: Annotated[str, typer.Option("--from", metavar="PERIOD", help="First period.")],
    last: Annotated[str, typer.Option("--to", metavar="PERIOD", help="Last period.")],
    out: Out = None,
    llm: Llm = None,
    as_json: AsJson = False,
) -> None:
    """Make the reports of every period from one to another, empty periods included."""
    from chimera_pipeline import periods

    chosen = settings.load(artifacts=artifacts, out=out, llm=llm.value if llm else None)
    _check_folders(chosen)
    names = periods.between(first, last)
    from chimera_pipeline.orchestration import progress
    from chimera_pipeline.orchestration.run import execute

    with progress.on_terminal():
        result = execute(chosen, period=periods.kind_of(first), names=names)
    print(json.dumps(result, indent=2) if as_json else "\n".join(entry["md"] for entry in result["reports"]))


@app.command(epilog=examples("chimera publish --to s3://results/reports", "chimera publish --out chimera-out --json"))
def publish(
    out: Out = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URI", help="s3://bucket/prefix  [default: setting publish_to]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy what is published under --out to object storage, or complete a copy that ended early."""
    chosen = settings.load(out=out, publish_to=to)
    if chosen.publish_to is None:
        raise UsageError("no place to publish to; give --to s3://bucket/prefix, or set publish_to")
    from chimera_pipeline.inventory.store import locked
    from chimera_pipeline.orchestration import published_copy

    readable(out)
    with locked(chosen.out, exclusive=False, wait_s=0.0):
        done = published_copy.publish(chosen)
    note(_copied(done))
    print(json.dumps({"schema_version": "1.0", **done}, indent=2) if as_json else f"{done['uri']}/current.json")


@app.command(epilog=examples("chimera inventory results/", "chimera inventory results/ --json"))
def inventory(artifacts: Artifacts, as_json: AsJson = False) -> None:
    """List every file under the root and what its name promises; nothing is opened."""
    from collections import Counter

    from chimera_pipeline import redact
    from chimera_pipeline.inventory import scan
    from chimera_pipeline.records import BENCHMARK_FORMATS

    found = scan.scan(scan.open_root(artifacts, settings.load().s3_http_hosts))
    by_format = Counter(artifact.format.value for artifact in found)
    benchmark = sum(by_format[name.value] for name in BENCHMARK_FORMATS)
    if as_json:
        files = [
            {"path": a.path, "size_bytes": a.size_bytes, "format": a.format.value, "skipped": a.skip_reason}
            for a in found
        ]
        counts = {
            "total": len(found),
            "benchmark_files": benchmark,
            "by_format": dict(sorted(by_format.items())),
        }
        print(json.dumps({"schema_version": "1.0", **counts, "files": files}, indent=2))
        return
    for artifact in found:
        skipped = f"  skipped: {artifact.skip_reason}" if artifact.skip_reason else ""
        print(f"{artifact.format.value:9} {artifact.size_bytes:>12,}  {redact.printable(artifact.path)}{skipped}")
    shown = ", ".join(f"{n} {name}" for name, n in sorted(by_format.items()))
    print(f"{len(found)} files, {benchmark} benchmark files (csv, json, markdown): {shown or 'none'}")
