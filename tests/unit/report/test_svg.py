"""Drawing: places on scales, round ticks, escaped text."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera_pipeline.report.charts import svg

from .made import HOSTILE

SIZES = st.floats(min_value=1e-9, max_value=1e12)


def test_a_linear_scale_puts_the_middle_in_the_middle() -> None:
    scale = svg.Scale(0.0, 10.0, 100.0, 200.0)
    assert [scale.at(0), scale.at(5), scale.at(10)] == [100, 150, 200]


def test_a_logarithmic_scale_puts_the_geometric_mean_in_the_middle() -> None:
    scale = svg.Scale(0.01, 100.0, 0.0, 80.0, log=True)
    assert scale.at(1.0) == pytest.approx(40.0)


@pytest.mark.parametrize(("values", "log"), [([1.0, 19.0], False), ([1.0, 21.0], True), ([0.0, 1000.0], False)])
def test_a_scale_is_logarithmic_where_positive_values_span_more_than_twenty_times(
    values: list[float], log: bool
) -> None:
    assert svg.scale(values, 0, 1).log is log


@given(st.lists(SIZES, min_size=1, max_size=8))
def test_every_value_lies_on_its_scale_and_every_tick_inside_it(values: list[float]) -> None:
    scale = svg.scale(values, 10.0, 20.0)
    assert all(10.0 - 1e-6 <= scale.at(value) <= 20.0 + 1e-6 for value in values)
    ticks = scale.ticks()
    assert len(ticks) <= 8
    assert all(scale.low * (1 - 1e-9) <= tick <= scale.high * (1 + 1e-9) for tick in ticks)


def test_ticks_are_multiples_of_one_two_or_five() -> None:
    assert svg.linear_ticks(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    assert svg.linear_ticks(46.2, 76.9, 6) == [50, 55, 60, 65, 70, 75] or svg.linear_ticks(46.2, 76.9, 6) == [
        50,
        60,
        70,
    ]
    assert svg.log_ticks(0.05, 30, 6) == [0.1, 0.3, 1.0, 3.0, 10.0, 30.0]


def test_text_of_artifacts_never_becomes_markup() -> None:
    drawn = svg.picture(10, HOSTILE, HOSTILE, svg.text(0, 0, HOSTILE) + svg.mark("dot", 1, 2, HOSTILE), "name")
    root = ET.fromstring(drawn)
    assert {child.tag for child in root.iter()} == {"svg", "title", "desc", "text", "path"}
    assert "<script>alert(1)</script>" in str(root.findtext("text"))
    assert "\u202e" not in drawn


def test_text_that_does_not_fit_is_cut_with_an_ellipsis() -> None:
    assert svg.fit("short", 100) == "short"
    assert svg.fit("a rather long name, with more", 70) == "a rather…"
