"""Counts and durations as peers state them, made safe: absurd values are unknown, never zero."""

from __future__ import annotations

from typing import Any

_LONGEST_S = 7 * 86_400
_MOST = 10**9


def count(value: Any) -> int | None:
    """A whole number between 0 and 10^9, else None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MOST else None


def seconds(value: Any, per_second: float) -> float | None:
    """`value / per_second` where that is between 0 and a week, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= _LONGEST_S * per_second:
        return None
    return float(value) / per_second


def rate(amount: int | None, duration_s: float | None) -> float | None:
    """Amount by second; None where either is unknown or the duration is zero."""
    if amount is None or not duration_s:
        return None
    return amount / duration_s
