"""The `chimera` command: each command a few lines over the layers below, which are imported where they are used.

`runs`, `answers` and `tools` hold the commands, `options` the words that they share, `output` what goes to the
terminal, `entry` what an error becomes. stdout carries the result alone; progress, notes and errors go to stderr.
"""

# In the order in which the help lists the commands.
from chimera_pipeline.cli import runs, answers, tools  # noqa: F401, I001
from chimera_pipeline.cli.app import app
from chimera_pipeline.cli.entry import main

__all__ = ["app", "main"]
