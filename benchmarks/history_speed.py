"""Times the history analysis beside Apache Otava on the same series, in the same run.

    python benchmarks/history_speed.py [--series 1000] [--points 200] [--otava PYTHON]

PYTHON is an interpreter that has apache-otava (default: $OTAVA_PYTHON). Otava pins numpy 2.2 and so needs an
environment of its own: `python -m venv V && V/bin/pip install apache-otava==0.8.0`. Both sides are timed in
CPU seconds without their imports; ours with every table of its null simulated anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from chimera_pipeline.contracts import tables
from chimera_pipeline.facts import history, history_facts, history_lines, history_null

SEED = 7

OTAVA = """
import json, sys, time
import numpy as np
from otava.analysis import compute_change_points
data = np.load(sys.argv[1])
options = json.loads(sys.argv[2])
out = {}
for name in data.files:
    series = [row.tolist() for row in data[name]]
    compute_change_points(series[0], **options)
    start = time.process_time()
    found = [[point.index for point in compute_change_points(one, **options)[0]] for one in series]
    out[name] = {"seconds": time.process_time() - start, "found": found}
json.dump(out, sys.stdout, default=int)
"""


def otava(python: str, data: dict[str, np.ndarray], **options: float) -> dict[str, dict]:
    """{name: {seconds, found: change points of each row}} by Apache Otava with its defaults or `options`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.npz"
        np.savez(path, **data)
        done = subprocess.run(
            [python, "-c", OTAVA, str(path), json.dumps(options)], capture_output=True, text=True, check=True
        )
    return json.loads(done.stdout)


def series_with_steps(count: int, points: int) -> np.ndarray:
    """Noise of 2 % about 100; every tenth series steps by 5 % at two thirds."""
    values = np.random.default_rng(SEED).normal(100, 2, (count, points))
    values[::10, 2 * points // 3 :] *= 1.05
    return values


def store(values: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same numbers as tables `measurements` and `series`, a run a point."""
    count, points = values.shape
    series = tables.frame(
        "series",
        [
            {
                "series_id": f"s_{i:05d}",
                "family": "timings",
                "tool": "bench",
                "config": "{}",
                "case": f"case {i}",
                "entity": f"case {i}",
                "condition": "",
            }
            for i in range(count)
        ],
    )
    at = pd.date_range("2025-01-01", periods=points, freq="D", tz="UTC")
    size = count * points
    columns = {
        "series_id": np.repeat(series["series_id"].to_numpy(), points),
        "metric": ["time_s"] * size,
        "statistic": ["sample"] * size,
        "value": values.ravel(),
        "unit": ["s"] * size,
        "n": [1] * size,
        "phase": ["unknown"] * size,
        "status": ["ok"] * size,
        "measured_at": np.tile(at.astype(object), count),
        "time_source": ["content"] * size,
        "period": np.tile(at.strftime("%Y-%m").to_numpy(dtype=object), count),
        "run_id": np.tile(np.array([f"run {k}" for k in range(points)], dtype=object), count),
        "artifact_sha256": ["0" * 64] * size,
        "artifact_path": np.tile(np.array([f"run_{k}.json" for k in range(points)], dtype=object), count),
        "locator": np.repeat(np.array([f"/cases/{i}" for i in range(count)], dtype=object), points),
        "reader_version": ["1"] * size,
    }
    return tables.frame_of_columns("measurements", columns, size), series


def ours(values: np.ndarray) -> dict[str, float]:
    """Seconds of each part of the analysis and how many steps it found."""
    measurements, series = store(values)
    warm = history_lines.lines_of(*store(values[:2, :20]))
    history.analyse(warm)
    history_null.null.cache_clear()
    history_null.exact_z.cache_clear()
    start = time.process_time()
    lines = history_lines.lines_of(measurements, series)
    from_tables = time.process_time()
    found = history.analyse(lines)
    analysed = time.process_time()
    history.analyse(lines)
    again = time.process_time()
    facts = history_facts.history_facts(measurements, series)
    worded = time.process_time()
    return {
        "tables to lines": from_tables - start,
        "analysis": analysed - from_tables,
        "analysis, null known": again - analysed,
        "tables to facts": worded - again,
        "series with steps": sum(bool(one.steps) for one in found),
        "facts": len(facts),
    }


def main() -> int:
    """Print both times and their ratio; 1 where ours takes longer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--otava", default=os.environ.get("OTAVA_PYTHON"))
    args = parser.parse_args()
    values = series_with_steps(args.series, args.points)
    mine = ours(values)
    for name, value in mine.items():
        print(f"{name:24} {value:8.3f}")
    if not args.otava:
        print("no interpreter with apache-otava given: no ratio")
        return 0
    theirs = otava(args.otava, {"series": values})["series"]
    total = mine["tables to lines"] + mine["analysis"]
    print(f"{'otava':24} {theirs['seconds']:8.3f}   series with change points {sum(map(bool, theirs['found']))}")
    print(f"analysis / otava         {mine['analysis'] / theirs['seconds']:8.3f}")
    print(f"tables + analysis / otava {total / theirs['seconds']:7.3f}")
    return int(mine["analysis"] > theirs["seconds"])


if __name__ == "__main__":
    sys.exit(main())
