"""Cells and values to numbers, strictly: what a file prints is a number, is blank, or is refused with its place."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Collection, Iterable
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.periods import parse_instant
from chimera_pipeline.records import Reading, Row
from chimera_pipeline.units import canonical

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{12,64})")
NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?"
"""A plain decimal number with ASCII digits."""
_NUMBER = re.compile(NUMBER + r"\Z", re.ASCII)
MOST_COUNT = 2**53
"""Beyond it a double is no exact count."""
BLANK = frozenset({"", "n/a", "na", "none", "null", "-", "--", "nan"})


def number(value: Any, unit: str | None = None, *, locator: str | None = None, field: str = "value") -> float | None:
    """`value` as a float in the canonical unit of `unit`; None where blank.

    Text must be a plain decimal number (no grouping, no unit). Raises ArtifactError(bad_number) naming the field.
    """
    kind = type(value)
    if value is None:
        return None
    if kind is str:
        text = value.strip()
        if len(text) > 40 or not _NUMBER.match(text):
            if text.lower() in BLANK:
                return None
            raise _bad(value, locator, field)
        result = float(text)
    elif kind is float or kind is int:
        result = float(value)
    else:
        raise _bad(value, locator, field)
    if not math.isfinite(result):
        raise ArtifactError(
            Reason.NONFINITE_NUMBER,
            f"{field} is not finite",
            locator=locator,
            value=redact.value(result if kind is str else value),
        )
    return result if unit is None else canonical(result, unit)


def count(value: Any, *, locator: str | None = None, field: str = "count") -> int | None:
    """`value` as a whole number; None where blank. Raises ArtifactError(bad_number)."""
    parsed = number(value, locator=locator, field=field)
    if parsed is None:
        return None
    if parsed != int(parsed):
        raise _bad(value, locator, field)
    if not -MOST_COUNT <= parsed <= MOST_COUNT:
        raise ArtifactError(
            Reason.OUT_OF_RANGE,
            f"{field} is {parsed:g}, which no count can be",
            locator=locator,
            value=redact.value(value, field),
        )
    return int(parsed)


def _bad(value: Any, locator: str | None, field: str) -> ArtifactError:
    shown = redact.value(value, field)
    return ArtifactError(
        Reason.BAD_NUMBER,
        f"{field} is {shown!r}, expected a plain number",
        locator=locator,
        value=shown,
    )


def measured(row: Row, value: Any, *, locator: str | None = None) -> None:
    """Put the instant that a file states into `row`; nothing for blank."""
    instant = parse_instant(value, locator=locator)
    if instant is not None:
        row["measured_at"] = instant.iso()
        row["time_naive"] = instant.naive


def half_unit(texts: Iterable[str], unit: str | None = None) -> float | None:
    """Half a unit of the last digit that any of `texts` prints, in the canonical unit; None for no number."""
    decimals = -1
    for text in texts:
        text = text.strip()
        point = text.find(".")
        more = 0 if point < 0 else len(text) - point - 1
        if more > decimals and _NUMBER.match(text) and "e" not in text.lower():
            decimals = more
    if decimals < 0:
        return None
    half = 0.5 * 10.0**-decimals
    return half if unit is None else canonical(half, unit)


def prompt_id(index: Any, text: Any) -> str | None:
    """A prompt's id: its hash, and its index where it has no text. Never its text."""
    if text is not None and str(text).strip():
        return "p#" + hashlib.sha256(str(text).strip().encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"p{index}" if index not in (None, "") else None


def pointer(*parts: Any) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def config(mapping: dict[str, Any], allowed: Collection[str] = redact.OPTION_KEYS) -> dict[str, Any]:
    """The `allowed` options; whole numbers become ints, so that 40.00 and 40 are one configuration."""
    kept = redact.options(mapping, allowed)
    for key, value in kept.items():
        if isinstance(value, str):
            text = value.strip()
            if _NUMBER.match(text):
                value = float(text)
        if isinstance(value, float) and value.is_integer() and abs(value) <= MOST_COUNT:
            value = int(value)
        kept[key] = value
    return kept


def embedded_options(text: Any) -> dict[str, Any]:
    """Options written as a JSON object inside a cell; {} where they are none."""
    if isinstance(text, dict):
        return text
    try:
        loaded = json.loads(text) if text else {}
    except (TypeError, ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def digest(record: dict[str, Any]) -> str | None:
    """The digest of the model's weights that a record states (hexadecimal, "sha256:" taken off), else None."""
    for key in ("model_digest", "digest"):
        stated = record.get(key)
        if stated and (found := _DIGEST.fullmatch(str(stated).strip().lower())):
            return found.group(1)
    return None


def extra(
    reading: Reading,
    identity: Row,
    metric: str,
    statistic: str,
    value: float | None,
    *,
    n: int | None = None,
    ddof: int | None = None,
    locator: str | None = None,
    unit: str | None = None,
) -> None:
    """Add a statistic or sample that its metric table has no column for; nothing where `value` is None.

    `identity` is the row it belongs to; `metric` is an entry of schemas/metrics.yaml and `value` in its unit.
    It goes to `measurements` and counts as no record.
    """
    if value is None:
        return
    kept = {key: item for key, item in identity.items() if key in _IDENTITY}
    kept |= {"metric": metric, "statistic": statistic, "value": value, "n": n, "ddof": ddof}
    if locator is not None:
        kept["locator"] = locator
    if unit is not None:
        kept["unit"] = unit
    reading.add("measurements", kept, counts=False)


def extras(reading: Reading, identity: Row, metric: str, values: Iterable[tuple[float, str]]) -> None:
    """Add raw samples with their locators, each with n = 1; otherwise as `extra`."""
    shared = {key: item for key, item in identity.items() if key in _IDENTITY}
    shared |= {"metric": metric, "statistic": "sample", "n": 1, "ddof": None}
    for value, locator in values:
        reading.add("measurements", {**shared, "value": value, "locator": locator}, counts=False)


_IDENTITY = frozenset(
    [
        "locator",
        "run_id",
        "suite",
        "model",
        "quantization",
        "engine",
        "hardware",
        "workload",
        "config",
        "case",
        "task",
        "prompt_id",
        "status",
        "measured_at",
        "time_naive",
        "backend",
        "device",
        "dtype",
        "params",
        "ttft_definition",
        "concurrency",
        "request_rate",
        "n_shot",
    ]
)
