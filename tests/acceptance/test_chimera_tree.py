"""The whole line on a real tree of results: the inventory, facts and refusals that are known to be true of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.acceptance.shared import DATA, needs_data, oracle

pytestmark = [needs_data, pytest.mark.shared]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder of `chimera run` over the tree, with run.json and both wall times in it."""
    home = tmp_path_factory.mktemp("chimera")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("CHIMERA_", "DAGSTER_"))}
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "chimera_pipeline.cli", "run", str(DATA / "chimera"), "--llm", "none", "--json"],
            cwd=home, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        seconds.append(time.perf_counter() - started)
        if not (home / "run.json").exists():
            (home / "run.json").write_text(done.stdout)
    (home / "seconds.json").write_text(json.dumps(seconds))
    return home


@pytest.fixture(scope="module")
def facts(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "chimera-out/tables/facts")


@pytest.fixture(scope="module")
def artifacts(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "chimera-out/tables/artifacts").set_index("path")


def test_the_inventory_is_the_one_the_seed_report_states(run: Path) -> None:
    found = json.loads((run / "run.json").read_text())["artifacts"]
    assert (found["total"], found["benchmark_files"]) == (104, 101)
    assert found["by_format"] == {"csv": 28, "json": 44, "markdown": 29, "text": 3}


@pytest.mark.parametrize(
    ("entity", "mean", "sd"),
    [("gemma3:latest", 102.20, 0.907), ("gemma3:1b-it-qat", 182.87, 0.834), ("gemma3:270m", 283.56, 25.58)],
)
def test_mean_decode_throughput(facts: pd.DataFrame, entity: str, mean: float, sd: float) -> None:
    rows = facts[(facts["entity"] == entity) & (facts["metric"] == "decode_tokens_per_s") & (facts["n"] == 5)]
    fact = rows[(rows["statistic"] == "mean") & (rows["condition"] == "prompt suite")]
    assert len(fact) == 1
    assert fact.iloc[0]["value"] == pytest.approx(mean, abs=0.005)
    assert fact.iloc[0]["sd"] == pytest.approx(sd, abs=0.005)


def test_total_over_total_is_a_fact_of_its_own(facts: pd.DataFrame) -> None:
    rows = facts[(facts["entity"] == "gemma3:latest") & (facts["statistic"] == "total_over_total") & (facts["n"] == 5)]
    assert rows[rows["condition"] == "prompt suite"].iloc[0]["value"] == pytest.approx(101.90, abs=0.005)


@pytest.mark.parametrize(
    ("entity", "cold"), [("gemma3:latest", 2.326), ("gemma3:1b-it-qat", 2.319), ("gemma3:270m", 7.837)]
)
def test_cold_ttft_is_one_call_apart_from_the_warm_ones(facts: pd.DataFrame, entity: str, cold: float) -> None:
    rows = facts[(facts["entity"] == entity) & (facts["metric"] == "ttft_s") & (facts["unit"] == "s")]
    fact = rows[rows["condition"] == "cold, prompt suite"]
    assert list(fact["statistic"]) == ["sample"]
    assert list(fact["n"]) == [1]
    assert fact.iloc[0]["value"] == pytest.approx(cold, abs=0.0005)
    warm = rows[(rows["condition"] == "warm, prompt suite") & (rows["statistic"] == "mean")]
    assert list(warm["n"]) == [4]


def test_no_mean_rests_on_one_sample_and_no_tail_on_a_few(facts: pd.DataFrame) -> None:
    means = facts[facts["statistic"] == "mean"]
    assert not (means["n"] < 2).any()
    computed = facts[facts["grade"] != "reported"]
    assert not computed["statistic"].isin(["p90", "p95", "p99"]).any()


def test_failed_rows_are_counted_and_give_no_value(run: Path) -> None:
    requests = pd.read_parquet(run / "chimera-out/tables/llm_requests")
    failed = requests[requests["status"] == "failed"]
    assert len(failed) == 86
    measured = [
        "ttft_s",
        "load_s",
        "prompt_eval_s",
        "eval_s",
        "total_s",
        "decode_tokens_per_s",
        "output_tokens",
    ]
    assert failed[measured].isna().all(axis=None)


