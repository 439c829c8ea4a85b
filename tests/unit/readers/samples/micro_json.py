from __future__ import annotations

import json
from typing import Any

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

PYTEST = {
    "machine_info": {
        "python_implementation": "CPython",
        "python_version": "3.12.1",
        "cpu": {"brand_raw": "AMD EPYC 7B13"},
    },
    "commit_info": {"id": "abc", "time": "2020-01-01T00:00:00+00:00"},
    "benchmarks": [
        {
            "group": None,
            "name": "test_sort[3]",
            "fullname": "tests/test_speed.py::test_sort[3]",
            "params": {"n": 3},
            "options": {"disable_gc": False, "timer": "perf_counter", "warmup": False},
            "stats": {
                "min": 0.00125, "max": 0.00475, "mean": 0.00275, "stddev": 0.0015, "rounds": 4,
                "median": 0.0025, "q1": 0.00175, "q3": 0.00375, "iterations": 10,
                "data": [0.00125, 0.00225, 0.0025, 0.00475],
            },
        },
        {
            "name": "test_broken", "fullname": "tests/test_speed.py::test_broken", "stats": None,
            "options": {},
        },
    ],
    "datetime": "2024-05-06T07:08:09.123456+00:00",
    "version": "5.3.1",
}  # fmt: skip

GOOGLE: dict[str, Any] = {
    "context": {"date": "2026-11-23T10:12:48+02:00", "num_cpus": 2, "library_build_type": "release"},
    "benchmarks": [
        {
            "name": "BM_S/8", "run_name": "BM_S/8", "run_type": "iteration", "threads": 1, "iterations": 1000,
            "real_time": 257.5, "cpu_time": 207.25, "time_unit": "ns", "items_per_second": 81000000.5,
        },
        {
            "name": "BM_S/8_mean", "run_name": "BM_S/8", "run_type": "aggregate", "aggregate_name": "mean",
            "iterations": 1, "real_time": 257.5, "cpu_time": 207.25, "time_unit": "ns",
        },
        {
            "name": "BM_E", "run_name": "BM_E", "run_type": "iteration", "error_occurred": True,
            "error_message": "bad thing", "iterations": 1, "real_time": 0.0, "cpu_time": 0.0,
            "time_unit": "ns",
        },
    ],
}  # fmt: skip
GOOGLE_CSV = """name,iterations,real_time,cpu_time,time_unit,bytes_per_second,label,error_occurred,error_message
"BM_S/8",3575323,5.125,3.5,us,2000001.5,"lab,el",,
"BM_T",3575323,6.375,3.25,ms,,,,
"""

ASV = """{"commit_hash": "aa5e49093c33588c9c5f", "env_name": "virtualenv-py3.11",
"date": 1500000000000, "params": {"cpu": "AMD EPYC", "machine": "vm", "python": "3.11"},
"python": "3.11", "requirements": {},
"result_columns": ["result", "params", "version", "started_at", "duration", "stats_q_25", "stats_q_75",
"stats_repeat"],
"results": {
"b.time_x": [[0.00275, null, NaN], [["1", "2", "3"]], "e5", 1795428456965, 1.4,
 [0.00225, null, null], [0.00325, null, null], [3, null, null]],
"b.peakmem_l": [[26927104], [], "0e", 1795428459770, 0.2],
"b.time_fail": [null, [], "6b", 1795428459990, 0.2]},
"durations": {}, "version": 2}"""

HYPERFINE = {
    "results": [
        {
            "command": "sleep 0.1", "mean": 0.1275, "stddev": 0.0225, "median": 0.1175, "user": 0.0325,
            "system": 0.0125, "min": 0.1125, "max": 0.1425, "times": [0.1125, 0.1175, 0.1425],
            "exit_codes": [0, 0, 0],
        },
        {
            "command": "false", "mean": 0.0475, "stddev": 0.005, "median": 0.0475, "user": 0.001,
            "system": 0.001, "min": 0.0425, "max": 0.0525, "times": [0.0425, 0.0525], "exit_codes": [1, 1],
        },
    ]
}  # fmt: skip
WALL = {
    "unit": "millisecond", "count": 2, "mean": 15.25, "stddev": 7.125, "median": 15.25, "min": 10.25,
    "max": 20.25,
}  # fmt: skip
HYPERFINE_2 = {
    "schema_version": 2,
    "metadata": {"hyperfine_version": "2.0.0", "start_time": "2026-11-23T10:31:51Z"},
    "results": [
        {
            "command": "a",
            "measurements": [
                {"time_wall_clock": {"value": 10.25, "unit": "millisecond"}, "exit_code": 0},
                {"time_wall_clock": {"value": 20.25, "unit": "millisecond"}, "exit_code": 0},
            ],
            "summary": {"time_wall_clock": WALL},
        }
    ],
}
HYPERFINE_CSV = """command,mean,stddev,median,user,system,min,max
sleep 1,1.525,0.125,1.475,0.115,0.225,1.375,1.725
false,0,0,0,0,0,0,0
"""
HYPERFINE_MD = """| Command | Mean [ms] | Min [ms] | Max [ms] | Relative |
|:---|---:|---:|---:|---:|
| `sleep 0.01` | 12.25 ± 0.15 | 12.05 | 12.45 | 1.00 |
"""


