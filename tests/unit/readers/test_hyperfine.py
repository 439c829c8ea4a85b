"""hyperfine json, csv and markdown, versions 1 and 2. Layouts as the tool writes them; values invented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chimera_pipeline.readers import registry
from chimera_pipeline.records import Format, Reading
from chimera_pipeline.settings import Limits


def read(text: str, kind: Format = Format.JSON) -> Reading:
    return registry.read(text.encode(), kind, Limits())


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "command": "sleep 0.1", "mean": 0.12, "stddev": 0.02, "median": 0.11, "user": 0.03, "system": 0.01,
        "min": 0.11, "max": 0.14, "times": [0.11, 0.11, 0.14], "memory_usage_byte": [100, 200, 300],
        "exit_codes": [0, 0, 0], **changes,
    }  # fmt: skip


def first(*entries: dict[str, Any]) -> Reading:
    return read(json.dumps({"results": list(entries)}))


def test_a_command_is_one_timing_with_its_runs_beside_it() -> None:
    reading = first(entry())
    (row,) = reading.rows["timings"]
    assert (row["case"], row["n"], row["ddof"]) == ("sleep_0.1", 3, 1)
    assert (row["mean_s"], row["std_s"], row["median_s"]) == (0.12, 0.02, 0.11)
    assert "measured_at" not in row
    found = [(item["metric"], item["statistic"], item["value"]) for item in reading.rows["measurements"]]
    assert found == [
        ("cpu_user_s", "mean", 0.03),
        ("cpu_system_s", "mean", 0.01),
        ("time_s", "sample", 0.11),
        ("time_s", "sample", 0.11),
        ("time_s", "sample", 0.14),
        ("peak_memory_bytes", "sample", 100.0),
        ("peak_memory_bytes", "sample", 200.0),
        ("peak_memory_bytes", "sample", 300.0),
    ]


@pytest.mark.parametrize("codes", [[0, 1, 0], [3], [None, 0]])
def test_a_command_that_exited_otherwise_or_was_killed_failed(codes: list[Any]) -> None:
    reading = first(entry(exit_codes=codes))
    (row,) = reading.rows["timings"]
    assert (row["status"], row["error_kind"], reading.records_failed) == ("failed", "nonzero_exit", 1)
    assert not {"mean_s", "std_s", "n", "min_s"} & set(row)
    assert "measurements" not in reading.rows


def test_an_error_inside_the_command_text_is_a_failure_without_exit_codes() -> None:
    broken = entry(command="[ERROR] cmd not found", times=[9e-06, 0.0, 0.0])
    del broken["exit_codes"]
    assert first(broken).rows["timings"][0]["status"] == "failed"


def test_times_that_are_all_zero_are_no_measurement() -> None:
    reading = first(entry(mean=0, stddev=0, median=0, min=0, max=0, times=[0, 0]))
    assert (reading.rows["timings"][0]["error_kind"], reading.records_failed) == ("no_output", 1)


def test_one_run_has_no_standard_deviation() -> None:
    (row,) = first(entry(stddev=None, times=[0.12], exit_codes=[0])).rows["timings"]
    assert (row["std_s"], row["n"]) == (None, 1)
    assert "ddof" not in row


def test_an_old_file_without_median_times_and_codes_is_read() -> None:
    old = {key: entry()[key] for key in ("command", "mean", "stddev", "user", "system", "min", "max")}
    (row,) = first(old).rows["timings"]
    assert row["mean_s"] == 0.12
    assert not {"n", "median_s"} & set(row)


def test_commands_of_one_name_are_told_apart_by_their_parameters() -> None:
    reading = first(entry(parameters={"n": "1"}), entry(parameters={"n": "2"}))
    assert [row["case"] for row in reading.rows["timings"]] == ["sleep_0.1:n:1", "sleep_0.1:n:2"]


def test_the_csv_is_in_seconds() -> None:
    text = "command,mean,stddev,median,user,system,min,max,parameter_n\nsleep 1,1.5,0.1,1.4,0.1,0.2,1.3,1.7,4\n"
    (row,) = read(text, Format.CSV).rows["timings"]
    assert (row["case"], row["mean_s"], row["locator"]) == ("sleep_1", 1.5, "row 1")


def test_the_markdown_table_states_its_unit() -> None:
    text = (
        "| Command | Mean [ms] | Min [ms] | Max [ms] | Relative |\n|:---|---:|---:|---:|---:|\n"
        "| `sleep 0.01` | 12.2 ± 0.1 | 12.0 | 12.4 | 1.00 |\n"
    )
    reading = read(text, Format.MARKDOWN)
    (row,) = reading.rows["timings"]
    assert row["case"] == "sleep_0.01"
    times = (row["mean_s"], row["std_s"], row["min_s"])
    assert times == pytest.approx((0.0122, 0.0001, 0.012))
    assert reading.precision["timings"]["mean_s"] == 0.00005


def second(code: int = 0) -> str:
    def run(value: float) -> dict[str, Any]:
        return {"time_wall_clock": {"value": value, "unit": "millisecond"}, "exit_code": code}

    wall = {
        "unit": "millisecond",
        "count": 2,
        "mean": 15.0,
        "stddev": 7.0,
        "median": 15.0,
        "min": 10,
        "max": 20,
    }
    memory = {"unit": "byte", "count": 2, "mean": 4096.0}
    result = {
        "command": "a",
        "measurements": [run(10.0), run(20.0)],
        "summary": {"time_wall_clock": wall, "memory_peak_resident": memory},
    }
    metadata = {"hyperfine_version": "2.0.0", "start_time": "2026-11-23T10:31:51Z"}
    return json.dumps({"schema_version": 2, "metadata": metadata, "results": [result]})


def test_version_2_states_units_and_a_start_time() -> None:
    reading = read(second())
    (row,) = reading.rows["timings"]
    assert (row["mean_s"], row["std_s"], row["n"], row["ddof"]) == (0.015, 0.007, 2, 1)
    assert row["measured_at"] == "2026-11-23T10:31:51.000000+00:00"
    found = [(item["metric"], item["statistic"], item["value"]) for item in reading.rows["measurements"]]
    assert found == [
        ("peak_memory_bytes", "mean", 4096.0),
        ("time_s", "sample", 0.01),
        ("time_s", "sample", 0.02),
    ]
    assert reading.rows["measurements"][2]["locator"] == "/results/0/measurements/1/time_wall_clock/value"


def test_version_2_fails_by_exit_code_too() -> None:
    assert read(second(code=1)).records_failed == 1


def test_the_csv_of_version_2_has_a_unit_column() -> None:
    text = (
        "command,time_wall_clock_unit,time_wall_clock_mean,time_wall_clock_stddev,time_wall_clock_median,"
        "time_wall_clock_min,time_wall_clock_max\na,ms,15,7,15,10,20\n"
    )
    (row,) = read(text, Format.CSV).rows["timings"]
    assert (row["mean_s"], row["max_s"]) == (0.015, 0.02)
