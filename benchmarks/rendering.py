"""How long a report of 100 series takes to render, beside writing the same view as JSON, and how large it is.

    python benchmarks/rendering.py [--series 100] [--repeats 5]

All data are synthetic and seeded. Prints the best times, sizes and ratios.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import Any

import orjson
import pandas as pd

from chimera_pipeline.contracts import tables
from chimera_pipeline.records import Fact
from chimera_pipeline.report import comment, markdown, page, view

STATISTICS = ("mean", "median", "min", "max", "p90", "p95")
METRICS = (("decode_tokens_per_s", "tokens/s", 80.0, ""), ("ttft_s", "s", 0.2, "warm"), ("total_s", "s", 3.0, "warm"))


def made(count: int, rng: random.Random) -> tuple[list[Fact], pd.DataFrame, dict[str, Any]]:
    """Facts of `count` series with three metrics, their table `series`, and five points behind each mean."""
    facts, rows, points = [], [], {}
    for i in range(count):
        entity, suite = f"model-{i}:8b", f"suite_{i // 12}"
        rows.append(
            {
                "series_id": f"s_{i}", "family": "requests", "definition": "d", "entity": entity, "condition": suite,
                "suite": suite, "tool": "synthetic", "config": "{}", "aliases": "[]", "model": entity,
            }
        )  # fmt: skip
        for metric, unit, scale, phase in METRICS:
            for statistic in STATISTICS:
                value = scale * rng.uniform(0.5, 1.5)
                condition = ", ".join(filter(None, [phase, suite]))
                wide = {"sd": value / 20, "ddof": 1, "ci_low": value * 0.9, "ci_high": value * 1.1, "ci_method": "t"}
                facts.append(
                    Fact(
                        id=f"f_{len(facts):012x}", kind="level", metric=metric, statistic=statistic, entity=entity,
                        condition=condition, value=value, unit=unit, n=5, period="all", grade="from_samples",
                        text=f"{statistic} {metric} of {entity} ({condition}): {value:.4g} {unit}, n=5",
                        series_ids=(f"s_{i}",), sources=(f"runs/{i}.csv#row 1-5@{i:012x}",),
                        **(wide if statistic == "mean" else {}),
                    )
                )  # fmt: skip
                if statistic == "mean":
                    values = [value * rng.uniform(0.9, 1.1) for _ in range(5)]
                    phases = [{"value": v, "phase": phase or "warm", "source": "x"} for v in values]
                    points[facts[-1].id] = {"points": phases, "changes": []}
    return facts, tables.frame("series", rows), points


def inputs(count: int) -> view.Inputs:
    """What the report of `count` synthetic series is made of."""
    facts, series, points = made(count, random.Random(7))
    files = [
        {
            "path": f"runs/{i}.csv", "size_bytes": 1, "modified_at": pd.Timestamp("2025-01-01", tz="UTC"),
            "sha256": f"{i:064x}", "format": "csv", "status": "ok", "rows_ok": 5, "rows_failed": 0,
            "time_source": "none",
        }
        for i in range(count)
    ]  # fmt: skip
    told = {"reason": "By rule.", "why": "none", "mode": "deterministic"}
    return view.Inputs(
        period="all",
        facts=facts,
        statements=[],
        analysis={"findings": [], "recommendations": [], "narrative": told},
        brief={"statement_ids": []},
        artifacts=tables.frame("artifacts", files),
        gaps=tables.frame("telemetry_gaps"),
        quarantine=tables.frame("quarantine"),
        series=series,
        run={"run_id": "r", "generated_at": "2025-01-01", "durations_s": {}, "llm": None, "gaps": []},
        reproducibility={},
        points=points,
    )


def best(repeats: int, what: Callable[[], Any]) -> tuple[float, Any]:
    """The shortest of several times, and the last result."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        found = what()
        times.append(time.perf_counter() - started)
    return min(times), found


def main() -> None:
    """Print times, sizes and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    material = inputs(options.series)
    built_s, built = best(options.repeats, lambda: view.build(material))
    json_s, encoded = best(options.repeats, lambda: orjson.dumps(built, option=orjson.OPT_INDENT_2))
    print(f"{options.series} series, {len(material.facts)} facts, {len(built['charts'])} charts")
    print(f"{'view':<16}{built_s * 1e3:8.1f} ms   (report.json {len(encoded) / 1e3:.0f} kB in {json_s * 1e3:.1f} ms)")
    total = built_s
    for name, render in (
        ("report.html", page.render),
        ("founders.html", page.render_founders),
        ("report.md", lambda built: markdown.render(built).text),
        ("pr-comment.md", comment.render),
    ):
        seconds, text = best(options.repeats, lambda render=render: render(built))
        total += seconds
        size = len(text.encode())
        print(f"{name:<16}{seconds * 1e3:8.1f} ms  {size / 1e3:7.1f} kB  {size / len(encoded):.3f} of report.json")
    print(f"{'all':<16}{total * 1e3:8.1f} ms, {total / json_s:.0f} times writing the view as JSON")


if __name__ == "__main__":
    main()
