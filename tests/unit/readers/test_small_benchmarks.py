"""vitest, Bencher, github-action-benchmark, gungraun, Otava and console tables. Every value is invented."""

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


def test_vitest_is_milliseconds_and_a_benchmark_that_threw_failed() -> None:
    good = {
        "id": "1", "name": "normal", "rank": 1, "samples": [], "min": 1.0, "max": 4.0, "mean": 2.0, "sd": 0.5,
        "median": 1.5, "p75": 3.0, "p99": 3.9, "p999": 4.0, "sampleCount": 100, "hz": 500,
    }  # fmt: skip
    boom = {"id": "2", "name": "boom", "rank": 2, "rme": 0, "samples": []}
    group = {"fullName": "a.bench.js > sort", "benchmarks": [good, boom]}
    reading = read({"files": [{"filepath": "/x/a.bench.js", "groups": [group]}]})
    row, failed = reading.rows["timings"]
    assert (row["suite"], row["case"], row["n"], row["ddof"]) == ("a.bench.js", "sort/normal", 100, 1)
    assert (row["mean_s"], row["std_s"], row["p99_s"]) == (0.002, 0.0005, 0.0039)
    assert (failed["status"], reading.records_ok, reading.records_failed) == ("failed", 1, 1)
    found = [(item["statistic"], item["value"]) for item in reading.rows["measurements"]]
    assert found == [("p75", 0.003), ("p99.9", 0.004)]


def test_bencher_measures_have_fixed_units() -> None:
    reading = read(
        {
            "f": {
                "latency": {"value": 88.0, "lower_value": 87.0, "upper_value": 89.0},
                "throughput": {"value": 5.0},
            },
            "g": {"instructions": {"value": 1800}, "my-score": {"value": 3.5}},
        }
    )
    assert [row["mean_s"] for row in reading.rows["timings"]] == [8.8e-08]
    assert reading.rows["throughputs"][0]["rate_unit"] == "ops/s"
    found = [(row["metric"], row["case"], row["value"]) for row in reading.rows["measurements"]]
    assert found == [("instructions", "g", 1800.0), ("tracked_value", "g/my-score", 3.5)]
    assert reading.records_ok == 4


def test_an_object_with_more_than_value_and_bounds_is_not_bencher() -> None:
    reading = read({"f": {"latency": {"value": 88.0, "unit": "ms"}}})
    assert reading.tool != "bencher"


CUSTOM = [
    {"name": "CPU Load", "unit": "Percent", "value": 50, "range": "5%", "extra": "text"},
    {"name": "Memory", "unit": "Megabytes", "value": 100},
    {"name": "fib", "unit": "ms", "value": 12.5},
    {"name": "rate", "unit": "ops/sec", "value": 7},
]


def test_the_unit_of_a_custom_value_decides() -> None:
    reading = read(CUSTOM)
    found = [(row["case"], row["value"], row["unit"]) for row in reading.rows["measurements"]]
    assert found == [("CPU_Load", 50.0, "Percent"), ("Memory", 1e8, "bytes")]
    assert reading.rows["timings"][0]["mean_s"] == 0.0125
    assert reading.rows["throughputs"][0]["rate_unit"] == "ops/s"
    assert reading.records_ok == 4


def history(tool: str, **bench: Any) -> str:
    run = {
        "commit": {"id": "f74462c5c65339cde0f72c68", "timestamp": "2020-01-01T00:00:00Z"},
        "date": 1774262593911, "tool": tool, "benches": [{"name": "a", "value": 100, **bench}],
    }  # fmt: skip
    return "window.BENCHMARK_DATA = " + json.dumps({"lastUpdate": 1, "entries": {"My suite": [run]}}) + ";\n"


def test_the_history_is_dated_by_the_action_and_not_by_the_commit() -> None:
    reading = read(history("cargo", unit="ns/iter", range="± 5"), Format.OTHER)
    (row,) = reading.rows["timings"]
    assert (row["median_s"], row["suite"]) == (1e-07, "My_suite")
    assert row["run_id"] == "f74462c5c653-1774262593911"
    assert row["measured_at"] == "2026-03-23T10:43:13.911000+00:00"
    assert row["locator"] == "/entries/My suite/0/benches/0"
    assert "std_s" not in row


def test_a_pytest_entry_of_the_history_is_a_rate_over_its_rounds() -> None:
    text = history("pytest", unit="iter/sec", extra="mean: 10 msec\nrounds: 510")
    (row,) = read(text, Format.OTHER).rows["throughputs"]
    assert (row["rate_mean"], row["rate_unit"], row["n"]) == (100.0, "iterations/s", 510)


def test_a_truncated_history_is_refused_with_a_reason() -> None:
    reading = read(history("go", unit="ns/op")[:120], Format.OTHER)
    assert (reading.status, reading.reason) == (ArtifactStatus.QUARANTINED, "truncated")


def older(metrics: dict[str, Any]) -> dict[str, Any]:
    total = {"summary": {"Ir": {"metrics": metrics}}}
    return {"callgrind_summary": {"callgrind_run": {"total": total}}}


