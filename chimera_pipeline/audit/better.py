"""Which way is better: the sign that a word of direction claims for a metric."""

from __future__ import annotations

import re

from chimera_pipeline.audit import words
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.linking import FactIndex

_HIGHER = frozenset(
    [
        "throughput",
        "rate",
        "speed",
        "accuracy",
        "score",
        "tokens/s",
        "goodput",
        "recall",
        "precision",
        "f1",
        "bleu",
        "rouge",
        "efficiency",
        "acc",
        "match",
        "em",
        "pass",
        "mcc",
    ]
)
_LOWER = frozenset(
    [
        "time",
        "latency",
        "ttft",
        "tpot",
        "itl",
        "duration",
        "memory",
        "vram",
        "energy",
        "power",
        "size",
        "error",
        "errors",
        "loss",
        "perplexity",
        "ppl",
        "wer",
        "bits",
        "brier",
        "cost",
        "failures",
        "temperature",
        "delay",
    ]
)


def orientation(fact: FactView, index: FactIndex) -> int:
    """+1 where higher is better, -1 where lower is, 0 where neither."""
    metric = index.lexicon.metrics.get(fact.key)
    if metric is not None and metric.better != "none":
        return 1 if metric.better == "higher" else -1
    named = set(re.findall(r"[^\W_]+(?:/s)?", f"{fact.metric} {fact.phrase} {fact.condition}".lower()))
    if named & _LOWER:
        return -1
    if named & _HIGHER:
        return 1
    powers = dict(fact.measure.dimension)
    return 1 if powers.get("[time]", 0) < 0 and len(powers) == 2 else -1 if powers == {"[time]": 1} else 0


def wanted_sign(word: str, fact: FactView, index: FactIndex) -> int:
    """The sign of first minus second that `word` claims; 0 where it claims none."""
    if word in words.UP:
        return 1
    if word in words.DOWN:
        return -1
    better = orientation(fact, index)
    return better if word in words.BETTER else -better if word in words.WORSE else 0
