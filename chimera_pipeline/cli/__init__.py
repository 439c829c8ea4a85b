"""The `chimera` command. `commands` holds what each one does, `options` the words that they share."""

from chimera_pipeline.cli.commands import app, main

__all__ = ["app", "main"]
