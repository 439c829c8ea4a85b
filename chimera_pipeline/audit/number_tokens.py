"""Numbers of a sentence as tokens: digits with suffix and unit, numbers in words, multiples such as twice."""

from __future__ import annotations

import re
from fractions import Fraction

from chimera_pipeline.audit import measures
from chimera_pipeline.audit.lexicon import Lexicon, MetricRef
from chimera_pipeline.audit.numerals import WORDS, Printed, Style, numerals
from chimera_pipeline.audit.phrases import Part
from chimera_pipeline.audit.tokens import N_NOUNS, Number, Token, Writer

_SUFFIX = re.compile(r"\s?(?:([kK]|M|bn|mn|million|billion|thousand|Mio\.?|Tsd\.?)(?=[\s,.;:)\]]|$))")


_SCALE = {"k": 10**3, "m": 10**6, "bn": 10**9, "mn": 10**6, "million": 10**6, "billion": 10**9, "thousand": 10**3,
          "mio": 10**6, "tsd": 10**3}  # fmt: skip


_MULTIPLES = {
    "twice": (2, 1), "double": (2, 1), "doubled": (2, 1), "doubles": (2, 1), "triple": (3, 1), "tripled": (3, 1),
    "triples": (3, 1), "thrice": (3, 1), "half": (1, 2), "halved": (1, 2), "halves": (1, 2), "twofold": (2, 1),
    "threefold": (3, 1), "fourfold": (4, 1), "fivefold": (5, 1), "tenfold": (10, 1), "quadruple": (4, 1),
    "quadrupled": (4, 1), "doppelt": (2, 1), "quintupled": (5, 1),
}  # fmt: skip


def number_tokens(writer: Writer, style: Style, tokens: list[Part], lexicon: Lexicon) -> None:
    """Add the numbers in digits, each with suffix, unit or counted noun."""
    for numeral in numerals(writer.text, style=style):
        if not writer.free(numeral.start, numeral.end):
            continue
        after = writer.text[numeral.end :]
        end, readings = numeral.end, numeral.readings
        unit = measures.scan(writer.text, end)
        if unit is None or unit[0].text.lower() in {"m", "k"}:
            suffix = _SUFFIX.match(after)
            if suffix and not _is_size(after):
                scale = _SCALE[suffix.group(1).lower().rstrip(".")]
                readings = tuple(reading.scaled(Fraction(scale)) for reading in readings)
                end += suffix.end()
                unit = measures.scan(writer.text, end)
        if unit is None and re.match(r"[A-Za-z]", writer.text[end : end + 1]):
            continue
        stop = unit[1] if unit and writer.free(end, unit[1]) else end
        unit = unit or _unit_in_name(writer, end)
        number = Number(
            readings[0],
            readings,
            writer.text[numeral.start : stop].strip(),
            unit[0] if unit and (stop > end or unit[1] < 0) else None,
        )
        number.noun = _noun(writer.text[stop:]) if number.measure is None else ""
        if unit and measures.singular(unit[0].text.lower()) in {"request", "token"}:
            number.noun = measures.singular(unit[0].text.lower())
        writer.add(Token("N", numeral.start, stop, number.text, number=number))


_NAMED_RATE = re.compile(r"\s(?:output|generated|completion|total|input|prompt)\s(?=tok|t/s)", re.IGNORECASE)


def _unit_in_name(writer: Writer, at: int) -> tuple[measures.Measure, int] | None:
    """ "943 output tok/s": the unit at the end of the metric's name, which keeps its place (hence no end)."""
    named = _NAMED_RATE.match(writer.text, at)
    unit = measures.scan(writer.text, named.end()) if named else None
    return (unit[0], -1) if unit is not None and "/" in unit[0].text else None


def _is_size(after: str) -> bool:
    """True for the M of "270M", the size of a model, which is no million of anything."""
    return after[:1] == "M" and re.match(r"M\s+[a-z]", after) is None


def _noun(after: str) -> str:
    """The counted noun after a number, over at most three words ("analysed", "CSV") before it."""
    match = re.match(r"[\s-]+((?:[^\W\d_][\w-]*\s+){0,3}?)([^\W\d_]+)", after)
    while match:
        word = measures.singular(match.group(2).lower())
        if word in measures.COUNTED:
            return " ".join((match.group(1).lower() + word).split())
        if match.group(2).lower() in _CLOSED or len(match.group(1).split()) > 2:
            return ""
        match = re.match(rf"[\s-]+((?:[^\W\d_][\w-]*\s+){{{len(match.group(1).split()) + 1}}})([^\W\d_]+)", after)
    return ""


_CLOSED = frozenset(
    [
        "and",
        "or",
        "of",
        "for",
        "to",
        "with",
        "in",
        "on",
        "at",
        "by",
        "from",
        "than",
        "versus",
        "vs",
        "against",
        "while",
        "whereas",
        "but",
        "is",
        "was",
        "were",
        "are",
        "the",
        "a",
        "an",
        "which",
        "that",
        "per",
        "over",
        "under",
        "during",
        "after",
        "before",
        "as",
        "has",
        "had",
        "have",
    ]
)