def interval(value: float) -> dict[str, Any]:
    bounds = {"confidence_level": 0.95, "lower_bound": value - 1, "upper_bound": value + 1}
    return {"confidence_interval": bounds, "point_estimate": value, "standard_error": 0.5}


ESTIMATES = {
    "mean": interval(257.5), "median": interval(247.25), "median_abs_dev": interval(5.0), "slope": None,
    "std_dev": interval(30.125),
}  # fmt: skip
RAW = """group,function,value,throughput_num,throughput_type,sample_measured_value,unit,iteration_count
g,f,5,1024,bytes,1000.5,ns,10
g,f,5,1024,bytes,4000.5,ns,20
"""
CONSOLE = """fib 10                  time:   [237.44 ns 289.25 ns 365.78 ns]
Found 2 outliers among 10 measurements (20.00%)
"""

VITEST = {
    "files": [
        {
            "filepath": "/x/a.bench.js",
            "groups": [
                {
                    "fullName": "a.bench.js > sort",
                    "benchmarks": [
                        {
                            "id": "1", "name": "normal", "rank": 1, "samples": [], "min": 1.25, "max": 4.75,
                            "mean": 2.125, "sd": 0.5, "median": 1.875, "p75": 3.125, "p99": 3.875,
                            "p999": 4.625, "sampleCount": 100, "hz": 500.5,
                        },
                        {"id": "2", "name": "boom", "rank": 2, "rme": 0, "samples": []},
                    ],
                }
            ],
        }
    ]
}  # fmt: skip

BENCHER = {
    "f": {"latency": {"value": 88.5, "lower_value": 87.5, "upper_value": 89.5}},
    "g": {"instructions": {"value": 1802}, "throughput": {"value": 5.125}},
}

ACTION = [
    {"name": "CPU Load", "unit": "Percent", "value": 50.5, "range": "5%"},
    {"name": "fib", "unit": "ms", "value": 12.5},
    {"name": "rate", "unit": "ops/sec", "value": 7.25, "extra": "rounds: 20"},
]
RUN = {
    "commit": {"id": "f74462c5c65339cde0f7", "timestamp": "2020-01-01T00:00:00Z"},
    "date": 1774262593911,
    "tool": "cargo",
    "benches": [{"name": "a", "value": 105, "range": "± 5", "unit": "ns/iter"}],
}
HISTORY = "window.BENCHMARK_DATA = " + json.dumps({"lastUpdate": 1, "entries": {"Suite": [RUN]}}, indent=2)

GUNGRAUN = {
    "kind": "LibraryBenchmark", "module_path": "g::bench_fib", "id": "short", "benchmark_exe": "target/x",
    "profiles": [
        {
            "data": {
                "total": {
                    "metrics": {
                        "EstimatedCycles": {"values": {"new": 2643, "old": 9}},
                        "Ir": {"values": {"new": 1802, "old": 9}},
                    }
                }
            }
        }
    ],
}  # fmt: skip
GUNGRAUN_TEXT = """g::grp::bench_fib short:(10)
  Instructions:                1802|1700                  (+6.0%) [+1.06x]
  Estimated Cycles:             2643|2643                 (No change)
"""

JULIA = [
    {"Julia": "1.7.0", "BenchmarkTools": "1.0.0"},
    [
        [
            "BenchmarkGroup",
            {
                "data": {
                    "10": ["Trial", {"times": [10.25, 30.75], "memory": 16, "allocs": 1}],
                    "20": ["TrialEstimate", {"time": 20.25, "memory": 48, "allocs": 0}],
                }
            },
        ]
    ],
]


def as_json(name: str, value: Any, reader: str, ok: int, **more: Any) -> Sample:
    text = value if isinstance(value, str) else json.dumps(value, indent=1)
    return Sample(name, text.encode(), Format.JSON, reader, ok=ok, **more)


def as_text(name: str, text: str, format: Format, reader: str, ok: int, **more: Any) -> Sample:
    return Sample(name, text.encode(), format, reader, ok=ok, **more)


