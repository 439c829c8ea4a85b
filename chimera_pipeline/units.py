"""Units: the only place where one changes. Canonical: seconds, bytes, tokens per second, ratios.

Foreign units exist only inside readers, which call `canonical` with the unit the file states.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason

CANONICAL = {
    "[time]": "s",
    "[information]": "byte",
    "[information] / [time]": "byte / s",
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
    "°c": "degC",
    "%": "percent",
    "b": "byte",
    "bytes": "byte",
    "kb": "kilobyte",
    "mb": "megabyte",
    "gb": "gigabyte",
    "kib": "kibibyte",
    "mib": "mebibyte",
    "gib": "gibibyte",
}

COMMON = (
    *("s", "ms", "us", "ns", "min", "tokens/s", "requests/s", "1/s"),
    *("bytes", "KiB", "MiB", "GiB", "kB", "MB", "GB", "percent", "W", "J", "MHz", "degC"),
)


def _each(words: str, multiply: float, divide: float, dimension: str) -> dict[str, tuple[float, float, str]]:
    return dict.fromkeys(words.split(), (multiply, divide, dimension))


_POWER = "[mass] * [length] ** 2 / [time] ** 3"
_PLAIN = {
    **_each("s sec secs second seconds", 1.0, 1.0, "[time]"),
    **_each("ms millisecond milliseconds", 1.0, 1e3, "[time]"),
    **_each("us µs μs microsecond microseconds", 1.0, 1e6, "[time]"),
    **_each("ns nanosecond nanoseconds", 1.0, 1e9, "[time]"),
    **_each("min minute minutes", 60.0, 1.0, "[time]"),
    **_each("h hour hours", 3600.0, 1.0, "[time]"),
    **_each("token/s tokens/s tok/s t/s", 1.0, 1.0, "[token] / [time]"),
    **_each("request/s requests/s req/s", 1.0, 1.0, "[request] / [time]"),
    **_each("1/s MHz", 1.0, 1.0, "1 / [time]"),
    **_each("byte bytes B", 1.0, 1.0, "[information]"),
    **_each("kB KB kb kilobyte", 1e3, 1.0, "[information]"),
    **_each("MB mb megabyte megabytes", 1e6, 1.0, "[information]"),
    **_each("GB gb gigabyte gigabytes", 1e9, 1.0, "[information]"),
    **_each("KiB kib kibibyte", 1024.0, 1.0, "[information]"),
    **_each("MiB mib mebibyte", 1024.0**2, 1.0, "[information]"),
    **_each("GiB gib gibibyte", 1024.0**3, 1.0, "[information]"),
    **_each("percent %", 1.0, 1.0, "dimensionless"),
    **_each("W", 1.0, 1.0, _POWER),
    **_each("J", 1.0, 1.0, _POWER.replace("3", "2")),
    **_each("degC °C", 1.0, 1.0, "[temperature]"),
}
"""(multiply, divide, dimension) of the units that nearly every file states, as pint gives them: its registry takes half
a second to build, and most folders need no other unit."""
_INFORMATION = {"bit": "[information]", "bit / second": "[information] / [time]"}
_WRITTEN = re.compile(r"(1|[^\W\d]+)(\s*[*/]\s*[^\W\d]+){0,3}\Z")
_BITS_OR_BYTES = re.compile(r"[KMGTP]b(/\w+)?\Z|b\Z")


@lru_cache(maxsize=1)
def registry() -> Any:
    """The pint registry with the field's own units (token, request). Loaded on first use."""
    import pint

    ureg: Any = pint.UnitRegistry()
    ureg.define("token = [token]")
    ureg.define("request = [request]")
    return ureg


@lru_cache(maxsize=256)
def _scale(unit: str) -> tuple[float, float]:
    """(multiply, divide) that takes a value in `unit` to its canonical unit; one of the two is 1."""
    if unit in _PLAIN:
        return _PLAIN[unit][:2]
    return _scale_by_pint(unit)


def _scale_by_pint(unit: str) -> tuple[float, float]:
    parsed = _parsed(unit)
    target = CANONICAL.get(_dimension_by_pint(unit))
    factor = float(registry().Quantity(1, parsed).to(target or parsed).magnitude)
    if factor < 1 and abs(round(1 / factor) - 1 / factor) < 1e-6 / factor:
        return 1.0, float(round(1 / factor))
    return factor, 1.0


@lru_cache(maxsize=256)
def _parsed(unit: str) -> Any:
    """The pint unit that `unit` names. Raises ArtifactError(unknown_unit).

    Words, products and quotients only: pint would evaluate any expression, at any cost.
    """
    text = unit.strip()
    known = _ALIASES.get(text.lower(), text)
    if len(text) > 40 or not _WRITTEN.match(known) or _BITS_OR_BYTES.match(text):
        raise ArtifactError(Reason.UNKNOWN_UNIT, f"unit {redact.value(unit)[:60]!r} is not known", value=unit)
    try:
        parsed = registry().Unit(known)
        registry().Quantity(1, parsed).to_root_units()
        return parsed
    except Exception as error:
        raise ArtifactError(
            Reason.UNKNOWN_UNIT, f"unit {redact.value(unit)[:60]!r} is not known", value=unit
        ) from error


def dimension(unit: str) -> str:
    """What `unit` measures, as pint writes it ("[time]"). Raises ArtifactError(unknown_unit)."""
    return _PLAIN[unit][2] if unit in _PLAIN else _dimension_by_pint(unit)


def _dimension_by_pint(unit: str) -> str:
    parsed = _parsed(unit)
    root = str(registry().Quantity(1, parsed).to_root_units().units)
    # To pint, bits and bytes measure nothing; only their root unit tells them from a plain number.
    return _INFORMATION.get(root) or str(parsed.dimensionality)


def canonical(value: float, unit: str) -> float:
    """`value`, stated in `unit`, in the canonical unit of its dimension.

    Division is used for small units (ms, ns), so that 15.5 ms is exactly 0.0155 s as printed. Raises
    ArtifactError(unknown_unit).
    """
    multiply, divide = _scale(unit)
    return value * multiply / divide
