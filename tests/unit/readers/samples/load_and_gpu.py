from __future__ import annotations

import json
from typing import Any

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample

STATS = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,"
    "Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,"
    "99.99%,100%\n"
    "GET,/bad,80,26,31,32.25,3.5,84.5,2.0,26.5,8.5,31,42,47,49,53,160,790,1400,1500,1500,1500\n"
    "GET,/dead,10,10,5,5.5,1.0,9.0,0,3.5,3.5,5,6,7,7,8,9,9,9,9,9,9\n"
    ",Aggregated,90,36,33,31.98,1.0,84.5,2.0,49.0,8.6,33,42,45,47,51,56,65,79,85,85,85\n"
)
HISTORY = (
    "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,95%,Total Request Count\n"
    "1711398920,0,,Aggregated,0.000000,0.000000,N/A,N/A,0\n"
    "1711398921,4,,Aggregated,26.500000,7.250000,34,65,80\n"
)
LOCUST = [
    {
        "name": "/ok", "method": "GET", "start_time": 1795428451.0, "last_request_timestamp": 1795428461.0,
        "num_requests": 4, "num_none_requests": 0, "num_failures": 1, "total_response_time": 101.0,
        "max_response_time": 40.5, "min_response_time": 10.25, "response_times": {"25": 4},
    }
]  # fmt: skip
TREND = {"avg": 30.25, "min": 1.125, "med": 32.5, "max": 86.75, "p(90)": 52.25, "p(95)": 57.5}


def metric(kind: str, values: dict[str, Any], contains: str = "default") -> dict[str, Any]:
    return {"type": kind, "contains": contains, "values": values}


K6 = {
    "root_group": {},
    "state": {"testRunDurationMs": 3031.5},
    "metrics": {
        "http_reqs": metric("counter", {"count": 280, "rate": 92.5}),
        "http_req_failed": metric("rate", {"rate": 0, "passes": 0, "fails": 280}),
        "http_req_duration": metric("trend", TREND, "time"),
        "http_req_waiting": metric("trend", {**TREND, "avg": 29.75}, "time"),
        "vus_max": metric("gauge", {"value": 3, "min": 3, "max": 3}),
    },
}
K6_EXPORT = {
    "root_group": {"name": ""},
    "metrics": {
        "http_reqs": {"count": 10, "rate": 16.125},
        "http_req_failed": {"passes": 10, "fails": 0, "value": 1},
        "http_req_duration": TREND,
    },
}
POINTS = "".join(
    json.dumps(line) + "\n"
    for line in (
        {"type": "Metric", "data": {"name": "http_req_duration", "type": "trend"}, "metric": "http_req_duration"},
        {
            "metric": "http_req_duration", "type": "Point",
            "data": {
                "time": "2026-11-23T10:13:46.360760841Z", "value": 18.375,
                "tags": {"expected_response": "true", "name": "chat", "status": "200"},
            },
        },
        {
            "metric": "http_req_duration", "type": "Point",
            "data": {
                "time": "2026-11-23T10:13:47Z", "value": 9.5,
                "tags": {"expected_response": "false", "name": "http://host/x", "status": "500"},
            },
        },
        {"metric": "http_reqs", "type": "Point", "data": {"time": "2026-11-23T10:13:47Z", "value": 1, "tags": {}}},
    )
)  # fmt: skip
POINTS_CSV = """metric_name,timestamp,metric_value,error,error_code,expected_response,name,status
http_reqs,1795428826,1.000000,,,true,chat,200
http_req_duration,1795428826,18.375000,,,true,chat,200
http_req_duration,1795428827,9.500000,timeout,1050,false,chat,0
"""
QUERY = (
    "timestamp, index, name, utilization.gpu [%], memory.used [MiB], power.draw [W], temperature.gpu\n"
    "2024/01/16 14:44:16.981, 0, NVIDIA A100-SXM4-40GB, 45 %, 1024 MiB, 250.50 W, 61\n"
    "2024/01/16 14:44:17.981, 1, NVIDIA A100-SXM4-40GB, [N/A], 2048 MiB, [Not Supported], 62\n"
)
DMON = (
    "#Date       Time        gpu   pwr gtemp mtemp    sm   mem  mclk  pclk    fb\n"
    "#YYYYMMDD   HH:MM:SS    Idx     W     C     C     %     %   MHz   MHz    MB\n"
    " 20240104   13:54:35      0   250    45     -    92     1  2619  1980   239\n"
    " 20240104   13:54:36      0   251    46     -    93     2  2619  1980   239\n"
)
HEADER = (
    '"ID","Process ID","Kernel Name","Block Size","Grid Size","Device","device__attribute_display_name",'
    '"gpu__time_duration.sum","sm__warps_active.avg.pct_of_peak_sustained_active","launch__grid_size"\n'
)
RAW = (
    HEADER + '"","","","","","","","us","%",""\n'
    '"0","24004","quant","(128, 1, 1)","(162, 8, 1)","0","NVIDIA RTX","9.408000","75.726338","22,80,000"\n'
    '"1","24004","quant","(128, 1, 1)","(162, 8, 1)","0","NVIDIA RTX","8.250000","75.5","1,296"\n'
)
DETAILS = '"ID","Process ID","Kernel Name","Context","Section Name","Metric Name","Metric Unit","Metric Value"\n'
DETAILS += "".join(
    f'"{launch}","1","add(float*)","1","S","{name}","{unit}","{value}"\n'
    for launch in (0, 1)
    for name, unit, value in (("Duration", "usecond", "2.75"), ("Memory Throughput", "%", "81.5"))
)
NSYS = (
    "Time (%),Total Time (ns),Instances,Avg (ns),Med (ns),Min (ns),Max (ns),StdDev (ns),Name\n"
    '60.0,3000,3,1000.5,900.5,800,1300,200.5,"add(float*, int)"\n'
    "40.0,2000,1,2000.5,2000.5,2000,2000,0.0,memset\n"
)

