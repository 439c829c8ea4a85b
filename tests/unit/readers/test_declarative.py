"""Declarative sources: what a YAML file makes of a csv, a json or JSON lines, and what a wrong one says."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from chimera_pipeline.errors import ContractError, Reason, UsageError
from chimera_pipeline.readers import declarative, registry, source_file
from chimera_pipeline.readers.document import Document
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits

LOAD = """
source: load-points
tool: my-load
format: csv
match:
  columns: [users, [ttft_ms_mean, mean_ttft], ok]
  without: [request_id]
grain: {table: serving_runs}
fields:
  concurrency: users
  ttft_s_mean: {column: [ttft_ms_mean, mean_ttft], unit: ms}
  output_tokens_per_s: {column: tput, unit: tok/s}
  requests_ok: ok
  requests_failed: bad
  duration_s: {column: minutes, unit: min}
statistics:
  - {metric: serving_ttft_s, statistic: p99.9, column: ttft_p999, unit: ms, n: ok}
constants: {engine: my-server, suite: load}
config: {max_tokens: tokens_wanted, my_knob: knob}
time: when
failed:
  when:
    - {column: ok, is: 0}
    - {column: state, is_not: [done, 200]}
  error: note
"""
POINTS = """users,ttft_ms_mean,tput,ok,bad,minutes,ttft_p999,tokens_wanted,knob,when,state,note,comment
4,120.5,800.25,100,0,2,400,128,7.0,2025-10-02T12:00:00Z,done,,"a, b"
8,,900,200,2,2,500,128,fast,2025-10-02T12:05:00Z,done,,
16,150,950,0,300,2,600,128,,soon,done,connection refused,
32,160,990,300,0,2,,128,,2025-10-02T12:15:00Z,aborted,,
64,abc,990,300,0,2,,128,,,200,,
"""


def read(yaml: str, data: str | bytes | Any, tmp_path: Path) -> Reading:
    """What the registry makes of `data` with a folder that holds `yaml`."""
    folder = tmp_path / "sources"
    folder.mkdir(exist_ok=True)
    (folder / "mine.yaml").write_text(textwrap.dedent(yaml), encoding="utf-8")
    if not isinstance(data, str | bytes):
        data = json.dumps(data)
    data = data.encode() if isinstance(data, str) else data
    return registry.read(data, Format.OTHER, Limits(), registry.desk(folder))


def test_a_csv_becomes_rows_in_canonical_units(tmp_path: Path) -> None:
    reading = read(LOAD, POINTS, tmp_path)
    assert (reading.tool, reading.kind) == ("my-load", "source_serving_runs")
    first, second, third, fourth = reading.rows["serving_runs"]
    assert first == {
        "locator": "row 1",
        "config": {"max_tokens": 128, "my_knob": 7},
        "status": "ok",
        "engine": "my-server",
        "suite": "load",
        "concurrency": 4.0,
        "ttft_s_mean": 0.1205,
        "output_tokens_per_s": 800.25,
        "requests_ok": 100,
        "requests_failed": 0,
        "duration_s": 120.0,
        "measured_at": "2025-10-02T12:00:00.000000+00:00",
        "time_naive": False,
    }
    assert second["ttft_s_mean"] is None
    assert second["config"] == {"max_tokens": 128, "my_knob": "fast"}
    assert (reading.records_ok, reading.records_failed) == (2, 2)
    assert (third["status"], third["error_kind"]) == ("failed", "connection")
    assert (third["requests_ok"], third["requests_failed"]) == (0, 300)
    assert not {"ttft_s_mean", "output_tokens_per_s", "duration_s"} & third.keys()
    assert (fourth["status"], fourth["error_kind"]) == ("failed", "other")


def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path) -> None:
    reading = read(LOAD, POINTS, tmp_path)
    assert reading.status is ArtifactStatus.PARTIAL
    assert [(r.reason, r.locator) for r in reading.rejections] == [
        (Reason.BAD_TIME, "row 3"),
        (Reason.BAD_NUMBER, "row 5"),
    ]
    assert "measured_at" not in reading.rows["serving_runs"][2]


def test_a_statistic_without_a_column_goes_to_measurements(tmp_path: Path) -> None:
    reading = read(LOAD, POINTS, tmp_path)
    found = [(m["locator"], m["statistic"], m["value"], m["n"]) for m in reading.rows["measurements"]]
    assert found == [("row 1", "p99.9", 0.4, 100), ("row 2", "p99.9", 0.5, 200)]
    assert reading.rows["measurements"][0]["engine"] == "my-server"


def test_a_column_that_the_file_does_not_have_is_absent_from_the_rows(tmp_path: Path) -> None:
    reading = read(LOAD, "users,mean_ttft,ok\n4,120,100\n", tmp_path)
    (row,) = reading.rows["serving_runs"]
    assert row["ttft_s_mean"] == 0.12
    assert not {"output_tokens_per_s", "requests_failed", "duration_s", "measured_at"} & row.keys()
    assert row["status"] == "ok"


def test_the_printed_precision_is_kept_in_the_canonical_unit(tmp_path: Path) -> None:
    precision = read(LOAD, POINTS, tmp_path).precision["serving_runs"]
    assert precision["ttft_s_mean"] == pytest.approx(0.00005)
    assert precision["output_tokens_per_s"] == pytest.approx(0.005)


@pytest.mark.parametrize("header", ["users,ttft_ms_mean", "users,ok,tput", "users,ttft_ms_mean,ok,request_id"])
def test_another_header_does_not_match(header: str, tmp_path: Path) -> None:
    reading = read(LOAD, f"{header}\n" + ",".join("1" * len(header.split(","))) + "\n", tmp_path)
    assert reading.status is ArtifactStatus.UNRECOGNISED


CASES = """
source: nested-cases
format: json
match:
  paths: [/suites/*/cases/*/mean_us, /host/gpu]
  equals: {/schema: 2}
