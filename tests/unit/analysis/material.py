"""Facts, statements and gaps for the tests of the model part; every value is invented."""

from __future__ import annotations

import datetime as dt

from chimera_pipeline.analysis import profiles
from chimera_pipeline.analysis.model import Probe
from chimera_pipeline.records import Fact, Gap, Slot, Statement
from tests.doubles.ollama_server import DIGEST

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
READS = Probe(DIGEST, "content")
FOLLOWS = Probe(DIGEST, "position")


def fact(name: str, metric: str, value: float, entity: str, condition: str = "prompt suite", **more: object) -> Fact:
    unit = "tokens/s" if metric.endswith("per_s") else "s"
    fields = {
        "id": name,
        "kind": "level",
        "metric": metric,
        "statistic": "mean",
        "entity": entity,
        "condition": condition,
        "value": value,
        "unit": unit,
        "n": 5,
        "period": "all",
        "grade": "from_samples",
        "text": f"{entity} {value} {unit}",
        **more,
    }
    return Fact(**fields)  # type: ignore[arg-type]


def facts(a: str = "model-a:7b", b: str = "model-b:1b") -> list[Fact]:
    return [
        fact("f1", "decode_tokens_per_s", 102.2, a),
        fact("f2", "decode_tokens_per_s", 183.4, b),
        fact("f3", "ttft_s", 2.5, a, "cold, prompt suite", n=1),
        fact("f4", "ttft_s", 0.12, a, "warm, prompt suite"),
        fact("f5", "requests", 3.0, "artifacts", "failed", kind="inventory", unit="requests"),
        fact("f6", "telemetry_gaps", 4.0, "artifacts", "no warmup info", kind="gap", unit="gaps"),
        fact("f7", "decode_tokens_per_s", 90.0, a, "num_ctx=512", n=5),
        fact("f8", "total_s", 3.2, b, "prompt suite"),
    ]


def statements(a: str = "model-a:7b", b: str = "model-b:1b") -> list[Statement]:
    def told(name: str, kind: str, weight: float, *parts: str | Slot, always: bool = False) -> Statement:
        ids = tuple(dict.fromkeys(part.fact_id for part in parts if isinstance(part, Slot)))
        return Statement(f"st_{name}", kind, parts, ids, weight, always)

    rate_a, rate_b = Slot("f1", "102.2 tokens/s"), Slot("f2", "183.4 tokens/s")
    cold, warm = Slot("f3", "2.500 s"), Slot("f4", "0.1200 s")
    mean = "Mean decode throughput of"
    return [
        told("rank", "rank", 5.0, f"Measured mean decode throughput: {b} ", rate_b, f"; {a} ", rate_a, "."),
        told("cold", "cold_vs_warm", 4.5, f"TTFT of {a}: a single call cold ", cold, ", mean warm ", warm, "."),
        told("a", "level", 3.0, f"{mean} {a} is ", rate_a, "."),
        told("b", "level", 3.0, f"{mean} {b} is ", rate_b, "."),
        told("ctx", "level", 2.9, f"{mean} {a} (num_ctx=512) is ", Slot("f7", "90.00 tokens/s"), "."),
        told("total", "level", 2.0, f"Mean end-to-end latency of {b} is ", Slot("f8", "3.200 s"), "."),
        told("failed", "quality", 6.0, Slot("f5", "3"), " requests failed; they enter no mean.", always=True),
        told("gap", "gap", 1.0, Slot("f6", "4"), " telemetry gaps of kind “no warmup info”.", always=True),
    ]


def gaps() -> list[Gap]:
    return [
        Gap("no_warmup_info", "llm_requests", "runs.csv", "load_s", ("runs.csv",), 4),
        Gap("missing_field", "llm_requests", "runs.csv", "output_tokens", remedy="record the output token count"),
    ]


def by_id(found: list[Fact]) -> dict[str, Fact]:
    return {item.id: item for item in found}


def quick(name: str = "baseline", **more: object) -> profiles.Profile:
    """A profile whose deadlines suit a test."""
    profile = profiles.load(name)
    bounds = profile.bounds.model_copy(
        update={"first_token_s": 0.6, "idle_s": 0.6, "total_s": 1.5, "max_bytes": 200_000}
    )
    return profile.model_copy(update={"bounds": bounds, **more})
