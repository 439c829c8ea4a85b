"""The prompt suite as an artifact that the pipeline's own reader takes, and profiles side by side."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from chimera_pipeline import settings
from chimera_pipeline.analysis import bench, collector, gpu, profiles
from chimera_pipeline.analysis.analyse import analyse
from chimera_pipeline.analysis.providers.ollama import Ollama
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.metrics.gaps import missing_directories
from chimera_pipeline.orchestration import benching
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.formats import ollama_script
from chimera_pipeline.records import Format
from tests.doubles import capable_model
from tests.doubles.ollama_server import MODEL, OllamaServer
from tests.unit.analysis import material
from tests.unit.analysis.material import NOW, quick


def talk(body: dict) -> str:
    return "four words of text " * 3


def test_an_artifact_is_read_back_by_the_pipeline(tmp_path: Path) -> None:
    with OllamaServer(answer=talk) as server:
        made = bench.run_suite(
            Ollama(MODEL, server.host), quick(), now=lambda: NOW, prompts=bench.PROMPTS[:2], repeats=2
        )
    bench.write(made, tmp_path / "bench.json")
    data = (tmp_path / "bench.json").read_bytes()
    reading = ollama_script.read(_document(data))
    rows = reading.rows["llm_requests"]
    assert reading.records_ok == 4
    assert {row["model"] for row in rows} == {MODEL}
    assert all(row["ttft_s"] == row["load_s"] + row["prompt_eval_s"] for row in rows)


def test_failed_requests_keep_no_measurement() -> None:
    with OllamaServer("500") as server:
        provider = Ollama(MODEL, server.host)
        made = bench.run_suite(provider, quick(), now=lambda: NOW, prompts=bench.PROMPTS[:1])
    (record,) = made["results"]
    assert record["error"] == "server_error"
    assert record["tokens_s"] is None
    reading = ollama_script.read(_document(json.dumps(made).encode()))
    assert reading.records_failed == 1


def test_profiles_are_interleaved_in_an_order_of_the_seed_and_begin_cold() -> None:
    a, b = quick(), quick("chimera-a")
    with OllamaServer(answer=talk) as server:
        provider = Ollama(MODEL, server.host)
        arms = bench.compare(provider, [a, b], repeats=3, seed=4, now=lambda: NOW, prompts=bench.PROMPTS[:3])
        sizes = [body["options"]["num_ctx"] for body in server.bodies if body["messages"]]
        unloads = [body for body in server.bodies if not body["messages"]]
    assert len(unloads) == 6
    assert sorted(sizes) == [512] * 9 + [4096] * 9
    assert sizes not in ([512] * 9 + [4096] * 9, [4096] * 9 + [512] * 9)
    for arm in arms:
        assert [record["phase"] for record in arm.records] == ["cold", "warm", "warm"] * 3
    assert len(bench.pairs(arms[0], arms[1], "tokens_s")) == 6


def test_a_comparison_counts_fallbacks_and_grounded_answers() -> None:
    def one(profile: profiles.Profile, block: int):
        with OllamaServer("schema_ignored") as server:
            return analyse(
                material.statements(),
                provider=Ollama(MODEL, server.host),
                profile=profile,
                probe=material.READS,
                now=lambda: NOW,
            )

    with OllamaServer(answer=talk) as server:
        (arm,) = bench.compare(
            Ollama(MODEL, server.host), [quick(mode="select")], repeats=1, seed=1, now=lambda: NOW,
            prompts=bench.PROMPTS[:1], analyse=one,
        )  # fmt: skip
    assert arm.fallback_rate == 1.0
    assert arm.grounded_share == 0.0


def test_the_collector_tells_coverage_counts_and_gaps_within_its_words() -> None:
    counts = [
        material.fact("i0", "files", 3.0, "artifacts", "", kind="inventory", unit="files", text="3 files"),
        material.fact("i1", "files", 2.0, "artifacts", "csv files", kind="inventory", unit="files"),
    ]
    seen = [
        collector.Seen("reports/a.csv", "csv", NOW),
        collector.Seen("reports/b.csv", "csv", NOW),
        collector.Seen("notes.txt", "text", NOW),
    ]
    told = collector.statements([*counts, *material.facts()], seen, seen, ["reports", "csv_data/"])
    texts = [item.text for item in told]
    assert "2 csv files, last modified 2026-03-01 00:00:00 UTC." in texts
    assert "The expected folder reports/ holds benchmark files." in texts
    assert "The expected folder csv_data/ holds no benchmark file." in texts
    gone = missing_directories([item.path for item in seen], ["reports", "csv_data/"])
    assert [gap.subject.strip("/") for gap in gone] == ["csv_data"]
    many = [told[0].__class__(f"s{i}", "inventory", (f"word {i} " * 20,), (), 1.0) for i in range(30)]
    found = analyse([*told, *many], provider=None, profile=quick(), agent="collector", unavailable="x")
    words = sum(len(claim.text.split()) for claim in found.claims)
    assert words <= 250
    assert found.left_out > 0
    assert collector.handed_over(found, [*told, *many])


def _document(data: bytes) -> Document:
    return Document(data, Format.JSON)


def test_profiles_compare_says_how_answers_fared_on_a_finished_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path)
    chosen = ("baseline", "chimera-a")

    def answer(body: dict) -> str:
        return capable_model.answer(body) if "format" in body else "four words of text " * 3

    with OllamaServer(answer=answer, gpu_share=0.0) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        asked = settings.load(llm="ollama", out=tmp_path, model=MODEL)
        bare = benching.compare_profiles(asked, chosen, repeats=1)
        lake.write_frame("facts", facts_room.to_frame(material.facts()), "all")
        found = benching.compare_profiles(asked, chosen, repeats=2)
    assert "analyses: none, for want of a finished run" in "\n".join(benching.told(bare))
    for arm in found["arms"]:
        assert (arm["analyses"], arm["grounded_share"], arm["fallback_rate"], arm["cold"]) == (2, 1.0, 0.0, 2)
    told = "\n".join(benching.told(found))
    assert [(arm["device"], len(arm["gaps"])) for arm in found["arms"]] == [("cpu", 0), ("cpu", 1)]
    assert "chimera-a, on cpu: 10 requests, 0 failed, 2 cold\n  gap no_gpu_used: the calls of this run say" in told
    assert "analyses: 2; 100 % of answers passed verification; 0 % fell back to rule" in told
    assert "warm decode rate: chimera-a / baseline =" in told
    assert "cold TTFT: chimera-a / baseline =" in told


def test_a_profile_whose_answers_are_refused_shows_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Lake(tmp_path).write_frame("facts", facts_room.to_frame(material.facts()), "all")
    with OllamaServer("schema_ignored") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        asked = settings.load(llm="ollama", out=tmp_path, model=MODEL)
        found = benching.compare_profiles(asked, ("baseline", "chimera-a"), repeats=1)
    assert [arm["fallback_rate"] for arm in found["arms"]] == [1.0, 1.0]
    assert 0.0 in [arm["grounded_share"] for arm in found["arms"]]  # the other one was left nothing to choose
    assert "because: the model's answer was refused" in "\n".join(benching.told(found))


def test_samples_of_the_gpu_are_summed_up_by_device_and_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nvml:
        """NVML of a machine with one GPU, as far as this project calls it."""

        class NVMLError(Exception):
            pass

        loads = itertools.cycle(range(10, 101, 10))

        def __getattr__(self, name: str) -> object:
            reading = SimpleNamespace(gpu=next(self.loads), used=4 << 30)
            return {
                "nvmlDeviceGetCount": lambda: 1,
                "nvmlDeviceGetPowerUsage": lambda _: 250_000,
                "nvmlShutdown": lambda: None,
            }.get(name, lambda *_: reading)

    monkeypatch.setattr(gpu, "library", Nvml)
    with gpu.sampled(lambda: NOW, every_s=0.01) as samples:
        time.sleep(0.2)
    by_metric = {entry["metric"]: entry for entry in gpu.summary(samples)}
    assert by_metric["gpu_power"] == {
        "device": "gpu0", "metric": "gpu_power", "unit": "W", "n": by_metric["gpu_power"]["n"], "mean": 250.0,
        "max": 250.0,
    }  # fmt: skip
    assert by_metric["gpu_power"]["n"] > 1
    assert by_metric["gpu_memory_used"]["mean"] == 4 << 30
    assert 0 < by_metric["gpu_utilization"]["mean"] < by_metric["gpu_utilization"]["max"] <= 100
