from __future__ import annotations

import csv
import io
import json
from typing import Any

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample


def summary(mean: float, n: int, **changed: float) -> dict[str, Any]:
    """A distribution as GuideLLM writes it; all zeros where nothing was counted."""
    names = ("p001", "p01", "p05", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "p999")
    percentiles = {name: mean * (1 + 0.001 * place) for place, name in enumerate(names)}
    return {
        "mean": mean,
        "median": mean * 0.99,
        "mode": mean,
        "variance": 0.25,
        "std_dev": mean / 8,
        "min": mean / 2,
        "max": mean * 2,
        "count": n,
        "total_sum": mean * n,
        "percentiles": percentiles,
        "pdf": None,
    } | changed


def split(mean: float, n: int) -> dict[str, Any]:
    """One metric by status: what failed is zeros."""
    empty = summary(0.0, 0)
    return {
        "successful": summary(mean, n),
        "errored": empty,
        "incomplete": empty,
        "total": summary(mean, n),
    }


def metrics(ok: int, errored: int) -> dict[str, Any]:
    """The metrics of one point with `ok` successful requests."""
    some = 1.0 if ok else 0.0
    return {
        "request_totals": {"successful": ok, "errored": errored, "incomplete": 1, "total": ok + errored + 1},
        "requests_per_second": split(4.0 * some, ok),
        "request_latency": split(0.5 * some, ok),
        "time_to_first_token_ms": split(40.0 * some, ok),
        "time_per_output_token_ms": split(8.0 * some, 16 * ok),
        "inter_token_latency_ms": split(6.0 * some, 15 * ok),
        "prompt_token_count": split(32.0 * some, ok),
        "output_token_count": split(16.0 * some, ok),
        "output_tokens_per_second": split(64.0 * some, ok),
        "tokens_per_second": split(192.0 * some, ok),
    }


def benchmark(index: int, strategy: dict[str, Any], ok: int, errored: int = 0) -> dict[str, Any]:
    """A benchmark as versions 0.4 and later write it."""
    return {
        "type_": "generative_benchmark",
        "config": {
            "id_": f"point-{index}",
            "run_id": "run-1",
            "strategy": strategy,
            "backend": {"kind": "openai_http", "model": "tiny/model-1b"},
        },
        "scheduler_metrics": {"measure_start_time": 1760000000.5, "measure_end_time": 1760000003.0},
        "metrics": metrics(ok, errored),
        "requests": {"successful": [], "incomplete": [], "errored": [{"info": {"error": "timed out"}}]},
        "start_time": 1760000000.5,
        "end_time": 1760000003.0,
        "duration": 2.5,
    }


CONFIG = {"spec": {"data": [{"kind": "synthetic_text", "prompt_tokens": 32, "output_tokens": 16}]}}
POINTS = [
    benchmark(0, {"type_": "constant", "rate": 2.0, "max_concurrency": 10240}, ok=10),
    benchmark(1, {"type_": "concurrent", "streams": 4}, ok=8, errored=2),
    benchmark(2, {"type_": "concurrent", "streams": 8}, ok=0, errored=10),
]
REPORT = {"metadata": {"version": 2, "guidellm_version": "0.8.1"}, "config": CONFIG, "benchmarks": POINTS}
ARGS = {
    "args": {"data": ["prompt_tokens=32,output_tokens=16"], "model": "tiny/model-1b"},
    "benchmarks": POINTS[:1],
}
OLD_POINT = {
    "type_": "generative_benchmark",
    "id_": "point-0",
    "run_id": "run-1",
    "args": {"strategy": {"type_": "synchronous"}},
    "worker": {"backend_model": "tiny/model-1b"},
    "request_loader": {"data": '{"prompt_tokens": 32, "output_tokens": 16}'},
    "start_time": 1740000000.0,
    "end_time": 1740000002.0,
    "request_totals": {"successful": 2, "errored": 0, "incomplete": 0, "total": 2},
    "metrics": {name: found for name, found in metrics(2, 0).items() if name != "request_totals"},
    "requests": {
        "successful": [
            {"request_latency": 0.375, "time_to_first_token_ms": 30.0},
            {"request_latency": 0.625, "time_to_first_token_ms": 50.0},
        ]
    },
}


