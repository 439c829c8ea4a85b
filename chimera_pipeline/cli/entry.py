"""The entry point: errors as one line and the exit code of the contract."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from chimera_pipeline.cli.app import DEBUG, app
from chimera_pipeline.cli.output import note
from chimera_pipeline.errors import ChimeraError, InputError


@contextlib.contextmanager
def orderly() -> Iterator[None]:
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
        note("chimera: interrupted; what was published before is unchanged, and what was read is kept")
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
        note(f"chimera: {type(error).__name__}: this is a defect of chimera_pipeline; please report it with the above")
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
    with orderly():
        app()
