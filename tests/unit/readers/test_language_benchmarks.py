"""Go, libtest, JMH and BenchmarkDotNet. Layouts as the tools write them; every value is invented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chimera_pipeline.readers import registry
from chimera_pipeline.records import Format, Reading
from chimera_pipeline.settings import Limits


def read(content: Any, kind: Format = Format.JSON) -> Reading:
    text = content if isinstance(content, str) else json.dumps(content)
    return registry.read(text.encode(), kind, Limits())


GO = """goos: linux
goarch: amd64
pkg: example.com/x
cpu: AMD EPYC 7B13
BenchmarkFib/sub=a-2 \t    1000\t   250.5 ns/op\t 400.00 MB/s\t  3.000 widgets\t  48 B/op\t  2 allocs/op
BenchmarkFib/sub=a-2 \t    1000\t      2257 ns/op
BenchmarkTiny 1000000000 0.0001 ns/op
--- FAIL: BenchmarkFail
    x_test.go:5: broken
--- BENCH: BenchmarkLog-2
PASS
ok  \texample.com/x\t0.218s
"""


def test_each_go_line_is_one_sample() -> None:
    reading = read(GO, Format.TEXT)
    one, two, tiny, failed = reading.rows["timings"]
    assert one["case"] == two["case"] != tiny["case"]
    assert one["case"].startswith("BenchmarkFib/sub_a-2@")
    assert (one["mean_s"], one["n"], two["mean_s"]) == (2.505e-07, 1, 2.257e-06)
    assert (one["suite"], one["hardware"], one["locator"]) == ("example.com/x", "AMD_EPYC_7B13", "line 5")
    assert failed["status"] == "failed"
    assert (reading.records_ok, reading.records_failed) == (3, 1)


def test_go_rates_and_memory_have_metrics_of_their_own() -> None:
    reading = read(GO, Format.TEXT)
    (rate,) = reading.rows["throughputs"]
    assert (rate["rate_mean"], rate["rate_unit"]) == (4e8, "bytes/s")
    found = [(row["metric"], row["value"], row.get("unit")) for row in reading.rows["measurements"]]
    assert found == [("tracked_value", 3.0, "widgets"), ("alloc_bytes", 48.0, None), ("allocs", 2.0, None)]


def test_go_test_json_splits_a_line_over_events_and_has_times() -> None:
    def event(output: str, second: int) -> str:
        time = f"2026-11-23T10:08:0{second}.123456789Z"
        return json.dumps({"Time": time, "Action": "output", "Package": "p", "Output": output})

    text = "\n".join([event("BenchmarkFib-2 \t", 1), event("    1000\t 250 ns/op\n", 2)])
    (row,) = read(text, Format.JSONL).rows["timings"]
    assert (row["case"], row["mean_s"], row["locator"]) == ("BenchmarkFib-2", 2.5e-07, "line 2")
    assert row["measured_at"] == "2026-11-23T10:08:02.123456+00:00"


def test_go_results_without_ns_per_op_are_rates() -> None:
    reading = read("BenchmarkServe-4\t  100\t  1234.5 tokens/s\n", Format.TEXT)
    (rate,) = reading.rows["throughputs"]
    assert (rate["rate_mean"], rate["rate_unit"], reading.records_ok) == (1234.5, "tokens/s", 1)
    assert "timings" not in reading.rows


LIBTEST = """running 3 tests
test bench_fib_10 ... bench:         135 ns/iter (+/- 24)
test bench_fib_20 ... bench:      18,149.25 ns/iter (+/- 755) = 12 MB/s
test bench_cycles ... bench:        2835 cycles/iter (+/- 14)
test bench_broken ... FAILED

