"""What reading costs, per format, as a ratio against the bare parse of the same bytes in the same run.

    python benchmarks/readers_cost.py               formats made here, about 300 kB each
    python benchmarks/readers_cost.py FOLDER        the files of a folder, by the tool that claimed them

The bare parse is orjson for json and json lines, the csv module for csv, and splitting into lines for the rest:
what the fastest library needs before anything is understood. Reading is all that the pipeline does with an
artifact: decoding, the limits, every reader's matcher, the claimed reader, and the encoding for the store.
Each number is processor time, the fastest of several runs; ratios move with the machine far less than times do.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from chimera_pipeline.inventory.scan import format_of
from chimera_pipeline.readers import registry
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits

REPEATS = 5
LIMITS = Limits()


def fastest(work: Callable[[], object]) -> float:
    """Processor seconds of the fastest of several runs."""
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def bare(data: bytes, kind: Format) -> Callable[[], object]:
    """The bare parse of `data`, by what its bytes are."""
    if kind is Format.CSV:
        return lambda: list(csv.reader(io.StringIO(data.decode())))
    if kind is Format.JSONL:
        return lambda: [orjson.loads(line) for line in data.splitlines() if line[:1] == b"{"]
    if kind is Format.JSON:
        try:
            orjson.loads(data)
        except orjson.JSONDecodeError:  # a bare NaN, or several objects in one file
            return lambda: data.decode().splitlines()
        return lambda: orjson.loads(data)
    return lambda: data.decode().splitlines()


def timings(count: int) -> dict[str, Any]:
    stats = {
        "min": 1e-6,
        "max": 4e-6,
        "mean": 2e-6,
        "stddev": 1e-7,
        "rounds": 99,
        "median": 2e-6,
        "q1": 1e-6,
        "q3": 3e-6,
    }
    options = {"disable_gc": False, "timer": "perf_counter", "warmup": False}
    entry = {"name": "test_a", "group": None, "params": None, "options": options, "stats": stats}
    entries = [{**entry, "fullname": f"tests/test_a.py::test_a[{i}]"} for i in range(count)]
    machine = {"python_version": "3.12.1", "cpu": {"brand_raw": "CPU"}}
    return {"machine_info": machine, "datetime": "2024-05-06T07:08:09+00:00", "benchmarks": entries}


def with_samples(count: int) -> dict[str, Any]:
    value = timings(count)
    for entry in value["benchmarks"]:
        entry["stats"] = {**entry["stats"], "rounds": 500, "data": [1e-6 + i * 1e-9 for i in range(500)]}
    return value


def google(count: int) -> dict[str, Any]:
    entry = {
        "run_type": "iteration",
        "threads": 1,
        "iterations": 9,
        "real_time": 2.5,
        "cpu_time": 2.5,
        "time_unit": "ns",
    }
    entries = [{"name": f"BM/{i}", "run_name": f"BM/{i}", **entry} for i in range(count)]
    return {"context": {"num_cpus": 2, "date": "2024-05-06T07:08:09+00:00"}, "benchmarks": entries}


def asv(count: int) -> dict[str, Any]:
    names = [
        "result",
        "params",
        "version",
        "started_at",
        "duration",
        "stats_q_25",
        "stats_q_75",
        "stats_repeat",
    ]
    stored = [[1e-3, 2e-3], [["1", "2"]], "v", 1795428456965, 1.0, [1e-3, 2e-3], [1e-3, 2e-3], [5, 5]]
    return {
        "commit_hash": "a" * 40, "params": {"cpu": "CPU"}, "python": "3.12", "env_name": "e",
        "result_columns": names, "results": {f"b.time_{i}": stored for i in range(count)}, "version": 2,
    }  # fmt: skip


def hyperfine(count: int) -> dict[str, Any]:
    entry = {"mean": 1.0, "stddev": 0.1, "median": 1.0, "user": 0.5, "system": 0.1, "min": 0.9, "max": 1.2}
    runs = {"times": [1.0] * 10, "exit_codes": [0] * 10}
    return {"results": [{"command": f"run {i}", **entry, **runs} for i in range(count)]}


def lines(header: str, row: str, count: int) -> bytes:
    return (header + "".join(row.format(i=i) for i in range(count))).encode()


LOCUST = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,"
    "Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,"
    "98%,99%,99.9%,99.99%,100%\n"
)
LOCUST_ROW = "GET,/p{i},80,2,31,32.25,3.5,84.5,2.0,26.5,0.5,31,42,47,49,53,62,79,85,85,85,85\n"
SMI = "timestamp, index, name, utilization.gpu [%], memory.used [MiB], power.draw [W], temperature.gpu\n"
SMI_ROW = "2024/01/16 14:44:16.981, 0, NVIDIA A100, {i} %, 1024 MiB, 250.50 W, 61\n"
DMON = "# gpu   pwr gtemp    sm   mem  mclk  pclk\n# Idx     W     C     %     %   MHz   MHz\n"
DMON_ROW = "    0   250    45    92     1  2619  1980\n"
GO = "goos: linux\npkg: example.com/x\n"
GO_ROW = "BenchmarkFib/n{i}-8 \t 1000\t 250.5 ns/op\t 48 B/op\t 2 allocs/op\n"
LIBTEST_ROW = "test bench_{i} ... bench:      18,149 ns/iter (+/- 755)\n"
OLLAMA = "timestamp,model,prompt_index,ttft_s,tokens_s,load_s,prompt_eval_s,eval_s,prompt_eval_count,eval_count,error\n"
OLLAMA_ROW = "2025-10-02T12:00:00+00:00,m:1b,{i},0.15,50.0,0.1,0.05,2.0,7,100,\n"


def made() -> Iterator[tuple[str, bytes, Format]]:
    """(name, bytes, format) of each format made here."""
    for name, value in (
        ("pytest-benchmark", timings(1000)),
        ("pytest-benchmark, raw data", with_samples(40)),
        ("google-benchmark", google(2000)),
        ("asv", asv(2000)),
        ("hyperfine", hyperfine(1000)),
    ):
        yield name, json.dumps(value).encode(), Format.JSON
    yield "locust stats", lines(LOCUST, LOCUST_ROW, 4000), Format.CSV
    yield "nvidia-smi", lines(SMI, SMI_ROW, 5000), Format.CSV
    yield "nvidia-smi dmon", lines(DMON, DMON_ROW, 5000), Format.TEXT
    yield "go bench", lines(GO, GO_ROW, 5000), Format.TEXT
    yield "libtest", lines("", LIBTEST_ROW, 5000), Format.TEXT
    yield "ollama script", lines(OLLAMA, OLLAMA_ROW, 5000), Format.CSV


def files(folder: Path) -> Iterator[tuple[str, bytes, Format]]:
    """(tool, bytes, format) of each file of `folder` that a reader claims."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size <= LIMITS.max_file_bytes:
            data, kind = path.read_bytes(), format_of(str(path))
            reading = registry.read(data, kind, LIMITS)
            if reading.rows:
                yield str(reading.tool), data, kind


def main() -> None:
    """Print one line a format: kilobytes, milliseconds of both, their ratio."""
    given = files(Path(sys.argv[1])) if len(sys.argv) > 1 else made()
    desk = registry.desk()
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for name, data, kind in given:
        row = totals[name]
        row[0] += len(data) / 1e3
        row[1] += fastest(bare(data, kind)) * 1e3
        row[2] += fastest(lambda data=data, kind=kind: registry.encode(registry.read(data, kind, LIMITS, desk))) * 1e3
    print(f"{'format':28} {'kB':>8} {'bare ms':>9} {'read ms':>9} {'ratio':>7} {'MB/s':>7}")
    for name, (size, low, high) in sorted(totals.items()):
        print(f"{name:28} {size:8.1f} {low:9.3f} {high:9.2f} {high / low:7.1f} {size / high:7.1f}")


if __name__ == "__main__":
    main()
