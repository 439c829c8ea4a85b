"""Goodput: requests within every limit, failed ones included, and nothing where a request cannot be judged."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from chimera_pipeline.contracts import validation
from chimera_pipeline.facts import build, comparisons_failures, goodput, ids
from tests.unit.facts.test_comparisons import a_series, frames, values_of


def requests(*, failed: int = 0, **metrics: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A series `x` of requests with the given values of each; `failed` more that failed."""
    count = len(next(iter(metrics.values()))) + failed
    rows = values_of("x", [1] * count, "requests", statistic="count")
    for row in rows[count - failed :]:
        row["status"] = "failed"
    for name, values in metrics.items():
        rows += values_of("x", values, name)
    return frames(rows, [a_series("x")])


def test_failed_requests_are_misses() -> None:
    (fact,) = goodput.goodput_facts(*requests(ttft_s=[0.1, 0.2, 0.9], failed=1), {"ttft_s": 0.5})
    assert (fact.statistic, fact.value, fact.n) == ("goodput_share", 0.5, 4)
    assert fact.text == "2 of 4 requests of x met TTFT up to 0.5000 s"
    assert validation.failures("facts", build.to_frame(ids.assign([fact]))).empty


def test_a_request_must_keep_every_limit() -> None:
    stores = requests(ttft_s=[0.1, 0.1, 0.9, 0.9], total_s=[1.0, 3.0, 1.0, 3.0])
    (fact,) = goodput.goodput_facts(*stores, {"ttft_s": 0.5, "total_s": 2.0})
    assert fact.value == 0.25


def test_the_time_per_token_after_the_first_follows_from_a_request_that_states_its_parts() -> None:
    # (1.1 - 0.1) / (11 - 1) = 0.1 s, (2.1 - 0.1) / 10 = 0.2 s, and one token has none after it
    stores = requests(ttft_s=[0.1, 0.1, 0.3], total_s=[1.1, 2.1, 0.3], output_tokens=[11, 11, 1])
    (fact,) = goodput.goodput_facts(*stores, {"tpot_s": 0.15})
    assert fact.value == pytest.approx(2 / 3)


def test_requests_that_cannot_be_judged_give_no_share_but_a_gap() -> None:
    (fact,) = goodput.goodput_facts(*requests(ttft_s=[0.1, 0.2, 0.9]), {"tpot_s": 0.5})
    assert (fact.kind, fact.statistic, fact.value) == ("gap", "count_without_metric", 3)
    assert "3 of 3 successful requests state no TPOT" in fact.text


def test_aggregates_give_no_goodput() -> None:
    rows = values_of("x", [0.1], "serving_ttft_s", statistic="mean", n=100)
    assert list(goodput.goodput_facts(*frames(rows, [a_series("x")]), {"ttft_s": 0.5})) == []


def test_without_a_limit_there_is_no_goodput() -> None:
    assert list(goodput.goodput_facts(*requests(ttft_s=[0.1]), {})) == []


def test_wilson_interval_of_81_in_263() -> None:
    # Newcombe 1998, Stat. Med. 17:857, table I: 81 of 263, score method without correction: 0.2553 to 0.3662
    share, low, high = comparisons_failures.wilson((81, 263), 1.959963984540054)
    assert (share, low, high) == pytest.approx((0.3080, 0.2553, 0.3662), abs=5e-5)
