"""What every prompt shares: the control word in line one, and how large a prompt is taken to be."""

from __future__ import annotations

from collections.abc import Sequence

from chimera_pipeline.analysis.menu import estimate_tokens
from chimera_pipeline.analysis.providers.protocol import Message
from chimera_pipeline.analysis.schema import WORD_KEY

MARGIN_TOKENS = 32
_TEMPLATE_TOKENS = 12
CONTROL_HINT = f'"{WORD_KEY}": as in the first line.'


def control(word: str) -> str:
    """The first line of a prompt: a word that must come back, in the form in which it must come back."""
    return f'"{WORD_KEY}":"{word}"'


def size(messages: Sequence[Message]) -> int:
    """A pessimistic token count of a prompt, the model's own template included."""
    return sum(estimate_tokens(item.content) + _TEMPLATE_TOKENS for item in messages)
