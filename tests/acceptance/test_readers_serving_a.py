"""Every llama-bench, llmperf and vLLM file of the shared folder against an independent count of it."""

import json
import math
import statistics
from functools import cache
from pathlib import Path

import pytest

from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.registry import read, readers
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
FORMATS = {".json": Format.JSON, ".jsonl": Format.JSONL, ".csv": Format.CSV, ".md": Format.MARKDOWN}
GROUPS = ("tools/llama-bench/", "tools/llmperf/", "tools/vllm/")

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (DATA / "ORACLE.json").is_file(), reason="../shared/data is not there"),
]


@cache
def oracle():
    return json.loads((DATA / "ORACLE.json").read_text())["files"]


def paths():
    if not (DATA / "ORACLE.json").is_file():
        return ["none"]
    return sorted(path for path in oracle() if path.startswith(GROUPS))


@cache
def reading(path):
    file = DATA / path
    return read(file.read_bytes(), FORMATS[file.suffix], Limits())


def rows(path, table):
    return reading(path).rows.get(table, [])


def p95(values):
    values = sorted(values)
    position = 0.95 * (len(values) - 1)
    low = math.floor(position)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (position - low)


def agree(values, stated):
    assert len(values) == stated["n"]
    for ours, name in (
        (statistics.fmean(values), "mean"),
        (statistics.median(values), "p50"),
        (p95(values), "p95_linear"),
        (min(values), "min"),
        (max(values), "max"),
    ):
        assert ours == pytest.approx(stated[name], rel=1e-9), name


@pytest.mark.parametrize("path", paths())
def test_records_are_counted_as_the_tool_wrote_them(path):
    found, stated = reading(path), oracle()[path]
    assert found.records_ok + found.records_failed == stated["rows"]
    assert found.records_failed == (stated["rows_failed"] or 0)
    assert found.rejections == []


@pytest.mark.parametrize("path", paths())
def test_one_reader_claims_a_file(path):
    file = DATA / path
    document = Document(file.read_bytes(), FORMATS[file.suffix], Limits())
    assert len([reader.name for reader in readers() if reader.matches(document)]) == 1


def with_metrics(*names):
    chosen = []
    for path in paths():
        metrics = {} if path == "none" else oracle()[path].get("metrics") or {}
        if any(metrics.get(name) for name in names):
            chosen.append(path)
    return chosen or ["none"]


@pytest.mark.parametrize("path", with_metrics("prompt_tokens_per_s", "decode_tokens_per_s"))
def test_rates_of_llama_bench(path):
    metrics = oracle()[path]["metrics"]
    for name, phase in (("prompt_tokens_per_s", "pp"), ("decode_tokens_per_s", "tg")):
        values = [row["rate_mean"] for row in rows(path, "throughputs") if row["case"].startswith(phase)]
        if metrics[name] is None:
            assert values == []
        else:
            agree(values, metrics[name])


@pytest.mark.parametrize("path", with_metrics("avg_test_s"))
def test_times_of_llama_bench(path):
    beside = rows(path, "measurements")
    times = [m["value"] for m in beside if (m["metric"], m["statistic"]) == ("case_time_s", "mean")]
    agree(times, oracle()[path]["metrics"]["avg_test_s"])


@pytest.mark.parametrize("path", with_metrics("avg_power_w"))
def test_power_beside_llama_bench(path):
    beside = rows(path, "measurements")
    watts = [m["value"] for m in beside if (m["metric"], m["statistic"]) == ("power_w", "mean")]
    agree(watts, oracle()[path]["metrics"]["avg_power_w"])


@pytest.mark.parametrize("path", with_metrics("end_to_end_latency_s"))
def test_requests_of_llmperf(path):
    metrics = oracle()[path]["metrics"]
    for name, field in (
        ("ttft_s", "ttft_s"),
        ("end_to_end_latency_s", "total_s"),
        ("inter_token_latency_s", "itl_s"),
        ("request_output_tokens_per_s", "end_to_end_tokens_per_s"),
    ):
        agree([row[field] for row in rows(path, "llm_requests") if row["status"] == "ok"], metrics[name])


@pytest.mark.parametrize("path", with_metrics("ttft_mean_s"))
def test_summaries_of_llmperf(path):
    metrics, (entry,), (row,) = oracle()[path]["metrics"], reading(path).summaries, rows(path, "serving_runs")
    assert entry.stats["ttft_s:mean"][0] == metrics["ttft_mean_s"]
    assert entry.stats["ttft_s:p50"][0] == metrics["ttft_p50_s"]
    assert entry.stats["itl_s:mean"][0] == metrics["itl_mean_s"]
    assert row["output_tokens_per_s"] == metrics["output_throughput_tok_s"]
    assert (row["requests_ok"], row["requests_failed"]) == (
        metrics["num_completed_requests"],
        metrics["number_errors"],
    )


