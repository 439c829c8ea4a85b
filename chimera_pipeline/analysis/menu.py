"""What a model may choose from: typed statements under short ids, as many as its context holds.

Names never travel: entities become E1..En, and any other word that is not plain language, a number or an
allow-listed option becomes X1..Xn. The names are put back when a statement is printed, by code.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chimera_pipeline import redact
from chimera_pipeline.records import Statement

CAVEAT_KINDS = frozenset({"gap", "quality", "cannot_conclude"})
FEWEST = 3
_POOL = 600
_WORD = re.compile(r"[^\s]+")
_EDGES = "()[]{}.,;:!?\"'“”‘’…"
_PLAIN = re.compile(r"[A-Za-z]{1,24}(?:[-'’/][A-Za-z]{1,24}){0,3}\Z")
_NUMBER = re.compile(r"[-+±~≈<>=≤≥×xX]{0,2}\d[\d.,:/eE+-]*(?:%|x|×|s|ms|k|K|M|G|B|GB|MB|GiB|MiB)?\Z")
_SYMBOLS = re.compile(r"[-–—+±×=<>≤≥≈~%/|·→&]{1,3}\Z")
_COUNTS = frozenset({"n", "sd"})
_OPTION = re.compile(r"([a-z_]{1,24})=([-+]?\d[\d.]{0,15}|true|false|default)\Z", re.IGNORECASE)


def estimate_tokens(text: str) -> int:
    """A pessimistic token count: each digit and each mark is a token, three letters are one."""
    marks = sum(1 for char in text if not char.isalpha() and not char.isspace())
    letters = sum(-(-len(run) // 3) for run in re.findall(r"[^\W\d_]+", text))
    return marks + letters + text.count("\n")


@dataclass(slots=True)
class Aliases:
    """Names and what stands for them in a prompt."""

    names: dict[str, str] = field(default_factory=dict)
    _by_name: dict[str, str] = field(default_factory=dict)
    _pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, entities: Iterable[str]) -> Aliases:
        """Aliases E1..En for `entities`, in order of first mention."""
        aliases = cls()
        for entity in entities:
            if entity.strip() and entity not in aliases._by_name:
                aliases._add("E", entity)
        if known := sorted(aliases._by_name, key=len, reverse=True):
            joined = "|".join(re.escape(entity) for entity in known)
            aliases._pattern = re.compile(rf"(?<![A-Za-z0-9_])(?:{joined})(?![A-Za-z0-9_])")
        return aliases

    def mask(self, text: str) -> str:
        """`text` with every name replaced; what remains is plain words, numbers, options and marks."""
        if self._pattern is not None:
            text = self._pattern.sub(lambda match: self._by_name[match.group()], text)
        line = " ".join(redact.printable(text).split())
        return _WORD.sub(lambda match: self._word(match.group()), line)

    def alias(self, name: str) -> str | None:
        """The alias of `name`, if it has one."""
        return self._by_name.get(name)

    def restore(self, text: str) -> str:
        """`text` with the names put back."""
        return re.sub(r"\b[EX]\d{1,4}\b", lambda match: self.names.get(match.group(), match.group()), text)

    def _word(self, word: str) -> str:
        core = word.strip(_EDGES)
        if not core or core in self.names or _harmless(core):
            return word
        start = word.index(core)
        return word[:start] + self._add("X", core) + word[start + len(core) :]

    def _add(self, letter: str, name: str) -> str:
        if name in self._by_name:
            return self._by_name[name]
        alias = f"{letter}{sum(key[0] == letter for key in self.names) + 1}"
        self.names[alias] = name
        self._by_name[name] = alias
        return alias


def _harmless(core: str) -> bool:
    if _PLAIN.match(core) or _NUMBER.match(core) or _SYMBOLS.match(core):
        return True
    option = _OPTION.match(core)
    return core in redact.OPTION_KEYS or (option is not None and option.group(1) in redact.OPTION_KEYS | _COUNTS)


@dataclass(frozen=True, slots=True)
class Item:
    """A statement on the menu: its short id, its masked text and how many tokens its line may take."""

    id: str
    statement: Statement
    text: str
    tokens: int

    @property
    def caveat(self) -> bool:
        """Whether it limits what can be concluded."""
        return self.statement.kind in CAVEAT_KINDS


@dataclass(frozen=True, slots=True)
class Menu:
    """What is offered, in the order it is shown, out of how many."""

    items: tuple[Item, ...]
    total: int
    aliases: Aliases

    def by_id(self) -> dict[str, Item]:
        """Short id -> item."""
        return {item.id: item for item in self.items}

    @property
    def note(self) -> str:
        """How much of what is known was offered."""
        return f"{len(self.items)} of {self.total} statements offered"


def ranked(statements: Sequence[Statement]) -> list[Statement]:
    """Statements by weight less redundancy, best first: code's own ranking. Ties go by id."""
    pool = sorted(statements, key=lambda item: (-item.weight, item.id))
    pool, rest = pool[:_POOL], pool[_POOL:]
    told: dict[str, int] = {}
    out: list[Statement] = []
    while pool:
        best = max(range(len(pool)), key=lambda i: (_worth(pool[i], told), -i))
        taken = pool.pop(best)
        out.append(taken)
        for key in _topics(taken):
            told[key] = told.get(key, 0) + 1
    return out + rest


def _topics(statement: Statement) -> tuple[str, ...]:
    return (f"kind {statement.kind}", *statement.fact_ids)


def _worth(statement: Statement, told: Mapping[str, int]) -> float:
    kind = told.get(f"kind {statement.kind}", 0)
    shared = sum(1 for fact in statement.fact_ids if told.get(fact)) / max(1, len(statement.fact_ids))
    return float(statement.weight * 0.97 ** min(kind, 40) * (1 - 0.4 * shared))


def build(
    statements: Sequence[Statement],
    aliases: Aliases,
    *,
    room_tokens: int,
    limit: int,
    seed: int,
) -> Menu | None:
    """The menu that fits `room_tokens` with at most `limit` lines; None where fewer than three fit.

    Statements that must always be said come first, up to half of the room; the order shown is shuffled by
    `seed`, so that it tells nothing about code's ranking.
    """
    order = ranked(statements)
    lines = {item.id: aliases.mask(item.text) for item in order}
    cost = {item.id: estimate_tokens(lines[item.id]) + 6 for item in order}
    always = _fill([item for item in order if item.always], cost, room_tokens // 2, limit // 2)
    left = room_tokens - sum(cost[item.id] for item in always)
    rest = [item for item in order if item not in always]
    taken = always + _fill(rest, cost, left, limit - len(always))
    if len(taken) < min(FEWEST, len(order)) or not taken:
        return None
    random.Random(seed).shuffle(taken)
    items = tuple(Item(f"S{i}", item, lines[item.id], cost[item.id]) for i, item in enumerate(taken, start=1))
    return Menu(items, len(order), aliases)


def _fill(candidates: list[Statement], cost: Mapping[str, int], room: int, limit: int) -> list[Statement]:
    taken: list[Statement] = []
    for item in candidates:
        if len(taken) >= limit:
            break
        if cost[item.id] <= room:
            taken.append(item)
            room -= cost[item.id]
    return taken
