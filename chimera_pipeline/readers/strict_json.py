"""JSON and JSON lines, strictly: what is repeated, broken or beyond the limits is refused with its place.

Two departures from the letter of JSON, because benchmark tools write them: bare NaN and Infinity (and
numbers beyond a double) are taken as missing and said so, and half a surrogate pair in a text becomes
U+FFFD. Linear in the text.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.settings import Limits

MAX_BAD_LINES = 100
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_SPACED_KEY = re.compile(r'"\s+:')
_NUMBER_END = re.compile(r"[.eE+-]{0,3}\Z")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class JsonLines:
    """("line N", object) of each line that holds one, and the places of objects that are broken."""

    found: list[tuple[str, dict[str, Any]]]
    bad: list[tuple[int, str]]
    nonfinite: bool


@dataclass(slots=True)
class _Hooks:
    """What the standard library's parser does where it must differ from its defaults."""

    nonfinite: bool = False
    decoder: json.JSONDecoder = field(init=False)

    def __post_init__(self) -> None:
        self.decoder = json.JSONDecoder(
            object_pairs_hook=_no_repeats,
            parse_constant=self.missing,
            parse_float=self.real,
            parse_int=self.whole,
        )

    def missing(self, _: str) -> None:
        """Bare NaN, Infinity and -Infinity."""
        self.nonfinite = True

    def real(self, text: str) -> Any:
        """A double; None beyond its range."""
        value = float(text)
        if math.isinf(value):
            self.nonfinite = True
            return None
        return value

    def whole(self, text: str) -> Any:
        """Whole numbers beyond 64 bits are doubles, as in the fast parser."""
        if len(text) <= 20:
            value = int(text)
            if -(2**63) <= value < 2**64:
                return value
        return self.real(text)


def loads(text: str, limits: Limits) -> tuple[Any, bool]:
    """The value that `text` holds, and whether it held a bare NaN or Infinity (taken as None).

    Raises ArtifactError: bad_json, truncated, duplicate_key, too_deep, too_many_nodes.
    """
    if text.lstrip()[:1] not in ("{", "["):
        raise ArtifactError(Reason.BAD_JSON, "does not start with { or [")
    text = _without_lone_surrogates(text)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "recursion" in str(error).lower():
            raise _too_deep(limits) from None
        value, nonfinite = _standard(text, limits)
        _measure(value, limits)
        return value, nonfinite
    keys = _measure(value, limits)
    if text.count(":") != keys and _keys_written(text) != keys:  # more colons than keys: in texts, or keys repeat
        return _standard(text, limits)
    return value, False


