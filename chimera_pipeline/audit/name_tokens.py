"""Names that no fact knows, and names that may be several: what a sentence speaks of besides known entities."""

from __future__ import annotations

import re

from chimera_pipeline.audit import measures, words
from chimera_pipeline.audit.lexicon import EntityRef
from chimera_pipeline.audit.tokens import Token, Writer

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


_TASK_FIRST = re.compile(
    r"(?:^|[.;,]\s+)(?:On|In|on|in)\s+(?:the\s+)?([A-Z][A-Z0-9-]+|[A-Z][a-z]+[A-Z]\w*)\b"
    r"(?=[^;]*(?:\bscor\w+|\baccura\w+|\bexact match|\bperplexity|\bcorrect))"
)


_TASK_NAMED = re.compile(
    r"\b([A-Z][A-Z0-9-]+|[A-Z][a-z]+[A-Z]\w*)\s+(?:test\s+|average\s+|mean\s+)?"
    r"(?:accuracy|scores?|exact match|perplexity|pass@1)\b"
)


_NO_TASK = frozenset(
    ["cpu", "gpu", "gpus", "cpus", "ttft", "json", "csv", "ram", "vram", "gb", "api", "llm", "us", "eu", "utc"]
)


def unknown_names(writer: Writer, *, leading_letter: bool) -> None:
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
    for match in (*_TASK.finditer(text), *_TASK_FIRST.finditer(text), *_TASK_NAMED.finditer(text)):
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
            acts = re.match(rf"\s+{_DOES}\b", after) and not re.search(r"\b(?:with|on|using|via|under|in)\s+$", before)
            if not (acts and match.group().lower() in words.VERSIONED):
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


def unknown_conditions(tokens: list[Token]) -> list[Token]:
    """An unknown name beside a known entity ("on GSM8K") is a condition that no fact has."""
    if not any(token.entity and token.entity.names for token in tokens):
        return tokens
    for at, token in enumerate(tokens):
        unknown = token.entity is not None and not token.entity.names and not re.search(r"[:]", token.text)
        if unknown and at and tokens[at - 1].text in {"on", "in", "under"} and not _FAMILY.match(token.text):
            token.kind, token.entity, token.condition = "C", None, (token.text.lower(), "")
    return tokens


_NO_NAME = frozenset(
    (
        "the",
        "a",
        "an",
        "and",
        "or",
        "but",
        "while",
        "for",
        "of",
        "on",
        "in",
        "with",
        "by",
        "from",
        "to",
        "at",
        "as",
        "than",
        "vs",
        "versus",
        "against",
        "only",
        "both",
        "also",
        "however",
        "here",
        "its",
        "our",
        "plain",
        "command",
        "tool",
        "using",
    )
)


def compound_names(tokens: list[Token]) -> list[Token]:
    """ "git grep ran in ...": a sentence that begins in lower case with a word before a plain name has another name."""
    if len(tokens) < 2:
        return tokens
    first, second = tokens[:2]
    plain = second.kind == "E" and second.text.isalpha() and second.text.islower() and second.start == first.end + 1
    if first.kind != "W" or not plain or first.text in _NO_NAME or not first.text.isalpha():
        return tokens
    name = f"{first.text} {second.text}"
    return [Token("E", first.start, second.end, name, entity=EntityRef(name, ())), *tokens[2:]]


def settled_names(tokens: list[Token]) -> None:
    """A name that may be several entities is the one that the sentence names beside it ("the q8_0 build of NAME")."""
    known = {token.entity.names[0] for token in tokens if token.entity and token.entity.known}
    for token in tokens:
        if token.entity is not None and len(token.entity.names) > 1:
            common = known & set(token.entity.names)
            if len(common) == 1:
                token.entity = EntityRef(token.entity.text, tuple(common))


def joined(tokens: list[Token]) -> list[Token]:
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
