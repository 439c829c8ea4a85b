"""What stands between two arms beside what they are compared for: phase, lengths, order, a first call inside.

In: two arms. Out: keys that end a comparison as not comparable, and caveats that stand beside its verdict.
"""

from __future__ import annotations

from chimera_pipeline.facts.comparisons_arms import Arm, Place, plain

LENGTH_RATIO = 1.1
_LENGTHS = {"output_tokens": ("eval_s", "total_s"), "prompt_tokens": ("ttft_s", "prompt_eval_s", "total_s")}
_WITH_LOAD = ("ttft_s", "total_s", "serving_ttft_s", "serving_e2e_s")
_ORDINAL = {"head": "former", "base": "latter"}


def confounds(base: Arm, head: Arm, *, same_items: bool) -> tuple[list[str], list[str]]:
    """(keys that make the arms not comparable, caveats that only weaken)."""
    keys, caveats = [], []
    if base.phase != head.phase:
        keys.append(f"phase ({base.phase} against {head.phase})")
    elif base.cold.all() != head.cold.all():
        keys.append("phase (cold against warm)")
    if base.unit != head.unit:
        keys.append("unit")
    if base.first_call_inside or head.first_call_inside:
        keys.append("whether a first call is inside the mean")
    behind = lengths_behind(base.metric.name)
    if "output_tokens" in behind and _lengths_differ(base, head, "output_tokens"):
        keys.append("output length")
    if "prompt_tokens" in behind and not same_items and _lengths_differ(base, head, "prompt_tokens"):
        keys.append("prompt length")
    first = _always_first(base, head)
    if first is not None and base.metric.name in _WITH_LOAD and not (base.load_known and head.load_known):
        keys.append(f"which of them paid for model load: none is recorded, the {_ORDINAL[first]} always ran first")
    elif first is not None:
        caveats.append(f"the arms were not interleaved: the {_ORDINAL[first]} always ran first")
    if not (plain(base.series.get("hardware")) or plain(head.series.get("hardware"))):
        caveats.append("no hardware is recorded")
    return keys, caveats


def lengths_behind(metric: str) -> tuple[str, ...]:
    """The lengths (prompt_tokens, output_tokens) that a metric of one request depends on."""
    return tuple(name for name, metrics in _LENGTHS.items() if metric in metrics)


def _lengths_differ(base: Arm, head: Arm, name: str) -> bool:
    a, b = (base.lengths or {}).get(name), (head.lengths or {}).get(name)
    if a is None or b is None or min(a, b) <= 0:
        return False
    return max(a, b) / min(a, b) > LENGTH_RATIO


def _always_first(base: Arm, head: Arm) -> str | None:
    """base or head, where each file with both holds all of that one before all of the other; None else.

    A single file with one value of each says nothing about order.
    """
    left, right = base.files(), head.files()
    shared = sorted(left.keys() & right.keys())
    if not shared or (len(shared) == 1 and min(left[shared[0]][0], right[shared[0]][0]) < 2):
        return None
    firsts = {_first(left[path][1:], right[path][1:]) for path in shared}
    return firsts.pop() if len(firsts) == 1 else None


def _first(base: tuple[Place, Place], head: tuple[Place, Place]) -> str | None:
    """Each side by its first and its last place."""
    if base[1] < head[0]:
        return "base"
    return "head" if head[1] < base[0] else None
