"""How long the audit of a 100 kB report against 10,000 facts takes, beside looking every number up by value.

    python benchmarks/audit_speed.py [--facts 10000] [--kilobytes 100]

All data are synthetic and seeded. Prints the times, the ratio and what each way says of the same report.
"""

from __future__ import annotations

import argparse
import random
import time

from chimera_pipeline.audit import FactView, Verdict, audit
from chimera_pipeline.audit.facts_read import facts_from_rows
from chimera_pipeline.audit.numerals import numerals
from chimera_pipeline.audit.rivals import ValueIndex

METRICS = (
    ("decode_tokens_per_s", "decode throughput", "tokens/s", "tok/s", 100.0),
    ("ttft_s", "TTFT", "s", "s", 0.4),
    ("total_s", "end-to-end latency", "s", "s", 5.0),
    ("load_s", "model load time", "s", "s", 2.0),
    ("compile_s", "compile time", "s", "s", 20.0),
)
STATISTICS = ("mean", "median", "min", "max")


def facts(count: int, rng: random.Random) -> list[FactView]:
    """`count` facts of entities with five metrics and four statistics each."""
    rows = []
    for number in range(count):
        metric, _, unit, _, scale = METRICS[number % 5]
        rows.append(
            {
                "id": f"f{number}",
                "metric": metric,
                "statistic": STATISTICS[number // 5 % 4],
                "entity": f"model{number // 20}:{number // 20 % 9 + 1}b-q4_0",
                "condition": "warm" if metric == "ttft_s" else "",
                "value": round(rng.uniform(0.5, 1.5) * scale, 6),
                "unit": unit,
                "n": 5,
            }
        )
    return facts_from_rows(rows)


def report(known: list[FactView], size: int, rng: random.Random) -> str:
    """A report of about `size` bytes: sections, sentences, tables; every tenth number is wrong."""
    words = {name: (phrase, unit) for name, phrase, _, unit, _ in METRICS}
    blocks: list[str] = ["# Benchmark report\n"]
    length = 0
    while length < size:
        chosen = [rng.choice(known) for _ in range(8)]
        lines = [f"## Section {len(blocks)}\n"]
        for fact in chosen[:5]:
            phrase, unit = words[fact.key]
            lines.append(
                f"The {fact.statistic} {phrase} of {fact.entity} was {_printed(fact, rng)} {unit} "
                f"over {fact.n} runs, on 2025-10-08."
            )
        rows = [
            f"| {f.statistic} {words[f.key][0]} | {f.entity} | {_printed(f, rng)} | {words[f.key][1]} | {f.n} |"
            for f in chosen[5:]
        ]
        block = (
            "\n".join(lines)
            + "\n\n| Metric | Series | Value | Unit | n |\n|---|---|---|---|---|\n"
            + "\n".join(rows)
            + "\n"
        )
        blocks.append(block)
        length += len(block)
    return "\n".join(blocks)


def _printed(fact: FactView, rng: random.Random) -> str:
    return f"{float(fact.value) * (1.07 if rng.random() < 0.1 else 1):.4g}"


def by_value(text: str, known: list[FactView]) -> int:
    """Numbers of the text that occur in no fact."""
    values = ValueIndex(known)
    return sum(not values.occurs(number.printed) for number in numerals(text))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=10_000)
    parser.add_argument("--kilobytes", type=int, default=100)
    options = parser.parse_args()
    rng = random.Random(1)
    known = facts(options.facts, rng)
    text = report(known, options.kilobytes * 1000, rng)
    started = time.perf_counter()
    result = audit(text, known)
    linked = time.perf_counter() - started
    started = time.perf_counter()
    by_value(text, known)
    looked_up = time.perf_counter() - started
    counts = {str(verdict): sum(claim.verdict is verdict for claim in result.claims) for verdict in Verdict}
    print(f"{len(text):,} bytes, {len(known):,} facts, {len(result.claims):,} claims: {counts}")
    print(f"audit {linked:.2f} s; look-up by value {looked_up:.2f} s; ratio {linked / looked_up:.1f}")
    print(f"random numbers accepted: {result.chance_rate}; found by value: {result.chance_rate_by_value}")


if __name__ == "__main__":
    main()
