from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera_pipeline import periods
from chimera_pipeline.errors import ArtifactError, Reason, UsageError

UTC = dt.UTC


@pytest.mark.parametrize(
    ("value", "iso", "naive"),
    [
        ("2025-10-02T19:12:04+00:00", "2025-10-02T19:12:04.000000+00:00", False),
        ("2025-10-02T21:08:57Z", "2025-10-02T21:08:57.000000+00:00", False),
        ("2025-10-02T15:12:04-04:00", "2025-10-02T19:12:04.000000+00:00", False),
        ("2025-10-02 19:12:04 UTC", "2025-10-02T19:12:04.000000+00:00", False),
        ("2025-09-30T20:11:33", "2025-09-30T20:11:33.000000+00:00", True),
        ("2025-09-30", "2025-09-30T00:00:00.000000+00:00", True),
        ("20260816-160853", "2026-08-16T16:08:53.000000+00:00", True),
        ("20260816_160853", "2026-08-16T16:08:53.000000+00:00", True),
        (1759187000, "2025-09-29T23:03:20.000000+00:00", False),
        (1759187000.5, "2025-09-29T23:03:20.500000+00:00", False),
        (1759187000500, "2025-09-29T23:03:20.500000+00:00", False),
        (1759187000500000, "2025-09-29T23:03:20.500000+00:00", False),
        (1759187000500000000, "2025-09-29T23:03:20.500000+00:00", False),
        ("1759187000", "2025-09-29T23:03:20.000000+00:00", False),
        ("1759187000.25", "2025-09-29T23:03:20.250000+00:00", False),
    ],
)
def test_instants_that_tools_write(value: Any, iso: str, naive: bool) -> None:
    instant = periods.parse_instant(value)
    assert instant is not None
    assert (instant.iso(), instant.naive) == (iso, naive)


@pytest.mark.parametrize("value", [None, ""])
def test_a_blank_time_is_no_time(value: Any) -> None:
    assert periods.parse_instant(value) is None


@pytest.mark.parametrize(
    "value",
    [
        True,
        33252.84,  # a monotonic clock
        0,
        -5,
        1e300,
        10**400,
        float("nan"),
        float("inf"),
        "soon",
        "October 26, 2023",
        "2025-13-01",
        "20251332-000000",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        [],
        {},
    ],
)
def test_what_is_no_time_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(ArtifactError) as caught:
        periods.parse_instant(value, locator="row 3")
    assert (caught.value.reason, caught.value.locator) == (Reason.BAD_TIME, "row 3")


@settings(deadline=None)
@given(
    value=st.one_of(
        st.text(max_size=40), st.text(alphabet="0123456789-:TZ+. W", max_size=30), st.floats(), st.integers()
    )
)
def test_anything_is_an_instant_or_refused(value: Any) -> None:
    try:
        instant = periods.parse_instant(value)
    except ArtifactError:
        return
    assert instant is None or instant.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("reports/ollama/20251002-151204/runs.csv", dt.datetime(2025, 10, 2, 15, 12, 4, tzinfo=UTC)),
        ("reports/20251002/conv_bench_20251003-170837.json", dt.datetime(2025, 10, 3, 17, 8, 37, tzinfo=UTC)),
        ("data/baseline_1759186313.json", dt.datetime(2025, 9, 29, 22, 51, 53, tzinfo=UTC)),
        ("lessons_2025-10-02.md", dt.datetime(2025, 10, 2, tzinfo=UTC)),
        ("results_2025-10-02T12-30-05.123.json", dt.datetime(2025, 10, 2, 12, 30, 5, tzinfo=UTC)),
        ("run_20250231.csv", None),  # no such day
        ("gemma3_270m_v2.csv", None),
        ("a/b/c.csv", None),
        ("build-1234567890123.json", None),
    ],
)
def test_the_stamp_in_a_path(path: str, at: dt.datetime | None) -> None:
    instant = periods.instant_from_path(path)
    assert (instant.at if instant else None) == at


@pytest.mark.parametrize(
    ("kind", "name"),
    [("month", "2025-10"), ("week", "2025-W40"), ("day", "2025-10-02"), ("quarter", "2025-Q4")],
)
def test_the_period_of_an_instant_is_its_period_in_utc(kind: str, name: str) -> None:
    east = dt.timezone(dt.timedelta(hours=14))
    assert periods.period_of(dt.datetime(2025, 10, 3, 5, 0, tzinfo=east), kind) == name


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("2025", (2025, 1, 1), (2026, 1, 1)),
        ("2025-12", (2025, 12, 1), (2026, 1, 1)),
        ("2025-Q4", (2025, 10, 1), (2026, 1, 1)),
        ("2025-W01", (2024, 12, 30), (2025, 1, 6)),
        ("2020-W53", (2020, 12, 28), (2021, 1, 4)),
        ("2024-02-29", (2024, 2, 29), (2024, 3, 1)),
    ],
)
def test_bounds_and_kinds_of_named_periods(name: str, start: tuple[int, int, int], end: tuple[int, int, int]) -> None:
    assert periods.bounds(name) == (dt.datetime(*start, tzinfo=UTC), dt.datetime(*end, tzinfo=UTC))


@pytest.mark.parametrize("name", ["2025-13", "2025-W54", "2025-Q5", "25", "october", "", "all", "2025-2"])
def test_a_name_of_another_shape_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="YYYY-Www"):
        periods.kind_of(name)


@pytest.mark.parametrize("name", ["2025-02-30", "2025-W53", "0000", "9999"])
def test_a_period_that_the_calendar_does_not_have_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        periods.bounds(name)


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("2025-01", "2024-12"),
        ("2025", "2024"),
        ("2025-Q1", "2024-Q4"),
        ("2025-W01", "2024-W52"),
        ("2021-W01", "2020-W53"),
        ("2025-03-01", "2025-02-28"),
    ],
)
def test_the_period_before(name: str, before: str) -> None:
    assert periods.previous(name) == before


@settings(deadline=None)
@given(
    at=st.integers(0, 4_000_000_000).map(lambda second: dt.datetime.fromtimestamp(second, UTC)),
    kind=st.sampled_from(periods.KINDS),
)
def test_an_instant_lies_in_its_period_and_just_after_the_one_before(at: dt.datetime, kind: str) -> None:
    name = periods.period_of(at, kind)
    start, end = periods.bounds(name)
    assert start <= at < end
    assert periods.kind_of(name) == kind
    assert periods.bounds(periods.previous(name))[1] == start


def test_an_unknown_kind_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="fortnight"):
        periods.period_of(dt.datetime(2025, 1, 1, tzinfo=UTC), "fortnight")
