"""Units in which small times are read with ease: the exact value of a fact times a power of ten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chimera_pipeline import wording

_STEPS = ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (1e-6, 1e6, "µs"))


@dataclass(frozen=True, slots=True)
class Unit:
    """A printed unit, and what a value in the fact's unit is multiplied by."""

    factor: float
    name: str

    def number(self, value: float, digits: int = wording.DIGITS) -> str:
        """A value in the fact's unit, printed in this one."""
        return wording.number(self.of(value), digits)

    def of(self, value: float) -> float:
        """A value in the fact's unit, in this one; without the noise of binary fractions."""
        return value if self.factor == 1 else float(f"{value * self.factor:.12g}")


def unit_for(unit: str, values: Iterable[float]) -> Unit:
    """Seconds become ms or µs where all values are small; any other unit stays as it is."""
    if unit == "s":
        largest = max((abs(value) for value in values), default=1.0)
        for least, factor, name in _STEPS:
            if largest >= least:
                return Unit(factor, name)
        return Unit(1e9, "ns")
    return Unit(1.0, wording.unit(unit).strip())
