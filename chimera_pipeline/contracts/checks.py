"""Cross-column rules as registered pandera checks, named in `schemas/` YAML.

Pandera's YAML drops unregistered checks with a mere warning, so every rule that spans columns is here.
Rows where an operand is null pass: a missing value is a gap of its own.
"""

from __future__ import annotations

import pandas as pd
from pandera import extensions

REGISTERED = ("ordered", "ratio_agrees", "sum_agrees")


def register() -> None:
    """Register the checks once; calling again does nothing."""
    from pandera.pandas import Check

    if "ordered" in dir(Check):
        return
    extensions.register_check_method(statistics=["low", "high"], supported_types=pd.DataFrame)(ordered)
    extensions.register_check_method(
        statistics=["numerator", "denominator", "result", "tolerance"], supported_types=pd.DataFrame
    )(ratio_agrees)
    extensions.register_check_method(statistics=["terms", "result", "tolerance"], supported_types=pd.DataFrame)(
        sum_agrees
    )


def ordered(frame: pd.DataFrame, *, low: str, high: str) -> pd.Series[bool]:
    """`low` is not above `high`, within 1e-9 relative (printed precision of the same quantity)."""
    a, b = frame[low], frame[high]
    return (a <= b * (1 + 1e-9)) | a.isna() | b.isna()


def ratio_agrees(
    frame: pd.DataFrame, *, numerator: str, denominator: str, result: str, tolerance: float
) -> pd.Series[bool]:
    """`numerator / denominator` is `result` within `tolerance` (relative)."""
    top, bottom, stated = (frame[name].astype("float64") for name in (numerator, denominator, result))
    return ((top / bottom - stated).abs() <= tolerance * stated.abs()) | top.isna() | bottom.isna() | stated.isna()


def sum_agrees(frame: pd.DataFrame, *, terms: list[str], result: str, tolerance: float) -> pd.Series[bool]:
    """The sum of `terms` is `result` within `tolerance` (relative)."""
    parts = frame[list(terms)].astype("float64")
    stated = frame[result].astype("float64")
    total = parts.sum(axis=1, skipna=False)
    return ((total - stated).abs() <= tolerance * stated.abs()) | total.isna() | stated.isna()
