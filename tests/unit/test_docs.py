"""The documentation speaks of what is there: every command, setting, table, metric and asset is described."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

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
