"""The middle: each measurement once, every gap named, the same tables for any order of files."""

from __future__ import annotations

import copy
import json
import random
import time
from pathlib import Path

import pandas as pd
import pytest

from chimera_pipeline.contracts import tables, validation
from chimera_pipeline.inventory.scan import format_of
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.metrics.settle import settle
from chimera_pipeline.readers import registry
from chimera_pipeline.records import Artifact, Reading
from chimera_pipeline.settings import Limits
from tests import corpus

MTIME = 1_760_000_000_000_000_000


def pair(path: str, content: str | bytes, sha256: str | None = None) -> tuple[Artifact, Reading]:
    data = content.encode() if isinstance(content, str) else content
    format = format_of(path)
    artifact = Artifact(path, len(data), MTIME, sha256 or f"hash-of-{hash(data)}", format)
    return artifact, registry.read(data, format, Limits())


def settled(files: dict[str, str | bytes]) -> dict[str, pd.DataFrame]:
    return settle([pair(path, content) for path, content in files.items()])


def status(tables_: dict[str, pd.DataFrame]) -> dict[str, str]:
    frame = tables_["artifacts"]
    return dict(zip(frame["path"], frame["status"], strict=True))


def test_exact_copies_are_counted_once() -> None:
    text = corpus.csv_text(corpus.suite(), corpus.REQUEST_COLUMNS)
    out = settled({"b/x.csv": text, "a/y.csv": text})
    assert status(out) == {"a/y.csv": "ok", "b/x.csv": "duplicate"}
    assert out["artifacts"].set_index("path").loc["b/x.csv", "same_as"] == "a/y.csv"
    assert len(out["llm_requests"]) == 5


def test_a_json_twin_is_counted_once_and_lends_its_model_with_the_source() -> None:
    rows = corpus.suite()
    without_model = [column for column in corpus.REQUEST_COLUMNS if column != "model"]
    twin = {
        "model": "tiny:1b",
        "results": [{"ttft_s": r["ttft_s"], "tokens_s": r["tokens_s"], "load_s": r["load_s"]} for r in rows],
    }
    out = settled({"suite.csv": corpus.csv_text(rows, without_model), "suite.json": json.dumps(twin)})
    assert sorted(status(out).values()) == ["duplicate", "ok"]
    requests = out["llm_requests"]
    assert len(requests) == 5
    assert set(requests["model"]) == {"tiny:1b"}
    assert set(requests["output_tokens"]) == {100}
    kept = requests["artifact_path"].iloc[0]
    sources = json.loads(requests["field_sources"].iloc[0])
    other = {"suite.csv": "suite.json", "suite.json": "suite.csv"}[kept]
    assert other in sources.values()


def test_a_rounded_markdown_twin_is_counted_once() -> None:
    out = settled({"c.json": corpus.compile_json(), "c.md": corpus.COMPILE_MD})
    assert status(out) == {"c.json": "ok", "c.md": "duplicate"}
    assert len(out["timings"]) == 3


def test_files_whose_numbers_differ_are_both_kept() -> None:
    slower = corpus.COMPILE_MD.replace("2.000", "2.002")
    out = settled({"c.json": corpus.compile_json(), "c.md": slower})
    assert status(out) == {"c.json": "ok", "c.md": "ok"}


def test_a_summary_of_stored_rows_is_derived_and_adds_no_measurement() -> None:
    rows = corpus.suite()
    files = {
        "s_runs.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS),
        "s_summary.json": corpus.suite_summary(rows),
    }
    out = settled(files)
    assert status(out)["s_summary.json"] == "derived"
    assert out["artifacts"].set_index("path").loc["s_summary.json", "same_as"] == "s_runs.csv"
    assert set(melt(out)["artifact_path"]) == {"s_runs.csv"}


def test_a_summary_that_disagrees_with_its_rows_is_named() -> None:
    rows = corpus.suite()
    both = [*rows, *corpus.suite("other:2b", 80.0)]
    wrong = json.loads(corpus.suite_summary(rows))
    right = json.loads(corpus.suite_summary(corpus.suite("other:2b", 80.0)))
    wrong["models"][0]["mean_tokens_s"] = 51.0
    wrong["models"] += right["models"]
    out = settled({"s_runs.csv": corpus.csv_text(both, corpus.REQUEST_COLUMNS), "s_summary.json": json.dumps(wrong)})
    assert status(out)["s_summary.json"] == "derived"
    gaps = out["telemetry_gaps"]
    named = gaps[gaps["kind"] == "inconsistent"]
    assert len(named) == 1
    assert "s_summary.json" in named.iloc[0]["subject"]


