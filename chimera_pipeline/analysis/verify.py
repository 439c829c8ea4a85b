"""Whether an answer may be used. Strict, after the grammar: a server can ignore a schema or cut a prompt.

Violations are codes of a closed set; text of the model is never repeated, neither to the model nor to people.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chimera_pipeline.analysis.menu import Menu
from chimera_pipeline.analysis.providers.protocol import ModelReply, Options
from chimera_pipeline.analysis.schema import NONE, ROLES, WORD_KEY, Action, Limits, Question


class Violation(StrEnum):
    """What is wrong with an answer."""

    NOT_DONE = "not_done"
    CUT_OFF = "cut_off"
    NO_PROMPT_COUNT = "no_prompt_count"
    PROMPT_CUT = "prompt_cut"
    CONTEXT_FULL = "context_full"
    WRONG_WORD = "wrong_word"
    NOT_JSON = "not_json"
    DUPLICATE_KEY = "duplicate_key"
    MISSING_KEY = "missing_key"
    EXTRA_KEY = "extra_key"
    BAD_VALUE = "bad_value"
    UNKNOWN_ID = "unknown_id"
    DUPLICATE_ID = "duplicate_id"
    BAD_ROLE = "bad_role"
    NO_HEADLINE = "no_headline"
    TOO_MANY = "too_many"
    TOO_FEW = "too_few"


MEANING = {
    Violation.NOT_DONE: "the answer has no end mark",
    Violation.CUT_OFF: "the answer was cut off at its longest allowed length",
    Violation.NO_PROMPT_COUNT: "the server did not say how many prompt tokens it read",
    Violation.PROMPT_CUT: "the server read only a part of the prompt",
    Violation.CONTEXT_FULL: "prompt and answer together exceed the context",
    Violation.WRONG_WORD: "the control word at the front of the prompt did not come back",
    Violation.NOT_JSON: "the answer is not the JSON object that was asked for",
    Violation.DUPLICATE_KEY: "the answer has a key twice",
    Violation.MISSING_KEY: "the answer lacks a key",
    Violation.EXTRA_KEY: "the answer has a key that was not asked for",
    Violation.BAD_VALUE: "the answer has a value of a wrong type or size",
    Violation.UNKNOWN_ID: "the answer names something that was not offered",
    Violation.DUPLICATE_ID: "the answer names something twice",
    Violation.BAD_ROLE: "the answer gives a statement a role it cannot have",
    Violation.NO_HEADLINE: "the answer has no headline, or more than one",
    Violation.TOO_MANY: "the answer has too many entries",
    Violation.TOO_FEW: "the answer has too few entries",
}
_NEAR = 4
_FAR_UNDER = 0.35


@dataclass(frozen=True, slots=True)
class Pick:
    """One choice of the model: a short id and the role it gets."""

    id: str
    role: str


class _Refused(Exception):
    def __init__(self, code: Violation) -> None:
        super().__init__(code)
        self.code = code


def refused(reply: ModelReply, options: Options, estimate: int) -> tuple[Violation, ...]:
    """Why the call itself makes the answer unusable; `estimate` is the pessimistic size of the prompt."""
    found = []
    if not reply.done:
        found.append(Violation.NOT_DONE)
    elif reply.done_reason != "stop":
        found.append(Violation.CUT_OFF)
    prompt = reply.prompt_tokens
    if prompt is None:
        found.append(Violation.NO_PROMPT_COUNT)
    else:
        # Ollama cuts the front of a prompt that is too long down to half of the context.
        if abs(prompt - (options.num_ctx // 2 + 2)) <= _NEAR or prompt < _FAR_UNDER * estimate:
            found.append(Violation.PROMPT_CUT)
        if prompt + (reply.output_tokens or 0) > options.num_ctx:
            found.append(Violation.CONTEXT_FULL)
    return tuple(found)


def parsed(text: str, keys: Sequence[str], word: str) -> dict[str, Any] | Violation:
    """The object in `text` with exactly `keys` and the right control word, else what is wrong."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant)
    except _Refused as error:
        return error.code
    except (ValueError, RecursionError):
        return Violation.NOT_JSON
    if not isinstance(value, dict):
        return Violation.NOT_JSON
    if set(value) - {WORD_KEY, *keys}:
        return Violation.EXTRA_KEY
    if {WORD_KEY, *keys} - set(value):
        return Violation.MISSING_KEY
    if value[WORD_KEY] != word:
        return Violation.WRONG_WORD
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise _Refused(Violation.DUPLICATE_KEY)
    return out


def _constant(_: str) -> Any:
    raise _Refused(Violation.NOT_JSON)


def slots(text: str, asked: Sequence[Question], word: str) -> list[Pick] | Violation:
    """The picks of an answer in the slots shape, else what is wrong."""
    value = parsed(text, [item.key for item in asked], word)
    if isinstance(value, Violation):
        return value
    picks: list[Pick] = []
    for item in asked:
        answer = value[item.key]
        if not isinstance(answer, str):
            return Violation.BAD_VALUE
        if answer not in item.answers:
            return Violation.UNKNOWN_ID
        if answer != NONE:
            picks.append(Pick(answer, item.role))
    return picks if _distinct([pick.id for pick in picks]) else Violation.DUPLICATE_ID


def picks(text: str, menu: Menu, actions: Sequence[Action], limits: Limits, word: str) -> list[Pick] | Violation:
    """The picks of an answer in the picks shape, else what is wrong."""
    value = parsed(text, ["findings", "actions"] if actions else ["findings"], word)
    if isinstance(value, Violation):
        return value
    found, chosen = value["findings"], value.get("actions", [])
    if not isinstance(found, list) or not isinstance(chosen, list):
        return Violation.BAD_VALUE
    if len(found) > 1 + limits.supports + limits.caveats or len(chosen) > limits.actions:
        return Violation.TOO_MANY
    if not found:
        return Violation.TOO_FEW
    out: list[Pick] = []
    for entry in found:
        pick = _pick(entry, menu)
        if isinstance(pick, Violation):
            return pick
        out.append(pick)
    if sum(pick.role == "headline" for pick in out) != 1:
        return Violation.NO_HEADLINE
    offered = {action.id for action in actions}
    for short in chosen:
        if not isinstance(short, str) or short not in offered:
            return Violation.UNKNOWN_ID
        out.append(Pick(short, "action"))
    return out if _distinct([pick.id for pick in out]) else Violation.DUPLICATE_ID


def _pick(entry: Any, menu: Menu) -> Pick | Violation:
    if not isinstance(entry, dict):
        return Violation.BAD_VALUE
    if set(entry) != {"id", "role"}:
        return Violation.EXTRA_KEY if set(entry) - {"id", "role"} else Violation.MISSING_KEY
    short, role = entry["id"], entry["role"]
    if not isinstance(short, str) or not isinstance(role, str):
        return Violation.BAD_VALUE
    item = menu.by_id().get(short)
    if item is None:
        return Violation.UNKNOWN_ID
    if role not in ROLES or (role == "headline" and item.caveat) or (role == "caveat") != item.caveat:
        return Violation.BAD_ROLE
    return Pick(short, role)


def _distinct(ids: Sequence[str]) -> bool:
    return len(set(ids)) == len(ids)
