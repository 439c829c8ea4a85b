"""The metrics: name, unit, direction, plausible range, thresholds and words, from `schemas/metrics.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from chimera_pipeline.contracts import schemas
from chimera_pipeline.errors import ContractError


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of `schemas/metrics.yaml`; the file documents each field."""

    name: str
    label: str
    unit: str
    better: Literal["lower", "higher", "none"]
    family: str
    words: tuple[str, ...]
    plausible: tuple[float, float]
    practical_threshold: float
    equivalence_margin: float
    phase: Literal["split", "shown", "none"]
    definition: str
    headline: bool = False


@lru_cache(maxsize=1)
def metrics() -> dict[str, Metric]:
    """Every metric by name. Raises ContractError naming entry and key."""
    document: dict[str, dict[str, Any]] = schemas.load(schemas.folder() / "metrics.yaml")
    out = {}
    for name, entry in document.items():
        try:
            out[name] = Metric(
                name=name,
                words=tuple(entry["words"]),
                plausible=(float(entry["plausible"][0]), float(entry["plausible"][1])),
                **{key: value for key, value in entry.items() if key not in {"words", "plausible"}},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ContractError(f"metrics.yaml: entry {name}: {error}") from error
    return out


def metric(name: str) -> Metric:
    """The metric called `name`. Raises ContractError."""
    try:
        return metrics()[name]
    except KeyError:
        raise ContractError(f"metric {name!r} is not in schemas/metrics.yaml") from None
