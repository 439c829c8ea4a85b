"""What may be answered: the questions of one call and the JSON schema made from them.

Two shapes. `slots`: one key for each decision, with disjoint sets of ids, so that whatever the grammar lets
through is valid; made for tiny models. `picks`: a list of {id, role} for models that can be trusted with one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chimera_pipeline.analysis.menu import Item, Menu, estimate_tokens, ranked

NONE = "none"
WORD_KEY = "word"
ROLES = ("headline", "support", "caveat")
_WORDS = (
    *("basket", "bridge", "button", "candle", "carpet", "forest", "garden", "hammer", "island", "ladder"),
    *("marble", "orange", "pencil", "pepper", "pillow", "river", "rocket", "saddle", "silver", "table"),
    *("tunnel", "violin", "walnut", "window"),
)
TIE = 0.9
"""Statements whose weight is at least this share of the best of their group are ties."""
MOST_TIED = 4


@dataclass(frozen=True, slots=True)
class Question:
    """One decision of the slots shape: the key, the role that the choice gets, and the ids to choose from."""

    key: str
    role: str
    ids: tuple[str, ...]
    optional: bool = True

    @property
    def answers(self) -> tuple[str, ...]:
        """Everything that may be answered."""
        return (*self.ids, NONE) if self.optional else self.ids


@dataclass(frozen=True, slots=True)
class Action:
    """A pair made by code: a recommendation and the offered statement that it follows from, if one is."""

    id: str
    recommendation_id: str
    text: str
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of each role an answer may hold."""

    supports: int = 5
    caveats: int = 2
    actions: int = 2


def words(seed: int, attempt: int) -> tuple[str, tuple[str, ...]]:
    """The word that must come back, and the set it is asked from (five, sorted)."""
    draw = random.Random(f"{seed}/{attempt}")
    choices = tuple(sorted(draw.sample(_WORDS, 5)))
    return draw.choice(choices), choices


def questions(menu: Menu, actions: Sequence[Action], limits: Limits, *, ties_only: bool) -> tuple[Question, ...]:
    """The decisions, with disjoint ids.

    With `ties_only` each is among at most four that code ranks (nearly) equal; a single id is settled.
    """
    rank = {item.id: place for place, item in enumerate(ranked([item.statement for item in menu.items]))}
    place = {item.id: rank[item.statement.id] for item in menu.items}
    best_first = sorted(menu.items, key=lambda item: place[item.id])
    findings = [item for item in best_first if not item.caveat]
    caveats = [item for item in best_first if item.caveat]
    asked: list[tuple[str, str, list[Item]]] = []
    if findings:
        heads = _ties(findings) if ties_only else findings[:5]
        asked.append(("headline", "headline", heads))
        for index, group in enumerate(_groups([i for i in findings if i not in heads], limits.supports), 1):
            asked.append((f"s{index}", "support", group))
    for index, group in enumerate(_groups(caveats, limits.caveats), 1):
        asked.append((f"c{index}", "caveat", group))
    out = []
    for key, role, group in asked:
        kept = _ties(group) if ties_only else group
        optional = not ties_only and role != "headline"
        out.append(Question(key, role, tuple(sorted((i.id for i in kept), key=_number)), optional))
    for index in range(0 if ties_only else min(limits.actions, len(actions))):
        ids = tuple(action.id for action in actions[index :: limits.actions])
        out.append(Question(f"a{index + 1}", "action", ids))
    return tuple(out)


def _number(short_id: str) -> int:
    return int(short_id[1:])


def _ties(group: list[Item]) -> list[Item]:
    best = max(item.statement.weight for item in group)
    return [item for item in group if item.statement.weight >= TIE * best][:MOST_TIED]


def _groups(items: list[Item], most: int) -> list[list[Item]]:
    """At most `most` disjoint groups, one a kind of statement where kinds suffice, else dealt in turn."""
    if not items or most < 1:
        return []
    by_kind: dict[str, list[Item]] = {}
    for item in items:
        by_kind.setdefault(item.statement.kind, []).append(item)
    groups = list(by_kind.values())
    while len(groups) > most:
        groups[-2].extend(groups.pop())
    while len(groups) < min(most, len(items)):
        largest = max(groups, key=len)
        groups.remove(largest)
        groups.extend([largest[0::2], largest[1::2]])
    return sorted(groups, key=lambda group: items.index(group[0]))


def object_of(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with exactly these keys, all of them, in this order."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def slots_schema(asked: Sequence[Question], word_choices: Sequence[str]) -> dict[str, Any]:
    """The schema of the slots shape."""
    properties: dict[str, Any] = {WORD_KEY: {"type": "string", "enum": list(word_choices)}}
    properties |= {item.key: {"type": "string", "enum": list(item.answers)} for item in asked}
    return object_of(properties)


def picks_schema(menu: Menu, actions: Sequence[Action], limits: Limits, word_choices: Sequence[str]) -> dict[str, Any]:
    """The schema of the picks shape."""
    pick = object_of(
        {
            "id": {"type": "string", "enum": [item.id for item in menu.items]},
            "role": {"type": "string", "enum": list(ROLES)},
        }
    )
    most = min(1 + limits.supports + limits.caveats, len(menu.items))
    properties: dict[str, Any] = {
        WORD_KEY: {"type": "string", "enum": list(word_choices)},
        "findings": {"type": "array", "items": pick, "minItems": 1, "maxItems": most},
    }
    if actions:
        ids = {"type": "string", "enum": [action.id for action in actions]}
        properties["actions"] = {
            "type": "array",
            "items": ids,
            "minItems": 0,
            "maxItems": min(limits.actions, len(actions)),
        }
    return object_of(properties)


def worst_tokens(schema: dict[str, Any]) -> int:
    """A pessimistic size of the longest answer that `schema` allows, optional white space included."""
    return 3 * _longest(schema) // 2 + 16


def _longest(schema: dict[str, Any]) -> int:
    if "enum" in schema:
        return max(estimate_tokens(str(value)) for value in schema["enum"]) + 2
    if schema["type"] == "object":
        keys = schema["properties"].items()
        return 2 + sum(estimate_tokens(key) + 5 + _longest(value) for key, value in keys)
    if schema["type"] == "array":
        return 2 + int(schema["maxItems"]) * (_longest(schema["items"]) + 2)
    return int(schema["maxLength"]) // 2 + 2
