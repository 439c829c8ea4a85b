"""The container and compose files: nothing is published but the UI on loopback, no password has a default."""

import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")


def test_only_the_ui_is_published_and_on_loopback() -> None:
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert published == {"webserver": ["127.0.0.1:3000:3000"]}


def test_the_database_is_on_a_network_without_a_way_out() -> None:
    assert COMPOSE["services"]["postgres"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_no_password_has_a_default() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    uses = re.findall(r"\$\{POSTGRES_PASSWORD[^}]*\}", text)
    assert len(uses) == 2
    assert all(use.startswith("${POSTGRES_PASSWORD:?") for use in uses)
    assert re.search(r"^POSTGRES_PASSWORD=$", (DEPLOY / "env.example").read_text("utf-8"), re.MULTILINE)


def test_every_variable_of_the_compose_file_is_explained() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    explained = set(re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text("utf-8"), re.MULTILINE))
    assert asked == explained


@pytest.mark.parametrize("service", ["code", "daemon", "webserver"])
def test_each_service_runs_without_rights_and_with_a_command_that_is_installed(service: str) -> None:
    found = COMPOSE["services"][service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    scripts = {
        entry.name
        for package in ("dagster", "dagster-webserver")
        for entry in distribution(package).entry_points
        if entry.group == "console_scripts"
    }
    assert found["command"][0] in scripts


def test_what_the_image_copies_is_in_the_repository() -> None:
    copied = re.findall(r"^COPY (?!--from)(?:--chown=\w+ )?(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_installs_with_hashes_and_runs_as_a_user() -> None:
    assert "--require-hashes -r requirements/production.lock" in CONTAINERFILE
    assert re.search(r"^USER chimera$", CONTAINERFILE, re.MULTILINE)
