"""What a run keeps of its model calls: who answered, where it ran, what it took. JSON values only.

Everything here differs between equal runs, so it is published under `run` and in the run metrics alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chimera_pipeline.analysis import gpu
from chimera_pipeline.analysis.calls import unexplained_s
from chimera_pipeline.analysis.model import Analysis
from chimera_pipeline.analysis.profiles import Profile

_OPTIONS = ("num_gpu", "num_ctx", "temperature", "top_p", "top_k", "repeat_penalty", "seed")


def plain(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows as JSON has them."""
    out: list[dict[str, Any]] = json.loads(json.dumps([dict(row) for row in rows], default=str))
    return out


def distinct(gaps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Gaps of both agents: one of a kind and subject, with the places of both."""
    out: dict[tuple[str, str], dict[str, Any]] = {}
    for gap in gaps:
        kept = out.setdefault((gap["kind"], gap["subject"]), {**gap, "count": 0})
        kept["count"] = gap["count"] if gap["kind"] == "no_gpu_used" else kept["count"] + gap["count"]
    return list(out.values())


def model(result: Analysis, profile: Profile) -> dict[str, Any] | None:
    """The model that answered, the device that served it, and the options it was called with."""
    if result.model is None:
        return None
    options = {key: getattr(profile, key) for key in _OPTIONS if getattr(profile, key) is not None}
    return {
        "provider": result.model.provider,
        "model": result.model.name,
        "digest": result.model.digest,
        "device": result.model.device,
        "gpu_share": result.model.gpu_share,
        "options": options,
    }


def summary(
    answered: Mapping[str, Any] | None,
    profile: str,
    calls: Sequence[Mapping[str, Any]],
    samples: Sequence[Mapping[str, Any]],
) -> dict[str, Any] | None:
    """The object `llm` of the contract: who answered, and the sums over the calls that succeeded."""
    if not calls or answered is None:
        return None
    ok = [call for call in calls if call.get("status") == "ok"]

    def total(name: str) -> float | None:
        found = [call[name] for call in ok if call.get(name) is not None]
        return float(sum(found)) if found else None

    output, decode = total("output_tokens"), total("eval_s")
    rests = [rest for call in ok if (rest := unexplained_s(call)) is not None]
    return {
        **{key: answered[key] for key in ("provider", "model", "digest", "device", "gpu_share")},
        "profile": profile,
        "options": answered["options"],
        "calls": [{**call, "unexplained_s": unexplained_s(call)} for call in calls],
        "succeeded": len(ok),
        "throughput_tokens_per_s": output / decode if output and decode else None,
        "ttft_s": next((call["ttft_s"] for call in reversed(ok) if call.get("ttft_s") is not None), None),
        "total_duration_s": total("total_s"),
        "load_duration_s": total("load_s"),
        "prompt_eval_duration_s": total("prompt_eval_s"),
        "eval_duration_s": decode,
        "unexplained_s": sum(rests) if rests else None,
        "prompt_tokens": total("prompt_tokens"),
        "output_tokens": output,
        "gpu": gpu.summary(dict(row) for row in samples),
    }
