"""asv result files, versions 1 and 2. Layouts as asv 0.2 and 0.6 write them; every value is invented."""

from __future__ import annotations

from chimera_pipeline.readers import registry
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits

SECOND = """{"commit_hash": "aa5e49093c33588c9c5fc16189c2a04d76a035b1", "env_name": "virtualenv-py3.11-numpy",
"date": 1500000000000, "params": {"arch": "x86_64", "cpu": "AMD EPYC", "machine": "vm", "python": "3.11"},
"python": "3.11", "requirements": {"numpy": ""}, "env_vars": {},
"result_columns": ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b",
"stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"],
"results": {
"b.S.time_x": [[0.002, 0.004, null, NaN], [["1", "2"], ["'a'", "'b'"]], "e5", 1795428456965, 1.4,
 [-Infinity, 0.003, null, null], [Infinity, 0.005, null, null], [0.002, 0.0035, null, null],
 [0.002, 0.0045, null, null], [1, 7, null, null], [1, 3, null, null],
 [[0.002], [0.0035, 0.004, 0.0045], null, null]],
"b.track_y": [[2], [], "22", 1795428458444, 1.1],
"b.mem_l": [[856], [], "dc", 1795428459545, 0.2],
"b.peakmem_l": [[26927104], [], "0e", 1795428459770, 0.2],
"b.time_fail": [null, [], "6b", 1795428459990, 0.2]},
"durations": {}, "version": 2}"""

FIRST = """{"commit_hash": "05d283b9694ed6db", "date": 1386688801000,
"params": {"cpu": "Intel(R) Core(TM) i5", "machine": "cheetah", "python": "2.7"}, "python": "2.7",
"requirements": {"numpy": "1.8", "Cython": ""},
"results": {"time_a": 0.5, "time_b": null, "time_c": NaN, "mem_d": 728,
"time_e": {"params": [["1", "2"]], "result": [1, 2]},
"time_f": {"result": 3, "stats": [{"repeat": 10, "q_25": 2.5, "q_75": 3.5}]}},
"started_at": {"time_a": 1386690000000}, "version": 1}"""


def read(text: str) -> Reading:
    return registry.read(text.encode(), Format.JSON, Limits())


def by_case(reading: Reading) -> dict[str, dict[str, object]]:
    return {row["case"]: row for row in reading.rows["timings"]}


def test_parameters_pair_with_results_in_the_order_of_their_product() -> None:
    rows = by_case(read(SECOND))
    assert rows["b.S.time_x:1:a"]["median_s"] == 0.002
    assert rows["b.S.time_x:1:b"]["median_s"] == 0.004
    assert rows["b.S.time_x:1:b"]["n"] == 3
    assert rows["b.S.time_x:1:b"]["locator"] == "/results/b.S.time_x/0/1"


def test_null_failed_and_nan_was_skipped() -> None:
    rows = by_case(read(SECOND))
    assert rows["b.S.time_x:2:a"]["status"] == "failed"
    assert "b.S.time_x:2:b" not in rows
    assert rows["b.time_fail"]["status"] == "failed"


def test_a_benchmark_is_one_record_and_failed_only_where_all_of_it_did() -> None:
    reading = read(SECOND)
    assert (reading.records_ok, reading.records_failed) == (4, 1)
    assert reading.status is ArtifactStatus.OK


def test_the_date_of_the_commit_never_dates_a_measurement() -> None:
    rows = by_case(read(SECOND))
    assert rows["b.S.time_x:1:a"]["measured_at"] == "2026-11-23T10:07:36.965000+00:00"
    old = by_case(read(FIRST))
    assert old["time_a"]["measured_at"] == "2013-12-10T15:40:00.000000+00:00"
    assert "measured_at" not in old["time_f"]


def test_memory_is_bytes_and_a_tracked_value_keeps_its_unknown_unit() -> None:
    found = {
        row["case"]: (row["metric"], row["value"], row.get("unit"))
        for row in read(SECOND).rows["measurements"]
        if row["metric"] != "time_s"
    }
    assert found == {
        "b.track_y": ("tracked_value", 2.0, "as stated"),
        "b.mem_l": ("object_bytes", 856.0, None),
        "b.peakmem_l": ("peak_memory_bytes", 26927104.0, None),
    }


def test_quartiles_and_samples_come_only_where_there_are_several() -> None:
    found = [
        (row["case"], row["statistic"], row["value"], row["n"])
        for row in read(SECOND).rows["measurements"]
        if row["metric"] == "time_s"
    ]
    assert found == [
        ("b.S.time_x:1:b", "p25", 0.0035, 3),
        ("b.S.time_x:1:b", "p75", 0.0045, 3),
        ("b.S.time_x:1:b", "sample", 0.0035, 1),
        ("b.S.time_x:1:b", "sample", 0.004, 1),
        ("b.S.time_x:1:b", "sample", 0.0045, 1),
    ]


def test_a_value_without_statistics_is_the_fastest_run() -> None:
    rows = by_case(read(FIRST))
    assert rows["time_a"]["min_s"] == 0.5
    assert "median_s" not in rows["time_a"]
    assert (rows["time_e:1"]["min_s"], rows["time_e:2"]["min_s"]) == (1.0, 2.0)
    assert (rows["time_f"]["median_s"], rows["time_f"]["n"]) == (3.0, 10)


def test_version_1_counts_by_benchmark_too() -> None:
    reading = read(FIRST)
    assert (reading.records_ok, reading.records_failed) == (5, 1)


def test_the_environment_is_part_of_the_series() -> None:
    assert read(SECOND).rows["timings"][0]["config"] == {"environment": "virtualenv-py3.11-numpy"}
    first = read(FIRST).rows["timings"][0]
    assert first["config"] == {"environment": "py2.7-Cython-numpy1.8"}
    assert (first["engine"], first["hardware"]) == ("Python-2.7", "Intel_Core_i5")


def test_results_that_do_not_pair_with_their_parameters_are_refused() -> None:
    reading = read(FIRST.replace('"result": [1, 2]', '"result": [1, 2, 3]'))
    assert reading.status is ArtifactStatus.PARTIAL
    assert [rejection.locator for rejection in reading.rejections] == ["/results/time_e"]


def test_what_asv_knows_of_machines_and_benchmarks_is_no_result() -> None:
    machine = '{"arch": "x86_64", "cpu": "c", "machine": "m", "os": "Linux", "ram": "8G", "version": 1}'
    benchmarks = '{"b": {"name": "b", "code": "def b(): ...", "type": "time", "unit": "seconds"}, "version": 2}'
    for text in (machine, benchmarks):
        assert read(text).status is ArtifactStatus.DOCUMENT
