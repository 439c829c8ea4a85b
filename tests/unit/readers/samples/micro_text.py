from __future__ import annotations

import json

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

GO = """goos: linux
goarch: amd64
pkg: example.com/x
cpu: AMD EPYC 7B13
BenchmarkFib/sub=a-2 \t    1000\t   250.5 ns/op\t 401.25 MB/s\t  3.125 widgets\t  48 B/op\t  2 allocs/op
BenchmarkFib/sub=a-2 \t    1000\t      2257 ns/op
--- FAIL: BenchmarkFail
    x_test.go:5: broken
ok  \texample.com/x\t0.218s
"""
EVENTS = "".join(
    json.dumps({"Time": f"2026-11-23T10:08:0{second}.123456789Z", "Action": "output", "Package": "p", "Output": text})
    + "\n"
    for second, text in ((1, "goos: linux\n"), (2, "BenchmarkFib-2 \t"), (3, "    1000\t 257.5 ns/op\n"))
)
LIBTEST = """running 3 tests
test bench_fib_10 ... bench:         135 ns/iter (+/- 24)
test bench_fib_20 ... bench:      18,149.25 ns/iter (+/- 755) = 12 MB/s
test bench_broken ... FAILED

test result: FAILED. 0 passed; 1 failed; 0 ignored; 2 measured; 0 filtered out
"""
LIBTEST_LINES = """{"type": "suite", "event": "started", "test_count": 1}
{"type": "bench", "name": "fib", "median": 135, "deviation": 24}
"""
JMH = [
    {
        "jmhVersion": "1.37", "benchmark": "org.x.My.m", "mode": "avgt", "threads": 2, "forks": 1,
        "jdkVersion": "17.0.15", "params": {"n": "1"},
        "primaryMetric": {
            "score": 2.75, "scoreError": "NaN", "scoreUnit": "us/op",
            "scorePercentiles": {"0.0": 1.25, "50.0": 2.75, "95.0": 4.25, "100.0": 4.25},
            "rawData": [[1.25, 4.25]],
        },
        "secondaryMetrics": {"gc.alloc.rate.norm": {"score": 17.5, "scoreUnit": "B/op"}},
    },
    {
        "jmhVersion": "1.37", "benchmark": "org.x.My.t", "mode": "thrpt", "threads": 2, "forks": 1,
        "primaryMetric": {"score": 36.25, "scoreUnit": "ops/ms", "scorePercentiles": {}, "rawData": [[36.25]]},
        "secondaryMetrics": {},
    },
]  # fmt: skip
JMH_CSV = """"Benchmark","Mode","Threads","Samples","Score","Score Error (99.9%)","Unit","Param: n"
"x.m","avgt",1,2,0.0525,0.5,"us/op",1
"x.t","thrpt",1,2,52.5,0.5,"ops/s",1
"""
DOTNET = {
    "Title": "Sample.Benchmarks-20200529-164431",
    "HostEnvironmentInfo": {
        "ProcessorName": "Intel Core i7-7820HQ", "RuntimeVersion": ".NET Core 3.0.0 (CoreCLR 4.7)",
        "Configuration": "RELEASE",
    },
    "Benchmarks": [
        {
            "DisplayInfo": "Benchmarks.Fib10: DefaultJob", "Method": "Fib10", "FullName": "Sample.Fib10",
            "Statistics": {
                "OriginalValues": [24.25, 26.75], "N": 2, "Min": 24.25, "Median": 25.5, "Mean": 25.5,
                "Max": 26.75, "StandardDeviation": 1.75, "Percentiles": {"P25": 24.875, "P90": 26.5},
            },
            "Memory": {"BytesAllocatedPerOperation": 24},
        },
        {"DisplayInfo": "Benchmarks.Bad: DefaultJob", "Method": "Bad", "FullName": "Sample.Bad", "Statistics": None},
    ],
}  # fmt: skip
DOTNET_CSV = """Method,Job,Runtime,N,Mean,Error,StdDev,Allocated
Sort,DefaultJob,.NET 8.0,10,"1,234.5 μs",9.5 μs,2.5 μs,1.5 KB
Bad,DefaultJob,.NET 8.0,10,NA,NA,NA,NA
"""
DOTNET_MD = """BenchmarkDotNet v0.14.0

| Method | N | Mean | Error | StdDev |
|---|---|---:|---:|---:|
| **Sort** | **10** | **1.525 ms** | **0.1 ms** | **0.25 ms** |
"""
CATCH2 = """
benchmark name                                  samples       iterations    estimated
                                                mean          low mean      high mean
                                                std dev       low std dev   high std dev
-------------------------------------------------------------------------------
Fibonacci 20                                              100             2     8.3712 ms
                                                    41.731 us      41.25 us     42.622 us
                                                     3.256 us      2.163 us      5.353 us

"""
BENCHMARK_JS = """fib(10) x 1,431,759 ops/sec ±0.74% (93 runs sampled)
slow x 81.61 ops/sec ±1.70% (69 runs sampled)
"""
OTAVA = """time,commit,branch,metric1,metric2
2024.01.02 3:00:00 +0100,aaa0,main,154023,10.43
2024.01.03 3:00:00 +0100,aaa1,main,154024,10.55
"""

