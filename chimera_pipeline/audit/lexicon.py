"""The lexicon of one audit: which phrase names which entity, metric, statistic or condition.

Built from the vocabulary, the facts themselves and the aliases of entities. Answers only "what does this phrase mean
here"; which fact a claim is about is decided in `linking`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chimera_pipeline.audit import masking, measures, words
from chimera_pipeline.audit.facts_view import FactView, metric_phrases
from chimera_pipeline.audit.phrases import Part, PhraseTable, parts
from chimera_pipeline.contracts import vocabulary


@dataclass(frozen=True, slots=True)
class EntityRef:
    """An entity that a text names: `names` are the facts' entities it may be; none where no fact knows it."""

    text: str
    names: tuple[str, ...]

    @property
    def known(self) -> bool:
        """True where exactly one entity is meant."""
        return len(self.names) == 1


@dataclass(frozen=True, slots=True)
class MetricRef:
    """A metric that a text names: the keys it may stand for, first the likeliest."""

    phrase: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase stands for: kind E, M, S or C, with its value."""

    kind: str
    value: EntityRef | MetricRef | str | tuple[str, str]


_SAME = {
    "markdown": ("md",),
    "text": ("txt",),
    "yaml": ("yml",),
    "jsonl": ("ndjson",),
    "duplicate": ("duplicates", "repeat measurements", "repeats measurements", "copies of"),
    "derived": ("summarise rows", "summarises rows", "summarize rows", "summaries of"),
    "quarantined": ("in quarantine",),
    "unrecognised": ("no reader knows", "unrecognized", "unknown format"),
    "document": ("documents", "prose"),
    "with measurements that are used": ("with usable measurements", "are used", "were used"),
}
_MOST_PIECES = 100
"""Words and marks between them; a longer entity is a list of names (a front of many series) and has no short form."""
_ORDER = {"E": 0, "M": 1, "S": 2, "C": 3}
_PLAIN = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "run",
        "runs",
        "test",
        "tests",
        "model",
        "models",
        "base",
        "benchmark",
        "baseline",
        "new",
        "old",
        "small",
        "large",
        "mini",
        "fast",
        "slow",
        "result",
        "results",
        "all",
        "gpu",
        "cpu",
        "cuda",
        "on",
        "off",
        "default",
        "none",
        "true",
        "false",
        "other",
        "first",
        "last",
        "mean",
        "median",
        "total",
        "count",
        "data",
        "file",
        "files",
        "report",
        "main",
    ]
)


class Lexicon:
    """Phrases of one audit."""

    def __init__(
        self,
        facts: Sequence[FactView],
        aliases: Mapping[str, Iterable[str]],
        metrics: Mapping[str, vocabulary.Metric],
    ) -> None:
        self.metrics = metrics
        self.entities = tuple(
            sorted({fact.entity for fact in facts if fact.entity.lower() not in words.GLOBAL_ENTITIES})
        )
        self.exact_entities = {fact.entity.lower(): fact.entity for fact in facts if fact.entity}
        self.exact_conditions = {fact.condition.lower() for fact in facts if fact.condition}
        self.table: PhraseTable[Meaning] = PhraseTable()
        self.exact: PhraseTable[str] = PhraseTable()
        self.by_unit: dict[measures.Dimension, MetricRef] = {}
        self._metrics(facts)
        self._statistics()
        self._conditions(facts)
        self._whole_conditions()
        self._entities(aliases)

    def meaning(self, tokens: list[Part], at: int) -> tuple[int, Meaning] | None:
        """(index after it, meaning) of the longest phrase at `at`."""
        hit = self.table.longest(tokens, at)
        if hit is None:
            return None
        end, found = hit
        return end, min(found, key=lambda meaning: _ORDER[meaning.kind])

    def _metrics(self, facts: Sequence[FactView]) -> None:
        keys: dict[str, list[str]] = defaultdict(list)
        for phrase, names in metric_phrases(self.metrics).items():
            keys[phrase] += names
        for key, stated in dict.fromkeys((fact.key, fact.phrase) for fact in facts):
            spelled = {key.replace("_", " ").lower()} if key not in self.metrics else set()
            for phrase in {stated.lower()} | spelled:
                if key not in keys[phrase] and not measures_only(phrase):
                    keys[phrase].insert(0, key) if key not in self.metrics else keys[phrase].append(key)
        for phrase in words.OTHER_METRICS:
            keys[phrase] = keys[phrase] or [phrase]
        for phrase, names in keys.items():
            if not names:
                continue
            ref = MetricRef(phrase, tuple(names))
            measure = measures.parse(phrase) if measures_only(phrase) else None
            if measure is not None and measure.dimension not in self.by_unit:
                self.by_unit[measure.dimension] = ref
            self.table.add(phrase, Meaning("M", ref))

    def _statistics(self) -> None:
        for name, phrases in words.STATISTICS.items():
            for phrase in phrases:
                self.table.add(phrase, Meaning("S", name))
        for name, phrases in words.PHASES.items():
            for phrase in phrases:
                self.table.add(phrase, Meaning("C", ("phase", name)))

    def _conditions(self, facts: Sequence[FactView]) -> None:
        owners: dict[str, set[str]] = defaultdict(set)
        distinct = {(fact.key == "files", fact.conditions) for fact in facts}
        for key, value in {pair for _, conditions in distinct for pair in conditions}:
            if key != "phase":
                owners[value or key].add(key if value else "")
        for phrase, keys in sorted(owners.items()):
            placed = any(phrase in names for names in words.ALTERNATIVES)
            if len(phrase) < 3 or (phrase in _PLAIN and not placed) or re.fullmatch(r"[\d.,\s-]+", phrase):
                continue
            for word in (phrase, *_SAME.get(phrase, ())):
                if self.table.longest(parts(word), 0) is None:
                    self.table.add(word, Meaning("C", _named_by(phrase, keys)))
        self._alternatives(owners)
        shaped = ((re.fullmatch(r"([a-z]+)\s?\d+", name), keys) for name, keys in sorted(owners.items()))
        self.shapes = {match.group(1): min(keys) for match, keys in shaped if match and len(keys) == 1}
        stated = [(files, pair) for files, conditions in distinct for pair in conditions]
        self.of_files = {pair for files, pair in stated if files} - {pair for files, pair in stated if not files}
        self.condition_keys = frozenset(key for keys in owners.values() for key in keys if key)
        self.options = masking.named_options(key for _, (key, value) in stated if re.fullmatch(r"-?\d[\d.]*", value))

    def _alternatives(self, owners: Mapping[str, set[str]]) -> None:
        """What excludes a condition of the facts is a condition as well ("on Vulkan", where they have CUDA)."""
        for names in words.ALTERNATIVES:
            keys = {key for name in names for key in owners.get(name, ())}
            for name in sorted(names - owners.keys()) if keys else ():
                if self.table.longest(parts(name), 0) is None:
                    self.table.add(name, Meaning("C", _named_by(name, keys)))

    def _whole_conditions(self) -> None:
        """Conditions of several parts, as facts word them ("prompt suite, temperature=0.3")."""
        for text in self.exact_conditions:
            if re.search(r"[,=(]", text):
                self.exact.add(text, text)

    def _entities(self, aliases: Mapping[str, Iterable[str]]) -> None:
        owners: dict[str, set[str]] = defaultdict(set)
        exact: dict[str, str] = {}
        for entity in self.entities:
            exact[_spelled(entity)] = entity
            exact.setdefault(_spelled(f"{entity}".removesuffix(":latest")), entity)
            for alias in (*_aliases(entity), *aliases.get(entity, ())):
                owners[_spelled(alias)].add(entity)
        for alias, names in owners.items():
            if not re.search(r"[^\W\d_]", alias):  # a series "10" is told by its citation; else each 10 would be it
                continue
            own = exact.get(alias)
            meant = (own,) if own else tuple(sorted(names))
            self.table.add(alias, Meaning("E", EntityRef(alias, meant)))


def _named_by(phrase: str, keys: set[str]) -> tuple[str, str]:
    """The condition that a bare name states: of its key, or of any key where several have such a value."""
    key = min(keys)
    return (key, phrase) if len(keys) == 1 and key else (phrase, "")


def measures_only(phrase: str) -> bool:
    """True where `phrase` is nothing but a unit ("tok/s", "tokens per second")."""
    hit = measures.scan(phrase, 0)
    return hit is not None and hit[1] == len(phrase)


def _spelled(text: str) -> str:
    return " ".join(part.text for part in parts(text))


@lru_cache(maxsize=16384)
def _aliases(entity: str) -> tuple[str, ...]:
    """Other spellings of an entity: without its folder, its leading pieces, pieces that carry letters and digits."""
    found = [entity]
    tail = entity.rsplit("/", 1)[-1]
    if tail != entity and len(tail) > 2:
        found.append(tail)
    pieces = re.split(r"([:_\-\s(),]+)", tail)
    if len(pieces) > _MOST_PIECES:
        return tuple(found)
    family = re.match(r"[^\W\d_]{3,}(?=\d)", tail)
    if family and family.group().lower() not in _PLAIN:
        found.append(family.group())
    for end in range(len(pieces) - 2, 0, -2):
        head = "".join(pieces[:end])
        if len(head) > 2 and head.lower() not in _PLAIN and re.search(r"[^\W\d_]", head):
            found.append(head)
    for start in range(2, len(pieces), 2):
        piece = pieces[start]
        rest = "".join(pieces[start:])
        if re.search(r"\d", rest) and re.search(r"[A-Za-z]", rest) and len(rest) > 1:
            found.append(rest)
        if re.search(r"\d", piece) and re.search(r"[A-Za-z]", piece) and len(piece) > 1:
            found.append(piece)
    return tuple(dict.fromkeys(found))