def yaml_text(value: Any, indent: int = 0) -> str:
    """Block YAML of objects, lists and scalars."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        return "".join(
            f"{pad}{key}:" + ("\n" if _nested(item) else "") + yaml_text(item, indent + 1)
            for key, item in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(f"{pad}-\n{yaml_text(item, indent + 1)}" for item in value)
    return f" {json.dumps(value)}\n"


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def csv_text() -> str:
    """Three header rows over one row a point; the group of what is zero is left out, as the tool does."""
    columns: list[tuple[tuple[str, str, str], list[Any]]] = [
        (("Run Info", "Run ID", ""), ["run-1"] * 2),
        (("Run Info", "Backend", ""), [json.dumps({"model": "tiny/model-1b"})] * 2),
        (("Benchmark", "ID", ""), ["point-0", "point-2"]),
        (("Benchmark", "Strategy", ""), ["constant@2.00", "concurrent@8"]),
        (("Timings", "Measure Start Time", ""), ["2025-10-09 08:53:20", "2025-10-09 08:54:20"]),
        (("Timings", "Duration", "Sec"), [2.5, 2.5]),
        (("Request Counts", "Successful", ""), [10, 0]),
        (("Request Counts", "Errored", ""), [0, 10]),
    ]
    for group, field, mean in (
        ("Request Latency", "Successful Sec", 0.5),
        ("Time to First Token", "Successful ms", 40.0),
        ("Inter Token Latency", "Successful ms", 6.0),
        ("Server Throughput", "Successful Requests/Sec", 4.0),
        ("Token Throughput", "Successful Output Tokens/Sec", 64.0),
    ):
        columns += [
            ((group, field, "Mean"), [mean, ""]),
            ((group, field, "Median"), [mean * 0.99, ""]),
            ((group, field, "Std Dev"), [mean / 8, ""]),
            (
                (group, field, "Percentiles"),
                [str([mean / 2, *[mean * (1 + step) for step in range(9)], mean * 9]), ""],
            ),
        ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for level in range(3):
        writer.writerow([names[level] for names, _ in columns])
    for point in range(2):
        writer.writerow([values[point] for _, values in columns])
    return out.getvalue()


OLD_COLUMNS = {
    "Type": "generative_benchmark",
    "Run Id": "run-1",
    "Id": "point-0",
    "Name": "constant@2.00",
    "Start Time": "2025-03-01 10:00:00",
    "End Time": "2025-03-01 10:00:02",
    "Duration": "2.0",
    "Successful Requests": "10",
    "Successful Requests per second mean": "4.0",
    "Successful Request latency mean": "0.5",
    "Successful Request latency median": "0.45",
    "Successful Request latency std dev": "0.05",
    "Successful Request latency [min, 0.1, 1, 5, 10, 25, 75, 90, 95, 99, max]": (
        "[0.25, 0.26, 0.27, 0.28, 0.29, 0.3, 0.7, 0.8, 0.9, 0.99, 1.0]"
    ),
    "Successful Time to first token ms mean": "40.0",
    "Errored Requests": "0",
    "Worker": '{"backend_model": "tiny/model-1b"}',
}


def old_csv_text() -> str:
    """One header row, as versions 0.2 and 0.3 write it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([list(OLD_COLUMNS), list(OLD_COLUMNS.values())])
    return out.getvalue()


POINT = "/benchmarks/0"

SAMPLES = [
    Sample(
        "json",
        json.dumps(REPORT).encode(),
        Format.JSON,
        "guidellm",
        ok=2,
        failed=1,
        values={
            f"serving_runs/{POINT}/ttft_s_mean": 0.040,
            f"serving_runs/{POINT}/ttft_s_p99": 0.040 * 1.009,
            f"serving_runs/{POINT}/itl_s_mean": 0.006,
            f"serving_runs/{POINT}/tpot_s_mean": 0.008,
            f"serving_runs/{POINT}/e2e_s_mean": 0.5,
            f"serving_runs/{POINT}/e2e_s_p50": 0.495,
            f"serving_runs/{POINT}/duration_s": 2.5,
            f"serving_runs/{POINT}/output_tokens_per_s": 64.0,
            f"measurements/{POINT}/metrics/request_latency/successful/serving_e2e_s:p0.1": 0.5,
            f"measurements/{POINT}/metrics/request_latency/successful/serving_e2e_s:p99.9": 0.5 * 1.010,
        },
    ),
    Sample("args", json.dumps(ARGS).encode(), Format.JSON, "guidellm", ok=1),
    Sample(
        "first-version",
        json.dumps({"benchmarks": [OLD_POINT]}).encode(),
        Format.JSON,
        "guidellm",
        ok=1,
        values={
            f"serving_runs/{POINT}/duration_s": 2.0,
            f"measurements/{POINT}/requests/successful/1/request_latency/serving_e2e_s:sample": 0.625,
        },
        computed=True,
    ),
    Sample(
        "yaml",
        yaml_text(REPORT).replace(json.dumps("timed out"), json.dumps("")).encode(),
        Format.YAML,
        "guidellm",
        ok=2,
        failed=1,
        values={f"serving_runs/{POINT}/ttft_s_mean": 0.040},
    ),
    Sample(
        "csv",
        csv_text().encode(),
        Format.CSV,
        "guidellm-csv",
        ok=1,
        failed=1,
        values={
            "serving_runs/line 4/ttft_s_mean": 0.040,
            "serving_runs/line 4/e2e_s_p95": 0.5 * 8,
            "serving_runs/line 4/output_tokens_per_s": 64.0,
            "measurements/line 4/serving_ttft_s:max": 0.36,
            "measurements/line 4/serving_ttft_s:p0.1": 0.040,
        },
        regular=False,
    ),
    Sample(
        "single-header-csv",
        old_csv_text().encode(),
        Format.CSV,
        "guidellm-csv",
        ok=1,
        values={"serving_runs/line 2/e2e_s_p99": 0.99, "serving_runs/line 2/requests_per_s": 4.0},
        regular=False,
    ),
]
