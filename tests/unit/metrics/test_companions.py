"""One run written to several files: aiperf's summary as json and csv, and its requests as json lines."""

from __future__ import annotations

import json
import statistics
from typing import Any

import pandas as pd

from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.metrics.settle import settle
from tests.unit.metrics.test_settle import pair, status
from tests.unit.readers.samples.aiperf import SUMMARY, metric, record

TTFT = [100.0 + 10 * n for n in range(12)]
LATENCY = [700.0 + 25.5 * n for n in range(12)]
GAP = [11.0 + n / 7 for n in range(12)]


def distribution(values: list[float], unit: str) -> dict[str, Any]:
    """The metric object that aiperf writes of these values."""
    percentiles = statistics.quantiles(values, n=100, method="inclusive")
    shown = {f"p{p}": percentiles[p - 1] for p in (1, 5, 10, 25, 50, 75, 90, 95, 99)}
    return metric(unit, statistics.fmean(values), **shown, min=min(values), max=max(values),
                  std=statistics.pstdev(values), count=len(values))  # fmt: skip


def summary() -> dict[str, Any]:
    kept = {
        key: value for key, value in SUMMARY.items() if key not in ("telemetry_data", "goodput", "inter_chunk_latency")
    }
    return kept | {
        "time_to_first_token": distribution(TTFT, "ms"),
        "request_latency": distribution(LATENCY, "ms"),
        "inter_token_latency": distribution(GAP, "ms"),
        "request_count": metric("requests", 12.0),
    }


def as_csv(document: dict[str, Any]) -> str:
    """The same summary as aiperf's csv prints it: two decimals."""
    names = {"time_to_first_token": "Time to First Token (ms)", "request_latency": "Request Latency (ms)",
             "inter_token_latency": "Inter Token Latency (ms)"}  # fmt: skip
    columns = ["avg", "min", "max", "p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "std"]
    lines = ["Metric," + ",".join(columns)]
    lines += [",".join([name, *(f"{document[key][column]:.2f}" for column in columns)]) for key, name in names.items()]
    singles = {"request_throughput": "Request Throughput (requests/sec)", "request_count": "Request Count (requests)",
               "output_token_throughput": "Output Token Throughput (tokens/sec)",
               "total_token_throughput": "Total Token Throughput (tokens/sec)",
               "benchmark_duration": "Benchmark Duration (sec)"}  # fmt: skip
    lines += ["", "Metric,Value", *(f"{name},{document[key]['avg']:.2f}" for key, name in singles.items())]
    return "\r\n".join(lines) + "\r\n"


def requests() -> str:
    out = []
    for n, (ttft, latency, gap) in enumerate(zip(TTFT, LATENCY, GAP, strict=True)):
        line = json.loads(json.dumps(record()))
        line["metadata"]["request_start_ns"] += n * 10**9
        line["metrics"]["time_to_first_token"] = {"value": ttft, "unit": "ms"}
        line["metrics"]["request_latency"] = {"value": latency, "unit": "ms"}
        line["metrics"]["inter_token_latency"] = {"value": gap, "unit": "ms"}
        out.append(json.dumps(line))
    return "\n".join(out) + "\n"


def settled() -> dict[str, pd.DataFrame]:
    document = summary()
    files = {
        "run/profile_export_aiperf.json": json.dumps(document),
        "run/profile_export_aiperf.csv": as_csv(document),
        "run/profile_export.jsonl": requests(),
    }
    return settle([pair(path, content) for path, content in files.items()])


def test_the_csv_of_a_run_is_the_twin_of_its_json_and_counts_once() -> None:
    out = settled()
    assert status(out) == {
        "run/profile_export.jsonl": "ok",
        "run/profile_export_aiperf.csv": "duplicate",
        "run/profile_export_aiperf.json": "ok",
    }
    assert len(out["serving_runs"]) == 1
    twin = out["artifacts"].set_index("path").loc["run/profile_export_aiperf.csv"]
    assert (twin["reason"], twin["same_as"]) == ("twin", "run/profile_export_aiperf.json")


def test_the_requests_of_a_run_take_its_model_and_no_metric_counts_one_request_twice() -> None:
    out = settled()
    rows = out["llm_requests"]
    assert len(rows) == 12
    assert set(rows["model"]) == {"tiny/model-1b"}
    assert json.loads(rows["field_sources"].iloc[0]) == {"model": "run/profile_export_aiperf.json"}
    long = melt(out)
    shared = long.groupby(["metric", "statistic"])["artifact_path"].nunique()
    assert set(shared) == {1}
    means = long[(long["metric"] == "serving_ttft_s") & (long["statistic"] == "mean")]["value"]
    assert means.tolist() == [statistics.fmean(TTFT) / 1000]
    assert abs(long[long["metric"] == "ttft_s"]["value"].mean() - means.iloc[0]) < 1e-12
