"""Keeps what identifies a machine or checkout out of the json of pytest-benchmark, by its own hooks."""

from __future__ import annotations

from typing import Any


def pytest_benchmark_update_machine_info(config: Any, machine_info: dict[str, Any]) -> None:
    """A neutral node, the kernel's plain version, and the processor without its list of flags."""
    machine_info["node"] = "example-machine"
    machine_info["release"] = machine_info["release"].partition("-")[0]
    machine_info["cpu"].pop("flags", None)


def pytest_benchmark_generate_commit_info(config: Any) -> dict[str, Any]:
    """What pytest-benchmark states outside of version control."""
    return {
        "id": "unversioned",
        "time": None,
        "author_time": None,
        "dirty": False,
        "error": None,
        "project": "chimera_pipeline",
        "branch": "(unknown)",
    }
