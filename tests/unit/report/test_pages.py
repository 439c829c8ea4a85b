"""The pages as text: policy, escaping, links, size; the comment and the history beside them."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt

from chimera_pipeline.report import comment, history, markdown, page
from chimera_pipeline.wording import scale_for

from .made import HOSTILE, bare, built, fact, series


class Reader(HTMLParser):
    """Elements, ids and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src"):
                self.links.append(str(value))
            if name.startswith("on") or name == "style":
                self.handlers.append(name)


def hostile_view() -> dict[str, Any]:
    found = fact(entity=HOSTILE, condition=HOSTILE, text=HOSTILE, sources=(f"{HOSTILE}#row 1@aaaaaaaaaaaa",))
    view = built([found], series=series({"entity": HOSTILE, "suite": HOSTILE, "model": HOSTILE, "hardware": HOSTILE}))
    view["recommendations"] = [{"text": HOSTILE, "because": HOSTILE}]
    view["overview"]["actions"] = view["recommendations"]
    view["quarantine"] = [{"artifact_path": HOSTILE, "locator": HOSTILE, "reason": HOSTILE, "detail": HOSTILE}]
    view["workflow"]["files"][0] |= {"path": HOSTILE, "detail": HOSTILE}
    view["personas"] = [{"name": HOSTILE, "text": HOSTILE}]
    view["title"]["configuration"] = {HOSTILE: HOSTILE}
    return view


def pages(view: dict[str, Any]) -> dict[str, str]:
    found = bare(entity=HOSTILE, condition=HOSTILE) if "script" in str(view["appendix"]) else fact()
    told = [history.Published(period, [found], view) for period in ("2025-01", "2025-02")]
    return {
        "report": page.render(view),
        "founders": page.render_founders(view),
        "history": history.to_html(history.build(told)),
    }


@pytest.mark.parametrize("name", ["report", "founders", "history"])
def test_text_of_artifacts_never_becomes_markup(name: str) -> None:
    text = pages(hostile_view())[name]
    found = Reader(text)
    assert found.tags.count("script") == 1
    assert found.handlers == []
    assert not any("javascript:" in link for link in found.links)
    assert "\u202e" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_hostile_names_stay_text_in_markdown_and_in_the_comment() -> None:
    view = hostile_view()
    for text in (markdown.render(view).text, comment.render(view)):
        assert "\u202e" not in text
        html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
        found = Reader(html)
        assert "script" not in found.tags
        assert not any(link.startswith("javascript:") for link in found.links)


@pytest.mark.parametrize("name", ["report", "founders", "history"])
def test_only_the_style_and_script_of_the_page_may_run(name: str) -> None:
    text = pages(built([fact()]))[name]
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    for element in ("style", "script"):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src &#39;sha256-{digest}&#39;" in policy[1]
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]


def test_every_number_leads_to_its_fact_and_on_to_its_file() -> None:
    found = Reader(page.render(built([fact()])))
    assert len(found.ids) == len(set(found.ids))
    inner = {link[1:] for link in found.links if link.startswith("#")}
    assert {"F1", "a1"} <= inner
    assert inner <= set(found.ids)
    assert "f_000000000001" in found.ids


def test_a_source_finds_its_file_where_the_path_holds_a_number_sign() -> None:
    files = page._Files([{"path": "a#b.csv"}, {"path": "a"}])
    assert files.sources(["a#b.csv#row 1;row 4-5@cafe", "a#b.csv#row 9@cafe"]) == [(1, "a#b.csv", "row 1, 4-5, row 9")]
    assert files.sources(["gone.csv#/x@cafe"]) == [(None, "gone.csv#/x@cafe", "")]


def test_clauses_that_many_facts_share_become_notes() -> None:
    text = "ttft of a against b: ratio 1.1 of it; no hardware is recorded"
    entry = {"method": None, "columns": {"condition": ""}, "sources": [], "whole_sources": True, "label": "F1"}
    told = page.noted([{**entry, "text": f"{text}; {i} apart"} for i in range(6)])
    assert told["notes"] == [("n1", "no hardware is recorded")]
    assert told["groups"][0][1][3][1:3] == ("ttft of a against b: ratio 1.1 of it; 3 apart", ["n1"])


def test_facts_that_stand_together_say_what_they_share_once() -> None:
    conditions = [f"tool, n_ctx=8, n_batch={batch}" for batch in (1, 2, 3)]
    places = "runs/a.csv#" + ";".join(f"row {place}" for place in range(1, 60, 2)) + "@cafe"
    entries = [
        {"method": None, "label": f"F{i}", "text": f"mean rate of m ({words}): 5 s", "sources": [places],
         "whole_sources": True, "columns": {"condition": words}}
        for i, words in enumerate(conditions)
    ]  # fmt: skip
    other = {**entries[0], "label": "F9", "text": "7 files", "sources": [], "columns": {"condition": ""}}
    (common, rows), (nothing, (last,)) = page.noted([*entries, other])["groups"]
    assert common == ["tool", "n_ctx=8"]
    assert [row[1] for row in rows] == [f"mean rate of m (n_batch={batch}): 5 s" for batch in (1, 2, 3)]
    assert [row[3] for row in rows] == [None, "F0", "F0"]
    assert (nothing, last[1], last[3]) == ([], "7 files", None)


