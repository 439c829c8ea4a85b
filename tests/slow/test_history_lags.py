"""facts/history_lags.json is what the simulation gives (about half a minute)."""

from __future__ import annotations

import pytest

from chimera_pipeline.facts import history_null


@pytest.mark.parametrize("n", history_null.LENGTHS)
def test_the_lags_that_are_kept_are_those_of_the_nulls(n: int) -> None:
    for phi in history_null.PHI:
        one = history_null.null.__wrapped__(n, phi)
        assert history_null.lag_of(n, phi) == pytest.approx((one.lag_mean, one.lag_sd), rel=1e-6), (
            f"phi {phi}: run python benchmarks/history_lags.py"
        )
