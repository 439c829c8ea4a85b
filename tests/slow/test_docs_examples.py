"""The documentation's own examples, run as a reader would: page by page, in an empty folder with the examples beside.

A fence `sh` is run, `sh exit=3` must end with that code; a fence with a title is saved under it
first. A fence `console` is for reading: it starts a server, or names files that the reader has.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(page: Path) -> list[tuple[str, str, str]]:
    """(language, what stands behind it, text) of each fence."""
    return FENCE.findall(page.read_text("utf-8"))


def runnable(page: Path) -> bool:
    return any(language == "sh" for language, _, _ in steps(page))


@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=lambda page: page.stem)
def test_the_examples_of_a_page_work(page: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": str(tmp_path / "home"),
        "NO_COLOR": "1",
        "CHIMERA_LLM": "none",
    }
    environment |= {name: os.environ[name] for name in ("PYTHONPYCACHEPREFIX",) if name in os.environ}
    for language, about, text in steps(page):
        title = re.search(r'title="([^"]+)"', about)
        if title:
            (tmp_path / title[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / title[1]).write_text(text, encoding="utf-8")
        if language != "sh":
            continue
        expected = int(found[1]) if (found := re.search(r"exit=(\d+)", about)) else 0
        for command in text.strip().splitlines():
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == expected, f"{page.name}: {command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            assert done.stdout.strip(), f"{page.name}: {command} printed nothing"


def test_the_site_builds_strictly_and_asks_no_other_host(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    built = list((tmp_path / "site").rglob("*.html"))
    assert len(built) > 15
    loads = re.compile(r"""(?:src|<link[^>]+href)=["']?(https?:)?//""")
    assert [page.name for page in built if loads.search(page.read_text("utf-8"))] == []
