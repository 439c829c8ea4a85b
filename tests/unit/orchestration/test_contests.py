"""What may win over what: backends of one case, never one test function, command or problem size over another."""

from __future__ import annotations

import json
from pathlib import Path

from tests import corpus
from tests.hostile import stages


def _pytest_benchmark() -> str:
    entries = [
        {
            "name": f"test_{name}", "fullname": f"bench.py::test_{name}", "group": None, "params": None, "param": None,
            "stats": {"data": data, "min": min(data), "max": max(data), "mean": sum(data) / len(data), "stddev": 0.01,
                      "median": sorted(data)[3], "rounds": len(data), "iterations": 1},
            "options": {"timer": "perf_counter", "disable_gc": False, "warmup": False},
        }
        for name, data in (("parse", [0.1, 0.11, 0.1, 0.1, 0.1, 0.12]), ("sort", [0.9, 0.92, 0.9, 0.91, 0.9, 0.9]))
    ]  # fmt: skip
    return json.dumps({"machine_info": {"cpu": {"brand_raw": "cpu"}}, "benchmarks": entries, "version": "5.1.0",
                       "datetime": "2026-03-01T10:00:00"})  # fmt: skip


def test_two_test_functions_are_no_contest(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "run.json").write_text(_pytest_benchmark(), encoding="utf-8")
    facts = json.loads(stages.facts_of(stages.tables_of(tmp_path / "root", tmp_path / "out")))["facts"]
    assert {fact["entity"] for fact in facts if fact["metric"] == "time_s"} >= {"test_parse", "test_sort"}
    assert [fact["text"] for fact in facts if fact["unit"] == "rank"] == []


def test_two_backends_of_one_case_are(tmp_path: Path) -> None:
    corpus.tree(tmp_path / "root")
    facts = json.loads(stages.facts_of(stages.tables_of(tmp_path / "root", tmp_path / "out")))["facts"]
    ranked = {fact["entity"]: fact["value"] for fact in facts if fact["unit"] == "rank" and fact["metric"] == "time_s"}
    assert ranked == {"mlp/jit": 1.0, "mlp/eager": 2.0}
