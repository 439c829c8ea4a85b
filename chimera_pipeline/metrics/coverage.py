"""Coverage: which cells of model x quantization x context x hardware were measured, and which runs would help most.

In: entries that count, dated. Out: table `coverage`, a row a cell, and the gaps `grid_hole`, `thin_cell` and
`stale_cell`. A cell of a model's grid is a combination of the quantizations, contexts and machines that the model was
measured with; combinations beyond those are nobody's plan and no hole.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Gap, GapKind, Row

THIN = 5
"""A cell with fewer samples supports no interval."""
STALE_DAYS = 90
"""A cell is stale when its last measurement is older than the newest of the store by more than so many days."""
MAX_CELLS = 2_000
"""A model whose grid is larger is shown by its measured cells alone: such a grid is a search, not a plan."""
CONTEXTS = ("num_ctx", "n_ctx", "ctx_size", "context_length", "max_model_len", "max_seq_len", "n_kv_max")
_TOKENS = ("n_depth", "n_prompt", "n_gen")
"""llama-bench states no context size: its cells are told apart by the tokens in context at the end of a test."""
_TABLES = ("llm_requests", "serving_runs", "throughputs")

Key = tuple[str, str | None, str | None, str | None]


class State(StrEnum):
    """What is known of a cell."""

    MEASURED = "measured"
    THIN = "thin"
    STALE = "stale"
    NEVER_RUN = "never_run"


@dataclass(slots=True)
class Cell:
    """One combination. `gain`: measured cells that differ from it in one thing: comparisons that a run would allow."""

    key: Key
    samples: int = 0
    last: str | None = None
    series: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    state: State = State.NEVER_RUN
    gain: int = 0

    @property
    def words(self) -> str:
        """The combination in words."""
        model, quantization, context, hardware = self.key
        parts = [quantization, context and f"context {context}", hardware and f"on {hardware}"]
        return ", ".join([model, *filter(None, parts)])


class Grid:
    """The cells of every model's grid, as files go by."""

    def __init__(self) -> None:
        self._found: dict[Key, Cell] = {}

    def look_at(self, entry: Entry) -> None:
        """Take the next entry that counts."""
        for table in _TABLES:
            for row in entry.rows.get(table, ()):
                if row.get("model") is not None and row.get("status", "ok") == "ok":
                    _count(self._found, table, row, entry.path)

    def told(self) -> list[Any]:
        """All of it as plain values, for `add`."""
        return [
            [cell.key, cell.samples, cell.last, sorted(cell.series), sorted(cell.paths)]
            for cell in self._found.values()
        ]

    def add(self, told: list[Any]) -> None:
        """Take what others were told."""
        for (model, quantization, context, hardware), samples, last, series, paths in told:
            key = (model, quantization, context, hardware)
            cell = self._found.setdefault(key, Cell(key))
            cell.samples += samples
            cell.last = max(filter(None, (cell.last, last)), default=None)
            cell.series.update(series)
            cell.paths.update(paths)

    def cells(self) -> list[Cell]:
        """Every cell, by model, quantization, context and hardware."""
        found = self._found
        newest = max((cell.last for cell in found.values() if cell.last), default=None)
        for cell in found.values():
            cell.state = _state(cell, newest)
        cells = [*found.values(), *(Cell(key) for key in _holes(found))]
        sharing = Counter(rest for cell in cells if cell.state is not State.NEVER_RUN for rest in _but_one(cell.key))
        for cell in cells:
            itself = cell.state is not State.NEVER_RUN
            cell.gain = sum(sharing[rest] - itself for rest in _but_one(cell.key))
        return sorted(cells, key=lambda cell: _order(cell.key))


def next_runs(cells: Iterable[Cell], limit: int = 10) -> list[Cell]:
    """The cells whose run would help most: never run first by comparisons gained, then thin ones, then stale ones."""
    rank = {State.NEVER_RUN: 0, State.THIN: 1, State.STALE: 2}
    wanted = [cell for cell in cells if cell.state in rank]
    return sorted(wanted, key=lambda cell: (-cell.gain, rank[cell.state], _order(cell.key)))[:limit]


def rows_of(cells: list[Cell]) -> Iterator[Row]:
    """Rows of table `coverage`; `priority` numbers the next runs from 1."""
    ranked = {id(cell): place for place, cell in enumerate(next_runs(cells, limit=len(cells)), 1)}
    for cell in cells:
        model, quantization, context, hardware = cell.key
        yield {
            "model": model,
            "quantization": quantization,
            "context": context,
            "hardware": hardware,
            "state": cell.state.value,
            "samples": cell.samples,
            "last_measured_at": cell.last,
            "series_ids": json.dumps(sorted(cell.series)),
            "artifacts": json.dumps(sorted(cell.paths)),
            "comparisons_gained": cell.gain,
            "priority": ranked.get(id(cell)),
        }


