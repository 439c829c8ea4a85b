"""A csv too large to hold gives the statistics that its rows would give, and names what it refuses."""

from __future__ import annotations

import os
import random
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers import registry
from chimera_pipeline.readers.fields import number
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits

HEADER = "timestamp,model,prompt_index,ttft_s,tokens_s,load_s,num_ctx,eval_count,error"
SMALL = Limits(max_file_bytes=100)


def rows(count: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    return [
        f"2025-10-02T12:{i % 60:02d}:00+00:00,{chance.choice(('m:1b', 'n:8b'))},{i},{chance.uniform(0.1, 0.9):.6f},"
        f"{chance.gauss(90, 5):.4f},{chance.uniform(0, 0.1):.6f},{chance.choice((2048, 4096))},"
        f"{chance.randrange(50, 99)},"
        for i in range(count)
    ]


def both(folder: Path, lines: list[str]) -> tuple[Reading, Reading]:
    """(summed up, row by row) of one csv."""
    path = folder / "odd *[name].csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return registry.read_large(descriptor, SMALL), registry.read(path.read_bytes(), Format.CSV, Limits())
    finally:
        os.close(descriptor)


def test_the_statistics_are_those_of_the_rows(tmp_path: Path) -> None:
    large, small = both(tmp_path, rows(5000))
    assert (large.status, large.tool, large.kind) == (ArtifactStatus.OK, small.tool, small.kind)
    assert (large.records_ok, large.records_failed) == (5000, 0)
    groups: dict[Any, list[float]] = {}
    for row in small.rows["llm_requests"]:
        groups.setdefault((row["model"], row["config"]["num_ctx"]), []).append(row["decode_tokens_per_s"])
    found = [row for row in large.rows["measurements"] if row["metric"] == "decode_tokens_per_s"]
    assert {(row["model"], row["config"]["num_ctx"]) for row in found} == set(groups)
    for row in found:
        values = groups[row["model"], row["config"]["num_ctx"]]
        expected = {
            "mean": statistics.fmean(values), "std": statistics.stdev(values), "min": min(values), "max": max(values),
            "median": statistics.median(values), "p90": np.quantile(values, 0.9), "p95": np.quantile(values, 0.95),
            "p99": np.quantile(values, 0.99),
        }  # fmt: skip
        assert row["value"] == pytest.approx(expected[row["statistic"]], rel=1e-12)
        assert row["n"] == len(values)
        assert row["ddof"] == (1 if row["statistic"] == "std" else None)
        assert row["measured_at"].startswith("2025-10-02T12:00")


def test_failed_broken_and_unreadable_rows_enter_no_mean_and_are_counted(tmp_path: Path) -> None:
    good = rows(50)
    bad = [
        "2025-10-02T12:00:00+00:00,m:1b,1,,,,2048,,connection refused",
        "2025-10-02T12:00:00+00:00,m:1b,1,0.5,0,0.1,2048,0,",
        "2025-10-02T12:00:00+00:00,m:1b,1,0.5,inf,0.1,2048,50,",
        "2025-10-02T12:00:00+00:00,m:1b,1,0.5,0x10,0.1,2048,50,",
        "2025-10-02T12:00:00+00:00,m:1b,1,0.5",
    ]
    large, small = both(tmp_path, [*good, *bad])
    assert large.status is small.status is ArtifactStatus.PARTIAL
    assert large.records_ok == small.records_ok == 50
    assert large.records_failed == small.records_failed == 2
    reasons = sorted(rejection.reason for rejection in large.rejections)
    assert reasons == [Reason.BAD_NUMBER, Reason.BAD_NUMBER, Reason.RAGGED_ROW]
    assert {r.locator for r in large.rejections if r.reason == Reason.BAD_NUMBER} == {"column tokens_s"}
    ragged = next(rejection for rejection in large.rejections if rejection.reason == Reason.RAGGED_ROW)
    assert ragged.locator == "line 56"
    counted = {row["n"] for row in large.rows["measurements"] if row["metric"] == "decode_tokens_per_s"}
    assert sum(counted) <= 50


ODD = (
    "",
    " ",
    "n/a",
    "None",
    "-",
    "0",
    "0.0",
    "-3",
    "+-3",
    "1_0",
    "1e999",
    "inf",
    "nan",
    "1.5",
    "abc",
    " 7 ",
    "0" * 45,
)
FORMATS = {
    "ollama-script": (
        "timestamp,model,ttft_s,tokens_s,eval_count,num_ctx,error",
        ("2025-10-02T12:00:00+00:00", "m:1b|n:8b", "#", "#", "#7", "2048|4096|", "|||boom|None| "),
    ),
    "request-log": (
        "when,timestamp,model_name,e2e_ms,ttft_ms,output_tokens,concurrency,success,error",
        ("x", "2025-10-02T12:00:00+00:00", "a/b|c", "#", "#", "#7", "1|8", "true|True|1|0| FALSE |", "|||x|false"),
    ),
    "k6": (
        "metric_name,timestamp,metric_value,error_code,expected_response,name",
        ("http_req_duration|http_reqs|", "1712345678", "#", "||||1050", "true|true|false", "login|https://x.y/z|cart"),
    ),
}


@pytest.mark.parametrize("tool", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5])
def test_every_kind_of_request_csv_gives_what_its_rows_give(tmp_path: Path, tool: str, share: float) -> None:
    header, shapes = FORMATS[tool]
    chance = random.Random(f"{tool}{share}")

    def cell(shape: str) -> str:
        if shape[:1] == "#":
            plain = str(chance.randrange(1, 99)) if shape == "#7" else f"{chance.uniform(0.1, 90):.4f}"
            return chance.choice(ODD) if chance.random() < share else plain
        return chance.choice(shape.split("|"))

    lines = [header, *(",".join(map(cell, shapes)) for _ in range(600))]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines) + "\n")
    descriptor = os.open(path, os.O_RDONLY)
    large, small = registry.read_large(descriptor, SMALL), registry.read(path.read_bytes(), Format.CSV, Limits())
    os.close(descriptor)
    assert small.tool == large.tool == tool
    assert small.kind == large.kind
    assert (large.records_ok, large.records_failed) == (small.records_ok, small.records_failed)
    assert large.records_ok > 20
    assert large.records_failed > 0
    values: dict[Any, list[float]] = {}
    for row in small.rows["llm_requests"]:
        if row["status"] == "ok":
            for metric in METRICS & row.keys():
                if row[metric] is not None:
                    values.setdefault((metric, *identity(row)), []).append(row[metric])
    stated = {(row["metric"], row["statistic"], *identity(row)): row for row in large.rows["measurements"]}
    assert {(key[0], *key[2:]) for key in stated} == set(values)
    for (metric, *who), numbers in values.items():
        mean = stated[metric, "mean", *who]
        assert mean["n"] == len(numbers)
        assert mean["value"] == pytest.approx(statistics.fmean(numbers), rel=1e-9)
        assert stated[metric, "max", *who]["value"] == pytest.approx(max(numbers), rel=1e-12)
        assert stated[metric, "median", *who]["value"] == pytest.approx(statistics.median(numbers), rel=1e-9)


