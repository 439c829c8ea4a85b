"""A sentence that repeats, word for word, what the table of facts tells of a fact that it cites.

Column `text` is part of the table: its numbers hold where all of it stands in the sentence, and only there. A single
word or digit that differs leaves the sentence to the ordinary reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.judging import says, supported
from chimera_pipeline.audit.lexicon import EntityRef, MetricRef
from chimera_pipeline.audit.numerals import numerals
from chimera_pipeline.audit.phrases import Part, parts
from chimera_pipeline.audit.sentence_state import Draft
from chimera_pipeline.audit.tokens import Number, Reading

_DATE = re.compile(
    r"\b\d{4}-\d{2}(?:-\d{2})?\b|\b\d{2}:\d{2}(?::\d{2})?\b|\b\d+(?:\.\d+)? %(?= (?:confidence )?interval)"
)


def told_by_fact(reading: Reading, cited: Sequence[FactView]) -> list[Draft]:
    """Claims of the cited facts' own sentences, where they stand in `reading`; their tokens become marks."""
    found: list[Draft] = []
    tokens = parts(reading.text)
    for fact in cited:
        at = next(filter(None, (_find(tokens, text) for text in _spellings(fact, tokens))), None)
        if at is None:
            continue
        start, end = tokens[at.start].start, tokens[at.stop - 1].end
        found += _drafts(reading.text[start:end], fact)
        for token in reading.tokens:
            if start <= token.start < end:
                token.kind, token.entity, token.metric, token.statistic, token.number = "X", None, None, "", None
                token.condition = ("", "")
    return found


def _spellings(fact: FactView, tokens: Sequence[Part]) -> Iterator[str]:
    """The fact's text; and the same without its condition, where that stands beside it once for all its places."""
    text = fact.text.rstrip(".")
    yield text
    options = fact.condition.split(", ")
    if fact.condition and all(_find(tokens, option, fewest=1) is not None for option in options):
        yield text.replace(f" ({fact.condition})", "")


def _find(tokens: Sequence[Part], text: str, *, fewest: int = 6) -> range | None:
    """Where the words of `text` stand among the tokens; a text of fewer words says too little to be known by it."""
    texts, wanted = [token.text for token in tokens], [part.text for part in parts(text)]
    if len(wanted) < fewest:
        return None
    places = range(len(texts) - len(wanted) + 1)
    return next((range(at, at + len(wanted)) for at in places if texts[at : at + len(wanted)] == wanted), None)


def _drafts(text: str, fact: FactView) -> list[Draft]:
    """Every numeral outside names and dates."""
    hidden = [match.span() for match in _DATE.finditer(text)]
    for name in filter(None, (fact.entity, fact.condition, fact.baseline)):
        pattern = r"[\W_]*".join(re.escape(part.text) for part in parts(name))
        hidden += [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]
    frame = Frame(MetricRef(fact.phrase, (fact.key,)), fact.statistic, EntityRef(fact.entity, (fact.entity,)))
    return [
        Draft(Number(number.printed, (number.printed,), number.text, None), frame, "told", "eq",
              supported(f"the fact's own words: {says(fact)}", fact), number.text)
        for number in numerals(text)
        if not any(start <= number.start < end for start, end in hidden)
    ]  # fmt: skip
