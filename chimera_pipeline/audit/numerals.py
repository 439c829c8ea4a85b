"""Printed numbers: what is written, what it is worth, and how exact it claims to be.

Finds numerals of several writing habits in a text and gives each its readings as exact fractions with half a unit of
the last printed digit. Knows nothing of units or metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

SPACES = " \u00a0\u202f\u2009"
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")

_GROUPED = rf"\d{{1,3}}(?:(?P<sep>[{SPACES}'’.,])\d{{3}})(?:(?P=sep)\d{{3}})*"
_SPACED = re.compile(rf"[{SPACES}'’]")
_NUMERAL = re.compile(
    rf"""(?<![\w.,])
    (?P<body>
        \d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d+)?(?![\d,])
      | {_GROUPED}(?:[.,]\d+)?(?![.,]?\d)
      | \d+(?:[.,]\d+)?(?![.,]?\d)
      | [.,]\d+(?![.,]?\d)
    )
    (?P<power>
        \s?[×x·*]\s?10(?:\^[-−+]?\d+|\*\*[-−+]?\d+|[⁻⁺]?[⁰¹²³⁴-⁹]+)
      | [eE][-+−]?\d{{1,3}}(?![\w])
    )?""",
    re.VERBOSE,
)

Style = Literal["point", "comma", "open"]
"""Decimal point, decimal comma, or a language with a decimal comma where nothing else tells."""

WORDS = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "dozen": 12, "single": 1}


@dataclass(frozen=True, slots=True)
class Printed:
    """One reading of a numeral: its exact value and half a unit of its last printed digit."""

    value: Fraction
    half: Fraction

    def holds(self, exact: Fraction) -> bool:
        """True where `exact` lies within half a unit of the last printed digit, ties either way."""
        return abs(exact - self.value) <= self.half

    def scaled(self, factor: Fraction) -> Printed:
        """The same reading in another unit."""
        return Printed(self.value * factor, self.half * factor)

    def negated(self) -> Printed:
        """The same reading with the other sign."""
        return Printed(-self.value, self.half)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A numeral in a text with its readings, the preferred one first."""

    start: int
    end: int
    text: str
    readings: tuple[Printed, ...]

    @property
    def printed(self) -> Printed:
        """The preferred reading."""
        return self.readings[0]


