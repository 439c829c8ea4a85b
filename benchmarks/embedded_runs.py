"""The whole way to the published report with the embedded model, many times over one store.

Each run makes collector_brief, analysis and report of everything again, with another seed, which changes the order in
which statements are shown; the settled store is made once. Printed: reports published with every claim supported,
time, tokens, fallbacks and how the model's choice agrees with code's ranking.

    python benchmarks/embedded_runs.py ARTIFACTS [--runs N] [--llm llamacpp] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from chimera_pipeline import settings
from chimera_pipeline.orchestration import run as running
from chimera_pipeline.orchestration.lake import Lake

STEPS = ("collector_brief", "analysis", "report")
FIRST_SEED = 100
_AGREES = re.compile(r"chose (\d+) of (\d+); (\d+) of them rank in code's top")


def one(artifacts: str, out: Path, llm: str, seed: int) -> dict[str, Any]:
    """Make and publish the report with `seed`; what the run says of itself."""
    chosen = settings.load(artifacts=artifacts, out=out, llm=llm, seed=seed)
    lake = Lake(out)
    before = _stamp(lake)
    started = time.perf_counter()
    with running._instance(chosen) as instance:
        running._materialize(chosen, instance, "all", None, STEPS)
    seconds = time.perf_counter() - started
    analysis = lake.read_value("analysis", "all")
    llm_record = analysis["llm"] or {"calls": []}
    agrees = _AGREES.search(analysis["narrative"]["reason"])
    audited = lake.read_value("report", "all")["audit"]
    return {
        "seed": seed,
        "published": _stamp(lake) != before,
        "claims": audited["claims"],
        "supported": audited["supported"],
        "seconds": seconds,
        "model_seconds": llm_record.get("total_duration_s"),
        "prompt_tokens": llm_record.get("prompt_tokens"),
        "output_tokens": llm_record.get("output_tokens"),
        "calls": len(llm_record["calls"]),
        "mode": analysis["narrative"]["mode"],
        "chosen": int(agrees.group(1)) if agrees else 0,
        "in_codes_top": int(agrees.group(3)) if agrees else 0,
        "why": analysis["narrative"]["why"],
    }


def _stamp(lake: Lake) -> tuple[int, ...]:
    folder = lake.report_folder("all")
    return tuple((folder / f"report.{end}").stat().st_mtime_ns for end in ("md", "html", "json") if folder.is_dir())


def told(rows: list[dict[str, Any]]) -> list[str]:
    """The figures as lines."""

    def spread(name: str, unit: str) -> str:
        values = [row[name] for row in rows if row[name] is not None]
        if not values:
            return f"{name}: not stated"
        return f"{name}: median {statistics.median(values):.1f} {unit} ({min(values):.1f} to {max(values):.1f})"

    n = len(rows)
    whole = sum(row["published"] and row["claims"] == row["supported"] for row in rows)
    chosen, agree = sum(row["chosen"] for row in rows), sum(row["in_codes_top"] for row in rows)
    return [
        f"published: {sum(row['published'] for row in rows)} of {n}",
        f"with every claim supported by the audit: {whole} of {n}",
        f"fell back to the choice by rule: {sum(row['mode'] == 'deterministic' for row in rows)} of {n}",
        f"picks of the model among code's own first: {agree} of {chosen}",
        spread("seconds", "s a report, all steps"),
        spread("model_seconds", "s in model calls"),
        spread("prompt_tokens", "tokens"),
        spread("output_tokens", "tokens"),
        spread("calls", "calls"),
    ]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="Published reports with the embedded model.")
    parser.add_argument("artifacts")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--llm", default="llamacpp")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        running.execute(settings.load(artifacts=arguments.artifacts, out=out, llm="none"))
        rows = []
        for seed in range(FIRST_SEED, FIRST_SEED + arguments.runs):
            rows.append(one(arguments.artifacts, out, arguments.llm, seed))
            print(json.dumps(rows[-1]), flush=True)
    print("\n".join(told(rows)))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
