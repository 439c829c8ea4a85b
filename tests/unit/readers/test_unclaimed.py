"""What is said of data that nobody reads, and the walk from there to rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera_pipeline.readers import registry, source_file, unclaimed
from chimera_pipeline.readers.column_names import field_named, unit_in
from chimera_pipeline.readers.document import Document
from chimera_pipeline.records import ArtifactStatus, Format
from chimera_pipeline.settings import Limits

MINE = """step,model,TTFT (ms),e2e_latency_s,prompt_tokens,completion_tokens,tokens/s,odd,timestamp,temperature,success
1,tiny:1b,120.5,2.25,10,100,44.4,3.5,2025-10-02T12:00:00Z,0.4,true
2,tiny:1b,0,0,10,0,0,3.5,2025-10-02T12:00:05Z,0.4,false
"""


def test_the_inventory_says_what_was_seen_and_reads_nothing() -> None:
    reading = registry.read(MINE.encode(), Format.CSV, Limits())
    assert reading.status is ArtifactStatus.UNRECOGNISED
    assert not reading.rows
    assert reading.detail is not None
    assert "2 rows; numeric: step, TTFT (ms) (ms), e2e_latency_s (s), prompt_tokens" in reading.detail
    assert "tokens/s (tokens/s), odd, temperature; other: model, timestamp, success" in reading.detail
    assert "docs/formats.md" in reading.detail


def test_from_a_draft_to_rows(tmp_path: Path) -> None:
    """The walk of docs/formats.md: see the file, take the draft, decide what it leaves open, save it, read."""
    document = Document(MINE.encode(), Format.CSV)
    assert registry.claim(document, registry.desk()) is None

    draft = unclaimed.draft(document)
    assert "# tokens/s (tokens/s): which field, in which unit? decode_tokens_per_s or end_to_end" in draft
    assert "# odd: which field, in which unit?" in draft

    decided = draft.replace("source: my-results", "source: night-run").replace(
        "  # tokens/s (tokens/s)",
        '  end_to_end_tokens_per_s: {column: "tokens/s", unit: tokens/s}\n  # decided:',
    )
    (tmp_path / "night-run.yaml").write_text(decided, encoding="utf-8")

    reading = registry.read(MINE.encode(), Format.CSV, Limits(), registry.desk(tmp_path))
    assert (reading.tool, reading.status) == ("night-run", ArtifactStatus.OK)
    first, second = reading.rows["llm_requests"]
    assert first == {
        "locator": "row 1",
        "config": {"temperature": 0.4},
        "status": "ok",
        "model": "tiny:1b",
        "ttft_s": 0.1205,
        "total_s": 2.25,
        "prompt_tokens": 10,
        "output_tokens": 100,
        "end_to_end_tokens_per_s": 44.4,
        "measured_at": "2025-10-02T12:00:00.000000+00:00",
        "time_naive": False,
    }
    assert second["status"] == "failed"
    assert "ttft_s" not in second


POINTS = {
    "host": "box",
    "points": [
        {"concurrency": 4, "mean ttft [ms]": 12, "latency": {"p99_ms": 90, "p50_ms": 50}, "rps": 3.5},
        {"concurrency": 8, "mean ttft [ms]": 15, "latency": {"p99_ms": 95, "p50_ms": 55}, "rps": 3.9},
    ],
}


@pytest.mark.parametrize(
    ("data", "table", "field"),
    [
        (json.dumps(POINTS), "serving_runs", "ttft_s_mean"),
        ("case,mean_us,std_us,min_us\nmatmul,5,1,4\nconv,6,1,5\n", "timings", "mean_s"),
        ('{"ttft_ms": 5, "total_ms": 9}\n{"ttft_ms": 6, "total_ms": 8}\n', "llm_requests", "total_s"),
    ],
)
def test_a_draft_of_a_file_with_plain_names_is_a_source_that_reads_it(
    data: str, table: str, field: str, tmp_path: Path
) -> None:
    draft = unclaimed.draft(Document(data.encode()))
    assert source_file.load("draft.yaml", draft).table == table
    (tmp_path / "draft.yaml").write_text(draft, encoding="utf-8")
    reading = registry.read(data.encode(), Format.OTHER, Limits(), registry.desk(tmp_path))
    assert [row[field] is not None for row in reading.rows[table]] == [True, True]


def test_a_draft_without_a_plain_name_is_yaml_that_asks_to_be_filled_in(tmp_path: Path) -> None:
    draft = unclaimed.draft(Document(b"alpha,beta\n1,x\n2,y\n"))
    assert yaml.safe_load(draft)["match"] == {"columns": ["alpha", "beta"]}
    assert "  # alpha: which field, in which unit?" in draft
    with pytest.raises(Exception, match=r"draft\.yaml:\d+: fields: is empty"):
        source_file.load("draft.yaml", draft)


@pytest.mark.parametrize("data", [b"just text", b"", b"[]", b"[1, 2]", b"\xff\xfe\x00"])
def test_there_is_no_draft_of_what_is_no_table(data: bytes) -> None:
    assert unclaimed.draft(Document(data)).startswith("# The file holds no table")


@settings(deadline=None)
@given(
    names=st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=5, unique=True),
    value=st.sampled_from(["1", "x", "", "1.5"]),
)
def test_a_draft_of_any_names_is_yaml(names: list[str], value: str) -> None:
    data = json.dumps([dict.fromkeys(names, value)] * 2).encode()
    loaded = yaml.safe_load(unclaimed.draft(Document(data)))
    assert loaded["format"] == "json"


def test_values_of_a_file_are_in_no_draft_and_in_no_detail() -> None:
    data = b'model,answer,ms\ntiny,"the secret answer",5\n'
    document = Document(data, Format.CSV)
    assert "secret" not in unclaimed.draft(document) + unclaimed.seen(document)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("ttft_ms", "ms"),
        ("TTFT (ms)", "ms"),
        ("latencyMs", "ms"),
        ("time [s]", "s"),
        ("duration_seconds", "s"),
        ("gpu_mem_mb", "MB"),
        ("mem_mib", "MiB"),
        ("tokens_per_second", "tokens/s"),
        ("output tok/s", "tokens/s"),
        ("tps", "tokens/s"),
        ("req/s", "requests/s"),
        ("gpu_util_percent", "percent"),
        ("request_rate", None),
        ("tokens", None),
        ("model", None),
        ("items", None),
    ],
)
def test_units_that_names_tell(name: str, unit: str | None) -> None:
    assert unit_in(name) == unit


@pytest.mark.parametrize(
    ("name", "table", "field"),
    [
        ("ttft_ms", "llm_requests", "ttft_s"),
        ("time_to_first_token", "llm_requests", "ttft_s"),
        ("p99_ttft_ms", "llm_requests", None),
        ("p99_ttft_ms", "serving_runs", "ttft_s_p99"),
        ("median_e2el_ms", "serving_runs", "e2e_s_p50"),
        ("max_ttft_ms", "serving_runs", None),
        ("tokens_per_second", "llm_requests", None),
        ("tokens_per_second", "serving_runs", None),
        ("model_id", "timings", "model"),
        ("median_ms", "timings", "median_s"),
        ("input_tokens", "llm_requests", "prompt_tokens"),
        ("loss", "timings", None),
    ],
)
def test_fields_that_names_state(name: str, table: str, field: str | None) -> None:
    assert field_named(name, table) == field
