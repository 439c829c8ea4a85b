"""Commands around the pipeline: bench, profiles, init, doctor, ui."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from chimera_pipeline import settings
from chimera_pipeline.cli.app import app
from chimera_pipeline.cli.options import AsJson, Llm, Model, Out, Profile, examples, flag
from chimera_pipeline.cli.output import may_color, note
from chimera_pipeline.errors import UsageError


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
    note(f"{len(artifact['results'])} requests, {failed} failed, model {artifact['model']}")
    print(target)


profiles_app = typer.Typer(no_args_is_help=True, help="Agent profiles.")
app.add_typer(profiles_app, name="profiles")


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
        print(examination.as_text(lines, color=may_color()))
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