test result: FAILED. 0 passed; 1 failed; 0 ignored; 3 measured; 0 filtered out
"""


def test_libtest_states_the_median_and_no_standard_deviation() -> None:
    reading = read(LIBTEST, Format.TEXT)
    ten, twenty, failed = reading.rows["timings"]
    assert (ten["median_s"], twenty["median_s"]) == (1.35e-07, 1.814925e-05)
    assert not {"std_s", "mean_s"} & set(ten)
    assert failed["status"] == "failed"
    assert (reading.records_ok, reading.records_failed) == (3, 1)
    assert [row["rate_mean"] for row in reading.rows["throughputs"]] == [12e6]
    (cycles,) = reading.rows["measurements"]
    assert (cycles["metric"], cycles["unit"]) == ("tracked_value", "cycles/iter")


def test_libtest_json_lines_say_median() -> None:
    lines = [
        {"type": "suite", "event": "started"},
        {"type": "bench", "name": "fib", "median": 135, "deviation": 24},
        {"type": "test", "event": "failed", "name": "broken"},
    ]
    reading = read("\n".join(json.dumps(line) for line in lines), Format.JSONL)
    assert reading.rows["timings"][0]["median_s"] == 1.35e-07
    assert (reading.records_ok, reading.records_failed) == (1, 1)


def jmh(mode: str, unit: str, score: Any, raw: list[list[float]], **changes: Any) -> dict[str, Any]:
    percentiles = {"0.0": 1.0, "50.0": 2.0, "90.0": 3.0, "95.0": 3.5, "99.0": 3.9, "100.0": 4.0}
    metric = {"score": score, "scoreError": "NaN", "scorePercentiles": percentiles, "scoreUnit": unit}
    return {
        "jmhVersion": "1.37", "benchmark": "org.x.My.m", "mode": mode, "threads": 2, "forks": 1,
        "jdkVersion": "17.0.15", "params": {"n": "1"},
        "primaryMetric": {**metric, "rawData": raw, **changes}, "secondaryMetrics": {},
    }  # fmt: skip


def test_jmh_average_time_is_a_timing() -> None:
    reading = read([jmh("avgt", "us/op", 2.5, [[1.0, 4.0]])])
    (row,) = reading.rows["timings"]
    assert (row["case"], row["n"], row["engine"]) == ("org.x.My.m:n:1", 2, "jdk-17.0.15")
    assert (row["mean_s"], row["min_s"], row["max_s"], row["p95_s"]) == (2.5e-06, 1e-06, 4e-06, 3.5e-06)
    assert "std_s" not in row
    assert [item["value"] for item in reading.rows["measurements"]] == [1e-06, 4e-06]
    assert reading.rows["measurements"][1]["locator"] == "/0/primaryMetric/rawData/0/1"


@pytest.mark.parametrize(("unit", "expected"), [("ops/s", 36.0), ("ops/ms", 36e3), ("ops/us", 36e6)])
def test_jmh_throughput_is_operations_per_second(unit: str, expected: float) -> None:
    reading = read([jmh("thrpt", unit, 36.0, [[30.0, 42.0]])])
    (row,) = reading.rows["throughputs"]
    assert (row["rate_mean"], row["rate_unit"], row["n"]) == (pytest.approx(expected), "ops/s", 2)
    assert reading.rows["measurements"][0]["metric"] == "rate"


def test_jmh_sample_mode_counts_its_histogram() -> None:
    entry = jmh("sample", "us/op", 2.5, [], rawDataHistogram=[[[[0.03, 48], [0.04, 2]], [[0.05, 1]]]])
    assert read([entry]).rows["timings"][0]["n"] == 51


def test_jmh_score_that_is_no_number_failed() -> None:
    reading = read([jmh("thrpt", "ops/s", "NaN", [])])
    assert (reading.rows["timings"][0]["status"], reading.records_failed) == ("failed", 1)


def test_jmh_csv_has_parameters_in_columns() -> None:
    text = (
        '"Benchmark","Mode","Threads","Samples","Score","Score Error (99.9%)","Unit","Param: n"\n'
        '"x.m","avgt",1,2,0.05,NaN,"us/op",1\n"x.m:gc.alloc.rate","avgt",1,2,5.0,NaN,"MB/sec",1\n'
    )
    (row,) = read(text, Format.CSV).rows["timings"]
    assert (row["case"], row["mean_s"], row["n"]) == ("x.m:n:1", pytest.approx(5e-08), 2)


def dotnet(statistics: Any) -> dict[str, Any]:
    host = {"ProcessorName": "Intel Core i7-7820HQ", "RuntimeVersion": ".NET Core 3.0.0 (CoreCLR 4.7)"}
    entry = {
        "DisplayInfo": "Benchmarks.Fib10: Job-ABC(Runtime=.NET 8.0)", "Method": "Fib10",
        "FullName": "Sample.Benchmarks.Fib10", "Statistics": statistics,
        "Memory": {"BytesAllocatedPerOperation": 24},
    }  # fmt: skip
    return {
        "Title": "Sample.Benchmarks-20200529-164431",
        "HostEnvironmentInfo": {**host, "Configuration": "RELEASE"},
        "Benchmarks": [entry],
    }


DOTNET = {
    "OriginalValues": [24.0, 26.0], "N": 2, "Min": 24.0, "Median": 25.0, "Mean": 25.0, "Max": 26.0,
    "StandardDeviation": 1.5, "Percentiles": {"P25": 24.5, "P75": 25.5, "P90": 25.8, "P95": 25.9},
}  # fmt: skip


def test_dotnet_is_nanoseconds_without_saying_so() -> None:
    reading = read(dotnet(DOTNET))
    (row,) = reading.rows["timings"]
    assert (row["mean_s"], row["std_s"], row["ddof"], row["n"]) == (2.5e-08, 1.5e-09, 1, 2)
    assert (row["engine"], row["hardware"]) == ("NET_Core_3.0.0", "Intel_Core_i7-7820HQ")
    assert row["config"] == {"job": "Job-ABC", "build_type": "release"}
    assert (row["measured_at"], row["time_naive"]) == ("2020-05-29T16:44:31.000000+00:00", True)
    statistics = [(item["statistic"], item["value"]) for item in reading.rows["measurements"]]
    assert ("sample", 2.4e-08) in statistics
    assert ("p25", 2.45e-08) in statistics


def test_dotnet_without_statistics_failed() -> None:
    assert read(dotnet(None)).records_failed == 1


def test_dotnet_csv_and_markdown_cells_carry_their_unit() -> None:
    csv = 'Method,Job,Runtime,N,Mean,Error,StdDev,Allocated\nSort,DefaultJob,.NET 8.0,10,"1,234.5 μs",9 μs,2.5 μs,1.5 KB\nBad,DefaultJob,.NET 8.0,10,NA,NA,NA,NA\n'  # noqa: E501
    reading = read(csv, Format.CSV)
    good, bad = reading.rows["timings"]
    assert (good["case"], good["mean_s"], good["std_s"]) == ("Sort:N:10", 0.0012345, 2.5e-06)
    assert bad["status"] == "failed"
    assert reading.rows["measurements"][0]["value"] == 1536.0
    text = "BenchmarkDotNet v0.14.0\n\n| Method | N | Mean | Error | StdDev |\n|---|---|---:|---:|---:|\n| **Sort** | **10** | **1.5 ms** | **0.1 ms** | **0.2 ms** |\n"  # noqa: E501
    (row,) = read(text, Format.MARKDOWN).rows["timings"]
    assert (row["case"], row["mean_s"], row["locator"]) == ("Sort:N:10", 0.0015, "line 5")
