"""The Dagster code location: `defs`. `build_definitions` takes overrides."""

import dagster as dg

from chimera_pipeline.orchestration.assembly import build_definitions

__all__ = ["build_definitions", "defs"]


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions with settings from the environment and chimera.toml, read when Dagster asks for them."""
    return build_definitions()
