"""YAML that knows its lines: a node with its file, line and dotted key, asked for exactly what it must be.

In: the text of a file that a person wrote. Out: plain values, or a ContractError naming file, line and
key, with the nearest known word. No anchors, no repeated keys, no unknown keys. What the keys mean is not
known here.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from chimera_pipeline.errors import ContractError

MAX_BYTES = 256 * 1024
_DIRECT = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One node of a YAML file."""

    file: str
    key: str
    node: yaml.Node

    @property
    def line(self) -> int:
        """The line on which the value starts."""
        return int(self.node.start_mark.line) + 1

    def refuse(self, said: str) -> NoReturn:
        """Raise ContractError with file, line and key before `said`."""
        raise ContractError(f"{self.file}:{self.line}: {self.key or 'the file'}: {said}")

    def is_mapping(self) -> bool:
        """Whether it is `key: value` pairs."""
        return isinstance(self.node, yaml.MappingNode)

    def mapping(self, known: Collection[str] | None = None, required: Iterable[str] = ()) -> dict[str, Entry]:
        """Its pairs; keys outside `known` and missing `required` keys are refused."""
        if not isinstance(self.node, yaml.MappingNode):
            self.refuse(f"is {self._kind()}, expected `key: value` pairs")
        out: dict[str, Entry] = {}
        for key_node, value_node in self.node.value:
            name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else None
            if name is None:
                self.refuse("a key is a collection, expected a word")
            entry = Entry(self.file, f"{self.key}.{name}" if self.key else name, value_node)
            here = Entry(self.file, entry.key, key_node)
            if name in out:
                here.refuse("stands here twice")
            if known is not None and name not in known:
                here.refuse(f"is not a key here{nearest(name, known)}")
            out[name] = entry
        for name in required:
            if name not in out:
                self.refuse(f"key {name!r} is missing")
        return out

    def items(self) -> list[Entry]:
        """The items of a list; a single value counts as a list of one."""
        if isinstance(self.node, yaml.SequenceNode):
            if not self.node.value:
                self.refuse("is an empty list")
            return [Entry(self.file, f"{self.key}[{i}]", node) for i, node in enumerate(self.node.value)]
        return [self]

    def text(self, choices: Collection[str] | None = None) -> str:
        """A text that is not blank, one of `choices` where those are given."""
        if not isinstance(self.node, yaml.ScalarNode) or not str(self.node.value).strip():
            self.refuse(f"is {self._kind()}, expected a text")
        value = str(self.node.value)
        if choices is not None and value not in choices:
            self.refuse(f"is {value!r}{nearest(value, choices)}")
        return value

    def scalar(self) -> bool | int | float | str | None:
        """A plain value as YAML types it; dates stay text."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.refuse(f"is {self._kind()}, expected one value")
        kind, value = self.node.tag.removeprefix(_DIRECT), str(self.node.value)
        if kind == "null":
            return None
        if kind == "bool":
            return value.lower() in ("true", "yes", "on")
        try:
            if kind == "int":
                return int(value)
            return float(value) if kind == "float" else value
        except ValueError:
            return value

    def _kind(self) -> str:
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.node, yaml.SequenceNode):
            if not self.node.value:
                self.refuse("is an empty list")
            return "a list"
        return repr(self.node.value) if self.node.value else "empty"


def nearest(word: str, known: Collection[str]) -> str:
    """ "; did you mean 'x'?", or the known words where none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; expected one of {', '.join(names)}" if len(names) <= 40 else ""


def parse(file: str, text: str) -> Entry:
    """The root of the YAML `text`. Raises ContractError with file and line."""
    if len(text) > MAX_BYTES:
        raise ContractError(f"{file}:1: {len(text)} characters, at most {MAX_BYTES}")
    loader: Any = yaml.SafeLoader
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                line = getattr(event.start_mark, "line", 0) + 1
                raise ContractError(f"{file}:{line}: anchors (& and *) are not used here")
        node = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ContractError(f"{file}:{line}: not YAML: {said}") from error
    except RecursionError:
        raise ContractError(f"{file}:1: nested too deep") from None
    if node is None:
        raise ContractError(f"{file}:1: is empty")
    return Entry(file, "", node)
