"""Each kind of telemetry gap from files as tools write them; a kind without a case fails."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.metrics.settle import settle
from chimera_pipeline.records import GapKind
from tests import corpus
from tests.unit.metrics.test_settle import pair

Files = dict[str, str]
DIGESTS = ("a" * 64, "b" * 64)


def run(files: Mapping[str, str], **settings: Any) -> dict[str, pd.DataFrame]:
    return settle([pair(path, content) for path, content in files.items()], **settings)


def requests(rows: list[dict[str, Any]], without: tuple[str, ...] = ()) -> str:
    columns = [*corpus.REQUEST_COLUMNS, *(name for name in ("hardware", "total_s", "num_ctx") if name in rows[0])]
    return corpus.csv_text(rows, [column for column in columns if column not in without])


def months(present: tuple[int, ...]) -> Files:
    stamp = "2025-{:02d}-05T12:00:00+00:00"
    return {f"m{n}.csv": requests([corpus.request(timestamp=stamp.format(n), tokens_s=40.0 + n, eval_s=100 / (40 + n))])
            for n in present}  # fmt: skip


def llama_bench(layers: int) -> str:
    row = {"build_commit": "abc", "build_number": 6111, "cpu_info": "cpu", "gpu_info": "Radeon 8060S",
           "backends": "ROCm",
           "model_filename": "tiny-Q4_K_M.gguf", "model_type": "tiny 1B Q4_K - Medium", "n_batch": 2048,
           "n_gpu_layers": layers, "n_prompt": 512, "n_gen": 0, "n_depth": 0, "test_time": "2025-10-02T12:00:00Z",
           "avg_ns": 1000000000, "stddev_ns": 1000000, "avg_ts": 512.0, "stddev_ts": 1.0,
           "samples_ns": [1000000000] * 5, "samples_ts": [512.0] * 5}  # fmt: skip
    return json.dumps([row])


def grid() -> Files:
    """Two quantizations and two contexts: three of the four cells were run, one of them once."""
    cells = {("q4_0", 1024): 6, ("q4_0", 4096): 6, ("q8_0", 1024): 1}
    rows = [
        corpus.request(model=f"tiny:1b-{quantization}", num_ctx=context, prompt_index=n, tokens_s=50.0 + n + place,
                       eval_s=100 / (50.0 + n + place))
        for place, ((quantization, context), count) in enumerate(cells.items()) for n in range(count)
    ]  # fmt: skip
    return {"sweep.csv": requests(rows)}


def moved() -> Files:
    def artifact(month: str, digest: str) -> str:
        rates = [50.0 + n + int(month) for n in range(3)]
        stamp = f"2025-{month}-05T12:00:00+00:00"
        rows = [corpus.request(model="tiny:latest", timestamp=stamp, tokens_s=r, eval_s=100 / r) for r in rates]
        return json.dumps({"model": "tiny:latest", "digest": f"sha256:{digest}", "results": rows})

    return {f"{month}.json": artifact(month, digest) for month, digest in zip(("09", "10"), DIGESTS, strict=True)}


def stored_summary(**summary: float) -> str:
    results = [{"test_name": f"t{n}", "success": True, "generation_time_ms": 1000.0 * n, "tokens": 10 * n,
                "tokens_per_second": 10.0} for n in (1, 2, 3)]  # fmt: skip
    return json.dumps({"model": "tiny:1b", "test_timestamp": 1759400000.0, "results": results, "summary": summary})


CASES: dict[GapKind, tuple[Files, dict[str, Any]]] = {
    GapKind.MISSING_FIELD: ({"a.csv": requests(corpus.suite(), ("prompt_eval_s",))}, {}),
    GapKind.NULL_FIELD: ({"a.csv": requests([*corpus.suite(), corpus.request(prompt_eval_s="")])}, {}),
    GapKind.OUT_OF_RANGE: ({"a.csv": requests([*corpus.suite(), corpus.request(ttft_s=-1.0)])}, {}),
    GapKind.INCONSISTENT: ({"a.csv": requests([*corpus.suite(), corpus.request(tokens_s=75.0)])}, {}),
    GapKind.FAILED_REQUESTS: ({"a.csv": requests([*corpus.suite(), corpus.failed()])}, {}),
    GapKind.NO_HARDWARE: ({"a.csv": requests(corpus.suite())}, {}),
    GapKind.NO_TIMESTAMP: ({"a.csv": requests(corpus.suite(), ("timestamp",))}, {}),
    GapKind.NAIVE_TIMESTAMP: ({"a.csv": requests(corpus.suite()).replace("+00:00", "")}, {}),
    GapKind.FUTURE_TIMESTAMP: ({"a.csv": requests(corpus.suite())}, {"now": dt.datetime(2025, 9, 1, tzinfo=dt.UTC)}),
    GapKind.NO_DISPERSION: ({"a.json": corpus.compile_json().replace('"std_time_ms": ', '"spread": ')}, {}),
    GapKind.FEW_SAMPLES: ({"a.csv": requests([corpus.request()])}, {}),
    GapKind.NO_WARMUP_INFO: ({"a.csv": requests(corpus.suite(), ("load_s",))}, {}),
    GapKind.MISSING_PERIOD: (months((6, 7, 9, 10)), {}),
    GapKind.MISSING_DIRECTORY: ({"a.csv": requests(corpus.suite())}, {"expected_dirs": ["gpu"]}),
    GapKind.GRID_HOLE: (grid(), {}),
    GapKind.THIN_CELL: (grid(), {}),
    GapKind.STALE_CELL: ({**months((10,)), "old.csv": months((1,))["m1.csv"].replace("tiny:1b", "old:1b")}, {}),
    GapKind.UNEXPLAINED_TIME: ({"a.csv": requests([corpus.request(total_s=9.0), corpus.request(total_s=2.15)])}, {}),
    GapKind.NO_GPU_USED: ({"a.json": llama_bench(0)}, {}),
    GapKind.NOT_COMPARABLE: ({"a.csv": requests(corpus.suite()), "b.json": stored_summary()}, {}),
    GapKind.MODEL_MOVED: (moved(), {}),
}  # fmt: skip


def gaps_of(kind: GapKind) -> pd.DataFrame:
    files, settings = CASES[kind]
    gaps = run(files, **settings)["telemetry_gaps"]
    return gaps[gaps["kind"] == kind]


def test_every_kind_of_gap_has_its_section_and_no_section_is_left_over() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/telemetry-gaps.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == [kind.value for kind in GapKind]


@pytest.mark.parametrize("kind", list(GapKind), ids=str)
def test_each_kind_of_gap_comes_from_files_with_consequence_and_remedy(kind: GapKind) -> None:
    assert kind in CASES, f"no case makes {kind}"
    found = gaps_of(kind)
    assert len(found)
    assert found["consequence"].str.len().min() > 10
    assert found["remedy"].str.len().min() > 10
    known = set(CASES[kind][0])
    for text in found["artifacts"]:
        assert set(json.loads(text)) <= known


def test_files_that_have_all_of_it_leave_no_gap() -> None:
    """Every field, seven samples of one configuration, hardware, zone, one definition."""
    rows = [
        corpus.request(
            hardware="GPU-A", total_s=0.16 + 100 / (50.0 + n), prompt_index=n, tokens_s=50.0 + n,
            eval_s=100 / (50.0 + n), prompt_text=f"p{n}", timestamp=f"2025-10-02T12:00:{n:02d}+00:00",
        )
        for n in range(7)
    ]  # fmt: skip
    out = run({"a.csv": requests(rows)}, now=dt.datetime(2025, 10, 3, tzinfo=dt.UTC))
    assert list(out["telemetry_gaps"]["kind"]) == []


def test_kinds_outside_the_set_are_never_made() -> None:
    made = {kind for files, settings in CASES.values() for kind in run(files, **settings)["telemetry_gaps"]["kind"]}
    assert made == {kind.value for kind in GapKind}


def test_a_stored_mean_that_is_the_minimum_is_named_so() -> None:
    files = {"a.json": stored_summary(avg_generation_time_ms=1000.0, max_generation_time_ms=3000.0)}
    out = run(files)
    (gap,) = out["telemetry_gaps"].query("kind == 'inconsistent'").to_dict("records")
    assert gap["subject"] == "a.json /summary"
    assert "mean total_s is stated as 1, which is their min; the rows give 2" in gap["consequence"]
    assert "max" not in gap["consequence"]
    right = run({"a.json": stored_summary(avg_generation_time_ms=2000.0, avg_tokens_per_second=10.0)})
    assert "inconsistent" not in set(right["telemetry_gaps"]["kind"])
    assert len(melt(out)) == len(melt(right))


def test_times_of_different_definitions_are_named_with_both() -> None:
    server = json.dumps([{"content": "x", "timings": {"prompt_n": 7, "prompt_ms": 50.0, "predicted_n": 100,
                         "predicted_ms": 2000.0, "predicted_per_second": 50.0}, "model": "tiny:1b"}] * 3)  # fmt: skip
    out = run({"a.csv": requests(corpus.suite()), "b.json": server})
    assert set(out["llm_requests"]["artifact_path"]) == {"a.csv", "b.json"}
    gaps = out["telemetry_gaps"].query("kind == 'not_comparable' and field == 'TTFT'")
    assert "model load and prompt evaluation" in gaps.iloc[0]["consequence"]
    assert "without model load" in gaps.iloc[0]["consequence"]
    assert out["llm_requests"].groupby("artifact_path")["series_id"].unique().map(set).agg(lambda s: set.isdisjoint(*s))


def test_the_grid_names_its_cells_and_the_run_that_would_help_most() -> None:
    cells = run(grid())["coverage"]
    states = {(row["quantization"], row["context"]): row["state"] for _, row in cells.iterrows()}
    assert states == {
        ("q4_0", "1024"): "measured", ("q4_0", "4096"): "measured", ("q8_0", "1024"): "thin",
        ("q8_0", "4096"): "never_run",
    }  # fmt: skip
    assert set(cells["model"]) == {"tiny:1b"}
    first = cells[cells["priority"] == 1].iloc[0]
    assert (first["state"], first["quantization"], first["context"], first["comparisons_gained"]) == (
        "never_run", "q8_0", "4096", 2,
    )  # fmt: skip
    assert cells.loc[cells["state"] == "measured", "priority"].isna().all()


def test_a_time_after_the_run_counts_for_no_period_and_is_quarantined_with_what_was_stated() -> None:
    text = requests([*corpus.suite(), corpus.request(timestamp="2099-01-01T00:00:00+00:00", prompt_index=9)])
    out = run({"a.csv": text}, now=dt.datetime(2025, 10, 3, tzinfo=dt.UTC))
    long = melt(out)
    assert len(out["llm_requests"]) == 6
    assert set(long["period"].dropna()) == {"2025-10"}
    assert long["period"].isna().sum() == len(long) / 6
    (refused,) = out["quarantine"].to_dict("records")
    assert (refused["reason"], refused["locator"]) == ("out_of_range", "row 6")
    assert refused["value"].startswith("2099-01-01")
    same_day = run({"a.csv": text}, now=dt.datetime(2098, 12, 31, 12, tzinfo=dt.UTC))
    assert same_day["quarantine"].empty


def test_a_month_in_which_nothing_was_measured_is_named_once_a_tool() -> None:
    gaps = gaps_of(GapKind.MISSING_PERIOD)
    assert list(gaps["subject"]) == ["ollama-script in 2025-08"]
    sparse = run(months((1, 6, 10)))["telemetry_gaps"]
    assert "missing_period" not in set(sparse["kind"])


def test_a_tag_that_was_pulled_again_is_named_with_both_digests_and_when() -> None:
    out = run(moved())
    names = out["model_aliases"]
    assert dict(zip(names["kind"] + " " + names["alias"].str[:12], names["model"], strict=True)) == {
        "digest " + "a" * 12: "tiny:latest", "digest " + "b" * 12: "tiny:latest", "tag tiny:latest": "tiny:latest",
    }  # fmt: skip
    (gap,) = out["telemetry_gaps"].query("kind == 'model_moved'").to_dict("records")
    assert f"{'a' * 12} on 2025-09-05; {'b' * 12} on 2025-10-05" in gap["consequence"]


def test_files_and_hub_names_are_aliases_of_the_model_that_states_them() -> None:
    out = run({"a.json": llama_bench(99)})
    names = out["model_aliases"]
    assert set(zip(names["kind"], names["alias"], strict=True)) >= {("file", "tiny-Q4_K_M")}
    assert names["model"].nunique() == 1
