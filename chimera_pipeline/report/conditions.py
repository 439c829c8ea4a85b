"""Conditions as lists of words: what rows share is said once, what tells them apart stays with the row."""

from __future__ import annotations

import re
from collections.abc import Iterable

_COMMA = re.compile(r", (?![^(]*\))")
PHASES = ("cold", "warm", "phase unknown")


def parts(condition: str) -> list[str]:
    """The parts of a condition; commas inside parentheses do not part it."""
    return [part for part in _COMMA.split(condition) if part]


def options(condition: str) -> tuple[str, ...]:
    """The names of the options that a condition states."""
    return tuple(part.partition("=")[0] for part in parts(condition) if "=" in part)


def shared(conditions: Iterable[str]) -> list[str]:
    """Parts that every one of several conditions has, in the order of the first."""
    found = [parts(condition) for condition in conditions]
    if len(found) < 2:
        return []
    everywhere = set(found[0]).intersection(*map(set, found[1:]))
    return [part for part in found[0] if part in everywhere and part not in PHASES]


def without(condition: str, common: Iterable[str]) -> str:
    """A condition without the parts that are said elsewhere."""
    said = set(common)
    return ", ".join(part for part in parts(condition) if part not in said)


def phase(condition: str) -> tuple[str, str]:
    """(phase, the rest) of a condition; phase is empty where the condition names none."""
    found = parts(condition)
    if found and found[0] in PHASES:
        return found[0].removeprefix("phase "), ", ".join(found[1:])
    return "", condition


def against(entity: str, condition: str, baseline: str) -> tuple[str, str, str]:
    """(`this against that`, in which condition the two differ, what they share) of a comparison."""
    name, _, rest = baseline.partition(" (")
    theirs = parts(rest.removesuffix(")")) if rest.endswith(")") else []
    mine = parts(condition)
    if not theirs:
        return f"{entity} against {baseline}", "", condition
    common = [part for part in mine if part in theirs]
    own, other = (", ".join(part for part in one if part not in common) for one in (mine, theirs))
    differ = f"{own or 'without'} against {other or 'without'}" if own or other else ""
    if name == entity:
        return f"{entity}: {differ}", "", ", ".join(common)
    return f"{entity} against {name}", differ, ", ".join(common)


def once(text: str, condition: str, baseline: str | None) -> str:
    """A comparison's text without the parts of its baseline's condition that it says already."""
    name, _, rest = (baseline or "").partition(" (")
    if not rest.endswith(")"):
        return text
    own = parts(condition)
    different = ", ".join(part for part in parts(rest.removesuffix(")")) if part not in own)
    return text.replace(str(baseline), f"{name} ({different})" if different else name)


def brief(text: str, said: Iterable[str]) -> str:
    """A text without the parenthesised conditions that stand elsewhere beside it."""
    for condition in sorted(set(said), key=len, reverse=True):
        text = text.replace(f" ({condition})", "") if condition else text
    return text
