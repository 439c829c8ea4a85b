"""What goes to the terminal: the result to stdout, notes to stderr, no control character of a file to either."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from chimera_pipeline import settings


def may_color() -> bool:
    """Whether stdout is a terminal whose user wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def note(text: str) -> None:
    """Print a line to stderr."""
    say(text, sys.stderr)


def say(text: str, stream: TextIO | None = None) -> None:
    """Print text that may quote a file: no control character of it reaches a terminal."""
    from chimera_pipeline import redact

    print("\n".join(redact.printable(line) for line in text.split("\n")), file=stream or sys.stdout)


def readable(out: Path | None, period: str | None = None) -> Path:
    """The output folder for a command that reads it; what a run that was cut off left there is finished or told."""
    from chimera_pipeline.orchestration import unfinished

    folder = settings.load(out=out).out
    for told in unfinished.told(folder, period):
        note(f"note: {told}")
    return folder
