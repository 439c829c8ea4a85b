"""Charts as SVG: one function a kind. In: a chart of `choose`. Out: one `<svg>` with title and description."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping
from typing import Any

from chimera_pipeline import wording
from chimera_pipeline.report.charts import svg

ROW = 36.0
_EDGE = 12.0


def drawing(chart: Mapping[str, Any]) -> str:
    """The SVG of a chart."""
    height, body = {"rows": _rows, "trend": _trend, "front": _front, "heat": _heat}[chart["kind"]](chart)
    return svg.picture(height, chart["title"], chart["desc"], body, chart["name"])


def _rows(chart: Mapping[str, Any]) -> tuple[float, str]:
    """A row a series: its name above, its marks on one common scale below."""
    values = [mark["at"] for row in chart["rows"] for mark in row["marks"]]
    values += [bar[end] for row in chart["rows"] for bar in row["bars"] for end in ("from", "to")]
    if chart["reference"] is not None:
        values.append(chart["reference"])
    scale = svg.scale(values, _EDGE, svg.WIDTH - _EDGE, log=chart["log"])
    bottom = len(chart["rows"]) * ROW + 6
    out = [_axis_below(scale, 0, bottom, chart["axis"])]
    if chart["reference"] is not None:
        at = scale.at(chart["reference"])
        out.append(svg.line(at, 0, at, bottom, "ref"))
    for i, row in enumerate(chart["rows"]):
        out.append(_row(row, scale, i * ROW + 14))
    return bottom + 38, "".join(out)


def _row(row: Mapping[str, Any], scale: svg.Scale, y: float) -> str:
    values = row["value"]
    room = svg.WIDTH - 2 * _EDGE - len(values) * 7 - 16
    name = svg.fit(str(row["name"]), room)
    about = svg.fit(str(row["about"]), room - len(name) * 7 - 8) if room - len(name) * 7 > 60 and row["about"] else ""
    words = svg.text_of(name) + (svg.element("tspan", svg.text_of("  " + about), cls="soft") if about else "")
    out = [svg.element("text", words, x=_EDGE, y=y - 2), svg.text(svg.WIDTH - _EDGE, y - 2, values, "num", "end")]
    track = y + 11
    out.append(svg.line(_EDGE, track, svg.WIDTH - _EDGE, track, "track"))
    for bar in row["bars"]:
        start, end = scale.at(bar["from"]), scale.at(bar["to"])
        out.append(svg.line(start, track, end, track, bar["class"]))
        out.append(svg.mark("tick", start, track, "cap") + svg.mark("tick", end, track, "cap"))
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for mark in sorted(row["marks"], key=lambda one: one["shape"] == "mean"):
        found.setdefault((mark["shape"], mark["class"]), []).append((scale.at(mark["at"]), track))
    out += [svg.marks(shape, places, cls) for (shape, cls), places in found.items()]
    return "".join(out)


def _axis_below(scale: svg.Scale, top: float, bottom: float, words: str) -> str:
    out = []
    for tick in scale.ticks():
        at = scale.at(tick)
        out.append(svg.line(at, top, at, bottom, "grid"))
        out.append(svg.text(at, bottom + 14, svg.tick_label(tick), "soft", "middle"))
    words += ", logarithmic scale" if scale.log else ""
    return "".join(out) + svg.text(svg.WIDTH / 2, bottom + 32, words, "axis", "middle")


def _axis_left(scale: svg.Scale, left: float, right: float) -> str:
    out = []
    for tick in scale.ticks(5):
        at = scale.at(tick)
        out.append(svg.line(left, at, right, at, "grid"))
        out.append(svg.text(left - 6, at + 4, svg.tick_label(tick), "soft", "end"))
    return "".join(out)


def _trend(chart: Mapping[str, Any]) -> tuple[float, str]:
    top, bottom, left, right = 26.0, 226.0, 58.0, svg.WIDTH - _EDGE
    times = [dt.datetime.fromisoformat(point["at"]).timestamp() for point in chart["points"]]
    even = len(set(times)) < len(times)
    places = [float(i) for i in range(len(times))] if even else times
    x = svg.scale(places, left + 8, right - 8, log=False)
    y = svg.scale([point["value"] for point in chart["points"]], bottom - 6, top + 6, log=False)
    dots = [(x.at(place), y.at(point["value"])) for place, point in zip(places, chart["points"], strict=True)]
    edges = [0, *sorted(step["before_run"] - 1 for step in chart["steps"]), len(dots)]
    out = [_axis_left(y, left, right), svg.text(0, 12, chart["axis"], "axis")]
    for step in chart["steps"]:
        at = _between(dots, step["before_run"])
        out.append(svg.line(at, top, at, bottom, f"step {step['verdict']}"))
        words = f"{step['verdict'].replace('_', ' ')} at run {step['before_run']}"
        middle = svg.WIDTH * 0.75
        out.append(svg.text(at + (-5 if at > middle else 5), top + 8, words, "note", "end" if at > middle else None))
    for start, end in itertools.pairwise(edges):
        if end - start > 1:
            out.append(svg.polyline(dots[start:end], "run"))
    out.append(svg.marks("dot", dots, "p"))
    for change in chart["changes"]:
        out.append(svg.mark("up", _between(dots, change["before_run"]), bottom + 6, "change"))
    for i, anchor in ((0, "start"), (len(dots) - 1, "end")):
        out.append(svg.text(dots[i][0], bottom + 26, chart["points"][i]["at"][:10], "soft", anchor))
    how = "runs in order of time" if even else "time of the run"
    return bottom + 34, "".join(out) + svg.text((left + right) / 2, bottom + 26, how, "axis", "middle")


def _between(dots: list[tuple[float, float]], before_run: int) -> float:
    """The place between a run and the one before it."""
    i = min(max(before_run - 1, 1), len(dots) - 1)
    return (dots[i - 1][0] + dots[i][0]) / 2


def _front(chart: Mapping[str, Any]) -> tuple[float, str]:
    top, bottom, left, right = 24.0, 264.0, 58.0, svg.WIDTH - _EDGE
    dots = chart["dots"]
    x = svg.scale([dot["x"] for dot in dots], left + 10, right - 10)
    y = svg.scale([dot["y"] for dot in dots], bottom - 8, top + 10)
    out = [
        _axis_left(y, left, right),
        svg.text(0, 12, chart["axis"], "axis"),
        _axis_below(x, top, bottom, chart["x_axis"]),
    ]
    places = [(x.at(dot["x"]), y.at(dot["y"])) for dot in dots]
    front = sorted(place for dot, place in zip(dots, places, strict=True) if dot["front"])
    for found in chart["lines"]:
        out.append(svg.polyline([places[i] for i in found], "run"))
    if len(front) > 1 and not chart["lines"]:
        out.append(svg.polyline(front, "frontline"))
    taken: list[tuple[float, float, float]] = []
    for dot, (dx, dy) in zip(dots, places, strict=True):
        out.append(svg.mark("mean" if dot["front"] else "dot", dx, dy, "m front" if dot["front"] else "p"))
        words = svg.fit(str(dot["load"] if dot["load"] is not None else dot["name"]), 220)
        out += _label(words, dx, dy, taken)
    return bottom + 40, "".join(out)


def _label(words: str, x: float, y: float, taken: list[tuple[float, float, float]]) -> list[str]:
    """A name beside its mark, where it covers no other name; else none: the table has it."""
    width = len(words) * 6.6
    for start, dy in ((x + 9, 4.0), (x - 9 - width, 4.0), (x - width / 2, -10.0), (x - width / 2, 18.0)):
        free = all(abs(y + dy - ty) > 13 or start > tx + tw or start + width < tx for tx, ty, tw in taken)
        if free and start > 58 and start + width < svg.WIDTH:
            taken.append((start, y + dy, width))
            return [svg.text(start, y + dy, words)]
    return []


def _heat(chart: Mapping[str, Any]) -> tuple[float, str]:
    left, top, cell = 92.0, 58.0, 30.0
    panels, xs, ys = chart["panels"], chart["xs"], chart["ys"]
    gap = 22.0 if len(panels) > 1 else 0.0
    width = (svg.WIDTH - left - _EDGE - gap * (len(panels) - 1)) / len(panels)
    step = width / len(xs)
    values = [one["value"] for one in chart["squares"] if one["value"] is not None]
    low, high = min(values), max(values)
    words = f"{chart['axis']}; rows {chart['y_name']}, columns {chart['x_name']}"
    out = [svg.text(0, 12, svg.fit(words, svg.WIDTH), "axis")]
    for i, panel in enumerate(panels):
        origin = left + i * (width + gap)
        name = f"{chart['panel_name']}={panel}" if len(panels) > 1 else ""
        out.append(svg.text(origin, top - 23, svg.fit(name, width), "soft"))
        out += [
            svg.text(origin + (j + 0.5) * step, top - 5, svg.fit(x, step, 11), "soft", "middle")
            for j, x in enumerate(xs)
        ]
    for one in chart["squares"]:
        origin = left + panels.index(one["panel"]) * (width + gap)
        x, y = origin + xs.index(one["x"]) * step, top + ys.index(one["y"]) * cell
        out.append(_square(one, x, y, step - 1.5, cell - 1.5, low, high))
    out += [
        svg.text(left - 8, top + (i + 0.5) * cell + 4, svg.fit(y, left - 12), "soft", "end") for i, y in enumerate(ys)
    ]
    bottom = top + len(ys) * cell
    return bottom + 26, "".join(out) + _key(left, bottom + 6, low, high, {one["state"] for one in chart["squares"]})


def _square(one: Mapping[str, Any], x: float, y: float, width: float, height: float, low: float, high: float) -> str:
    if one["value"] is None:
        hatched = one["state"] == "never run"
        box = svg.element("rect", x=x, y=y, width=width, height=height, cls="never" if hatched else "none")
        words = "" if hatched else "–"
        return box + svg.text(x + width / 2, y + height / 2 + 4, words, "soft", "middle")
    level = _level(one["value"], low, high)
    box = svg.element("rect", x=x, y=y, width=width, height=height, cls=f"h h{level}")
    shown = wording.number(one["value"], 3)
    return box + (
        svg.text(x + width / 2, y + height / 2 + 4, shown, f"t{level}", "middle") if len(shown) * 7 < width else ""
    )


def _level(value: float, low: float, high: float) -> int:
    return 0 if high == low else min(int((value - low) / (high - low) * 5), 4)


def _key(x: float, y: float, low: float, high: float, states: set[str]) -> str:
    out = [svg.text(x, y + 11, svg.tick_label(float(wording.number(low, 3).replace(",", ""))), "soft")]
    start = x + 44
    out += [svg.element("rect", x=start + i * 22, y=y, width=20, height=14, cls=f"h h{i}") for i in range(5)]
    out.append(svg.text(start + 116, y + 11, svg.tick_label(float(wording.number(high, 3).replace(",", ""))), "soft"))
    start += 180
    for state, cls in (("no value", "none"), ("never run", "never")):
        if state in states:
            out.append(svg.element("rect", x=start, y=y, width=20, height=14, cls=cls))
            out.append(svg.text(start + 26, y + 11, state, "soft"))
            start += 110
    return "".join(out)


def sparkline(values: list[float | None], title: str, name: str) -> str:
    """A small line over periods; a period without a value leaves a hole."""
    known = [value for value in values if value is not None]
    x = svg.scale([0.0, float(max(len(values) - 1, 1))], 4, 116, log=False)
    y = svg.scale(known, 22, 4, log=False)
    runs: list[list[tuple[float, float]]] = [[]]
    for i, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((x.at(float(i)), y.at(value)))
    body = "".join(svg.polyline(run, "run") for run in runs if len(run) > 1)
    body += "".join(svg.mark("dot", *run[0], "p") for run in runs if len(run) == 1)
    body += svg.mark("dot", *[run for run in runs if run][-1][-1], "p")
    head = svg.element("title", svg.text_of(title), id=name)
    return svg.element("svg", head + body, viewBox="0 0 120 26", role="img", aria_labelledby=name, cls="spark")
