"""The `chimera` command: every command a few lines over the layers below, which are imported where they are used.

stdout carries the result alone; progress, notes and errors go to stderr.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from chimera_pipeline import settings
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
    reports,
)
from chimera_pipeline.errors import ChimeraError, InputError, ModelRequired, RegressionFound, UsageError

app = typer.Typer(
    name="chimera",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn a folder of LLM and GPU benchmark results into a report whose every number has a source.\n\n"
    "Examples:\n\n"
    "  chimera run results/                  # one report over everything\n\n"
    "  chimera run results/ --period month   # one report a month\n\n"
    "  chimera explain results/run1.csv      # why a file was used, or not\n\n"
    "Exit codes: 0 ok; 1 bug; 2 usage or configuration; 3 refused by a gate; 4 no model with --require-llm; "
    "5 regression with --fail-on-regression; 74 input or output; 130 interrupted.",
)

DEBUG = "_CHIMERA_DEBUG"
"""Set for this process by --debug; no setting, hence the underscore."""


def _version(show: bool) -> None:
    if show:
        from chimera_pipeline import versions

        print(versions.line())
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, metavar="", help="Show versions.")
    ] = False,
    debug: Annotated[bool, flag("--debug", help="Show where an error was raised.")] = False,
    no_color: Annotated[bool, flag("--no-color", help="No colours, as with NO_COLOR=1.")] = False,
) -> None:
    if debug:
        os.environ[DEBUG] = "1"
    if no_color:
        os.environ["NO_COLOR"] = "1"


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
        _note(f"nothing changed ({seconds:.1f} s)")
        return
    artifacts, rows = result["artifacts"], result["tables"]
    _note(
        f"{artifacts['total']} files ({', '.join(f'{n} {name}' for name, n in artifacts['by_status'].items())}), "
        f"{rows['measurements']} measurements, {result['facts']} facts, {rows['telemetry_gaps']} gaps "
        f"({seconds:.1f} s)"
    )
    if verbose:
        for stage, spent in result["durations_s"].items():
            _note(f"  {stage}: {spent:.2f} s")
    if result.get("published"):
        _note(_copied(result["published"]))
    if result["reports"]:
        _note(f"next: open {result['reports'][-1]['html']}")


def _may_color() -> bool:
    """Whether stdout is a terminal whose user wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _readable(out: Path | None, period: str | None = None) -> Path:
    """The output folder for a command that reads it; what a run that was cut off left there is finished or told."""
    from chimera_pipeline.orchestration import unfinished

    folder = settings.load(out=out).out
    for note in unfinished.told(folder, period):
        _note(f"note: {note}")
    return folder


def _copied(done: dict[str, Any]) -> str:
    told = f"{done['objects']} files, {done['uploaded']} uploaded, {done['copied']} copied there"
    left = f"; left for the next time: {done['left_undone']}" if done["left_undone"] else ""
    return f"published as generation {done['generation']} in {done['uri']} ({told}){left}"


def _note(text: str) -> None:
    _say(text, sys.stderr)


def _say(text: str, stream: TextIO | None = None) -> None:
    """Print text that may quote a file: no control character of it reaches a terminal."""
    from chimera_pipeline import redact

    print("\n".join(redact.printable(line) for line in text.split("\n")), file=stream or sys.stdout)


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

    _readable(out)
    with locked(chosen.out, exclusive=False, wait_s=0.0):
        done = published_copy.publish(chosen)
    _note(_copied(done))
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


@app.command(epilog=examples("chimera facts", "chimera facts --period 2025-10 --json"))
def facts(
    out: Out = None,
    period: Period = "all",
    as_json: AsJson = False,
) -> None:
    """List the facts of a period."""
    path = _readable(out, period) / "reports" / period / "facts.json"
    if not path.is_file():
        there = f"; reports are there of {', '.join(sorted(found))}" if (found := reports(path.parents[2])) else ""
        raise UsageError(f"{path} is not there; run: chimera run ARTIFACTS --period {period}{there}")
    text = path.read_text(encoding="utf-8")
    if as_json:
        print(text, end="")
        return
    for fact in json.loads(text)["facts"]:
        _say(f"{fact['id']}  {fact['text']}")


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

    folder = settings.load(out=out).out if facts_file else _readable(out, period)
    result = audit_file(report, out=folder, facts=facts_file, period=period)
    if as_json:
        print(json.dumps(output.to_json(result), indent=2))
    elif github:
        print(output.to_github(result, str(report)))
    else:
        print(output.to_text(result, color=_may_color()))
    if output.exit_code(result):
        raise typer.Exit(output.exit_code(result))


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


@app.command(epilog=examples("chimera quarantine", "chimera quarantine --out reports --json"))
def quarantine(out: Out = None, as_json: AsJson = False) -> None:
    """List what was refused, and why."""
    from chimera_pipeline.orchestration import answers

    rows = answers.quarantine(_readable(out))
    if as_json:
        print(json.dumps({"schema_version": "1.0", "quarantine": rows}, indent=2))
        return
    for row in rows:
        place = f" {row['locator']}" if row["locator"] else ""
        _say(f"{row['artifact_path']}{place}: {row['reason']}: {row['detail']}")
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

    for line in answers.explain(_readable(out), subject):
        _say(line)


