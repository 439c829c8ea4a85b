"""The `chimera` command itself: its name, its help, and the options before any command."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from chimera_pipeline.cli.options import flag

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