_FRACTION = re.compile(
    r"\b(?P<top>an?|one|two|three)[\s-](?P<bottom>third|quarter|fifth|tenth)s?\b"
    r"(?=\s+(?:(?P<change>lower|less|faster|slower|higher|more|shorter|longer|smaller|larger|fewer)\b|(?:of\s+(?:the|that|what|its)|as|that|the)\b|of\s+\S+['’]s\b))",
    re.IGNORECASE,
)
_BOTTOMS = {"third": 3, "quarter": 4, "fifth": 5, "tenth": 10}


def _fraction(match: re.Match[str]) -> Token:
    """ "A third of B's" is a multiple, "one third lower" a percentage; either within a fourteenth of itself."""
    value = Fraction({"two": 2, "three": 3}.get(match["top"].lower(), 1), _BOTTOMS[match["bottom"].lower()])
    value *= 100 if match["change"] else 1
    printed = Printed(value, value / 14)
    measure = measures.parse("%" if match["change"] else "x")
    number = Number(printed, (printed,), match.group(), measure)
    return Token("N", match.start(), match.end(), match.group(), number=number)


_NONE = re.compile(
    r"\b(?:no|not\sa\ssingle)\s(?:failed\s|failing\s|unsuccessful\s)?(?P<noun>requests?|calls?)\b(?=(?<=failed\srequests)|(?<=failed\srequest)|[^.;,]*\bfail)|"
    r"\b(?:no|without(?:\sany)?)\s(?P<failure>errors?|failures?)\b",
    re.IGNORECASE,
)


_ALL = re.compile(
    r"\ball(?:\s(?:of\s)?the)?\s(?:requests?|calls?)\b(?=[^.;,]*\b(?:succeed|complet|went through))", re.IGNORECASE
)


def _all_succeeded(writer: Writer) -> None:
    """ "All requests succeeded" counts none that failed."""
    match = _ALL.search(writer.text)
    succeeded = next((token for token in writer.tokens if token.metric and token.metric.keys[0] == "requests_ok"), None)
    if match is None or succeeded is None:
        return
    none = Printed(Fraction(0), Fraction(1, 2))
    number = Number(none, (none,), "all", None, "request")
    if writer.add(Token("N", match.start(), match.start() + 3, "all", number=number)):
        succeeded.metric = MetricRef("failed requests", ("requests_failed",))


def spelled_tokens(writer: Writer, tokens: list[Part]) -> None:
    """Add numbers in words and multiples ("five requests", "twice", "no request failed")."""
    _all_succeeded(writer)
    for match in _NONE.finditer(writer.text):
        none = Printed(Fraction(0), Fraction(1, 2))
        stop = match.start() + (2 if match.group().lower().startswith("no") else 7)
        number = Number(none, (none,), writer.text[match.start() : stop], None, "request")
        writer.add(Token("N", match.start(), stop, number.text, number=number))
    for at, part in enumerate(tokens):
        if not writer.free(part.start, part.end):
            continue
        fraction = _FRACTION.match(writer.text, part.start)
        if fraction and writer.free(fraction.start(), fraction.end()):
            writer.add(_fraction(fraction))
        elif part.text in _MULTIPLES and (
            part.text != "half"
            or re.match(
                r"\s+(?:as|the|that|its|of\s+(?:the\s+(?!time|request|run|file|data|test)|that|what|its))\b",
                writer.text[part.end :],
            )
        ):
            top, bottom = _MULTIPLES[part.text]
            value = Fraction(top, bottom)
            printed = Printed(value, Fraction(1, 2) if bottom == 1 else Fraction(1, 20))
            number = Number(printed, (printed,), part.text, measures.parse("x"))
            writer.add(Token("N", part.start, part.end, part.text, number=number))
        elif part.text in WORDS:
            _spelled_number(writer, tokens, at)


def _spelled_number(writer: Writer, tokens: list[Part], at: int) -> None:
    part = tokens[at]
    after = writer.text[part.end :]
    unit = re.match(r"\s+(times|percent)\b|-fold\b", after)
    noun = _noun(after)
    last = noun.split(" ")[-1] if noun else ""
    if part.text in {"one", "single"} and not (last in N_NOUNS and len(noun.split()) < 3):
        return
    part_of = re.match(r"\s+(?:out\s+)?of\s+(?:the\s+|all\s+)?\d", after)
    if unit is None and not (last in N_NOUNS or last in {"file"} or part_of):
        return
    value = Fraction(WORDS[part.text])
    printed = Printed(value, Fraction(1, 2))
    measure = None if unit is None else measures.parse("%" if unit.group().strip() == "percent" else "x")
    stop = part.end + (unit.end() if unit else 0)
    number = Number(printed, (printed,), writer.text[part.start : stop], measure, "" if unit else noun)
    writer.add(Token("N", part.start, stop, number.text, number=number))