SAMPLES = [
    Sample(
        "stats", STATS.encode(), Format.CSV, "locust", ok=1, failed=1,
        values={
            "serving_runs/row 1/e2e_s_mean": 0.03225,
            "serving_runs/row 1/e2e_s_p99": 1.4,
            "serving_runs/row 1/requests_per_s": 26.5,
            "measurements/row 1/serving_e2e_s:max": 0.0845,
        },
        computed=True,
    ),
    Sample("history", HISTORY.encode(), Format.CSV, "locust", ok=2, computed=True),
    Sample("failures", b"Method,Name,Error,Occurrences\n", Format.CSV, "locust", ok=0),
    Sample(
        "json", json.dumps(LOCUST, indent=1).encode(), Format.JSON, "locust", ok=1,
        values={"serving_runs//0/e2e_s_mean": 0.02525, "serving_runs//0/duration_s": 10}, computed=True,
    ),
    Sample(
        "handle", json.dumps(K6, indent=1).encode(), Format.JSON, "k6", ok=1,
        values={
            "serving_runs//metrics/http_req_duration/values/e2e_s_mean": 0.03025,
            "serving_runs//metrics/http_req_duration/values/duration_s": 3.0315,
            "timings//metrics/http_req_waiting/values/mean_s": 0.02975,
        },
    ),
    Sample("export", json.dumps(K6_EXPORT, indent=1).encode(), Format.JSON, "k6", ok=0, failed=1),
    Sample(
        "json", POINTS.encode(), Format.JSONL, "k6-points", ok=1, failed=1,
        values={"llm_requests/line 2/total_s": 0.018375},
    ),
    Sample(
        "csv", POINTS_CSV.encode(), Format.CSV, "k6-points", ok=1, failed=1,
        values={"llm_requests/row 2/total_s": 0.018375},
    ),
    Sample("query", QUERY.encode(), Format.CSV, "nvidia-smi-query", ok=2),
    Sample("text", DMON.encode(), Format.TEXT, "nvidia-smi-dmon", ok=2, regular=False),
    Sample(
        "raw", RAW.encode(), Format.CSV, "nsight-compute", ok=2,
        values={"timings/row 2/mean_s": 9.408e-06, "system_samples/row 2/value": 75.726338}, regular=False,
    ),
    Sample(
        "details", DETAILS.encode(), Format.CSV, "nsight-compute", ok=2,
        values={"timings/row 1/mean_s": 2.75e-06, "timings/row 3/mean_s": 2.75e-06}, computed=True,
    ),
    Sample(
        "kernels", NSYS.encode(), Format.CSV, "nsight-systems", ok=2,
        values={"timings/row 1/mean_s": 1.0005e-06, "timings/row 1/std_s": 2.005e-07},
    ),
]  # fmt: skip
