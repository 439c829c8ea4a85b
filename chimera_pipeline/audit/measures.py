"""Units as people write them: a factor and a dimension, from a table for physics and by name for things that are counted.

A test holds the table to the package's own pint registry (`units.registry`), which takes a third of a second to build. Opaque words (files, images, runs) are dimensions of their own,
so that "57 files" never equals "57 requests".
"""

from __future__ import annotations

# A pattern or a list of phrases is read whole.
# ruff: noqa: E501
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

Dimension = tuple[tuple[str, int], ...]

_PHYSICAL = {
    "s": "second sec secs seconds",
    "ms": "msec msecs millisecond milliseconds millis",
    "us": "µs μs usec microsecond microseconds",
    "ns": "nanosecond nanoseconds",
    "minute": "min mins minutes",
    "hour": "h hr hrs hours",
    "day": "days",
    "byte": "b bytes",
    "kilobyte": "kb kilobytes",
    "megabyte": "mb megabytes",
    "gigabyte": "gb gigabytes",
    "terabyte": "tb terabytes",
    "kibibyte": "kib",
    "mebibyte": "mib",
    "gibibyte": "gib",
    "tebibyte": "tib",
    "watt": "w watts",
    "kilowatt": "kw kilowatts",
    "milliwatt": "mw milliwatts",
    "joule": "j joules",
    "kilojoule": "kj",
    "millijoule": "mj millijoules",
    "watt_hour": "wh",
    "kilowatt_hour": "kwh",
    "hertz": "hz",
    "kilohertz": "khz",
    "megahertz": "mhz",
    "gigahertz": "ghz",
    "token": "tok toks tokens t",
    "request": "req reqs requests",
}
_PINT = {word: name for name, words in _PHYSICAL.items() for word in (name, *words.split())}


def _each(dimension: Dimension, **factors: int | Fraction) -> dict[str, tuple[Fraction, Dimension]]:
    return {name: (Fraction(factor), dimension) for name, factor in factors.items()}


_MILLI = Fraction(1, 10**3)
BASES = {
    **_each(
        (("[time]", 1),), s=1, ms=_MILLI, us=Fraction(1, 10**6), ns=Fraction(1, 10**9), minute=60, hour=3600, day=86400
    ),
    **_each((("[information]", 1),), byte=1, kilobyte=10**3, megabyte=10**6, gigabyte=10**9, terabyte=10**12),
    **_each((("[information]", 1),), kibibyte=2**10, mebibyte=2**20, gibibyte=2**30, tebibyte=2**40),
    **_each((("[length]", 2), ("[mass]", 1), ("[time]", -3)), watt=1, kilowatt=10**3, milliwatt=_MILLI),
    **_each((("[length]", 2), ("[mass]", 1), ("[time]", -2)), joule=1, kilojoule=10**3, millijoule=_MILLI),
    **_each((("[length]", 2), ("[mass]", 1), ("[time]", -2)), watt_hour=3600, kilowatt_hour=3600 * 10**3),
    **_each((("[time]", -1),), hertz=1, kilohertz=10**3, megahertz=10**6, gigahertz=10**9),
    **_each((("[token]", 1),), token=1),
    **_each((("[request]", 1),), request=1),
}
"""Physical unit -> what takes it to the canonical unit of its dimension, and that dimension."""
_SCALED = {"flop": 1, "kflop": 10**3, "mflop": 10**6, "gflop": 10**9, "tflop": 10**12, "pflop": 10**15}
_RATES = {
    "tps": ("token", "s"),
    "rps": ("request", "s"),
    "qps": ("request", "s"),
    "fps": ("frame", "s"),
    **{f"{name}s": (name, "s") for name in _SCALED},
}
_SYNONYMS = {"query": "request", "call": "request", "it": "iteration", "op": "operation", "img": "image"}
_ONE = {"", "1", "ratio", "score", "fraction", "share", "dimensionless", "none"}
_PERCENT = {"%", "percent", "pct", "per cent", "per-cent", "percentage", "٪"}
_TIMES = {"x", "×", "times", "fold"}
POINTS = "percentage point"


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit: `factor` takes a value in it to the base of `dimension` (empty: a pure number)."""

    text: str
    factor: Fraction
    dimension: Dimension
    kind: str = "unit"

    def agrees(self, other: Measure) -> bool:
        """True where values in both can be compared."""
        return self.dimension == other.dimension


def singular(word: str) -> str:
    """`word` without a plural ending."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


def _atom(text: str) -> tuple[Fraction, dict[str, int]] | None:
    word = text.strip().lower().rstrip(".")
    if word in _PINT:
        factor, dimension = BASES[_PINT[word]]
        return factor, dict(dimension)
    name = _SYNONYMS.get(singular(word), singular(word))
    if name in _PINT:
        factor, dimension = BASES[_PINT[name]]
        return factor, dict(dimension)
    if name in _SCALED:
        return Fraction(_SCALED[name]), {"flop": 1}
    if word in {"°c", "celsius", "$", "usd", "€", "eur"} or re.fullmatch(r"[^\W\d_]+(?:[ _-][^\W\d_]+)*", word):
        return Fraction(1), {name: 1}
    return None


