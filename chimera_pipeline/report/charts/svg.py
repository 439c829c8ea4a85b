"""Drawing: scales, ticks and SVG elements. Geometry only; colours and type are classes of the page's style sheet.

Every text and attribute is escaped here, control and bidi characters are shown as their code points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from chimera_pipeline import redact

WIDTH = 640
LOG_FROM = 20.0
"""Positive values that span more than this ratio are drawn on a logarithmic scale."""


def text_of(value: object) -> str:
    """Text content, escaped."""
    return escape(redact.printable(str(value)))


def element(name: str, content: str = "", **attributes: object) -> str:
    """One element; attributes with value None are left out, `_` in a name becomes `-`, `cls` is the class."""
    parts = [name]
    for key, value in attributes.items():
        if value is not None:
            shown = _short(value) if isinstance(value, float) else redact.printable(str(value))
            parts.append(f"{'class' if key == 'cls' else key.replace('_', '-')}={quoteattr(shown)}")
    head = " ".join(parts)
    return f"<{head}>{content}</{name}>" if content else f"<{head}/>"


def text(x: float, y: float, words: object, cls: str | None = None, anchor: str | None = None) -> str:
    """A line of text; `anchor` is start (default), middle or end."""
    return element("text", text_of(words), x=x, y=y, cls=cls, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, cls: str) -> str:
    """A straight line."""
    return element("path", d=f"M{_short(x1)} {_short(y1)}L{_short(x2)} {_short(y2)}", cls=cls)


def polyline(points: Sequence[tuple[float, float]], cls: str) -> str:
    """Lines from point to point."""
    path = "L".join(f"{_short(x)} {_short(y)}" for x, y in points)
    return element("path", d=f"M{path}", cls=cls)


_SHAPES = {
    "dot": "h0",
    "mean": "m0-6l6 6l-6 6l-6-6z",
    "square": "m-5-5h10v10h-10z",
    "up": "m0-6l6 11h-12z",
    "down": "m0 6l6-11h-12z",
    "tick": "m0-6v12",
    "cross": "m-4-4l8 8m0-8l-8 8",
}


def mark(shape: str, x: float, y: float, cls: str) -> str:
    """A mark of a named shape: shapes differ wherever colours do."""
    return marks(shape, [(x, y)], cls)


def marks(shape: str, places: Sequence[tuple[float, float]], cls: str) -> str:
    """Marks of one shape and class as one path; a dot is a line of no length with a round end."""
    path = "".join(f"M{_short(x)} {_short(y)}{_SHAPES[shape]}" for x, y in places)
    return element("path", d=path, cls=f"dot {cls}" if shape == "dot" else cls)


def _short(value: float) -> str:
    return f"{round(value, 1):g}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to places: [low, high] onto [start, end], linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value."""
        low, high, value = (math.log10(v) for v in (self.low, self.high, value)) if self.log else (
            self.low, self.high, value,
        )  # fmt: skip
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values inside the scale."""
        return log_ticks(self.low, self.high, most) if self.log else linear_ticks(self.low, self.high, most)


def scale(values: Sequence[float], start: float, end: float, *, log: bool | None = None) -> Scale:
    """A scale that holds all values with a margin. Logarithmic by itself where they span more than LOG_FROM."""
    low, high = min(values), max(values)
    if log is None:
        log = low > 0 and high / low > LOG_FROM
    if log:
        return Scale(low / 1.15, high * 1.15, start, end, log=True)
    margin = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
    floor = 0.0 if low >= 0 and low - margin < 0 else low - margin
    return Scale(floor, high + margin, start, end)


def linear_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten in [low, high]."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step - 1e-9)
    return [float(f"{i * step:.10g}") for i in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Powers of ten in [low, high], with 2 and 5 between them where there is room."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [float(f"{factor}e{e}") for e in exponents for factor in factors if low <= factor * 10.0**e <= high]
        if len(found) <= most:
            break
    if len(found) < 2:
        return linear_ticks(low, high, most)
    return found[:: math.ceil(len(found) / most)]


def tick_label(value: float) -> str:
    """A tick as it is printed: no more digits than it has."""
    return (
        f"{value:,.0f}" if abs(value) >= 1e4 else (f"{value:g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.0e}")
    )


def fit(words: str, width: float, size: float = 12.0) -> str:
    """Text cut at the end so that it takes about `width`, with an ellipsis; the table beside the chart has it whole."""
    most = max(int(width / (size * 0.56)), 4)
    return words if len(words) <= most else words[: most - 1].rstrip(", ") + "…"


def picture(height: float, title: str, desc: str, body: str, name: str) -> str:
    """A whole drawing with its title and description for those who do not see it."""
    head = element("title", text_of(title), id=f"{name}-t") + element("desc", text_of(desc), id=f"{name}-d")
    return element(
        "svg", head + body, viewBox=f"0 0 {WIDTH} {_short(height)}", role="img",
        aria_labelledby=f"{name}-t {name}-d", cls="chart",
    )  # fmt: skip
