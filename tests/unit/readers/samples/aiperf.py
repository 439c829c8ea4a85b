from __future__ import annotations

import json
from typing import Any

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample


def metric(unit: str, avg: float, **more: float) -> dict[str, Any]:
    """A metric object."""
    return {"unit": unit, "avg": avg} | more


def spread(unit: str, avg: float, **more: float) -> dict[str, Any]:
    """A metric object with its distribution."""
    named = {f"p{p}": avg * (1 + p / 100) for p in (1, 5, 10, 25, 50, 75, 90, 95, 99)}
    return metric(unit, avg, **named, min=avg / 2, max=avg * 3, std=avg / 4, **more)


SUMMARY = {
    "schema_version": "1.3",
    "aiperf_version": "0.10.0",
    "benchmark_id": "0123456789ab",
    "request_throughput": metric("requests/sec", 2.5),
    "request_latency": spread("ms", 800.0, count=20, sum=16000.0),
    "request_count": metric("requests", 20.0),
    "error_request_count": metric("requests", 5.0),
    "time_to_first_token": spread("ms", 200.0, count=20, sum=4000.0),
    "inter_token_latency": spread("ms", 12.0, count=20),
    "inter_chunk_latency": spread("ms", 13.0, count=977),
    "output_token_throughput": metric("tokens/sec", 125.0),
    "output_token_throughput_per_user": spread("tokens/sec/user", 80.0),
    "output_sequence_length": spread("tokens", 50.0),
    "benchmark_duration": metric("sec", 8.0),
    "total_token_throughput": metric("tokens/sec", 625.0),
    "goodput": metric("requests/sec", 2.0),
    "telemetry_data": {
        "summary": {"start_time": "2026-07-03T05:21:36"},
        "endpoints": {
            "localhost:9401": {
                "gpus": {
                    "gpu_0": {
                        "gpu_index": 0,
                        "gpu_name": "NVIDIA H100 80GB HBM3",
                        "metrics": {"gpu_power_usage": metric("W", 310.5, min=90.0, max=700.0)},
                    }
                }
            }
        },
    },
    "input_config": {
        "models": {"items": [{"name": "tiny/model-1b"}]},
        "endpoint": {"type": "chat", "streaming": True},
        "phases": [
            {"name": "warmup", "concurrency": 1},
            {"name": "profiling", "concurrency": 4, "requests": 25},
        ],
        "datasets": [{"name": "main", "type": "file", "path": "data/agent.jsonl"}],
    },
    "was_cancelled": False,
    "error_summary": [{"error_details": {"type": "TimeoutError", "message": "m"}, "count": 5}],
    "start_time": "2026-07-03T05:21:36.274997",
}
ALL_FAILED = {
    "error_request_count": metric("requests", 20.0),
    "input_config": {"endpoint": {"model_names": ["tiny/model-1b"]}, "loadgen": {"concurrency": 2}},
    "was_cancelled": False,
    "error_summary": [{"error_details": {"message": "Connection refused"}, "count": 20}],
}
GENAI = {
    "request_throughput": metric("requests/sec", 21.5),
    "request_latency": spread("ms", 4610.0),
    "time_to_first_token": spread("ms", 4610.0),
    "output_token_throughput": metric("tokens/sec", 1227.0),
    "output_token_throughput_per_request": spread("tokens/sec", 124.0),
    "request_count": metric("count", 100.0),
    "input_config": {
        "model": ["tiny"],
        "streaming": False,
        "endpoint_type": "chat",
        "concurrency": 100,
        "request_rate": None,
        "synthetic_input_tokens_mean": 200,
        "output_tokens_mean": 500,
    },
}
CSV = """Metric,avg,min,max,sum,p1,p5,p10,p25,p50,p75,p90,p95,p99,std
Inter Token Latency (ms),12.00,6.00,36.00,240.00,12.12,12.60,13.20,15.00,18.00,21.00,22.80,23.40,23.88,3.00
Output Sequence Length (tokens),50.00,25.00,150.00,1000.00,,,,62.50,75.00,87.50,95.00,97.50,99.50,12.50
Request Latency (ms),800.00,400.00,2400.00,16000.00,,,,1000.00,1200.00,1400.00,1520.00,1560.00,1592.00,200.00
Time to First Token (ms),200.25,100.00,600.00,4005.00,,,,250.00,300.00,350.00,380.00,390.00,398.00,50.00

Metric,Value
Benchmark Duration (sec),8.00
Error Request Count,5.00
Output Token Throughput (tokens/sec),125.00
Request Count,20.00
Request Throughput (requests/sec),2.50


Endpoint,GPU_Index,GPU_Name,GPU_UUID,Metric,avg,min,max,sum,p1,p5,p10,p25,p50,p75,p90,p95,p99,std
localhost:9401,0,NVIDIA H100 80GB HBM3,GPU-1,GPU Power Usage (W),310.50,90.00,700.00,621.00,,,,,,,,,,
""".replace("\n", "\r\n")
FAILED_CSV = "Metric,Value\r\nError Request Count,20.00\r\n\r\n\r\nEndpoint,GPU_Index,GPU_Name,GPU_UUID,Metric,avg\r\n"
GENAI_CSV = """Metric,avg,min,max,p99,p95,p90,p75,p50,p25
Time To First Token (ms),"1,146.31",249.48,"3,485.23","3,457.97",949.56,915.06,830.93,640.07,286.52
Request Latency (ms),"6,406.20",371.47,"9,608.72","9,436.13","9,046.58",9028.16,6549.60,"5,690.23",493.63
Inter Token Latency (ms),30.35,27.59,35.60,35.23,33.88,32.53,31.05,30.13,29.04

Metric,Value
Output Token Throughput (per sec),261.25
Request Throughput (per sec),1.50
Request Count (count),40.00
"""
NANO_CSV = """Metric,avg,min,max,p99,p95,p50
Time To First Token (ns),"12,500,000","11,000,000","14,000,000","13,900,000","13,800,000","12,600,000"
Request Latency (ns),"80,000,000","70,000,000","90,000,000","89,000,000","88,000,000","80,500,000"
Num Output Token,4,3,5,5,5,4

Metric,Value
Output Token Throughput (per sec),800.00
Request Throughput (per sec),2.00
"""


