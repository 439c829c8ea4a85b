"""What every file of the project keeps to, whoever wrote it.

No paths of one machine and no addresses of package indexes; hashed locks that agree with
pyproject.toml; one version number; documents that name what exists.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import chimera_pipeline

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]

# Which extras a lock holds beside the core dependencies and the build backend.
LOCKS = {
    "core": [],
    "run": ["llamacpp"],
    "production": ["postgres", "s3", "alerts"],
    "dev": ["llamacpp", "postgres", "s3", "alerts", "dev"],
    "all": list(EXTRAS),
}

# Written in pieces, so that this file does not hold what it looks for.
INDEX_HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("pypi", "python", "org"),
            ("files", "pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("static", "crates", "io"),
            ("proxy", "golang", "org"),
            ("repo1", "maven", "org"),
            ("deb", "debian", "org"),
        )
    )
)
# Names that examples may use for a person's folder.
ANYBODY = {"alice", "bob", "me", "someone", "user", "you"}


def machine_paths(text: str) -> list[str]:
    """Paths in `text` that only one machine has: this checkout, this home, somebody's folder."""
    here = [str(path) for path in (ROOT, Path.home()) if len(path.parts) > 1]
    known = "|".join(re.escape(path) for path in here)
    found = [match.group() for match in re.finditer(rf"(?<![\w./-])(?:{known})/", text)]
    people = re.finditer(r"(?<![\w.-])/(?:home|Users)/([\w.-]+)/", text)
    return found + [match.group() for match in people if match.group(1) not in ANYBODY]


def index_hosts(text: str) -> list[str]:
    """Addresses of package indexes in `text`."""
    return INDEX_HOSTS.findall(text)


def project_files() -> list[Path]:
    """Tracked files, and new ones that git does not ignore; every file of an unpacked sdist."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        hidden = {".venv", "__pycache__"}
        paths = [path for path in ROOT.rglob("*") if not hidden & set(path.parts)]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def pins(lock: str) -> dict[str, Version]:
    """Package -> version of a lock, whose entries must be exact pins with hashes and nothing else."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text("utf-8")
    entries = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    found = {}
    for entry in entries:
        requirement, *hashes = entry.split("--hash=")
        assert hashes, f"{lock}.lock: no hash: {entry!r}"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", item.strip()) for item in hashes), entry[:80]
        parsed = Requirement(requirement)
        (specifier,) = parsed.specifier
        assert specifier.operator == "==", f"{lock}.lock: no exact pin: {requirement!r}"
        assert parsed.url is None, f"{lock}.lock: an address: {requirement!r}"
        found[canonicalize_name(parsed.name)] = Version(specifier.version)
    return found


@pytest.mark.parametrize("search", [index_hosts, machine_paths])
def test_no_file_names_a_package_index_or_a_path_of_one_machine(
    search: Callable[[str], list[str]],
) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {hits[0]!r}"
        for path in project_files()
        if (hits := search(path.read_bytes().decode("utf-8", "replace")))
    ]
    assert not found, "\n".join(found)


def test_a_path_of_one_machine_and_a_package_index_are_recognised() -> None:
    assert machine_paths(f"see {ROOT}/README.md") == [f"{ROOT}/"]
    assert machine_paths(f'"{Path.home()}/models"') == [f"{Path.home()}/"]
    assert machine_paths("/home" + "/carol/models/x.gguf")
    assert not machine_paths("/home/user/models/x.gguf and a/home/carol")
    assert index_hosts("https://" + "pypi." + "org/simple")


def test_no_file_is_large() -> None:
    limit = 2 * 2**20
    large = [str(path.relative_to(ROOT)) for path in project_files() if path.stat().st_size > limit]
    assert not large, f"larger than {limit} bytes: {large}"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_what_pyproject_asks_for(lock: str) -> None:
    pinned = pins(lock)
    wanted = [
        *PYPROJECT["project"]["dependencies"],
        *PYPROJECT["dependency-groups"]["build-backend"],
        *(line for extra in LOCKS[lock] for line in EXTRAS[extra]),
    ]
    for line in wanted:
        requirement = Requirement(line)
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{lock}.lock lacks {line}; run make lock"
        assert version in requirement.specifier, f"{lock}.lock has {version} for {line}; run make lock"


def test_locks_agree_on_every_version() -> None:
    everything = pins("all")
    for lock in LOCKS:
        for name, version in pins(lock).items():
            assert everything[name] == version, f"{name} in {lock}.lock and all.lock; run make lock"


def test_every_dependency_is_bounded_on_both_sides() -> None:
    lines = [
        *PYPROJECT["project"]["dependencies"],
        *(line for lines in EXTRAS.values() for line in lines),
    ]
    for line in lines:
        operators = {item.operator for item in Requirement(line).specifier}
        assert operators == {"=="} or {">=", "<"} <= operators, line


def test_the_version_is_the_newest_one_in_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (?:Unreleased|\d{4}-\d{2}-\d{2})$", text, re.MULTILINE)
    assert versions, "CHANGELOG.md has no version heading"
    assert versions[0] == chimera_pipeline.__version__
    assert versions == sorted(versions, key=Version, reverse=True)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_documents_name_make_targets_and_files_that_exist(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z-]+)", text, re.MULTILINE))
    assert named <= targets, f"{document} names {sorted(named - targets)}"
    for reference in re.findall(r"`([\w./-]+\.(?:md|py|toml|yaml|lock))`", text):
        places = [ROOT / reference, ROOT / "requirements" / reference]
        assert any(place.exists() for place in places), f"{document} names {reference}"


def test_dagster_finds_one_code_location() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text("utf-8"))
    (entry,) = workspace["load_from"]
    assert entry["python_module"]["module_name"] == "chimera_pipeline.definitions"
    assert entry["python_module"]["attribute"] == "defs"


@pytest.mark.parametrize("file", ["dagster.yaml", "production/dagster.yaml"])
def test_a_dagster_instance_is_safe_to_leave_alone(file: str) -> None:
    config = yaml.safe_load((ROOT / "dagster_home" / file).read_text("utf-8"))
    assert config["telemetry"] == {"enabled": False}
    assert config["concurrency"]["pools"]["default_limit"] == 1
    assert config["concurrency"]["pools"]["granularity"] == "op"
    assert config["run_monitoring"]["enabled"] is True
    assert config["run_monitoring"]["free_slots_after_run_end_seconds"] > 0
    assert config["run_monitoring"]["max_runtime_seconds"] > 0
    assert config["run_retries"]["retry_on_asset_or_op_failure"] is False
