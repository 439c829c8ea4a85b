"""Scripted answers as a capable model would give them: by what the lines of a prompt say, never by their place."""

from __future__ import annotations

import json
import re
from typing import Any

_LINE = re.compile(r"^([SA]\d+): (.*)$", re.MULTILINE)
_LEVEL = re.compile(r"Mean (.+?) of (\S+) \((.*?)\) is ([\d.]+)")
_WORTH = (
    ("regression", 9.0),
    ("for a limit on TTFT", 8.0),
    ("dominates", 7.5),
    ("Model load is", 6.5),
    ("Prompt evaluation is", 6.4),
    ("depends on", 6.2),
    ("Left open", 4.0),
    ("fell by a third", 9.0),
    ("cold", 6.0),
    ("requests failed", 5.0),
    ("Measured mean decode", 5.5),
    ("Mean decode throughput", 3.0),
    ("quarantine", 2.5),
    ("no hardware", 2.0),
    ("no warmup", 2.2),
)


def answer(body: dict[str, Any]) -> str:
    """The answer to one request body of /api/chat."""
    prompt = body["messages"][-1]["content"]
    word = json.loads("{" + body["messages"][0]["content"].splitlines()[0] + "}")["word"]
    lines = dict(_LINE.findall(prompt))
    properties = body["format"]["properties"]
    if "queries" in properties:
        return json.dumps({"word": word, "queries": _queries(prompt, properties)})
    if "sentences" in properties:
        return json.dumps({"word": word, "sentences": _sentences(lines)})
    if "findings" in properties:
        return json.dumps({"word": word, **_picks(lines, properties)})
    out = {"word": word}
    for key, schema in properties.items():
        if key != "word":
            out[key] = max(schema["enum"], key=lambda name: _worth(lines.get(name, "")))
    return json.dumps(out)


def _worth(line: str) -> float:
    return max((worth for phrase, worth in _WORTH if phrase in line), default=0.5 if line else 0.0)


def _limits(line: str) -> bool:
    return bool(re.search(r"telemetry gap|requests failed|quarantine|counted|single sample|no reader", line))


def _picks(lines: dict[str, str], properties: dict[str, Any]) -> dict[str, Any]:
    offered = properties["findings"]["items"]["properties"]["id"]["enum"]
    ranked = sorted((name for name in offered), key=lambda name: (-_worth(lines[name]), name))
    pair = _telling_pair({name: lines[name] for name in offered})
    findings = [*pair, *(name for name in ranked if not _limits(lines[name]) and name not in pair)][:5]
    caveats = [name for name in ranked if _limits(lines[name])][:2]
    picks = [{"id": name, "role": "headline" if i == 0 else "support"} for i, name in enumerate(findings)]
    out: dict[str, Any] = {"findings": picks + [{"id": name, "role": "caveat"} for name in caveats]}
    if "actions" in properties:
        out["actions"] = properties["actions"]["items"]["enum"][:2]
    return out


def _telling_pair(lines: dict[str, str]) -> list[str]:
    """Two levels of one metric that differ in one option, where the values differ most; the higher first."""
    levels = {}
    if any("for a limit on TTFT" in line for line in lines.values()):
        return []
    for name, line in lines.items():
        if match := _LEVEL.match(line):
            metric, entity, condition, value = match.groups()
            levels[name] = (metric, entity, set(condition.split(", ")), float(value))
    best, gap = [], 1.1
    for first, (metric, entity, condition, value) in levels.items():
        for second, (metric_2, entity_2, condition_2, value_2) in levels.items():
            apart = {entry.split("=")[0] for entry in condition ^ condition_2 if "=" in entry}
            alike = (metric, entity) == (metric_2, entity_2) and len(condition ^ condition_2) == 2 and len(apart) == 1
            if alike and value > gap * value_2:
                best, gap = [first, second], value / value_2
    return best


def _queries(prompt: str, properties: dict[str, Any]) -> list[dict[str, str]]:
    """First what to deploy, where the time goes and what to measure next; then what the answers rest on."""
    fields = properties["queries"]["items"]["properties"]
    entities = [name for name in fields["a"]["enum"] if name != "none"]
    metrics = fields["metric"]["enum"]
    blank = {"a": "none", "b": "none", "condition": "none", "option": "none"}
    rate = next((name for name in ("decode_tokens_per_s", "output_tokens_per_s") if name in metrics), metrics[0])
    ttft = "ttft_s" if "ttft_s" in metrics else metrics[0]
    if "Queries asked" not in prompt:
        return [
            {"kind": "deploy", "metric": rate, **blank},
            {"kind": "where_time_goes", "metric": ttft, **blank},
            {"kind": "next_run", "metric": ttft, **blank},
        ]
    if "Queries asked so far: 3." in prompt:
        out = [{"kind": "forbids", "metric": rate, **blank}]
        options = [name for name in fields["option"]["enum"] if name not in ("none", "num_predict", "seed")]
        if options:
            named = next((name for name in ("threads", "num_gpu", "concurrency") if name in options), options[0])
            out.append({"kind": "breakdown", "metric": rate, **blank, "option": named})
        elif len(entities) > 1:
            out.append({"kind": "compare", "metric": rate, **blank, "a": entities[0], "b": entities[1]})
        return out
    return []


def _sentences(lines: dict[str, str]) -> list[dict[str, Any]]:
    told = [name for name in lines if name.startswith("S")]
    limits = [name for name in told if _limits(lines[name])]
    pair = _telling_pair({name: lines[name] for name in told})
    found = sorted((n for n in told if n not in (*limits, *pair)), key=lambda n: (-_worth(lines[n]), n))
    out = []
    if pair:
        out.append({"text": f"Most important: {{{pair[0]}}}; {{{pair[1]}}}.", "cites": pair})
    elif found:
        first = [found.pop(0), *limits[:1]]
        limits = limits[1:]
        slots = "; before acting on this, note that ".join(f"{{{name}}}" for name in first)
        out.append({"text": f"For the decision: {slots}.", "cites": first})
    parts = [name for name in found if re.match(r"Model load is|Prompt evaluation is|TTFT of", lines[name])]
    if len(parts) > 1:
        found = [name for name in found if name not in parts[:2]]
        out.append({"text": f"On the first answer: {{{parts[0]}}}; in addition, {{{parts[1]}}}.", "cites": parts[:2]})
    out += [{"text": f"Beside that, {{{name}}}.", "cites": [name]} for name in found]
    if limits and len(out) < 8:
        out.append({"text": f"Before acting on this, note that {{{limits[0]}}}.", "cites": [limits[0]]})
    return out[:8]