METRICS = {"ttft_s", "total_s", "decode_tokens_per_s", "output_tokens"}


def identity(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row.get("model"), row.get("workload"), *sorted(row["config"].items()))


def test_a_source_of_the_user_is_summed_up_too(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "mine.yaml").write_text(
        "source: mine\nformat: csv\nmatch: {columns: [dauer_ms, modell]}\ngrain: {table: llm_requests}\n"
        "fields: {total_s: {column: dauer_ms, unit: ms}, model: modell}\n"
        "failed: {when: [{column: zustand, is_not: [gut, 200]}]}\n"
    )
    path = tmp_path / "x.csv"
    path.write_text("dauer_ms;modell;zustand\n" + "1500;m;Gut\n2500;m;200.0\n9;m;schlecht\n9;m;\n" * 50)
    descriptor = os.open(path, os.O_RDONLY)
    found = registry.read_large(descriptor, SMALL, registry.desk(tmp_path / "sources"))
    os.close(descriptor)
    assert (found.status, found.records_ok, found.records_failed) == (ArtifactStatus.OK, 100, 100)
    stated = {row["statistic"]: (row["value"], row["n"]) for row in found.rows["measurements"]}
    assert stated["mean"] == (2.0, 100)
    assert (stated["min"], stated["max"]) == ((1.5, 100), (2.5, 100))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("locust", b"Type,Name,Request Count,Failure Count,Average Response Time,Requests/s\nGET,/a,80,2,31,26.5\n"),
        ("nothing", b"a,b\n1,2\n"),
        ("one long line", b"a,b" * 200_000),
        ("json", b'[\n{"a": 1},\n{"a": 2}\n]\n'),
        ("bytes", bytes(range(256)) + b"\n"),
        ("quotes", b'a,b\n"1,2\n' * 50),
        ("no lines", b"\n\n\n"),
    ],
)
def test_a_large_csv_of_any_other_kind_is_one_clear_refusal(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    descriptor = os.open(path, os.O_RDONLY)
    found = registry.read_large(descriptor, SMALL)
    os.close(descriptor)
    assert found.status in (ArtifactStatus.QUARANTINED, ArtifactStatus.UNRECOGNISED)
    assert not found.rows
    assert found.detail
    assert len(found.rejections) <= 1


def test_a_kind_that_is_read_row_by_row_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("timestamp, index, utilization.gpu [%]\n2024/01/16 14:44:16.981, 0, 5 %\n")
    descriptor = os.open(path, os.O_RDONLY)
    found = registry.read_large(descriptor, SMALL)
    os.close(descriptor)
    assert (found.status, found.reason) == (ArtifactStatus.QUARANTINED, Reason.TOO_LARGE)
    assert "row by row" in str(found.detail)
    assert "split it" in str(found.detail)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("\n".join([HEADER, *rows(9000)]).encode() + b"\n2025,\xff\xfe,1,1,1,1,1,1,\n")
    descriptor = os.open(path, os.O_RDONLY)
    found = registry.read_large(descriptor, SMALL)
    os.close(descriptor)
    assert found.reason in (Reason.BAD_ENCODING, Reason.RAGGED_ROW)
    assert found.status in (ArtifactStatus.QUARANTINED, ArtifactStatus.PARTIAL)


@pytest.mark.parametrize(
    "cell",
    ["1", "+1.5", "-2", ".5", "1.", "1e3", "1E-3", "1e400", "inf", "-inf", "nan", "1_000", "0x10", "1,5", "1 000",
     "--1", "1e", "e1", "true", "n/a", "NA", "-", "None", "null", "5 ms", "\u0661", "0" * 50, "infinity", "1d", "1f"],
)  # fmt: skip
def test_what_counts_as_a_number_is_what_counts_elsewhere(tmp_path: Path, cell: str) -> None:
    line = f'2025-10-02T12:00:00+00:00,m:1b,0,0.5,100.0,"{cell}",2048,50,'
    large, small = both(tmp_path, [line] * 3)
    try:
        expected = number(cell)
    except ArtifactError:
        assert (large.records_ok, small.records_ok) == (0, 0)
        assert {r.reason for r in large.rejections} & {Reason.BAD_NUMBER}
        return
    stated = [
        row["value"] for row in large.rows["measurements"] if (row["metric"], row["statistic"]) == ("load_s", "mean")
    ]
    assert stated == ([] if expected is None else [expected])


def test_a_time_that_is_no_instant_is_refused_and_the_rows_stay(tmp_path: Path) -> None:
    large, _ = both(tmp_path, [row.replace("2025-10-02T12:", "0 o'clock ") for row in rows(20)])
    assert large.records_ok == 20
    assert {rejection.reason for rejection in large.rejections} == {Reason.BAD_TIME}
    assert large.rows["measurements"]
    assert not any(row.get("measured_at") for row in large.rows["measurements"])