def decimal_of(value: Fraction) -> Decimal:
    """`value` as a Decimal; exact for what can be printed."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def fraction_of(value: object) -> Fraction:
    """The exact fraction of a table value; floats by their shortest text (0.1 is one tenth)."""
    if isinstance(value, float):
        text = repr(value)
        whole, _, decimals = text.partition(".")
        return Fraction(text) if "e" in text else Fraction(int(whole + decimals), 10 ** len(decimals))
    if isinstance(value, Decimal | int | Fraction):
        return Fraction(value)
    return Fraction(str(value).strip())


def _plain(digits: str) -> Printed:
    whole, _, decimals = digits.partition(".")
    return Printed(Fraction(int(whole + decimals), 10 ** len(decimals)), _half(len(decimals)))


@lru_cache(maxsize=64)
def _half(decimals: int) -> Fraction:
    return Fraction(1, 2 * 10**decimals)


def _last_mark_is_decimal(body: str) -> str:
    mark = "." if body.rfind(".") > body.rfind(",") else ","
    other = "," if mark == "." else "."
    return body.replace(other, "").replace(mark, ".")


def _readings(body: str, style: Style) -> tuple[Printed, ...]:
    """The readings of `body`: one, or two where the style stays open."""
    body = _SPACED.sub("", body)
    if "," in body and "." in body:
        return (_plain(_last_mark_is_decimal(body)),)
    if "," not in body and "." not in body:
        return (_plain(body),)
    mark = "," if "," in body else "."
    if body.count(mark) > 1:
        return (_plain(body.replace(mark, "")),)
    as_decimal, as_group = _plain(body.replace(mark, ".")), _plain(body.replace(mark, ""))
    if not _is_open(body):
        return (as_decimal,)
    if style == "point":
        return (as_decimal,) if mark == "." else (as_group,)
    first, second = (as_decimal, as_group) if mark == "," else (as_group, as_decimal)
    return (first,) if style == "comma" else (first, second)


def _is_open(body: str) -> bool:
    return re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", body) is not None


def _power(text: str) -> int:
    text = text.translate(_SUPERSCRIPT).replace("−", "-").replace("**", "^")
    if text[:1] in "eE":
        return int(text[1:])
    return int(text[text.rindex("10") + 2 :].lstrip("^")) if "^" in text else int(_tail(text))


def _tail(text: str) -> str:
    found = re.search(r"10([-+]?\d+)$", text)
    return found.group(1) if found else "0"


def numerals(text: str, *, style: Style = "point") -> list[Numeral]:
    """Every numeral of `text`, in order, as a writer of this style means it."""
    found = []
    for match in _NUMERAL.finditer(text):
        body, power = match.group("body"), match.group("power")
        end = match.end()
        if end < len(text) and not power and text[end] in "eE" and text[end + 1 : end + 2].isdigit():
            continue
        readings = _readings(body, style)
        if power:
            scale = Fraction(10) ** _power(power)
            readings = tuple(reading.scaled(scale) for reading in readings)
        start = match.start()
        if _signed(text, start):
            start -= 1
            if text[start] != "+":
                readings = tuple(reading.negated() for reading in readings)
        found.append(Numeral(start, end, text[start:end], readings))
    return found


def _signed(text: str, start: int) -> bool:
    if start == 0 or text[start - 1] not in "+-−":
        return False
    before = text[start - 2 : start - 1] if start > 1 else ""
    return not before or before in f"{SPACES}([|:=~≈±,;→>\"'"


def decimal_marks(text: str) -> set[str]:
    """The decimal marks that `text` uses beyond doubt."""
    marks: set[str] = set()
    if "." not in text and "," not in text:
        return marks
    for match in _NUMERAL.finditer(text):
        body = _SPACED.sub("", match.group("body"))
        if "." in body and "," in body:
            marks.add("." if body.rfind(".") > body.rfind(",") else ",")
        elif body.count(".") + body.count(",") == 1 and not _is_open(body):
            marks.add("." if "." in body else ",")
    return marks


_FOREIGN = frozenset(
    [
        "der",
        "die",
        "das",
        "und",
        "ist",
        "war",
        "betrug",
        "von",
        "mit",
        "bei",
        "für",
        "im",
        "einen",
        "eine",
        "la",
        "le",
        "les",
        "des",
        "du",
        "est",
        "était",
        "une",
        "avec",
        "pour",
        "el",
        "los",
        "las",
        "fue",
        "una",
        "con",
        "para",
        "il",
        "di",
        "della",
        "è",
        "stato",
        "na",
        "w",
        "jest",
        "wynosi",
        "het",
        "een",
        "was",
        "van",
        "bedroeg",
        "och",
        "är",
        "på",
        "um",
        "uma",
        "foi",
    ]
)
_ENGLISH = frozenset(
    [
        "the",
        "of",
        "is",
        "are",
        "with",
        "for",
        "and",
        "at",
        "on",
        "in",
        "by",
        "from",
        "than",
        "to",
        "over",
        "that",
        "were",
        "has",
        "have",
        "it",
        "its",
    ]
)


def style_of(sentence: str, document_marks: Iterable[str] = (), own: set[str] | None = None) -> Style:
    """Which decimal mark the writer of `sentence` uses: by its other numbers, its language, the rest of the report.

    `own`: the `decimal_marks` of the sentence, where they are known already.
    """
    marks = decimal_marks(sentence) if own is None else own
    if len(marks) == 1:
        return "comma" if "," in marks else "point"
    words = set(re.findall(r"(?<![\w-])[^\W\d_]+(?![\w-])", sentence.lower()))  # pieces of a name are no words
    foreign, english = len(words & _FOREIGN), len(words & _ENGLISH)
    if english > foreign or (english and "the" in words):
        return "point"
    document = set(document_marks)
    if foreign > english:
        return "comma" if document == {","} else "open"
    return "comma" if document == {","} else "point"
