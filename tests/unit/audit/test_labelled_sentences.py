"""The auditor against sets of labelled sentences, and value matching on the same sentences beside it."""

from __future__ import annotations

import pytest

from tests.unit.audit import labelled


@pytest.fixture(scope="module")
def first() -> labelled.Score:
    return labelled.scored(labelled.cases("sentences.yaml"))


@pytest.fixture(scope="module")
def second() -> labelled.Score:
    return labelled.scored(labelled.cases("heldout.yaml"))


def test_at_least_300_sentences_cover_every_verdict() -> None:
    labels = [case.label for case in labelled.cases("sentences.yaml")]
    assert len(labels) >= 300
    assert {label: labels.count(label) >= 60 for label in set(labels)} == {
        "supported": True,
        "contradicted": True,
        "unsupported": True,
    }


def test_verdicts_are_right_for_95_percent_of_the_sentences(first: labelled.Score) -> None:
    assert first.accuracy >= 0.95, first.wrong


def test_no_sentence_is_falsely_supported(first: labelled.Score) -> None:
    assert first.false_supported == []


def test_verdicts_are_right_for_95_percent_of_the_second_set(second: labelled.Score) -> None:
    assert second.accuracy >= 0.95, second.wrong


def test_no_sentence_of_the_second_set_is_falsely_supported(second: labelled.Score) -> None:
    assert second.false_supported == []


@pytest.fixture(scope="module")
def third() -> labelled.Score:
    return labelled.scored(labelled.cases("third.yaml"))


def test_verdicts_are_right_for_95_percent_of_the_third_set(third: labelled.Score) -> None:
    assert third.accuracy >= 0.95, third.wrong


def test_no_sentence_of_the_third_set_is_falsely_supported(third: labelled.Score) -> None:
    assert third.false_supported == []


@pytest.mark.parametrize(
    ("name", "size"),
    [("fourth.yaml", 200), ("fifth.yaml", 100), ("sixth.yaml", 200), ("seventh.yaml", 60), ("eighth.yaml", 100)],
)
def test_later_sets_hold_as_well_and_value_matching_does_not(name: str, size: int) -> None:
    linked = labelled.scored(labelled.cases(name))
    plain = labelled.scored(labelled.cases(name), labelled.value_only)
    print(f"{name}: linked {linked.accuracy:.1%}; by value {plain.accuracy:.1%}, {len(plain.false_supported)} falsely")
    assert linked.total >= size
    assert linked.accuracy >= 0.95, linked.wrong
    assert linked.false_supported == []
    assert plain.accuracy < 0.4
    assert len(plain.false_supported) > (10 if size >= 100 else 0)


@pytest.mark.parametrize("name", ["sentences.yaml", "heldout.yaml", "third.yaml"])
def test_value_matching_is_far_worse(
    name: str, first: labelled.Score, second: labelled.Score, third: labelled.Score
) -> None:
    plain = labelled.scored(labelled.cases(name), labelled.value_only)
    linked = {"sentences.yaml": first, "heldout.yaml": second, "third.yaml": third}[name]
    print(
        f"{name}: linked {linked.accuracy:.1%}, false supported {len(linked.false_supported)}; "
        f"by value {plain.accuracy:.1%}, false supported {len(plain.false_supported)}"
    )
    assert plain.accuracy < 0.65
    assert plain.accuracy < linked.accuracy - 0.3
