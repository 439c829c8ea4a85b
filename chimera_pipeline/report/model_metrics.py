"""The run metrics of the model calls, as the report prints them: not facts of artifacts, so they carry no label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chimera_pipeline import wording

_ROWS = (
    ("Throughput", "throughput_tokens_per_s", "tokens/s"),
    ("TTFT", "ttft_s", "s"),
    ("Total duration", "total_duration_s", "s"),
    ("Tokens generated", "output_tokens", "tokens"),
    ("Prompt tokens", "prompt_tokens", "tokens"),
    ("Prompt eval", "prompt_eval_duration_s", "s"),
    ("Eval duration", "eval_duration_s", "s"),
    ("Load duration", "load_duration_s", "s"),
    ("Unexplained time", "unexplained_s", "s"),
)
FIGURES = frozenset({"Calls", "Calls answered", *(name for name, _, _ in _ROWS)})
"""Rows that are one number, which the audit holds against the run's own figures; the others are quoted."""
CALL_HEADS = (
    "Call", "Result", "Call TTFT", "Call total", "Call load", "Call prompt eval", "Call eval", "Call unexplained",
    "Call prompt", "Call output",
)  # fmt: skip
"""Heads of the figures of a call, which the audit holds against the run's own: no other table has them."""
_CALL = (
    ("ttft_s", "s"),
    ("total_s", "s"),
    ("load_s", "s"),
    ("prompt_eval_s", "s"),
    ("eval_s", "s"),
    ("unexplained_s", "s"),
    ("prompt_tokens", "tokens"),
    ("output_tokens", "tokens"),
)


def rows(llm: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, value with unit) of each metric; a dash where the server did not state it."""
    yield "Provider and model", f"{llm['provider']}, {llm['model']}"
    yield "Digest", str(llm["digest"] or "not stated")
    yield "GPU layers asked for", str(llm["options"].get("num_gpu", "left to the server"))
    share = llm.get("gpu_share")
    yield (
        "Device that served",
        str(llm["device"] or "not stated")
        + (f", {wording.percent(share)} of the model in GPU memory" if share is not None else ""),
    )
    yield "Calls", str(len(llm["calls"]))
    yield "Calls answered", str(llm["succeeded"])
    for name, key, unit in _ROWS:
        yield name, _shown(llm.get(key), unit)
    for entry in llm.get("gpu", ()):
        name = f"{entry['device']} {entry['metric'].replace('_', ' ')}"
        mean, most = (wording.quantity(float(entry[key]), entry["unit"]) for key in ("mean", "max"))
        yield name, f"mean {mean}, max {most}, {entry['n']} samples"


def calls(llm: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row of `CALL_HEADS` for each call, in the order they were made."""
    for call in llm["calls"]:
        result = "ok" if call["status"] == "ok" else str(call["error_kind"]).replace("_", " ")
        place = str(call["locator"]).partition("/")[2].replace("/", " ")
        yield place, result, *(_shown(call.get(key), unit) for key, unit in _CALL)


def _shown(value: float | None, unit: str) -> str:
    return "-" if value is None else wording.quantity(float(value), unit)
