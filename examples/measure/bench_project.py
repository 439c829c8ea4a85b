"""Times parts of this project with pytest-benchmark: reading files, building tables, intervals, periods.

    python -m pytest examples/measure/bench_project.py --benchmark-json=FILE

Inputs are made here from a seed. `examples/README.md` names the files that came of it.
"""

from __future__ import annotations

import csv
import io
import json
import random
from typing import Any

import pytest

from chimera_pipeline import periods
from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import statistics
from chimera_pipeline.readers import registry
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits

ROUNDS = 30
LIMITS = Limits()


def requests(count: int) -> list[dict[str, Any]]:
    """Rows of a per-request file, the same for the same count."""
    draw = random.Random(count)
    found = []
    for index in range(count):
        eval_s, output = round(draw.uniform(0.5, 2.0), 6), draw.randint(40, 200)
        load_s, prompt_eval_s = round(draw.uniform(0.01, 0.05), 6), round(draw.uniform(0.01, 0.1), 6)
        found.append(
            {
                "timestamp": f"2025-03-{index % 28 + 1:02d}T12:00:00+00:00",
                "model": "invented-model",
                "prompt_index": index % 5 + 1,
                "prompt_text": f"Prompt number {index % 5 + 1}",
                "ttft_s": round(load_s + prompt_eval_s, 6),
                "tokens_s": round(output / eval_s, 3),
                "load_s": load_s,
                "prompt_eval_s": prompt_eval_s,
                "eval_s": eval_s,
                "eval_count": output,
                "error": "",
            }
        )
    return found


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.mark.parametrize("rows", [100, 1000])
def test_read_csv(benchmark: Any, rows: int) -> None:
    data = as_csv(requests(rows))
    reading = benchmark.pedantic(registry.read, args=(data, Format.CSV, LIMITS), rounds=ROUNDS, warmup_rounds=3)
    assert reading.records_ok == rows


@pytest.mark.parametrize("rows", [100, 1000])
def test_read_json(benchmark: Any, rows: int) -> None:
    data = json.dumps({"model": "invented-model", "results": requests(rows)}).encode()
    reading = benchmark.pedantic(registry.read, args=(data, Format.JSON, LIMITS), rounds=ROUNDS, warmup_rounds=3)
    assert reading.records_ok == rows


@pytest.mark.parametrize("rows", [100, 1000])
def test_build_table(benchmark: Any, rows: int) -> None:
    found = registry.read(as_csv(requests(rows)), Format.CSV, LIMITS).rows["llm_requests"]
    frame = benchmark.pedantic(tables.frame, args=("llm_requests", found), rounds=ROUNDS, warmup_rounds=3)
    assert len(frame) == rows


@pytest.mark.parametrize("values", [10, 50])
def test_mean_interval(benchmark: Any, values: int) -> None:
    draw = random.Random(values)
    sample = [draw.gauss(100.0, 5.0) for _ in range(values)]
    interval = benchmark.pedantic(statistics.mean_interval, args=(sample,), rounds=ROUNDS, warmup_rounds=3)
    assert interval.low < interval.high


def test_parse_instant(benchmark: Any) -> None:
    instant = benchmark.pedantic(
        periods.parse_instant,
        args=("2025-10-02T15:12:04-04:00",),
        rounds=ROUNDS,
        iterations=1000,
        warmup_rounds=3,
    )
    assert instant.at.hour == 19