def record(phase: str = "profiling", **changed: Any) -> dict[str, Any]:
    """A line of profile_export.jsonl."""
    value = {
        "metadata": {"session_num": 1, "request_start_ns": 1760000000500000000, "benchmark_phase": phase},
        "metrics": {
            "time_to_first_token": {"value": 31.25, "unit": "ms"},
            "request_latency": {"value": 500.5, "unit": "ms"},
            "inter_token_latency": {"value": 7.5, "unit": "ms"},
            "output_token_throughput_per_user": {"value": 133.25, "unit": "tokens/sec/user"},
            "input_sequence_length": {"value": 32, "unit": "tokens"},
            "output_sequence_length": {"value": 63, "unit": "tokens"},
            "inter_chunk_latency": {"value": [7.0, 8.0], "unit": "ms"},
        },
        "error": None,
    }
    return value | changed


RECORDS = [
    record("warmup"),
    record(),
    record(metrics={"error_isl": {"value": 32, "unit": "tokens"}}, error={"code": 500, "message": "internal"}),
]


def over_runs(mean: float, unit: str) -> dict[str, Any]:
    """A statistic over runs."""
    return {"mean": mean, "std": 0.5, "cv": 0.1, "se": 0.2, "ci_low": 1.0, "ci_high": 9.0, "unit": unit}


