"""The workload of requests: the prompts of one log, whether the log lies in one file or in parts.

In: entries whose rows are dated. Out: `workload` on each row of a model and configuration whose prompts are known and
that states none. Prompts of two files are one workload only where everything says that the files are parts of one log:
folder, name but for a counter, tool, conditions, time and the lengths of prompts and answers (ADR 0053).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import re
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.metrics.series import canonical_config
from chimera_pipeline.records import Row

if TYPE_CHECKING:
    from chimera_pipeline.metrics.files import Card, Files

PAUSE = dt.timedelta(minutes=10)
"""Parts of a log lie no farther apart than this, or than the rows of one of them."""
LENGTH_RATIO = 1.1
_LENGTHS = ("prompt_tokens", "output_tokens")
_CONDITIONS = ("quantization", "suite", "engine", "hardware")
_COUNTERS = frozenset(
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "first", "second", "third",
     "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "last", "rest", "head", "tail", "left", "right",
     "even", "odd"]
)  # fmt: skip
_Key = tuple[Any, str]
Place = tuple[str, _Key]
"""Path of a file, and a model with its configuration."""
Log = tuple[str, tuple[str, ...], str | None, str]
"""Folder, words of the name, tool and kind of file."""


def join_logs(files: Files, dated: Callable[[Iterable[Card]], Iterator[Entry]]) -> dict[Place, str]:
    """The workloads of requests that may be parts of a log with others; `dated` gives entries with their times."""
    alike: dict[Log, list[Card]] = defaultdict(list)
    for card in files.counting:
        if card.log is not None:
            alike[card.log].append(card)
    shared = [card for cards in alike.values() if len({card.prompts for card in cards}) > 1 for card in cards]
    prompts: dict[Place, frozenset[str]] = {}
    logs: dict[tuple[Any, ...], dict[Place, _Part | None]] = defaultdict(dict)
    for entry in dated(sorted(shared, key=lambda card: card.path)):
        for key, (rows, found) in _requests(entry).items():
            place = (entry.path, key)
            prompts[place] = found
            logs[_log(entry, key, rows)][place] = _Part.of(place, rows, found)
    for places in logs.values():
        if len({prompts[place] for place in places}) > 1:
            prompts.update(_joined([part for part in places.values() if part is not None]))
    return {place: _name(found) for place, found in prompts.items()}


def set_workloads(entry: Entry, known: Mapping[Place, str]) -> None:
    """Set `workload` on every row that states none: how many prompts, and their hash."""
    names = {key: known.get((entry.path, key)) or _name(found) for key, (_, found) in _requests(entry).items()}
    for _, row in entry.all_rows() if names else ():
        if row.get("workload") is None:
            row["workload"] = names.get(_key(row))


def log_of(entry: Entry) -> tuple[Log | None, int]:
    """What files share that may be parts of one log, as far as their names and tool say, and a number for the prompts
    of this one; None where no request names its prompt.
    """
    prompts = {row["prompt_id"] for row in entry.rows.get("llm_requests", ()) if row.get("prompt_id")}
    if not prompts:
        return None, 0
    folder, _, name = entry.path.rpartition("/")
    words = [word for word in re.findall(r"[a-z]+", name.lower()) if len(word) > 1 and word not in _COUNTERS]
    return (folder, tuple(words), entry.reading.tool, entry.reading.kind), hash(frozenset(prompts))


def _key(row: Row) -> _Key:
    return (row.get("model"), canonical_config(row.get("config")))


def _requests(entry: Entry) -> dict[_Key, tuple[list[Row], frozenset[str]]]:
    """The requests of each model and configuration with their prompts; none where no request names its prompt."""
    rows = entry.rows.get("llm_requests", ())
    found: dict[_Key, list[Row]] = defaultdict(list)
    for row in rows if any(row.get("prompt_id") for row in rows) else ():
        found[_key(row)].append(row)
    named = {key: frozenset(row["prompt_id"] for row in some if row.get("prompt_id")) for key, some in found.items()}
    return {key: (found[key], prompts) for key, prompts in named.items() if prompts}


def _name(prompts: frozenset[str]) -> str:
    return f"{len(prompts)}-prompts-{hashlib.sha256('|'.join(sorted(prompts)).encode()).hexdigest()[:6]}"


def _log(entry: Entry, key: _Key, rows: list[Row]) -> tuple[Any, ...]:
    """What files share that may be parts of one log: place, name but for a counter, tool and conditions."""
    conditions = {tuple(row.get(field) for field in _CONDITIONS) for row in rows}
    return (log_of(entry)[0], key, frozenset(conditions))


def _joined(parts: list[_Part]) -> Iterable[tuple[Place, frozenset[str]]]:
    """The prompts of the whole log for each place that is a part of one, the same for any order and names of files."""
    longest = max((part.pause for part in parts), default=PAUSE)
    recent: list[_Part] = []
    done: list[_Part] = []
    for part in sorted(parts, key=lambda part: (part.start, part.end, sorted(part.prompts))):
        fitting: list[_Part] = []
        rest: list[_Part] = []
        for log in recent:
            ended = part.start - log.end > longest
            (fitting if log.continued_by(part) else done if ended else rest).append(log)
        whole, *others = [*fitting, part]
        for other in others:
            whole.take(other)
        recent = [*rest, whole]
    known = [(log.places, frozenset(log.prompts)) for log in (*done, *recent)]
    return [(place, found) for parts_of, found in known for place in parts_of]


class _Part:
    """Requests of one model and configuration in one file, or in several files that are parts of one log."""

    def __init__(self, place: Place, prompts: frozenset[str], rows: list[Row], lengths: dict[str, _Lengths]) -> None:
        times = sorted(dt.datetime.fromisoformat(row["measured_at"]) for row in rows)
        self.places, self.prompts, self.lengths = [place], set(prompts), lengths
        self.start, self.end = times[0], times[-1]
        self.pause = max([PAUSE, *(later - earlier for earlier, later in itertools.pairwise(times))])
        self.naive = any(row["time_naive"] for row in rows)

    @classmethod
    def of(cls, place: Place, rows: list[Row], prompts: frozenset[str]) -> _Part | None:
        """None where a row does not state its time, the length of prompts or answers is not stated, or no model is."""
        lengths = {name: _Lengths(float(row[name]) for row in rows if row.get(name) is not None) for name in _LENGTHS}
        dated = all(row["time_source"] == "content" for row in rows)
        known = all(found.values for found in lengths.values())
        return cls(place, prompts, rows, lengths) if dated and place[1][0] and known else None

    def continued_by(self, later: _Part) -> bool:
        """Whether `later`, which does not start before, is of the same log."""
        near = later.start - self.end <= max(self.pause, later.pause)
        return near and self.naive == later.naive and all(map(self._like, _LENGTHS, itertools.repeat(later)))

    def _like(self, name: str, other: _Part) -> bool:
        """Whether the middle length of one lies among the lengths of the other."""
        mine, theirs = self.lengths[name], other.lengths[name]
        return theirs.about(mine.middle()) or mine.about(theirs.middle())

    def take(self, other: _Part) -> None:
        """Become the log of both."""
        self.places += other.places
        self.prompts |= other.prompts
        self.pause = max(self.pause, other.pause)
        self.start, self.end = min(self.start, other.start), max(self.end, other.end)
        for name, found in other.lengths.items():
            self.lengths[name].take(found)


class _Lengths:
    """How often each length occurs: a log of a year has millions of prompts and few different lengths."""

    def __init__(self, lengths: Iterable[float]) -> None:
        self._counts = Counter(lengths)
        self.values = sorted(self._counts)

    def take(self, other: _Lengths) -> None:
        """Become the lengths of both."""
        for value in other.values:
            if value not in self._counts:
                insort(self.values, value)
        self._counts += other._counts

    def middle(self) -> float:
        """The upper median."""
        rest = self._counts.total() // 2
        for value in self.values:
            rest -= self._counts[value]
            if rest < 0:
                return value
        raise AssertionError("no lengths")

    def about(self, value: float) -> bool:
        """Whether `value` lies among the lengths."""
        return self.values[0] / LENGTH_RATIO <= value <= self.values[-1] * LENGTH_RATIO
