from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera_pipeline import units
from chimera_pipeline.errors import ArtifactError, Reason


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (15.5, "ms", 0.0155),
        (1234.0, "ns", 0.000001234),
        (7.0, "us", 7e-6),
        (7.0, "µs", 7e-6),
        (7.0, "μs", 7e-6),
        (2.0, "seconds", 2.0),
        (1.5, "min", 90.0),
        (3.0, "B", 3.0),
        (2.0, "kB", 2_000.0),
        (2.0, "MB", 2_000_000.0),
        (2.0, "GiB", 2.0 * 2**30),
        (512.0, "mib", 512.0 * 2**20),
        (8.0, "bit", 1.0),
        (1.0, "GB/s", 1e9),
        (102.2, "tok/s", 102.2),
        (102.2, "tokens/sec", 102.2),
        (3.0, "req/s", 3.0),
        (60.0, "request/min", 1.0),
        (55.0, "percent", 55.0),
        (55.0, "%", 55.0),
        (40.0, "°C", 40.0),
        (250.0, "W", 250.0),
        (1500.0, "MHz", 1500.0),
    ],
)
def test_a_value_comes_out_in_the_canonical_unit_of_its_dimension(value: float, unit: str, expected: float) -> None:
    assert units.canonical(value, unit) == expected


def test_small_units_keep_the_printed_digits() -> None:
    for hundredths in range(1, 5_000):
        text = f"{hundredths / 100:.2f}"
        assert abs(units.canonical(float(text), "ms") - float(f"{text}e-3")) <= math.ulp(float(f"{text}e-3"))


@pytest.mark.parametrize(
    "unit",
    ["", " ", "parsecs of love", "9**9**9", "s**999999", "1e9 s", "5 s", "(s", "ms ms", "x" * 41, "_", "s;s"],
)
def test_what_is_no_unit_is_refused_at_once(unit: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        units.canonical(1.0, unit)
    assert caught.value.reason is Reason.UNKNOWN_UNIT


@pytest.mark.parametrize("unit", ["b", "Mb", "Gb", "Kb", "Mb/s"])
def test_a_unit_that_may_be_bits_or_bytes_is_refused(unit: str) -> None:
    with pytest.raises(ArtifactError):
        units.canonical(1.0, unit)


@pytest.mark.parametrize(
    ("unit", "dimension"),
    [
        ("ms", "[time]"),
        ("GiB", "[information]"),
        ("MB/s", "[information] / [time]"),
        ("tokens/s", "[token] / [time]"),
        ("percent", "dimensionless"),
    ],
)
def test_bytes_measure_something_else_than_plain_numbers(unit: str, dimension: str) -> None:
    assert units.dimension(unit) == dimension


@pytest.mark.parametrize("unit", units.COMMON)
def test_every_unit_that_messages_offer_is_known(unit: str) -> None:
    assert units.canonical(1.0, unit) > 0


@settings(deadline=None)
@given(unit=st.one_of(st.text(max_size=12), st.text(alphabet="msnµkKMGiBb*/ ^()0123456789tokenrq", max_size=12)))
def test_any_text_is_a_unit_or_refused(unit: str) -> None:
    try:
        assert units.canonical(1.0, unit) >= 0
    except ArtifactError as refused:
        assert refused.reason is Reason.UNKNOWN_UNIT  # noqa: PT017


@pytest.mark.parametrize("unit", units._PLAIN)
def test_what_is_known_without_pint_is_what_pint_says(unit: str) -> None:
    assert units._scale_by_pint(unit) == units._scale(unit)
    assert units._dimension_by_pint(unit) == units.dimension(unit)
