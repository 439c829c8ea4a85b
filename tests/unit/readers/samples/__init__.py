"""Tiny synthetic files, laid out as each tool writes them; every value is invented.

One module a format with `SAMPLES`, a list of `Sample`; `collected()` finds them. The conformance test runs
every check on each of them, so a reader needs a sample and no test code of its own.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

from chimera_pipeline.records import Format

WITHOUT_SAMPLE: frozenset[str] = frozenset()
"""Readers that the kit lets pass without a sample; none is meant to stay here."""


@dataclass(frozen=True)
class Sample:
    """One file and what its reader must make of it.

    `ok` and `failed` count measurement records. `values` are hand-computed: "table/locator/column" -> value in
    the canonical unit (for `measurements`: "measurements/locator/metric:statistic"). `regular` is False where
    the order or number of columns has a meaning of its own. `computed` is True where no number of a row is
    printed at its locator.
    """

    name: str
    data: bytes
    format: Format
    reader: str
    ok: int
    failed: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
    regular: bool = True
    computed: bool = False

    def __str__(self) -> str:
        return f"{self.reader}-{self.name}"


@cache
def collected() -> tuple[Sample, ...]:
    """Every sample of every module here."""
    found: list[Sample] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        found += import_module(f"{__name__}.{module}").SAMPLES
    return tuple(found)
