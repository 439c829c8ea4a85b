"""What must agree before a release: the tag, the package's version, the changelog, and the files that were built.

    python .ci/release_check.py v1.2.3 [dist]

Prints one line a problem and exits 1; the workflow `release` and `make release-check TAG=v1.2.3` run it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_HEADING = re.compile(r"^## \[([^\]]+)\] - (\S+)$", re.MULTILINE)
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:rc(?:0|[1-9]\d*))?")


def version_of(source: str) -> str:
    """`__version__` of the package's source."""
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    if found is None:
        raise SystemExit("chimera_pipeline/__init__.py: no line __version__ = ...")
    return found[1]


def problems(tag: str, version: str, changelog: str, built: Iterable[str] | None = None) -> list[str]:
    """What does not agree, a sentence each: empty where the release can be made."""
    found = []
    if not _SEMVER.fullmatch(version):
        found.append(f"chimera_pipeline/__init__.py: version {version} is not MAJOR.MINOR.PATCH (or ...rcN)")
    if tag != f"v{version}":
        found.append(f"tag {tag} is not v{version}, the version in chimera_pipeline/__init__.py")
    headings = _HEADING.findall(changelog)
    newest, date = headings[0] if headings else ("none", "")
    if newest != version:
        found.append(f"CHANGELOG.md: its newest heading is {newest}, expected [{version}] - YYYY-MM-DD")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        found.append(f"CHANGELOG.md: [{version}] has {date} in place of the day of the release, YYYY-MM-DD")
    elif not _section(changelog).strip():
        found.append(f"CHANGELOG.md: nothing stands under [{version}]")
    if built is not None:
        wanted = {f"chimera_pipeline-{version}-py3-none-any.whl", f"chimera_pipeline-{version}.tar.gz"}
        found += [f"dist: {name} is missing" for name in sorted(wanted - set(built))]
        found += [f"dist: {name} is of no part of this release" for name in sorted(set(built) - wanted)]
    return found


def _section(changelog: str) -> str:
    """What stands under the newest heading, subheadings left out."""
    parts = re.split(r"^## \[.*$", changelog, flags=re.MULTILINE)
    return re.sub(r"^#.*$", "", parts[1], flags=re.MULTILINE)


def main(arguments: list[str]) -> int:
    """The command."""
    if not 1 <= len(arguments) <= 2:
        print("usage: release_check.py TAG [DIST]", file=sys.stderr)
        return 2
    built = [path.name for path in Path(arguments[1]).iterdir()] if len(arguments) == 2 else None
    version = version_of((ROOT / "chimera_pipeline" / "__init__.py").read_text("utf-8"))
    found = problems(arguments[0], version, (ROOT / "CHANGELOG.md").read_text("utf-8"), built)
    print("\n".join(found) or f"{arguments[0]}: tag, version, changelog{' and files' if built else ''} agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
