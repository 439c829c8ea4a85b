"""Each figure that the oracle states of a file, beside the same figure from what the readers read.

One entry of `FIGURES` a name of the oracle; a name without entry is an error, so that nothing goes uncompared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.records import Reading, Row

Found = Iterator[tuple[str, Any, Any]]
Figure = Callable[[Reading, Any, dict[str, Any]], Found]

REQUESTS = {
    "ttft_s": "ttft_s", "decode_tokens_per_s": "decode_tokens_per_s", "load_s": "load_s", "eval_s": "eval_s",
    "prompt_eval_s": "prompt_eval_s", "output_tokens": "output_tokens", "prompt_tokens": "prompt_tokens",
    "generation_time_s": "total_s", "end_to_end_tokens_per_s": "end_to_end_tokens_per_s",
    "end_to_end_latency_s": "total_s", "inter_token_latency_s": "itl_s",
    "request_output_tokens_per_s": "end_to_end_tokens_per_s",
}  # fmt: skip


def figures(path: str, known: dict[str, Any], reading: Reading) -> Found:
    """(name, ours, the oracle's) for each figure. Raises KeyError for a name that is not in FIGURES."""
    metrics = known["metrics"] or {}
    for name, stated in metrics.items():
        if name in NAMED_BY_THE_FILE:
            continue
        if reading.rows.get("throughputs") and name in ("decode_tokens_per_s", "prompt_tokens_per_s"):
            yield name, _rates(reading, "tg" if name.startswith("decode") else "pp"), stated or _none()
        elif name in REQUESTS:
            yield name, _values(reading, REQUESTS[name]), stated or _none()
        elif known["tool"] and "custom" in known["kind"]:
            yield from _custom(reading, name, stated)
        elif "quality" in known["kind"]:
            yield from _quality(reading, name, stated)
        else:
            yield from FIGURES[name](reading, stated, known)
    for model, stated in (known.get("per_model") or {}).items():
        rows = [row for row in reading.rows.get("llm_requests", []) if row.get("model") == model]
        yield f"{model} rows", len(rows), stated["rows"]
        yield f"{model} rows_failed", sum(row["status"] == "failed" for row in rows), stated["rows_failed"]
        for name in ("ttft_s", "decode_tokens_per_s"):
            values = [row[name] for row in rows if row["status"] == "ok" and row.get(name) is not None]
            yield f"{model} {name}", values, stated.get(name) or _none()


def _none() -> dict[str, Any]:
    """What the oracle says of a metric without values."""
    return {"n": 0, "mean": None, "p50": None, "p95_linear": None, "min": None, "max": None}


def _ok(reading: Reading, table: str = "llm_requests") -> list[Row]:
    return [row for row in reading.rows.get(table, []) if row.get("status", "ok") == "ok"]


def _values(reading: Reading, field: str) -> list[float]:
    return [row[field] for row in _ok(reading) if row.get(field) is not None]


def _rates(reading: Reading, case: str) -> list[float]:
    return [row["rate_mean"] for row in _ok(reading, "throughputs") if row["case"].startswith(case)]


def _beside(reading: Reading, metric: str, statistic: str, locator: str = "") -> list[float]:
    return [
        row["value"]
        for row in reading.rows.get("measurements", [])
        if (row["metric"], row["statistic"]) == (metric, statistic) and row["locator"].startswith(locator)
    ]


def _with_failures(field: str) -> Figure:
    def figure(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
        """What the mean would be if failed requests entered it as zeros: they are known, and kept out."""
        yield f"{field} with failures as zeros", _values(reading, field) + [0.0] * reading.records_failed, stated

    return figure


def _weighted(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    rows = [row for row in _ok(reading) if row.get("eval_s") and row.get("output_tokens") is not None]
    seconds = sum(row["eval_s"] for row in rows)
    yield "decode rate, total over total", sum(row["output_tokens"] for row in rows) / seconds if rows else None, stated


def _sum(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    yield "output tokens, sum", sum(_values(reading, "output_tokens")), stated


def _warm(reading: Reading, stated: Any, known: dict[str, Any]) -> Found:
    rows = [row for row in _ok(reading) if row.get("load_s") is not None]
    yield "ttft_s of warm rows", [row["ttft_s"] for row in rows if row["load_s"] <= 0.5], stated or _none()
    all_rows = reading.rows.get("llm_requests", [])
    cold = [n for n, row in enumerate(all_rows, 1) if (row.get("load_s") or 0.0) > 0.5]
    yield "rows with a load above 0.5 s", cold, known.get("cold_rows_load_gt_0.5s")


def _without_first(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    rows = reading.rows.get("llm_requests", [])[1:]
    yield "ttft_s without the first row", [row["ttft_s"] for row in rows if row["status"] == "ok"], stated


def _summaries(field: str, scale: float = 1.0) -> Figure:
    def figure(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
        values = [one.stats[field][0] * scale for one in reading.summaries if field in one.stats]
        yield field, values if isinstance(stated, dict) else values[0], stated

    return figure


def _per_model(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    found = {one.where["model"]: one.stats for one in reading.summaries}
    yield "models of the summary", sorted(found), sorted(stated)
    names = {"completed": "ok:count", "prompt_count": "rows:count", "mean_ttft_s": "ttft_s:mean",
             "mean_decode_tokens_per_s": "decode_tokens_per_s:mean"}  # fmt: skip
    for model, figures in stated.items():
        for name, ours in names.items():
            yield f"{model} {name}", found[model].get(ours, (None,))[0], figures[name]


def _per_backend(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    rows = {row["backend"]: row for row in reading.rows["timings"]}
    yield "backends", sorted(rows), sorted(stated)
    for name, figures in stated.items():
        yield f"{name} failed", rows[name]["status"] == "failed", figures["failed"]
        for ours in ("mean_s", "std_s", "min_s", "max_s"):
            if not figures["failed"]:
                yield f"{name} {ours}", rows[name].get(ours), figures[ours]
            else:
                yield f"{name} {ours} of a failed backend", rows[name].get(ours) is None, True
        yield f"{name} compile_s", rows[name].get("compile_s"), figures["compile_time_s"]


def _per_kernel(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    rows = {row["case"]: row for row in reading.rows["timings"]}
    yield "kernels", sorted(rows), sorted(stated)
    for name, figures in stated.items():
        for ours in ("mean_s", "std_s", "min_s", "max_s"):
            yield f"{name} {ours}", rows[name][ours], figures[ours]


def _of_timings(field: str) -> Figure:
    def figure(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
        yield field, sorted({row[field] for row in reading.rows["timings"] if row.get(field) is not None}), [stated]

    return figure


def _per_agent(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    rows = {f"run{int(row['locator'].split('/')[1]) + 1}/{row['locator'].split('/')[2]}": row
            for row in reading.rows["serving_runs"]}  # fmt: skip
    yield "agents", sorted(rows), sorted(stated)
    for name, figures in stated.items():
        row = rows[name]
        yield f"{name} requests", row["requests_ok"], figures["requests"]
        yield f"{name} ttft_s", row["ttft_s_mean"], figures["ttft_s"]
        yield f"{name} start", row["measured_at"][:26], figures["start_time_naive"]
        for metric, statistic, theirs in (
            ("decode_tokens_per_s", "mean", "decode_tokens_per_s"),
            ("serving_e2e_s", "sum", "total_duration_s"),
            ("serving_output_tokens", "sum", "tokens"),
        ):
            (value,) = _beside(reading, metric, statistic, row["locator"] + "/") or [None]
            yield f"{name} {theirs}", value, figures[theirs]


def _times(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    found = []
    for row in _ok(reading, "timings"):
        found += [row[name] for name in ("mean_s", "median_s", "min_s") if row.get(name) is not None][:1]
    yield "time of a case", found, stated


def _measured(reading: Reading) -> list[Row]:
    """Timings with a value or a failure: a fixture of the tool has rows without any time."""
    rows = reading.rows["timings"]
    return [row for row in rows if row.get("mean_s") is not None or row["status"] == "failed"]


def _custom(reading: Reading, name: str, stated: Any) -> Found:
    found = {row["case"].replace("_", " "): row for row in reading.rows["measurements"]}
    scale = 1e6 if stated["unit"] == "Megabytes" else 1.0
    # a name of eight words or more is stored as its hash (ADR 0035)
    yield name, found[name if name in found else redact.held(name)]["value"], stated["value"] * scale


def _quality(reading: Reading, name: str, stated: Any) -> Found:
    rows = {row["metric"]: row["value"] for row in reading.rows["evaluations"] if row["quantization"] == name}
    for metric in ("accuracy", "loss"):
        yield f"{name} {metric}", rows.get(metric), stated[metric]


def _count(name: str, count: Callable[[Reading], Any]) -> Figure:
    def figure(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
        yield name, count(reading), stated

    return figure


def _memory(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    yield "object bytes", _beside(reading, "object_bytes", "sample"), stated or _none()


def _per_command(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    for row, figures in zip(reading.rows["timings"], stated, strict=True):
        yield "command", row["case"], figures["command"].replace(" ", "_")
        for ours, theirs in (("mean_s", "mean_s"), ("std_s", "stddev_s"), ("median_s", "median_s"), ("n", "runs")):
            yield f"{figures['command']} {theirs}", row[ours], figures[theirs]


def _per_benchmark(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    names = {"requests_successful": "requests_ok", "requests_errored": "requests_failed", "ttft_mean_s": "ttft_s_mean",
             "ttft_median_s": "ttft_s_p50", "output_tokens_per_s": "output_tokens_per_s", "itl_mean_s": "itl_s_mean",
             "request_latency_mean_s": "e2e_s_mean"}  # fmt: skip
    for position, (row, figures) in enumerate(zip(reading.rows["serving_runs"], stated, strict=True), 1):
        for theirs, ours in names.items():
            yield f"benchmark {position} {theirs}", row[ours], figures[theirs]


def _per_row(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    for row, figures in zip(reading.rows["throughputs"], stated, strict=True):
        yield "benchmark", row["case"], figures["benchmark"]
        yield "score", row["rate_mean"], figures["score"]


def _point(field: str) -> Figure:
    def figure(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
        (row,) = reading.rows["serving_runs"]
        yield field, row[field], stated

    return figure


def _case(field: str) -> Figure:
    """A figure over the runs of one timing: what the pipeline would say of them, from their means."""

    def figure(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
        rows = reading.rows["timings"]
        values = sorted(row[field] for row in rows)
        yield f"{field} of the run" if len(rows) == 1 else f"{field} over runs", sum(values) / len(values), stated

    return figure


def _middle_of_runs(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    """The file's percentiles are those of its run means; of a single run they are its own."""
    rows = reading.rows["timings"]
    values = sorted(row["mean_s"] for row in rows)
    yield "p50 (of run means)", rows[0]["median_s"] if len(rows) == 1 else values[len(values) // 2], stated


def _largest(field: str) -> Figure:
    def figure(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
        rows = reading.rows["timings"]
        yield (
            f"{field} (largest run mean)",
            rows[0][field] if len(rows) == 1 else max(r["mean_s"] for r in rows),
            stated,
        )

    return figure


def _scores(metric: str) -> Figure:
    def figure(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
        yield metric, [row["value"] for row in reading.rows["evaluations"] if row["metric"] == metric], stated

    return figure


def _spread(reading: Reading, stated: Any, _: dict[str, Any]) -> Found:
    """Percent, of the run means, with the divisor n (as the file states it)."""
    values = [row["mean_s"] for row in reading.rows["timings"]]
    mean = sum(values) / len(values)
    yield "cv of run means", 100 * (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5 / mean, stated


NAMED_BY_THE_FILE = frozenset({"time_units", "unit_row", "aggregate_rows", "names"})
"""What the file calls its units and cases, and rows that are no records: nothing that is measured."""

FIGURES: dict[str, Figure] = {
    "ttft_s__if_failures_were_wrongly_counted": _with_failures("ttft_s"),
    "decode_tokens_per_s__if_failures_were_wrongly_counted": _with_failures("decode_tokens_per_s"),
    "decode_tokens_per_s__token_weighted": _weighted,
    "output_tokens_sum": _sum,
    "ttft_s__warm_rows_only": _warm,
    "ttft_s__without_first_row": _without_first,
    "mean_of_mean_decode_tokens_per_s": _summaries("decode_tokens_per_s:mean"),
    "mean_of_mean_ttft_s": _summaries("ttft_s:mean"),
    "speedup": _summaries("agent_speedup:mean"),
    "efficiency": _summaries("agent_efficiency:mean", 100),
    "ttft_delta_s": _summaries("agent_ttft_delta_s:mean"),
    "per_model": _per_model,
    "per_backend": _per_backend,
    "per_kernel": _per_kernel,
    "device": _of_timings("device"),
    "runs_per_backend": _of_timings("n"),
    "per_agent": _per_agent,
    "time_s": _times,
    "mean_s": _times,
    "real_time_s": _times,
    "mean_of_means_s": _times,
    "rounds": _count("rounds", lambda reading: [row["n"] for row in reading.rows["timings"]]),
    "measurement_rows": _count("measurement rows", lambda reading: len(_measured(reading))),
    "mem_bytes": _memory,
    "per_command": _per_command,
    "per_benchmark": _per_benchmark,
    "per_row": _per_row,
    "gpu_time_duration_s": _case("mean_s"),
    "requests": _point("requests_ok"),
    "failures": _point("requests_failed"),
    "response_time_mean_s": _point("e2e_s_mean"),
    "response_time_p50_s": _point("e2e_s_p50"),
    "response_time_p99_s": _point("e2e_s_p99"),
    "requests_per_s": _point("requests_per_s"),
    "ttft_mean_s": _summaries("ttft_s:mean"),
    "ttft_p50_s": _summaries("ttft_s:p50"),
    "itl_mean_s": _summaries("itl_s:mean"),
    "num_completed_requests": _point("requests_ok"),
    "number_errors": _point("requests_failed"),
    "output_throughput_tok_s": _point("output_tokens_per_s"),
    "tasks": _count("tasks", lambda reading: len({row["task"] for row in reading.rows["evaluations"]})),
    "acc": _scores("acc"),
    "acc_norm": _scores("acc_norm"),
    "metric_names": _count("metric names", lambda reading: sorted({r["metric"] for r in reading.rows["evaluations"]})),
    "prompt_tokens_per_s": _count("prompt_tokens_per_s", lambda reading: _rates(reading, "pp")),
    "rows_pp": _count("pp rows", lambda reading: len(_rates(reading, "pp"))),
    "rows_tg": _count("tg rows", lambda reading: len(_rates(reading, "tg"))),
    "rows_mixed": _count("mixed rows", lambda r: len([x for x in r.rows["throughputs"] if "+" in x["case"]])),
    "avg_test_s": _count("time of a test", lambda reading: _beside(reading, "case_time_s", "mean")),
    "avg_power_w": _count("power", lambda reading: _beside(reading, "power_w", "mean")),
    "runs": _count("runs", lambda reading: len(reading.rows["timings"])),
    "samples_per_run": _count("samples per run", lambda reading: reading.rows["timings"][0]["n"]),
    "samples": _count("samples", lambda reading: reading.rows["timings"][0]["n"]),
    "latency_mean_s": _case("mean_s"),
    "latency_mean_recomputed_s": _case("mean_s"),
    "latency_std_s": _case("std_s"),
    "latency_p50_s": _middle_of_runs,
    "latency_p95_s": _largest("p95_s"),
    "latency_p99_s": _largest("p99_s"),
    "cv_percent": _spread,
}
