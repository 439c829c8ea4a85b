"""Facts as the auditor sees them, from the table `facts` or from `facts.json` in its long and its short form.

The short form keeps statistic and condition inside the metric's words ("median warm TTFT"); both forms end as the same
FactView. Values become exact fractions; units stay as stated, with their measure beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chimera_pipeline.audit import words
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.phrases import PhraseTable, parts
from chimera_pipeline.contracts import vocabulary

if TYPE_CHECKING:
    pass

EXACT = "="
"""Key of a claim's condition that is, word for word, the condition of a fact."""

Conditions = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FactView:
    """One fact. `key` is the metric's name in the vocabulary, or its own words; `phrase` how it was written."""

    id: str
    metric: str
    key: str
    phrase: str
    statistic: str | None
    entity: str
    condition: str
    conditions: Conditions
    value: Fraction
    unit: str
    measure: Measure
    n: int | None = None
    sd: Fraction | None = None
    ci_low: Fraction | None = None
    ci_high: Fraction | None = None
    kind: str = "level"
    baseline: str | None = None
    effect: Fraction | None = None
    verdict: str | None = None
    p_value: Fraction | None = None
    q_value: Fraction | None = None
    period: str | None = None
    sources: str | tuple[str, ...] | None = None
    """The places that the value comes from, as the row has them: JSON, or the places themselves."""
    text: str = ""

    @property
    def base(self) -> Fraction:
        """The value in the base unit of its dimension."""
        return self.value * self.measure.factor

    @property
    def printed(self) -> str:
        """The value with its unit, to eight digits where it is no whole number."""
        number = Decimal(self.value.numerator) / Decimal(self.value.denominator)
        digits = 15 if self.value.denominator == 1 else 8
        return f"{number:.{digits}g} {self.unit}".strip()

    def described(self) -> str:
        """Metric, statistic, entity and condition in words."""
        named = [self.statistic if self.statistic not in {None, "sample", "value"} else None, self.phrase]
        text = " ".join(word for word in named if word)
        text += f" of {self.entity}" if self.entity else ""
        return text + (f" ({self.condition})" if self.condition else "")


def metric_phrases(metrics: Mapping[str, vocabulary.Metric]) -> dict[str, list[str]]:
    """Phrase -> names of the metrics it may mean, in the order of the vocabulary."""
    found: dict[str, list[str]] = {}
    for name, metric in metrics.items():
        spelled = (name.replace("_", " "),) if "_" in name else ()
        for word in (*spelled, metric.label, *metric.words, *words.METRIC_WORDS.get(name, ())):
            first = word.split(" ", 1)[0]
            if first in {"mean", "median", "average"}:
                continue
            names = found.setdefault(word.lower(), [])
            if name not in names:
                names.append(name)
    return found


class Describer:
    """Turns the words of a fact's metric into key, statistic and conditions."""

    def __init__(self, metrics: Mapping[str, vocabulary.Metric]) -> None:
        self.metrics = metrics
        self.phrases = metric_phrases(metrics)
        self.table: PhraseTable[tuple[str, str]] = PhraseTable()
        for phrase, names in self.phrases.items():
            self.table.add(phrase, ("metric", names[0]))
        for phrase in words.OTHER_METRICS:
            self.table.add(phrase, ("other", phrase))
        for name, phrases in words.STATISTICS.items():
            for phrase in phrases:
                self.table.add(phrase, ("statistic", name))
        for name, phrases in words.PHASES.items():
            for phrase in phrases:
                self.table.add(phrase, ("phase", name))

    def describe(self, text: str) -> tuple[str, str, str | None, Conditions]:
        """(key, phrase, statistic, conditions) of a metric written as `text`."""
        if text in self.metrics:
            return text, self.metrics[text].label, None, frozenset()
        tokens = parts(text)
        statistic: str | None = None
        conditions: set[tuple[str, str]] = set()
        metric: tuple[int, int, str] | None = None
        at, rest = 0, []
        while at < len(tokens):
            percentile = percentile_at([token.text for token in tokens], at)
            if percentile:
                statistic, at = percentile
                continue
            hit = self.table.longest(tokens, at)
            if hit is None or (at and tokens[at - 1].text == "per"):
                rest.append((at, tokens[at].text))
                at += 1
                continue
            end, found = hit
            kind, name = found[-1]
            if kind == "statistic":
                statistic = name
            elif kind == "phase":
                conditions.add(("phase", name))
            elif metric is None or end - at >= metric[1] - metric[0]:
                if metric is not None:
                    rest.extend((index, tokens[index].text) for index in range(metric[0], metric[1]))
                metric = (at, end, name if kind == "metric" else "")
            else:
                rest.extend((index, tokens[index].text) for index in range(at, end))
            at = end
        return self._settle(tokens, metric, sorted(rest), statistic, conditions)

    def _settle(
        self,
        tokens: list[Any],
        metric: tuple[int, int, str] | None,
        rest: list[tuple[int, str]],
        statistic: str | None,
        conditions: set[tuple[str, str]],
    ) -> tuple[str, str, str | None, Conditions]:
        spare = [
            word
            for _, word in rest
            if word not in _FILLERS and (word[0].isalnum() or word == "%") and not word.endswith("ed")
        ]
        if metric is None:
            phrase = " ".join(word for _, word in rest).strip() or " ".join(token.text for token in tokens)
            return phrase, phrase, statistic, frozenset(conditions)
        phrase = " ".join(token.text for token in tokens[metric[0] : metric[1]])
        qualifies = phrase in words.GENERIC and phrase not in {"accuracy", "score", "loss"}
        if spare and (qualifies or not metric[2]):
            phrase = " ".join(
                token.text
                for index, token in enumerate(tokens)
                if metric[0] <= index < metric[1] or (index, token.text) in rest
            )
            return phrase, phrase, statistic, frozenset(conditions)
        if spare:
            conditions |= conditions_of(" ".join(spare))
        return metric[2] or phrase, phrase, statistic, frozenset(conditions)


