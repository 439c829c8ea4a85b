"""A small corpus of result files, made here: every number is invented and chosen so that answers are easy by hand."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

REQUEST_COLUMNS = [
    "timestamp", "model", "prompt_index", "prompt_text", "ttft_s", "tokens_s", "load_s", "prompt_eval_s", "eval_s",
    "prompt_eval_count", "eval_count", "error", "options",
]  # fmt: skip


def request(**changed: Any) -> dict[str, Any]:
    """One warm request: 100 tokens in 2 s, loaded in 0.1 s, prompt in 0.05 s."""
    row: dict[str, Any] = {
        "timestamp": "2025-10-02T12:00:00+00:00",
        "model": "tiny:1b",
        "prompt_index": 1,
        "prompt_text": "say something",
        "ttft_s": 0.15,
        "tokens_s": 50.0,
        "load_s": 0.1,
        "prompt_eval_s": 0.05,
        "eval_s": 2.0,
        "prompt_eval_count": 7,
        "eval_count": 100,
        "error": "",
        "options": json.dumps({"temperature": 0.3}),
    }
    return row | changed


def failed(**changed: Any) -> dict[str, Any]:
    """A request that failed, as such scripts write it: zeros and a message."""
    zeros = dict.fromkeys(
        ("ttft_s", "tokens_s", "load_s", "prompt_eval_s", "eval_s", "prompt_eval_count", "eval_count"), 0
    )
    return request(**zeros, error="Failed to connect to the server") | changed


def suite(model: str = "tiny:1b", base: float = 50.0, **changed: Any) -> list[dict[str, Any]]:
    """Five requests of five prompts: the first cold (2 s load), rates base-2, base-1, base, base+1, base+2."""
    rows = []
    for index, step in enumerate((-2, -1, 0, 1, 2)):
        rate = base + step
        load = 2.0 if index == 0 else 0.1
        rows.append(
            request(
                model=model, prompt_index=index + 1, prompt_text=f"prompt {index}", tokens_s=rate, eval_s=100 / rate,
                load_s=load, ttft_s=load + 0.05, **changed,
            )
        )  # fmt: skip
    return rows


def csv_text(rows: list[dict[str, Any]], columns: list[str] | None = None) -> str:
    """Rows as csv."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns or list(rows[0]), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def suite_summary(rows: list[dict[str, Any]]) -> str:
    """The summary json that goes with a suite: means over what completed."""
    ok = [row for row in rows if not row["error"]]
    entry: dict[str, Any] = {"model": rows[0]["model"], "prompt_count": len(rows), "completed": len(ok)}
    if ok:
        entry["mean_ttft_s"] = sum(row["ttft_s"] for row in ok) / len(ok)
        entry["mean_tokens_s"] = sum(row["tokens_s"] for row in ok) / len(ok)
    return json.dumps({"generated_at": "2025-10-02T12:01:00+00:00", "models": [entry]})


def compile_json(**changed: Any) -> str:
    """A compilation benchmark: eager 2 ms, jit 1 ms, one backend that failed."""
    times = {"mean_time_ms": 2.0, "std_time_ms": 0.25, "min_time_ms": 1.5, "max_time_ms": 2.5}
    document = {
        "generated_at": "2025-10-03T08:00:00+00:00",
        "model": {"name": "mlp", "device": "cpu", "dtype": "torch.float32", "batch_size": 4},
        "settings": {"runs": 10, "warmup_runs": 3},
        "backends": {
            "eager": {"backend": "eager", "compilation": None, "benchmark": times},
            "jit": {
                "backend": "jit",
                "compilation": {"success": True, "compile_time_s": 0.5, "error": None},
                "benchmark": {key: value / 2 for key, value in times.items()},
            },
            "triton": {
                "backend": "triton",
                "compilation": {"success": False, "compile_time_s": None, "error": "triton is not installed"},
                "benchmark": dict.fromkeys(times, 0.0),
            },
        },
    }
    return json.dumps(document | changed)


COMPILE_MD = """# Compilation Benchmark Report
- Generated: 2025-10-03T08:00:00+00:00
- Model: mlp
- Device: cpu
- DType: torch.float32 | Backend | Success | Compile Time (s) | Mean (ms) | Std (ms) | Min (ms) | Max (ms) | Notes |
| --- | --- | --- | --- | --- | --- | --- | --- |
| eager | yes | 0.0000 | 2.000 | 0.250 | 1.500 | 2.500 | |
| jit | yes | 0.5000 | 1.000 | 0.125 | 0.750 | 1.250 | |
| triton | no | | | | | | triton is not installed |
"""


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files under `folder`."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def tree(folder: Path) -> Path:
    """One of each: a suite, its summary, copy and json twin, a failed suite, a sweep, compilation, prose, junk."""
    rows = suite()
    twin = {
        "model": "tiny:1b",
        "results": [{key: row[key] for key in REQUEST_COLUMNS[3:] if key != "options"} for row in rows],
    }
    for row in twin["results"]:  # type: ignore[union-attr]
        row["prompt"] = row.pop("prompt_text")  # type: ignore[union-attr]
    sweep = [
        request(
            model="tiny:1b", prompt_index="", prompt_text="", tokens_s=40.0 + index, eval_s=100 / (40.0 + index),
            num_gpu=gpu, num_ctx=1024, temperature=temperature, options="",
            timestamp="2025-11-05T09:00:00+00:00",
        )
        for index, (gpu, temperature) in enumerate([(10, 0.2), (10, 0.8), (20, 0.2), (20, 0.8)])
    ]  # fmt: skip
    broken = [failed(model="big:8b", prompt_index=index) for index in range(3)]
    return write(
        folder,
        {
            "october/suite_runs.csv": csv_text(rows, REQUEST_COLUMNS),
            "october/suite_summary.json": suite_summary(rows),
            "october/suite_twin.json": json.dumps(twin),
            "october/failed_runs.csv": csv_text(broken, REQUEST_COLUMNS),
            "october/compile.json": compile_json(),
            "october/compile.md": COMPILE_MD,
            "copies/suite_again.csv": csv_text(rows, REQUEST_COLUMNS),
            "november/sweep.csv": csv_text(sweep, [*REQUEST_COLUMNS, "num_gpu", "num_ctx", "temperature"]),
            "notes.md": "# Notes\n\nWe saw 999.9 tok/s once.\n",
            "broken.json": '{"model": "tiny:1b", "results": [{"ttft_s": 1.0,',
            "odd.json": '{"colour": "blue"}',
        },
    )
