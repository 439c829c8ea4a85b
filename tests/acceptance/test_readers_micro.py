"""Micro-benchmark, load-test and GPU profile readers against the oracle of the sample files.

Every file of these tools is compared: records, failed records, each mean, median and percentile, instants.
Where the oracle is not followed, the exception is proved from the file here.
"""

from __future__ import annotations

import json
import statistics
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chimera_pipeline.inventory.scan import format_of
from chimera_pipeline.readers import registry
from chimera_pipeline.records import ArtifactStatus, Reading
from chimera_pipeline.settings import Limits

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FOLDERS = (
    "tools/asv/", "tools/ci-bench-fixtures/", "tools/google-benchmark/", "tools/hyperfine/", "tools/locust/",
    "tools/pytest-benchmark/", "chimera/reports/profiling/ncu",
)  # fmt: skip

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (DATA / "ORACLE.json").exists(), reason="sample files are not there"),
]


def oracle() -> dict[str, Any]:
    if not (DATA / "ORACLE.json").exists():
        return {}
    files: dict[str, Any] = json.loads((DATA / "ORACLE.json").read_text())["files"]
    return {path: entry for path, entry in files.items() if path.startswith(FOLDERS)}


ORACLE = oracle()
FILES = sorted(ORACLE) or ["none"]


@lru_cache(maxsize=64)
def read(path: str) -> Reading:
    return registry.read((DATA / path).read_bytes(), format_of(path), Limits())


def times(path: str) -> list[float]:
    """The value of each timing that succeeded, in the statistic that its tool states."""
    found = []
    for row in read(path).rows.get("timings", []):
        stated = [row[key] for key in ("mean_s", "median_s", "min_s") if row.get(key) is not None]
        found += stated[:1]
    return found


@pytest.mark.parametrize("path", FILES)
def test_records_and_failed_records_agree(path: str) -> None:
    stated, reading = ORACLE[path], read(path)
    if stated["rows"] is not None:
        assert reading.records_ok + reading.records_failed == stated["rows"]
    if stated.get("rows_failed") is not None:
        assert reading.records_failed == stated["rows_failed"]


def distributions() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path, entry in ORACLE.items():
        for name in ("time_s", "mean_s", "mean_of_means_s", "real_time_s"):
            stated = (entry.get("metrics") or {}).get(name)
            if isinstance(stated, dict):
                found.append((path, stated))
    return found or [("none", {})]


PARAMETRIZED = "tools/asv/asv/cheetah/22b920c6-py2.7-Cython-numpy1.8.json"


@pytest.mark.parametrize(("path", "stated"), distributions(), ids=lambda item: item if isinstance(item, str) else "")
def test_times_agree(path: str, stated: dict[str, Any]) -> None:
    values = times(path)
    if path == PARAMETRIZED:
        values = [value for value in values if value not in (2.0, 3.0)]
    assert len(values) == stated["n"]
    assert statistics.fmean(values) == pytest.approx(stated["mean"], rel=1e-9)
    assert statistics.median(values) == pytest.approx(stated["p50"], rel=1e-9)
    assert float(np.percentile(values, 95)) == pytest.approx(stated["p95_linear"], rel=1e-9)
    assert (min(values), max(values)) == pytest.approx((stated["min"], stated["max"]), rel=1e-9)


def test_exception_the_oracle_takes_only_the_first_value_of_a_parametrized_benchmark() -> None:
    """It states n = 17; the file holds three values for one of its benchmarks, so there are 19."""
    value = json.loads((DATA / PARAMETRIZED).read_text())["results"]["time_other.time_parameterized"]
    assert value == {"params": [["1", "2", "3"]], "result": [1, 2, 3]}
    rows = {row["case"]: row.get("min_s") for row in read(PARAMETRIZED).rows["timings"]}
    found = [rows[f"time_other.time_parameterized:{word}"] for word in "123"]
    assert found == [1.0, 2.0, 3.0]
    assert len(times(PARAMETRIZED)) == ORACLE[PARAMETRIZED]["metrics"]["time_s"]["n"] + 2


@pytest.mark.parametrize("path", [path for path in FILES if "/asv/" in path])
def test_memory_agrees(path: str) -> None:
    stated = ((ORACLE[path].get("metrics")) or {}).get("mem_bytes")
    found = [row for row in read(path).rows.get("measurements", []) if row["metric"] == "object_bytes"]
    assert [row["value"] for row in found] == ([stated["mean"]] if stated else [])


