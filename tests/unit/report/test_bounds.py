"""What a report shows of very much: equal shares, the extremes, and where the rest stands."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chimera_pipeline.contracts import tables
from chimera_pipeline.records import Fact
from chimera_pipeline.report import bounds, history, markdown, page
from chimera_pipeline.report.charts import choose

from .made import bare, built, series


def levels(metric: str, unit: str, count: int, **changed: Any) -> list[Fact]:
    """Means of as many entities; values rise with the number, samples fall."""
    return [
        bare(
            id=f"f_{metric}_{i:05}", metric=metric, unit=unit, entity=f"model-{i:05}", value=float(i + 1),
            n=1_000_000 - i, text=f"mean of model-{i:05}", **changed,
        )
        for i in range(count)
    ]  # fmt: skip


def test_groups_share_equally_and_small_ones_leave_the_rest_to_the_large() -> None:
    assert bounds.share([10, 500, 700], 210) == 100
    assert bounds.share([10, 20, 30], 60) == 30
    assert bounds.share([], 60) == 1
    assert bounds.share([5] * 100, 60, least=3) == 3
    assert bounds.portion(list("aaabbc"), 4) == [0, 3, 5]
    assert bounds.portion(list("aaabbc"), 4, rank=[3, 2, 1, 2, 1, 1]) == [2, 4, 5]
    assert bounds.portion(list("aaabbc"), 6, rank=[3, 2, 1, 2, 1, 1]) == [0, 1, 2, 3, 4, 5]


def test_tables_of_all_metrics_together_stay_within_their_bound_and_say_what_they_leave_out() -> None:
    found = [*levels("decode_tokens_per_s", "tokens/s", 4000), *levels("ttft_s", "s", 3000), *levels("eval_s", "s", 7)]
    view = built(found)
    rows = {table["metric"]: table["rows"] for table in view["performance"]}
    assert {metric: len(found) for metric, found in rows.items()} == {
        "decode_tokens_per_s": 996, "ttft_s": 996, "eval_s": 7,
    }  # fmt: skip
    assert sum(map(len, rows.values())) <= bounds.LEVELS
    shown = [row["entity"] for row in rows["decode_tokens_per_s"]]
    assert shown == [f"model-{i:05}" for i in [*range(995), 3999]], "most samples first, and the highest value"
    assert [table["note"].partition(":")[0] for table in view["performance"]] == [
        "Shown are `996 of 4000` rows", "Shown are `996 of 3000` rows", "",
    ]  # fmt: skip
    assert len(view["appendix"]) == sum(map(len, rows.values())), "the appendix holds what the report shows"


def test_both_ends_of_each_statistic_stay_whatever_their_samples() -> None:
    means = levels("ttft_s", "s", 60)
    tails = [*levels("ttft_s", "s", 40, statistic="p99")]
    tails = [bare(**{**{n: getattr(f, n) for n in f.__slots__}, "id": f"{f.id}p", "n": 1}) for f in tails]
    kept = {(fact.statistic, fact.value) for fact in bounds.levels([*means, *tails], 20)}
    assert {("mean", 1.0), ("mean", 60.0), ("p99", 1.0), ("p99", 40.0)} <= kept
    assert len(kept) == 20


def test_a_report_at_the_bound_is_whole() -> None:
    view = built(levels("ttft_s", "s", bounds.LEVELS))
    assert len(view["performance"][0]["rows"]) == bounds.LEVELS
    notes = [*(table["note"] for table in view["performance"]), view["comparisons_note"], view["gaps_note"]]
    assert not any([*notes, view["quarantine_note"], view["workflow"]["files_note"], view["gap_counts"]])


def test_of_very_many_comparisons_those_with_the_largest_ratios_stay() -> None:
    found = [
        bare(
            id=f"f_{i:05}", kind="comparison", statistic="ratio", unit="ratio", value=1 + i / 1000, effect=1 + i / 1000,
            verdict="regression" if i % 2 else "no_clear_difference", baseline="other", entity=f"m{i}",
        )
        for i in range(1000)
    ]  # fmt: skip
    found.append(
        bare(id="f_c", kind="change", statistic="ratio", unit="ratio", value=0.5, verdict="improvement", baseline="b")
    )
    view = built(found)
    shown = view["comparisons"]
    assert len(shown) <= bounds.COMPARISONS
    by_verdict = {
        word: [row["entity"] for row in shown if row["verdict"] == word]
        for word in ("worse", "no clear difference", "improvement")
    }
    assert len(by_verdict["improvement"]) == 1
    assert set(by_verdict["worse"]) == {f"m{i}" for i in range(503, 1000, 2)}
    assert view["comparisons_note"].startswith(f"Shown are `{len(shown)} of 1001` rows: ")
    assert "`chimera facts --kind comparison --kind change` lists them" in view["comparisons_note"]


def test_a_long_list_of_sources_names_the_first_and_counts_the_rest() -> None:
    many = tuple(f"runs/{i:05}.csv#row 1-9@{i:012x}" for i in range(10_000))
    rows = "a/run.csv#" + ";".join(f"row {i}" for i in range(1, 9999, 2)) + "@aaaaaaaaaaaa"
    view = built([bare(sources=many), bare(id="f_rows", entity="other", sources=(rows,))])
    first, second = sorted(view["appendix"], key=lambda entry: entry["id"])
    assert first["sources"] == list(many[: bounds.SOURCES_OF_ONE])
    assert (first["more_sources"], first["whole_sources"]) == (10_000 - bounds.SOURCES_OF_ONE, False)
    (cut,) = second["sources"]
    assert cut.endswith(";…@aaaaaaaaaaaa")
    assert len(cut) < bounds.CHARACTERS + 20
    text = markdown.render(view).text
    assert f"; and `{10_000 - bounds.SOURCES_OF_ONE}` more |" in text
    assert max(map(len, text.split("\n"))) < 2000
    assert "stands whole in `facts.json` under the id of its fact, and `chimera explain` shows it" in text
    html = page.render(view)
    assert f"and <code>{10_000 - bounds.SOURCES_OF_ONE}</code> more" in html
    assert len(html) < 100_000


def test_facts_whose_shown_sources_agree_are_not_said_to_have_the_same() -> None:
    shared = [f"runs/{i:05}.csv#row 1-9@{i:012x}" for i in range(30)]
    found = [bare(id=f"f_{i}", entity=f"m{i}", sources=(*shared, f"own/{i}.csv#row 1@{i:012x}")) for i in range(2)]
    assert not re.search(r"<a href=#F\d+>as F", page.render(built(found)))


def test_the_number_of_facts_does_not_make_the_appendix_long() -> None:
    found = levels("ttft_s", "s", 1900, sources=tuple(f"runs/{i}.csv#row 1@{i:012x}" for i in range(20)))
    view = built(found)
    assert sum(len(entry["sources"]) for entry in view["appendix"]) <= 1900 * bounds.FEWEST_SOURCES
    assert len(markdown.render(view).text) < 1_000_000


def test_gaps_quarantine_and_files_show_some_of_each_kind_and_count_all() -> None:
    gap = {
        "kind": "naive_timestamp", "table": "llm_requests", "field": "measured_at", "subject": "s", "artifacts": "[]",
        "count": 1, "severity": "warning", "consequence": "c", "remedy": "r",
    }  # fmt: skip
    gaps = [gap | {"subject": f"s{i}", "count": i + 1} for i in range(3000)] + [gap | {"kind": "no_hardware"}]
    refused = [
        {"artifact_path": f"q/{i}.csv", "locator": "row 1", "reason": "not_utf8", "detail": "d"} for i in range(900)
    ]
    file = {
        "path": "", "size_bytes": 1, "modified_at": "2025-01-02T00:00:00Z", "sha256": "a" * 64, "format": "csv",
        "status": "ok", "rows_ok": 1, "rows_failed": 0, "time_source": "none",
    }  # fmt: skip
    files = [file | {"path": f"a/{i:05}.csv"} for i in range(5000)] + [file | {"path": "z.csv", "status": "partial"}]
    frame = tables.frame("artifacts", files)
    kinds = [
        bare(id=f"f_{kind}", kind="gap", metric="telemetry_gaps", statistic="count", entity="artifacts", unit="gaps",
             condition=kind, value=float(count), n=count)
        for kind, count in (("naive timestamp", 3000), ("no hardware", 1))
    ]  # fmt: skip
    view = built(
        kinds,
        gaps=tables.frame("telemetry_gaps", gaps),
        quarantine=tables.frame("quarantine", refused),
        artifacts=frame,
    )
    assert [gap["kind"] for gap in view["gaps"]].count("no_hardware") == 1
    assert "s2999" in {gap["subject"] for gap in view["gaps"]}
    assert [(row["kind"], row["count"]) for row in view["gap_counts"]] == [
        ("naive timestamp", "3,000"), ("no hardware", "1"),
    ]  # fmt: skip
    assert view["gaps_note"].startswith(f"Shown are `{len(view['gaps'])} of 3001` rows")
    assert len(view["quarantine"]) == bounds.REFUSED
    assert view["quarantine_note"].endswith("`chimera quarantine` lists all of them.")
    paths = [row["path"] for row in view["workflow"]["files"]]
    assert len(paths) <= bounds.FILES
    assert "z.csv" in paths
    assert view["workflow"]["files_note"].startswith(f"Shown are `{len(paths)} of 5001` rows")
    text = markdown.render(view).text
    for note in (view["gaps_note"], view["quarantine_note"], view["workflow"]["files_note"]):
        told = re.search(r"\d+ of \d+", note)
        assert told is not None
        assert f"Shown are `{told.group()}` rows" in text
        assert f"<code>{told.group()}</code>" in page.render(view)


def test_very_many_names_are_counted() -> None:
    rows = [{"series_id": f"s_{i}", "model": f"m{i:04}"} for i in range(150)]
    (models,) = (row["value"] for row in built([], series=series(*rows))["environment"] if row["name"] == "model")
    assert models.endswith("m0099 and 50 more (table series)")


def test_charts_that_are_not_shown_label_no_fact() -> None:
    found = [
        bare(id=f"f_{suite}_{statistic}_{i}", entity=f"m{i}", condition=f"suite {suite}", statistic=statistic,
             series_ids=(f"s_{suite}",), metric="ttft_s", unit="s", value=1.0 + i + len(statistic))
        for suite in range(10) for i in range(3) for statistic in ("median", "p90", "p95")
    ]  # fmt: skip
    view = built(found, series=series(*({"series_id": f"s_{i}", "suite": f"suite {i}"} for i in range(10))))
    shown = {cell["label"] for chart in view["charts"] for row in chart["cells"] for cell in row} - {None}
    rows = {row["label"] for table in view["performance"] for row in table["rows"]}
    assert 0 < len(view["charts"]) < choose.MOST
    assert {entry["label"] for entry in view["appendix"]} == shown | rows
    assert len(view["appendix"]) < len(found)


@pytest.mark.parametrize("period", ["all", "2025-01"])
def test_what_is_left_out_is_listed_by_the_command_that_the_report_names(period: str) -> None:
    assert bounds.listed(period, "--metric ttft_s") == (
        "All of them stand in `facts.json`; `chimera facts "
        + ("" if period == "all" else "--period 2025-01 ")
        + "--metric ttft_s` lists them"
    )


def test_a_history_of_very_many_numbers_counts_what_it_does_not_list() -> None:
    old = levels("ttft_s", "s", 900)
    new = [bare(**{**{n: getattr(f, n) for n in f.__slots__}, "value": f.value * 2}) for f in old]
    worse = bare(
        id="f_v", kind="change", metric="ttft_s", statistic="ratio", unit="ratio", value=2.0, verdict="regression",
        baseline="2025-01", period="2025-02", entity="model-00899",
    )  # fmt: skip
    view = history.build(
        [
            history.Published("2025-01", [*old, *levels("eval_s", "s", 300)], built(old)),
            history.Published("2025-02", [*new, worse], built(new)),
        ]
    )
    (difference,) = view["kinds"][0]["differences"]
    assert difference["counts"] == {"appeared": 0, "gone": 300, "changed": 900}
    assert len(difference["changed"]) == len(difference["gone"]) == history.MOST_ENTRIES
    assert difference["changed"][0]["entity"] == "model-00899", "a tested regression is not left out"
    text = history.to_html(view)
    assert f"900 changed, <code>{history.MOST_ENTRIES}</code> of them here, chimera compare tells all" in text
    assert len(text) < 500_000
