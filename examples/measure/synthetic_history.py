"""Writes `examples/synthetic_history/`: twelve months of INVENTED request results, for trends and changes.

    python examples/measure/synthetic_history.py [--out examples/synthetic_history] [--seed 20250103]

Nothing in there was measured. Every row says so (column `synthetic`, models `synthetic-model-*`). It holds:

- synthetic-model-a: decode rate about 100 tokens/s, a step down to about 85 with August, small spread.
- synthetic-model-b: about 60 tokens/s, large spread within and between days, no change at all.
- synthetic-model-c: about 140 tokens/s, small spread, no change; some requests time out.
- June is missing. The file of September also holds rows from the end of August, and the one of November rows
  whose local date is 1 November while in UTC it is still 31 October.

The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import io
import json
import random
from pathlib import Path

SEED = 20250103
YEAR, MISSING, STEP = 2025, 6, 8
PROMPTS = 6
# decode rate in tokens/s, relative spread between days, relative spread within a day, share of timeouts
MODELS = {
    "synthetic-model-a": (100.0, 0.008, 0.015, 0.0),
    "synthetic-model-b": (60.0, 0.08, 0.10, 0.0),
    "synthetic-model-c": (140.0, 0.005, 0.010, 0.03),
}
AFTER_STEP = 0.85
COLUMNS = [
    "timestamp",
    "synthetic",
    "model",
    "hardware",
    "prompt_index",
    "prompt_text",
    "ttft_s",
    "tokens_s",
    "load_s",
    "prompt_eval_s",
    "eval_s",
    "prompt_eval_count",
    "eval_count",
    "total_s",
    "error",
    "options",
]
OPTIONS = json.dumps({"num_ctx": 2048, "temperature": 0.2, "seed": 7})
README = """# Synthetic history

Everything in this folder is invented. No value was measured on any machine: the script
`examples/measure/synthetic_history.py` drew all of them from the seed {seed}. They exist to show trends,
changes and missing periods.
"""


def rate_of(model: str, at: dt.datetime) -> float:
    """The true decode rate behind the rows of that day."""
    rate = MODELS[model][0]
    return rate * AFTER_STEP if model == "synthetic-model-a" and at.month >= STEP else rate


def days_of(month: int) -> list[dt.datetime]:
    """When the rows in the file of a month were made, as the file writes it."""
    days = [dt.datetime(YEAR, month, day, 9, 30, tzinfo=dt.UTC) for day in (5, 19)]
    if month == 9:
        days.insert(0, dt.datetime(YEAR, 8, 30, 21, 15, tzinfo=dt.UTC))
    if month == 11:
        days.insert(0, dt.datetime(YEAR, 11, 1, 0, 40, tzinfo=dt.timezone(dt.timedelta(hours=2))))
    return days


def one_day(draw: random.Random, model: str, start: dt.datetime) -> list[list[object]]:
    """One day's requests of one model: the first one loads it."""
    _, between, within, timeouts = MODELS[model]
    rate_today = rate_of(model, start) * (1 + draw.gauss(0, between))
    rows: list[list[object]] = []
    for index in range(1, PROMPTS + 1):
        at = start + dt.timedelta(seconds=20 * index)
        head = [
            at.isoformat(),
            "yes",
            model,
            "synthetic hardware",
            index,
            f"synthetic prompt {index}",
        ]
        load_s = draw.uniform(1.6, 2.2) if index == 1 else draw.uniform(0.05, 0.06)
        prompt_eval_s, tokens = draw.uniform(0.015, 0.025), draw.randint(80, 240)
        rate = rate_today * (1 + draw.gauss(0, within))
        overhead_s = draw.uniform(0.001, 0.003)
        if draw.random() < timeouts:
            rows.append([*head, *[""] * 8, "timed out", OPTIONS])
            continue
        load_s, prompt_eval_s, eval_s = round(load_s, 4), round(prompt_eval_s, 4), round(tokens / rate, 4)
        numbers = [
            f"{load_s + prompt_eval_s:.4f}",
            f"{tokens / eval_s:.2f}",
            f"{load_s:.4f}",
            f"{prompt_eval_s:.4f}",
            f"{eval_s:.4f}",
            18 + index,
            tokens,
            f"{load_s + prompt_eval_s + eval_s + overhead_s:.4f}",
        ]
        rows.append([*head, *numbers, "", OPTIONS])
    return rows


def files(seed: int = SEED) -> dict[str, bytes]:
    """Every file of the folder by name."""
    draw = random.Random(seed)
    found = {"README.md": README.format(seed=seed).encode()}
    for month in range(1, 13):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for start in days_of(month):
            for model in MODELS:
                writer.writerows(one_day(draw, model, start))
        if month != MISSING:
            found[f"synthetic_requests_{YEAR}-{month:02d}.csv"] = text.getvalue().encode()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes a synthetic history of request results.")
    parser.add_argument("--out", type=Path, default=Path("examples/synthetic_history"))
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, data in files(arguments.seed).items():
        (arguments.out / name).write_bytes(data)


if __name__ == "__main__":
    main()