@pytest.mark.parametrize("path", [path for path in FILES if "hyperfine" in path])
def test_commands_agree(path: str) -> None:
    for row, stated in zip(read(path).rows["timings"], ORACLE[path]["metrics"]["per_command"], strict=True):
        assert row["case"] == stated["command"].replace(" ", "_")
        assert (row["mean_s"], row["std_s"]) == (stated["mean_s"], stated["stddev_s"])
        assert (row["median_s"], row["n"]) == (stated["median_s"], stated["runs"])


@pytest.mark.parametrize("path", [path for path in FILES if "pytest" in path])
def test_rounds_agree(path: str) -> None:
    stated = ORACLE[path]["metrics"]
    rows = read(path).rows["timings"]
    names = [name.replace("[", ":").replace("]", "") for name in stated["names"]]
    assert sorted(row["case"] for row in rows) == sorted(names)
    assert statistics.fmean(row["n"] for row in rows) == stated["rounds"]["mean"]


def test_locust_agrees() -> None:
    path = "tools/locust/proxy_load_tester/load_test_stats.csv"
    (row,) = read(path).rows["serving_runs"]
    stated = ORACLE[path]["metrics"]
    assert (row["requests_ok"], row["requests_failed"]) == (stated["requests"], stated["failures"])
    assert row["e2e_s_mean"] == pytest.approx(stated["response_time_mean_s"])
    assert row["e2e_s_p50"] == pytest.approx(stated["response_time_p50_s"])
    assert row["e2e_s_p99"] == pytest.approx(stated["response_time_p99_s"])
    assert row["requests_per_s"] == pytest.approx(stated["requests_per_s"])


def test_a_kernel_profile_agrees() -> None:
    path = "chimera/reports/profiling/ncu_ollama_raw.csv"
    (row,) = read(path).rows["timings"]
    assert row["mean_s"] == pytest.approx(ORACLE[path]["metrics"]["gpu_time_duration_s"])
    assert row["hardware"] == "NVIDIA_GeForce_RTX_4080_Laptop_GPU"


def test_custom_values_agree() -> None:
    path = "tools/ci-bench-fixtures/github-action-benchmark/customSmallerIsBetter_output.json"
    found = [(row["value"], row["unit"]) for row in read(path).rows["measurements"]]
    assert found == [(50.0, "Percent"), (100e6, "bytes")]


def test_a_jmh_throughput_agrees() -> None:
    path = "tools/ci-bench-fixtures/github-action-benchmark/jmh_output.json"
    (row,) = read(path).rows["throughputs"]
    (stated,) = ORACLE[path]["metrics"]["per_row"]
    assert (row["case"], row["rate_mean"], row["rate_unit"]) == (
        stated["benchmark"],
        stated["score"],
        "ops/s",
    )


@pytest.mark.parametrize("path", FILES)
def test_instants_agree(path: str) -> None:
    stated = ORACLE[path]["timestamp"]
    reading = read(path)
    instants = {row["measured_at"] for rows in reading.rows.values() for row in rows if row.get("measured_at")}
    if "/asv/" in path:
        assert instants == set(), "the oracle gives the date of the commit, which dates no measurement"
    elif stated["value"] and reading.rows:
        at = stated["value"].replace(" ", "T").removesuffix("+00:00")
        assert {instant.removesuffix("+00:00")[: len(at)] for instant in instants} == {at}
    elif path.endswith("benchmarkdotnet.json"):
        assert instants == {"2020-05-29T16:44:31.000000+00:00"}, "the title ends in the time of the run"
    else:
        assert instants == set()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tools/asv/asv/cheetah/aaaaaaaa-py2.7-Cython-numpy1.8.json", ArtifactStatus.QUARANTINED),
        ("tools/asv/asv/cheetah/bbbbbbbb-py2.7-Cython-numpy1.8.json", ArtifactStatus.UNRECOGNISED),
        ("tools/asv/asv/cheetah/machine.json", ArtifactStatus.DOCUMENT),
        ("tools/asv/asv/benchmarks.json", ArtifactStatus.DOCUMENT),
        ("tools/locust/proxy_load_tester/load_test_failures.csv", ArtifactStatus.DOCUMENT),
        ("chimera/reports/profiling/ncu_summary.csv", ArtifactStatus.QUARANTINED),
    ],
)
def test_what_is_no_result_is_told_apart(path: str, status: ArtifactStatus) -> None:
    assert read(path).status is status


@pytest.mark.parametrize("path", FILES)
def test_no_file_of_these_tools_loses_a_place(path: str) -> None:
    reading = read(path)
    assert reading.status is ArtifactStatus.QUARANTINED or not reading.rejections
