"""Where rows stand, as text: `path#places@hash` for each artifact behind them.

Most rows are behind several facts, and most files are laid out alike: a locator is taken apart once, a list of locators
is told once, and facts of the same rows share their sources.
"""

from __future__ import annotations

import hashlib
import itertools
import re

import numpy as np
import numpy.typing as npt

from chimera_pipeline.facts.rows import Codes, Rows, Table, shortest

PLACE = ("artifact_path", "artifact_sha256", "locator")
"""The columns that say where a measurement stands."""
_NUMBERED = re.compile(r"^(.*?)(\d+)(\D*)$")


def sources(rows: Rows) -> tuple[str, ...]:
    """`path#places@hash` for each artifact behind `rows`; consecutive places are ranges (`row 1-5`)."""
    found = rows.table.kept.get("sources")
    if found is None:
        found = rows.table.kept["sources"] = _Sources(rows.table)
    told: tuple[str, ...] = found.of(rows)
    return told


class _Sources:
    """What has been told of the places of one table so far."""

    def __init__(self, table: Table) -> None:
        self._artifact, self._artifacts = _artifacts(table)
        self._locators = Locators(table.texts["locator"].tolist())
        self._entries: dict[tuple[int, str], str] = {}
        self._told: dict[bytes, tuple[str, ...]] = {}

    def of(self, rows: Rows) -> tuple[str, ...]:
        """The sources of rows of the table."""
        if not len(rows):
            return ()
        artifacts, locators = self._artifact[rows.places], rows.codes("locator").astype(np.int32)
        if len(rows) > 1:
            order = np.argsort(artifacts, kind="stable")
            artifacts, locators = artifacts[order], locators[order]
        read = locators.tobytes()
        key = hashlib.blake2b(artifacts.tobytes() + read, digest_size=16).digest()
        told = self._told.get(key)
        if told is None:
            edges = [0, *(np.flatnonzero(np.diff(artifacts)) + 1).tolist(), len(artifacts)]
            told = self._told[key] = tuple(
                self._entry(artifact, self._locators.told(read[4 * low : 4 * high]))
                for artifact, (low, high) in zip(artifacts[edges[:-1]].tolist(), itertools.pairwise(edges), strict=True)
            )
        return told

    def _entry(self, artifact: int, places: str) -> str:
        entry = self._entries.get((artifact, places))
        if entry is None:
            path, sha256 = self._artifacts[artifact]
            entry = self._entries[artifact, places] = f"{path}#{places}@{str(sha256)[:12]}"
        return entry


def _artifacts(table: Table) -> tuple[Codes, list[tuple[str, str]]]:
    """(for each row the number of its artifact, in the order of path and sha256; path and sha256 of each number)."""
    paths, digests = (table.columns[name] for name in PLACE[:2])
    of_path = np.full(len(table.texts["artifact_path"]), -1, dtype=np.int64)
    if table.size and paths.min() >= 0 and digests.min() >= 0:
        of_path[paths] = digests
        if np.array_equal(of_path[paths], digests):  # each path has one content: its code is the number, nothing sorted
            digest = [str(text) for text in table.texts["artifact_sha256"]]
            return paths, list(
                zip(table.texts["artifact_path"].tolist(), map(digest.__getitem__, of_path), strict=True)
            )
    _, firsts, artifact = np.unique(Rows(table).keys(*PLACE[:2]), return_index=True, return_inverse=True)
    first = Rows(table, firsts)
    return shortest(artifact), list(zip(first["artifact_path"], first["artifact_sha256"], strict=True))


class Locators:
    """Distinct locators, each taken apart once: what stands before its last number, the number, what stands after."""

    def __init__(self, locators: list[str]) -> None:
        self._locators = locators
        self._around: list[tuple[str, str]] = []
        self._kind = np.full(len(locators), -1, dtype=np.int64)
        self._number = np.zeros(len(locators), dtype=np.int64)
        self._told: dict[bytes, str] = {}
        kinds: dict[tuple[str, str], int] = {}
        for place, locator in enumerate(locators):
            match = _NUMBERED.match(locator)
            if match and len(match.group(2)) < 10:
                around = match.group(1), match.group(3)
                self._kind[place] = kinds.setdefault(around, len(kinds))
                self._number[place] = int(match.group(2))
        self._around = list(kinds)

    def told(self, codes: bytes) -> str:
        """The locators of these codes (32 bits each) as text, those that differ in one number as ranges."""
        found = self._told.get(codes)
        if found is None:
            found = self._told[codes] = ";".join(self._ranges(np.frombuffer(codes, dtype=np.int32)))
        return found

    def _ranges(self, codes: Codes) -> list[str]:
        """Locators that differ in one number joined where consecutive, kinds in order of appearance; others first."""
        _, firsts = np.unique(codes, return_index=True)
        codes = codes[np.sort(firsts)]
        kind = self._kind[codes]
        plain = sorted(self._locators[code] for code in codes[kind < 0].tolist())
        codes, kind = codes[kind >= 0], kind[kind >= 0]
        if not codes.size:
            return plain
        _, firsts, which = np.unique(kind, return_index=True, return_inverse=True)
        appeared: npt.NDArray[np.int64] = firsts[which]
        order = np.lexsort((self._number[codes], appeared))
        number, kind = self._number[codes][order], kind[order]
        breaks = np.flatnonzero((np.diff(number) != 1) | (np.diff(kind) != 0))
        lows, highs = number[np.r_[0, breaks + 1]].tolist(), number[np.r_[breaks, number.size - 1]].tolist()
        for at, low, high in zip(kind[np.r_[0, breaks + 1]].tolist(), lows, highs, strict=True):
            head, tail = self._around[at]
            plain.append(f"{head}{low}{tail}" if low == high else f"{head}{low}-{high}{tail}")
        return plain
