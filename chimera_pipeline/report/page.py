"""The HTML renderings: offline files that work without script; every value escaped by the template engine.

In: the view. Out: the engineer's page (everything) and the founders' page (one screen and its sources). Style and
script stand in the page under their hashes; nothing else may load or run.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup, escape

from chimera_pipeline import __version__, redact
from chimera_pipeline.report import conditions, model_metrics
from chimera_pipeline.report.charts import draw, svg

MANY_ROWS = 30
"""A longer table shows its means and single values; the rest opens."""
LONG_SOURCES = 100
"""Sources of so many characters or more are told once among facts that stand together."""
_CODE = re.compile(r"`([^`]+)`")
_PLAINLY = {
    "insufficient": "too few samples to decide",
}


def render(view: Mapping[str, Any]) -> str:
    """The report as one HTML document."""
    return render_template("report.html.j2", view=view, files=_Files(view["workflow"]["files"]))


def render_founders(view: Mapping[str, Any]) -> str:
    """The founders' screen as a document of its own, with the sources of the numbers on it."""
    used = set(_labels(view["overview"])) | set(_labels(view["summary"]))
    entries = [entry for entry in view["appendix"] if entry["label"] in used]
    cited = {path for entry in entries for path in _paths(entry["sources"], view["workflow"]["files"])}
    files = [row for row in view["workflow"]["files"] if row["path"] in cited]
    return render_template("founders.html.j2", view={**view, "appendix": entries}, files=_Files(files), rows=files)


def render_template(name: str, **values: Any) -> str:
    """A page from its template, with style, script and the policy that names their hashes."""
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    text = _environment().get_template(name).render(
        version=__version__, style=Markup(style), script=Markup(script), policy=policy, **values
    )  # fmt: skip
    return _without_blank_lines(text) + "\n"


@lru_cache(maxsize=2)
def _asset(name: str) -> str:
    text = (resources.files("chimera_pipeline.report") / "templates" / name).read_text(encoding="utf-8")
    return _without_blank_lines(text)


def _without_blank_lines(text: str) -> str:
    return re.sub(r"\n\s*\n+", "\n", text).strip()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("chimera_pipeline.report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters |= {
        "run_metrics": model_metrics.rows,
        "model_calls": model_metrics.calls,
        "shown": lambda value: redact.printable(str(value)),
        "drawing": lambda chart: Markup(draw.drawing(chart)),
        "legend": lambda entry: Markup(_legend(*entry)),
        "grouped": grouped,
        "compared": compared,
        "leading": leading,
        "noted": noted,
        "shared": conditions.shared,
        "without": conditions.without,
        "coded": lambda text: Markup(_CODE.sub(r"<code>\1</code>", str(escape(redact.printable(text))))),
        "lines": lambda text: "\n".join(redact.printable(line) for line in str(text).split("\n")),
        "tone": tone,
        "plainly": lambda verdict: _PLAINLY.get(verdict, verdict),
    }
    environment.globals["call_heads"] = model_metrics.CALL_HEADS
    environment.globals["sparkline"] = lambda *about: Markup(draw.sparkline(*about))
    return environment


def tone(verdict: str) -> str:
    """The class of a verdict: bad, good or none."""
    if ("regression" in verdict.lower() and "no regression" not in verdict.lower()) or verdict == "worse":
        return "bad"
    return "good" if "improvement" in verdict.lower() or verdict == "better" else ""


