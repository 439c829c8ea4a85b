"""One sentence as a line of tokens: entities, metrics, statistics, conditions, numbers with units, words and marks.

Markup and what is no claim are gone after this; which number belongs to which name is decided in `binding`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from chimera_pipeline.audit import measures, words
from chimera_pipeline.audit.facts_view import percentile_at
from chimera_pipeline.audit.lexicon import EntityRef, Lexicon, MetricRef
from chimera_pipeline.audit.masking import Mask, clean, masks
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.numerals import WORDS, Printed, numerals
from chimera_pipeline.audit.phrases import Part, parts


@dataclass(slots=True)
class Number:
    """A printed number with its unit; `noun` is the counted thing after it ("57 analysed files": file)."""

    printed: Printed
    readings: tuple[Printed, ...]
    text: str
    measure: Measure | None = None
    noun: str = ""
    borrowed: bool = False


@dataclass(slots=True)
class Token:
    """kind: E entity, M metric, S statistic, C condition, N number, W word, P mark, X masked."""

    kind: str
    start: int
    end: int
    text: str
    entity: EntityRef | None = None
    metric: MetricRef | None = None
    statistic: str = ""
    condition: tuple[str, str] = ("", "")
    number: Number | None = None


@dataclass(slots=True)
class Reading:
    """A sentence's tokens and `form`, in which each token is one word: `<E>`, `<N>`, or itself."""

    text: str
    tokens: list[Token]
    form: str = ""
    offsets: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the form."""
        self.refresh()

    def refresh(self) -> None:
        """Build the form again after tokens have changed."""
        self.offsets.clear()
        pieces, at = [], 0
        for token in self.tokens:
            piece = form_of(token)
            self.offsets.append(at)
            pieces.append(piece)
            at += len(piece) + 1
        self.form = " ".join(pieces)

    def index_at(self, offset: int) -> int:
        """The token whose form begins at or before `offset`."""
        low, high = 0, len(self.offsets)
        while low < high:
            middle = (low + high) // 2
            if self.offsets[middle] <= offset:
                low = middle + 1
            else:
                high = middle
        return low - 1

    def of(self, kind: str) -> list[int]:
        """The places of tokens of `kind`."""
        return [index for index, token in enumerate(self.tokens) if token.kind == kind]


def form_of(token: Token) -> str:
    """The token in the form: numbers as `<N>`, `<N%>`, `<Nx>`."""
    if token.kind == "N" and token.number is not None:
        kind = token.number.measure.kind if token.number.measure else "unit"
        return {"percent": "<N%>", "times": "<Nx>", "points": "<Npp>"}.get(kind, "<N>")
    return f"<{token.kind}>" if token.kind in "EMSCX" else token.text


_NAME = re.compile(r"(?<![\w.])[A-Za-z][\w]*(?:[.:/@+-]?\w+)*|\d+[A-Za-z]\w*(?:[.:_-]\w+)*")
_QUANT = re.compile(r"i?q\d\w*|(?:u?int|fp|bf|w|nf|f|u|i)\d+\w*|awq|gptq|mxfp\d|[bf]?float\d+", re.IGNORECASE)
_SIZE = re.compile(r"\d+(?:\.\d+)?[BbMmKk]")
_FAMILY = re.compile(
    rf"\b({'|'.join(re.escape(name) for name in sorted(words.FAMILIES, key=len, reverse=True))})"
    r"(?:[-:_/.\s]?(?:v?\d+(?:\.\d+)*(?:x\d+)?[BbMm]?\b|mini|small|medium|large|instruct|chat|base|it|latest|turbo|pro|nano|flash|code|coder|"
    r"(?<=[-:_/.])[\w.]+))*",
    re.IGNORECASE,
)
_DOES = (
    r"(?:is|was|were|are|has|had|have|reach\w*|achiev\w*|runs?|ran|took|takes|averag\w*|needs?|needed|decod\w+|generat\w+|deliver\w*|"
    r"scor\w+|show\w*|manag\w+|hits?|posts?|uses?|used|produc\w+|beats?|outperform\w*|clock\w*|record\w*|sustain\w*|exceed\w*)"
)
_CAMEL = re.compile(r"\b(?:[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|[A-Z]{2,}[a-z]+\w*)\b")
_TASK = re.compile(
    r"(?:scor\w+|accura\w+|%|achiev\w+|correct\w*|match|perplexity|loss|gets?|got)[^;]{0,30}?\b(?:on|in)\s+(?:the\s+)?([A-Z][A-Z0-9-]+|[A-Z][a-z]+[A-Z]\w*)\b"
)
_NO_TASK = frozenset(
    ["cpu", "gpu", "gpus", "cpus", "ttft", "json", "csv", "ram", "vram", "gb", "api", "llm", "us", "eu", "utc"]
)
_SUFFIX = re.compile(r"\s?(?:([kK]|M|bn|mn|million|billion|thousand|Mio\.?|Tsd\.?)(?=[\s,.;:)\]]|$))")
_SCALE = {"k": 10**3, "m": 10**6, "bn": 10**9, "mn": 10**6, "million": 10**6, "billion": 10**9, "thousand": 10**3,
          "mio": 10**6, "tsd": 10**3}  # fmt: skip
_MULTIPLES = {
    "twice": (2, 1), "double": (2, 1), "doubled": (2, 1), "doubles": (2, 1), "triple": (3, 1), "tripled": (3, 1),
    "triples": (3, 1), "thrice": (3, 1), "half": (1, 2), "halved": (1, 2), "halves": (1, 2), "twofold": (2, 1),
    "threefold": (3, 1), "fourfold": (4, 1), "fivefold": (5, 1), "tenfold": (10, 1), "quadruple": (4, 1),
    "quadrupled": (4, 1), "doppelt": (2, 1), "quintupled": (5, 1),
}  # fmt: skip


class _Writer:
    """Collects tokens of one sentence; a place is taken once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.taken = bytearray(len(text) + 1)
        self.tokens: list[Token] = []

    def free(self, start: int, end: int) -> bool:
        return not any(self.taken[start:end])

    def add(self, token: Token) -> bool:
        if not self.free(token.start, token.end):
            return False
        self.taken[token.start : token.end] = b"\1" * (token.end - token.start)
        self.tokens.append(token)
        return True


