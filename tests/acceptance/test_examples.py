"""What examples/ promises: small, readable, reproducible, and no word of the machine they were made on.

The measured files are read as any artifact is. The synthetic ones are made anew from their seed and compared.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import re
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from chimera_pipeline.inventory import changes, scan
from chimera_pipeline.inventory.opening import read_artifact
from chimera_pipeline.metrics import settle
from chimera_pipeline.readers import registry
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ARTIFACTS, HISTORY = EXAMPLES / "artifacts", EXAMPLES / "synthetic_history"
LIMITS = Limits()
ABSOLUTE = re.compile(
    r"(?<![\w./:\\-])/(?:root|home|Users|tmp|work|var|opt|usr|mnt|srv|etc|data|private)(?:/|\b)"
    r"|(?<!\w)[A-Za-z]:\\\\?\w|file://"
)
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w+|(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])|\.local\b|localhost")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def store(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of a folder, settled."""
    root = scan.open_root(str(folder))
    stock = changes.take_stock(root, scan.scan(root), {}, max_bytes=LIMITS.max_file_bytes)
    readings = []
    for artifact in stock:
        data, _ = read_artifact(root.folder, artifact.path, max_bytes=LIMITS.max_file_bytes)
        readings.append((artifact, registry.read(data, artifact.format, LIMITS)))
    return settle.settle(readings)


@pytest.fixture(scope="module")
def measured() -> dict[str, pd.DataFrame]:
    return store(ARTIFACTS)


@pytest.fixture(scope="module")
def history() -> dict[str, pd.DataFrame]:
    return store(HISTORY)


@pytest.fixture(scope="module")
def synthetic() -> ModuleType:
    spec = importlib.util.spec_from_file_location("synthetic_history", EXAMPLES / "measure/synthetic_history.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "path", files(ARTIFACTS) + files(HISTORY), ids=lambda path: path.relative_to(EXAMPLES).as_posix()
)
def test_each_example_is_claimed_by_a_reader_or_is_a_document(path: Path) -> None:
    format = scan.format_of(path.name)
    reading = registry.read(path.read_bytes(), format, LIMITS)
    assert reading.status == ("document" if format is Format.MARKDOWN else "ok"), reading.detail
    assert (reading.tool is None) == (format is Format.MARKDOWN)


def test_the_examples_stay_under_a_megabyte() -> None:
    assert files(ARTIFACTS)
    assert files(HISTORY)
    assert sum(path.stat().st_size for path in files(EXAMPLES)) < 1_000_000


def test_no_example_tells_a_path_a_host_or_an_address() -> None:
    for path in files(ARTIFACTS) + files(HISTORY):
        text = path.read_text("utf-8")
        for pattern in (ABSOLUTE, ADDRESS):
            found = pattern.search(text)
            assert found is None, f"{path.relative_to(EXAMPLES)}: {found and found.group()!r}"


def test_the_search_for_paths_and_addresses_finds_them() -> None:
    for text in ('"/opt/x"', "model=/home/someone/m.gguf", r"C:\\Users", "file:///tmp"):
        assert ABSOLUTE.search(text), text
    for text in ("me@example.org", "10.0.0.7", "host.local", "http://localhost:1"):
        assert ADDRESS.search(text), text
    assert not ABSOLUTE.search("examples/measure/bench_project.py::test_a and tokens/data")


def test_pytest_benchmark_files_name_no_machine_and_no_commit() -> None:
    found = sorted((ARTIFACTS / "pytest-benchmark").glob("*.json"))
    assert len(found) >= 2
    for path in found:
        value = json.loads(path.read_bytes())
        assert value["machine_info"]["node"] == "example-machine"
        assert value["commit_info"]["id"] == "unversioned"
        assert value["commit_info"]["time"] is None


