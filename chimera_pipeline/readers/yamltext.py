"""YAML as data, in one pass over the parser's events: no tag is obeyed, no key repeats, nothing grows.

Plain scalars become null, true/false, numbers or text (dates stay text); `.inf` and `.nan` become None.
Depth, nodes and what aliases expand to are held to the limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.settings import Limits

_INT = re.compile(r"[-+]?\d{1,18}\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d{1,3})?\Z", re.ASCII)
_NONFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z", re.ASCII)
_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_MISSING = object()


def parse(text: str, limits: Limits) -> tuple[Any, bool]:
    """(value, whether it held .inf or .nan); several documents become a list of them.

    A plain value at the very end of a text without final line break may be cut off: it is None. Raises
    ArtifactError: bad_yaml, duplicate_key, too_deep, too_many_nodes.
    """
    import yaml

    build = _Build(limits)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            build.take(event, type(event).__name__)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        problem = getattr(error, "problem", None) or "not YAML"
        raise ArtifactError(Reason.BAD_YAML, f"line {line}: {problem}", locator=f"line {line}") from None
    except RecursionError:
        raise ArtifactError(Reason.TOO_DEEP, "nested too deep to be parsed") from None
    return build.result(cut=text[-1:] not in ("\n", "]", "}")), build.nonfinite


@dataclass(slots=True)
class _Open:
    """A collection that is not finished: `key` is the key whose value comes next."""

    value: Any
    anchor: str | None
    start: int
    key: Any = _MISSING


@dataclass(slots=True)
class _Build:
    limits: Limits
    nonfinite: bool = False
    documents: list[Any] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    nodes: int = 0
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    place: tuple[Any, Any] | None = None
    last: tuple[Any, Any] | None = None

    def take(self, event: Any, kind: str) -> None:
        if kind == "ScalarEvent":
            self._add(self._scalar(event), event, 1, 0)
            self.last = None if event.style else self.place
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            if len(self.stack) >= self.limits.max_depth:
                raise ArtifactError(Reason.TOO_DEEP, f"nested deeper than limits.max_depth ({self.limits.max_depth})")
            self.stack.append(_Open({} if kind[0] == "M" else [], event.anchor, self.nodes))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            done = self.stack.pop()
            event.anchor = done.anchor
            self._add(done.value, event, 1 + self.nodes - done.start, 0)
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind == "DocumentStartEvent":
            self.anchors.clear()

    def result(self, *, cut: bool) -> Any:
        if cut and self.last is not None:
            self.last[0][self.last[1]] = None
        return self.documents[0] if len(self.documents) == 1 else self.documents

    def _add(self, value: Any, event: Any, size: int, alias_size: int) -> None:
        """Put a finished value where it belongs: `size` nodes if anchored, `alias_size` nodes if an alias."""
        self.nodes += alias_size or 1
        if self.nodes > self.limits.max_nodes:
            raise ArtifactError(Reason.TOO_MANY_NODES, f"more than limits.max_nodes ({self.limits.max_nodes}) values")
        if getattr(event, "anchor", None) and not alias_size:
            self.anchors[event.anchor] = (value, size)
        if not self.stack:
            self.documents.append(value)
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
            self.place = (top.value, len(top.value) - 1)
        elif top.key is _MISSING:
            if isinstance(value, dict | list):
                self._refuse(event, Reason.BAD_YAML, "a key is a collection")
            top.key = value if isinstance(value, str) else str(value)
            if top.key in top.value:
                self._refuse(
                    event, Reason.DUPLICATE_KEY, f"key {redact.value(top.key)[:60]!r} appears twice in one mapping"
                )
        else:
            top.value[top.key] = value
            self.place = (top.value, top.key)
            top.key = _MISSING

    def _alias(self, event: Any) -> None:
        found = self.anchors.get(event.anchor)
        if found is None:
            self._refuse(event, Reason.BAD_YAML, f"alias {redact.value(event.anchor)[:60]!r} names nothing before it")
        else:
            value, size = found
            if isinstance(value, dict | list) and len(self.stack) + _depth(value) > self.limits.max_depth:
                self._refuse(event, Reason.TOO_DEEP, f"nested deeper than limits.max_depth ({self.limits.max_depth})")
            self._add(value, event, size, size)

    def _refuse(self, event: Any, reason: Reason, detail: str) -> None:
        line = event.start_mark.line + 1
        raise ArtifactError(reason, f"line {line}: {detail}", locator=f"line {line}")

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style or (event.tag and event.tag != "!"):
            return text if event.style or event.tag.endswith(":str") else self._plain(text)
        return self._plain(text)

    def _plain(self, text: str) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            value = float(text)
            if value not in (float("inf"), float("-inf")):
                return value
            self.nonfinite = True
            return None
        if _NONFINITE.match(text):
            self.nonfinite = True
            return None
        return text


def _depth(value: Any) -> int:
    """How deep `value` nests, breadth first and without recursion."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
    return depth
