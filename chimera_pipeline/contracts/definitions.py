"""Words that stand for several measurements, from `schemas/definitions.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chimera_pipeline.contracts import schemas, vocabulary
from chimera_pipeline.errors import ContractError


@dataclass(frozen=True, slots=True)
class Definition:
    """One measurement that goes by a word; the file documents each field."""

    metric: str
    means: str
    tools: tuple[str, ...] = ()
    definition: str | None = None

    def covers(self, tool: str | None, definition: str | None) -> bool:
        """Whether a value of the metric, by that tool and definition, is measured so."""
        return (not self.tools or tool in self.tools) and self.definition in (None, definition)


@lru_cache(maxsize=1)
def words() -> dict[str, tuple[Definition, ...]]:
    """Word -> its definitions, most specific first. Raises ContractError naming word and key."""
    document: dict[str, list[dict[str, Any]]] = schemas.load(schemas.folder() / "definitions.yaml")
    out = {}
    for word, entries in document.items():
        try:
            found = [Definition(**{**entry, "tools": tuple(entry.get("tools", ()))}) for entry in entries]
        except TypeError as error:
            raise ContractError(f"definitions.yaml: entry {word}: {error}") from error
        for one in found:
            vocabulary.metric(one.metric)
        out[word] = tuple(sorted(found, key=lambda one: (not one.tools, one.definition is None)))
    return out
