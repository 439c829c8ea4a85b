"""What is no claim: spans of a sentence whose digits name something instead of measuring it.

Dates, times, versions, numbered things, paths, hashes, options and their values, hardware. Works on one sentence of
equal-length cleaned text, so that every offset stays valid. Options come back as conditions.
"""

from __future__ import annotations

# A pattern or a list of phrases is read whole.
# ruff: noqa: E501
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from chimera_pipeline.audit import measures, words
from chimera_pipeline.audit.facts_view import plain_value
from chimera_pipeline.redact import OPTION_KEYS

_BLANK = " "


@dataclass(frozen=True, slots=True)
class Mask:
    """A span that is no claim; `condition` where it states an option."""

    start: int
    end: int
    what: str
    condition: tuple[str, str] | None = None


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + _BLANK * (end - start) + text[end:]


_LINK = re.compile(r"!?\[([^\]\n]*)\]\(([^)\n]*)\)|\[([^\]\n]+)\]\[[^\]\n]*\]")
_CITATION = re.compile(
    r"\[\^[\w-]+\]|\[(?:[A-Z]{1,3}[-_ ]?\d+|\d{1,3})(?:\s*[,;–-]\s*(?:[A-Z]{0,3}[-_ ]?\d{1,4}))*\]"
    r"|\((?:fact |ref\.? |source |see )?[A-Z]-?\d{2,5}(?:\s*[,;]\s*[A-Z]-?\d{2,5})*\)"
)
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>")
_CODE = re.compile(r"(`+)(.+?)\1")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&le;": "≤", "&ge;": "≥", "&plusmn;": "±", "&times;": "×", "&nbsp;": " ", "&asymp;": "≈",
             "&micro;": "µ", "&minus;": "−", "&ndash;": "–", "&amp;": "&", "&thinsp;": " "}  # fmt: skip


def clean(text: str, keeps_code: Callable[[str], bool]) -> str:
    """`text` without markup, of equal length. Inline code stays where `keeps_code` says so."""
    for name, mark in _ENTITIES.items():
        text = text.replace(name, mark + _BLANK * (len(name) - 1))
    for match in list(_LINK.finditer(text)):
        if match.group().startswith("!"):
            text = _blank(text, match.start(), match.end())
            continue
        group = 1 if match.group(1) is not None else 3
        if _CITATION.fullmatch(f"[{match.group(group)}]"):
            text = _blank(text, match.start(), match.end())
            continue
        text = _blank(text, match.start(), match.start(group))
        text = _blank(text, match.end(group), match.end())
    for match in list(_CODE.finditer(text)):
        ticks = len(match.group(1))
        if keeps_code(match.group(2).strip()):
            text = _blank(text, match.start(), match.start() + ticks)
            text = _blank(text, match.end() - ticks, match.end())
        else:
            text = text[: match.start()] + "\ue000" * (match.end() - match.start()) + text[match.end() :]
    for match in list(_CITATION.finditer(text)):
        if not re.search(r"(?:interval|CI|KI)\W{0,3}$", text[: match.start()]):
            text = _blank(text, match.start(), match.end())
    for match in list(_TAG.finditer(text)):
        text = _blank(text, match.start(), match.end())
    text = re.sub(r"\\(?=[^\w\s]|_)", _BLANK, text)
    text = re.sub(r"(?<!\d)\*+|\*+(?!\s?\d)|~~", lambda found: _BLANK * len(found.group()), text)
    text = re.sub(r"(?<!\w)_+(?=\S)|(?<=\S)_+(?!\w)", lambda found: _BLANK * len(found.group()), text)
    return "".join(str(int(char)) if char.isdecimal() and not char.isascii() else char for char in text)


