"""The words that commands share: arguments, options, examples, and what a shell may complete them with."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from chimera_pipeline import settings
from chimera_pipeline.errors import ChimeraError


class Provider(StrEnum):
    """Who chooses among the proved statements."""

    auto = "auto"
    ollama = "ollama"
    llamacpp = "llamacpp"
    openai = "openai"
    none = "none"


def flag(*names: str, help: str) -> Any:
    """An option that is given or not. Without the metavar its help would read as if it took a value."""
    return typer.Option(*names, help=help, metavar="")


def examples(*lines: str) -> str:
    """What stands under the help of a command: commands as they are typed, each with what it does behind `#`."""
    return "\n\n".join(["Examples:", *(f"  {line}" for line in lines)])


def _profiles(incomplete: str) -> Iterator[str]:
    from chimera_pipeline.analysis import profiles

    try:
        known = profiles.every(settings.load().profiles)
    except ChimeraError:
        return
    yield from (name for name in sorted(known) if name.startswith(incomplete))


def _periods(incomplete: str) -> Iterator[str]:
    from chimera_pipeline import periods

    try:
        reported = sorted(reports(settings.load().out))
    except ChimeraError:
        reported = []
    known = [periods.ALL, *periods.KINDS, *(name for name in reported if name != periods.ALL)]
    yield from (name for name in known if name.startswith(incomplete))


def reports(out: Path) -> list[str]:
    """The periods that a report is published of under `out`."""
    return [path.parent.name for path in (out / "reports").glob("*/facts.json")]


Artifacts = Annotated[str, typer.Argument(metavar="ARTIFACTS", help="Folder, file or URI of result files.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder of tables and reports.  [default: chimera-out]"),
]
AsJson = Annotated[bool, flag("--json", help="Print one JSON object.")]
Llm = Annotated[Provider | None, typer.Option(help="Who chooses among proved statements.")]
Model = Annotated[str | None, typer.Option(metavar="NAME", help="Model name.")]
Profile = Annotated[
    str | None, typer.Option(metavar="NAME", help="Agent profile: chimera profiles list.", autocompletion=_profiles)
]
Period = Annotated[
    str,
    typer.Option(metavar="PERIOD", help="all, month, week, day, quarter, or a period's name.", autocompletion=_periods),
]
FailOnRegression = Annotated[bool, flag("--fail-on-regression", help="Exit 5 where a regression stands.")]
