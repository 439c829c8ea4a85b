"""Units: the only place where one changes. Canonical: seconds, bytes, tokens per second, ratios.

Foreign units exist only inside readers, which call `canonical` with the unit the file states.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from chimera_pipeline.errors import ArtifactError, Reason

CANONICAL = {
    "[time]": "s",
    "[information]": "byte",
    "[token] / [time]": "token / s",
    "[token]": "token",
    "[request] / [time]": "request / s",
}

_ALIASES = {
    "us": "us",
    "µs": "us",
    "μs": "us",
    "sec": "s",
    "secs": "s",
    "seconds": "s",
    "milliseconds": "ms",
    "tokens/s": "token/s",
    "tokens/sec": "token/s",
    "tok/s": "token/s",
    "t/s": "token/s",
    "requests/s": "request/s",
    "requests/sec": "request/s",
    "req/s": "request/s",
    "b": "byte",
    "bytes": "byte",
    "kb": "kilobyte",
    "mb": "megabyte",
    "gb": "gigabyte",
    "kib": "kibibyte",
    "mib": "mebibyte",
    "gib": "gibibyte",
}


@lru_cache(maxsize=1)
def registry() -> Any:
    """The pint registry with the field's own units (token, request). Loaded on first use."""
    import pint

    ureg = pint.UnitRegistry()
    ureg.define("token = [token]")
    ureg.define("request = [request]")
    return ureg


@lru_cache(maxsize=256)
def _scale(unit: str) -> tuple[float, float]:
    """(multiply, divide) that takes a value in `unit` to its canonical unit; one of the two is 1."""
    ureg = registry()
    name = _ALIASES.get(unit.strip().lower(), unit.strip())
    try:
        parsed = ureg.Unit(name)
        target = CANONICAL.get(str(parsed.dimensionality))
        factor = ureg.Quantity(1, parsed).to(target or parsed).magnitude
    except Exception as error:
        raise ArtifactError(Reason.UNKNOWN_UNIT, f"unit {unit!r} is not known", value=unit) from error
    factor = float(factor)
    if factor < 1 and abs(round(1 / factor) - 1 / factor) < 1e-6 / factor:
        return 1.0, float(round(1 / factor))
    return factor, 1.0


def canonical(value: float, unit: str) -> float:
    """`value`, stated in `unit`, in the canonical unit of its dimension.

    Division is used for small units (ms, ns), so that 15.5 ms is exactly 0.0155 s as printed. Raises
    ArtifactError(unknown_unit).
    """
    multiply, divide = _scale(unit)
    return value * multiply / divide
