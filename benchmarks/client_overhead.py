"""What this project's Ollama client costs against a bare streaming call to the same server.

Both talk to the same local server of tests/doubles, which sends a fixed number of tokens at a fixed pace. The calls
are paired, and each pair is made in random order. Printed: the median of the paired ratios (ours / bare) of the time
to first token and of tokens per second, with an order-statistic interval of at least 95 %.

    python benchmarks/client_overhead.py [--pairs N] [--tokens N] [--delay-ms MS] [--host HOST --model NAME]

With --host it measures against that Ollama server instead.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chimera_pipeline.analysis.providers.ollama import Ollama
from chimera_pipeline.analysis.providers.protocol import Deadlines, Message, Options
from tests.doubles.ollama_server import MODEL, OllamaServer

PROMPT = "Explain in three sentences what a key-value cache is."


def ours(host: str, model: str, options: Options) -> tuple[float, float]:
    """Seconds to the first token, and tokens per second after it, with the project's client."""
    reply = Ollama(model, host).chat([Message("user", PROMPT)], None, options, Deadlines())
    assert reply.ttft_s is not None
    assert reply.output_tokens is not None
    return reply.ttft_s, (reply.output_tokens - 1) / (reply.total_s - reply.ttft_s)


def bare(host: str, model: str, options: Options) -> tuple[float, float]:
    """The same with nothing but http.client and json: no deadlines, no checks."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection(host)
    body = {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "stream": True,
        "truncate": False,
        "shift": False,
        "think": False,
        "options": options.as_dict(),
    }
    connection.request("POST", "/api/chat", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    first, tokens = 0.0, 0
    while line := response.readline():
        event = json.loads(line)
        if event["message"]["content"]:
            first = first or time.perf_counter() - start
        if event["done"]:
            tokens = event["eval_count"]
            break
    total = time.perf_counter() - start
    connection.close()
    return first, (tokens - 1) / (total - first)


def interval(values: list[float]) -> tuple[float, float, float]:
    """The median and the narrowest order-statistic interval that covers it with at least 95 %."""
    ordered, n = sorted(values), len(values)
    low = 0
    while sum(math.comb(n, i) for i in range(low + 2)) / 2**n <= 0.025 and low + 1 < n // 2:
        low += 1
    return statistics.median(ordered), ordered[low], ordered[n - 1 - low]


@contextlib.contextmanager
def server(host: str | None, tokens: int, delay_s: float) -> Iterator[str]:
    """The server to measure against: the given one, or the local one with a fixed pace."""
    if host is not None:
        yield host
        return
    with OllamaServer(answer=lambda _: "abcd" * tokens, token_delay_s=delay_s) as double:
        yield double.host


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Overhead of the Ollama client.")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--delay-ms", type=float, default=5.0)
    parser.add_argument("--host")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    options = Options(num_ctx=2048, num_predict=arguments.tokens, seed=1)
    ratios: dict[str, list[float]] = {"ttft": [], "tokens_per_s": []}
    with server(arguments.host, arguments.tokens, arguments.delay_ms / 1000) as host:
        for client in (ours, bare):
            client(host, arguments.model, options)  # warm up
        for _ in range(arguments.pairs):
            seen = {client: client(host, arguments.model, options) for client in draw.sample([ours, bare], 2)}
            ratios["ttft"].append(seen[ours][0] / seen[bare][0])
            ratios["tokens_per_s"].append(seen[ours][1] / seen[bare][1])
    for name, values in ratios.items():
        median, low, high = interval(values)
        print(f"{name}: ours / bare = {median:.4f} [{low:.4f}, {high:.4f}], n={len(values)} pairs")


if __name__ == "__main__":
    main()