SAMPLES = [
    Sample(
        "text", GO.encode(), Format.TEXT, "go-bench", ok=2, failed=1,
        values={
            "timings/line 5/mean_s": 2.505e-07,
            "throughputs/line 5/rate_mean": 401.25e6,
            "measurements/line 5/alloc_bytes:mean": 48,
            "measurements/line 5/tracked_value:mean": 3.125,
        },
    ),
    Sample(
        "events", EVENTS.encode(), Format.JSONL, "go-bench", ok=1, values={"timings/line 3/mean_s": 2.575e-07}
    ),
    Sample(
        "text", LIBTEST.encode(), Format.TEXT, "libtest", ok=2, failed=1,
        values={"timings/line 2/median_s": 1.35e-07, "throughputs/line 3/rate_mean": 12e6}, computed=True,
    ),
    Sample(
        "lines", LIBTEST_LINES.encode(), Format.JSONL, "libtest", ok=1,
        values={"timings/line 2/median_s": 1.35e-07},
    ),
    Sample(
        "json", json.dumps(JMH, indent=1).encode(), Format.JSON, "jmh", ok=2,
        values={
            "timings//0/mean_s": 2.75e-06,
            "timings//0/p95_s": 4.25e-06,
            "throughputs//1/rate_mean": 36250.0,
            "measurements//0/primaryMetric/rawData/0/1/time_s:sample": 4.25e-06,
        }, regular=False,
    ),
    Sample(
        "csv", JMH_CSV.encode(), Format.CSV, "jmh", ok=2,
        values={"timings/row 1/mean_s": 5.25e-08, "throughputs/row 2/rate_mean": 52.5}, computed=True,
    ),
    Sample(
        "json", json.dumps(DOTNET, indent=1).encode(), Format.JSON, "benchmarkdotnet", ok=1, failed=1,
        values={
            "timings//Benchmarks/0/mean_s": 2.55e-08,
            "measurements//Benchmarks/0/alloc_bytes:mean": 24,
            "measurements//Benchmarks/0/Statistics/OriginalValues/1/time_s:sample": 2.675e-08,
        },
    ),
    Sample(
        "csv", DOTNET_CSV.encode(), Format.CSV, "benchmarkdotnet", ok=1, failed=1,
        values={"timings/row 1/mean_s": 0.0012345, "measurements/row 1/alloc_bytes:mean": 1536},
        regular=False, computed=True,
    ),
    Sample(
        "md", DOTNET_MD.encode(), Format.MARKDOWN, "benchmarkdotnet", ok=1,
        values={"timings/line 5/mean_s": 0.001525, "timings/line 5/std_s": 0.00025},
    ),
    Sample(
        "console", CATCH2.encode(), Format.TEXT, "catch2", ok=1,
        values={"timings/line 6/mean_s": 4.1731e-05}, computed=True,
    ),
    Sample(
        "console", BENCHMARK_JS.encode(), Format.TEXT, "benchmark-js", ok=2,
        values={"throughputs/line 1/rate_mean": 1431759.0, "throughputs/line 2/n": 69}, computed=True,
    ),
    Sample(
        "csv", OTAVA.encode(), Format.CSV, "otava", ok=2,
        values={"measurements/row 2/tracked_value:sample": 10.55}, regular=False, computed=True,
    ),
]  # fmt: skip
