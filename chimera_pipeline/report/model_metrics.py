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
)


def rows(llm: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, value with unit) of each metric; a dash where the server did not state it."""
    yield "Provider and model", f"{llm['provider']}, {llm['model']}"
    yield "Digest", str(llm["digest"] or "not stated")
    yield "Device", str(llm["device"] or "not stated")
    yield "Calls", f"{len(llm['calls'])}, of which {llm['succeeded']} answered"
    for name, key, unit in _ROWS:
        value = llm.get(key)
        yield name, "-" if value is None else wording.quantity(float(value), unit)
