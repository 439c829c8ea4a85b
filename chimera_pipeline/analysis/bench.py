"""Measuring a provider: a prompt suite as an honest artifact, and profiles against each other.

The artifact has the layout of per-request scripts, so that the pipeline's own readers take it. `ttft_s` is the
server's load and prompt evaluation, as that layout defines it; what the client saw is `client_ttft_s`. Nothing is
averaged here.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chimera_pipeline import atomic
from chimera_pipeline.analysis.model import Analysis, Mode
from chimera_pipeline.analysis.profiles import Profile
from chimera_pipeline.analysis.providers.numbers import rate
from chimera_pipeline.analysis.providers.protocol import Message, ModelError, ModelInfo, ModelReply, Provider

PROMPTS = (
    "Explain in three sentences what a key-value cache is in the inference of a language model.",
    "List five reasons why the first request to a model server takes longer than the next ones.",
    "Write a short paragraph on the difference between throughput and latency.",
    "Name four statistics that describe a latency distribution and say when each misleads.",
    "Describe how quantization changes the memory need of a model with eight billion weights.",
)
NUM_PREDICT = 128
Now = Callable[[], dt.datetime]


def run_suite(
    provider: Provider,
    profile: Profile,
    *,
    now: Now,
    prompts: Sequence[str] = PROMPTS,
    repeats: int = 1,
    num_predict: int = NUM_PREDICT,
    cold: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """The artifact of `repeats` passes over `prompts`, in an order drawn by `seed`.

    With `cold` the model is unloaded before the first request, where the provider can do so. A failed request
    keeps its error kind and no measurement. Raises ModelError where the provider cannot be described at all.
    """
    info = provider.describe()
    if cold:
        provider.unload()
    order = [index for _ in range(repeats) for index in range(len(prompts))]
    random.Random(seed).shuffle(order)
    results = [
        request(provider, profile, index, prompts[index], number, now=now, num_predict=num_predict)
        for number, index in enumerate(order)
    ]
    return document(provider, info, profile, results)


def document(provider: Provider, info: ModelInfo, profile: Profile, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Results with what they share; the device is asked for once the model has run."""
    with contextlib.suppress(ModelError):
        info = provider.describe()
    return {
        "model": info.name,
        "digest": info.digest,
        "engine": info.provider,
        "hardware": info.device,
        "quantization": info.quantization,
        "config_name": profile.name,
        "results": results,
    }


def request(
    provider: Provider,
    profile: Profile,
    index: int,
    prompt: str,
    number: int,
    *,
    now: Now,
    num_predict: int = NUM_PREDICT,
) -> dict[str, Any]:
    """One record of the suite. Its number leads the prompt, so that no prefix is answered from a cache."""
    options = profile.options(num_predict, seed=profile.seed + number)
    record: dict[str, Any] = {
        "prompt_index": index,
        "timestamp": now().astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "options": options.as_dict(),
    }
    try:
        messages = [Message("user", f"Request {number + 1}. {prompt}")]
        reply = provider.chat(messages, None, options, profile.deadlines)
    except ModelError as error:
        return {**record, **dict.fromkeys(_MEASURED), "error": str(error.kind)}
    return {**record, **measured(reply), "error": None}


_MEASURED = (
    *("ttft_s", "client_ttft_s", "tokens_s", "load_s", "prompt_eval_s", "eval_s", "total_s"),
    *("prompt_eval_count", "eval_count", "done_reason"),
)


def measured(reply: ModelReply) -> dict[str, Any]:
    """The measured fields of a record; null is unknown."""
    known = reply.load_s is not None and reply.prompt_eval_s is not None
    return {
        "ttft_s": (reply.load_s or 0.0) + (reply.prompt_eval_s or 0.0) if known else None,
        "client_ttft_s": reply.ttft_s,
        "tokens_s": rate(reply.output_tokens, reply.eval_s),
        "load_s": reply.load_s,
        "prompt_eval_s": reply.prompt_eval_s,
        "eval_s": reply.eval_s,
        "total_s": reply.total_s,
        "prompt_eval_count": reply.prompt_tokens,
        "eval_count": reply.output_tokens,
        "done_reason": reply.done_reason,
    }


def write(artifact: Mapping[str, Any], path: Path) -> None:
    """Publish an artifact as JSON. Raises InputError."""
    atomic.write_text(path, json.dumps(artifact, indent=2) + "\n")


@dataclass(slots=True)
class Arm:
    """One profile of a comparison: its records in the order they were made, and its analyses."""

    profile: Profile
    records: list[dict[str, Any]] = field(default_factory=list)
    analyses: list[Analysis] = field(default_factory=list)
    info: ModelInfo | None = None
    """What the provider says of the model while this profile's options hold; they decide on the device."""

    @property
    def fallback_rate(self) -> float | None:
        """Share of analyses that fell back to the deterministic narrative."""
        if not self.analyses:
            return None
        return sum(found.mode is Mode.DETERMINISTIC for found in self.analyses) / len(self.analyses)

    @property
    def grounded_share(self) -> float | None:
        """Share of the model's answers that passed verification; a failed call brought no answer."""
        tries = [attempt for found in self.analyses for attempt in found.attempts]
        return sum(not attempt.problems for attempt in tries) / len(tries) if tries else None


def compare(
    provider: Provider,
    profiles: Sequence[Profile],
    *,
    repeats: int,
    seed: int,
    now: Now,
    prompts: Sequence[str] = PROMPTS,
    num_predict: int = NUM_PREDICT,
    analyse: Callable[[Profile, int], Analysis] | None = None,
) -> list[Arm]:
    """Profiles side by side: blocks hold each profile once, in an order drawn by `seed`.

    A block of a profile begins with an unloaded model, so that its first request is cold and the rest are warm;
    both are kept and marked. `analyse(profile, block)` adds grounded share and fallback rate.
    """
    arms = {profile.name: Arm(profile) for profile in profiles}
    for block, name in _blocks(list(arms), repeats, seed):
        arm = arms[name]
        cold = provider.unload()
        for place, index in enumerate(_order(len(prompts), seed, block)):
            number = block * len(prompts) + place
            record = request(provider, arm.profile, index, prompts[index], number, now=now, num_predict=num_predict)
            phase = "cold" if place == 0 and cold else "unknown" if place == 0 else "warm"
            arm.records.append({**record, "block": block, "phase": phase})
        with contextlib.suppress(ModelError):
            arm.info = provider.describe()
        if analyse is not None:
            arm.analyses.append(analyse(arm.profile, block))
    return list(arms.values())


def _blocks(names: list[str], repeats: int, seed: int) -> Iterator[tuple[int, str]]:
    draw = random.Random(seed)
    for block in range(repeats):
        for name in draw.sample(names, len(names)):
            yield block, name


def _order(count: int, seed: int, block: int) -> list[int]:
    """The same order of prompts for every profile of a block, so that records pair."""
    return random.Random(f"{seed}/{block}").sample(range(count), count)


def pairs(a: Arm, b: Arm, field_name: str, *, phase: str = "warm") -> list[tuple[float, float]]:
    """Values of both arms for the same block and prompt, where both succeeded in `phase`."""

    def keyed(arm: Arm) -> dict[tuple[int, int], float]:
        return {
            (record["block"], record["prompt_index"]): record[field_name]
            for record in arm.records
            if record["phase"] == phase and record[field_name] is not None
        }

    first, second = keyed(a), keyed(b)
    return [(first[key], second[key]) for key in sorted(first.keys() & second.keys())]
