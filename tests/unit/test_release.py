"""A release is made where tag, version, changelog and files agree, and by a workflow that holds no secret."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CHANGELOG = "# Changelog\n\n## [1.2.3] - 2026-12-01\n\n### Added\n\n- It.\n\n## [1.2.2] - 2026-11-01\n\n- That.\n"
BUILT = ("chimera_pipeline-1.2.3-py3-none-any.whl", "chimera_pipeline-1.2.3.tar.gz")


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_check", ROOT / ".ci" / "release_check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_release_where_all_agrees_has_no_problem(check: ModuleType) -> None:
    assert check.problems("v1.2.3", "1.2.3", CHANGELOG, BUILT) == []
    candidate = CHANGELOG.replace("1.2.3", "1.2.3rc1")
    assert check.problems("v1.2.3rc1", "1.2.3rc1", candidate) == []


@pytest.mark.parametrize(
    ("tag", "version", "changelog", "built", "said"),
    [
        ("1.2.3", "1.2.3", CHANGELOG, None, "tag 1.2.3 is not v1.2.3"),
        ("v1.2.4", "1.2.3", CHANGELOG, None, "tag v1.2.4 is not v1.2.3"),
        ("v1.2", "1.2", CHANGELOG.replace("1.2.3", "1.2"), None, "is not MAJOR.MINOR.PATCH"),
        ("v1.2.4", "1.2.4", CHANGELOG, None, "its newest heading is 1.2.3"),
        ("v1.2.3", "1.2.3", "# Changelog\n", None, "its newest heading is none"),
        ("v1.2.3", "1.2.3", CHANGELOG.replace("2026-12-01", "Unreleased"), None, "has Unreleased in place of the day"),
        ("v1.2.3", "1.2.3", CHANGELOG.replace("- It.\n", ""), None, "nothing stands under"),
        ("v1.2.3", "1.2.3", CHANGELOG, BUILT[:1], "chimera_pipeline-1.2.3.tar.gz is missing"),
        ("v1.2.3", "1.2.3", CHANGELOG, (*BUILT, "chimera_pipeline-1.2.2.tar.gz"), "is of no part of this release"),
    ],
)
def test_what_does_not_agree_is_said(
    check: ModuleType, tag: str, version: str, changelog: str, built: tuple[str, ...] | None, said: str
) -> None:
    (problem,) = check.problems(tag, version, changelog, built)
    assert said in problem


def test_this_version_lacks_nothing_but_the_day_of_its_release(check: ModuleType) -> None:
    version = check.version_of((ROOT / "chimera_pipeline" / "__init__.py").read_text("utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8").replace("] - Unreleased", "] - 2026-12-01")
    assert check.problems(f"v{version}", version, changelog) == []


def _jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_reads_only_names_its_actions_and_ends(path: Path) -> None:
    assert yaml.safe_load(path.read_text("utf-8"))["permissions"] == {"contents": "read"}
    for job in _jobs(path).values():
        assert job["timeout-minutes"] <= 40
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@(v\d+|release/v\d+|[0-9a-f]{40})", name) for name in used)
        assert all(step.get("with", {}).get("persist-credentials", False) is False for step in job["steps"])
    assert "secrets." not in path.read_text("utf-8")


def test_nothing_is_published_that_was_not_tested_and_checked() -> None:
    jobs = _jobs(ROOT / ".github" / "workflows" / "release.yml")
    assert set(jobs["publish"]["needs"]) == {"test", "build"}
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert all("permissions" not in jobs[name] for name in ("test", "build"))
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert any(".ci/run" in line for line in commands["test"])
    assert commands["build"] == ['make release-check TAG="$GITHUB_REF_NAME"']
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert '.ci/release_check.py "$(TAG)" dist' in makefile
