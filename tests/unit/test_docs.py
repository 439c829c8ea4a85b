"""The documentation speaks of what is there: every command, setting, table, metric and asset is described."""

import importlib.util
import re
import shlex
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml
from pydantic import BaseModel

from chimera_pipeline import errors
from chimera_pipeline.cli import app
from chimera_pipeline.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]


def _hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "site" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    found: dict[str, str] = _hook().pages()
    return found


def test_every_row_of_the_reference_has_a_meaning(pages: dict[str, str]) -> None:
    rows = [(path, line) for path, text in pages.items() for line in text.splitlines() if re.match(r"\| `", line)]
    assert len(rows) > 200
    assert [row for row in rows if re.search(r"\|\s*\|$", row[1])] == []


def test_every_command_and_option_says_what_it_does(pages: dict[str, str]) -> None:
    options = re.findall(r"^\* `([^`]+)`(:? ?)(.*)$", pages["reference/commands.md"], re.MULTILINE)
    assert len(options) > 60
    assert [name for name, _, meaning in options if not meaning.strip()] == []


def test_every_page_is_in_the_navigation_or_is_a_decision() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))

    def leaves(node: object) -> list[str]:
        if isinstance(node, dict):
            return [leaf for value in node.values() for leaf in leaves(value)]
        if isinstance(node, list):
            return [leaf for value in node for leaf in leaves(value)]
        return [str(node)]

    listed = set(leaves(site["nav"]))
    there = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in there if not page.startswith("adr/")} - listed == set()


def test_every_threat_names_tests_that_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!threat|---)(.+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    named = {name for *_, tests in rows for name in re.findall(r"`(test_\w+)`", tests)}
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    known = {name for source in files for name in re.findall(r"^def (test_\w+)\(", source, re.MULTILINE)}
    assert len(rows) > 12
    assert all("`test_" in tests for *_, tests in rows)
    assert named - known == set()


PROSE = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRONG_ON_PURPOSE = {ROOT / "docs" / "howto" / "troubleshooting.md"}
TYPED = re.compile(r"^\s*(?:- run: |\w*\$ )?((?:\w+=\S+ )*(?:\.venv/bin/)?chimera (?!/)[^`]+)$")


def _typed(path: Path) -> list[str]:
    """Every command that a page shows, in a fence, indented or as code in a line."""
    text = path.read_text("utf-8")
    blocks = re.findall(r"^```(?:sh|console|yaml)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE) + re.findall(r"`(chimera [^`\n]+)`", text)
    return [found[1] for line in lines if (found := TYPED.match(line))]


def _understood(line: str) -> None:
    """Raises where the command line does not know a word of `line`, or misses one."""
    words = shlex.split(re.split(r" (?:>>?|&&|\|) ", line)[0], comments=True)
    while "=" in words[0]:
        words = words[1:]
    rest = [word for word in words[1:] if word not in ("...", "--debug")]
    command: Any = typer.main.get_command(app)
    while rest and rest[0] in getattr(command, "commands", {}):
        command, rest = command.commands[rest[0]], rest[1:]
    if hasattr(command, "commands"):
        options = {"--help", *(option for parameter in command.params for option in parameter.opts)}
        assert not rest or (len(rest) == 1 and rest[0] in options), f"no such command: {line}"
    else:
        command.make_context(line, rest, resilient_parsing=not rest)


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_every_command_that_a_page_shows_is_understood(path: Path) -> None:
    if path in WRONG_ON_PURPOSE:
        return
    for line in _typed(path):
        try:
            _understood(line)
        except Exception as error:
            pytest.fail(f"{path.relative_to(ROOT)}: {line}: {getattr(error, 'message', error)}")


def test_the_pages_show_every_command() -> None:
    shown = " ".join(line for path in PROSE for line in _typed(path))
    names = typer.main.get_command(app).commands
    assert [name for name in names if not re.search(rf"chimera {name}\b", shown)] == []


def test_every_variable_that_a_page_names_is_a_setting() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            known |= {f"{PREFIX}{name.upper()}__{leaf.upper()}" for leaf in field.annotation.model_fields}
    named = {
        (path.name, name)
        for path in [*PROSE, *(ROOT / "deploy").iterdir()]
        for name in re.findall(rf"\b{PREFIX}[A-Z_]+", path.read_text("utf-8"))
        if path not in WRONG_ON_PURPOSE
    }
    assert len(named) > 10
    assert {entry for entry in named if entry[1] not in known and entry[1] != PREFIX + "NAME"} == set()


def test_every_exit_code_is_on_its_page_and_in_the_help() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ChimeraError)]
    codes = {0, 1, 130} | {kind.exit_code for kind in kinds}
    page = (ROOT / "docs" / "exit-codes.md").read_text("utf-8")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == codes
    assert app.info.help is not None
    told = app.info.help.partition("Exit codes:")[2]
    assert {int(code) for code in re.findall(r"\b(\d+) \w", told)} == codes


def test_every_check_is_described() -> None:
    from dagster import BetaWarning, PreviewWarning

    from chimera_pipeline.orchestration.assembly import build_definitions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (BetaWarning, PreviewWarning))
        keys = build_definitions().resolve_asset_graph().asset_check_keys
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert {key.name for key in keys if f"`{key.name}`" not in text} == set()


STATES = {
    "facts/build.py": "facts.json",
    "report/view.py": "report.json",
    "orchestration/run.py": "run --json",
    "facts/comparisons_text.py": "compare --json",
    "orchestration/doctor/examination.py": "doctor --json",
    "orchestration/benching.py": "profiles compare --json",
    "orchestration/published_copy.py": "current.json",
    "cli/runs.py": "inventory --json",
    "cli/answers.py": "quarantine --json",
}
"""Module -> the object whose form it states the version of."""


def test_every_object_with_a_schema_version_is_on_the_page_of_versions() -> None:
    stated = re.compile(r'"schema_version": ("[\d.]+"|SCHEMA_VERSION)')
    package = ROOT / "chimera_pipeline"
    found = {str(path.relative_to(package)) for path in package.rglob("*.py") if stated.search(path.read_text("utf-8"))}
    assert found == set(STATES)
    page = (ROOT / "docs" / "versions.md").read_text("utf-8")
    rows = re.findall(r"^\| (.*) \| `schema_version` \| ([\d.]+) \|$", page, re.MULTILINE)
    for file, name in STATES.items():
        (now,) = {version for objects, version in rows if f"`{name}`" in objects}
        versions = re.findall(
            r'(?:"schema_version": |SCHEMA_VERSION = )"([\d.]+)"', (package / file).read_text("utf-8")
        )
        assert set(versions) == {now}, file
