"""Metadata that scripts write beside results: {start_time, end_time, duration_s} of a run, and a description
of the machine (hostname, kernel, os, cpu).

They hold no measurement of a model; they are claimed so that they do not pass for results of unknown format.
"""

from __future__ import annotations

from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import ArtifactStatus, Reading

_RUN = {"start_time", "end_time", "duration_s"}
_MACHINE = {"hostname", "kernel", "os", "cpu"}


def matches(document: Document) -> bool:
    """The times of a run and little else, or a machine's description of texts."""
    value = document.try_json()
    if not isinstance(value, dict):
        return False
    is_run = value.keys() >= _RUN and len(value) <= 6 and isinstance(value["start_time"], str)
    return is_run or (value.keys() >= _MACHINE and all(isinstance(value[key], str) for key in _MACHINE))


def read(document: Document) -> Reading:
    """No rows."""
    return Reading(
        kind="run_metadata",
        tool="run-metadata",
        status=ArtifactStatus.DOCUMENT,
        detail="metadata of a run, no measurement",
    )


READER = Reader("run-metadata", 1, matches, read, signs=Signs(keys=("duration_s", "hostname")))
