"""What a sentence or table stands under, as a frame: headings, title block, list items, lead-ins, the sentence before.

The nearest text that names something wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.lexicon import Lexicon, measures_only
from chimera_pipeline.audit.reading import read
from chimera_pipeline.audit.tokens import Reading
from chimera_pipeline.audit.words import FAMILIES

_PRONOUNS = ("it ", "its ", "this ", "that ", "the value", "the figure", "the number", "they ", "here", "both ")


def own_frame(reading: Reading, *, strict: bool = True) -> Frame:
    """What a text names: its entity where it names one only, its last metric with statistic and conditions.

    `strict` leaves out names that no fact knows and that do not look like a model.
    """
    entities = [token.entity for token in reading.tokens if token.entity is not None]
    if strict:
        entities = [
            entity for entity in entities if entity.known or (not entity.names and looks_like_model(entity.text))
        ]
    names = {entity.names or (entity.text.lower(),) for entity in entities}
    metrics = [token.metric for token in reading.tokens if token.metric is not None]
    metrics = [metric for metric in metrics if not measures_only(metric.phrase)] or metrics
    statistics = [token.statistic for token in reading.tokens if token.kind == "S"]
    conditions = {token.condition[0]: token.condition[1] for token in reading.tokens if token.kind == "C"}
    return Frame(
        metrics[-1] if metrics else None,
        statistics[-1] if statistics else None,
        entities[0] if len(names) == 1 else None,
        tuple(conditions.items()),
    )


def looks_like_model(text: str) -> bool:
    """True for NAME:TAG and for names of known model families."""
    lower = text.lower()
    return ":" in text or (any(lower.startswith(name) for name in FAMILIES) and any(char.isdigit() for char in text))


class Scopes:
    """Frames of scope texts, each read once."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._frames: dict[str, Frame] = {}

    def frame(self, texts: Sequence[str]) -> Frame:
        """The frame of nested texts, inner ones first."""
        frame = Frame()
        for text in reversed(texts):
            if text not in self._frames:
                self._frames[text] = self._read(text)
            frame = frame.filled(self._frames[text])
        return frame

    def _read(self, text: str) -> Frame:
        reading = read(text[:400], self._lexicon, heading=True)
        frame = own_frame(reading)
        if not (frame.metric is not None and "files" in frame.metric.keys) and any(
            token.kind in "WEM" for token in reading.tokens
        ):  # "Text generation" is no heading over the text files
            kept = tuple(pair for pair in frame.conditions if pair not in self._lexicon.of_files)
            frame = replace(frame, conditions=kept)
        numbers = any(token.kind == "N" for token in reading.tokens)
        if numbers and len(text) > 80:
            return Frame(entity=frame.entity)
        return frame


def after(reading: Reading, before: Frame) -> Frame:
    """What a sentence leaves to the next one of its paragraph."""
    entity = next(
        (token.entity for token in reading.tokens if token.entity is not None and len(token.entity.names) < 2), None
    )
    frame = own_frame(reading)
    return Frame(frame.metric, None, entity or before.entity, ())


def carried(previous: Frame, text: str, scope: Frame) -> Frame:
    """The scope of a sentence: its entity from the sentence before; the metric only where a pronoun refers to it."""
    kept = previous if text.lower().startswith(_PRONOUNS) else replace(previous, metric=None)
    return kept.filled(scope)