_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|"
    r"Nov(?:ember)?|Dec(?:ember)?|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember|janvier|février|mars|avril|mai|juin|"
    r"juillet|août|septembre|octobre|novembre|décembre)\.?"
)
_EXT = r"(?:csv|jsonl?|md|txt|ya?ml|py|html?|log|parquet|gguf|toml|png|svg|pdf|xml|ipynb|sh|ps1|rs|bin|pt|onnx|tsv|gz|zip|lock|ini|cfg|db|safetensors)"
_SIMPLE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("code", re.compile("\ue000+")),
    ("url", re.compile(r"\b(?:https?|ftp|s3|file|gs)://\S+|\bwww\.\S+|\b[\w.+-]+@[\w-]+\.[\w.]+\b|\blocalhost:\d+\S*")),
    ("uuid", re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b0x[0-9a-fA-F]+\b", re.IGNORECASE)),
    ("standard", re.compile(r"\b(?:ISO|RFC|IEC|IEEE|DIN|PEP|CVE|GDPR)(?:/IEC)?[-\s]?\d+(?:[-:]\d+)*\b")),
    ("address", re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b")),
    ("path", re.compile(rf"(?<![\w/\\])(?:[A-Za-z]:)?[\w.~-]*[/\\][\w./\\-]*\.{_EXT}\b|[\w.-]*\w\.{_EXT}\b(?![\w/])|(?<!\S)(?:\.{{0,2}}/)?(?:[\w.-]+/){{2,}}[\w.-]*")),
    ("time", re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:\s?(?:Z\b|UTC|[+-]\d{2}:?\d{2}))?")),
    ("date", re.compile(r"\b(?:19|20)\d{2}-(?:W\d{2}|Q[1-4]|\d{2}(?:-\d{2})?)\b|\b\d{4}/\d{1,2}/\d{1,2}\b|\b\d{1,2}[./]\d{1,2}[./](?:19|20)?\d{2}\b(?![.\d])|\b(?:19|20)\d{6}[-_T]?(?:\d{6})?\b")),
    ("date", re.compile(rf"\b(?:\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?)?{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:19|20)\d{{2}}\b|\b(?:\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?)?{_MONTH},?\s+(?:19|20)\d{{2}}\b|\b\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?{_MONTH}(?!\w)|\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?!\.\d)")),
    ("date", re.compile(r"\bQ[1-4][\s/-]?(?:19|20)\d{2}\b|\b(?:19|20)\d{2}[\s/-]Q[1-4]\b|\b(?:19|20)\d{2}\s?[-–]\s?(?:19|20)\d{2}\b|\bweeks?\s\d{1,2}\b|\b(?:19|20)\d{2}s\b")),
    ("date", re.compile(r"(?i:\b(?:in|since|during|until|by|of|from|to|year|summer|winter|spring|autumn|early|late|mid|through|before|after)[\s-]+)(?:19|20)\d{2}\b(?![.,]?\d|\s?(?:tok|ms|s\b|files|requests|rows|µs|%|x\b))|\((?:19|20)\d{2}\)|©\s?(?:19|20)\d{2}")),
    ("time", re.compile(r"(?<![\d.])\b\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?\s?(?:[ap]\.?m\b\.?|UTC|GMT|CET|CEST|EST|Z\b|h\b)?")),
    ("version", re.compile(r"\bv\.?\s?\d+(?:\.\d+)*(?:[-+.]?(?:rc|a|b|alpha|beta|dev|post)\.?\d*)?\b(?!\s?tok)", re.IGNORECASE)),
    ("version", re.compile(r"(?<![\d.,])(?!\d{1,3}(?:\.\d{3})+(?!\d))\d+\.\d+\.\d+(?:[.\-+]\w+)*")),
    ("hash", re.compile(r"\b(?:sha256:)?(?=[0-9a-f]{0,63}\d)(?=[0-9a-f]{0,63}[a-f])(?!\d+e\d+\b)[0-9a-f]{7,64}\b")),
    ("mark", re.compile(r"(?<![\w&])#\s?\d+\b|§+\s?\d+(?:\.\d+)*|\b(?:[Nn]o|[Nn]r|№)\.\s?\d+\b")),
    ("bits", re.compile(r"\b\d+(?:\.\d+)?[-\s]?bits?\b|(?<![\d.,])\d+(?:/\d+)?-(?:core|way|layer|head|token|shot|gpu|node|thread|dimensional|point|factor|byte|column|stage|hop|page|year|week|day|month|hour|bit|pin|lane|phase|step)s?\b(?<=[a-z])", re.IGNORECASE)),
    (
        "hardware",
        re.compile(r"\b\d{1,2}\s?[x×]\s(?=(?:NVIDIA|AMD|Intel|RTX|GTX|GPU|CPU|[AH]\d{2,3}\b|GeForce|Tesla))"),
    ),
    ("hardware", re.compile(r"\b(?:machine|server|host|laptop|desktop|workstation|box|instance|VM|PC|node)s?\s(?:with|having)\s(?:[\w-]+\s){0,4}?\d+\s?[GT]i?B(?:\s(?:of\s)?(?:RAM|memory|VRAM|DDR\d))?", re.IGNORECASE)),
    ("mark", re.compile(r"(?<![\w.])\d+(?:\.\d+)?-0\d{2,}\b")),
    ("size", re.compile(r"(?<![\d.,])\b\d+\s?[x×]\s?\d+(?:\s?[x×]\s?\d+)*(?![\w^⁻⁺⁰¹²³⁴-⁹])(?!\.\d)(?!\s?(?:faster|slower|higher|lower|more|less))")),
    ("top", re.compile(r"\b[Tt]op[-\s]\d+\b|\bpass@\d+|\b24/7\b|\b\d{1,2}:\d{1,2}\b|\bfirst \d+ (?=prompts|lines)")),
    ("ordinal", re.compile(r"\b\d+(?:st|nd|rd|th)\b(?!\s*(?:percentile|quantile|pctl|perzentil))", re.IGNORECASE)),
    ("confidence", re.compile(r"\b\d{2}(?:\.\d+)?\s?%?[-\s]*(?=(?:confidence\s)?(?:CI|KI|confidence|credible|bootstrap|interval|Konfidenz\w*)\b)|\bconfidence\s(?:level\s)?(?:of\s)?\d{2}(?:\.\d+)?\s?%|\b(?:CI|confidence)\s?\d{2}\s?%|\bCI\d{2}\b(?!\.)|\bα\s?=\s?0?\.\d+", re.IGNORECASE)),
    ("model size", re.compile(r"\b\d+(?:\.\d+)?\s?[BM]\b(?=\s?(?:param|model|variant|version|weights|checkpoint|class|size))|\b\d+(?:\.\d+)?\s?(?:billion|million)[\s-]param\w+", re.IGNORECASE)),
)  # fmt: skip


def masks(text: str, *, heading: bool) -> Iterator[Mask]:
    """The spans of cleaned `text` that are no claims; earlier ones win where they overlap."""
    for what, pattern in _SIMPLE[:12]:
        for match in pattern.finditer(text):
            yield Mask(match.start(), match.end(), what)
    yield from _leading(text, heading=heading)
    yield from _options(text)
    for what, pattern in _SIMPLE[12:]:
        for match in pattern.finditer(text):
            yield Mask(match.start(), match.end(), what)
    yield from _named(text)


def _leading(text: str, *, heading: bool) -> Iterator[Mask]:
    pattern = (
        r"\s*[(\[]?\d+(?:\.\d+)*[.)\]:]?\s+(?=[^\W\d_])" if heading else r"\s*\(?\d{1,3}(?:\.\d{1,2})*[.)]\s+(?=\D|$)"
    )
    match = re.match(pattern, text)
    if match and not (heading and measures.scan(text, match.end() - 1)):
        yield Mask(match.start(), match.end(), "list number")
    if "(1)" in text and "(2)" in text:
        for found in re.finditer(r"\(\d\)", text):
            yield Mask(found.start(), found.end(), "list number")


_VALUE = r"[-−]?\d+(?:[.,]\d+)?[kK]?"
_LIST = rf"{_VALUE}(?:\s*(?:and|or|/|to|vs\.?|versus|–|-|→)\s*{_VALUE}(?!\d|[.,]\d)(?!\s?(?:%|x\b|[µmun]?s\b|tok|req|[KMGT]i?B\b|W\b|J\b|seconds|milli|percent)))*"
_SERIES = rf"{_VALUE}(?:\s*(?:,\s*and|,|and|or|/)\s*{_VALUE}(?![\d.]))+"
_KEYS = "|".join(re.escape(key).replace(r"\ ", r"[\s_-]") for key in sorted(words.OPTIONS, key=len, reverse=True))
_OPTION = re.compile(
    rf"(?<![\w-])({_KEYS})(?:s\s+(?:of\s+)?({_SERIES})|s?\s*\(\s*({_SERIES})|"
    rf"s?(?:\s*[=:]\s*|\s*\(\s*|\s+(?:(?:values?|sampling|level|of|is|was|set|to|at|limited|fixed|from|=)\s+){{0,3}})({_LIST}))"
    r"(?![\w.]*\d)(?:\s?(?:tokens?|layers?|s|ms|seconds|minutes|threads)\b)?",
    re.IGNORECASE,
)
_OPTION_NOUN = re.compile(
    rf"\b(?:(\d+)\s(?:to|and|or|vs\.?|versus|→|–)\s)?(\d+|{'|'.join(('one', 'two', 'four', 'eight', 'sixteen'))})\s+({'|'.join(words.OPTION_NOUNS)})s?\b",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"\b(\d[\d,]*)[\s-](?:token\s+context|tokens?\s+of\s+context|context\s+tokens)\b(?:\s+(?:window|size|length))?",
    re.IGNORECASE,
)
_PAIRS = re.compile(r"(?<![\w.])(?:[A-Za-z]\w*=[\w.:/+-]+)(?:,\s*[A-Za-z]\w*=[\w.:/+-]+)+")
_PAIR = re.compile(r"([A-Za-z]\w*)=([\w.:/+-]+)")
_STATED = frozenset(["n", "N", "p", "q", "sd", "SD", "mean", "median", "min", "max", "std"])
_ANY_PAIR = re.compile(r"(?<![\w.])-{0,2}([A-Za-z]\w*_\w+|[a-z]+[A-Z]\w*)\s*[=:]\s*(-?\d[\d.]*)\b")


def _options(text: str) -> Iterator[Mask]:
    for match in _OPTION.finditer(text):
        key = words.OPTIONS.get(re.sub(r"[\s_-]", " ", match.group(1).lower()))
        key = (
            key
            or words.OPTIONS.get(match.group(1).lower().replace(" ", "_"))
            or words.OPTIONS.get(match.group(1).lower())
        )
        values = re.findall(_VALUE, match.group(2) or match.group(3) or match.group(4))
        after = text[match.end() :]
        if key == "temperature" and re.match(r"\s?(?:°|[CFK]\b|degrees)", after):
            continue
        if key in {"timeout", "num_ctx"} and re.match(r"\s?(?:tok/s|tokens?/s|%|x\b)", after):
            continue
        condition = (key, "|".join(map(plain_value, values))) if key and 0 < len(values) < 4 else None
        step = re.search(r"\bfrom\s.*?(?=\s+to\b)", match.group())
        if key and step and len(values) == 2:
            yield Mask(match.start(), match.start() + step.end(), "option", (key, plain_value(values[0])))
            yield Mask(match.start() + step.end() + 1, match.end(), "option", (key, plain_value(values[1])))
            continue
        yield Mask(match.start(), match.end(), "option", condition)
    for match in _OPTION_NOUN.finditer(text):
        from chimera_pipeline.audit.numerals import WORDS

        value, key = match.group(2).lower(), words.OPTION_NOUNS[match.group(3).lower()]
        if match.group(1):
            yield Mask(match.start(1), match.end(1), "option", (key, plain_value(match.group(1))))
        yield Mask(match.start(2), match.end(), "option", (key, plain_value(str(WORDS.get(value, value)))))
    for match in _CONTEXT.finditer(text):
        yield Mask(match.start(), match.end(), "option", ("num_ctx", plain_value(match.group(1))))
    for match in _PAIRS.finditer(text):
        pairs = [pair for pair in _PAIR.finditer(match.group()) if pair.group(1) not in _STATED]
        if len(pairs) < 2 or not any(pair.group(1) in OPTION_KEYS for pair in pairs):
            continue
        for pair in pairs:
            start, end = match.start() + pair.start(), match.start() + pair.end()
            key = words.OPTIONS.get(pair.group(1).lower(), pair.group(1).lower())
            yield Mask(start, end, "option", (key, plain_value(pair.group(2))))
    for match in _ANY_PAIR.finditer(text):
        if match.group(1).lower() not in words.OPTIONS and "tok" not in match.group(1).lower():
            yield Mask(match.start(), match.end(), "option", (match.group(1).lower(), plain_value(match.group(2))))


_COUNTS_OF_RUNS = frozenset(("run", "sample", "request", "repetition", "iteration", "trial", "file", "token", "row"))


def named_options(keys: Iterable[str]) -> re.Pattern[str] | None:
    """The pattern of options that only the facts know ("vus=50", "50 to 200 vus"), by the keys of their conditions."""
    known = {key for key in keys if len(key) > 2 and key not in words.OPTIONS.values()}
    known = {key for key in known if measures.singular(key) not in _COUNTS_OF_RUNS}
    if not known:
        return None
    names = "|".join(re.escape(key).replace("_", r"[\s_-]") for key in sorted(known, key=lambda key: (-len(key), key)))
    value = r"\d+(?:[.,]\d+)?(?![\w]|[.,]\d)"
    return re.compile(
        rf"(?<![\w-])(?P<key>{names})\s*(?:[=:]\s*|\s(?:of\s|is\s|at\s)?)(?P<value>{value})|"
        rf"(?<![\w.,])(?P<before>{value})\s(?P<named>{names})(?![\w=:])",
        re.IGNORECASE,
    )


def stated_options(text: str, pattern: re.Pattern[str] | None) -> Iterator[Mask]:
    """The options of `named_options` in `text`, each as a condition."""
    for match in pattern.finditer(text) if pattern else ():
        key = re.sub(r"[\s-]", "_", (match["key"] or match["named"]).lower())
        yield Mask(match.start(), match.end(), "option", (key, plain_value(match["value"] or match["before"])))


_VERSIONED = re.compile(
    rf"\b({'|'.join(words.VERSIONED)})[\s:=*-]+(?:version\s+)?\d+(?:\.\d+)*(?:\.x)?\b(?![.,]?\d|\s?(?:tok|ms|%))",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    rf"\b({'|'.join(words.NUMBERED)})\.?[\s#-]+(\d+(?:\.\d+)*(?:\s?(?:,|and|to|–|-|or|&)\s?\d+(?:\.\d+)*)*)(?:\sof\s\d{1, 3}(?=[,;.)\s]*(?:$|[,;)])))?(?![.,]?\d|\s?%)",
    re.IGNORECASE,
)
_HARDWARE = re.compile(
    r"\b(?:RTX|GTX|RX|Arc|Radeon|GeForce|Ryzen(?:\s\d)?|Xeon|Core(?:\si\d)?|EPYC|Tesla|Quadro|MI|TPU|Threadripper)\s?[A-Z]?\d{1,5}\w*(?:\s(?:Ti|SUPER|Super|Laptop))?"
)


def _named(text: str) -> Iterator[Mask]:
    for match in _HARDWARE.finditer(text):
        yield Mask(match.start(), match.end(), "hardware")
    for match in _VERSIONED.finditer(text):
        if measures.scan(text, match.end()) or re.match(r"\s*(?:±|\+/-)", text[match.end() :]):
            continue
        yield Mask(match.start(), match.end(), "version")
    for match in _NUMBERED.finditer(text):
        word = match.group(1).lower()
        numbered = word in {"section", "sections", "table", "tables", "figure", "figures", "fig", "chapter", "appendix"}
        if not numbered and ("." in match.group(2) or _measured(text, match.end())):
            continue
        yield Mask(match.start(), match.end(), "number of a thing")


def _measured(text: str, end: int) -> bool:
    if measures.scan(text, end):
        return True
    after = re.match(r"\s+(?:\w+\s+){0,2}?(\w+)", text[end:])
    return after is not None and any(
        measures.singular(word) in measures.COUNTED for word in re.findall(r"\w+", after.group())
    )
