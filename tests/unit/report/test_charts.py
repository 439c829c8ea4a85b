"""Charts: which appear, what they draw, and that they claim no more than facts."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from chimera_pipeline.report.charts import choose, draw
from chimera_pipeline.report.charts.model import Material

from .made import HOSTILE, bare, fact, series


def material(facts: list[Any], rows: list[dict[str, Any]], points: dict[str, Any] | None = None) -> Material:
    known = {str(row["series_id"]): dict(row) for row in series(*rows).to_dict("records")}
    return Material(facts, points or {}, known, lambda fact_id: f"F-{fact_id}")


def two_models() -> tuple[list[Any], list[dict[str, Any]], dict[str, Any]]:
    other = {"entity": "big:8b", "series_ids": ("s_2",), "id": "f_2", "value": 20.0, "ci_low": 18.0, "ci_high": 22.0}
    points = {
        "f_000000000001": {"points": [{"value": v, "phase": "warm", "source": "x"} for v in (48.0, 50.0, 52.0)]},
        "f_2": {"points": [{"value": v, "phase": "cold", "source": "x"} for v in (19.0, 21.0)]},
    }
    return [fact(), fact(**other)], [{}, {"series_id": "s_2", "entity": "big:8b"}], points


def test_one_series_is_no_chart() -> None:
    assert choose.charts(material([fact()], [{}])) == []


def test_levels_draw_every_point_the_mean_and_its_interval() -> None:
    (chart,) = choose.charts(material(*two_models()))
    assert (chart["kind"], chart["title"]) == ("rows", "Decode throughput of 2 series, cold and warm apart")
    by_name = {row["name"]: row for row in chart["rows"]}
    assert sorted(mark["at"] for mark in by_name["tiny:1b"]["marks"]) == [48.0, 50.0, 50.0, 52.0]
    assert by_name["big:8b"]["bars"] == [{"from": 18.0, "to": 22.0, "class": "ci"}]
    assert {mark["shape"] for mark in by_name["big:8b"]["marks"]} == {"square", "mean"}
    assert chart["cells"][0][3] == {"text": "20", "label": "F-f_2"}


def test_a_ranking_of_exactly_the_drawn_series_gives_the_title() -> None:
    facts, rows, points = two_models()
    told = "tiny:1b (prompt suite) is 1 of 2 by decode throughput (50 tokens/s), clearly ahead of big:8b (prompt suite)"
    rank = bare(id="f_r", statistic="rank", value=1.0, unit="rank", n=2, series_ids=("s_1", "s_2"), text=told)
    (chart,) = choose.charts(material([*facts, rank], rows, points))
    assert chart["title"] == "tiny:1b is 1 of 2 by decode throughput (50 tokens/s), clearly ahead of big:8b"
    assert chart["title_label"] == "F-f_r"
    (without,) = choose.charts(
        material([*facts, dataclasses.replace(rank, series_ids=("s_1", "s_2", "s_3"))], rows, points)
    )
    assert without["title_label"] is None


def sweep(missing: set[tuple[int, int]], empty: set[tuple[int, int]]) -> Material:
    facts, rows = [], []
    for gpu in (10, 20, 30):
        for ctx in (1024, 2048, 4096):
            if (gpu, ctx) in missing:
                continue
            sid = f"s_{gpu}_{ctx}"
            config = f'{{"num_ctx": {ctx}, "num_gpu": {gpu}}}'
            rows.append({"series_id": sid, "config": config, "condition": f"num_gpu={gpu}, num_ctx={ctx}"})
            if (gpu, ctx) not in empty:
                facts.append(bare(id=f"f_{sid}", statistic="sample", n=1, value=gpu + ctx / 1000, series_ids=(sid,)))
    return material(facts, rows)


def test_a_heat_map_tells_never_run_from_run_without_a_value() -> None:
    chart = next(c for c in choose.charts(sweep({(10, 1024)}, {(30, 4096)})) if c["kind"] == "heat")
    assert chart["title"].endswith("7 of 9 combinations measured, 1 without a value, 1 never run")
    states = {(one["x"], one["y"]): one["state"] for one in chart["squares"]}
    assert states["1024", "10"] == "never run"
    assert states["4096", "30"] == "no value"
    drawn = draw.drawing(chart)
    assert drawn.count('class="never"') == 2  # the cell and the key
    linked = [cell for row in chart["cells"] for cell in row if cell["label"]]
    assert len(linked) == 7


def test_a_full_sweep_has_no_hatched_cell() -> None:
    chart = next(c for c in choose.charts(sweep(set(), set())) if c["kind"] == "heat")
    assert 'class="never"' not in draw.drawing(chart)


def line(verdict: str | None) -> Material:
    values = [100.0, 101.0, 99.0, 85.0, 84.0, 86.0]
    drawn = {
        "unit": "tokens/s",
        "points": [
            {"at": f"2025-0{i}-05T00:00:00+00:00", "value": v, "n": 3, "source": "x"} for i, v in enumerate(values, 1)
        ],
        "changes": [{"before_run": 5, "what": "config.build: 1 -> 2"}],
    }  # fmt: skip
    changed = {"kind": "change", "id": "f_c", "unit": "ratio", "value": 0.85, "grade": "computed", "verdict": verdict}
    statistic = "step at run 4" if verdict else "steps"
    return material([bare(**changed, statistic=statistic)], [{}], {"f_c": drawn})


def test_a_trend_breaks_at_its_step_and_marks_what_changed() -> None:
    (chart,) = choose.charts(line("regression"))
    assert chart["title"] == "Decode throughput of tiny:1b: regression, step at run 4 of 6"
    drawn = draw.drawing(chart)
    assert drawn.count('class="run"') == 2
    assert 'class="step regression"' in drawn
    assert 'class="change"' in drawn
    assert chart["cells"][4][4]["text"] == "config.build: 1 -> 2"


def test_a_quiet_trend_is_one_line_without_a_step() -> None:
    (chart,) = choose.charts(line(None))
    assert chart["title"].endswith("no step in 6 runs")
    assert draw.drawing(chart).count('class="run"') == 1


def front(size: float) -> list[dict[str, Any]]:
    facts, rows = [], []
    for name, rate, ttft in (("a", 90.0, 0.1), ("b", 50.0, 0.2), ("c", 100.0, 0.3)):
        rows.append({"series_id": name, "entity": name})
        facts.append(bare(id=f"f_{name}r", entity=name, statistic="median", value=rate, series_ids=(name,)))
        facts.append(
            bare(
                id=f"f_{name}t", entity=name, statistic="median", metric="ttft_s", unit="s", value=ttft,
                series_ids=(name,), condition="warm, prompt suite",
            )
        )  # fmt: skip
    facts.append(
        bare(id="f_f", statistic="front_size", value=size, series_ids=("a", "b", "c"), text="on the front: a, c; x")
    )
    return [c for c in choose.charts(material(facts, rows)) if c["kind"] == "front"]


def test_the_front_holds_those_that_none_dominates() -> None:
    (chart,) = front(2.0)
    assert {dot["name"] for dot in chart["dots"] if dot["front"]} == {"a", "c"}
    assert [dot["x"] for dot in chart["dots"]] == [100.0, 200.0, 300.0]
    assert "TTFT (ms)" in chart["x_axis"]


def test_a_front_that_the_facts_do_not_confirm_is_not_drawn_as_one() -> None:
    (chart,) = front(3.0)
    assert not any(dot["front"] for dot in chart["dots"])


def test_percentiles_are_drawn_from_the_median_up() -> None:
    rows, facts = [], []
    for name in ("a", "b"):
        rows.append({"series_id": name, "entity": name})
        for statistic, value in (("median", 0.1), ("p95", 0.2), ("p99", 0.3)):
            facts.append(
                bare(id=f"{name}{statistic}", entity=name, metric="total_s", unit="s", statistic=statistic, value=value,
                     series_ids=(name,))
            )  # fmt: skip
    (chart,) = choose.charts(material(facts, rows))
    assert chart["title"] == "End-to-end latency: median, p95, p99 of 2 series"
    assert chart["rows"][0]["bars"] == [{"from": 100.0, "to": 300.0, "class": "ci"}]
    assert chart["columns"][3:] == ["median (ms)", "p95 (ms)", "p99 (ms)"]


def test_ratios_stand_against_one_and_clear_ones_come_first() -> None:
    facts = [
        bare(id=f"f_{i}", kind="comparison", statistic="ratio", unit="ratio", value=v, ci_low=low, ci_high=high,
             verdict=verdict, baseline="other (prompt suite)", grade="computed")
        for i, (v, low, high, verdict) in enumerate(
            [(1.0, 0.9, 1.1, "no_clear_difference"), (1.5, 1.4, 1.6, "improvement"), (0.5, 0.4, 0.6, "regression")]
        )
    ]  # fmt: skip
    (chart,) = choose.charts(material(facts, [{}]))
    assert [row["verdict"] for row in chart["rows"]] == ["better", "worse", "no clear difference"]
    assert chart["title"] == "Decode throughput compared: 2 of 3 pairs differ clearly"
    assert 'class="ref"' in draw.drawing(chart)


@pytest.mark.parametrize("found", [line("regression"), sweep({(10, 1024)}, set()), material(*two_models())])
def test_every_drawing_has_title_description_and_a_table(found: Material) -> None:
    for chart in choose.charts(found):
        drawn = draw.drawing(chart)
        assert re.search(r'role="img" aria-labelledby="(\S+)-t \1-d"', drawn)
        assert "<title" in drawn
        assert "<desc" in drawn
        assert all(len(row) == len(chart["columns"]) for row in chart["cells"])


def test_hostile_names_are_text_in_every_drawing() -> None:
    facts, rows, points = two_models()
    facts = [dataclasses.replace(one, entity=HOSTILE, condition=HOSTILE) for one in facts]
    for chart in choose.charts(material(facts, rows, points)):
        assert "<script" not in draw.drawing(chart)
        assert re.fullmatch(r"[a-z0-9-]+", chart["name"])


def test_names_of_charts_are_unique() -> None:
    names = [chart["name"] for chart in choose._named([{"name": "a"}, {"name": "a-2"}, {"name": "a"}, {"name": "A"}])]
    assert len(set(names)) == 4