GUNGRAUN = {
    "kind": "LibraryBenchmark",
    "module_path": "g::grp::bench_fib", "id": "short", "benchmark_exe": "target/x",
    "function_name": "bench_fib", "duration_ns": 251615919,
}  # fmt: skip


@pytest.mark.parametrize(
    "summary",
    [
        {"profiles": [{"data": {"total": {"metrics": {"Ir": {"values": {"new": 1802, "old": 9}}}}}}]},
        {"callgrind_summary": {"callgrind_run": {"total": {"summary": {"Ir": {"metrics": {"Both": [1802, 9]}}}}}}},
        older({"Both": [1802, 9]}),
        older({"Left": 1802}),
    ],
)
def test_instruction_counts_are_no_times(summary: dict[str, Any]) -> None:
    reading = read({**GUNGRAUN, **summary})
    assert "timings" not in reading.rows
    (row,) = reading.rows["measurements"]
    assert (row["metric"], row["statistic"], row["value"]) == ("instructions", "count", 1802.0)
    assert row["case"] == "g::grp::bench_fib::short"


def test_the_console_of_iai_and_gungraun_gives_the_new_count() -> None:
    text = (
        "g::grp::bench_fib short:(10)\n"
        "  Instructions:                1,802|1700                 (+6.0%) [+1.06x]\n"
        "  L1 Hits:                      2573|2573                 (No change)\n"
        "  Estimated Cycles:             2643|2643                 (No change)\n"
    )
    reading = read(text, Format.TEXT)
    found = [(row["metric"], row["value"], row["locator"]) for row in reading.rows["measurements"]]
    assert found == [("instructions", 1802.0, "line 2"), ("estimated_cycles", 2643.0, "line 4")]
    assert reading.records_ok == 1


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2024.01.02 3:00:00 +0100", "2024-01-02T02:00:00.000000+00:00"),
        ("1609466400", "2021-01-01T02:00:00.000000+00:00"),
    ],
)
def test_an_otava_history_has_values_without_unit(stamp: str, expected: str) -> None:
    text = f"time;commit;branch;metric1;metric2\n{stamp};aaa0;main;154023;10.43\n"
    reading = read(text, Format.CSV)
    found = [(row["case"], row["value"], row["unit"]) for row in reading.rows["measurements"]]
    assert found == [("metric1", 154023.0, "as stated"), ("metric2", 10.43, "as stated")]
    assert {row["measured_at"] for row in reading.rows["measurements"]} == {expected}
    assert (reading.records_ok, reading.rows["measurements"][0]["suite"]) == (1, "main")


CATCH2 = """
benchmark name                                  samples       iterations    estimated
                                                mean          low mean      high mean
                                                std dev       low std dev   high std dev
-------------------------------------------------------------------------------
Fibonacci 20                                              100             2     8.3712 ms
                                                    41.731 us      41.25 us     42.622 us
                                                     3.256 us      2.163 us      5.353 us

Too fast                                                  100         76353          0 ns
                                                         0 ns          0 ns          0 ns
                                                         0 ns          0 ns          0 ns
"""


def test_catch2_prints_a_unit_in_every_cell() -> None:
    reading = read(CATCH2, Format.TEXT)
    row, fast = reading.rows["timings"]
    assert (row["case"], row["n"], row["locator"]) == ("Fibonacci_20", 100, "line 6")
    assert (row["mean_s"], row["std_s"]) == pytest.approx((4.1731e-05, 3.256e-06))
    assert fast["mean_s"] is None


def test_benchmark_js_states_runs_and_operations_per_second() -> None:
    text = "fib(10) x 1,431,759 ops/sec ±0.74% (93 runs sampled)\nslow x 81.61 ops/sec ±1.70% (69 runs sampled)\n"
    fast, slow = read(text, Format.TEXT).rows["throughputs"]
    assert (fast["rate_mean"], fast["n"]) == (1431759.0, 93)
    assert (slow["case"], slow["rate_mean"]) == ("slow", 81.61)


def test_julia_trials_are_samples_and_estimates_one_time() -> None:
    trial = ["Trial", {"times": [10.0, 30.0], "memory": 16, "allocs": 1}]
    estimate = ["TrialEstimate", {"time": 20.0, "memory": 0}]
    group = ["BenchmarkGroup", {"data": {"fib": ["BenchmarkGroup", {"data": {"10": trial, "20": estimate}}]}}]
    reading = read([{"Julia": "1.7.0", "BenchmarkTools": "1.0.0"}, [group]])
    (twenty,) = reading.rows["timings"]
    assert (twenty["case"], twenty["min_s"], reading.records_ok) == ("fib/20", 2e-08, 2)
    samples = [row for row in reading.rows["measurements"] if row["statistic"] == "sample"]
    assert [(row["case"], row["value"]) for row in samples] == [("fib/10", 1e-08), ("fib/10", 3e-08)]
    assert samples[1]["locator"] == "/1/0/1/data/fib/1/data/10/1/times/1"
