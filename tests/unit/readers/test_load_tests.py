"""locust and k6. Layouts as locust 2.47 and k6 1.8 write them; every value is invented."""

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


STATS = """Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%
GET,/bad,80,26,31,32.25,3.5,84.5,2.0,26.5,8.5,31,42,47,49,53,160,790,1400,1500,1500,1500
GET,/dead,10,10,5,5.5,1.0,9.0,0,3.5,3.5,5,6,7,7,8,9,9,9,9,9,9
GET,/never,0,0,0,0,0,0,0,0.0,0.0,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A
,Aggregated,90,36,33,31.98,1.0,84.5,2.0,49.0,8.6,33,42,45,47,51,56,65,79,85,85,85
"""  # noqa: E501


def test_locust_rows_are_endpoints_and_the_aggregate_is_left_out() -> None:
    reading = read(STATS, Format.CSV)
    bad, dead, never = reading.rows["serving_runs"]
    assert (bad["workload"], bad["requests_ok"], bad["requests_failed"]) == ("GET_/bad", 54, 26)
    assert (bad["e2e_s_mean"], bad["e2e_s_p50"], bad["e2e_s_p99"]) == (0.03225, 0.031, 1.4)
    assert bad["requests_per_s"] == 26.5
    assert bad["locator"] == "row 1"
    assert (reading.records_ok, reading.records_failed) == (1, 2)
    assert {dead["status"], never["status"]} == {"failed"}
    assert "e2e_s_mean" not in dead
    assert dead["requests_failed"] == 10
    assert never["error_kind"] == "no_output"


def test_locust_percentiles_are_as_precise_as_their_bucket() -> None:
    precision = read(STATS, Format.CSV).precision["serving_runs"]
    assert precision["e2e_s_p50"] == pytest.approx(0.0005)
    assert precision["e2e_s_p95"] == pytest.approx(0.005)
    assert precision["e2e_s_p99"] == pytest.approx(0.05)


def test_the_old_column_names_of_locust_are_read() -> None:
    text = (
        '"Method","Name","# requests","# failures","Median response time","Average response time",'
        '"Min response time","Max response time","Average Content Size","Requests/s"\n'
        '"GET","/",10,0,20,25,10,50,5,1.5\n"None","Total",10,0,20,25,10,50,5,1.5\n'
    )
    (row,) = read(text, Format.CSV).rows["serving_runs"]
    assert (row["e2e_s_mean"], row["e2e_s_p50"], row["requests_ok"]) == (0.025, 0.02, 10)


def test_the_history_of_locust_is_load_over_time() -> None:
    text = (
        "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,95%,Total Request Count\n"
        "1711398920,0,,Aggregated,0.000000,0.000000,N/A,N/A,0\n"
        "1711398921,4,,Aggregated,26.5,7.0,34,65,80\n"
    )
    reading = read(text, Format.CSV)
    found = [(row["metric"], row["value"], row["unit"]) for row in reading.rows["system_samples"][3:]]
    assert found == [
        ("load_users", 4.0, "users"),
        ("load_requests_per_s", 26.5, "requests/s"),
        ("load_failures_per_s", 7.0, "requests/s"),
        ("load_response_time_p50", 0.034, "s"),
        ("load_response_time_p95", 0.065, "s"),
    ]
    assert reading.rows["system_samples"][0]["at"] == "2024-03-25T20:35:20.000000+00:00"
    assert reading.records_ok == 2


def test_the_history_of_old_versions_is_no_statistics_file() -> None:
    text = (
        '"Type","Name","Timestamp","# requests","# failures","Requests/s","Requests Failed/s",'
        '"Median response time","Average response time"\n'
        '"None","Total","1583000000",10,0,1.50,0.00,20,25\n'
    )
    reading = read(text, Format.CSV)
    assert list(reading.rows) == ["system_samples"]
    assert reading.rows["system_samples"][0]["value"] == 1.5


def test_a_failures_file_counts_no_request_twice() -> None:
    text = "Method,Name,Error,Occurrences\nGET,/bad,HTTPError('500 Server Error'),26\n"
    reading = read(text, Format.CSV)
    assert (reading.status, reading.rows) == (ArtifactStatus.DERIVED, {})
    assert (reading.records_ok, reading.records_failed) == (0, 1)
    assert "26 server_error" in str(reading.detail)


@pytest.mark.parametrize("header", ["Method,Name,Error,Occurrences\n", "Count,Message,Traceback,Nodes\n"])
def test_a_header_alone_means_that_nothing_failed(header: str) -> None:
    reading = read(header, Format.CSV)
    assert (reading.status, reading.tool) == (ArtifactStatus.DOCUMENT, "locust")
    assert (reading.records_ok, reading.records_failed, reading.rejections) == (0, 0, [])


def test_the_json_of_locust_states_sums() -> None:
    entry = {
        "name": "/ok", "method": "GET", "start_time": 1795428451.0, "last_request_timestamp": 1795428461.0,
        "num_requests": 4, "num_none_requests": 0, "num_failures": 1, "total_response_time": 100.0,
        "max_response_time": 40.0, "min_response_time": 10.0, "response_times": {"25": 4},
    }  # fmt: skip
    (row,) = read([entry]).rows["serving_runs"]
    assert (row["e2e_s_mean"], row["duration_s"], row["requests_ok"]) == (0.025, 10.0, 3)
    assert row["measured_at"] == "2026-11-23T10:07:31.000000+00:00"


