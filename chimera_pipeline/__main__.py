"""The `chimera` command, and `python -m chimera_pipeline`: an unchanged run is answered before anything is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point."""
    from chimera_pipeline.orchestration import quick

    if quick.answered(sys.argv[1:]):
        return
    from chimera_pipeline import garbage

    with garbage.looked_for_seldom():  # two thousand modules come now, and stay
        from chimera_pipeline import cli

        cli.main()


if __name__ == "__main__":
    main()
