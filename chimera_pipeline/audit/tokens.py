"""The tokens of a sentence: entities, metrics, statistics, conditions, numbers, words, marks, and their form.

How a text becomes tokens is in `reading`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chimera_pipeline.audit.lexicon import EntityRef, MetricRef
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.numerals import Printed


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


class Writer:
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
        "configuration",
    ]
)