_FILLERS = frozenset(
    [
        "of",
        "the",
        "a",
        "an",
        "in",
        "for",
        "number",
        "count",
        "per",
        "on",
        "under",
        "at",
        "by",
        "from",
        "with",
        "to",
        "value",
    ]
)


def percentile_at(tokens: list[str], at: int) -> tuple[str, int] | None:
    """`p99`, `99th percentile`, `p99.9`, `percentile 99` at `at`: the statistic and where it ends."""
    word = tokens[at]
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    third = tokens[at + 2] if at + 2 < len(tokens) else ""
    if word == "p" and after == "(" and third.isdecimal() and tokens[at + 3 : at + 4] == [")"]:
        return ("median" if third == "50" else f"p{third}"), at + 4
    if word in {"p", "percentile", "pctl"} and after.isdecimal() and 0 < int(after) < 1000:
        if third.isdecimal() and after == "99":
            return f"p{after}.{third}", at + 3
        return ("median" if after == "50" else f"p{after}"), at + 2
    if word.isdecimal() and int(word) < 100:
        end = at + 2 if after in {"th", "st", "nd", "rd"} else at + 1
        named = tokens[end] if end < len(tokens) else ""
        if named in {"percentile", "percentiles", "pctl", "quantile", "perzentil"}:
            return ("median" if word == "50" else f"p{word}"), end + 1
        if named == "%" and "ile" in tokens[end + 1 : end + 2]:
            return f"p{word}", end + 2
    return None


@lru_cache(maxsize=1024)
def statistic_name(text: str | None) -> str | None:
    """The canonical name of a statistic; None for blank."""
    if not text:
        return None
    lower = text.strip().lower().replace("_", " ")
    for name, phrases in words.STATISTICS.items():
        if lower == name.replace("_", " ") or lower in phrases:
            return name
    tokens = [token.text for token in parts(lower)]
    found = percentile_at(tokens, 0) if tokens else None
    return found[0] if found else lower.replace(" ", "_")


@lru_cache(maxsize=16384)
def conditions_of(text: str | None) -> Conditions:
    """The atoms of a condition: phases, option=value pairs, and other names with an empty value."""
    found: set[tuple[str, str]] = set()
    bare = re.sub(r"\([^()]*\)", " ", (text or "").strip())
    for piece in re.split(r"[,;|]\s*|\s+and\s+", bare):
        plain = re.sub(r"^status\s+|\s+files?$", "", piece.strip().lower())
        if not plain or plain in _NO_CONDITION:
            continue
        phase = _phase(plain)
        if phase:
            found.add(("phase", phase))
            continue
        pair = re.fullmatch(r"(.+?)\s*[=:]\s*(.+)|([a-z_ \-]+?)\s+(-?\d[\d.]*)", plain)
        if pair:
            key, value = (pair.group(1) or pair.group(3)).strip(), (pair.group(2) or pair.group(4)).strip()
            if key == "phase":
                if value in words.PHASES:
                    found.add(("phase", value))
                continue
            found.add((words.OPTIONS.get(key, words.OPTIONS.get(key.replace(" ", "_"), key)), plain_value(value)))
        else:
            found.add((" ".join(token.text for token in parts(plain)), ""))
    return frozenset(found)


def pieces_of(condition: str) -> list[str]:
    """The parts of a condition as they are written, commas in parentheses part nothing."""
    return [piece.strip() for piece in re.split(r",\s*(?![^()]*\))", condition) if piece.strip()]


_NO_CONDITION = frozenset({"-", "none", "all", "any", "default", "all requests", "all phases", "phase unknown"})


def _phase(text: str) -> str | None:
    for name, phrases in words.PHASES.items():
        if text in phrases or text in {f"{name} requests", f"{name} request", f"{name} phase", f"{name} runs"}:
            return name
    return None


def plain_value(text: str) -> str:
    """A configuration value in one spelling: 1024.0 and 1,024 are 1024."""
    try:
        return f"{Decimal(text.replace(',', '')).normalize():f}"
    except ArithmeticError:
        return text.strip().lower()
