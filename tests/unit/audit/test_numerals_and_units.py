"""Printed numbers and units: what they are worth and how exact they claim to be."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera_pipeline import units
from chimera_pipeline.audit import measures
from chimera_pipeline.audit.numerals import fraction_of, numerals, style_of


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [
        ("1,234.5", "1234.5", "0.05"),
        ("1.234,5", "1234.5", "0.05"),
        ("1 234,5", "1234.5", "0.05"),
        ("1\u202f234.5", "1234.5", "0.05"),
        ("1'234.5", "1234.5", "0.05"),
        ("12,34,567.8", "1234567.8", "0.05"),
        ("102,2", "102.2", "0.05"),
        ("1,234", "1234", "0.5"),
        ("1.234", "1.234", "0.0005"),
        ("0,846", "0.846", "0.0005"),
        (".5", "0.5", "0.05"),
        ("1.5e-3", "0.0015", "0.00005"),
        ("1.5 × 10⁻³", "0.0015", "0.00005"),
        ("−3.20", "-3.20", "0.005"),
        ("1.234.567", "1234567", "0.5"),
    ],
)
def test_a_numeral_is_read_as_its_writer_means_it(text: str, value: str, half: str) -> None:
    (found,) = numerals(text)
    assert (found.printed.value, found.printed.half) == (Fraction(value), Fraction(half))


def test_a_lone_mark_follows_the_other_numbers_and_the_language() -> None:
    assert style_of("The cold TTFT is 2,326 ms.") == "point"
    assert style_of("Cold TTFT 2,326 ms, throughput 98,4 tok/s") == "comma"
    assert style_of("Der Durchsatz ist 2,326") == "open"
    assert style_of("TTFT 2,326", {","}) == "comma"
    assert [reading.value for reading in numerals("2,326", style="open")[0].readings] == [Fraction("2.326"), 2326]


@given(st.decimals(min_value=0, max_value=10**6, places=4), st.integers(min_value=0, max_value=4))
def test_a_rounded_value_holds_and_the_next_one_does_not(exact: object, places: int) -> None:
    value = fraction_of(exact)
    printed = numerals(f"{round(value * 10**places) / 10**places:.{places}f}")[0].printed
    assert printed.holds(value)
    assert not printed.holds(value + printed.half * 3)
    assert printed.holds(printed.value + printed.half)
    assert printed.holds(printed.value - printed.half)


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for found in numerals(text):
        assert text[found.start : found.end] == found.text


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("ms", "s", "0.001"),
        ("µs", "s", "0.000001"),
        ("minutes", "s", "60"),
        ("GB", "MB", "1000"),
        ("GiB", "MiB", "1024"),
        ("tok/s", "tokens per second", "1"),
        ("tokens/s", "t/s", "1"),
        ("%", "ratio", "0.01"),
        ("J/token", "J per token", "1"),
    ],
)
def test_units_of_one_dimension_convert(one: str, other: str, factor: str) -> None:
    first, second = measures.parse(one), measures.parse(other)
    assert first is not None
    assert second is not None
    assert first.agrees(second)
    assert first.factor / second.factor == Fraction(factor)


@pytest.mark.parametrize("name", measures.BASES)
def test_the_table_of_units_is_what_pint_says(name: str) -> None:
    factor, dimension = measures.BASES[name]
    quantity = units.registry().Quantity(1, name)
    byte = quantity.dimensionless  # pint knows bytes as plain numbers of bits
    base = quantity.to("byte") if byte else quantity
    if not byte:
        canonical = units.CANONICAL.get(str(quantity.dimensionality))
        base = quantity.to(canonical) if canonical else quantity.to_base_units()
        assert dimension == tuple(sorted((key, int(power)) for key, power in base.dimensionality.items()))
    assert factor == Fraction(f"{float(base.magnitude):.15g}")
    assert byte == (dimension == (("[information]", 1),))


@pytest.mark.parametrize("word", measures._PINT)
def test_every_physical_word_has_its_unit_in_the_table(word: str) -> None:
    assert measures._PINT[word] in measures.BASES


@pytest.mark.parametrize(("one", "other"), [("s", "tok/s"), ("files", "requests"), ("GB", "s"), ("W", "J")])
def test_units_of_two_dimensions_do_not_agree(one: str, other: str) -> None:
    first, second = measures.parse(one), measures.parse(other)
    assert first is not None
    assert second is not None
    assert not first.agrees(second)
