"""A report that the auditor does not pass is not published: what is kept, what stays, what the user is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from chimera_pipeline.contracts import tables
from chimera_pipeline.orchestration import publication
from chimera_pipeline.orchestration.auditing import audit_file
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.orchestration.material import Material
from tests import corpus
from tests.material import material


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Material:
    home = tmp_path_factory.mktemp("made")
    corpus.tree(home / "data")
    return material(home / "data", home / "out")


def false_sentence(made: Material) -> Material:
    """The material with a finding that states another number than the fact it cites."""
    fact = next(fact for fact in made.facts if fact.metric == "decode_tokens_per_s" and fact.statistic == "mean")
    about = f"{fact.entity} ({fact.condition})" if fact.condition else fact.entity
    parts = [
        {"text": f"Mean decode throughput of {about} is ", "fact_id": None},
        {"text": "999.9 tokens/s", "fact_id": fact.id},
        {"text": ".", "fact_id": None},
    ]
    finding = {"role": "support", "statement_id": None, "statement_ids": [], "parts": parts}
    return dataclasses.replace(made, analysis={**made.analysis, "findings": [finding]})


def false_table(made: Material) -> Material:
    """The material with a table that counts other files than the facts do."""
    return dataclasses.replace(made, files=made.files.iloc[:-1])


def test_a_sentence_that_is_not_supported_is_withheld_and_the_report_published(made: Material, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    said = "Mean decode throughput of somebody is 999.9 tokens/s."
    row = {
        "period": "all",
        "text": said,
        "statement_ids": "[]",
        "fact_ids": "[]",
        "status": "supported",
        "reason": None,
    }
    published = publication.publish(lake, publication.made(false_sentence(made)))
    assert published["refused"] is None
    (withheld,) = published["withheld"]
    assert "999.9 tokens/s" in withheld
    text = (tmp_path / "reports/all/report.md").read_text()
    assert "999.9" not in text
    assert "1 sentence` withheld" in text or "`1` sentence withheld" in text
    claims = tables.frame("claims", [row | {"text": withheld}, row])
    lake.write_frame("claims", claims, "all")
    publication.publish(lake, publication.made(false_sentence(made)))
    assert lake.read_frame("claims", "all")[["status", "reason"]].to_numpy().tolist() == [
        ["withheld", "audit"], ["supported", None]
    ]  # fmt: skip


def test_a_sound_report_is_published_whole(made: Material, tmp_path: Path) -> None:
    published = publication.publish(Lake(tmp_path), publication.made(made))
    assert published["refused"] is None
    assert published["audit"]["supported"] == published["audit"]["claims"] > 100
    assert {path.name for path in (tmp_path / "reports/all").iterdir()} == {
        "report.md", "report.html", "report.json", "facts.json", "founders.html", "pr-comment.md",
        "checks.html",
    }  # fmt: skip


def test_a_refused_report_is_kept_beside_the_previous_one_which_stays(made: Material, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publication.publish(lake, publication.made(made))
    folder = tmp_path / "reports/all"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    published = publication.publish(lake, publication.made(false_table(made)))
    assert "is contradicted" in published["refused"]
    assert "the previous report stays" in published["refused"]
    assert (folder / publication.REJECTED).read_text().startswith("# Founders report")
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in before} == before
    assert publication.publish(lake, publication.made(made))["refused"] is None
    assert not (folder / publication.REJECTED).exists()


def test_the_whole_document_is_judged_not_its_first_part_only(made: Material) -> None:
    text, result = publication.judged(made, publication.view_of(made))
    assert result.passed
    last = {
        name: text[: text.index(name)].count("\n") + 1
        for name in ("## Telemetry gaps", "## Workflow summary", "## Appendix", "### Every file")
    }
    lines = {claim.line for claim in result.audit.claims if claim.is_number}
    assert all(any(line > start for line in lines) for start in last.values())


def test_a_number_that_the_auditor_does_not_see_refuses_publication(made: Material) -> None:
    parts = [{"text": "It holds since 2025-10-02", "fact_id": made.facts[0].id}, {"text": ".", "fact_id": None}]
    unseen = {
        "role": "support",
        "statement_id": None,
        "statement_ids": [],
        "parts": [{**parts[0], "text": "42 (see v1.2.3)"}, parts[1]],
    }
    changed = dataclasses.replace(made, analysis={**made.analysis, "findings": [unseen]})
    _, result = publication.judged(changed, publication.view_of(changed))
    assert not result.passed
    assert any("numbers were rendered" in offence for offence in result.offences)


def test_our_own_report_is_not_contradicted_by_its_facts_file_alone(made: Material, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    published = publication.publish(lake, publication.made(made))
    found = audit_file(Path(published["md"]), out=tmp_path, facts=tmp_path / "reports/all/facts.json")
    assert len(found.claims) > 100
    assert [claim.reason for claim in found.claims if str(claim.verdict) == "contradicted"] == []