def test_copies_and_twins_are_counted_once(artifacts: pd.DataFrame) -> None:
    known = oracle()
    for group in known["exact_duplicates"]:
        inside = [path.removeprefix("chimera/") for path in group if path.startswith("chimera/")]
        if len(inside) > 1:
            statuses = sorted(artifacts.loc[inside, "status"])
            assert statuses.count("duplicate") >= len(inside) - 1, inside
    for entry in known["same_measurements"]:
        inside = [path.removeprefix("chimera/") for path in entry["files"] if path.startswith("chimera/")]
        if len(inside) == 2:
            assert sorted(artifacts.loc[inside, "status"]) == ["duplicate", "ok"], inside


def test_summaries_are_derived_from_the_files_that_the_oracle_names(artifacts: pd.DataFrame) -> None:
    for entry in oracle()["derived"]:
        path = entry["derived"].removeprefix("chimera/")
        if entry["verified"] is not True or path not in artifacts.index or not path.endswith((".csv", ".json")):
            continue
        row = artifacts.loc[path]
        assert row["status"] in ("derived", "duplicate"), path


def test_records_agree_with_the_oracle_file_by_file(artifacts: pd.DataFrame) -> None:
    """Every file that a reader claims; a markdown twin's failed rows are unknown to the oracle (null)."""
    disagreeing = []
    for path, known in oracle()["files"].items():
        name = path.removeprefix("chimera/")
        if not path.startswith("chimera/") or artifacts.loc[name, "tool"] is None or known["rows"] is None:
            continue
        row = artifacts.loc[name]
        found = (int(row["rows_ok"] + row["rows_failed"]), int(row["rows_failed"]))
        failed = known["rows_failed"] if known["rows_failed"] is not None else found[1]
        if found != (known["rows"], failed):
            disagreeing.append((name, found, (known["rows"], failed)))
    assert not disagreeing


def test_means_of_requests_agree_with_the_oracle_file_by_file(run: Path, artifacts: pd.DataFrame) -> None:
    rows = pd.read_parquet(run / "chimera-out/tables/measurements")
    rows = rows[(rows["status"] == "ok") & (rows["statistic"] == "sample")]
    names = {
        "generation_time_s": "total_s", "end_to_end_tokens_per_s": "end_to_end_tokens_per_s", "ttft_s": "ttft_s",
        "decode_tokens_per_s": "decode_tokens_per_s", "load_s": "load_s", "prompt_eval_s": "prompt_eval_s",
        "eval_s": "eval_s", "output_tokens": "output_tokens", "prompt_tokens": "prompt_tokens",
    }  # fmt: skip
    compared = 0
    for path, known in oracle()["files"].items():
        name = path.removeprefix("chimera/")
        if not path.startswith("chimera/") or artifacts.loc[name, "status"] != "ok" or not known["metrics"]:
            continue
        for theirs, ours in names.items():
            stated = known["metrics"].get(theirs)
            if not isinstance(stated, dict):
                continue
            values = rows.loc[(rows["artifact_path"] == name) & (rows["metric"] == ours), "value"]
            assert len(values) == stated["n"], (name, ours)
            assert values.mean() == pytest.approx(stated["mean"], rel=1e-9), (name, ours)
            assert values.median() == pytest.approx(stated["p50"], rel=1e-9), (name, ours)
            compared += 1
    assert compared > 70


def test_a_second_run_takes_less_than_three_fifths_of_the_first(run: Path) -> None:
    first, second = json.loads((run / "seconds.json").read_text())
    assert second < 0.6 * first


def test_every_source_of_a_fact_is_a_file_of_the_tree(facts: pd.DataFrame, artifacts: pd.DataFrame) -> None:
    for text in facts["sources"]:
        for source in json.loads(text):
            path = source.partition("#")[0]
            assert str(artifacts.loc[path, "sha256"]).startswith(source.rpartition("@")[2])