def with_models():
    return [path for path in paths() if path != "none" and oracle()[path].get("models")] or ["none"]


@pytest.mark.parametrize("path", with_models())
def test_models_are_those_of_the_file(path):
    """Names in the tables have no spaces, and an unknown size ("?B") is left out."""
    found = {row["model"] for table in ("throughputs", "serving_runs") for row in rows(path, table)}
    assert found == {model.replace("?B ", "").replace(" ", "_") for model in oracle()[path]["models"]}


def with_times():
    return [path for path in paths() if path != "none" and oracle()[path]["timestamp"]["value"]] or ["none"]


# The oracle takes start_time and end_time of the wrapping script; the row is dated by test_time, the instant
# of llama-bench itself, which lies between them and by which the file agrees with raw_runs.jsonl.
BY_WRAPPER = {"tools/llama-bench/strix-halo-testing/GLM-4.5-Air/results.jsonl"}


@pytest.mark.parametrize("path", with_times())
def test_instants_come_from_the_content(path):
    stated = oracle()[path]["timestamp"]["value"]
    first, last = (stated, stated) if isinstance(stated, str) else stated
    tables = [row for table in ("throughputs", "serving_runs") for row in rows(path, table)]
    found = sorted(row["measured_at"] for row in tables)
    bounds = [text.replace("Z", "").replace("+00:00", "")[:19] for text in (first, last)]
    if path in BY_WRAPPER:
        assert bounds[0] <= found[0][:19] <= found[-1][:19] <= bounds[1]
    else:
        assert [found[0][:19], found[-1][:19]] == bounds
    assert not any(row["time_naive"] for row in tables)


def test_every_row_of_the_results_is_a_row_of_the_raw_runs():
    folder = "tools/llama-bench/strix-halo-testing/GLM-4.5-Air/"
    keys = ("case", "measured_at", "rate_mean", "rate_std", "n", "model", "hardware", "engine")
    raw = {tuple(row[key] for key in keys) for row in rows(folder + "raw_runs.jsonl", "throughputs")}
    results = {tuple(row[key] for key in keys) for row in rows(folder + "results.jsonl", "throughputs")}
    assert len(results) == 104
    assert results <= raw


def test_every_rate_of_the_readme_is_a_rate_of_the_results():
    folder = "tools/llama-bench/strix-halo-testing/GLM-4.5-Air/"
    measured = rows(folder + "results.jsonl", "throughputs")
    summaries = reading(folder + "README.md").summaries
    assert len(summaries) == 112
    for entry in summaries:
        options = {key.removeprefix("config."): v for key, v in entry.where.items() if key.startswith("config.")}
        rates = [
            row["rate_mean"]
            for row in measured
            if row["case"] == entry.where["case"] and options.items() <= row["config"].items()
        ]
        stated, half = entry.stats["rate_mean:mean"]
        assert rates == [pytest.approx(stated, abs=half)]


def test_summary_statistics_of_llmperf_follow_from_the_requests():
    for name in ("bedrock", "groq", "replicate"):
        folder = "tools/llmperf/llmperf-leaderboard/"
        (entry,) = reading(f"{folder}summary/{name}_70b.json").summaries
        ok = [r for r in rows(f"{folder}individual/{name}_70b.json", "llm_requests") if r["status"] == "ok"]
        for field in ("ttft_s", "total_s", "itl_s", "end_to_end_tokens_per_s"):
            values = [row[field] for row in ok]
            assert statistics.fmean(values) == pytest.approx(entry.stats[f"{field}:mean"][0])
            assert statistics.stdev(values) == pytest.approx(entry.stats[f"{field}:std"][0])
            assert p95(values) == pytest.approx(entry.stats[f"{field}:p95"][0])


def test_tables_pasted_into_prose_keep_the_run_that_lost_requests():
    path = "tools/vllm/strix-halo-testing/vllm_README_console_tables.md"
    points = rows(path, "serving_runs")
    assert [row["requests_ok"] for row in points].count(36) == 6
    assert {row["requests_failed"] for row in points if row["requests_ok"] == 36} == {28}
    assert {row["concurrency"] for row in points} == {1, 8, 16}
    assert points[0]["ttft_s_mean"] == pytest.approx(0.12123)
