"""The prompt suite as an artifact that the pipeline's own reader takes, and profiles side by side."""

from __future__ import annotations

import json
from pathlib import Path

from chimera_pipeline.analysis import bench, collector, profiles
from chimera_pipeline.analysis.analyse import analyse
from chimera_pipeline.analysis.providers.ollama import Ollama
from chimera_pipeline.metrics.gaps import missing_directories
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.formats import ollama_script
from chimera_pipeline.records import Format
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
    told = collector.statements([*counts, *material.facts()], seen, ["reports", "csv_data/"])
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
