"""Every guidellm, lm-eval and agent file of the shared folder against an independent count of it."""

import json
import math
import statistics
from functools import cache
from pathlib import Path

import pytest

from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.registry import read, readers
from chimera_pipeline.records import ArtifactStatus, Format
from chimera_pipeline.settings import Limits

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
FORMATS = {".json": Format.JSON, ".csv": Format.CSV, ".md": Format.MARKDOWN}
SWEEP = "chimera_extra/chimera_sweep/"
PROSE = (SWEEP, "chimera_extra/artifacts/", "chimera/reports/legacy_tr_mirrors/", "chimera/reports/gemma3/")

# The oracle says that the guidellm file states no time. It does: start_time of each benchmark, and
# scheduler_metrics.measure_start_time, are epoch seconds.
GUIDELLM_TIMES = ("2026-08-14T03:29:08.252635+00:00", "2026-08-14T03:29:23.568684+00:00")

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (DATA / "ORACLE.json").is_file(), reason="../shared/data is not there"),
]


@cache
def oracle():
    return json.loads((DATA / "ORACLE.json").read_text())["files"] if (DATA / "ORACLE.json").is_file() else {}


def paths(*starts, suffix):
    return sorted(p for p in oracle() if p.startswith(starts) and p.endswith(suffix)) or ["none"]


@cache
def reading(path):
    file = DATA / path
    return read(file.read_bytes(), FORMATS[file.suffix], Limits())


def close(ours, stated):
    assert ours == pytest.approx(stated, rel=1e-12)


MEASURED = [
    *paths("tools/guidellm/", "tools/lm-eval/", SWEEP, suffix=".json"),
    *paths("chimera_extra/artifacts/", suffix=".csv"),
]


@pytest.mark.parametrize("path", MEASURED)
def test_records_agree_with_the_oracle(path):
    found, stated = reading(path), oracle()[path]
    assert (found.records_ok + found.records_failed, found.records_failed) == (
        stated["rows"],
        stated["rows_failed"],
    )
    assert found.status is ArtifactStatus.OK
    assert not found.rejections


@pytest.mark.parametrize("path", MEASURED)
def test_one_reader_claims_it(path):
    document = Document((DATA / path).read_bytes(), FORMATS[Path(path).suffix], Limits())
    assert len([reader.name for reader in readers() if reader.matches(document)]) == 1


@pytest.mark.parametrize("path", paths("tools/guidellm/", suffix=".json"))
def test_guidellm_points_agree(path):
    rows = reading(path).rows["serving_runs"]
    stated = oracle()[path]
    assert {row["model"] for row in rows} == set(stated["models"])
    assert len(rows) == len(stated["metrics"]["per_benchmark"])
    for row, point, at in zip(rows, stated["metrics"]["per_benchmark"], GUIDELLM_TIMES, strict=True):
        close(row["ttft_s_mean"], point["ttft_mean_s"])
        close(row["ttft_s_p50"], point["ttft_median_s"])
        close(row["e2e_s_mean"], point["request_latency_mean_s"])
        close(row["itl_s_mean"], point["itl_mean_s"])
        close(row["output_tokens_per_s"], point["output_tokens_per_s"])
        assert row["requests_ok"] == point["requests_successful"]
        assert row["requests_failed"] == point["requests_errored"]
        assert row["measured_at"] == at


@pytest.mark.parametrize("path", paths("tools/lm-eval/", suffix=".json"))
def test_lm_eval_scores_agree(path):
    rows, stated = reading(path).rows["evaluations"], oracle()[path]["metrics"]
    assert len({row["task"] for row in rows}) == stated["tasks"]
    assert sorted({row["metric"] for row in rows}) == stated["metric_names"]
    for metric in ("acc", "acc_norm"):
        values = sorted(row["value"] for row in rows if row["metric"] == metric)
        position = 0.95 * (len(values) - 1)
        low = math.floor(position)
        high = min(low + 1, len(values) - 1)
        assert len(values) == stated[metric]["n"]
        close(statistics.fmean(values), stated[metric]["mean"])
        close(statistics.median(values), stated[metric]["p50"])
        close(values[low] + (values[high] - values[low]) * (position - low), stated[metric]["p95_linear"])
        assert (values[0], values[-1]) == (stated[metric]["min"], stated[metric]["max"])
    (model,) = {row["model"] for row in rows}
    assert f"pretrained={model}" in oracle()[path]["models"][0]
    assert f"revision={rows[0]['config']['revision']}" in oracle()[path]["models"][0]


@pytest.mark.parametrize("path", paths(SWEEP, suffix=".json"))
def test_agent_timings_agree(path):
    found, stated = reading(path), oracle()[path]
    rows = {f"run{int(row['locator'].split('/')[1]) + 1}/{row['locator'].split('/')[2]}": row
            for row in found.rows["serving_runs"]}  # fmt: skip
    agents = stated["metrics"]["per_agent"]
    assert set(rows) == set(agents)
    for name, agent in agents.items():
        row = rows[name]
        beside = {
            (extra["metric"], extra["statistic"]): extra["value"]
            for extra in found.rows["measurements"]
            if extra["locator"].startswith(row["locator"])
        }
        assert row["requests_ok"] == agent["requests"]
        close(row["ttft_s_mean"], agent["ttft_s"])
        close(beside["decode_tokens_per_s", "mean"], agent["decode_tokens_per_s"])
        close(beside["serving_e2e_s", "sum"], agent["total_duration_s"])
        assert beside["serving_output_tokens", "sum"] == agent["tokens"]
        assert row["measured_at"].startswith(agent["start_time_naive"])
        assert row["time_naive"]
        assert row["model"] in stated["models"]


@pytest.mark.parametrize("path", paths("chimera_extra/artifacts/", suffix=".csv"))
def test_multi_agent_summaries_agree(path):
    summaries, stated = reading(path).summaries, oracle()[path]["metrics"]
    for name, ours, scale in (
        ("speedup", "agent_speedup:mean", 1),
        ("efficiency", "agent_efficiency:mean", 100),
        ("ttft_delta_s", "agent_ttft_delta_s:mean", 1),
    ):
        values = [summary.stats[ours][0] * scale for summary in summaries]
        assert len(values) == stated[name]["n"]
        close(statistics.fmean(values), stated[name]["mean"])
        close(statistics.median(values), stated[name]["p50"])
        close(min(values), stated[name]["min"])


@pytest.mark.parametrize("path", paths(*PROSE, suffix=".md"))
def test_prose_gives_no_measurements(path):
    found = reading(path)
    assert found.status is ArtifactStatus.DOCUMENT
    assert not found.rows
    assert not found.summaries