@lru_cache(maxsize=4096)
def parse(text: str) -> Measure | None:
    """The unit written as `text`; None where it is no unit. Words of counted things are units of their own."""
    plain = " ".join(text.replace("_", " ").split())
    lower = plain.lower()
    if lower in _ONE:
        return Measure(plain, Fraction(1), ())
    if lower in _PERCENT:
        return Measure("%", Fraction(1, 100), (), "percent")
    if lower in _TIMES:
        return Measure("x", Fraction(1), (), "times")
    if lower.rstrip("s") == POINTS or lower == "pp":
        return Measure("pp", Fraction(1, 100), (), "points")
    if lower in _RATES:
        lower = "/".join(_RATES[lower])
    lower = re.sub(r"\s*(?:·|\*)?\s*s(?:\^?-1|⁻¹)$", "/s", lower)
    parts = re.split(r"\s*/\s*|\s+per\s+|\s+each\s+|\s+every\s+|\s+a\s+", lower)
    if len(parts) > 2 or not all(parts):
        return None
    return _quotient(plain, parts)


def _quotient(text: str, parts: list[str]) -> Measure | None:
    top = (Fraction(1), {}) if parts[0] == "1" else _atom(parts[0])
    if top is None:
        return None
    factor, powers = top[0], dict(top[1])
    if len(parts) == 2:
        bottom = _atom(parts[1])
        if bottom is None:
            return None
        factor /= bottom[0]
        for key, power in bottom[1].items():
            powers[key] = powers.get(key, 0) - power
    return Measure(text, factor, tuple(sorted((key, power) for key, power in powers.items() if power)))


COUNTED = frozenset(
    [
        "file",
        "run",
        "sample",
        "row",
        "image",
        "item",
        "operation",
        "iteration",
        "step",
        "error",
        "warning",
        "model",
        "variant",
        "quant",
        "trial",
        "repetition",
        "repeat",
        "measurement",
        "observation",
        "execution",
        "case",
        "test",
        "table",
        "folder",
        "directory",
        "artifact",
        "entry",
        "notebook",
        "benchmark",
        "experiment",
        "prompt",
        "failure",
        "configuration",
        "config",
        "kernel",
        "layer",
        "user",
        "client",
        "metric",
        "fact",
        "series",
        "statement",
        "claim",
        "record",
        "page",
        "document",
        "worker",
        "thread",
        "core",
        "gpu",
        "cpu",
        "machine",
        "node",
        "message",
        "word",
        "character",
        "line",
        "commit",
        "attempt",
        "retry",
        "timeout",
        "call",
        "query",
        "request",
        "round",
        "pass",
        "epoch",
        "batch",
        "task",
        "question",
        "example",
        "session",
        "job",
        "frame",
        "point",
        "invocation",
        "bug",
        "issue",
        "crash",
    ]
)
_RATE_TOP = r"tok(?:en)?s?|toks|t|req(?:uest)?s?|quer(?:y|ies)|images?|items?|frames?|rows?|samples?|calls?|its?|iterations?|ops?|operations?|steps?|[kmgt]?i?b|[KMGT]?i?B|bytes?|[kmgtp]?flops?|joules?|[mk]?j|watts?|messages?|words?|characters?|runs?|files?|tests?"
_RATE_BOTTOM = r"seconds?|secs?|s|milliseconds?|ms|minutes?|mins?|hours?|h|tok(?:en)?s?|requests?|op(?:eration)?s?|runs?|iterations?|images?|days?|user|watts?"
_SIMPLE = (
    r"milliseconds?|microseconds?|nanoseconds?|seconds?|minutes?|hours?|days?|msecs?|usecs?|secs?|mins?|hrs?|"
    r"millis|[mµμun]s|s|h|min|[KMGTkmgt]i?[Bb]|kilobytes?|megabytes?|gigabytes?|terabytes?|bytes?|"
    r"k?watts?|kWh|Wh|[mk]?W|joules?|[mk]?J|[kMG]?Hz|°\s?C|[kKmMgGtTpP]?FLOPS|tps|rps|qps|fps|"
    r"tok(?:en)?s?|req(?:uest)?s?|percentage[ -]points?|pp|per\s?cent|percent|pct|%|x|×|times|-?fold"
)
_UNIT = re.compile(
    rf"(?:{_RATE_TOP})\s?(?:/|\bper\b|\ba\b|\bevery\b|\beach\b)\s?(?:{_RATE_BOTTOM})(?![\w/])|(?:{_SIMPLE})(?![\w/])",
    re.IGNORECASE,
)


def scan(text: str, at: int) -> tuple[Measure, int] | None:
    """The unit that begins at `at` (after at most one space or hyphen) and where it ends; None where there is none."""
    begin = at
    while begin < len(text) and text[begin] in " \u00a0\u202f\u2009-" and begin - at < 2:
        begin += 1
    match = _UNIT.match(text, begin)
    if match is None:
        return None
    word = match.group()
    if word in {"S", "H", "T", "B", "W"} and word not in {"W"}:
        return None
    measure = parse(word.lstrip("-"))
    return (measure, match.end()) if measure else None
