"""Mode prose: sentences around statements. The model writes `{S3}` and connecting words; code fills in what S3 says.

Outside slots only a closed list of words that assert nothing is let through, and labels and names that all cited
statements share. There is no verb among them, no comparative, no negation and no number, so that a sentence
cannot say more than the statements in it. Anything else drops the sentence, and is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chimera_pipeline.analysis import verify
from chimera_pipeline.analysis.calls import Caller
from chimera_pipeline.analysis.menu import Aliases, Item
from chimera_pipeline.analysis.model import Attempt, Sentence
from chimera_pipeline.analysis.prompt import CONTROL_HINT, MARGIN_TOKENS, control, size
from chimera_pipeline.analysis.providers.protocol import Message, Schema
from chimera_pipeline.analysis.schema import WORD_KEY, object_of, words, worst_tokens
from chimera_pipeline.analysis.verify import Violation
from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.records import Fact, Slot, Statement

SENTENCES = 8
LETTERS = 200
TRIES = 2
_CONNECTING = """
a about acting addition also an and answer as at before beside besides by caveat context decision deployment detail
finally first for further
headline here important in keep key last limit limits mind most next note of on one overall point points question
read reading regarding second start summary that the third this time to together too turning with
"""
CONNECTIVES = frozenset(_CONNECTING.split())
"""Words of contrast (while, whereas, but) are not among them: set between two statements they would compare what no
test has compared."""
_SLOT = re.compile(r"\{(S\d{1,3})\}")
_GLUED = re.compile(r"[^\s]\{S\d{1,3}\}|\{S\d{1,3}\}[^\s,;:.]")
_TOKEN = re.compile(r"[A-Za-z]+(?:[-'’][A-Za-z]+)*|\d[\d.,]*|\S")
_MARKS = frozenset(",;:.")
_ALIAS = re.compile(r"\b[EX]\d{1,4}\b")


class Dropped(StrEnum):
    """Why a sentence was not published."""

    BAD_SHAPE = "bad_shape"
    NO_SLOT = "no_slot"
    UNKNOWN_SLOT = "unknown_slot"
    UNCITED = "uncited"
    REPEATED = "repeated"
    NUMBER = "number"
    FOREIGN_WORD = "foreign_word"
    FOREIGN_MARK = "foreign_mark"
    FOREIGN_NAME = "foreign_name"
    GLUED = "glued"


@dataclass(slots=True)
class Prose:
    """The sentences that passed, what was dropped by code, and tries."""

    sentences: list[Sentence] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    attempts: list[Attempt] = field(default_factory=list)


def write(
    caller: Caller,
    items: Sequence[Item],
    facts: Mapping[str, Fact],
    aliases: Aliases,
    *,
    persona: str,
    seed: int,
) -> Prose:
    """Sentences that tell `items`. Raises ModelError."""
    out = Prose()
    for number in range(1, TRIES + 1):
        word, choices = words(seed, 20 + number)
        schema = sentences_schema(items, choices)
        messages = _messages(items, word, persona)
        predict = worst_tokens(schema)
        if size(messages) + predict + MARGIN_TOKENS > caller.profile.num_ctx:
            return out
        options = caller.profile.options(predict, seed=seed + number)
        reply = caller.ask(messages, schema, options)
        wrong = verify.refused(reply, options, size(messages))
        value = wrong[0] if wrong else verify.parsed(reply.text, ["sentences"], word)
        entries = value if isinstance(value, Violation) else value["sentences"]
        if isinstance(entries, Violation) or not isinstance(entries, list) or len(entries) > SENTENCES:
            code = entries if isinstance(entries, Violation) else Violation.BAD_VALUE
            out.attempts.append(Attempt("prose", number, len(items), (str(code),)))
            continue
        out.attempts.append(Attempt("prose", number, len(items)))
        gate = Gate({item.id: item for item in items}, facts, aliases)
        for entry in entries:
            result = gate.check(entry)
            if isinstance(result, Dropped):
                out.dropped[str(result)] += 1
            else:
                out.sentences.append(result)
        return out
    return out


def sentences_schema(items: Sequence[Item], word_choices: Sequence[str]) -> Schema:
    """The grammar of an answer: sentences with the ids that they cite."""
    cites = {
        "type": "array",
        "items": {"type": "string", "enum": [item.id for item in items]},
        "minItems": 1,
        "maxItems": 3,
    }
    text = {"type": "string", "minLength": 4, "maxLength": LETTERS}
    sentence = object_of({"text": text, "cites": cites})
    listed = {"type": "array", "items": sentence, "minItems": 1, "maxItems": min(SENTENCES, len(items))}
    return object_of({WORD_KEY: {"type": "string", "enum": list(word_choices)}, "sentences": listed})


def _messages(items: Sequence[Item], word: str, persona: str) -> list[Message]:
    lines = ["True statements:", *(f"{item.id}: {item.text}" for item in items)]
    lines += [
        "Write sentences that tell them in the order that serves a reader. {S3} stands for the whole of S3.",
        "Example: Before acting on this, note that {S3}; in addition, {S5}.",
        f"Beside slots use only these words: {' '.join(sorted(CONNECTIVES))}; metric names; E1, E2 as cited.",
        "Answer with one JSON object.",
        CONTROL_HINT,
        '"sentences": each with its "text" and, in "cites", the ids of its slots.',
    ]
    return [Message("system", f"{control(word)}\n{persona}"), Message("user", "\n".join(lines))]


@dataclass(slots=True)
class Gate:
    """Lets a sentence through when the statements in its slots prove all that it says."""

    items: Mapping[str, Item]
    facts: Mapping[str, Fact]
    aliases: Aliases
    told: set[str] = field(default_factory=set)

    def check(self, entry: Any) -> Sentence | Dropped:
        """The sentence as it may be published, or why not."""
        if not isinstance(entry, dict) or set(entry) != {"text", "cites"}:
            return Dropped.BAD_SHAPE
        text, cites = entry["text"], entry["cites"]
        if not isinstance(text, str) or not isinstance(cites, list) or len(text) > LETTERS:
            return Dropped.BAD_SHAPE
        slots = _SLOT.findall(text)
        if not slots:
            return Dropped.NO_SLOT
        if any(name not in self.items for name in slots):
            return Dropped.UNKNOWN_SLOT
        if set(cites) != set(slots) if all(isinstance(name, str) for name in cites) else True:
            return Dropped.UNCITED
        if len(set(slots)) < len(slots) or self.told & set(slots):
            return Dropped.REPEATED
        cited = [self.items[name].statement for name in slots]
        if _GLUED.search(text):
            return Dropped.GLUED
        problem = self._words(_SLOT.sub(" ", text), cited)
        if problem is not None:
            return problem
        self.told |= set(slots)
        return self._sentence(text.strip(), cited)

    def _words(self, outside: str, cited: Sequence[Statement]) -> Dropped | None:
        shared = [self._about(item) for item in cited]
        names = set.intersection(*(names for names, _ in shared))
        labels = set.intersection(*(labels for _, labels in shared))
        if not set(_ALIAS.findall(outside)) <= names:
            return Dropped.FOREIGN_NAME
        for token in _TOKEN.findall(_ALIAS.sub(" ", outside)):
            if token[0].isdigit():
                return Dropped.NUMBER
            if token[0].isalpha() and token.isascii():
                if not all(part in CONNECTIVES | labels for part in token.lower().split("-")):
                    return Dropped.FOREIGN_WORD
            elif token not in _MARKS:
                return Dropped.FOREIGN_MARK
        return None

    def _about(self, item: Statement) -> tuple[set[str], set[str]]:
        """Aliases of the entities and words of the metrics that a statement is about."""
        behind = [self.facts[name] for name in item.fact_ids if name in self.facts]
        names = {alias for fact in behind if (alias := self.aliases.alias(fact.entity)) is not None}
        known = [vocabulary.metrics().get(fact.metric) for fact in behind]
        labels = " ".join(metric.label for metric in known if metric is not None)
        return names, set(re.findall(r"[a-z]+", labels.lower()))

    def _sentence(self, text: str, cited: Sequence[Statement]) -> Sentence:
        pieces = _SLOT.split(text)
        parts: list[str | Slot] = []
        for index, piece in enumerate(pieces):
            if index % 2 == 0:
                parts.append(self.aliases.restore(piece))
                continue
            opening = not "".join(part if isinstance(part, str) else part.text for part in parts).strip()
            parts += clause(self.items[piece].statement, opening=opening)
        if isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip(" .;,:")
        if isinstance(parts[0], str) and parts[0]:
            parts[0] = parts[0][:1].upper() + parts[0][1:]
        parts = [part for part in (*parts, ".") if part != ""]
        ids = tuple(item.id for item in cited)
        facts = tuple(dict.fromkeys(name for item in cited for name in item.fact_ids))
        return Sentence(tuple(parts), ids, facts)


def clause(statement: Statement, *, opening: bool) -> list[str | Slot]:
    """A statement as a clause: no full stop, and small at its start unless it opens the sentence."""
    parts = list(statement.parts)
    first, last = parts[0], parts[-1]
    if isinstance(last, str):
        parts[-1] = last.rstrip().removesuffix(".")
    if not opening and isinstance(first, str) and re.match(r"[A-Z][a-z]* ", first):
        parts[0] = first[:1].lower() + first[1:]
    return parts
