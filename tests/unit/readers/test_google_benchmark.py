"""Google Benchmark json and csv. Layouts as the tool writes them (1.7); every value is invented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chimera_pipeline.readers import registry
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits

CONTEXT = {
    "date": "2026-11-23T10:12:48+02:00",
    "host_name": "h",
    "num_cpus": 2,
    "library_build_type": "release",
}


def read(*entries: dict[str, Any], context: Any = CONTEXT) -> Reading:
    value = {"context": context, "benchmarks": list(entries)}
    return registry.read(json.dumps(value).encode(), Format.JSON, Limits())


def entry(name: str = "BM_S/8", **changes: Any) -> dict[str, Any]:
    return {
        "name": name, "run_name": name, "run_type": "iteration", "repetitions": 1, "threads": 1,
        "iterations": 1000, "real_time": 250.0, "cpu_time": 200.0, "time_unit": "ns", **changes,
    }  # fmt: skip


def aggregate(kind: str, value: float, **changes: Any) -> dict[str, Any]:
    return entry(
        f"BM_S/8_{kind}", run_name="BM_S/8", run_type="aggregate", aggregate_name=kind, repetitions=3,
        iterations=3, real_time=value, **changes,
    )  # fmt: skip


def test_a_repetition_is_one_sample_in_its_own_unit() -> None:
    reading = read(entry(), entry("slow", time_unit="ms", real_time=4.0))
    fast, slow = reading.rows["timings"]
    assert (fast["case"], fast["mean_s"], fast["n"]) == ("BM_S/8", 2.5e-07, 1)
    assert slow["mean_s"] == 0.004
    assert fast["measured_at"] == "2026-11-23T08:12:48.000000+00:00"
    assert fast["config"] == {"build_type": "release", "threads": 1}
    cpu = reading.rows["measurements"][0]
    assert (cpu["metric"], cpu["value"], cpu["n"]) == ("cpu_time_s", 2e-07, 1)


def test_aggregates_never_stand_beside_their_repetitions() -> None:
    reading = read(entry(real_time=10.0), entry(real_time=20.0), aggregate("mean", 15.0), aggregate("cv", 0.4))
    assert [row["mean_s"] for row in reading.rows["timings"]] == [1e-08, 2e-08]
    assert reading.records_ok == 4


def test_aggregates_alone_make_one_row_a_case() -> None:
    reading = read(aggregate("mean", 15.0), aggregate("median", 14.0), aggregate("stddev", 2.0))
    (row,) = reading.rows["timings"]
    assert (row["case"], row["n"], row["ddof"]) == ("BM_S/8", 3, 1)
    assert (row["mean_s"], row["median_s"], row["std_s"]) == (1.5e-08, 1.4e-08, 2e-09)
    assert reading.records_ok == 3


def test_aggregates_of_a_file_without_run_type_are_told_by_their_names() -> None:
    old = {"iterations": 10, "cpu_time": 1, "time_unit": "ns"}
    reading = read(
        {"name": "BM_A", "real_time": 10, **old},
        {"name": "BM_A", "real_time": 30, **old},
        {"name": "BM_A_mean", "real_time": 20, **old},
        {"name": "BM_harmonic_mean", "real_time": 5, **old},
    )
    cases = [row["case"] for row in reading.rows["timings"]]
    assert cases == ["BM_A", "BM_A", "BM_harmonic_mean"]


def test_a_skip_with_error_is_a_failed_record_without_times() -> None:
    reading = read(entry(error_occurred=True, error_message="out of memory", real_time=0.0))
    (row,) = reading.rows["timings"]
    assert (row["status"], row["error_kind"], reading.records_failed) == ("failed", "memory", 1)
    assert "mean_s" not in row


def test_a_skip_with_a_message_is_neither_measured_nor_failed() -> None:
    reading = read(entry(skipped=True, skip_message="no gpu"), entry())
    assert (len(reading.rows["timings"]), reading.records_ok, reading.records_failed) == (1, 2, 0)


def test_items_and_bytes_per_second_are_rates() -> None:
    reading = read(entry(items_per_second=8e9, bytes_per_second=2e9))
    rates = [(row["rate_mean"], row["rate_unit"], row["n"]) for row in reading.rows["throughputs"]]
    assert rates == [(8e9, "items/s", 1), (2e9, "bytes/s", 1)]
    assert reading.records_ok == 1


def test_a_debug_build_is_another_series() -> None:
    context = {**CONTEXT, "library_build_type": "debug"}
    (row,) = read(entry(), context=context).rows["timings"]
    assert row["config"]["build_type"] == "debug"


def test_a_local_time_without_zone_is_marked() -> None:
    (row,) = read(entry(), context={**CONTEXT, "date": "2016-08-02 17:44:46"}).rows["timings"]
    assert (row["measured_at"], row["time_naive"]) == ("2016-08-02T17:44:46.000000+00:00", True)


def test_a_date_that_is_none_is_refused_and_the_rows_stay() -> None:
    reading = read(entry(), context={**CONTEXT, "date": "06/10/14 22:37:13"})
    assert reading.status is ArtifactStatus.PARTIAL
    assert "measured_at" not in reading.rows["timings"][0]


def test_an_entry_without_times_carries_no_value() -> None:
    reading = read({"name": "bare", "run_type": "iteration"})
    (row,) = reading.rows["timings"]
    assert "mean_s" not in row
    assert row["status"] == "ok"


def test_complexity_rows_are_no_measurements() -> None:
    big_o = {"name": "BM_C_BigO", "run_name": "BM_C", "run_type": "aggregate", "aggregate_name": "BigO"}
    reading = read(entry("BM_C/8"), {**big_o, "cpu_coefficient": 1.0, "big_o": "N", "time_unit": "ns"})
    assert [row["case"] for row in reading.rows["timings"]] == ["BM_C/8"]


CSV = """name,iterations,real_time,cpu_time,time_unit,bytes_per_second,items_per_second,label,error_occurred,error_message,"my"
"BM_S/8",3575323,5.5,3.5,us,2e+09,8e+08,"lab,el",,,5
"BM_S/8",3575323,6.5,3.5,us,2e+09,8e+08,"lab,el",,,5
"BM_S/8_mean",2,6.0,3.5,us,2e+09,8e+08,"lab,el",,,5
"BM_E",,,,,,,,true,"bad ""thing"\""
"""  # noqa: E501


def test_the_csv_reporter_gives_the_same_rows() -> None:
    reading = registry.read(CSV.encode(), Format.CSV, Limits())
    ok = [row for row in reading.rows["timings"] if row["status"] == "ok"]
    assert [row["mean_s"] for row in ok] == [5.5e-06, 6.5e-06]
    assert ok[0]["locator"] == "row 1"
    assert reading.precision["timings"]["mean_s"] == pytest.approx(5e-08)


def test_the_short_error_line_of_the_csv_reporter_is_a_failed_record() -> None:
    reading = registry.read(CSV.encode(), Format.CSV, Limits())
    (failed,) = [row for row in reading.rows["timings"] if row["status"] == "failed"]
    assert (failed["case"], failed["locator"]) == ("BM_E", "line 5")
    assert (reading.records_ok, reading.records_failed) == (3, 1)
    assert reading.status is ArtifactStatus.OK