AGGREGATE = {
    "schema_version": "1.0",
    "metadata": {"aggregation_type": "confidence", "num_profile_runs": 3, "num_successful_runs": 3},
    "metrics": {
        "request_throughput_avg": over_runs(2.25, "requests/sec"),
        "time_to_first_token_p99": over_runs(300.5, "ms"),
        "request_latency_avg": over_runs(900.25, "ms"),
        "http_req_duration_avg": over_runs(901.0, "ms"),
    },
}
AGGREGATE_CSV = """metric,mean,std,min,max,cv,se,ci_low,ci_high,t_critical,unit
request_throughput_avg,2.25,0.50,2.00,2.50,0.1000,0.2000,1.00,9.00,4.3027,requests/sec
time_to_first_token_p99,300.50,0.50,300.00,301.00,0.1000,0.2000,1.00,9.00,4.3027,ms

Aggregation Type,confidence
Total Runs,3
Successful Runs,3
"""

SAMPLES = [
    Sample(
        "json",
        json.dumps(SUMMARY).encode(),
        Format.JSON,
        "aiperf",
        ok=1,
        values={
            "serving_runs//request_latency/ttft_s_mean": 0.2,
            "serving_runs//request_latency/ttft_s_p99": 0.398,
            "serving_runs//request_latency/duration_s": 8.0,
            "serving_runs//request_latency/total_tokens_per_s": 625.0,
            "measurements//output_token_throughput_per_user/decode_tokens_per_s:mean": 80.0,
            "measurements//request_latency/serving_e2e_s:sum": 16.0,
            "measurements//goodput/avg/goodput_per_s:mean": 2.0,
        },
    ),
    Sample("all-failed", json.dumps(ALL_FAILED).encode(), Format.JSON, "aiperf", ok=0, failed=1),
    Sample(
        "genai-perf-without-streaming",
        json.dumps(GENAI).encode(),
        Format.JSON,
        "aiperf",
        ok=1,
        values={"serving_runs//request_latency/e2e_s_mean": 4.61},
    ),
    Sample(
        "csv",
        CSV.encode(),
        Format.CSV,
        "aiperf-csv",
        ok=1,
        values={
            "serving_runs/line 4/ttft_s_mean": 0.20025,
            "serving_runs/line 4/e2e_s_p95": 1.56,
            "serving_runs/line 4/duration_s": 8.0,
        },
        regular=False,
    ),
    Sample("all-failed-csv", FAILED_CSV.encode(), Format.CSV, "aiperf-csv", ok=0, failed=1, regular=False),
    Sample(
        "genai-perf-csv",
        GENAI_CSV.encode(),
        Format.CSV,
        "aiperf-csv",
        ok=1,
        values={"serving_runs/line 3/ttft_s_mean": 1.14631, "serving_runs/line 3/e2e_s_p50": 5.69023},
        regular=False,
        computed=True,
    ),
    Sample(
        "nanosecond-csv",
        NANO_CSV.encode(),
        Format.CSV,
        "aiperf-csv",
        ok=1,
        values={"serving_runs/line 3/ttft_s_mean": 0.0125, "serving_runs/line 3/e2e_s_p50": 0.0805},
        regular=False,
        computed=True,
    ),
    Sample(
        "jsonl",
        "".join(json.dumps(item) + "\n" for item in RECORDS).encode(),
        Format.JSONL,
        "aiperf-records",
        ok=1,
        failed=1,
        values={
            "llm_requests/line 2/ttft_s": 0.03125,
            "llm_requests/line 2/total_s": 0.5005,
            "llm_requests/line 2/decode_tokens_per_s": 133.25,
            "llm_requests/line 2/output_tokens": 63,
        },
    ),
    Sample(
        "aggregate",
        json.dumps(AGGREGATE).encode(),
        Format.JSON,
        "aiperf-aggregate",
        ok=1,
        values={
            "serving_runs//metrics/ttft_s_p99": 0.3005,
            "serving_runs//metrics/e2e_s_mean": 0.90025,
            "serving_runs//metrics/requests_per_s": 2.25,
        },
    ),
    Sample(
        "aggregate-csv",
        AGGREGATE_CSV.encode(),
        Format.CSV,
        "aiperf-aggregate",
        ok=1,
        values={"serving_runs/line 2/ttft_s_p99": 0.3005},
        regular=False,
    ),
]
