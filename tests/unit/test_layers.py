"""Who may import whom inside the package.

The table below is the whole rule. The test reads the imports of every module without importing
anything: those inside functions and under TYPE_CHECKING as well, and import_module with a literal
name.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "chimera_pipeline"
ROOT = Path(__file__).resolve().parents[2] / PACKAGE


@dataclass(frozen=True)
class Layer:
    """Rooms are modules or folders right under the package; they may import the layers below."""

    name: str
    rooms: frozenset[str]
    siblings: bool  # whether its rooms may import one another
    libraries: frozenset[str] | None  # beside the standard library; None = any that ONLY_IN allows


# From the bottom up.
LAYERS = (
    Layer(
        name="words",
        rooms=frozenset(
            {
                "addresses",
                "records",
                "units",
                "periods",
                "errors",
                "garbage",
                "settings",
                "atomic",
                "redact",
                "versions",
                "wording",
            }
        ),
        siblings=True,
        libraries=frozenset({"pydantic", "pydantic_settings", "pint"}),
    ),
    Layer(
        name="meaning",
        rooms=frozenset({"contracts"}),
        siblings=False,
        libraries=frozenset({"pandera", "pandas", "numpy", "yaml", "pydantic"}),
    ),
    Layer(
        name="stages",
        rooms=frozenset({"inventory", "readers", "metrics", "facts", "analysis", "audit", "report"}),
        siblings=False,
        libraries=None,
    ),
    Layer(name="wiring", rooms=frozenset({"orchestration"}), siblings=False, libraries=None),
    Layer(
        name="entry",
        rooms=frozenset({"definitions", "cli", "__main__"}),
        siblings=True,
        libraries=None,
    ),
)

# Libraries that only these rooms or files may import, with their families: dagster_postgres counts
# as dagster.
ONLY_IN = {
    "dagster": frozenset({"orchestration", "definitions", "cli"}),
    "great_expectations": frozenset({"metrics/history.py"}),
    "typer": frozenset({"cli"}),
}

LEVEL = {room: level for level, layer in enumerate(LAYERS) for room in layer.rooms}


def room_of(file: str) -> str:
    """The room of a file given as a path relative to the package: "facts/build.py" -> "facts"."""
    return file.split("/")[0].removesuffix(".py")


def imported(file: str, source: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that the source imports, relative names resolved."""
    folder = [PACKAGE, *file.split("/")[:-1]]
    for node in ast.walk(ast.parse(source, filename=file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = folder[: len(folder) - node.level + 1] if node.level else []
            base = [*start, *(node.module.split(".") if node.module else [])]
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            called = node.func.id if isinstance(node.func, ast.Name) else called
            name = literal_start(node.args[0])
            if called in {"import_module", "__import__"} and name:
                yield node.lineno, name


def literal_start(node: ast.expr) -> str | None:
    """The text of a string, or what an f-string starts with."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.rstrip(".")
    return None


def violations(file: str, source: str) -> list[str]:
    """What in this file breaks the table, a sentence each."""
    room = room_of(file)
    if room != "__init__" and room not in LEVEL:
        return [f"{file}: {room} has no layer; add it to LAYERS in {Path(__file__).name}"]
    found = []
    for line, name in imported(file, source):
        top, *rest = name.split(".")
        if top == PACKAGE:
            problem = inside(room, rest)
        elif top in sys.stdlib_module_names:
            problem = None
        else:
            problem = outside(room, file, top)
        if problem:
            found.append(f"{file}:{line}: {name}: {problem}")
    return found


def inside(room: str, rest: list[str]) -> str | None:
    """Why this room may not import that part of the package; None if it may."""
    target = rest[0] if rest else ""
    if not target or target.startswith("__version"):
        return None
    if room == "__init__":
        return "the package itself imports nothing, so that importing it stays fast"
    if target not in LEVEL:
        return f"{target} has no layer"
    if target == room or LEVEL[target] < LEVEL[room]:
        return None
    if LEVEL[target] == LEVEL[room]:
        layer = LAYERS[LEVEL[room]]
        return None if layer.siblings else f"{room} may not import its sibling {target}"
    upper, lower = LAYERS[LEVEL[target]].name, LAYERS[LEVEL[room]].name
    return f"{target} ({upper}) lies above {room} ({lower})"


def outside(room: str, file: str, library: str) -> str | None:
    """Why this room may not import that library; None if it may."""
    if room == "__init__":
        return "the package itself imports the standard library only"
    for family, places in ONLY_IN.items():
        if library == family or library.startswith(f"{family}_"):
            return None if places & {room, file} else f"only in {', '.join(sorted(places))}"
    allowed = LAYERS[LEVEL[room]].libraries
    if allowed is not None and library not in allowed:
        return f"{room} may import of libraries only {', '.join(sorted(allowed))}"
    return None


def test_every_module_keeps_to_its_layer() -> None:
    files = sorted(ROOT.rglob("*.py"))
    assert files, f"no modules under {ROOT}"
    found = [
        problem for path in files for problem in violations(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


def test_no_room_stands_in_two_layers() -> None:
    assert len(LEVEL) == sum(len(layer.rooms) for layer in LAYERS)


@pytest.mark.parametrize(
    ("file", "source", "reason"),
    [
        ("units.py", "import pandas", "units may import of libraries only"),
        ("records.py", "from chimera_pipeline.contracts import tables", "lies above"),
        ("contracts/tables.py", "from ..readers import csv", "lies above"),
        ("contracts/tables.py", "import scipy", "contracts may import of libraries only"),
        ("facts/build.py", "from chimera_pipeline.metrics.melt import melt", "its sibling metrics"),
        ("facts/build.py", "from chimera_pipeline import metrics", "its sibling metrics"),
        ("facts/build.py", "import chimera_pipeline.report.render", "its sibling report"),
        ("facts/sub/build.py", "from ...audit import numbers", "its sibling audit"),
        ("facts/build.py", "def f():\n    from ..readers import csv", "its sibling readers"),
        (
            "facts/build.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..report import view",
            "its sibling report",
        ),
        (
            "facts/build.py",
            "import importlib\nimportlib.import_module('chimera_pipeline.report')",
            "its sibling report",
        ),
        (
            "readers/registry.py",
            "from importlib import import_module\nimport_module(f'chimera_pipeline.metrics.{1}')",
            "its sibling metrics",
        ),
        ("readers/llama.py", "import dagster as dg", "only in"),
        ("metrics/melt.py", "from dagster_postgres import storage", "only in"),
        ("metrics/melt.py", "import great_expectations as gx", "only in metrics/history.py"),
        ("orchestration/checks.py", "import great_expectations", "only in metrics/history.py"),
        ("orchestration/assets.py", "from chimera_pipeline.cli import main", "lies above"),
        ("helpers.py", "import os", "has no layer"),
        ("facts/build.py", "from chimera_pipeline.helpers import x", "has no layer"),
        ("__init__.py", "from chimera_pipeline.cli import main", "imports nothing"),
        ("__init__.py", "import pandas", "the standard library only"),
    ],
)
def test_a_module_that_breaks_the_table_is_caught(file: str, source: str, reason: str) -> None:
    (problem,) = violations(file, source)
    assert reason in problem


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("__init__.py", '__version__ = "1"'),
        ("atomic.py", "import os\nfrom chimera_pipeline.errors import InputError"),
        ("units.py", "def registry():\n    import pint"),
        ("contracts/tables.py", "import pandas\nfrom . import schemas\nfrom ..errors import X"),
        ("readers/llama.py", "import orjson\nfrom chimera_pipeline.contracts import tables"),
        ("readers/registry.py", "from . import llama\nfrom chimera_pipeline.readers import csv"),
        ("metrics/history.py", "import great_expectations"),
        ("orchestration/assets.py", "import dagster\nfrom chimera_pipeline.metrics import history"),
        ("definitions.py", "from chimera_pipeline.orchestration import build"),
        ("cli.py", "import typer\nfrom chimera_pipeline import __version__, definitions, errors"),
    ],
)
def test_a_module_that_keeps_to_the_table_passes(file: str, source: str) -> None:
    assert violations(file, source) == []
