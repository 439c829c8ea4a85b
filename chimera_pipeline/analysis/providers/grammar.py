"""A JSON schema as a GBNF grammar without optional white space: fewer tokens, the same answers.

Knows what this package's own schemas use: objects with fixed keys in order, enums, bounded arrays and bounded
strings. Anything else is an error, never a laxer grammar.
"""

from __future__ import annotations

import json
from typing import Any

from chimera_pipeline.errors import ContractError


def gbnf(schema: dict[str, Any]) -> str:
    """The grammar of exactly the compact JSON texts that `schema` allows. Raises ContractError."""
    rules: dict[str, str] = {}
    rules["root"] = _rule(schema, "r", rules)
    return "\n".join(f"{name} ::= {body}" for name, body in rules.items())


def _rule(schema: dict[str, Any], path: str, rules: dict[str, str]) -> str:
    if "enum" in schema:
        return "(" + " | ".join(_literal(json.dumps(value)) for value in schema["enum"]) + ")"
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, path, rules)
    if kind == "array":
        return _array(schema, path, rules)
    if kind == "string":
        least, most = schema.get("minLength", 0), schema["maxLength"]
        rules.setdefault("char", r'[^"\\\x00-\x1F\x7F]')
        return f'"\\"" char{{{least},{most}}} "\\""'
    raise ContractError(f"no grammar for schema at {path}: {sorted(schema)}")


def _object(schema: dict[str, Any], path: str, rules: dict[str, str]) -> str:
    properties = schema["properties"]
    if list(properties) != list(schema.get("required", ())):
        raise ContractError(f"no grammar for optional keys at {path}")
    parts = []
    for index, (key, value) in enumerate(properties.items()):
        name = f"{path}-{index}"
        rules[name] = _rule(value, name, rules)
        start = "{" if index == 0 else ","
        parts.append(f"{_literal(start + json.dumps(key) + ':')} {name}")
    return " ".join([*parts, '"}"'])


def _array(schema: dict[str, Any], path: str, rules: dict[str, str]) -> str:
    least, most = schema.get("minItems", 0), schema["maxItems"]
    name = f"{path}-i"
    rules[name] = _rule(schema["items"], name, rules)
    if most == 0:
        return '"[]"'
    rest = f'("," {name}){{{max(least - 1, 0)},{most - 1}}}'
    body = f'"[" {name} {rest} "]"'
    return body if least > 0 else f'("[]" | {body})'


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