grain: {table: timings, records: /suites/*/cases/*, kind: kernel_benchmark}
fields:
  suite: {key: 1}
  case: {key: 2}
  mean_s: {path: mean_us, unit: us}
  std_s: {path: /spread/sd, unit: us}
  n: {path: runs}
  hardware: {root: /host/gpu}
time: {root: /started}
config: {threads: {root: /options/threads}}
failed:
  when: [{path: mean_us, is: [0, -1]}]
"""
NESTED = {
    "schema": 2,
    "started": 1759187000,
    "host": {"gpu": "Test GPU"},
    "options": {"threads": 8},
    "suites": {
        "a/b": {"cases": {"matmul": {"mean_us": 12.5, "spread": {"sd": 0.5}, "runs": 10}}},
        "c": {"cases": {"conv": {"mean_us": 0, "runs": 10}, "note": "none"}},
    },
}


def test_nested_json_is_walked_by_pointers_with_stars(tmp_path: Path) -> None:
    reading = read(CASES, NESTED, tmp_path)
    first, second = reading.rows["timings"]
    assert first == {
        "locator": "/suites/a~1b/cases/matmul",
        "config": {"threads": 8},
        "status": "ok",
        "suite": "a/b",
        "case": "matmul",
        "mean_s": 0.0000125,
        "std_s": 0.0000005,
        "n": 10,
        "hardware": "Test_GPU",
        "measured_at": "2025-09-29T23:03:20.000000+00:00",
        "time_naive": False,
    }
    assert second["status"] == "failed"
    assert reading.kind == "kernel_benchmark"
    assert [(r.reason, r.locator) for r in reading.rejections] == [(Reason.UNEXPECTED_SHAPE, "/suites/c/cases/note")]


@pytest.mark.parametrize("change", [{"schema": 3}, {"host": {}}, {"suites": {}}, {"schema": None}])
def test_json_without_a_path_or_with_another_value_does_not_match(change: Any, tmp_path: Path) -> None:
    assert read(CASES, NESTED | change, tmp_path).status is ArtifactStatus.UNRECOGNISED


COUNTERS = """
source: counters
format: jsonl
match: {paths: [ts, gpu_w]}
grain: {table: system_samples}
fields: {device: gpu}
values:
  gpu_power: {path: gpu_w, unit: W}
  gpu_memory_used: {path: /mem/used_mib, unit: MiB}
  gpu_utilization: {path: util, unit: "%"}
time: ts
failed: never
"""


def test_a_wide_line_of_counters_becomes_one_row_a_counter(tmp_path: Path) -> None:
    lines = [
        {"ts": 1759187000, "gpu": "g0", "gpu_w": 75.5, "mem": {"used_mib": 2}, "util": 50},
        {"ts": 1759187001, "gpu": "g0", "gpu_w": None, "util": 0},
    ]
    reading = read(COUNTERS, "".join(json.dumps(line) + "\n" for line in lines), tmp_path)
    found = [(r["locator"], r["metric"], r["value"], r["unit"]) for r in reading.rows["system_samples"]]
    assert found == [
        ("line 1", "gpu_power", 75.5, "W"),
        ("line 1", "gpu_memory_used", 2.0 * 2**20, "bytes"),
        ("line 1", "gpu_utilization", 50.0, "percent"),
        ("line 2", "gpu_utilization", 0.0, "percent"),
    ]
    assert reading.records_ok == 2
    assert all(row["at"] == row["measured_at"] for row in reading.rows["system_samples"])


@pytest.mark.parametrize("error", ["", "null", '"none"'])
def test_what_is_blank_is_no_sign_of_failure(error: str, tmp_path: Path) -> None:
    yaml = """
    source: signs
    format: jsonl
    match: {paths: [ms, err]}
    grain: {table: llm_requests}
    fields: {total_s: {path: ms, unit: ms}}
    failed: {when: [{path: err, filled: true}], error: err}
    """
    line = '{"ms": 5, "err": %s}\n' % (error or '""')
    status = read(yaml, line, tmp_path).rows["llm_requests"][0]["status"]
    assert status == ("failed" if error == '"none"' else "ok")


# Names, versions, folders


def test_a_source_is_a_reader_whose_version_is_its_text(tmp_path: Path) -> None:
    read(LOAD, POINTS, tmp_path)
    (before,) = [r for r in registry.readers(tmp_path / "sources") if r.name == "source:load-points"]
    version = registry.version(tmp_path / "sources")
    assert registry.version(tmp_path / "sources") == version != registry.version()
    read(LOAD.replace("unit: min", "unit: s"), POINTS, tmp_path)
    (after,) = [r for r in registry.readers(tmp_path / "sources") if r.name == "source:load-points"]
    assert after.version != before.version
    assert registry.version(tmp_path / "sources") != version


def test_a_source_of_the_user_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    shipped = Path(registry.schemas.folder() / "sources" / "request-log.yaml").read_text(encoding="utf-8")
    data = "ttft_ms,e2e_ms,output_tokens,error\n5,10,2,\n"
    assert read(LOAD, data, tmp_path).tool == "request-log"
    (tmp_path / "sources" / "mine.yaml").write_text(
        shipped.replace("format: csv", "format: csv\ntool: mine"), encoding="utf-8"
    )
    assert registry.read(data.encode(), Format.CSV, Limits(), registry.desk(tmp_path / "sources")).tool == "mine"
    names = [reader.name for reader in registry.readers(tmp_path / "sources")]
    assert names.count("source:request-log") == 1


def test_the_source_that_asks_for_more_comes_first(tmp_path: Path) -> None:
    for name, columns in (("a-loose", "ms"), ("z-strict", "ms, extra")):
        (tmp_path / f"{name}.yaml").write_text(
            f"source: {name}\nformat: csv\nmatch: {{columns: [{columns}]}}\ngrain: {{table: timings}}\n"
            "fields: {mean_s: {column: ms, unit: ms}}\nfailed: never\n",
            encoding="utf-8",
        )
    assert registry.read(b"ms,extra\n1,2\n", Format.CSV, Limits(), registry.desk(tmp_path)).tool == "z-strict"
    assert registry.read(b"ms,other\n1,2\n", Format.CSV, Limits(), registry.desk(tmp_path)).tool == "a-loose"


def test_two_files_of_one_name_in_a_folder_are_an_error(tmp_path: Path) -> None:
    for file in ("one.yaml", "two.yml"):
        (tmp_path / file).write_text(LOAD, encoding="utf-8")
    with pytest.raises(ContractError, match=r"two\.yml: source: 'load-points' stands in one\.yaml"):
        registry.readers(tmp_path)


def test_a_folder_that_is_missing_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="setting sources"):
        registry.version(tmp_path / "missing")


def test_a_file_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"source: \xe9\n")
    with pytest.raises(ContractError, match=r"x\.yaml: not UTF-8 at byte 8"):
        registry.readers(tmp_path)


def test_an_unreadable_entry_is_a_usage_error(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "x.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        registry.readers(tmp_path)


def test_every_shipped_source_loads_and_says_what_it_is() -> None:
    folder = registry.schemas.folder() / "sources"
    for path in sorted(folder.glob("*.yaml")):
        source = source_file.load(path.name, path.read_text(encoding="utf-8"))
        assert source.name == path.stem
        assert "description:" in path.read_text(encoding="utf-8")
    assert len(declarative.readers(folder)) == len(list(folder.glob("*.yaml"))) >= 2


# Errors


BASE = """source: base
format: csv
match: {columns: [ms]}
grain: {table: timings}
fields: {mean_s: {column: ms, unit: ms}}
failed: never
"""


def wrong(text: str) -> str:
    with pytest.raises(ContractError) as caught:
        source_file.load("mine.yaml", text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "failed: never\n",
            "failed: never\nfaild: x\n",
            "mine.yaml:7: faild: is not a key here; did you mean 'failed'?",
        ),
        ("failed: never\n", "", "mine.yaml:1: the file: key 'failed' is missing"),
        ("failed: never", "failed: no", "mine.yaml:6: failed: is 'no'"),
        (
            "failed: never",
            "failed: {when: [{column: x}]}",
            "mine.yaml:6: failed.when[0]: needs one of filled, is, is_not",
        ),
        ("failed: never", "failed: {when: [{colum: x, filled: true}]}", "did you mean 'column'?"),
        ("failed: never", "failed: {when: [{column: x, filled: 3}]}", "failed.when[0].filled: expected true"),
        ("failed: never", "failed: {error: x}", "mine.yaml:6: failed: key 'when' is missing"),
        ("table: timings", "table: timing", "mine.yaml:4: grain.table: is 'timing'; did you mean 'timings'?"),
        ("table: timings", "table: timings, records: /x", "grain.records: is for json; in csv every row is a record"),
        ("table: timings", "table: timings, kind: kernels", "grain.kind: is 'kernels'"),
        ("table: timings", "table: timings, kind: ollama_requests", "a kind of table 'llm_requests', not of 'timings'"),
        ("mean_s:", "mean_ms:", "mine.yaml:5: fields.mean_ms: is not a key here; did you mean 'mean_s'?"),
        ("unit: ms", "unit: mss", "mine.yaml:5: fields.mean_s.unit: 'mss' is no unit; did you mean 'ms'?"),
        ("unit: ms", "unit: MiB", "fields.mean_s.unit: 'MiB' does not measure s"),
        ("unit: ms", "unti: ms", "fields.mean_s.unti: is not a key here; did you mean 'unit'?"),
        (", unit: ms", "", "mine.yaml:5: fields.mean_s: needs a unit, e.g. {column: ..., unit: ms}"),
        ("column: ms,", "path: ms,", "fields.mean_s.path: is not a key here"),
        ("column: ms,", "", "fields.mean_s: needs column"),
        ("column: ms,", "column: {a: b},", "fields.mean_s.column: is a mapping, expected a text"),
        (
            "fields: {mean_s: {column: ms, unit: ms}}",
            "fields: {case: ms}",
            "mine.yaml:5: fields: no measurement is mapped",
        ),
        ("fields: {mean_s: {column: ms, unit: ms}}", "fields:", "mine.yaml:5: fields: is empty, expected"),
        ("{mean_s: {", "{n: {column: a, unit: ms}, mean_s: {", "fields.n.unit: n takes no unit"),
        ("match: {columns: [ms]}", "match: {columns: []}", "mine.yaml:3: match.columns: is an empty list"),
        ("match: {columns: [ms]}", "match: {paths: [ms]}", "match.paths: is not a key here"),
        ("match: {columns: [ms]}", "match: [ms]", "match: is a list, expected `key: value` pairs"),
        ("format: csv", "format: xml", "mine.yaml:2: format: is 'xml'"),
        ("source: base", "source: My Source", "source: is 'My Source', expected lower-case letters"),
        ("source: base", "source: base\nsource: base", "mine.yaml:2: source: stands here twice"),
        ("source: base", "source: base\ntool: a tool", "tool: is 'a tool'"),
        ("failed: never", "failed: never\nconstants: {device: a b}", "constants.device: is 'a b', expected a name"),
        ("failed: never", "failed: never\nconstants: {mean_s: 3}", "constants.mean_s: is not a key here"),
        ("failed: never", "failed: never\nconfig: [API-Key]", "config[0]: 'API-Key' is no option name"),
        ("failed: never", "failed: never\nconfig: {api_key: x}", "config.api_key: 'api_key' is no option name"),
        ("failed: never", "failed: never\nvalues: {a: b}", "values: is for tables with one value a row"),
        (
            "failed: never",
            "failed: never\nstatistics: [{metric: time, statistic: p50, column: x}]",
            "statistics[0].metric: is 'time'",
        ),
        ("failed: never", "failed: never\nstatistics: [{metric: time_s, statistic: p50, column: x}]", "needs a unit"),
        (
            "failed: never",
            "failed: never\nstatistics: [{metric: time_s, statistic: p55, column: x, unit: s}]",
            "is 'p55'; did you mean 'p",
        ),
        ("failed: never", "failed: &a never", "mine.yaml:6: anchors"),
        ("failed: never", "failed: [", "mine.yaml:7: not YAML"),
        ("failed: never", "failed: !!python/object:os.system x", "mine.yaml:6"),
        ("failed: never", "? [a]\n: b\nfailed: never", "a key is a collection"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_and_key(old: str, new: str, said: str) -> None:
    assert old in BASE
    assert said in wrong(BASE.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]", "just text", "a" * 300_000])
def test_a_file_without_a_source_is_an_error(text: str) -> None:
    assert wrong(text).startswith("mine.yaml:")


def test_the_base_of_these_errors_is_right() -> None:
    assert source_file.load("mine.yaml", BASE).name == "base"


def test_a_wrong_source_ends_reading_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(ContractError):
        read(BASE.replace("mean_s", "meen_s"), "ms\n1\n", tmp_path)


def test_matching_asks_nothing_of_a_document_that_is_no_table() -> None:
    for reader in declarative.readers(registry.schemas.folder() / "sources"):
        for data in (b"", b"{", b"[]", b"x", b'{"a": 1}', b"\xff", b"[[[[[1]]]]]"):
            assert reader.matches(Document(data)) is False