def test_rows_of_a_table_that_state_the_same_options_stand_together() -> None:
    rows = [
        {"group": "tool", "condition": words} for words in ("tool, a=1, b=1", "tool, c=1", "tool, a=1, b=2", "tool")
    ]
    found = page.grouped(rows)
    assert [(one["name"], [row["condition"] for row in one["rows"]]) for one in found] == [
        ("tool, a=1", ["b=1", "b=2"]),
        ("tool", ["c=1", ""]),
    ]


def test_the_founders_page_holds_the_sources_of_its_numbers_only() -> None:
    other = fact(id="f_2", kind="level", metric="load_s", unit="s", text="another", value=1.0)
    text = page.render_founders(built([fact(), other]))
    assert "f_000000000001" in text
    assert "f_2" not in text


def test_the_page_is_the_same_for_equal_facts() -> None:
    assert page.render(built([fact()])) == page.render(built([fact()]))


def test_series_of_a_ranking_keep_their_rows_in_the_tables() -> None:
    rank = bare(id="f_r", statistic="rank", value=1.0, unit="rank", n=2, series_ids=("s_1", "s_2"))
    view = built([fact(), rank])
    assert [row["statistic"] for table in view["performance"] for row in table["rows"]] == ["mean"]


def test_small_times_are_read_in_milliseconds_and_microseconds() -> None:
    assert scale_for("s", [0.0807, 0.01]).number(0.0807) == "80.70"
    assert scale_for("s", [0.00007894]).name == "µs"
    assert scale_for("s", [2.0, 0.001]).name == "s"
    assert scale_for("tokens/s", [0.001]).name == "tokens/s"
    assert scale_for("s", [0.1]).of(0.1) == 100.0


def test_the_comment_says_what_regressed_and_where_the_numbers_come_from() -> None:
    change = bare(
        id="f_c", kind="change", statistic="ratio", unit="ratio", value=0.8, verdict="regression", baseline="2025-01",
        text="slower", grade="computed",
    )  # fmt: skip
    text = comment.render(built([fact(), change], period="2025-02"))
    assert "**A regression stands against the previous period.**" in text
    assert "- **regression**: slower [F" in text
    assert "| tiny:1b | prompt suite | mean decode throughput | 50 tokens/s | 5 | 48 to 52 | [F" in text


def test_the_history_tells_what_appeared_changed_and_went() -> None:
    kept = fact(id="f_k", period="2025-01")
    gone = fact(id="f_g", entity="old", period="2025-01")
    changed = dataclasses.replace(kept, id="f_k2", value=40.0, period="2025-03")
    new = fact(id="f_n", entity="new", period="2025-03")
    verdict = bare(
        id="f_v", kind="change", statistic="ratio", unit="ratio", value=0.8, verdict="regression", baseline="2025-01",
        period="2025-03",
    )  # fmt: skip
    view = history.build(
        [
            history.Published("2025-01", [kept, gone], built([kept, gone])),
            history.Published("2025-03", [changed, new, verdict], built([changed, new, verdict])),
            history.Published("all", [kept], built([kept])),
        ]
    )
    (kind,) = view["kinds"]
    assert [one["period"] for one in kind["periods"] if one["missing"]] == ["2025-02"]
    (difference,) = kind["differences"]
    assert [entry["entity"] for entry in difference["appeared"]] == ["new"]
    assert [entry["entity"] for entry in difference["gone"]] == ["old"]
    (entry,) = difference["changed"]
    assert (entry["was"]["value"], entry["value"], entry["verdict"]) == ("50 tokens/s", "40 tokens/s", "regression")
    (line,) = kind["lines"]
    assert line["numbers"] == [50.0, None, 40.0]
    assert line["values"][0]["link"] == "2025-01/report.html#f_k"
    assert [one["period"] for one in view["whole"]] == ["all"]


def test_model_calls_have_a_line_of_their_own_in_the_history() -> None:
    view = built([fact()])
    llm = {"throughput_tokens_per_s": 12.5, "ttft_s": None}
    told = [history.Published("2025-01", [], {**view, "run": {**view["run"], "llm": llm}})]
    (kind,) = history.build(told)["kinds"]
    assert [(line["metric"], line["values"]) for line in kind["calls"]] == [("throughput", ["12.50"])]


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_colours_are_told_apart_from_what_is_behind_them(scheme: int) -> None:
    style = page._asset("page.css")
    pairs = dict(re.findall(r"--([a-z0-9-]+):light-dark\(([^)]+)\)", style))
    colour = {name: value.split(",")[scheme] for name, value in pairs.items()}
    for name in ("fg", "soft", "link", "good", "bad"):
        assert contrast(colour[name], colour["bg"]) >= 4.5, name
        assert contrast(colour[name], colour["band"]) >= 4.5, name
    for name in ("cold", "warm", "ink"):
        assert contrast(colour[name], colour["bg"]) >= 3, name
    on = {"h0": "on-low", "h1": "on-low", "h2": "on-mid", "h3": "on-high", "h4": "on-high"}
    for cell, text in on.items():
        assert contrast(colour[cell], colour[text]) >= 4.5, cell
