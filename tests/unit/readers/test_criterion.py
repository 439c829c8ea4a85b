"""Criterion files. Layouts as criterion 0.5 and cargo-criterion write them; every value is invented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chimera_pipeline.readers import registry
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits


def read(content: Any, kind: Format = Format.JSON) -> Reading:
    text = content if isinstance(content, str) else json.dumps(content)
    return registry.read(text.encode(), kind, Limits())


def point(value: float) -> dict[str, Any]:
    interval = {"confidence_level": 0.95, "lower_bound": value - 1, "upper_bound": value + 1}
    return {"confidence_interval": interval, "point_estimate": value, "standard_error": 0.5}


ESTIMATES = {
    "mean": point(250.0), "median": point(240.0), "median_abs_dev": point(5.0), "slope": None,
    "std_dev": point(30.0),
}  # fmt: skip


def test_estimates_are_nanoseconds() -> None:
    (row,) = read(ESTIMATES).rows["timings"]
    assert (row["mean_s"], row["median_s"], row["std_s"], row["ddof"]) == (2.5e-07, 2.4e-07, 3e-08, 1)
    assert "n" not in row


def test_two_unnamed_benchmarks_are_never_one_case() -> None:
    other = {**ESTIMATES, "mean": point(251.0)}
    cases = {read(content).rows["timings"][0]["case"] for content in (ESTIMATES, other)}
    assert len(cases) == 2


def test_relative_changes_are_no_times() -> None:
    reading = read({"mean": point(-0.5), "median": point(-0.4)})
    assert (reading.status, reading.rows) == (ArtifactStatus.DOCUMENT, {})


def test_samples_are_time_over_iterations() -> None:
    reading = read({"sampling_mode": "Linear", "iters": [10.0, 20.0], "times": [1000.0, 3000.0]})
    assert "timings" not in reading.rows
    assert [item["value"] for item in reading.rows["measurements"]] == [1e-07, 1.5e-07]
    assert reading.rows["measurements"][1]["locator"] == "/times/1"


def test_a_name_file_is_a_document() -> None:
    assert read({"group_id": "g", "full_id": "g/f", "directory_name": "g/f"}).status is ArtifactStatus.DOCUMENT


def test_raw_csv_is_one_case_of_samples() -> None:
    text = (
        "group,function,value,throughput_num,throughput_type,sample_measured_value,unit,iteration_count\n"
        "g,f,5,1024,bytes,1000.0,ns,10\ng,f,5,1024,bytes,4000.0,ns,20\n"
    )
    reading = read(text, Format.CSV)
    assert {row["case"] for row in reading.rows["measurements"]} == {"g/f/5"}
    assert reading.records_ok == 2
    assert [item["value"] for item in reading.rows["measurements"]] == [1e-07, 2e-07]


def test_a_message_of_cargo_criterion_names_its_benchmark() -> None:
    part = {"estimate": 12.0, "lower_bound": 11.0, "upper_bound": 13.0, "unit": "us"}
    message = {
        "reason": "benchmark-complete", "id": "Queries/all", "iteration_count": [1, 2],
        "measured_values": [11.0, 26.0], "unit": "us", "typical": part, "mean": part, "median": part,
    }  # fmt: skip
    lines = json.dumps(message) + "\n" + json.dumps({"reason": "group-complete", "group_name": "Queries"})
    for reading in (read(message), read(lines, Format.TEXT)):
        (row,) = reading.rows["timings"]
        assert (row["case"], row["mean_s"], row["n"]) == ("Queries/all", 1.2e-05, 2)
        assert [item["value"] for item in reading.rows["measurements"]] == [1.1e-05, 1.3e-05]


def test_the_console_line_holds_an_interval_around_the_estimate() -> None:
    text = (
        "fib 10                  time:   [237.44 ns 289.22 ns 365.78 ns]\n"
        "                        change: [-1.2% +0.3% +2.0%] (p = 0.60 > 0.05)\n"
        "Found 2 outliers among 10 measurements (20.00%)\n"
        "a name that is too long for one line/5\n"
        "                        time:   [1.0000 ms 1.5000 ms 2.0000 ms]\n"
    )
    short, long = read(text, Format.TEXT).rows["timings"]
    assert (short["case"], short["mean_s"], short["n"]) == ("fib_10", pytest.approx(2.8922e-07), 10)
    assert (long["case"], long["mean_s"]) == ("a_name_that_is_too_long_for_one_line/5", 0.0015)
    assert long["locator"] == "line 5"