def grouped(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a table by kind of test and by the options that they state, each with what its rows share said once."""
    alike = Counter((row["group"], conditions.options(row["condition"])) for row in rows)
    groups: dict[tuple[str, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for row in rows:
        key = (row["group"], conditions.options(row["condition"]))
        groups.setdefault(key if alike[key] > 1 else (row["group"], ()), []).append(row)
    out = []
    for (name, _), found in groups.items():
        common = conditions.shared(row["condition"] for row in found)
        kept = [{**row, "condition": conditions.without(row["condition"], common)} for row in found]
        out.append({"name": ", ".join(common) or name, "rows": kept})
    return out


def compared(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Comparisons by metric and by what their arms share."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(": ".join(filter(None, [row["metric"], row["about"]])), []).append(row)
    return [{"name": name, "rows": found} for name, found in groups.items()]


def leading(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows that stand open in a long table: means and single values, phases where only phases are told."""
    plain = [row for row in rows if row["statistic"] in ("mean", "sample")]
    whole = {(row["entity"], row["condition"]) for row in plain if not conditions.phase(row["condition"])[0]}
    found = [
        row
        for row in plain
        if (row["entity"], row["condition"]) in whole
        or (row["entity"], conditions.phase(row["condition"])[1]) not in whole
    ]
    return found if len(rows) > MANY_ROWS >= len(found) else list(rows) if len(rows) <= MANY_ROWS else []


def noted(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Facts with what they share said once.

    `notes`: (name, clause) of the clauses that many of them have. `groups`: runs of facts that state the same options,
    with the parts of a condition that all of a run have, and (entry, text, names of its notes, label of a fact above
    with the same long list of sources or None) of each fact.
    """
    clauses = [[*_clauses(entry), *([f"interval: {entry['method']}"] if entry["method"] else [])] for entry in entries]
    counts = Counter(clause for found in clauses for clause in found[1:])
    names: dict[str, str] = {}
    for clause, count in counts.items():
        if count >= 5 and len(clause) > 15:
            names[clause] = f"n{len(names) + 1}"
    groups = []
    told = list(zip(entries, clauses, strict=True))
    for _, run in itertools.groupby(told, lambda pair: conditions.options(_condition(pair[0]))):
        members = list(run)
        common = conditions.shared(_condition(entry) for entry, _ in members)
        rows, above = [], dict[tuple[str, ...], str]()
        for entry, found in members:
            text = "; ".join(clause for clause in found if clause not in names)
            long = entry["whole_sources"] and sum(map(len, entry["sources"])) >= LONG_SOURCES
            first = above.setdefault(tuple(entry["sources"]), entry["label"]) if long else None
            same = first if first != entry["label"] else None
            notes = [names[clause] for clause in found if clause in names]
            rows.append((entry, _without(text, _condition(entry), common), notes, same))
        groups.append((common, rows))
    return {"notes": [(name, clause) for clause, name in names.items()], "groups": groups}


def _condition(entry: Mapping[str, Any]) -> str:
    return str(entry["columns"]["condition"])


def _without(text: str, condition: str, common: Sequence[str]) -> str:
    """A sentence whose condition leaves out what stands above it."""
    if not common:
        return text
    rest = conditions.without(condition, common)
    return text.replace(f" ({condition})", f" ({rest})" if rest else "")


def _clauses(entry: Mapping[str, Any]) -> list[str]:
    """The clauses of a fact's text; only comparisons have more than one."""
    text = str(entry["text"])
    return text.split("; ") if " ratio " in text else [text]


def _legend(shape: str, cls: str, words: str) -> str:
    sign = svg.line(2, 7, 22, 7, cls) if shape == "bar" else svg.mark(shape, 12, 7, cls)
    return svg.element("svg", sign, viewBox="0 0 24 14", aria_hidden="true") + svg.text_of(words)


class _Files:
    """The rows of the file list by number; sources lead to them."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows = rows
        self.numbers = {row["path"]: i for i, row in enumerate(rows, start=1)}

    def sources(self, sources: Sequence[str]) -> list[tuple[int | None, str, str]]:
        """(number in the list, path, places) of each file in sources `path#places@hash`.

        A file that the list does not show has no number, and its source stands there as it is.
        """
        places: dict[str, list[str]] = {}
        for source in sources:
            path, found = _split(source, self.numbers)
            listed = path in self.numbers
            places.setdefault(path if listed else source, []).extend([_joined(found)] if listed else [])
        return [(self.numbers.get(path), path, ", ".join(found)) for path, found in places.items()]


def _joined(places: str) -> str:
    """`row 1-2;row 5` as `row 1-2, 5`."""
    found = places.split(";")
    if len(found) > 1 and all(place.startswith("row ") for place in found):
        return "row " + ", ".join(place.removeprefix("row ") for place in found)
    return ", ".join(found)


def _split(source: str, known: Mapping[str, Any]) -> tuple[str, str]:
    """Path and places of a source; a path may hold the sign that parts them."""
    text = source.rpartition("@")[0] or source
    at = text.rfind("#")
    while at >= 0:
        if text[:at] in known:
            return text[:at], text[at + 1 :]
        at = text.rfind("#", 0, at)
    path, _, places = text.partition("#")
    return path, places


def _paths(sources: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    known = {row["path"]: True for row in rows}
    return [_split(source, known)[0] for source in sources]


def _labels(value: Any) -> Iterator[str]:
    """Every label inside a part of the view."""
    if isinstance(value, Mapping):
        if value.get("label"):
            yield value["label"]
        for inner in value.values():
            yield from _labels(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _labels(inner)
