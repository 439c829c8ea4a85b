"""pytest-benchmark json. Layouts as the tool writes them; every value is invented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chimera_pipeline.readers import registry
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits


def read(value: Any) -> Reading:
    return registry.read(json.dumps(value).encode(), Format.JSON, Limits())


def file(**stats: Any) -> dict[str, Any]:
    entry = {
        "group": None,
        "name": "test_sort[3]",
        "fullname": "tests/test_speed.py::TestSort::test_sort[3]",
        "params": {"n": 3},
        "options": {"disable_gc": False, "timer": "perf_counter", "min_rounds": 5, "warmup": False},
        "stats": {
            "min": 0.001, "max": 0.004, "mean": 0.002, "stddev": 0.0012, "rounds": 4, "median": 0.0015,
            "q1": 0.001, "q3": 0.003, "iterations": 10, "outliers": "1;0", **stats,
        },
    }  # fmt: skip
    return {
        "machine_info": {
            "node": "host",
            "python_implementation": "CPython",
            "python_version": "3.12.1",
            "cpu": {"brand_raw": "Intel(R) Core(TM) i5-2520M CPU @ 2.50GHz"},
        },
        "commit_info": {"id": "abc", "time": "2020-01-01T00:00:00+00:00"},
        "benchmarks": [entry],
        "datetime": "2024-05-06T07:08:09.123456+00:00",
        "version": "5.0.0",
    }


def test_a_benchmark_is_one_timing_in_seconds() -> None:
    reading = read(file())
    (row,) = reading.rows["timings"]
    assert (reading.tool, reading.records_ok, reading.records_failed) == ("pytest-benchmark", 1, 0)
    assert row["case"] == "TestSort::test_sort:3"
    assert row["suite"] == "tests/test_speed.py"
    assert (row["mean_s"], row["std_s"], row["ddof"], row["n"]) == (0.002, 0.0012, 1, 4)
    assert (row["min_s"], row["median_s"], row["max_s"]) == (0.001, 0.0015, 0.004)
    assert row["hardware"] == "Intel_Core_i5-2520M_CPU_@_2.50GHz"
    assert row["engine"] == "CPython-3.12.1"
    assert row["config"] == {"timer": "perf_counter", "disable_gc": False, "warmup": False}
    assert row["locator"] == "/benchmarks/0"


def test_the_time_of_the_run_counts_and_not_that_of_the_commit() -> None:
    (row,) = read(file()).rows["timings"]
    assert row["measured_at"] == "2024-05-06T07:08:09.123456+00:00"
    assert row["time_naive"] is False


def test_a_time_without_zone_is_utc_since_the_tool_writes_utcnow() -> None:
    (row,) = read({**file(), "datetime": "2015-08-15T00:01:51.557705"}).rows["timings"]
    assert (row["measured_at"], row["time_naive"]) == ("2015-08-15T00:01:51.557705+00:00", False)


def test_quartiles_go_to_measurements() -> None:
    extras = {(row["statistic"], row["value"], row["n"]) for row in read(file()).rows["measurements"]}
    assert extras == {("p25", 0.001, 4), ("p75", 0.003, 4)}


def test_raw_data_are_samples_of_one_each() -> None:
    reading = read(file(data=[0.001, 0.001, 0.002, 0.004]))
    samples = [row for row in reading.rows["measurements"] if row["statistic"] == "sample"]
    assert [row["value"] for row in samples] == [0.001, 0.001, 0.002, 0.004]
    assert {row["n"] for row in samples} == {1}
    assert samples[2]["locator"] == "/benchmarks/0/stats/data/2"


@pytest.mark.parametrize("data", [[0.001, 0.002], [0.001, 0.001, 0.002, "omitted"]])
def test_raw_data_that_were_cut_are_not_read(data: list[Any]) -> None:
    statistics = {row["statistic"] for row in read(file(data=data)).rows["measurements"]}
    assert "sample" not in statistics


def test_one_round_has_no_standard_deviation() -> None:
    reading = read(file(rounds=1, stddev=0, min=0.002, max=0.002, median=0.002))
    (row,) = reading.rows["timings"]
    assert row["std_s"] is None
    assert "ddof" not in row
    assert "measurements" not in reading.rows


def test_an_entry_without_statistics_failed() -> None:
    value = file()
    value["benchmarks"][0]["stats"] = None
    reading = read(value)
    (row,) = reading.rows["timings"]
    assert (row["status"], reading.records_failed, reading.records_ok) == ("failed", 1, 0)
    assert "mean_s" not in row


def test_an_old_file_without_cpu_ops_and_total_is_read() -> None:
    value = file()
    value["machine_info"] = {"python_version": "2.7.3", "python_implementation": "CPython"}
    value["version"] = "2.5.0"
    (row,) = read(value).rows["timings"]
    assert row["mean_s"] == 0.002
    assert "hardware" not in row


def test_a_bad_entry_is_refused_and_the_others_stay() -> None:
    value = file()
    value["benchmarks"] += ["text", {**value["benchmarks"][0], "stats": {"mean": "fast", "rounds": 3}}]
    reading = read(value)
    assert reading.status is ArtifactStatus.PARTIAL
    assert (len(reading.rows["timings"]), len(reading.rejections)) == (1, 2)
    assert {rejection.reason for rejection in reading.rejections} == {"unexpected_shape", "bad_number"}


def test_no_benchmarks_is_a_document() -> None:
    assert read({**file(), "benchmarks": []}).status is ArtifactStatus.DOCUMENT