def lines(text: str, limits: Limits) -> JsonLines:
    """Every object on a line of its own, or written over several lines that begin with a lone `{`.

    Lines that do not begin with `{` are left out. Raises ArtifactError: bad_json where there is no object,
    duplicate_key, too_deep, too_many_nodes, too_many_rows, line_too_long.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    bad: list[tuple[int, str]] = []
    nonfinite = False
    text = _without_lone_surrogates(text)
    at, number = 0, 1
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip()
        if number > limits.max_rows:
            raise ArtifactError(Reason.TOO_MANY_ROWS, f"more than limits.max_rows ({limits.max_rows}) lines")
        if len(line) > limits.max_line_bytes * 8:
            raise ArtifactError(
                Reason.LINE_TOO_LONG, f"line {number} has {len(line)} characters", locator=f"line {number}"
            )
        if line in ("{", "["):
            value, missing, end = _block(text, text.index(line, at), limits)
        else:
            value, missing = _line(line, limits, number) if line.startswith("{") else (None, False)
        if isinstance(value, dict):
            found.append((f"line {number}", value))
            nonfinite = nonfinite or missing
        elif line.startswith("{") and len(bad) < MAX_BAD_LINES:
            bad.append((number, f"line {number}: begins an object that is broken or cut off"))
        number += text.count("\n", at, end) + 1
        at = end + 1
    if not found:
        raise ArtifactError(Reason.BAD_JSON, "no line holds a JSON object")
    return JsonLines(found, bad, nonfinite)


def _line(line: str, limits: Limits, number: int) -> tuple[Any, bool]:
    """The value on one line; (None, False) where it is none."""
    try:
        return loads(line, limits)
    except ArtifactError as refused:
        if refused.reason in (Reason.BAD_JSON, Reason.TRUNCATED):
            return None, False
        raise ArtifactError(refused.reason, f"line {number}: {refused.detail}", locator=f"line {number}") from None


def _block(text: str, start: int, limits: Limits) -> tuple[Any, bool, int]:
    """The value written over several lines from `start`, and the end of its last line.

    Where it is broken, the end of the line on which it broke: what lies inside a broken value is no record.
    """
    hooks = _Hooks()
    value, end = _value_at(hooks, text, start, limits)
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop
    if value is not None and text[end:stop].strip():
        value = None
    return value, hooks.nonfinite, stop


def _value_at(hooks: _Hooks, text: str, start: int, limits: Limits) -> tuple[Any, int]:
    """The value at `start` and its end; (None, where it broke) where there is none.

    Looks through a window that grows while the value goes on: an error of the standard library's parser costs
    the time to count the lines before it.
    """
    window = 1024
    while True:
        seen = text[start : start + window]
        try:
            value, end = hooks.decoder.raw_decode(seen)
            _measure(value, limits)
            return value, start + end
        except json.JSONDecodeError as error:
            at_end = error.pos >= len(seen) - 32 or error.msg.startswith("Unterminated")
            if not at_end or start + window >= len(text):
                return None, start + error.pos
        except RecursionError:
            raise _too_deep(limits) from None
        window *= 4


def _standard(text: str, limits: Limits) -> tuple[Any, bool]:
    """Parse with the standard library: finds repeated keys, takes bare NaN and Infinity as missing."""
    hooks = _Hooks()
    body = text.rstrip()
    try:
        return hooks.decoder.decode(body), hooks.nonfinite
    except json.JSONDecodeError as error:
        cut = _is_cut(body, error)
        reason, said = (
            (
                Reason.TRUNCATED,
                f"ends in the middle (line {error.lineno}); the writer crashed or still writes",
            )
            if cut
            else (Reason.BAD_JSON, f"line {error.lineno}: {error.msg.lower()}")
        )
        raise ArtifactError(reason, said, locator=f"line {error.lineno}") from None
    except RecursionError:
        raise _too_deep(limits) from None


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the text ends too early rather than being wrong before its end."""
    if error.msg.startswith("Extra data"):
        return False
    rest = text[error.pos : error.pos + 12]
    if error.msg.startswith("Unterminated") or error.pos >= len(text) - 1:
        return True
    if error.pos + len(rest) < len(text):
        return False
    if error.msg.startswith("Invalid \\u"):
        return len(rest) < 6
    return bool(_NUMBER_END.match(rest)) or any(literal.startswith(rest) for literal in _LITERALS)


def _keys_written(text: str) -> int:
    """How many keys the text can hold: a quote, then a colon. Texts inside values only make it more."""
    return text.count('":') + len(_SPACED_KEY.findall(text))


def _without_lone_surrogates(text: str) -> str:
    """The text with every escaped half of a surrogate pair replaced, at the same length."""
    if "\\" not in text or ("\\ud" not in text and "\\uD" not in text):
        return text
    return _ESCAPE.sub(lambda match: "\\ufffd" if match.group(1) else match.group(), text)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ArtifactError(Reason.DUPLICATE_KEY, f"key {redact.value(key)[:60]!r} appears twice in one object")
            seen.add(key)
    return out


def _too_deep(limits: Limits) -> ArtifactError:
    return ArtifactError(Reason.TOO_DEEP, f"nested deeper than limits.max_depth ({limits.max_depth})")


def _measure(value: Any, limits: Limits) -> int:
    """Count keys while holding depth and nodes to the limits, one level of nesting after the other."""
    keys = nodes = depth = 0
    level = [value] if isinstance(value, dict | list) else []
    while level:
        depth += 1
        if depth > limits.max_depth:
            raise _too_deep(limits)
        objects = [node for node in level if type(node) is dict]
        keys += sum(map(len, objects))
        nodes += sum(map(len, level))
        if nodes > limits.max_nodes:
            raise ArtifactError(Reason.TOO_MANY_NODES, f"more than limits.max_nodes ({limits.max_nodes}) values")
        below = [child for node in objects for child in node.values() if type(child) is dict or type(child) is list]
        if len(objects) < len(level):
            lists = (node for node in level if type(node) is list)
            below += [child for node in lists for child in node if type(child) is dict or type(child) is list]
        level = below
    return keys
