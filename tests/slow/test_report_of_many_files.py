"""A report over hundreds of files and series: bounded, published by its own gate, and the rest is where it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chimera_pipeline.audit import GateResult, facts_from_frame, facts_of_store, gate
from chimera_pipeline.cli import app
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.orchestration import answers, publication
from chimera_pipeline.orchestration.compare import aliases
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.orchestration.material import Material
from chimera_pipeline.orchestration.publication import Made
from chimera_pipeline.report import bounds, markdown
from tests import corpus
from tests.material import material

FILES, MODELS = 520, 360
_NOTE = re.compile(r"Shown are `(\d+) of (\d+)` rows: .*?`facts\.json`; `chimera facts --metric (\w+)` lists them")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """The material of 520 files of 360 models, each with two requests at a time without a zone."""
    home = tmp_path_factory.mktemp("many")
    files: dict[str, str | bytes] = {}
    for number in range(FILES):
        day = f"2025-10-{number // MODELS + 1:02}"
        rows = [
            corpus.request(
                model=f"model-{number % MODELS:03}:1b", prompt_index=i, tokens_s=20 + number / 10 + i,
                eval_s=2 + number / 1000 + i / 10, ttft_s=0.15 + number / 10_000, timestamp=f"{day}T12:{i:02}:00",
            )
            for i in range(2)
        ]  # fmt: skip
        files[f"runs/{number:04}.csv"] = corpus.csv_text(rows)
    corpus.write(home / "data", files)
    return material(home / "data", home / "out")


@pytest.fixture(scope="module")
def report(made: Material) -> Made:
    """The report, not published."""
    return publication.made(made)


@pytest.fixture(scope="module")
def out(made: Material, report: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder with the published report and the tables that commands read."""
    folder = tmp_path_factory.mktemp("published") / "out"
    folder.mkdir()
    lake = Lake(folder)
    assert publication.publish(lake, report)["refused"] is None
    lake.write_frame("facts", facts_room.to_frame(made.facts), "all")
    for name, frame in (("artifacts", made.artifacts), ("measurements", None), ("quarantine", made.quarantine)):
        lake.write_frame(name, frame if frame is not None else lake.read_table(name))
    return folder


@pytest.fixture(scope="module")
def judged(made: Material, report: Made) -> Callable[[str], GateResult]:
    """What the gate says of a text in place of the report's, line by line as rendered."""
    facts = facts_from_frame(facts_room.to_frame(made.facts))
    store = facts_of_store(made.artifacts, made.gaps, report.view["run"])
    rendered = markdown.render(report.view)
    assert rendered.text == report.text

    def judge(text: str) -> GateResult:
        return gate(text, facts, rendered.numbers, aliases(made.series), store=store)

    return judge


def test_the_report_is_published_and_bounded(made: Material, report: Made) -> None:
    assert report.result.passed, report.result.reason
    assert report.withheld == []
    rows = sum(len(table["rows"]) for table in report.view["performance"])
    assert bounds.LEVELS * 0.9 < rows <= bounds.LEVELS
    assert len(report.view["workflow"]["files"]) == bounds.FILES < FILES
    assert len(report.view["gaps"]) <= bounds.GAPS < len(made.gaps)
    assert len(report.text) < 1_500_000
    assert max(len(line.rpartition(" | ")[2]) for line in report.text.split("\n")) < 2000, "the longest list of sources"
    assert len(report.view["appendix"]) < len(made.facts) / 3


def test_every_shortened_table_counts_what_there_is(made: Material, report: Made) -> None:
    notes = _NOTE.findall(report.text)
    assert [note[2] for note in notes] == ["decode_tokens_per_s"], "the other tables fit into the bound"
    for shown, rows, metric in notes:
        table = next(table for table in report.view["performance"] if table["metric"] == metric)
        assert len(table["rows"]) == int(shown) < int(rows)
        statistics = {row["statistic"] for row in table["rows"]}
        of_metric = [f for f in made.facts if f.metric == metric and f.statistic.replace("_", " ") in statistics]
        assert len([fact for fact in of_metric if fact.kind == "level"]) == int(rows)
        values = [float(fact.value) for fact in of_metric if fact.statistic == "mean"]
        told = {row["label"] for row in table["rows"]}
        kept = {entry["value"] for entry in report.view["appendix"] if entry["label"] in told}
        assert {min(values), max(values)} <= kept


def test_the_whole_list_is_where_the_report_says(made: Material, report: Made, out: Path) -> None:
    complete = json.loads((out / "reports/all/facts.json").read_bytes())["facts"]
    assert len(complete) == len(made.facts)
    for _, rows, metric in _NOTE.findall(report.text):
        listed = CliRunner().invoke(app, ["facts", "--metric", metric, "--out", str(out)], catch_exceptions=False)
        assert listed.exit_code == 0
        lines = listed.stdout.splitlines()
        assert len(lines) == len([fact for fact in complete if fact["metric"] == metric]) > int(rows)
    cut = max(report.view["appendix"], key=lambda entry: entry["more_sources"])
    assert cut["more_sources"] > FILES / 2
    assert f"{cut['id']} " in report.text
    whole = next(fact["sources"] for fact in complete if fact["id"] == cut["id"])
    assert len(whole) == len(cut["sources"]) + cut["more_sources"]
    told = list(answers.explain(out, cut["id"]))
    assert [line.removeprefix("  from ") for line in told if line.startswith("  from ")] == whole


def test_the_gate_refuses_a_changed_number_in_a_shortened_table(
    report: Made, judged: Callable[[str], GateResult]
) -> None:
    assert judged(report.text).passed
    lines = report.text.split("\n")
    note = next(i for i, line in enumerate(lines) if line.startswith("Shown are") and "decode_tokens_per_s" in line)
    last = max(i for i in range(note) if lines[i].startswith("| model-"))
    value = re.search(r"\| (\d+\.\d+) \|", lines[last])
    assert value is not None
    digit = "8" if value.group(1)[-1] != "8" else "3"
    changed = lines[last].replace(value.group(1), value.group(1)[:-1] + digit, 1)
    result = judged("\n".join([*lines[:last], changed, *lines[last + 1 :]]))
    assert [offence.partition(":")[0] for offence in result.offences] == [f"line {last + 1}"]
    other = next(i for i in range(last) if lines[i].startswith("| model-") and i != last)
    swapped = lines[last].replace(lines[last].split(" | ")[0], lines[other].split(" | ")[0], 1)
    assert not judged("\n".join([*lines[:last], swapped, *lines[last + 1 :]])).passed


def test_the_gate_refuses_a_changed_count_of_gaps_and_a_row_of_a_file_that_is_not_shown(
    report: Made, judged: Callable[[str], GateResult]
) -> None:
    counted = next(line for line in report.text.split("\n") if line.startswith("| naive timestamp | 520 |"))
    assert not judged(report.text.replace(counted, counted.replace("520", "521"))).passed
    row = next(line for line in report.text.split("\n") if line.startswith("| runs/0007.csv | "))
    assert not judged(report.text.replace(row, row.replace("| 2 | 0 |", "| 3 | 0 |"))).passed