def keeps_code(lexicon: Lexicon) -> object:
    """Which inline code is text: a known name or phrase, a name of a model, or a number with its unit."""

    def keeps(code: str) -> bool:
        found = numerals(code)
        if len(found) == 1 and found[0].start == 0:
            unit = measures.scan(code, found[0].end)
            return unit is not None and unit[1] == len(code)
        tokens = parts(code)
        hit = lexicon.meaning(tokens, 0) if tokens else None
        if hit is not None and hit[0] == len(tokens):
            return True
        return (
            re.fullmatch(r"[A-Za-z][\w.-]*[:/][\w.:-]+", code) is not None and "." not in code.rsplit("/", 1)[-1][-5:-2]
        )

    return keeps


def read(text: str, lexicon: Lexicon, *, style: Style = "point", heading: bool = False) -> Reading:
    """The tokens of `text`."""
    plain = clean(text, keeps_code(lexicon))  # type: ignore[arg-type]
    writer = _Writer(plain)
    found = list(masks(plain, heading=heading))
    tokens = parts(plain)
    early = [mask for mask in found if mask.what in {"code", "url", "path", "time", "hash", "address", "date"}]
    _mask(writer, early)
    _phrases(writer, tokens, lexicon, kinds="E")
    _percentiles(writer, tokens)
    _mask(writer, found)
    _phrases(writer, tokens, lexicon, kinds="MSC")
    _unknown_names(writer, leading_letter=True)
    _numbers(writer, style, tokens, lexicon)
    _number_words(writer, tokens)
    _unknown_names(writer, leading_letter=False)
    _rest(writer)
    writer.tokens.sort(key=lambda token: token.start)
    line = _with_borrowed_units(_joined(_unknown_conditions(writer.tokens)))
    _settled_names(line)
    _trailing_options(line)
    return Reading(plain, line)


