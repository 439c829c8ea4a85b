"""The reader that docs/howto/write-a-reader.md shows, installed as somebody else's package and used by the command."""

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from tests.e2e.test_cli import chimera

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "write-a-reader.md"
FILES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))


def installed(site: Path) -> None:
    """What `pip install .` leaves in a folder on the import path."""
    project = tomllib.loads(FILES["pyproject.toml"])
    for module in project["tool"]["setuptools"]["py-modules"]:
        (site / f"{module}.py").write_text(FILES[f"{module}.py"])
    name, version = project["project"]["name"], project["project"]["version"]
    about = site / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = project["project"]["entry-points"]
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in found.items())
        for group, found in groups.items()
    ]
    (about / "entry_points.txt").write_text("\n".join(lines))


def test_the_reader_of_the_page_reads_the_file_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "results").mkdir()
    installed(tmp_path / "site")
    (tmp_path / "results" / "stopwatch.txt").write_text(FILES["results/stopwatch.txt"])
    done = chimera("run", "results", "--llm", "none", cwd=tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 0, done.stderr
    assert "1 file (1 ok), 5 measurements" in done.stderr
    artifacts = pd.read_parquet(tmp_path / "chimera-out" / "tables" / "artifacts")
    assert artifacts.loc[0, ["status", "tool", "rows_ok", "rows_failed"]].tolist() == ["ok", "stopwatch", 5, 1]
    timings = pd.read_parquet(tmp_path / "chimera-out" / "tables" / "timings")
    assert sorted(timings["mean_s"].dropna()) == pytest.approx([0.008, 0.0081, 0.0125, 0.0129, 0.0134])
    assert timings.loc[timings["case"] == "blur", ["status", "error_kind"]].to_numpy().tolist() == [
        ["failed", "timeout"]
    ]