AT_2 = "/results/0/measurements/1/time_wall_clock/value"
SAMPLES = [
    as_json(
        "json", PYTEST, "pytest-benchmark", 1, failed=1,
        values={
            "timings//benchmarks/0/mean_s": 0.00275,
            "timings//benchmarks/0/std_s": 0.0015,
            "measurements//benchmarks/0/time_s:p25": 0.00175,
            "measurements//benchmarks/0/stats/data/3/time_s:sample": 0.00475,
        },
    ),
    as_json(
        "json", GOOGLE, "google-benchmark", 2, failed=1,
        values={
            "timings//benchmarks/0/mean_s": 2.575e-07,
            "throughputs//benchmarks/0/rate_mean": 81000000.5,
            "measurements//benchmarks/0/cpu_time_s:mean": 2.0725e-07,
        },
    ),
    as_text(
        "csv", GOOGLE_CSV, Format.CSV, "google-benchmark", 2,
        values={"timings/row 1/mean_s": 5.125e-06, "timings/row 2/mean_s": 0.006375}, computed=True,
    ),
    as_json(
        "json", ASV, "asv", 2, failed=1,
        values={
            "timings//results/b.time_x/0/0/median_s": 0.00275,
            "measurements//results/b.time_x/6/0/time_s:p75": 0.00325,
            "measurements//results/b.peakmem_l/0/0/peak_memory_bytes:sample": 26927104,
        },
    ),
    as_json(
        "json", HYPERFINE, "hyperfine", 1, failed=1,
        values={
            "timings//results/0/mean_s": 0.1275,
            "measurements//results/0/cpu_user_s:mean": 0.0325,
            "measurements//results/0/times/2/time_s:sample": 0.1425,
        },
    ),
    as_json(
        "json-2", HYPERFINE_2, "hyperfine", 1,
        values={"timings//results/0/std_s": 0.007125, f"measurements/{AT_2}/time_s:sample": 0.02025},
    ),
    as_text(
        "csv", HYPERFINE_CSV, Format.CSV, "hyperfine", 1, failed=1,
        values={"timings/row 1/mean_s": 1.525, "measurements/row 1/cpu_system_s:mean": 0.225},
    ),
    as_text(
        "md", HYPERFINE_MD, Format.MARKDOWN, "hyperfine", 1,
        values={"timings/line 3/mean_s": 0.01225, "timings/line 3/max_s": 0.01245},
    ),
    as_json(
        "estimates", ESTIMATES, "criterion", 1,
        values={"timings//mean/mean_s": 2.575e-07, "timings//mean/std_s": 3.0125e-08}, regular=False,
    ),
    as_text(
        "raw", RAW, Format.CSV, "criterion", 2, computed=True,
        values={"measurements/row 1/time_s:sample": 1.0005e-07},
    ),
    as_text(
        "console", CONSOLE, Format.TEXT, "criterion", 1,
        values={"timings/line 1/mean_s": 2.8925e-07, "timings/line 1/n": 10}, regular=False,
    ),
    as_json(
        "json", VITEST, "vitest", 1, failed=1,
        values={
            "timings//files/0/groups/0/benchmarks/0/mean_s": 0.002125,
            "measurements//files/0/groups/0/benchmarks/0/time_s:p99.9": 0.004625,
        },
    ),
    as_json(
        "json", BENCHER, "bencher", 3,
        values={
            "timings//f/latency/mean_s": 8.85e-08,
            "throughputs//g/throughput/rate_mean": 5.125,
            "measurements//g/instructions/instructions:mean": 1802,
        },
        regular=False,
    ),
    as_json(
        "custom", ACTION, "github-action-benchmark", 3,
        values={
            "measurements//0/tracked_value:mean": 50.5,
            "timings//1/mean_s": 0.0125,
            "throughputs//2/rate_mean": 7.25,
        },
        regular=False,
    ),
    as_text(
        "history", HISTORY, Format.OTHER, "github-action-benchmark", 1,
        values={"timings//entries/Suite/0/benches/0/median_s": 1.05e-07},
    ),
    as_json(
        "json", GUNGRAUN, "gungraun", 1,
        values={
            "measurements//module_path/instructions:count": 1802,
            "measurements//module_path/estimated_cycles:count": 2643,
        },
        computed=True,
    ),
    as_text(
        "console", GUNGRAUN_TEXT, Format.TEXT, "gungraun", 1,
        values={"measurements/line 2/instructions:count": 1802},
    ),
    as_json(
        "json", JULIA, "julia-benchmarktools", 2,
        values={
            "timings//1/0/1/data/20/1/min_s": 2.025e-08,
            "measurements//1/0/1/data/10/1/times/1/time_s:sample": 3.075e-08,
        },
        regular=False,
    ),
]  # fmt: skip