def _mask(writer: _Writer, found: list[Mask]) -> None:
    for mask in found:
        kind = "C" if mask.condition else "X"
        writer.add(
            Token(kind, mask.start, mask.end, writer.text[mask.start : mask.end], condition=mask.condition or ("", ""))
        )


def _phrases(writer: _Writer, tokens: list[Part], lexicon: Lexicon, *, kinds: str) -> None:
    at = 0
    while at < len(tokens):
        step = at + 1
        for end, meanings in reversed(lexicon.table.all(tokens, at)):
            meaning = min(
                (item for item in meanings if item.kind in kinds),
                key=lambda item: "EMSC".index(item.kind),
                default=None,
            )
            start, stop = tokens[at].start, tokens[end - 1].end
            if (
                meaning is not None
                and meaning.kind == "M"
                and writer.text[start:stop].lower() in {"times", "gap", "error", "failure"}
            ):
                continue
            if meaning is None or not _whole(writer.text, start, stop, meaning.kind) or not writer.free(start, stop):
                continue
            token = Token(meaning.kind, start, stop, writer.text[start:stop])
            value = meaning.value
            if isinstance(value, EntityRef):
                token.entity = value
            elif isinstance(value, MetricRef):
                if value.phrase == "load" and re.search(
                    r"\b(?:under|full|high|heavy|peak|system|of|in)\s+$", writer.text[:start], re.IGNORECASE
                ):
                    break
                if measures.scan(writer.text, start) and re.search(r"\d\s?$", writer.text[:start]):
                    break
                token.metric = _qualified(writer, value, tokens, at)
            elif isinstance(value, tuple):
                token.condition = value
            else:
                token.statistic = value
            if (
                token.kind == "S"
                and token.text.lower() in {"min", "mean", "media"}
                and _no_statistic(writer.text, token)
            ):
                break
            writer.add(token)
            step = end
            break
        at = step


def _no_statistic(text: str, token: Token) -> bool:
    before, after = text[: token.start], text[token.end :]
    if token.text.lower() == "min":
        return re.search(r"\d\s?$", before) is not None and re.match(r"\W*\d", after) is None
    if token.text.lower() == "mean":
        return re.search(r"\b(?:does|do|did|not|which|would|could|may|might|can|that)\s(?:not\s)?$", before) is not None
    return False


def _qualified(writer: _Writer, ref: MetricRef, tokens: list[Part], at: int) -> MetricRef:
    """A generic metric with a word before it that makes it another one ("disk throughput")."""
    if ref.phrase not in words.GENERIC or at == 0:
        return ref
    before = tokens[at - 1]
    gap = writer.text[before.end : tokens[at].start]
    if before.text in words.QUALIFIERS and not gap.strip(" -_"):
        phrase = f"{before.text} {ref.phrase}"
        return MetricRef(phrase, (phrase,))
    return ref


