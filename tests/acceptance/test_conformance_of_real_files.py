"""The conformance kit on real files: what must hold of every sample holds of what tools really wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from chimera_pipeline.inventory.scan import format_of
from tests.acceptance.shared import DATA, needs_data
from tests.unit.readers import test_conformance as kit
from tests.unit.readers.samples import Sample

pytestmark = [needs_data, pytest.mark.shared, pytest.mark.slow]

MOST_BYTES = 40_000
MOST_OF_ONE_READER = 5
CHECKS: tuple[Callable[[Sample], None], ...] = (
    kit.test_rows_have_columns_of_their_table_and_plain_names,
    kit.test_units_are_canonical_and_values_plausible,
    kit.test_a_failed_record_carries_no_measurement,
    kit.test_every_row_leads_back_to_its_place,
    kit.test_a_blank_is_never_zero,
    kit.test_only_an_artifact_error_leaves_a_reader,
    kit.test_a_file_that_was_cut_off_invents_nothing,
    kit.test_reading_twice_gives_the_same_and_the_store_keeps_it,
    kit.test_a_marked_or_carriage_returned_file_reads_the_same,
)


def files() -> Iterator[tuple[str, list[str], Sample]]:
    """(path, readers that claim it, file as a sample) of every file; large ones are left out of the samples."""
    for path in sorted(DATA.rglob("*")):
        name = path.relative_to(DATA).as_posix()
        if path.is_file() and name.count("/") > 1:
            data = path.read_bytes()
            format = format_of(name)
            claimed = kit.claimed_by(data, format)
            yield name, claimed, Sample(name, data, format, claimed[0] if claimed else "", ok=0)


def test_no_file_is_claimed_by_two_readers() -> None:
    assert {name: claimed for name, claimed, _ in files() if len(claimed) > 1} == {}


def test_what_a_reader_claims_shows_one_of_its_signs() -> None:
    unsigned = {name: kit.claims_without_sign(sample.data, sample.format) for name, _, sample in files()}
    assert {name: readers for name, readers in unsigned.items() if readers} == {}


def test_real_files_pass_the_kit() -> None:
    failures: list[str] = []
    taken: Counter[str] = Counter()
    for name, claimed, sample in files():
        if not claimed or len(sample.data) > MOST_BYTES or taken[claimed[0]] >= MOST_OF_ONE_READER:
            continue
        taken[claimed[0]] += 1
        for check in CHECKS:
            try:
                check(sample)
            except AssertionError as error:
                failures.append(f"{name}: {check.__name__}: {str(error)[:300]}")
    assert not failures, "\n".join(failures)
    assert len(taken) >= 10
