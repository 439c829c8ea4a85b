"""How numbers and units are written: the one place that rounds, used wherever a sentence is made.

A number is printed with enough digits that half a unit of the last one is below 0.05 % of it.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from decimal import ROUND_HALF_UP, Decimal

DIGITS = 4
_SYMBOLS = {"seconds": "s", "ratio": ""}


def did_you_mean(word: str, known: Collection[str], what: str = "") -> str:
    """`; did you mean 'x'?` where one of `known` is near; else all of them as `; <what> are a, b`, or nothing."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; {what} are {', '.join(names)}" if what and names else ""


def number(value: float, digits: int = DIGITS) -> str:
    """`value` to `digits` significant digits, halves away from zero, no exponent between 1e-6 and 1e15.

    Whole numbers are printed whole, with a comma at each thousand.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be printed")
    if value == 0:
        return "0"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -6 or exponent >= 15:
        return f"{value:.{digits - 1}e}"
    places = max(digits - 1 - exponent, 0)
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{rounded:,}" if exponent >= 4 else f"{rounded}"


def percent(share: float, digits: int = 3) -> str:
    """A share as a percentage: 0.1734 -> `17.3 %`."""
    return f"{number(100 * share, digits)} %"


def unit(name: str) -> str:
    """A unit as it is printed after a number, with its leading space; nothing for a bare ratio or score."""
    shown = _SYMBOLS.get(name, name)
    return f" {shown}" if shown not in ("", "score", "as stated") else ""


def quantity(value: float, unit_name: str, digits: int = DIGITS) -> str:
    """A number with its unit: `102.2 tokens/s`."""
    return number(value, digits) + unit(unit_name)


def count(n: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `2 files`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
