"""What the name of a column tells: its unit, the field of a table it states, or its role beside the fields.

Fixed rules over words; used for drafts and for what the inventory shows, never to read a file.
"""

from __future__ import annotations

import re

from chimera_pipeline import redact


def _by_word(groups: dict[str, str]) -> dict[str, str]:
    """Word -> meaning, from meaning -> words separated by commas."""
    return {word.strip(): meaning for meaning, listed in groups.items() for word in listed.split(",")}


_UNITS = _by_word(
    {
        "s": "s, sec, secs, second, seconds",
        "ms": "ms, msec, millis, milliseconds",
        "us": "us, usec, µs, microseconds",
        "ns": "ns, nsec, nanoseconds",
        "bytes": "bytes",
        "KiB": "kib",
        "MiB": "mib",
        "GiB": "gib",
        "kB": "kb",
        "MB": "mb",
        "GB": "gb",
        "percent": "percent, pct",
        "W": "w, watts",
        "MHz": "mhz",
        "tokens/s": "rate",
        "requests/s": "reqrate",
    }
)
_RATES = (
    (re.compile(r"(tokens?|toks?)(_per_|_?/_?)(s|secs?|seconds?)(?![a-z])"), " rate "),
    (re.compile(r"(?<![a-z])(tps|tokens?_s|tok_s)(?![a-z])"), " rate "),
    (re.compile(r"(requests?|reqs?)(_per_|_?/_?)(s|secs?|seconds?)(?![a-z])"), " reqrate "),
    (re.compile(r"(?<![a-z])(rps|qps)(?![a-z])"), " reqrate "),
)
_STATS = _by_word(
    {
        "mean": "mean, avg, average",
        "std": "std, stdev, stddev",
        "p50": "median, p50",
        "p90": "p90",
        "p95": "p95",
        "p99": "p99",
        "min": "min",
        "max": "max",
    }
)
_LATENCIES = _by_word(
    {
        "ttft": "ttft, time to first token, first token, first token latency",
        "tpot": "tpot, time per output token",
        "itl": "itl, inter token latency, intertoken latency",
        "e2e": "e2e, e2el, e2e latency, end to end, end to end latency, latency, total, total time, "
        "total latency, total duration, request latency, response time",
    }
)
_REQUEST = _by_word(
    {
        "ttft_s": "ttft",
        "tpot_s": "tpot",
        "itl_s": "itl",
        "total_s": "e2e",
        "load_s": "load, load time, load duration",
        "prompt_eval_s": "prompt eval, prompt eval time, prefill, prefill time",
        "eval_s": "eval, eval time, decode, decode time",
        "prompt_tokens": "prompt tokens, input tokens, input len, prompt eval count",
        "output_tokens": "output tokens, completion tokens, generated tokens, output len, eval count",
        "prompt_id": "prompt id, prompt index",
    }
)
_SERVING = _by_word(
    {
        "concurrency": "concurrency, max concurrency, num concurrent requests",
        "requests_ok": "completed, successful requests, requests ok",
        "requests_failed": "failed requests, requests failed, num failed",
        "duration_s": "duration, benchmark duration",
        "requests_per_s": "reqrate",
    }
)
_TIMING = {
    "mean": "mean_s",
    "std": "std_s",
    "min": "min_s",
    "max": "max_s",
    "p50": "median_s",
    "p90": "p90_s",
    "p95": "p95_s",
    "p99": "p99_s",
}
_TEXT = _by_word(
    {
        "model": "model, model name, model id",
        "hardware": "gpu, gpu name, hardware",
        "engine": "engine, backend",
        "quantization": "quant, quantization, quantisation",
        "run_id": "run, run id",
        "workload": "workload, dataset",
    }
)
_CASE = frozenset({"case", "benchmark", "name", "test", "kernel", "op", "operation"})
_TIME = frozenset({"timestamp", "time", "date", "datetime", "created at", "start time", "started at"})
FAILED_BY = _by_word(
    {
        "filled: true": "error, error_message, error_msg, exception, failure",
        "is: [false, 0]": "success, ok, succeeded",
    }
) | {"status": "is_not: [ok, success, 200]"}


def words(name: str) -> list[str]:
    """The words of a column name, rates as one word: "Mean TTFT (ms)" -> mean, ttft, ms."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    text = re.sub(r"[\s().\[\]-]+", "_", text)
    for pattern, word in _RATES:
        text = pattern.sub(word, text)
    return [word for word in re.split(r"[^0-9a-zµ]+", text) if word]


def unit_in(name: str) -> str | None:
    """The unit that `name` tells, as units.py knows it."""
    found = words(name)
    return (
        None
        if found == ["request", "rate"]
        else next((_UNITS[word] for word in reversed(found) if word in _UNITS), None)
    )


def field_named(name: str, table: str) -> str | None:
    """The field of `table` that `name` states; None where the rules leave it open."""
    found = words(name)
    stat = next((_STATS[word] for word in found if word in _STATS), None)
    rest = " ".join(word for word in found if word not in _STATS and (word not in _UNITS or "rate" in word))
    if rest in _TEXT and stat is None:
        return _TEXT[rest]
    if table == "serving_runs":
        return _serving(rest, stat)
    return _timing(rest, stat) if table == "timings" else _request(rest, stat)


def _request(rest: str, stat: str | None) -> str | None:
    if stat is not None:
        return None
    return _REQUEST.get(_LATENCIES.get(rest, rest))


def _serving(rest: str, stat: str | None) -> str | None:
    if rest in _LATENCIES:
        return f"{_LATENCIES[rest]}_s_{stat}" if stat in ("mean", "std", "p50", "p90", "p95", "p99") else None
    return _SERVING.get(rest) if stat in (None, "mean") else None


def _timing(rest: str, stat: str | None) -> str | None:
    if stat is None:
        return "case" if rest in _CASE else None
    return _TIMING[stat] if rest in ("", "time", "latency", "duration", "run time", "runtime") else None


def role(name: str) -> str | None:
    """time, failed or option, for a column that is no field; None otherwise."""
    plain = name.strip().lower()
    if plain in FAILED_BY:
        return "failed"
    if " ".join(words(name)) in _TIME:
        return "time"
    return "option" if plain in redact.OPTION_KEYS else None
