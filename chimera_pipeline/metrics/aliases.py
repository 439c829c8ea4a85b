"""Other names of a model: tag, digest of its weights, file, and hub name; and tags whose weights changed.

In: entries that count, dated. Out: table `model_aliases`, and a gap `model_moved` for each name that stood for more
than one digest: what changed with it may be the model. Names are never guessed to be one: two names are of one model
where a file states both of one record.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Gap, GapKind, Row

_TAG = re.compile(r"[^/:]+(?:/[^/:]+)?:[^/:]+")
_HUB = re.compile(r"[^/:]+/[^/:]+")
_FILE = re.compile(r"\.(?:gguf|safetensors|bin|pt|onnx)$", re.IGNORECASE)


@dataclass(slots=True)
class Alias:
    """One name of a model, as which kind, and where and when it was stated."""

    model: str
    alias: str
    kind: str
    paths: set[str] = field(default_factory=set)
    first: str | None = None
    last: str | None = None


def kind_of(name: str) -> str:
    """file, tag (`gemma3:latest`), hub (`org/model`) or name."""
    if _FILE.search(name):
        return "file"
    if _TAG.fullmatch(name):
        return "tag"
    return "hub" if _HUB.fullmatch(name) else "name"


class Names:
    """Every name of every model, as files go by."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Alias] = {}

    def look_at(self, entry: Entry) -> None:
        """Take the next entry that counts."""
        for _, row in entry.all_rows():
            if row.get("model") is None:
                continue
            model = str(row["model"])
            for kind, name in _names(model, row):
                alias = self._found.setdefault((model, kind, name), Alias(model, name, kind))
                alias.paths.add(entry.path)
                if row["time_source"] in ("content", "filename") and row["measured_at"]:
                    alias.first = min(alias.first or row["measured_at"], row["measured_at"])
                    alias.last = max(alias.last or row["measured_at"], row["measured_at"])

    def told(self) -> list[Any]:
        """All of it as plain values, for `add`."""
        found = self._found.values()
        return [[one.model, one.alias, one.kind, sorted(one.paths), one.first, one.last] for one in found]

    def add(self, told: list[Any]) -> None:
        """Take what others were told."""
        for model, name, kind, paths, first, last in told:
            alias = self._found.setdefault((model, kind, name), Alias(model, name, kind))
            alias.paths.update(paths)
            alias.first = min(filter(None, (alias.first, first)), default=None)
            alias.last = max(filter(None, (alias.last, last)), default=None)

    def all(self) -> list[Alias]:
        """The names, by model, kind and name."""
        return [self._found[key] for key in sorted(self._found)]


def _names(model: str, row: Row) -> Iterator[tuple[str, str]]:
    yield kind_of(model), model
    if row.get("model_digest"):
        yield "digest", str(row["model_digest"])
    config = row.get("config") or {}
    for key in ("model_file", "tokenizer", "model_id"):
        value = config.get(key)
        if isinstance(value, str) and value and value != model and key != "tokenizer":
            yield "file" if key == "model_file" else kind_of(value), value


def rows_of(aliases: Iterable[Alias]) -> Iterator[Row]:
    """Rows of table `model_aliases`."""
    for one in aliases:
        yield {
            "model": one.model,
            "alias": one.alias,
            "kind": one.kind,
            "artifacts": json.dumps(sorted(one.paths)),
            "first_measured_at": one.first,
            "last_measured_at": one.last,
        }


def moved_gaps(aliases: Iterable[Alias]) -> Iterator[Gap]:
    """A gap for each model name that stood for more than one digest."""
    digests: dict[str, list[Alias]] = defaultdict(list)
    for one in aliases:
        if one.kind == "digest":
            digests[one.model].append(one)
    for model, found in sorted(digests.items()):
        if len(found) < 2:
            continue
        ordered = sorted(found, key=lambda one: (one.first or "", one.alias))
        told = "; ".join(f"{_short(one.alias)} {_when(one)}" for one in ordered)
        yield Gap(
            kind=GapKind.MODEL_MOVED,
            table="model_aliases",
            field="digest",
            subject=model,
            artifacts=tuple(sorted(set().union(*(one.paths for one in found)))),
            count=len(found),
            severity="warning",
            consequence=f"{model} stood for {len(found)} sets of weights ({told}): what changed may be the model "
            "itself",
            remedy="pin the model by digest, or give each set of weights a tag of its own",
        )


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _when(one: Alias) -> str:
    if not one.first or not one.last:
        return "undated"
    return f"on {one.first[:10]}" if one.first[:10] == one.last[:10] else f"from {one.first[:10]} to {one.last[:10]}"