def coverage_gaps(cells: list[Cell]) -> Iterator[Gap]:
    """One gap for each model and state, with the cells that would help most named."""
    groups: dict[tuple[str, State], list[Cell]] = defaultdict(list)
    sizes: dict[str, int] = defaultdict(int)
    for cell in cells:
        sizes[cell.key[0]] += 1
        groups[cell.key[0], cell.state].append(cell)
    for (model, state), found in sorted(groups.items()):
        if state is State.MEASURED:
            continue
        first = "; ".join(cell.words for cell in next_runs(found, limit=3))
        kind, what, remedy = _WORDS[state]
        yield Gap(
            kind=kind,
            table="coverage",
            field="model, quantization, context, hardware",
            subject=model,
            artifacts=tuple(sorted(set().union(*(cell.paths for cell in found)))),
            count=len(found),
            severity="info",
            consequence=f"{len(found)} of {sizes[model]} combinations of {model} {what}",
            remedy=f"{remedy} first: {first}",
        )


_WORDS = {
    State.NEVER_RUN: (GapKind.GRID_HOLE, "were never run: no effect of one thing alone can be told there", "run"),
    State.THIN: (GapKind.THIN_CELL, f"rest on fewer than {THIN} samples: no interval is possible", "repeat"),
    State.STALE: (
        GapKind.STALE_CELL,
        f"were last measured more than {STALE_DAYS} days before the newest measurement: "
        "engines and drivers may have changed",
        "measure again",
    ),
}  # fmt: skip


def _count(found: dict[Key, Cell], table: str, row: Row, path: str) -> None:
    quantization = str(row["quantization"]) if row.get("quantization") is not None else None
    hardware = str(row["hardware"]) if row.get("hardware") is not None else None
    key = (base_model(str(row["model"]), quantization), quantization, _context(row.get("config") or {}), hardware)
    cell = found.setdefault(key, Cell(key))
    n = {"llm_requests": 1, "serving_runs": row.get("requests_ok"), "throughputs": row.get("n")}[table]
    cell.samples += 1 if n is None else int(n)
    if row["time_source"] in ("content", "filename") and row["measured_at"]:
        cell.last = max(cell.last or "", row["measured_at"])
    cell.series.add(row["series_id"])
    cell.paths.add(path)


def base_model(model: str, quantization: str | None) -> str:
    """The model without its quantization: `llama3.1:8b-instruct-q4_0` and `...-q8_0` are rows of one grid."""
    if not quantization:
        return model
    short = re.sub(rf"[-_:.@]{re.escape(quantization)}(?=$|[-_:.@])", "", model, count=1, flags=re.IGNORECASE)
    return short or model


def _context(config: dict[str, Any]) -> str | None:
    for name in CONTEXTS:
        if config.get(name) is not None:
            return str(config[name])
    tokens = [config[name] for name in _TOKENS if isinstance(config.get(name), int)]
    return str(sum(tokens)) if tokens else None


def _state(cell: Cell, newest: str | None) -> State:
    if cell.last and newest:
        age = dt.datetime.fromisoformat(newest) - dt.datetime.fromisoformat(cell.last)
        if age > dt.timedelta(days=STALE_DAYS):
            return State.STALE
    return State.THIN if cell.samples < THIN else State.MEASURED


def _holes(found: dict[Key, Cell]) -> Iterator[Key]:
    grids: dict[str, list[Key]] = defaultdict(list)
    for key in found:
        grids[key[0]].append(key)
    for model, keys in sorted(grids.items()):
        levels = [sorted({key[place] for key in keys}, key=_level) for place in (1, 2, 3)]
        # where some file does not say, the unknown level is no combination to run
        levels = [[level for level in known if level is not None] or [None] for known in levels]
        size = len(levels[0]) * len(levels[1]) * len(levels[2])
        if 1 < size <= MAX_CELLS:
            for quantization, context, hardware in itertools.product(*levels):
                if (model, quantization, context, hardware) not in found:
                    yield model, quantization, context, hardware


def _but_one(key: Key) -> Iterator[tuple[int, tuple[str | None, ...]]]:
    """The key without each of quantization, context and hardware: cells that share one differ in that thing alone."""
    for place in (1, 2, 3):
        yield place, key[:place] + key[place + 1 :]


def _level(value: str | None) -> tuple[int, float, str]:
    """Numbers by size, then words, unknown last."""
    if value is None:
        return (2, 0.0, "")
    return (0, float(value), "") if re.fullmatch(r"\d+(\.\d+)?", value) else (1, 0.0, value)


def _order(key: Key) -> tuple[str, tuple[tuple[int, float, str], ...], str]:
    return (key[0], tuple(_level(value) for value in key[1:]), str(key))
