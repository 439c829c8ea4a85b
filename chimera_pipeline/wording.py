"""How numbers and units are written: the one place that rounds, used wherever a sentence is made.

A number is printed with enough digits that half a unit of the last one is below 0.05 % of it.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Scale:
    """A printed unit, and what a value in the fact's unit is multiplied by to be printed in it."""

    factor: float
    name: str

    def number(self, value: float, digits: int = DIGITS) -> str:
        """A value in the fact's unit, printed in this one, without the unit."""
        return number(self.of(value), digits)

    def quantity(self, value: float, digits: int = DIGITS) -> str:
        """A value in the fact's unit, printed in this one."""
        return self.number(value, digits) + unit(self.name)

    def of(self, value: float) -> float:
        """A value in the fact's unit, in this one; without the noise of binary fractions."""
        return value if self.factor == 1 else float(f"{value * self.factor:.12g}")


_SECONDS = ((1.0, Scale(1.0, "s")), (1e-3, Scale(1e3, "ms")), (1e-6, Scale(1e6, "µs")), (0.0, Scale(1e9, "ns")))


def scale_for(unit_name: str, values: Iterable[float]) -> Scale:
    """Of seconds, the unit in which all values are read with ease; any other unit stays as it is."""
    if unit_name != "s":
        return Scale(1.0, unit(unit_name).strip())
    largest = max((abs(value) for value in values), default=1.0)
    return next(scale for least, scale in _SECONDS if largest >= least)


def scale_in_text(unit_name: str, value: float) -> Scale:
    """As `scale_for`, but seconds stay seconds down to a millisecond: numbers of one text are compared at sight."""
    return Scale(1.0, unit_name) if unit_name != "s" or value == 0 or abs(value) >= 1e-3 else scale_for("s", [value])


def spread(scale: Scale, sd: float | None, low: float | None, high: float | None) -> Iterator[str]:
    """`sd 0.9070` and `95 % interval 101.1 to 103.3`, in `scale`; with its unit where that is not the fact's own."""
    name = "" if scale.factor == 1 else unit(scale.name)
    if sd is not None:
        yield f"sd {scale.number(sd)}{name}"
    if low is not None and high is not None:
        yield f"95 % interval {scale.number(low)} to {scale.number(high)}{name}"


def quantity(value: float, unit_name: str, digits: int = DIGITS) -> str:
    """A number with its unit, as a text has it: `102.2 tokens/s`, `0.2232 s`, `3.350 µs`."""
    return scale_in_text(unit_name, value).quantity(value, digits)


def count(n: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `2 files`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