@app.command(
    epilog=examples(
        "chimera bench --llm ollama --model gemma3:4b --repeats 3",
        "chimera bench --llm ollama --model gemma3:4b --to results/gemma3.json",
    )
)
def bench(
    model: Model = None,
    llm: Llm = None,
    profile: Profile = None,
    repeats: Annotated[int, typer.Option(min=1, help="Passes over the prompt suite.")] = 1,
    target: Annotated[Path, typer.Option("--to", metavar="FILE", help="File to write.")] = Path("chimera-bench.json"),
) -> None:
    """Run the prompt suite against a provider and write its results as an artifact."""
    from chimera_pipeline.orchestration.benching import run_suite

    chosen = settings.load(model=model, llm=llm.value if llm else None, profile=profile)
    artifact = run_suite(chosen, target, repeats=repeats)
    failed = sum(bool(record["error"]) for record in artifact["results"])
    _note(f"{len(artifact['results'])} requests, {failed} failed, model {artifact['model']}")
    print(target)


profiles_app = typer.Typer(no_args_is_help=True, help="Agent profiles.")
app.add_typer(profiles_app, name="profiles")


@profiles_app.command("compare", epilog=examples("chimera profiles compare baseline chimera-a --model gemma3:4b"))
def profiles_compare(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Two or more profiles; the first is the base.")],
    repeats: Annotated[int, typer.Option(min=1, help="Blocks in which each profile runs once.")] = 3,
    model: Model = None,
    llm: Llm = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Compare profiles on one model: interleaved, cold and warm apart, order drawn by a fixed seed."""
    from chimera_pipeline.orchestration.benching import compare_profiles, told

    if len(set(names)) < 2:
        raise UsageError("give two or more different profiles")
    chosen = settings.load(model=model, llm=llm.value if llm else None, out=out)
    result = compare_profiles(chosen, names, repeats=repeats)
    print(json.dumps(result, indent=2) if as_json else "\n".join(told(result)))


@profiles_app.command("list", epilog=examples("chimera profiles list"))
def profiles_list() -> None:
    """List the profiles."""
    from chimera_pipeline.analysis import profiles

    for name, found in profiles.every(settings.load().profiles).items():
        print(f"{name}: {found.description}")


@app.command(epilog=examples("chimera init"))
def init(force: Annotated[bool, flag("--force", help="Replace a file that is there.")] = False) -> None:
    """Write chimera.toml into this folder: every setting with its default and meaning, to be changed."""
    target = Path(settings.CONFIG_FILE)
    if target.exists() and not force:
        raise UsageError(f"{target} is there already; chimera init --force replaces it")
    from chimera_pipeline import atomic

    atomic.write_text(target, settings.template())
    print(target)


@app.command(
    epilog=examples(
        "chimera doctor",
        "chimera doctor results/ --llm ollama --model gemma3:4b",
        "chimera doctor --json",
    )
)
def doctor(
    artifacts: Annotated[
        str | None, typer.Argument(metavar="ARTIFACTS", help="Folder, file or URI of result files.")
    ] = None,
    out: Out = None,
    llm: Llm = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Look at what a run needs on this machine: lines ok, warn or fail, each with its fix; exit 2 where one fails."""
    from chimera_pipeline.orchestration.doctor import examination

    flags = {"artifacts": artifacts, "out": out, "llm": llm.value if llm else None, "model": model}
    lines = examination.examine(flags)
    if as_json:
        print(json.dumps(examination.as_json(lines), indent=2))
    else:
        print(examination.as_text(lines, color=_may_color()))
    if examination.failed(lines):
        raise typer.Exit(2)


@app.command(epilog=examples("chimera ui", "chimera ui --port 3001"))
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on loopback.")] = 3000) -> None:
    """Open the Dagster UI on loopback."""
    _check_free(port)
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(Path("dagster_home").resolve())))
    home.mkdir(parents=True, exist_ok=True)
    command = ["dagster", "dev", "-m", "chimera_pipeline.definitions", "-h", "127.0.0.1", "-p", str(port)]
    os.execvp(sys.executable, [sys.executable, "-m", *command])


def _check_free(port: int) -> None:
    from chimera_pipeline.orchestration.doctor import machine

    problem = machine.taken(port)
    if problem is not None:
        raise UsageError(f"port {port}: {problem}; choose another: chimera ui --port {port + 1}")


@contextlib.contextmanager
def _orderly() -> Iterator[None]:
    """Errors as one line and the contract's exit code; a pipe that closes early is quiet."""
    try:
        yield
    except ChimeraError as error:
        if os.environ.get(DEBUG):
            _trace(error)
        _tell_error(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as stopped:
        # typer turns an interrupt into a silent exit with 130
        if isinstance(stopped, SystemExit) and stopped.code != 130:
            raise
        _note("chimera: interrupted; what was published before is unchanged, and what was read is kept")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:  # what a library of ours met on the disk
        if os.environ.get(DEBUG):
            _trace(error)
        place = f"{error.filename}: " if error.filename else ""
        _tell_error(InputError(f"{place}{error.strerror or error}"))
        sys.exit(InputError.exit_code)
    except Exception as error:
        _trace(error)
        _note(f"chimera: {type(error).__name__}: this is a defect of chimera_pipeline; please report it with the above")
        sys.exit(1)


def _tell_error(error: ChimeraError) -> None:
    from chimera_pipeline import redact

    print("\n".join(redact.listing(f"chimera: {error}", width=4_000)), file=sys.stderr)


def _trace(error: BaseException) -> None:
    """Where an error was raised. Libraries quote what they failed on: secrets and control characters are taken out."""
    import traceback

    from chimera_pipeline import redact

    for line in redact.listing("".join(traceback.format_exception(error))):
        print(line, file=sys.stderr)


def main() -> None:
    """The entry point."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _orderly():
        app()


if __name__ == "__main__":
    main()
