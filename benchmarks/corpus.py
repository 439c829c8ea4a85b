"""A corpus of benchmark results of any size, the same for the same seed: 25 % csv, 55 % json, 20 % markdown.

    python benchmarks/corpus.py FOLDER FILES [SEED]

Nine kinds of files in the shapes that their tools write, all made here: request logs, GPU samples, serving points,
timed commands, micro-benchmarks, llama-bench tables and prose. 5.5 kB on average, each file another size. Models and
machines come from a fixed list, so the number of series stays the same however many files there are; every file has
its own times and numbers.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

SEED = 20261123
MEAN_BYTES = 5500
_FIRST = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
_MODELS = ("llama3.1:8b", "gemma3:270m", "qwen3:14b", "mistral:7b")
_MACHINES = ("NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB")
_WORDS = (
    "warm-up",
    "batch",
    "kernel",
    "cache",
    "prompt",
    "driver",
    "context",
    "clock",
    "queue",
    "node",
    "run",
    "graph",
)


def files(count: int, seed: int = SEED) -> Iterator[tuple[str, str]]:
    """(path, text) of each file. The kinds come in fixed shares: of 20 files 5 csv, 11 json, 4 markdown."""
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        name, make = _KINDS[number % len(_KINDS)]
        size = int(MEAN_BYTES * chance.uniform(0.3, 1.7))
        at = _FIRST + dt.timedelta(minutes=number * 525_000 // max(count, 1))
        suffix = name.rpartition(".")[2]
        yield f"{at:%Y-%m}/{number // 200:05d}/{name.partition('.')[0]}-{number:07d}.{suffix}", make(chance, at, size)


def write(folder: Path, count: int, seed: int = SEED, first: int = 0) -> int:
    """Write `count` files under `folder`; returns their bytes. `first` skips files that are there already."""
    total = 0
    for number, (path, text) in enumerate(files(count, seed)):
        if number < first:
            continue
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        total += len(text)
    return total


def write_large(path: Path, size: int, seed: int = SEED) -> None:
    """One request log of `size` bytes."""
    chance = random.Random(seed)
    days = [_FIRST + dt.timedelta(days=day) for day in range(25)]
    head, _, _ = requests_csv(chance, _FIRST, 0).partition("\n")
    bodies = [requests_csv(chance, at, 200_000).partition("\n")[2] for at in days]
    with path.open("w") as stream:
        written = stream.write(head + "\n")
        while written < size:
            written += stream.write(chance.choice(bodies))


def requests_csv(chance: random.Random, at: dt.datetime, size: int) -> str:
    """A request log: a row a request, durations in seconds."""
    head = (
        "timestamp,model,hardware,prompt_index,ttft_s,tokens_s,load_s,prompt_eval_s,eval_s,prompt_eval_count,"
        "eval_count,error"
    )
    model, machine = chance.choice(_MODELS), chance.choice(_MACHINES)
    lines, held = [head], len(head)
    while held < size:
        load, prompt, tokens = chance.uniform(0.01, 0.2), chance.uniform(0.02, 0.08), chance.randrange(60, 240)
        rate = chance.gauss(100, 4)
        at += dt.timedelta(seconds=2)
        lines.append(
            f"{at.isoformat(timespec='milliseconds')},{model},{machine},{len(lines)},{load + prompt:.6f},{rate:.4f},"
            f"{load:.6f},{prompt:.6f},{tokens / rate:.6f},{chance.randrange(10, 90)},{tokens},"
        )
        held += len(lines[-1]) + 1
    return "\n".join(lines) + "\n"


def gpu_csv(chance: random.Random, at: dt.datetime, size: int) -> str:
    """Samples of nvidia-smi, one a second."""
    head = "timestamp, index, name, utilization.gpu [%], memory.used [MiB], power.draw [W], temperature.gpu"
    machine = chance.choice(_MACHINES)
    lines, held = [head], len(head)
    while held < size:
        at += dt.timedelta(seconds=1)
        lines.append(
            f"{at:%Y/%m/%d %H:%M:%S}.{chance.randrange(1000):03d}, 0, {machine}, {chance.randrange(101)} %, "
            f"{chance.randrange(20000, 80000)} MiB, {chance.uniform(90, 690):.2f} W, {chance.randrange(30, 85)}"
        )
        held += len(lines[-1]) + 1
    return "\n".join(lines) + "\n"


def serving_json(chance: random.Random, at: dt.datetime, size: int) -> str:
    """One point of a serving benchmark with the lists behind it."""
    value: dict[str, object] = {
        "date": f"{at:%Y%m%d-%H%M%S}", "backend": "vllm", "model_id": chance.choice(_MODELS).replace(":", "-"),
        "num_prompts": 200, "max_concurrency": chance.choice((1, 8, 32)),
        "duration": chance.uniform(20, 90), "completed": 200, "total_input_tokens": 40000, "total_output_tokens": 25600,
    }  # fmt: skip
    value["request_throughput"] = chance.uniform(2, 9)
    value["output_throughput"] = chance.uniform(400, 900)
    value["total_token_throughput"] = chance.uniform(1000, 2000)
    for name, low in (("ttft", 40.0), ("tpot", 8.0), ("itl", 8.0), ("e2el", 900.0)):
        mean = low * chance.uniform(1, 2)
        value |= {f"mean_{name}_ms": mean, f"median_{name}_ms": mean * 0.97, f"std_{name}_ms": mean * 0.2}
        value |= {f"p90_{name}_ms": mean * 1.3, f"p99_{name}_ms": mean * 1.6}
    value["generated_texts"] = []
    filler = max(0, size - len(json.dumps(value)))
    value["generated_texts"] = [_prose(chance, 400) for _ in range(filler // 405)]
    return json.dumps(value)


def commands_json(chance: random.Random, at: dt.datetime, size: int) -> str:
    """Timed commands with ten runs each."""
    results = []
    while len(results) < max(1, size // 520):
        middle = chance.uniform(0.2, 3.0)
        times = [middle * chance.gauss(1, 0.02) for _ in range(10)]
        mean = sum(times) / len(times)
        spread = (sum((one - mean) ** 2 for one in times) / 9) ** 0.5
        results.append(
            {
                "command": f"step {len(results)}", "mean": mean, "stddev": spread, "median": sorted(times)[5],
                "user": mean * 0.7, "system": mean * 0.1, "min": min(times), "max": max(times), "times": times,
                "exit_codes": [0] * 10,
            }
        )  # fmt: skip
    return json.dumps({"results": results}, indent=2)


def micro_json(chance: random.Random, at: dt.datetime, size: int) -> str:
    """Micro-benchmarks of google-benchmark."""
    entries = []
    while len(entries) < max(1, size // 210):
        time = chance.uniform(100, 9000)
        name = f"BM_{_WORDS[len(entries) % 12]}/{len(entries)}"
        entries.append(
            {
                "name": name, "run_name": name, "run_type": "iteration", "threads": 1,
                "iterations": chance.randrange(1000, 90000), "real_time": time, "cpu_time": time * 0.98,
                "time_unit": "ns",
            }
        )  # fmt: skip
    context = {"date": at.isoformat(timespec="seconds"), "host_name": "host", "num_cpus": 64, "mhz_per_cpu": 3000}
    return json.dumps({"context": context, "benchmarks": entries}, indent=2)


def requests_json(chance: random.Random, at: dt.datetime, size: int) -> str:
    """Requests of one model with their durations."""
    results = []
    while len(results) < max(2, size // 190):
        load, prompt, tokens = chance.uniform(0.01, 0.2), chance.uniform(0.02, 0.08), chance.randrange(60, 240)
        rate = chance.gauss(100, 4)
        results.append(
            {
                "prompt_index": len(results), "ttft_s": load + prompt, "tokens_s": rate, "load_s": load,
                "prompt_eval_s": prompt, "eval_s": tokens / rate, "eval_count": tokens, "prompt_eval_count": 40,
            }
        )  # fmt: skip
    shared = {"model": chance.choice(_MODELS), "hardware": chance.choice(_MACHINES), "timestamp": at.isoformat()}
    return json.dumps({**shared, "results": results})


def tests_json(chance: random.Random, at: dt.datetime, size: int) -> str:
    """pytest-benchmark: cases with their statistics."""
    entries = []
    while len(entries) < max(1, size // 560):
        mean = chance.uniform(1e-5, 1e-2)
        stats = {
            "min": mean * 0.9, "max": mean * 1.4, "mean": mean, "stddev": mean * 0.05, "rounds": 99,
            "median": mean * 0.99, "iqr": mean * 0.04, "q1": mean * 0.97, "q3": mean * 1.01, "ops": 1 / mean,
            "iterations": 1,
        }  # fmt: skip
        name = f"test_{_WORDS[len(entries) % 12]}"
        options = {"disable_gc": False, "timer": "perf_counter", "min_rounds": 5, "max_time": 1.0, "warmup": False}
        entries.append(
            {"group": None, "name": name, "fullname": f"tests/test_a.py::{name}[{len(entries)}]", "params": None,
             "options": options, "stats": stats}
        )  # fmt: skip
    machine = {"node": "host", "python_version": "3.11.7", "cpu": {"brand_raw": chance.choice(("CPU one", "CPU two"))}}
    return json.dumps({"machine_info": machine, "datetime": at.isoformat(), "benchmarks": entries}, indent=1)


def table_md(chance: random.Random, at: dt.datetime, size: int) -> str:
    """A llama-bench table between paragraphs."""
    rows = [
        f"| llama 8B Q4_K - Medium |   4.58 GiB |     8.03 B | CUDA    |  99 | {test:>6} | "
        f"{chance.uniform(low, low * 1.5):.2f} ± {chance.uniform(0.1, 9):.2f} |"
        for test, low in (("pp512", 9000.0), ("pp2048", 8000.0), ("tg128", 110.0), ("tg256", 105.0))
    ]
    head = "| model                  |       size |     params | backend | ngl |   test |                  t/s |\n"
    line = "| ---------------------- | ---------: | ---------: | ------- | --: | -----: | -------------------: |\n"
    text = f"# Run of {at:%Y-%m-%d}\n\n{_prose(chance, 300)}\n\n{head}{line}" + "\n".join(rows) + "\n\n"
    return text + _prose(chance, max(0, size - len(text))) + "\n"


def prose_md(chance: random.Random, at: dt.datetime, size: int) -> str:
    """Notes without a number to read."""
    parts = [f"# Notes of {at:%Y-%m-%d}\n"]
    while sum(map(len, parts)) < size:
        parts.append(f"\n## On the {chance.choice(_WORDS)}\n\n{_prose(chance, 700)}\n")
    return "".join(parts)


def _prose(chance: random.Random, size: int) -> str:
    words: list[str] = []
    held = 0
    while held < size:
        word = chance.choice(_WORDS)
        words.append(word + ("." if chance.random() < 0.1 else ""))
        held += len(words[-1]) + 1
    return " ".join(words)


_Make = Callable[[random.Random, dt.datetime, int], str]
_CSV: list[tuple[str, _Make]] = [
    ("requests.csv", requests_csv), ("gpu.csv", gpu_csv), ("requests.csv", requests_csv), ("gpu.csv", gpu_csv),
    ("requests.csv", requests_csv),
]  # fmt: skip
_JSON: list[tuple[str, _Make]] = [
    ("serving.json", serving_json), ("commands.json", commands_json), ("micro.json", micro_json),
    ("answers.json", requests_json), ("tests.json", tests_json), ("serving.json", serving_json),
    ("commands.json", commands_json), ("micro.json", micro_json), ("answers.json", requests_json),
    ("tests.json", tests_json), ("serving.json", serving_json),
]  # fmt: skip
_MD: list[tuple[str, _Make]] = [("table.md", table_md), ("notes.md", prose_md)] * 2
_KINDS = _CSV + _JSON + _MD


if __name__ == "__main__":
    target, wanted = Path(sys.argv[1]), int(sys.argv[2])
    written = write(target, wanted, int(sys.argv[3]) if len(sys.argv) > 3 else SEED)
    print(f"{wanted} files, {written / 1e6:.1f} MB, {written / max(wanted, 1):.0f} bytes a file")