def test_a_summary_without_its_rows_stays_as_reported_statistics() -> None:
    out = settled({"s_summary.json": corpus.suite_summary(corpus.suite())})
    assert status(out) == {"s_summary.json": "ok"}
    long = melt(out)
    assert dict(zip(long["metric"] + ":" + long["statistic"], long["value"], strict=True)) == {
        "decode_tokens_per_s:mean": pytest.approx(50.0),
        "ttft_s:mean": pytest.approx(0.53),
    }
    assert long["n"].isna().all()


def test_failed_requests_give_no_value_and_are_counted() -> None:
    rows = [*corpus.suite(), corpus.failed(prompt_index=6)]
    out = settled({"s.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})
    failed = out["llm_requests"][out["llm_requests"]["status"] == "failed"]
    assert len(failed) == 1
    assert failed[["ttft_s", "load_s", "eval_s", "decode_tokens_per_s", "output_tokens"]].isna().all(axis=None)
    assert failed.iloc[0]["error_kind"] == "connection"
    long = melt(out)
    assert set(long.loc[long["status"] == "failed", "metric"]) == {"requests"}
    assert "failed_requests" in set(out["telemetry_gaps"]["kind"])


def test_cold_is_a_long_load_or_the_first_request_after_a_change() -> None:
    rows = [
        corpus.request(load_s=2.0, ttft_s=2.05),
        corpus.request(),
        corpus.request(),
        corpus.request(model="other:2b", load_s=0.2, ttft_s=0.25),
        corpus.request(model="other:2b"),
        corpus.request(model="other:2b"),
    ]
    out = settled({"s.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})
    assert list(out["llm_requests"]["phase"]) == ["cold", "warm", "warm", "cold", "warm", "warm"]


def test_the_phase_is_unknown_where_load_is_not_recorded() -> None:
    columns = [column for column in corpus.REQUEST_COLUMNS if column != "load_s"]
    out = settled({"s.csv": corpus.csv_text(corpus.suite(), columns)})
    assert set(out["llm_requests"]["phase"]) == {"unknown"}
    assert "no_warmup_info" in set(out["telemetry_gaps"]["kind"])


def test_a_file_without_model_takes_it_from_the_neighbour_whose_name_it_extends() -> None:
    baseline = {"model": "tiny:270m", "results": [{"ttft_s": 1.0, "tokens_s": 9.0, "load_s": 0.5}]}
    other = {"model": "tiny:latest", "results": [{"ttft_s": 2.0, "tokens_s": 8.0, "load_s": 0.5}]}
    columns = [column for column in corpus.REQUEST_COLUMNS if column not in ("model", "timestamp")]
    out = settled(
        {
            "r/tiny_270m_baseline.json": json.dumps(baseline),
            "r/tiny_baseline.json": json.dumps(other),
            "r/tiny_270m_sweep.csv": corpus.csv_text(corpus.suite(), columns),
            "r/alone.csv": corpus.csv_text(corpus.suite(base=70.0), columns),
        }
    )
    requests = out["llm_requests"].set_index("artifact_path")
    assert set(requests.loc["r/tiny_270m_sweep.csv", "model"]) == {"tiny:270m"}
    source = json.loads(requests.loc["r/tiny_270m_sweep.csv", "field_sources"].iloc[0])
    assert source == {"model": "r/tiny_270m_baseline.json"}
    assert requests.loc["r/alone.csv", "model"].isna().all()


def test_an_impossible_value_is_refused_and_the_rest_of_its_record_kept() -> None:
    rows = corpus.suite()
    rows[2]["ttft_s"] = -4.0
    out = settled({"s.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})
    requests = out["llm_requests"]
    assert requests["ttft_s"].isna().sum() == 1
    assert requests["decode_tokens_per_s"].notna().all()
    assert list(out["quarantine"]["reason"]) == ["out_of_range"]
    assert out["quarantine"].iloc[0]["locator"] == "row 3"
    assert status(out) == {"s.csv": "partial"}


def test_rows_that_contradict_themselves_are_named() -> None:
    rows = corpus.suite()
    rows[1]["tokens_s"] = 75.0
    out = settled({"s.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})
    gaps = out["telemetry_gaps"]
    named = gaps[gaps["kind"] == "inconsistent"]
    assert list(named["field"]) == ["decode_tokens_per_s"]
    assert list(named["count"]) == [1]


def test_time_comes_from_content_then_name_then_file() -> None:
    columns = [column for column in corpus.REQUEST_COLUMNS if column != "timestamp"]
    out = settled(
        {
            "a.csv": corpus.csv_text(corpus.suite(), corpus.REQUEST_COLUMNS),
            "20251001-080000/b.csv": corpus.csv_text(corpus.suite(base=60.0), columns),
            "c.csv": corpus.csv_text(corpus.suite(base=70.0), columns),
        }
    )
    found = out["artifacts"].set_index("path")["time_source"].to_dict()
    assert found == {"a.csv": "content", "20251001-080000/b.csv": "filename", "c.csv": "mtime"}
    long = melt(out)
    dated = {path: set(rows["period"].dropna()) for path, rows in long.groupby("artifact_path")}
    assert dated == {"a.csv": {"2025-10"}, "20251001-080000/b.csv": {"2025-10"}, "c.csv": set()}
    trusted = melt(out, trust_file_times=True)
    assert set(trusted.loc[trusted["artifact_path"] == "c.csv", "period"]) == {"2025-10"}


def test_the_tables_are_the_same_for_any_order_of_files(tmp_path: Path) -> None:
    root = corpus.tree(tmp_path)
    files = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    pairs = [pair(path, content) for path, content in files.items()]
    first = settle(copy.deepcopy(pairs))
    for seed in range(3):
        random.Random(seed).shuffle(pairs)
        again = settle(copy.deepcopy(pairs))
        for name, frame in first.items():
            pd.testing.assert_frame_equal(frame, again[name])
        pd.testing.assert_frame_equal(melt(first), melt(again))


def test_every_settled_table_keeps_its_contract(tmp_path: Path) -> None:
    root = corpus.tree(tmp_path)
    out = settled({str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()})
    out["measurements"] = melt(out)
    for name in (*tables.SETTLED_TABLES, "measurements"):
        assert validation.failures(name, out[name]).empty, name
    assert status(out) == {
        "broken.json": "quarantined",
        "copies/suite_again.csv": "duplicate",
        "november/sweep.csv": "ok",
        "notes.md": "document",
        "october/compile.json": "ok",
        "october/compile.md": "duplicate",
        "october/failed_runs.csv": "ok",
        "october/suite_runs.csv": "duplicate",
        "october/suite_summary.json": "derived",
        "october/suite_twin.json": "ok",
        "odd.json": "unrecognised",
    }


def test_nothing_at_all_gives_empty_tables() -> None:
    out = settle([])
    assert all(out[name].empty for name in tables.SETTLED_TABLES)
    assert melt(out).empty


def test_like_files_in_thousands_are_not_compared_pair_by_pair() -> None:
    # 3000 points of one benchmark lie within a percent of their neighbours: 4.5 million pairs, of which 1 is a twin
    def reading(number: int) -> Reading:
        found = Reading(kind="serving_benchmark", tool="vllm")
        row = {"locator": "/duration", "suite": "serve", "config": {}, "status": "ok", "model": "tiny-1b"}
        found.add("serving_runs", row | {"duration_s": 60 + number / 100, "requests_ok": 200, "ttft_s_mean": 0.1 + number / 1e4, "ttft_s_p50": 0.05 + number / 1e4})  # fmt: skip # noqa: E501
        return found

    files = [(Artifact(f"{n:04d}.json", 9, MTIME, f"h{n}", format_of("a.json")), reading(n)) for n in range(3000)]
    files.append((Artifact("twin.json", 9, MTIME, "twin", format_of("a.json")), reading(7)))
    before = time.process_time()
    out = settle(files)
    assert time.process_time() - before < 15  # pair by pair: about 100 s
    assert status(out)["twin.json"] == "duplicate"
    assert sum(found == "duplicate" for found in status(out).values()) == 1