def test_measured_examples_hold_a_twin_a_summary_and_failed_runs(measured: dict[str, pd.DataFrame]) -> None:
    artifacts = measured["artifacts"].set_index("path")
    threads = artifacts[artifacts.index.str.match(r"requests/.*_threads\.")]
    assert sorted(threads["status"]) == ["duplicate", "ok"]
    imports = artifacts[artifacts.index.str.match(r"hyperfine/imports-")]
    assert sorted(imports["status"]) == ["duplicate", "ok"]
    summary = artifacts.loc["requests/gemma3_270m_parameter_tuning_summary.csv"]
    assert (summary["status"], summary["same_as"]) == (
        "derived",
        "requests/gemma3_270m_parameter_tuning.csv",
    )
    rest = artifacts.drop([*threads.index, *imports.index, summary.name])
    assert set(rest["status"]) == {"ok", "document"}
    failed = artifacts[(artifacts["rows_failed"] > 0) & (artifacts["rows_ok"] == 0)]
    assert [name.partition("/")[0] for name in failed.index] == ["hyperfine", "requests"]
    assert measured["quarantine"].empty


def test_failed_requests_keep_the_words_of_the_error_and_no_number() -> None:
    text = (ARTIFACTS / "requests/gemma3_270m_long_prompts_ctx512.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 5
    for row in rows:
        assert "exceeds the available context size" in row["error"]
        assert not any(row[name] for name in row if name.endswith(("_s", "_count")))


def test_every_configuration_has_five_good_requests_and_a_real_cold_start(
    measured: dict[str, pd.DataFrame],
) -> None:
    requests = measured["llm_requests"]
    good = requests[requests["status"] == "ok"]
    assert good.groupby(["artifact_path", "config"]).size().min() >= 5
    cold = good[good["phase"] == "cold"]
    assert set(cold["artifact_path"]) == set(good["artifact_path"])
    assert cold["load_s"].min() > 0.5
    assert good.loc[good["phase"] == "warm", "load_s"].max() < 0.01
    threads = good[good["artifact_path"].str.contains("_threads")]["config"].map(
        lambda text: json.loads(text)["threads"]
    )
    assert threads.value_counts().to_dict() == {1: 40, 2: 40}


def test_the_synthetic_history_comes_from_its_seed_byte_for_byte(synthetic: ModuleType) -> None:
    made = synthetic.files()
    assert made == {path.relative_to(HISTORY).as_posix(): path.read_bytes() for path in files(HISTORY)}
    assert made != synthetic.files(synthetic.SEED + 1)


def test_every_synthetic_file_and_row_says_that_it_is_synthetic() -> None:
    for path in files(HISTORY):
        assert "synthetic" in path.name or "invented" in path.read_text("utf-8")
        if path.suffix == ".csv":
            for row in csv.DictReader(io.StringIO(path.read_text("utf-8"))):
                assert row["synthetic"] == "yes"
                assert row["model"].startswith("synthetic-model-")


def test_the_synthetic_history_has_a_step_a_missing_month_and_late_rows(
    history: dict[str, pd.DataFrame],
) -> None:
    requests = history["llm_requests"]
    month = requests["measured_at"].dt.strftime("%Y-%m")
    months = sorted(month.unique())
    assert months[0] == "2025-01"
    assert months[-1] == "2025-12"
    assert len(months) == 11
    assert "2025-06" not in months
    named = requests["artifact_path"].str.extract(r"(\d{4}-\d\d)")[0]
    late = requests[named != month]
    assert sorted(set(late["artifact_path"].str[-11:-4])) == ["2025-09", "2025-11"]
    assert (requests["status"] == "failed").any()

    rate = requests.groupby(["model", month >= "2025-08"])["decode_tokens_per_s"].mean().unstack()
    change = rate[True] / rate[False]
    assert change["synthetic-model-a"] == pytest.approx(0.85, abs=0.02)
    assert change["synthetic-model-b"] == pytest.approx(1.0, abs=0.06)
    assert change["synthetic-model-c"] == pytest.approx(1.0, abs=0.01)