def _whole(text: str, start: int, end: int, kind: str) -> bool:
    """True where the span is no piece of a longer name."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or after.isalnum():
        return kind != "E" and before.isdigit() and not after.isalnum() and not before.isalpha()
    joined = text[end + 1 : end + 2]
    if kind == "E":
        if after and after in "-_:/.@+" and joined.isalnum():
            return (
                re.match(
                    r"-(?:based|powered|like|only|specific|class|style|family|series|backed)\b|/[A-Za-z]", text[end:]
                )
                is not None
            )
        return not (before and before in "-_:/.@+" and text[start - 2 : start - 1].isalnum())
    return not (after == "=" or (kind == "S" and after == ":" and joined.isalnum()))


def _percentiles(writer: _Writer, tokens: list[Part]) -> None:
    names = [token.text for token in tokens]
    for at in range(len(tokens)):
        found = percentile_at(names, at)
        if found is None or tokens[at].text == "q":
            continue
        start, end = tokens[at].start, tokens[found[1] - 1].end
        if _whole(writer.text, start, end, "S"):
            writer.add(Token("S", start, end, writer.text[start:end], statistic=found[0]))


def _numbers(writer: _Writer, style: Style, tokens: list[Part], lexicon: Lexicon) -> None:
    for numeral in numerals(writer.text, style=style):
        if not writer.free(numeral.start, numeral.end):
            continue
        after = writer.text[numeral.end :]
        end, readings = numeral.end, numeral.readings
        unit = measures.scan(writer.text, end)
        if unit is None or unit[0].text.lower() in {"m", "k"}:
            suffix = _SUFFIX.match(after)
            if suffix and not _SIZE.fullmatch(
                writer.text[numeral.start : end + 1]
                if suffix.group(1) == "M" and after[:1] == "M" and not re.match(r"M\s+[a-z]", after)
                else "-"
            ):
                scale = _SCALE[suffix.group(1).lower().rstrip(".")]
                readings = tuple(reading.scaled(Fraction(scale)) for reading in readings)
                end += suffix.end()
                unit = measures.scan(writer.text, end)
        if unit is None and re.match(r"[A-Za-z]", writer.text[end : end + 1]):
            continue
        stop = unit[1] if unit and writer.free(end, unit[1]) else end
        number = Number(
            readings[0], readings, writer.text[numeral.start : stop].strip(), unit[0] if unit and stop > end else None
        )
        number.noun = _noun(writer.text[stop:]) if number.measure is None else ""
        if unit and measures.singular(unit[0].text.lower()) in {"request", "token"}:
            number.noun = measures.singular(unit[0].text.lower())
        writer.add(Token("N", numeral.start, stop, number.text, number=number))


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


def _number_words(writer: _Writer, tokens: list[Part]) -> None:
    for at, part in enumerate(tokens):
        if not writer.free(part.start, part.end):
            continue
        if part.text in _MULTIPLES and (
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


def _spelled_number(writer: _Writer, tokens: list[Part], at: int) -> None:
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
    measure = measures.parse("x" if unit and unit.group().strip() != "percent" else "%") if unit else None
    stop = part.end + (unit.end() if unit else 0)
    number = Number(printed, (printed,), writer.text[part.start : stop], measure, "" if unit else noun)
    writer.add(Token("N", part.start, stop, number.text, number=number))


N_NOUNS = frozenset(
    [
        "run",
        "sample",
        "request",
        "repetition",
        "repeat",
        "trial",
        "iteration",
        "measurement",
        "call",
        "observation",
        "execution",
        "prompt",
        "query",
        "invocation",
        "round",
        "pass",
        "rep",
        "attempt",
        "question",
        "item",
    ]
)


def _unknown_names(writer: _Writer, *, leading_letter: bool) -> None:
    """Names with digits in them that nothing else explains; the first pass leaves those that begin with a digit."""
    text = writer.text
    for match in _FAMILY.finditer(text):
        if re.match(r"\w", text[match.end() : match.end() + 1]) or (match.start() and text[match.start() - 1] in "/\\"):
            continue
        end = _family_end(text, match.start(), match.end())
        bare = text[match.start() : end].lower()
        if not re.search(r"[\d:]", bare) and not _in_position(text, match.start(), end):
            continue
        name = text[match.start() : end]
        writer.add(Token("E", match.start(), end, name, entity=EntityRef(name, ())))
    for match in _NAME.finditer(text):
        name = match.group()
        if not re.search(r"\d", name) or not writer.free(match.start(), match.end()):
            continue
        if leading_letter and (name[0].isdigit() or re.fullmatch(r"[a-z]{3,}-\d+|[A-Za-z]+[:/]\d+(?:[.,]\d+)?", name)):
            continue
        head = re.match(r"[a-z]*", name.lower())
        base = name.lower()
        plain = base in words.HARDWARE or (head is not None and head.group() in words.HARDWARE | words.VERSIONED)
        if plain or _QUANT.fullmatch(name) or _SIZE.fullmatch(name) or re.fullmatch(r"[A-Z]\d{1,4}", name):
            kind = "Q" if _QUANT.fullmatch(name) and not plain else "X"
            subject = kind == "Q" and re.match(rf"\s+(?:variant|version|build|model)?\s*{_DOES}\b", text[match.end() :])
            if subject and not any(token.kind == "E" for token in writer.tokens):
                writer.add(Token("E", match.start(), match.end(), name, entity=EntityRef(name, ())))
            else:
                writer.add(Token("X", match.start(), match.end(), name))
            continue
        writer.add(Token("E", match.start(), match.end(), name, entity=EntityRef(name, ())))
    if leading_letter:
        return
    for match in _TASK.finditer(text):
        name = match.group(1)
        if name.lower() not in words.HARDWARE | words.VERSIONED | _NO_TASK:
            writer.add(Token("C", match.start(1), match.end(1), name, condition=(name.lower(), "")))
    for match in _CAMEL.finditer(text):
        after, before = text[match.end() :], text[: match.start()]
        if match.group().lower() in words.HARDWARE | words.VERSIONED | {
            "csv",
            "json",
            "tokens",
            "gpus",
            "cpus",
            "llms",
            "github",
        }:
            subject = re.match(rf"\s+{_DOES}\b", after) and not re.search(
                r"\b(?:with|on|using|via|under|in)\s+$", before
            )
            if not (subject and match.group().lower() in words.VERSIONED):
                continue
        if re.match(rf"\s+{_DOES}\b", after) or re.search(r"\b(?:of|for|than|by)\s+$", before):
            writer.add(Token("E", match.start(), match.end(), match.group(), entity=EntityRef(match.group(), ())))


def _in_position(text: str, start: int, end: int) -> bool:
    """True where a bare family name is spoken of: before a verb, or after "of", "than" and their like."""
    if re.match(rf"(?:['’]s)?\s+{_DOES}\b|['’]s\b", text[end:]):
        return True
    return re.search(
        r"\b(?:of|for|than|by|with|to|on|from|over|versus|vs\.?|against)\s+$", text[:start]
    ) is not None and not re.match(
        r"\s+(?:models?|famil\w+|variants?|experiments?|configurations?|compilation|series|benchmarks?)\b", text[end:]
    )


def _family_end(text: str, start: int, end: int) -> int:
    """Where the name of a model ends: a number with a unit after it is a measurement, not a version."""
    last = re.search(r"\s\d+(?:\.\d+)?$", text[start:end])
    if last is None:
        return end
    versioned = re.search(r"\d", text[start : start + last.start()]) is not None
    return start + last.start() if versioned or measures.scan(text, end) else end


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|[^\s\w]|\w+")


def _rest(writer: _Writer) -> None:
    for match in _WORD.finditer(writer.text):
        if writer.free(match.start(), match.end()):
            word = match.group()
            kind = "W" if word[0].isalnum() else "P"
            writer.add(Token(kind, match.start(), match.end(), word.lower().replace("’", "'")))


def _unknown_conditions(tokens: list[Token]) -> list[Token]:
    """An unknown name beside a known entity ("on GSM8K") is a condition that no fact has."""
    if not any(token.entity and token.entity.names for token in tokens):
        return tokens
    for at, token in enumerate(tokens):
        unknown = token.entity is not None and not token.entity.names and not re.search(r"[:]", token.text)
        if unknown and at and tokens[at - 1].text in {"on", "in", "under"} and not _FAMILY.match(token.text):
            token.kind, token.entity, token.condition = "C", None, (token.text.lower(), "")
    return tokens


def _settled_names(tokens: list[Token]) -> None:
    """A name that may be several entities is the one that the sentence names beside it ("the q8_0 build of NAME")."""
    known = {token.entity.names[0] for token in tokens if token.entity and token.entity.known}
    for token in tokens:
        if token.entity is not None and len(token.entity.names) > 1:
            common = known & set(token.entity.names)
            if len(common) == 1:
                token.entity = EntityRef(token.entity.text, tuple(common))


def _joined(tokens: list[Token]) -> list[Token]:
    """Tokens with `a range of options` and similar left as they are, and doubled entity mentions merged."""
    out: list[Token] = []
    for token in tokens:
        last = out[-1] if out else None
        if token.kind == "E" and last and last.kind == "E" and token.entity and last.entity:
            common = set(token.entity.names) & set(last.entity.names)
            if common and token.start - last.end <= 2:
                out[-1] = Token("E", last.start, token.end, f"{last.text} {token.text}",
                                entity=EntityRef(f"{last.text} {token.text}", tuple(sorted(common))))  # fmt: skip
                continue
        out.append(token)
    return out


def _with_borrowed_units(tokens: list[Token]) -> list[Token]:
    """Numbers of a list or range without a unit take the unit of the number after them ("1.8 and 1.9 s")."""
    links = {
        "and",
        "or",
        "to",
        "–",
        "-",
        "—",
        "/",
        ",",
        "vs",
        "versus",
        "±",
        "+/-",
        "→",
        "bis",
        "und",
        "(",
        "against",
        "‑",
        ".",
    }
    following: Token | None = None
    gap: list[str] = []
    names: list[str] = []
    for token in reversed(tokens):
        if token.kind == "N" and token.number is not None:
            near = (
                following is not None and following.number is not None and gap and set(gap) <= links and len(gap) <= 3
            )
            listed = names and set(gap) <= {",", "and", ":", ";"} and len(gap) + len(names) <= 4
            near = near or (
                listed and following is not None and following.number is not None and not following.number.noun
            )
            if near and token.number.measure is None and not token.number.noun and following and following.number:
                if following.number.measure is not None and following.number.measure.kind != "times":
                    token.number.measure, token.number.borrowed = following.number.measure, True
                elif following.number.noun and "of" not in gap:
                    token.number.noun = following.number.noun if set(gap) != {","} else ""
            following, gap, names = token, [], []
        elif token.kind in "ESC":
            names.append(token.text)
        else:
            gap.append(token.text)
    return _with_units_before(tokens)


_CARRIES = frozenset(
    [
        ",",
        "and",
        "or",
        "for",
        "with",
        "on",
        "at",
        "versus",
        "vs",
        "against",
        "compared",
        "to",
        "while",
        "whereas",
        "by",
        "of",
        "the",
        "but",
        ";",
        ":",
        "only",
        "just",
        "in",
        "average",
    ]
)


def _with_units_before(tokens: list[Token]) -> list[Token]:
    """ "127 ms for A and 97 for B": a bare number takes the unit of the number before it in a list of names."""
    previous: Number | None = None
    gap: list[Token] = []
    for token in tokens:
        if token.kind != "N" or token.number is None:
            gap.append(token)
            continue
        number = token.number
        texts = {item.text for item in gap if item.kind in "WP"}
        names = any(item.kind in "ESC" for item in gap) or bool(texts & {"versus", "vs", "against", "compared"})
        if previous is not None and number.measure is None and not number.noun and previous.measure is not None:
            if (
                names
                and texts <= _CARRIES
                and previous.measure.kind == "unit"
                and not any(item.kind == "M" for item in gap)
            ):
                number.measure, number.borrowed = previous.measure, True
        previous, gap = number, []
    return tokens


def _trailing_options(tokens: list[Token]) -> None:
    """`... than with 8` after an option with a value is the same option."""
    options = [
        token.condition
        for token in tokens
        if token.kind == "C" and token.condition[1] and token.condition[0] != "phase"
    ]
    if len({key for key, _ in options}) != 1:
        return
    for at, token in enumerate(tokens):
        if token.kind != "N" or token.number is None or token.number.measure or token.number.noun:
            continue
        before = [item.text for item in tokens[max(0, at - 3) : at]]
        if set(before) & {"than", "versus", "vs", "against"} and before[-1] in {
            "with",
            "at",
            "for",
            "than",
            "versus",
            "vs",
        }:
            value = token.number.text
            token.kind, token.condition, token.number = "C", (options[0][0], value), None