TREND = {"avg": 30.0, "min": 1.0, "med": 32.0, "max": 86.0, "p(90)": 52.0, "p(95)": 57.0, "p(99)": 62.0}
GOOD = {**TREND, "avg": 20.0, "count": 244}


def handle(failed: dict[str, Any]) -> dict[str, Any]:
    def metric(kind: str, values: dict[str, Any], contains: str = "default") -> dict[str, Any]:
        return {"type": kind, "contains": contains, "values": values}

    return {
        "root_group": {}, "options": {}, "state": {"testRunDurationMs": 3031.5},
        "metrics": {
            "http_reqs": metric("counter", {"count": 280, "rate": 92.5}),
            "http_req_failed": metric("rate", failed),
            "http_req_duration": metric("trend", TREND, "time"),
            "http_req_duration{expected_response:true}": metric("trend", GOOD, "time"),
            "http_req_tls_handshaking": metric("trend", dict.fromkeys(TREND, 0), "time"),
            "http_req_waiting": metric("trend", TREND, "time"),
            "ttft": metric("trend", {**TREND, "count": 280}, "time"),
            "tokens": metric("trend", TREND),
            "vus": metric("gauge", {"value": 1, "min": 1, "max": 3}),
            "vus_max": metric("gauge", {"value": 3, "min": 3, "max": 3}),
        },
    }  # fmt: skip


def test_passes_of_http_req_failed_are_failed_requests() -> None:
    (row,) = read(handle({"rate": 0.128, "passes": 36, "fails": 244})).rows["serving_runs"]
    assert (row["requests_ok"], row["requests_failed"], row["concurrency"]) == (244, 36, 3.0)
    assert (row["duration_s"], row["requests_per_s"]) == (3.0315, 92.5)


def test_times_of_failed_requests_stay_out_of_the_mean() -> None:
    (row,) = read(handle({"rate": 0.128, "passes": 36, "fails": 244})).rows["serving_runs"]
    assert row["e2e_s_mean"] == 0.02
    assert row["locator"] == "/metrics/http_req_duration{expected_response:true}/values"
    (clean,) = read(handle({"rate": 0, "passes": 0, "fails": 280})).rows["serving_runs"]
    assert clean["e2e_s_mean"] == 0.03


def test_other_time_trends_are_timings_and_a_phase_that_never_was_is_none() -> None:
    reading = read(handle({"rate": 0, "passes": 0, "fails": 280}))
    found = {row["case"]: (row["mean_s"], row.get("n")) for row in reading.rows["timings"]}
    assert found == {"http_req_waiting": (0.03, None), "ttft": (0.03, 280)}
    assert reading.records_ok == 1


def test_a_run_in_which_all_failed_keeps_no_times() -> None:
    reading = read(handle({"rate": 1, "passes": 280, "fails": 0}))
    (row,) = reading.rows["serving_runs"]
    assert (row["status"], row["requests_failed"], reading.records_failed) == ("failed", 280, 1)
    assert not any(key.startswith("e2e_s") for key in row)


def test_the_flat_summary_export_is_read() -> None:
    metrics = {
        "http_reqs": {"count": 10, "rate": 16.0},
        "http_req_failed": {"passes": 0, "fails": 10, "value": 0},
        "http_req_duration": TREND,
        "iteration_duration": TREND,
    }
    reading = read({"root_group": {"name": ""}, "metrics": metrics})
    (row,) = reading.rows["serving_runs"]
    assert (row["e2e_s_mean"], row["e2e_s_p90"], row["requests_ok"]) == (0.03, 0.052, 10)
    assert "duration_s" not in row
    assert [item["case"] for item in reading.rows["timings"]] == ["iteration_duration"]


def test_the_new_summary_has_metrics_in_a_list() -> None:
    def metric(name: str, contains: str, **values: Any) -> dict[str, Any]:
        return {"name": name, "type": "x", "contains": contains, "values": values}

    value = {
        "config": {"duration": 2.5, "execution": "local", "script": "secret source"},
        "metadata": {"generated_at": "2026-11-23T10:13:46.300563553Z", "k6_version": "1.8.1"},
        "results": {
            "metrics": [
                metric("http_reqs", "default", count=4, rate=1.6),
                metric("http_req_failed", "default", rate=0.25, matches=1, total=4),
                metric("http_req_duration", "time", avg=30.0, med=31.0, p90=50.0, p95=51.0, min=1.0, max=60.0),
            ]
        },
    }
    reading = read(value)
    (row,) = reading.rows["serving_runs"]
    assert (row["requests_ok"], row["requests_failed"], row["duration_s"]) == (3, 1, 2.5)
    assert (row["e2e_s_p90"], row["measured_at"]) == (0.05, "2026-11-23T10:13:46.300563+00:00")
    assert "secret" not in str(reading)
